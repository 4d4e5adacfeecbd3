// The lab's stack in the hands of a test: the dev stack's config with a change, and the engine's commands on it.
import { mkdtempSync, readFileSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parse, stringify } from "yaml";
import { asRoot as shell } from "../../lab/experiments/asRoot";
import { hosts } from "../../lab/hosts";
import { inOperator } from "../../lab/lab";
import { projectRoot } from "../../lab/paths";
import type { RunResult } from "../../lab/run";
import type { Stack } from "../support/stacks";

export { shell };

const folder = mkdtempSync(join(tmpdir(), "lvs-ha-test-"));
/** The config that the tests' runs read. */
export const configFile = join(folder, "Pulumi.dev.yaml");

/** Sets the stack's config to that of Pulumi.dev.yaml, with a change. */
export function configure(change: (stack: Stack) => void = () => undefined): void {
  const file = parse(readFileSync(join(projectRoot, "Pulumi.dev.yaml"), "utf8")) as {
    config: Record<string, unknown>;
  };
  const prefix = "lvs-ha:";
  const stack = Object.fromEntries(
    Object.entries(file.config).map(([key, value]) => [key.slice(prefix.length), value]),
  ) as Stack;
  change(stack);
  file.config = Object.fromEntries(
    Object.entries(stack).map(([key, value]) => [prefix + key, value]),
  );
  writeFileSync(configFile, stringify(file));
}

/** A change of the stack for while nobody asks: real servers needn't be drained one after the other. */
export function nobodyAsks(stack: Stack): void {
  stack.rollout = { drainSeconds: 0, maxUnavailable: hosts.length };
}

/** Runs the engine on the configured stack; how it ended is a result. */
export function pulumi(...args: string[]): Promise<RunResult> {
  // These read no config.
  const config = ["stack", "cancel"].includes(args[0] ?? "") ? [] : ["--config-file", configFile];
  const words = [...args, ...config, "--stack", "dev", "--non-interactive", "--color=never"];
  return inOperator("pulumi", words, { timeoutSeconds: 560 });
}

/** `pulumi up`, which has to succeed; what it said. */
export async function up(...args: string[]): Promise<string> {
  const began = Date.now();
  const { stdout, stderr, exitCode } = await pulumi("up", "--yes", "--skip-preview", ...args);
  const counts = /^Resources:\n((?: .*\n)+)/m
    .exec(stdout)?.[1]
    ?.trim()
    .replace(/\s*\n\s*/g, ", ");
  tell(`  up: ${((Date.now() - began) / 1000).toFixed(0)} s, ${counts ?? "nothing done"}`);
  if (exitCode !== 0) throw new Error(`pulumi up ended with ${exitCode}:\n${stdout}${stderr}`);
  return stdout + stderr;
}

/** `npm run lvs -- …` on the configured stack; how it ended is a result. */
export function lvs(...args: string[]): Promise<RunResult> {
  const command = ["--import", "tsx", "ops/cli.ts", ...args];
  const stack = ["--stack", "dev", "--config-file", configFile];
  return inOperator(process.execPath, [...command, ...stack], { timeoutSeconds: 560 });
}

/** Lines, figures and tables that a person wants to see in the log. */
export function tell(line: string): void {
  process.stderr.write(`${line}\n`);
}

/** What a command says on every host, by host. */
export async function everywhere(command: string): Promise<Record<string, string>> {
  const answers = await Promise.all(
    hosts.map(async ({ name }) => [name, await shell(name, command)] as const),
  );
  return Object.fromEntries(answers);
}

/** Logins that each host has taken since it booted. The tests' own commands share one connection, opened before. */
export async function logins(): Promise<Record<string, number>> {
  const counts = await everywhere(
    "journalctl -b -u ssh -o cat | grep -c '^Accepted ' || [ $? = 1 ]",
  );
  return Object.fromEntries(Object.entries(counts).map(([name, count]) => [name, Number(count)]));
}

/** What was added since, by host; hosts with none are left out. */
export function added(
  before: Record<string, number>,
  after: Record<string, number>,
): Record<string, number> {
  return Object.fromEntries(
    Object.entries(after)
      .map(([name, count]) => [name, count - (before[name] ?? 0)] as const)
      .filter(([, more]) => more !== 0),
  );
}

configure();
