/** Programs, run from Node: the one place in the lab that starts a child process that it waits for. */
import { type ChildProcess, spawn } from "node:child_process";
import { appendFileSync, closeSync, openSync } from "node:fs";
import { constants } from "node:os";

/** What a program said, and how it ended. */
export interface RunResult {
  stdout: string;
  stderr: string;
  /** As a shell has it: 128 + the signal's number when a signal ended it. */
  exitCode: number;
}

/** How to run a program. */
export interface RunOptions {
  /** @default the caller's */
  cwd?: string;
  /** The whole environment. @default the caller's */
  env?: NodeJS.ProcessEnv;
  /** Its standard input. @default none */
  input?: string;
  /** After this it and what it started are killed, and the call fails. @default 120 */
  timeoutSeconds?: number;
  /** Called with each line, of both outputs, as it comes. */
  onLine?: (line: string) => void;
  /** A file that gets a copy of both outputs. */
  logFile?: string;
}

/**
 * Runs a program and collects what it says. A status other than 0 is a result, not an error.
 *
 * @throws Error when the program can't be started or runs out of time
 */
export async function run(
  command: string,
  args: readonly string[],
  options: RunOptions = {},
): Promise<RunResult> {
  const { timeoutSeconds = 120 } = options;
  const log = options.logFile === undefined ? undefined : openSync(options.logFile, "a");
  // A group of its own, so that its children end with it.
  const child = spawn(command, args, {
    cwd: options.cwd,
    env: options.env,
    detached: true,
    stdio: [options.input === undefined ? "ignore" : "pipe", "pipe", "pipe"],
  });
  running.add(child);
  const limit = { passed: false };
  const timer = setTimeout(() => {
    limit.passed = true;
    killGroup(child);
  }, timeoutSeconds * 1000);
  try {
    const [stdout, stderr, exitCode] = await Promise.all([
      collect(child.stdout, options.onLine, log),
      collect(child.stderr, options.onLine, log),
      new Promise<number>((resolve, reject) => {
        child.once("error", reject);
        child.once("close", (code, signal) => {
          resolve(code ?? 128 + signalNumber(signal));
        });
      }),
      child.stdin && sendInput(child.stdin, options.input ?? ""),
    ]);
    if (limit.passed) {
      throw new Error(
        `${describe(command, args)} was not done after ${timeoutSeconds} s and was ended; it last said:\n` +
          lastLines(stdout + stderr),
      );
    }
    return { stdout, stderr, exitCode };
  } finally {
    clearTimeout(timer);
    running.delete(child);
    if (log !== undefined) closeSync(log);
  }
}

/**
 * Runs a program that has to succeed, and gives its standard output.
 *
 * @throws Error with the last of what it said, when its status isn't 0; and as {@link run}
 */
export async function output(
  command: string,
  args: readonly string[],
  options: RunOptions = {},
): Promise<string> {
  const { stdout, stderr, exitCode } = await run(command, args, options);
  if (exitCode === 0) return stdout;
  const log = options.logFile === undefined ? "" : `\n(all of it: ${options.logFile})`;
  throw new Error(
    `${describe(command, args)} failed with status ${exitCode}:\n${lastLines(stdout + stderr)}${log}`,
  );
}

/**
 * Runs a program on the caller's terminal: its input, outputs and Ctrl-C are the caller's.
 *
 * @returns its exit status, 128 + the signal's number when a signal ended it
 * @throws Error when it can't be started
 */
export async function runOnTerminal(
  command: string,
  args: readonly string[],
  options: Pick<RunOptions, "cwd" | "env"> = {},
): Promise<number> {
  const child = spawn(command, args, { ...options, stdio: "inherit" });
  // A Ctrl-C reaches the child by itself; what it does with it is its own affair. A SIGTERM is sent to this process alone.
  const ignore = () => undefined;
  const forward = () => child.kill("SIGTERM");
  process.on("SIGINT", ignore);
  process.on("SIGTERM", forward);
  try {
    return await new Promise<number>((resolve, reject) => {
      child.once("error", reject);
      child.once("close", (code, signal) => {
        resolve(code ?? 128 + signalNumber(signal));
      });
    });
  } finally {
    process.off("SIGINT", ignore);
    process.off("SIGTERM", forward);
  }
}

/** The end of a long text, for an error message. */
export function lastLines(text: string, count = 25): string {
  return text.trimEnd().split("\n").slice(-count).join("\n");
}

/** What {@link run} has started and waits for. It ends with this process. */
const running = new Set<ChildProcess>();

process.once("exit", () => {
  running.forEach(killGroup);
});

function killGroup({ pid, exitCode, signalCode }: ChildProcess): void {
  if (pid !== undefined && exitCode === null && signalCode === null) process.kill(-pid, "SIGKILL");
}

async function collect(
  stream: NodeJS.ReadableStream | null,
  onLine: RunOptions["onLine"],
  log: number | undefined,
): Promise<string> {
  if (!stream) return "";
  stream.setEncoding("utf8");
  let text = "";
  let lineStart = 0;
  for await (const chunk of stream) {
    text += chunk.toString();
    if (log !== undefined) appendFileSync(log, chunk);
    for (let end; (end = text.indexOf("\n", lineStart)) >= 0; lineStart = end + 1) {
      onLine?.(text.slice(lineStart, end));
    }
  }
  return text;
}

/** A program may end without having read all of its input; its status tells then, not the broken pipe. */
function sendInput(stdin: NodeJS.WritableStream, text: string): Promise<void> {
  return new Promise((resolve, reject) => {
    stdin.once("error", (error: NodeJS.ErrnoException) => {
      if (error.code === "EPIPE") resolve();
      else reject(error);
    });
    stdin.end(text, resolve);
  });
}

function signalNumber(signal: NodeJS.Signals | null): number {
  return signal ? constants.signals[signal] : 0;
}

function describe(command: string, args: readonly string[]): string {
  const words = [command, ...args].join(" ");
  return words.length > 200 ? `${words.slice(0, 200)}…` : words;
}
