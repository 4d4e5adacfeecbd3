// Runs Pulumi on the selected stack.
import { CouldNotLook } from "./exit";
import type { Output } from "./voice";
import { run, type RunOptions, runOnTerminal } from "./run";

/** The stack to use, from the options that every command has. */
export interface StackOptions {
  /** @default the selected one */
  stack?: string;
  /** @default the stack's own file in the project's folder */
  configFile?: string;
}

/**
 * Runs `pulumi ARGS` and returns its output.
 * @throws CouldNotLook with Pulumi's message when it fails
 */
export async function pulumi(
  args: readonly string[],
  options: StackOptions,
  how: Pick<RunOptions, "input" | "apart"> = {},
): Promise<string> {
  const { stdout, stderr, exitCode } = await run("pulumi", words(args, options), how);
  if (exitCode === 0) return stdout;
  throw new CouldNotLook(`pulumi ${args.join(" ")}: ${(stderr || stdout).trim()}`);
}

/** Runs `pulumi ARGS`; returns its exit code and everything it printed. */
export async function pulumiResult(
  args: readonly string[],
  options: StackOptions,
): Promise<{ exitCode: number; said: string }> {
  const { stdout, stderr, exitCode } = await run("pulumi", words(args, options));
  return { exitCode, said: stdout + stderr };
}

/**
 * Runs `pulumi ARGS` on the operator's terminal, with its output on `stream`. Returns the exit
 * status.
 */
export function pulumiOnTerminal(
  args: readonly string[],
  options: StackOptions,
  { stream }: Pick<Output, "stream">,
): Promise<number> {
  return runOnTerminal("pulumi", words(args, options), stream);
}

/** Pulumi commands that read the stack's config, and so accept `--config-file`. */
const readsConfig = new Set(["config", "preview", "up"]);

function words(args: readonly string[], { stack, configFile }: StackOptions): string[] {
  return [
    ...args,
    "--non-interactive",
    ...(stack === undefined ? [] : ["--stack", stack]),
    ...(configFile !== undefined && readsConfig.has(args[0] ?? "")
      ? ["--config-file", configFile]
      : []),
  ];
}
