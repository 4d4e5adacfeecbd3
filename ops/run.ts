// Programs that the command runs and waits for: pulumi, ssh.
import { type ChildProcess, spawn } from "node:child_process";
import { constants } from "node:os";
import { createInterface } from "node:readline";
import { CouldNotLook } from "./exit";

export interface RunOptions {
  /** Text for the program's standard input. @default none */
  input?: string;
  /** After this, the program is ended. @default no limit */
  timeoutSeconds?: number;
  /** @default this process's */
  env?: NodeJS.ProcessEnv;
  /** A Ctrl-C at the terminal does not reach it. @default false */
  apart?: boolean;
  /** Called with what it prints on standard output, as it comes. */
  onOutput?: (text: string) => void;
}

/** What a program said, and how it ended. */
export interface RunResult {
  stdout: string;
  stderr: string;
  exitCode: number;
  /** It was ended because its time was up. */
  timedOut: boolean;
}

/**
 * Runs a program; how it ended is a result.
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
    // A program may end without having read all of it: its status tells then, not the broken pipe.
    child.stdin.on("error", () => undefined);
    child.stdin.end(input);
  });
}

/**
 * Runs a program on the operator's terminal, with `output` for its standard output; its exit status. A Ctrl-C reaches the program by
 * itself: who calls this within `toItsEnd` waits for what it does about it.
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

export interface FollowOptions {
  /** @default this process's */
  env?: NodeJS.ProcessEnv;
  /** When it has printed nothing after this, the program is ended. @default no limit */
  firstLineSeconds?: number;
}

/**
 * Runs a program for as long as it wants, and gives each line that it prints; how it ended.
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

/** What {@link follow} has started: it ends with this process. */
const followed = new Set<ChildProcess>();

process.once("exit", () => {
  for (const child of followed) child.kill();
});

/** A program that is asked to end and doesn't is killed after this. */
const graceSeconds = 5;

/** Ends a program when its time is up, unless that is lifted before. */
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
    // What it has started may live on, and hold its outputs open.
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
