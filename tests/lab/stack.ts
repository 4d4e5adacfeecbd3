// The lab's stack in the hands of a test: its config with a change, and the engine's commands on it.
import { mkdtempSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { asRoot } from "../../lab/experiments/asRoot";
import type { RunOptions, RunResult } from "../../lab/run";
import type { Stack } from "../support/stacks";
import { hosts, inOperator, lab } from "./lab";
import { stackText } from "./stackText";

/** Runs a shell command on a host as root; it has to succeed. */
export const shell = (host: string, command: string, options: RunOptions = {}) =>
  asRoot(lab, host, command, options);

const folder = mkdtempSync(join(tmpdir(), "lvs-ha-test-"));
/** The config that the tests' runs read. */
export const configFile = join(folder, "Pulumi.dev.yaml");

/** Sets the stack's config to that of the lab's topology, with quick checks and a change. */
export function configure(change?: (stack: Stack) => void): void {
  writeFileSync(configFile, stackText(lab.topology, change));
}

/** A change of the stack for while nobody asks: real servers needn't be drained one after the other. */
export function nobodyAsks(stack: Stack): void {
  stack.rollout = { drainSeconds: 0, maxUnavailable: hosts.length };
}

/**
 * TCP requests under way survive a failover where both directors compute the same real server for them. With any other scheduler
 * a request that is younger than its third packet is reset, since no director has told the other of it yet.
 */
export const lossless = (stack: Stack): void => {
  for (const service of stack.virtualServers) {
    if ((service.protocol ?? "TCP") !== "TCP" || service.port === undefined) continue;
    Object.assign(service, { scheduler: "mh", schedulerFlags: ["mh-port"] });
  }
  stack.kernel = { sloppyTcp: true };
};

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
