// Runs pulumi and ssh, and waits for them.
import { type ChildProcess, spawn } from "node:child_process";
import { constants } from "node:os";
import { createInterface } from "node:readline";
import { CouldNotLook } from "./exit";

/** How {@link run} runs a program. */
export interface RunOptions {
  /** Text for the program's standard input. @default none */
  input?: string;
  /** Seconds until the program is ended. @default no limit */
  timeoutSeconds?: number;
  /** The program's environment. @default this process's */
  env?: NodeJS.ProcessEnv;
  /** Keeps a Ctrl-C at the terminal from the program. @default false */
  apart?: boolean;
  /** Called with the program's standard output as it arrives. */
  onOutput?: (text: string) => void;
}

/** A program's output and how it ended. */
export interface RunResult {
  stdout: string;
  stderr: string;
  exitCode: number;
  /** The program was ended because its time was up. */
  timedOut: boolean;
}

/**
 * Runs a program. A failing exit status is a result, not an error.
 * @throws CouldNotLook when it can't be started
 */
export function run(
  command: string,
  args: readonly string[],
  { input = "", timeoutSeconds, env, apart = false, onOutput }: RunOptions = {},
): Promise<RunResult> {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, { env, detached: apart });
    const limit = limited(child, timeoutSeconds);
    if (onOutput) child.stdout.on("data", onOutput);
    const said = { stdout: "", stderr: "" };
    for (const name of ["stdout", "stderr"] as const) {
      child[name].setEncoding("utf8").on("data", (text: string) => {
        said[name] += text;
      });
    }
    child.once("error", (error) => {
      limit.lift();
      reject(notStarted(command, error));
    });
    child.once("close", (code, signal) => {
      limit.lift();
      resolve({ ...said, exitCode: status(code, signal), timedOut: limit.hasPassed() });
    });
    // A program may end before it has read all input. Ignore the broken pipe: its exit status
    // tells.
    child.stdin.on("error", () => undefined);
    child.stdin.end(input);
  });
}

/**
 * Runs a program on the operator's terminal, with `output` as its standard output. Returns its exit
 * status. The program gets a Ctrl-C directly; callers inside `toItsEnd` wait until it has handled
 * it.
 * @throws CouldNotLook when it can't be started
 */
export function runOnTerminal(
  command: string,
  args: readonly string[],
  output: NodeJS.WriteStream,
): Promise<number> {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, { stdio: ["inherit", output, "inherit"] });
    child.once("error", (error) => {
      reject(notStarted(command, error));
    });
    child.once("close", (code, signal) => {
      resolve(status(code, signal));
    });
  });
}

/** How {@link follow} runs a program. */
export interface FollowOptions {
  /** @default this process's */
  env?: NodeJS.ProcessEnv;
  /** Seconds for the first line, after which the program is ended. @default no limit */
  firstLineSeconds?: number;
}

/**
 * Runs a program without a limit and passes on each line that it prints. Returns how it ended.
 * @throws CouldNotLook when it can't be started
 */
export function follow(
  command: string,
  args: readonly string[],
  onLine: (line: string) => void,
  { env, firstLineSeconds }: FollowOptions = {},
): Promise<Omit<RunResult, "stdout">> {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, { stdio: ["ignore", "pipe", "pipe"], env });
    const limit = limited(child, firstLineSeconds);
    followed.add(child);
    let stderr = "";
    child.stderr.setEncoding("utf8").on("data", (text: string) => {
      stderr += text;
    });
    createInterface({ input: child.stdout }).once("line", limit.lift).on("line", onLine);
    child.once("error", (error) => {
      limit.lift();
      reject(notStarted(command, error));
    });
    child.once("close", (code, signal) => {
      limit.lift();
      followed.delete(child);
      resolve({ stderr, exitCode: status(code, signal), timedOut: limit.hasPassed() });
    });
  });
}

/** Programs that {@link follow} has started: they end with this process. */
const followed = new Set<ChildProcess>();

process.once("exit", () => {
  for (const child of followed) child.kill();
});

/** Seconds between the request to end and the kill. */
const graceSeconds = 5;

/** Ends a program when its time is up, unless the limit is lifted before. */
function limited(
  child: ChildProcess,
  seconds: number | undefined,
): { lift: () => void; hasPassed: () => boolean } {
  let hasPassed = false;
  let timer =
    seconds === undefined
      ? undefined
      : setTimeout(() => {
          hasPassed = true;
          child.kill();
          timer = setTimeout(kill, graceSeconds * 1000);
        }, seconds * 1000);
  const kill = () => {
    child.kill("SIGKILL");
    // The program's children may live on and hold its outputs open.
    child.stdout?.destroy();
    child.stderr?.destroy();
  };
  return {
    lift: () => {
      clearTimeout(timer);
    },
    hasPassed: () => hasPassed,
  };
}

function status(code: number | null, signal: NodeJS.Signals | null): number {
  return code ?? 128 + (signal ? constants.signals[signal] : 0);
}

function notStarted(command: string, { message }: Error): CouldNotLook {
  return new CouldNotLook(
    message.includes("ENOENT")
      ? `there is no ${command} on PATH`
      : `${command} can't be run: ${message}`,
  );
}
