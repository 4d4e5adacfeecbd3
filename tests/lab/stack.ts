// The lab's stack for a test: changes of its config, and Pulumi commands.
import { mkdtempSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { asRoot } from "../../lab/experiments/asRoot";
import type { RunOptions, RunResult } from "../../lab/run";
import type { Stack } from "../support/stacks";
import { hosts, inOperator, lab } from "./lab";
import { stackText } from "./stackText";

/** Runs a shell command on a host as root, which must succeed. */
export const shell = (host: string, command: string, options: RunOptions = {}) =>
  asRoot(lab, host, command, options);

const folder = mkdtempSync(join(tmpdir(), "lvs-ha-test-"));
/** The config file of the tests' runs. */
export const configFile = join(folder, "Pulumi.dev.yaml");

/** Sets the stack's config to that of the lab's topology, with quick checks and a change. */
export function configure(change?: (stack: Stack) => void): void {
  writeFileSync(configFile, stackText(lab.topology, change));
}

/**
 * Changes the stack for a time without requests: real servers need not be drained one after the
 * other.
 */
export function nobodyAsks(stack: Stack): void {
  stack.rollout = { drainSeconds: 0, maxUnavailable: hosts.length };
}

/**
 * With this change, TCP requests survive a failover, because both directors choose the same real
 * server for them. With any other scheduler a request before its third packet is reset, because its
 * connection hasn't been announced to the other director.
 */
export const lossless = (stack: Stack): void => {
  for (const service of stack.virtualServers) {
    if ((service.protocol ?? "TCP") !== "TCP" || service.port === undefined) continue;
    Object.assign(service, { scheduler: "mh", schedulerFlags: ["mh-port"] });
  }
  stack.kernel = { sloppyTcp: true };
};

/** Runs Pulumi on the configured stack; a failing exit code is a result. */
export function pulumi(...args: string[]): Promise<RunResult> {
  // These commands read no config.
  const config = ["stack", "cancel"].includes(args[0] ?? "") ? [] : ["--config-file", configFile];
  const words = [...args, ...config, "--stack", "dev", "--non-interactive", "--color=never"];
  return inOperator("pulumi", words, { timeoutSeconds: 560 });
}

/** Runs `pulumi up`, which must succeed. Returns its output. */
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

/** Runs `npm run lvs -- …` on the configured stack; a failing exit code is a result. */
export function lvs(...args: string[]): Promise<RunResult> {
  const command = ["--import", "tsx", "ops/cli.ts", ...args];
  const stack = ["--stack", "dev", "--config-file", configFile];
  return inOperator(process.execPath, [...command, ...stack], { timeoutSeconds: 560 });
}

/** Prints lines, figures and tables to the log, for a person. */
export function tell(line: string): void {
  process.stderr.write(`${line}\n`);
}

/** A command's output on every host, by host. */
export async function everywhere(command: string): Promise<Record<string, string>> {
  const answers = await Promise.all(
    hosts.map(async ({ name }) => [name, await shell(name, command)] as const),
  );
  return Object.fromEntries(answers);
}

/**
 * The logins on each host since it booted. The tests' own commands share one connection, opened
 * before.
 */
export async function logins(): Promise<Record<string, number>> {
  const counts = await everywhere(
    "journalctl -b -u ssh -o cat | grep -c '^Accepted ' || [ $? = 1 ]",
  );
  return Object.fromEntries(Object.entries(counts).map(([name, count]) => [name, Number(count)]));
}

/** The increase by host; hosts without one are left out. */
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
