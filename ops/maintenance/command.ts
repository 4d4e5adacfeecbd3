// `lvs maintenance`: takes a host out of service and back through the stack's config, so that it
// lasts over a reboot.
import { setTimeout as delay } from "node:timers/promises";
import { Argument, type Command } from "commander";
import { z } from "zod";
import type { StackConfig } from "../../components/schema";
import { configEntries, namedHosts } from "../config";
import { mustBeAskable, saysYes } from "../confirm";
import { lastIn } from "../drain/members";
import { CouldNotLook, exitCodes, Interrupted, Refused, UsageError } from "../exit";
import { planDeparture } from "../failover/plan";
import { type StackCommandOptions, stackCommand } from "../options";
import { pulumi, pulumiOnTerminal } from "../pulumi";
import { isInterrupted, toItsEnd } from "../signals";
import { withSsh } from "../ssh";
import { readStack, type Stack } from "../stack";
import type { Status } from "../status/look";
import { see, seeDirectors } from "../status/see";
import { hasConfigChanged } from "../verify/command";
import { complain, printJson, outputFor, type Output } from "../voice";
import { count } from "../words";

interface Options extends StackCommandOptions {
  yes?: boolean;
  json?: boolean;
}

type Aim = "on" | "off";

/** Adds `lvs maintenance`. */
export function addMaintenance(program: Command): void {
  stackCommand(program, "maintenance")
    .description("take a host out of service in the stack's config, or back, and apply that")
    .addArgument(new Argument("<on|off>", "out of service, or back").choices(["on", "off"]))
    .argument("<host>", "a director or a real server, by its name in the stack")
    .option("-y, --yes", "don't ask")
    .option("--json", "print what became of it as JSON")
    .addHelpText(
      "after",
      "\nIt edits lvs-ha:maintenance in the stack's config file, shows pulumi preview, and runs pulumi up." +
        "\nExit code: 0 done, or so already, 1 refused, as clients would be worse off, or not all is well afterwards," +
        " 2 usage or a no, 3 nothing could be looked at.",
    )
    .action(async (aim: Aim, host: string, options: Options) => {
      mustBeAskable(options);
      const before = await readMaintenance(options);
      if (!before.hosts.includes(host)) {
        throw new UsageError(`no host ${host} in the config; it has ${before.hosts.join(", ")}`);
      }
      const output = outputFor(options);
      const tell = (applied: boolean, problem: string | null) => {
        if (options.json) printJson({ host, maintenance: aim, applied, problem });
        if (problem !== null) complain(`lvs: ${problem}`);
        process.exitCode = problem === null ? exitCodes.fine : exitCodes.wrong;
      };
      const isWritten = before.list.includes(host) === (aim === "on");
      const hasChanged = await hasConfigChanged(options);
      if (isWritten && !hasChanged) {
        output.say(`${host} is ${aim === "on" ? "" : "not "}in maintenance already`);
        tell(false, null);
        return;
      }
      // Don't apply changes that were waiting in the config for a `pulumi up`.
      if (!isWritten && hasChanged) {
        throw new UsageError("the config has changed since the last pulumi up: apply that first");
      }
      if (aim === "on") await mayLeave(host, options, output);
      const change = isWritten ? undefined : () => edit(aim, host, before, options);
      if (await toItsEnd(() => apply(change, options, output))) {
        tell(true, (await outcome(aim, host, options, output)) ?? null);
        return;
      }
      const where = aim === "on" ? "in" : "out of";
      tell(
        false,
        `pulumi up failed; the config has ${host} ${where} maintenance: pulumi up tries again`,
      );
    });
}

type Undo = () => Promise<unknown>;

/**
 * Changes the config, shows a preview, asks, and applies it. Returns whether `pulumi up` succeeded.
 * @throws CouldNotLook, UsageError or Interrupted before `pulumi up` ran; the config is then as
 * before
 */
