// Programs that the command runs and waits for: pulumi, ssh.
import { execFile, spawn, type ExecFileException } from "node:child_process";
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
  { input = "", timeoutSeconds = 0, env }: RunOptions = {},
): Promise<RunResult> {
  return new Promise((resolve, reject) => {
    const limits = { timeout: timeoutSeconds * 1000, maxBuffer: 1 << 30 };
    const child = execFile(command, args, { env, ...limits }, (error, stdout, stderr) => {
      if (typeof error?.code === "string") reject(notStarted(command, error));
      else resolve({ stdout, stderr, exitCode: status(error), timedOut: error?.killed === true });
    });
    // A program may end without having read all of it: its status tells then, not the broken pipe.
    child.stdin?.on("error", () => undefined);
    child.stdin?.end(input);
  });
}

/**
 * Runs a program on the operator's terminal; its exit status.
 * @throws CouldNotLook when it can't be started
 */
export function runOnTerminal(
  command: string,
  args: readonly string[],
  env?: NodeJS.ProcessEnv,
): Promise<number> {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, { stdio: "inherit", env });
    // A Ctrl-C reaches the program by itself, and this process waits for what it does about it.
    const ignore = () => undefined;
    process.on("SIGINT", ignore);
    child.once("error", (error) => {
      reject(notStarted(command, error));
    });
    child.once("close", (code, signal) => {
      process.off("SIGINT", ignore);
      resolve(code ?? 128 + (signal ? constants.signals[signal] : 0));
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
      resolve({ stderr, exitCode: code ?? 128 + (signal ? constants.signals[signal] : 0) });
    });
  });
}

function status(error: ExecFileException | null): number {
  if (error === null) return 0;
  if (typeof error.code === "number") return error.code;
  return 128 + (error.signal ? constants.signals[error.signal] : 0);
}

function notStarted(command: string, { message }: Error): CouldNotLook {
  return new CouldNotLook(
    message.includes("ENOENT")
      ? `there is no ${command} on PATH`
      : `${command} can't be run: ${message}`,
  );
}
