// The engine's command, on the selected stack.
import { CouldNotLook } from "./exit";
import type { Output } from "./voice";
import { run, type RunOptions, runOnTerminal } from "./run";

/** Which stack, as the options of every command say. */
export interface StackOptions {
  /** @default the selected one */
  stack?: string;
  /** @default the stack's own file in the project's folder */
  configFile?: string;
}

/**
 * What `pulumi ARGS` prints; it has to succeed.
 * @throws CouldNotLook with the engine's own words
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

/** How `pulumi ARGS` ends, and all that it says. */
export async function pulumiResult(
  args: readonly string[],
  options: StackOptions,
): Promise<{ exitCode: number; said: string }> {
  const { stdout, stderr, exitCode } = await run("pulumi", words(args, options));
  return { exitCode, said: stdout + stderr };
}

/** `pulumi ARGS` on the operator's terminal, where `stream` goes; its exit status. */
export function pulumiOnTerminal(
  args: readonly string[],
  options: StackOptions,
  { stream }: Pick<Output, "stream">,
): Promise<number> {
  return runOnTerminal("pulumi", words(args, options), stream);
}

/** Commands that read the stack's config, and so know `--config-file`. */
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