async function apply(
  change: (() => Promise<Undo>) | undefined,
  options: Options,
  output: Output,
): Promise<boolean> {
  const undo = await change?.();
  const shown = await pulumiOnTerminal(["preview", "--diff"], options, output);
  const isWanted = shown === 0 && !isInterrupted() && (await saysYes("Apply it?", options));
  if (!isWanted || isInterrupted()) {
    await undo?.();
    if (isInterrupted()) throw new Interrupted("interrupted; the config is as it was");
    if (shown !== 0) throw new CouldNotLook("pulumi preview failed; the config is as it was");
    throw new UsageError("nothing was changed; the config is as it was");
  }
  const ended = await pulumiOnTerminal(["up", "--yes", "--skip-preview"], options, output);
  if (isInterrupted()) {
    // The config keeps the change: `pulumi up` may have applied a part of it.
    throw new Interrupted(
      ended === 0
        ? "interrupted; the change is applied"
        : "interrupted; the config has the change, which pulumi up goes on with",
    );
  }
  return ended === 0;
}

interface Maintenance {
  /** Every host in the config. */
  hosts: string[];
  list: string[];
  /** The config file has the key. */
  isSet: boolean;
}

const configSchema = z.object({
  directors: namedHosts.default([]),
  realServers: namedHosts.default([]),
  maintenance: z.array(z.string()).optional(),
} satisfies Partial<Record<keyof StackConfig, z.ZodType>>);

async function readMaintenance(options: Options): Promise<Maintenance> {
  const config = configSchema.safeParse(await configEntries(options));
  if (!config.success) {
    throw new CouldNotLook(`the stack config can't be read: ${z.prettifyError(config.error)}`);
  }
  const { directors, realServers, maintenance } = config.data;
  return {
    hosts: [...directors, ...realServers].map(({ name }) => name),
    list: maintenance ?? [],
    isSet: maintenance !== undefined,
  };
}

const key = "lvs-ha:maintenance";

/**
 * Edits the stack's config file with `pulumi config`, which keeps comments. Returns what undoes the
 * edit.
 */
async function edit(
  aim: Aim,
  host: string,
  { list, isSet }: Maintenance,
  options: Options,
): Promise<Undo> {
  const config = (...words: string[]) => pulumi(["config", ...words], options, { apart: true });
  const at = (index: number) => `${key}[${index}]`;
  if (aim === "on") {
    await config("set", "--path", at(list.length), host);
    return () => (isSet ? config("rm", "--path", at(list.length)) : config("rm", key));
  }
  const index = list.indexOf(host);
  await config("rm", "--path", at(index));
  return async () => {
    // Restore the order: `pulumi config` can't insert into a list, so set the later items again.
    for (const [i, name] of list.entries()) {
      if (i >= index) await config("set", "--path", at(i), name);
    }
  };
}

/**
 * @throws Refused when the other hosts can't do without this one now
 * @throws CouldNotLook when no director can be asked
 */
async function mayLeave(host: string, options: Options, { say, colors }: Output): Promise<void> {
  const stack = await readStack(options);
  const status = await look(stack, options, seeDirectors);
  const last = lastIn(status, host);
  if (last.length > 0) throw new Refused(`${host} is the last one in a pool: ${last.join("; ")}`);
  if (!status.directors.some(({ name }) => name === host)) return;
  const { moves, warnings } = planDeparture(stack, status, host);
  for (const { instance, addresses, to } of moves) {
    say(`${host} is active for ${instance} (${addresses.join(", ")}); ${to} takes over`);
  }
  for (const text of warnings) say(`${colors.yellow("▲")} ${text}`);
}

function look(stack: Stack, { timeout }: Options, how = see): Promise<Status> {
  return withSsh(stack.hosts, { timeoutSeconds: timeout }, (ssh) => how(ssh, stack));
}

/** Checks must succeed before a host serves again. */
const limitSeconds = 60;

/**
 * Waits until the host has left or come back, and says so. Returns the problem if it takes too
 * long.
 */
