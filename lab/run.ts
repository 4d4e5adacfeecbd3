/**
 * Runs programs from Node: apart from daemons, the only place in the lab that starts child
 * processes.
 */
import { type ChildProcess, spawn } from "node:child_process";
import { appendFileSync, closeSync, openSync } from "node:fs";
import { constants } from "node:os";

import { limitSignal, withLimit } from "./limit";

/** A program's output and how it ended. */
export interface RunResult {
  stdout: string;
  stderr: string;
  /** As in a shell: 128 + the signal's number if a signal ended it. */
  exitCode: number;
}

/** How to start a program. */
export interface StartOptions {
  /** Working directory. @default the caller's */
  cwd?: string;
  /** The whole environment. @default the caller's */
  env?: NodeJS.ProcessEnv;
  /** Called with each line of either output as it arrives. */
  onLine?: (line: string) => void;
  /** A file to copy both outputs to. */
  logFile?: string;
}

/** How to run a program. */
export interface RunOptions extends StartOptions {
  /** The program's standard input. @default none */
  input?: string;
  /**
   * After this many seconds the program and its children are killed, and the call fails.
   * @default 120
   */
  timeoutSeconds?: number;
}

/** A program that runs beside its caller, in a process group of its own. */
export interface RunningProgram {
  pid: number;
  /** The output so far. */
  stdout(): string;
  stderr(): string;
  /** Whether the program has ended or was killed. */
  hasEnded(): boolean;
  /** Closes the program's standard input, which tells some programs to finish. */
  endInput(text?: string): void;
  /** Signals the program or its whole group. */
  signal(signal: NodeJS.Signals, to?: "program" | "group"): void;
  /**
   * How the program ended. Rejects if it couldn't be started, or the limit around it has passed.
   */
  ended: Promise<RunResult>;
}

/**
 * Starts a program. It ends with this process or with the limit ({@link withLimit}) around the
 * call, if not before.
 *
 * @throws Error when that limit has already passed
 */
export function start(
  command: string,
  args: readonly string[],
  options: StartOptions & { input?: "pipe" } = {},
): RunningProgram {
  const signal = limitSignal();
  signal?.throwIfAborted();
  const log = options.logFile === undefined ? undefined : openSync(options.logFile, "a");
  const child = spawn(command, args, {
    cwd: options.cwd,
    env: options.env,
    // A process group of its own, so that its children end with it.
    detached: true,
    stdio: [options.input === undefined ? "ignore" : "pipe", "pipe", "pipe"],
  });
  running.add(child);
  const heard = { stdout: "", stderr: "" };
  for (const name of ["stdout", "stderr"] as const) {
    let lineStart = 0;
    child[name]?.setEncoding("utf8").on("data", (chunk: string) => {
      heard[name] += chunk;
      if (log !== undefined) appendFileSync(log, chunk);
      if (!options.onLine) return;
      for (let end; (end = heard[name].indexOf("\n", lineStart)) >= 0; lineStart = end + 1) {
        options.onLine(heard[name].slice(lineStart, end));
      }
    });
  }
  // A program may end before it has read all input. Ignore the broken pipe: its exit status tells.
  child.stdin?.on("error", (error: NodeJS.ErrnoException) => {
    if (error.code !== "EPIPE") child.emit("error", error);
  });
  const ended = new Promise<RunResult>((resolve, reject) => {
    // A process outside the group may keep the outputs open after the program has ended.
    const giveUp = () => {
      killGroup(child);
      child.stdin?.destroy();
      child.stdout?.destroy();
      child.stderr?.destroy();
      reject(signal?.reason as Error);
    };
    signal?.addEventListener("abort", giveUp, { once: true });
    child.once("error", reject);
    child.once("close", (code, by) => {
      signal?.removeEventListener("abort", giveUp);
      running.delete(child);
      if (log !== undefined) closeSync(log);
      resolve({ ...heard, exitCode: code ?? 128 + signalNumber(by) });
    });
  });
  // Avoid an unhandled rejection when the caller doesn't await the end.
  ended.catch(() => undefined);
  return {
    pid: child.pid ?? NaN,
    stdout: () => heard.stdout,
    stderr: () => heard.stderr,
    hasEnded: () => child.exitCode !== null || child.signalCode !== null,
    endInput: (text = "") => child.stdin?.end(text),
    signal: (name, to = "program") => {
      if (to === "program") child.kill(name);
      else killGroup(child, name);
    },
    ended,
  };
}

/**
 * Runs a program and collects its output. A status other than 0 is a result, not an error.
 *
 * @throws Error when the program can't be started or the time is up
 */
export async function run(
  command: string,
  args: readonly string[],
  { input, timeoutSeconds = 120, ...options }: RunOptions = {},
): Promise<RunResult> {
  let program: RunningProgram | undefined;
  const message = () =>
    `${describe(command, args)} was not done after ${timeoutSeconds} s and was ended; it last said:\n` +
    lastLines(`${program?.stdout() ?? ""}${program?.stderr() ?? ""}`);
  return withLimit(timeoutSeconds, message, () => {
    program = start(command, args, { ...options, input: input === undefined ? undefined : "pipe" });
    program.endInput(input);
    return program.ended;
  });
}

/**
 * Runs a program that must succeed, and returns its standard output.
 *
 * @throws Error with the last of its output if its status isn't 0; and as {@link run}
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
 * Runs a program on the caller's terminal, with the caller's input, outputs and Ctrl-C.
 *
 * @returns its exit status; 128 + the signal's number if a signal ended it
 * @throws Error when it can't be started
 */
export async function runOnTerminal(
  command: string,
  args: readonly string[],
  options: Pick<RunOptions, "cwd" | "env"> = {},
): Promise<number> {
  const child = spawn(command, args, { ...options, stdio: "inherit" });
  // The child gets a Ctrl-C from the terminal and decides what to do; a SIGTERM comes only to this
  // process.
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

/** The last lines of a long text, for an error message. */
export function lastLines(text: string, count = 25): string {
  return text.trimEnd().split("\n").slice(-count).join("\n");
}

/** Programs that {@link start} has started: they end with this process. */
const running = new Set<ChildProcess>();

process.once("exit", () => {
  for (const child of running) killGroup(child);
});

/**
 * From now on Ctrl-C and similar signals exit this process, which ends what {@link start} has
 * started.
 */
export function exitOnSignals(): void {
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) {
    process.once(signal, () => process.exit(130));
  }
}

/** Signals a group, which may have ended already, or outlive its leader. */
function killGroup({ pid }: ChildProcess, signal: NodeJS.Signals = "SIGKILL"): void {
  if (pid === undefined) return;
  try {
    process.kill(-pid, signal);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ESRCH") throw error;
  }
}

function signalNumber(signal: NodeJS.Signals | null): number {
  return signal ? constants.signals[signal] : 0;
}

function describe(command: string, args: readonly string[]): string {
  const words = [command, ...args].join(" ");
  return words.length > 200 ? `${words.slice(0, 200)}…` : words;
}
