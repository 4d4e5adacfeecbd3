// Programs that the command runs and waits for: pulumi, ssh.
import { spawn } from "node:child_process";
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
  { input = "", timeoutSeconds = 0, env, apart = false }: RunOptions = {},
): Promise<RunResult> {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, { env, timeout: timeoutSeconds * 1000, detached: apart });
    const said = { stdout: "", stderr: "" };
    for (const name of ["stdout", "stderr"] as const) {
      child[name].setEncoding("utf8").on("data", (text: string) => {
        said[name] += text;
      });
    }
    child.once("error", (error) => {
      reject(notStarted(command, error));
    });
    child.once("close", (code, signal) => {
      resolve({ ...said, exitCode: status(code, signal), timedOut: child.killed });
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

/**
 * Runs a program for as long as it wants, and gives each line that it prints; how it ended.
 * @throws CouldNotLook when it can't be started
 */
export function follow(
  command: string,
  args: readonly string[],
  onLine: (line: string) => void,
  env?: NodeJS.ProcessEnv,
): Promise<Pick<RunResult, "stderr" | "exitCode">> {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, { stdio: ["ignore", "pipe", "pipe"], env });
    const end = () => child.kill();
    process.once("exit", end);
    let stderr = "";
    child.stderr.setEncoding("utf8").on("data", (text: string) => {
      stderr += text;
    });
    createInterface({ input: child.stdout }).on("line", onLine);
    child.once("error", (error) => {
      reject(notStarted(command, error));
    });
    child.once("close", (code, signal) => {
      process.off("exit", end);
      resolve({ stderr, exitCode: status(code, signal) });
    });
  });
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