async function outcome(
  aim: Aim,
  host: string,
  options: Options,
  { say, colors }: Output,
): Promise<string | undefined> {
  const stack = await readStack(options);
  const deadline = performance.now() + limitSeconds * 1000;
  for (;;) {
    const status = await look(stack, options);
    const trouble = aim === "on" ? stillServes(host, status) : notBack(host, status);
    if (trouble === undefined) {
      say(`${colors.green("●")} ${aim === "on" ? mayBeDone(host, status) : `${host} is back`}`);
      return undefined;
    }
    if (performance.now() > deadline) return trouble;
    await delay(1000);
  }
}

/** Why a host in maintenance is still in service; undefined when it is out. */
export function stillServes(host: string, status: Status): string | undefined {
  const director = status.directors.find(({ name }) => name === host);
  if (director) {
    const held = status.virtualAddresses.find(({ holders }) => holders?.includes(host));
    if (held) return `${host} still has ${held.address}`;
    const lost = status.virtualAddresses.find(({ holders }) => holders?.length !== 1);
    if (lost?.holders === null)
      return `which director holds ${lost.address} is not known: lvs status`;
    return lost && `${lost.holders.join(" and ") || "nobody"} holds ${lost.address}: lvs status`;
  }
  const silent = silentDirector(status);
  if (silent !== undefined) return silent;
  const pool = status.virtualServers.find(({ realServers }) =>
    realServers.some(({ name, states }) => name === host && Object.values(states).includes("in")),
  );
  return pool && `${host} is still in the pool of ${pool.name}`;
}

/** Why a host that left maintenance is not yet back in service; undefined when it is. */
export function notBack(host: string, status: Status): string | undefined {
  const director = status.directors.find(({ name }) => name === host);
  if (director) {
    if (director.unreachable !== null) return `${host} can't be reached: ${director.unreachable}`;
    if (!director.keepalived.running) return `${host}: keepalived is not running`;
    const idle = director.instances.find(({ state }) => !["MASTER", "BACKUP"].includes(state));
    if (idle) return `${host} is in ${idle.state} state for ${idle.name}`;
    const empty = status.virtualServers.find(
      ({ realServers }) =>
        realServers.some(({ states }) => Object.values(states).includes("in")) &&
        !realServers.some(({ states }) => states[host] === "in"),
    );
    return empty && `${host} has no real server in its pool of ${empty.name}`;
  }
  const silent = silentDirector(status);
  if (silent !== undefined) return silent;
  for (const { name: pool, realServers } of status.virtualServers) {
    const states = realServers.find(({ name }) => name === host)?.states ?? {};
    const [out] = Object.entries(states).filter(
      ([, state]) => state === "out" || state === "inhibited",
    );
    if (out)
      return `${host} is ${out[1]} in the pool of ${pool} on ${out[0]}: its check fails, or has not run`;
  }
  return undefined;
}

/** Names a serving director that can't be asked about its pools. */
function silentDirector({ directors }: Status): string | undefined {
  const silent = directors.find(
    ({ unreachable, inMaintenance }) => unreachable !== null && !inMaintenance,
  );
  return silent && `${silent.name} can't be reached: ${silent.unreachable ?? ""}`;
}

function mayBeDone(host: string, status: Status): string {
  const back = `Back with: lvs maintenance off ${host}`;
  if (status.directors.some(({ name }) => name === host)) {
    const active = [...new Set(status.virtualAddresses.flatMap(({ holders }) => holders ?? []))];
    return `${host}'s keepalived is stopped, and stays so over a reboot; ${active.join(" and ")} serves. It may be rebooted or worked on.\n${back}`;
  }
  const counted = status.virtualServers
    .flatMap(({ realServers }) => realServers)
    .filter(({ name }) => name === host)
    // A standby may not hear that a connection ended: count on the active directors.
    .map(({ activeConnections }) => activeConnections);
  const open = counted.reduce<number>((sum, one) => sum + (one ?? 0), 0);
  const when = counted.includes(null)
    ? "How many connections of before go on is not known: when lvs status shows 0 under ACTIVE, it may be rebooted or worked on."
    : open === 0
      ? "It may be rebooted or worked on."
      : `${count(open, "connection")} of before go on, or are silent: when lvs status shows 0 under ACTIVE, it may be rebooted or worked on.`;
  return `${host} gets no new connections. ${when}\n${back}`;
}
