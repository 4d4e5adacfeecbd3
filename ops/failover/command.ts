// `lvs failover`: the active director gives up its addresses, and another director takes them over.
import { setTimeout as delay } from "node:timers/promises";
import type { Command } from "commander";
import { confirm, mustBeAskable } from "../confirm";
import { exitCodes } from "../exit";
import { type StackCommandOptions, stackCommand } from "../options";
import { type Ssh, withSsh } from "../ssh";
import { readStack, type Stack } from "../stack";
import type { Status } from "../status/look";
import { see, seeDirectors } from "../status/see";
import { colorsOn, complain, print, printJson, outputFor } from "../voice";
import { planFailover, type Plan, type Wishes } from "./plan";

interface Options extends StackCommandOptions, Wishes {
  yes?: boolean;
  json?: boolean;
}

/** Adds `lvs failover`. */
export function addFailover(program: Command): void {
  stackCommand(program, "failover")
    .description("have the active director give up its addresses, and another take them over")
    .option("--instance <name>", "of the director that is active for this VRRP instance")
    .option("--to <director>", "the one that is expected to take over")
    .option("-y, --yes", "don't ask")
    .option("--json", "print it as JSON")
    .addHelpText(
      "after",
      "\nThe director restarts its keepalived, which gives up all of its addresses with its last advert." +
        "\nExit code: 0 done, 1 refused, as clients would be worse off, or not all is well afterwards, 2 usage or a no," +
        " 3 nothing could be looked at.",
    )
    .action(async (options: Options) => {
      mustBeAskable(options);
      const stack = await readStack(options);
      const directors = stack.hosts.filter(({ role }) => role === "director");
      const ssh = { timeoutSeconds: options.timeout, keepOpen: true };
      await withSsh(directors, ssh, async (open) => {
        const only = { ...stack, hosts: directors };
        const plan = planFailover(only, await seeDirectors(open, only), options);
        if ("already" in plan) {
          tell(options, `${plan.already} is active already`, { from: null, to: plan.already });
          return;
        }
        for (const line of picture(plan)) complain(line);
        await confirm("Fail over?", options);
        const milliseconds = await failOver(open, only, plan);
        if (milliseconds === undefined) {
          complain(
            `lvs: after ${limitSeconds} s ${others(plan)} does not have all addresses: lvs status`,
          );
          process.exitCode = exitCodes.wrong;
          return;
        }
        const trouble = await standsBy(open, only, plan);
        tell(
          options,
          `${outputFor(options).colors.green("●")} ${others(plan)} took over after ${milliseconds} ms`,
          {
            ...plan,
            milliseconds,
            standsBy: trouble === undefined,
          },
        );
        if (trouble !== undefined) complain(`lvs: ${trouble}`);
        process.exitCode = trouble === undefined ? exitCodes.fine : exitCodes.wrong;
      });
    });
}

function tell({ json }: Options, line: string, facts: object): void {
  if (json) printJson(facts);
  else print(line);
}

function picture({ from, moves, warnings }: Plan): string[] {
  const colors = colorsOn(process.stderr);
  return [
    ...moves.map(
      ({ instance, addresses, to }) => `${instance} (${addresses.join(", ")}): ${from} to ${to}`,
    ),
    ...warnings.map((text) => `${colors.yellow("▲")} ${text}`),
  ];
}

function others({ moves }: Plan): string {
  return [...new Set(moves.map(({ to }) => to))].join(" and ");
}

/** A takeover takes milliseconds; starting keepalived with a thousand real servers takes longer. */
const limitSeconds = 30;

/** Prints `watching`, then `here` as soon as the host has all of these addresses. */
const watch = `
deadline=$(($(date +%s) + ${limitSeconds}))
echo watching
for address; do
    until ip -o addr show to "$address" | grep -q .; do
        [ "$(date +%s)" -lt $deadline ] || exit 1
        sleep 0.02
    done
done
echo here
`;

const restart = "echo now; systemctl restart keepalived";

/**
 * Restarts keepalived on the active director while watching the others.
 * @returns milliseconds until the last address was taken over, all measured with this machine's
 * clock; undefined when one was not taken over
 */
async function failOver(
  ssh: Ssh,
  stack: Stack,
  { from, moves }: Plan,
): Promise<number | undefined> {
  const times: { now?: number; here: number[] } = { here: [] };
  const watchers = [...new Set(moves.map(({ to }) => to))].map((to) => {
    const addresses = moves.filter((move) => move.to === to).flatMap((move) => move.addresses);
    let watching: () => void;
    const ready = new Promise<void>((resolve) => (watching = resolve));
    const ended = shell(ssh, stack, to, watch, addresses, (line) => {
      if (line === "watching") watching();
      if (line === "here") times.here.push(performance.now());
    });
    return { ready: Promise.race([ready, ended]), ended };
  });
  await Promise.all(watchers.map(({ ready }) => ready));
  const restarted = shell(ssh, stack, from, restart, [], (line) => {
    if (line === "now") times.now = performance.now();
  });
  await Promise.all([restarted, ...watchers.map(({ ended }) => ended)]);
  if (times.now === undefined || times.here.length < watchers.length) return undefined;
  return Math.max(0, Math.round(Math.max(...times.here) - times.now));
}

/** Runs a line of shell on a host, and gives what it prints line by line. */
async function shell(
  ssh: Ssh,
  { hosts }: Stack,
  name: string,
  text: string,
  args: readonly string[],
  onLine: (line: string) => void,
): Promise<void> {
  const host = hosts.find((one) => one.name === name);
  if (host === undefined) throw new Error(`no host ${name}`);
  const words = ["timeout", String(2 * limitSeconds), "sh", "-c", text, "sh", ...args];
  const { exitCode, stderr } = await ssh.follow(host, words, onLine);
  if (exitCode !== 0) complain(`lvs: ${name}: ended with ${exitCode}: ${stderr.trim()}`);
}

/**
 * Waits until the formerly active director stands by. Returns the problem if it doesn't in time.
 */
async function standsBy(ssh: Ssh, stack: Stack, plan: Plan): Promise<string | undefined> {
  const deadline = performance.now() + limitSeconds * 1000;
  for (;;) {
    const trouble = troubleOf(await see(ssh, stack), plan);
    if (trouble === undefined || performance.now() > deadline) return trouble;
    await delay(500);
  }
}

/** The first problem that a failover has left; undefined when there is none. */
export function troubleOf(status: Status, { from, moves }: Plan): string | undefined {
  const director = status.directors.find(({ name }) => name === from);
  if (director === undefined) return `${from} is not in the stack`;
  if (director.unreachable !== null) return `${from} can't be reached: ${director.unreachable}`;
  if (!director.keepalived.running) return `${from}: keepalived is not running`;
  for (const { instance, to, addresses } of moves) {
    const state = director.instances.find(({ name }) => name === instance)?.state;
    if (state !== "BACKUP") return `${from} is in ${state ?? "no"} state for ${instance}`;
    const wrong = status.virtualAddresses.find(
      ({ address, holders }) => addresses.includes(address) && holders?.join() !== to,
    );
    if (wrong?.holders === null) return `which director holds ${wrong.address} is not known`;
    if (wrong) return `${wrong.address} is on ${wrong.holders.join(" and ") || "nobody"}`;
  }
  const empty = status.virtualServers.find(
    ({ active, realServers }) =>
      active !== null &&
      realServers.some(({ states }) => states[active] === "in") &&
      !realServers.some(({ states }) => states[from] === "in"),
  );
  return empty && `${from} has no real server in its pool of ${empty.name} yet`;
}
