// Which addresses move to which director, and whether a failover is safe now. Pure.
import { Refused, UsageError } from "../exit";
import type { Stack } from "../stack";
import type { Director, Status } from "../status/look";
import { isWantedDaemon } from "../status/problems";

/** A failover that is possible. */
export interface Plan {
  from: string;
  /** Every instance that the director is active for: keepalived gives up all of them at once. */
  moves: Move[];
  /** Things to know before the failover that don't prevent it. */
  warnings: string[];
}

/** One VRRP instance that another director takes over. */
export interface Move {
  instance: string;
  addresses: string[];
  /** The director that takes over: the standby with the highest priority. */
  to: string;
}

/** What the operator asked for. */
export interface Wishes {
  /** Fail over the director that is active for this instance. @default the only active director */
  instance?: string;
  /** The director that the operator expects to take over. */
  to?: string;
}

/**
 * Plans a failover that lasts: a director that would take over again by itself is refused.
 * @returns the plan, or the name of the requested director if it is active already
 * @throws Refused when clients would be worse off
 * @throws UsageError when the request is ambiguous or names something unknown
 */
export function planFailover(
  stack: Stack,
  status: Status,
  wishes: Wishes,
): Plan | { already: string } {
  const from = activeFor(status, wishes.instance);
  if (wishes.to !== undefined) mustBeDirector(status, wishes.to);
  if (wishes.to === from) return { already: from };
  const plan = planDeparture(stack, status, from);
  for (const { instance, to } of plan.moves) {
    mustStay(stack, from, instance, to);
    const isMeant = wishes.instance === undefined || wishes.instance === instance;
    if (wishes.to !== undefined && isMeant && to !== wishes.to) {
      throw new Refused(
        `${to} takes ${instance} over, not ${wishes.to}: it has the highest priority of those that stand by`,
      );
    }
  }
  return plan;
}

/**
 * Plans what other directors take over when a director stops, for example for maintenance. Without
 * addresses on it, nothing moves.
 * @throws Refused when no director can take over, when the one that would has an empty pool, or
 * when no director known to be fit would be left
 */
export function planDeparture(stack: Stack, status: Status, from: string): Plan {
  const held = status.virtualAddresses.filter(({ holders }) => holders?.includes(from));
  const moves = [...new Set(held.map(({ instance }) => instance))].map((instance) => ({
    instance,
    addresses: held.filter((entry) => entry.instance === instance).map(({ address }) => address),
    to: successor(status, from, instance),
  }));
  for (const { to } of moves) mustHavePools(status, from, to);
  mustLeaveFit(
    status,
    from,
    moves.map(({ instance }) => instance),
  );
  return {
    from,
    moves,
    warnings: [...new Set(moves.flatMap(({ to }) => untold(stack, status, to)))],
  };
}

function activeFor({ virtualAddresses }: Status, instance: string | undefined): string {
  const known = [...new Set(virtualAddresses.map((entry) => entry.instance))];
  if (instance !== undefined && !known.includes(instance)) {
    throw new UsageError(`no VRRP instance ${instance}; there are ${known.join(", ")}`);
  }
  const meant = virtualAddresses.filter(
    (entry) => instance === undefined || entry.instance === instance,
  );
  for (const { address, holders } of meant) {
    if (holders === null) {
      throw new Refused(`which director holds ${address} is not known; see lvs status`);
    }
    if (holders.length === 1) continue;
    const who = holders.length === 0 ? "nobody holds" : `${holders.join(" and ")} hold`;
    throw new Refused(`${who} ${address}: lvs status`);
  }
  const active = [...new Set(meant.flatMap(({ holders }) => holders ?? []))];
  const [first] = active;
  if (first === undefined) throw new Refused("there is no virtual address that could move");
  if (active.length > 1) {
    const each = [
      ...new Set(meant.map((entry) => `${entry.holders?.[0] ?? ""} for ${entry.instance}`)),
    ];
    throw new UsageError(`several directors are active (${each.join(", ")}): say --instance`);
  }
  return first;
}

function mustBeDirector({ directors }: Status, name: string): void {
  if (directors.some((director) => director.name === name)) return;
  const known = directors.map((director) => director.name).join(", ");
  throw new UsageError(`no director ${name}; there are ${known}`);
}

function successor({ directors }: Status, from: string, instance: string): string {
  const others = directors.filter(
    ({ name, instances }) => name !== from && instances.some((own) => own.name === instance),
  );
  const [best] = others
    .filter((director) => whyNot(director, instance) === undefined)
    .toSorted((a, b) => priority(b, instance) - priority(a, instance));
  if (best) return best.name;
  const reasons = others.map((director) => `${director.name} ${whyNot(director, instance) ?? ""}`);
  throw new Refused(`nobody can take ${instance} over from ${from}: ${reasons.join("; ")}`);
}

/** Why a director can't take over; undefined when it can. */
function whyNot(director: Director, instance: string): string | undefined {
  if (director.unreachable !== null) return `can't be reached: ${director.unreachable}`;
  if (director.inMaintenance) return "is in maintenance";
  if (director.keepalived.running === null) return "doesn't say whether its keepalived runs";
  if (!director.keepalived.running) return "has no keepalived running";
  const state = stateOf(director, instance);
  if (state === "unknown") return "is in a state that is not known: see lvs status";
  return state === "BACKUP" ? undefined : `is in ${state ?? "no"} state`;
}

function stateOf({ instances }: Director, instance: string) {
  return instances.find(({ name }) => name === instance)?.state;
}

/**
 * For each instance that stays where it is, another director must be left that is known to be
 * active or standing by.
 */
function mustLeaveFit({ directors }: Status, from: string, moved: string[]): void {
  const own = directors.find(({ name }) => name === from);
  for (const { name: instance, state } of own?.instances ?? []) {
    // An instance in FAULT or stopped serves no clients: the others lose nothing.
    if (moved.includes(instance) || state === "FAULT" || state === "stopped") continue;
    const others = directors.filter(
      (director) => director.name !== from && stateOf(director, instance) !== undefined,
    );
    const isFit = (director: Director) =>
      stateOf(director, instance) === "MASTER" || whyNot(director, instance) === undefined;
    if (others.some(isFit)) continue;
    const reasons = others.map(
      (director) => `${director.name} ${whyNot(director, instance) ?? ""}`,
    );
    throw new Refused(
      `without ${from}, nobody is known to be fit for ${instance}: ${reasons.join("; ")}`,
    );
  }
}

function priority({ instances }: Director, instance: string): number {
  return instances.find(({ name }) => name === instance)?.priority ?? 0;
}

function mustHavePools({ virtualServers }: Status, from: string, to: string): void {
  const isIn = (director: string) => (member: { states: Record<string, string> }) =>
    member.states[director] === "in";
  const empty = virtualServers.filter(
    ({ realServers }) => realServers.some(isIn(from)) && !realServers.some(isIn(to)),
  );
  if (empty.length === 0) return;
  const names = empty.map(({ name }) => name).join(", ");
  throw new Refused(`${to} has no real server in its pool of ${names}, where ${from} has`);
}

function mustStay(stack: Stack, from: string, instance: string, to: string): void {
  const own = instanceOf(stack, from, instance);
  const its = instanceOf(stack, to, instance);
  if (!own?.preempt || own.priority <= (its?.priority ?? 0)) return;
  throw new Refused(
    `${from} would take ${instance} back at once: it has priority ${own.priority}, ${to} has ${its?.priority ?? 0}, ` +
      `and vrrp.preempt is true; what lasts is lvs maintenance on ${from}`,
  );
}

function instanceOf({ hosts }: Stack, director: string, instance: string) {
  const host = hosts.find(({ name }) => name === director);
  return host?.director.instances.find(({ name }) => name === instance);
}

/** Warns of connections that the successor doesn't know: they end with the failover. */
function untold({ hosts }: Stack, { directors }: Status, to: string): string[] {
  const host = hosts.find(({ name }) => name === to);
  const syncDaemon = host?.director.syncDaemon;
  const daemons = directors.find(({ name }) => name === to)?.syncDaemons ?? [];
  const isHeard =
    syncDaemon !== undefined &&
    daemons.some((daemon) => daemon.state === "backup" && isWantedDaemon(daemon, syncDaemon));
  if (isHeard) return [];
  const why = syncDaemon ? "it has no backup sync daemon" : "vrrp.connectionSync is false";
  return [`${to} knows no open connections (${why}): they break`];
}
