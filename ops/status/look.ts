// Compares the hosts' reports with what the stack wants. Pure; the result is the output of
// `status --json`.
import { z } from "zod";
import type { ChangedBy } from "../../components/host/changedBy";
import type { DirectorModel, Instance, Service } from "../../components/model";
import {
  destinationKey,
  parseDaemons,
  parseRates,
  parseTable,
  type Rates,
  type SyncDaemon,
  type TableService,
} from "../ipvs";
import {
  knowsStart,
  moveKey,
  parsePoolLog,
  parseRemembered,
  parseVrrpStates,
  type Move,
  type Transition,
} from "../log";
import {
  type Answer,
  isAnswered,
  linesIn,
  linesOf,
  parsed,
  readable,
  type Report,
  textOf,
  whole,
} from "../report";
import { interfaceAddresses, properties } from "../reportFacts";
import type { Stack, StackHost } from "../stack";
import { drainedByChange } from "../verify/table";
import { problemsOf } from "./problems";

/** The load balancer at one moment. Times are ISO 8601; null means "not known". */
export interface Status {
  stack: string;
  at: string;
  healthy: boolean;
  /**
   * Whether `pulumi destroy` is refused, by the last `pulumi up`; null if that was an earlier
   * version, without this setting.
   */
  deletionProtection: boolean | null;
  problems: Problem[];
  virtualAddresses: VirtualAddress[];
  virtualServers: VirtualServer[];
  directors: Director[];
  realServers: RealServer[];
}

/** Something that is wrong. */
export interface Problem {
  /**
   * outage: clients of a service get no answer, or two directors fight for them. unknown: whether
   * there is an outage can't be told. fault: clients are served, but with less redundancy.
   */
  severity: "outage" | "unknown" | "fault";
  text: string;
}

/** A virtual address, and the directors that hold it. */
export interface VirtualAddress {
  address: string;
  instance: string;
  interface: string;
  /**
   * The directors that have it: exactly one, if all is well. null where no director that answered
   * has it, but a silent one may.
   */
  holders: string[] | null;
  since: string | null;
}

/** A virtual server with its pool, as the active director has it. */
export interface VirtualServer {
  name: string;
  service: string;
  /** The VRRP instance of its virtual address. */
  instance: string;
  scheduler: string;
  /**
   * The active director, which the figures come from. null where no director is active, or that is
   * not known: see `holders`.
   */
  active: string | null;
  rates: Rates | null;
  realServers: Pooled[];
  /** `ADDRESS:PORT` of the sorry server, if the config has one. */
  sorryServer: { endpoint: string; inUse: boolean | null } | null;
}

/**
 * in: it gets connections. weight 0: the config says so. out: its check keeps it out. inhibited: it
 * is kept at weight 0, by its check (inhibit_on_failure) or by hand.
 */
export type PoolState = "in" | "weight 0" | "out" | "inhibited";

/** A real server in a pool. */
export interface Pooled {
  name: string;
  endpoint: string;
  /**
   * The weight in the config; `liveWeight` is the active director's, null where its kernel lacks
   * the real server.
   */
  weight: number;
  liveWeight: number | null;
  /**
   * As the active director counts them; null where no director is active, or it doesn't report
   * them.
   */
  activeConnections: number | null;
  inactiveConnections: number | null;
  /**
   * Active connections by other director, of those that answered. Each was announced by the active
   * director and may have ended since.
   */
  heardConnections: Record<string, number>;
  rates: Rates | null;
  /** The pool state by director, of those that answered. */
  states: Record<string, PoolState>;
  /**
   * Directors on which a change of the stack drained it and has not put it back; null where no
   * director answered.
   */
  drainedByChange: string[] | null;
  outSince: string | null;
}

/** What is known about any host. */
export interface Host {
  name: string;
  /** Why the host could not be asked; null when it answered. */
  unreachable: string | null;
  system: string | null;
  kernel: string | null;
  conntrack: { count: number; max: number; bytes: number | null } | null;
  memory: { totalBytes: number; availableBytes: number } | null;
  /** The last run that changed the host; null where none is noted. */
  changed: Changed | null;
  /** A change of its firewall that no other login has confirmed; null where there is none. */
  unconfirmedFirewall: UnconfirmedFirewall | null;
}

/** Of firewall-guard.sh: a change that may have shut logins out. */
export interface UnconfirmedFirewall {
  /** It waits for another login; if not, it went back. */
  waits: boolean;
  /** ISO 8601 */
  at: string;
  /** Where the change came from. */
  client: string;
}

/** When a host was last changed, and by which run. */
export interface Changed extends ChangedBy {
  /** ISO 8601 */
  at: string;
}

/**
 * A director has this file while peers.sh keeps its keepalived stopped, because not every director
 * has the config yet.
 */
export const withdrawnFile = "/var/lib/lvs-ha/keepalived-withdrawn";

/** A director. */
export interface Director extends Host {
  keepalived: {
    version: string | null;
    running: boolean | null;
    enabled: boolean | null;
    /** A change has stopped keepalived until every director has the change. */
    withdrawn: boolean | null;
  };
  /** The stack keeps its keepalived stopped. */
  inMaintenance: boolean;
  instances: {
    name: string;
    /**
     * unknown: the director can't be asked, or keepalived runs but neither its log nor the
     * addresses show the state. Unknown never counts as fit.
     */
    state: Transition["state"] | "stopped" | "unknown";
    since: string | null;
    priority: number;
  }[];
  syncDaemons: SyncDaemon[] | null;
  /** Connections in the IPVS table, including those that another director announced. */
  ipvsConnections: number | null;
}

/** A real server. */
export interface RealServer extends Host {
  /**
   * The virtual addresses it must answer for. `present` means that it has the address and the link
   * is up.
   */
  virtualAddresses: { address: string; interface: string; present: boolean | null }[];
  /** null where the real server has no IPv4 virtual address on lo. */
  arp: { quiet: boolean | null; sysctls: Record<string, number> | null } | null;
}

/** The whole {@link Status}, from the hosts' answers. */
export function look(stack: Stack, answers: ReadonlyMap<string, Answer>, now: Date): Status {
  // A host whose answer can't be read counts as unreachable; the others are shown as usual.
  const of = <T>(role: StackHost["role"], read: (seen: Seen) => T): T[] =>
    stack.hosts
      .filter((host) => host.role === role)
      .map((host) =>
        readable(
          () => read({ host, ...asked(answers.get(host.name), now) }),
          (unreachable) => read({ host, ...asked({ unreachable }, now) }),
        ),
      );
  const directors = of("director", seenDirector);
  const realServers = of("real server", seenRealServer);
  const virtualAddresses = virtualAddressesOf(directors);
  const virtualServers = servicesOf(directors, virtualAddresses);
  const problems = problemsOf({ directors, realServers, virtualAddresses, virtualServers }, now);
  return {
    stack: stack.name,
    at: now.toISOString(),
    healthy: problems.length === 0,
    deletionProtection: stack.deletionProtection,
    problems,
    virtualAddresses,
    virtualServers,
    directors: directors.map(({ shown }) => shown),
    realServers,
  };
}

/** A host's answer, and the difference between its clock and this machine's. */
interface Seen {
  host: StackHost;
  report?: Report;
  unreachable?: string;
  /** Converts the host's Unix time to ISO 8601 by this machine's clock. */
  time: (at: number) => string;
}

function asked(answer: Answer | undefined, now: Date): Omit<Seen, "host"> {
  const report = answer && "report" in answer ? answer.report : undefined;
  const behind = report
    ? now.getTime() / 1000 - parsed(report, "now", (text) => whole(text.trim()))
    : 0;
  return {
    time: (at) => new Date((at + behind) * 1000).toISOString(),
    ...(report
      ? { report }
      : { unreachable: answer && "unreachable" in answer ? answer.unreachable : "not asked" }),
  };
}

/** A director with the facts that only {@link problemsOf} needs. */
export interface SeenDirector {
  shown: Director;
  config: DirectorModel;
  /** Addresses on its interfaces except lo; undefined where it doesn't report them. */
  addresses: Set<string> | undefined;
  transitions: Map<string, Transition>;
  /** Undefined where the director doesn't report it. */
  table: Map<string, TableService> | undefined;
  rates: Map<string, Rates>;
  moves: Map<string, Move>;
  /** Addresses of real servers that a change has drained. */
  drainedByChange: Set<string>;
  time: Seen["time"];
}

function seenDirector({ host, report = new Map(), unreachable, time }: Seen): SeenDirector {
  const config = host.director;
  const addresses = isAnswered(report, "addresses")
    ? new Set(
        interfaceAddresses(report)
          .filter(({ device }) => device !== "lo")
          .map(({ address }) => address),
      )
    : undefined;
  const said = textOf(report, "vrrp-states");
  const transitions = parseVrrpStates(said);
  const remembered = parseRemembered(knowsStart(said) ? "" : textOf(report, "vrrp-metrics"));
  const service = properties(report, "service keepalived.service");
  const running = known(service.get("ActiveState"), (state) => state === "active");
  return {
    config,
    addresses,
    transitions,
    table: isAnswered(report, "ipvs") ? parsed(report, "ipvs", parseTable) : undefined,
    rates: parsed(report, "ipvs-rates", parseRates),
    moves: parsed(report, "pool-log", parsePoolLog),
    drainedByChange: drainedByChange(report),
    time,
    shown: {
      ...hostFacts(host.name, report, unreachable),
      keepalived: {
        version: /v([\d.]+)/.exec(textOf(report, "keepalived"))?.[1] ?? null,
        running,
        enabled: known(service.get("UnitFileState"), (state) => state === "enabled"),
        withdrawn: running === null ? null : isAnswered(report, `file ${withdrawnFile}`),
      },
      inMaintenance: config.inMaintenance,
      instances: config.instances.map((instance) => {
        const latest = transitions.get(instance.name);
        return {
          name: instance.name,
          priority: instance.priority,
          state:
            running === null
              ? "unknown"
              : running
                ? instanceState(instance, addresses, latest?.state ?? remembered.get(instance.name))
                : "stopped",
          since: latest && running ? time(latest.at) : null,
        };
      }),
      syncDaemons: isAnswered(report, "ipvs-daemons")
        ? parseDaemons(textOf(report, "ipvs-daemons"))
        : null,
      ipvsConnections: slab(report, "ip_vs_conn")?.objects ?? null,
    },
  };
}

/** Applies `of` to a known value; null stays for an unknown one. */
function known<T, U>(value: T | undefined, of: (value: T) => U): U | null {
  return value === undefined ? null : of(value);
}

/**
 * A director that has the addresses is active, whatever its log says, except for FAULT: bad news is
 * believed. BACKUP needs keepalived's own word, because the log may be rotated or older than the
 * loss of the addresses.
 */
function instanceState(
  { addresses }: Instance,
  present: Set<string> | undefined,
  said: Transition["state"] | undefined,
): Director["instances"][number]["state"] {
  if (said === "FAULT") return said;
  if (present !== undefined && addresses.length > 0) {
    const held = addresses.filter((address) => present.has(address)).length;
    if (held === addresses.length) return "MASTER";
    if (said === "MASTER") return held > 0 ? "MASTER" : "unknown";
  }
  return said ?? "unknown";
}

function virtualAddressesOf(directors: SeenDirector[]): VirtualAddress[] {
  const instances = directors.flatMap(({ config }) => config.instances);
  const all = new Map(
    instances.flatMap(({ name, interface: device, addresses }) =>
      addresses.map((address) => [address, { instance: name, interface: device }] as const),
    ),
  );
  return [...all].map(([address, place]) => {
    const own = directors.filter(({ config }) =>
      config.instances.some(({ addresses }) => addresses.includes(address)),
    );
    const holders = own.filter(({ addresses }) => addresses?.has(address));
    const isKnown = holders.length > 0 || own.every(({ addresses }) => addresses !== undefined);
    const since = holders.flatMap(({ transitions, time }) => {
      const latest = transitions.get(place.instance);
      return latest?.state === "MASTER" ? [time(latest.at)] : [];
    });
    return {
      address,
      ...place,
      holders: isKnown ? holders.map(({ shown }) => shown.name) : null,
      since: since.at(-1) ?? null,
    };
  });
}

function servicesOf(directors: SeenDirector[], addresses: VirtualAddress[]): VirtualServer[] {
  const services = new Map<string, Service>();
  for (const service of directors.flatMap(({ config }) => config.services)) {
    if (!services.has(service.service)) services.set(service.service, service);
  }
  return [...services.values()].flatMap((service) => {
    const { vrrpInstance: instance } = service;
    // Without an instance, only checks use the service.
    if (instance === undefined) return [];
    const holders = holdersOf(service, directors, addresses);
    const [active] = holders;
    const live = active?.table?.get(service.service);
    const knows = active?.table !== undefined;
    return {
      name: service.name,
      service: service.service,
      instance,
      scheduler: service.scheduler,
      active: active?.shown.name ?? null,
      rates: active?.rates.get(service.service) ?? null,
      realServers: service.realServers.map((member) => {
        const there = live?.destinations.get(member.endpoint);
        const states = directors.filter(canTell).map((director) => {
          const state = poolState(director, service, member);
          return [director.shown.name, state] as const;
        });
        const out = directors
          .filter((director) => ["out", "inhibited"].includes(poolState(director, service, member)))
          .flatMap(({ moves, time }) => {
            const move = moves.get(moveKey(service.service, member.logged));
            return move?.out ? [time(move.at)] : [];
          })
          .sort();
        return {
          name: member.name,
          endpoint: member.endpoint,
          weight: member.weight,
          liveWeight: there?.weight ?? null,
          activeConnections: knows ? (there?.activeConnections ?? 0) : null,
          inactiveConnections: knows ? (there?.inactiveConnections ?? 0) : null,
          heardConnections: Object.fromEntries(
            directors
              .filter((director) => canTell(director) && !holders.includes(director))
              .map(({ shown, table }) => [
                shown.name,
                table?.get(service.service)?.destinations.get(member.endpoint)?.activeConnections ??
                  0,
              ]),
          ),
          rates: active?.rates.get(destinationKey(service.service, member.endpoint)) ?? null,
          states: Object.fromEntries(states),
          drainedByChange:
            states.length === 0
              ? null
              : states
                  .filter(
                    ([name, state]) =>
                      state === "inhibited" &&
                      byName(directors, name)?.drainedByChange.has(member.address),
                  )
                  .map(([name]) => name),
          outSince: out[0] ?? null,
        };
      }),
      sorryServer:
        service.sorryServer === undefined
          ? null
          : {
              endpoint: service.sorryServer,
              inUse: knows ? (live?.destinations.get(service.sorryServer)?.weight ?? 0) > 0 : null,
            },
    };
  });
}

/**
 * The directors that are active for a service: those with its address. For a firewall mark,
 * directors with addresses of its instance, most addresses first.
 */
function holdersOf(
  { isMark, vrrpInstance, traffic }: Service,
  directors: SeenDirector[],
  addresses: VirtualAddress[],
): SeenDirector[] {
  const own = addresses.filter((entry) =>
    isMark ? entry.instance === vrrpInstance : entry.address === traffic[0]?.address,
  );
  return directors
    .map((director) => ({ director, held: heldBy(director.shown.name, own) }))
    .filter(({ held }) => held > 0)
    .toSorted((a, b) => b.held - a.held)
    .map(({ director }) => director);
}

/**
 * Whether the director reports its table and its keepalived is not stopped, when the table would
 * mean nothing.
 */
function canTell({ shown, table }: SeenDirector): boolean {
  return table !== undefined && shown.keepalived.running !== false;
}

function poolState(
  { table }: SeenDirector,
  { service }: Service,
  { endpoint, weight }: Service["realServers"][number],
): PoolState {
  const live = table?.get(service)?.destinations.get(endpoint);
  if (live === undefined) return "out";
  if (live.weight > 0) return "in";
  return weight === 0 ? "weight 0" : "inhibited";
}

function heldBy(name: string, addresses: VirtualAddress[]): number {
  return addresses.filter(({ holders }) => holders?.includes(name)).length;
}

function byName(directors: SeenDirector[], name: string | undefined): SeenDirector | undefined {
  return directors.find(({ shown }) => shown.name === name);
}

function seenRealServer({ host, report = new Map(), unreachable }: Seen): RealServer {
  const present = isAnswered(report, "addresses") ? interfaceAddresses(report) : undefined;
  const wanted = host.loopback.map(({ address, interface: device }) => ({
    address,
    interface: device,
    present: known(present, (all) =>
      all.some((has) => has.address === address && has.device === device && has.isUp),
    ),
  }));
  const sysctls = Object.fromEntries(
    linesOf(report, "arp").flatMap((line) => {
      const [key = "", value = ""] = line.split(" ");
      return value === "" ? [] : [[key, Number(value)] as const];
    }),
  );
  // The kernel uses the larger of the interface's value and that of `all`: ip-sysctl.rst.
  const { "all.arp_ignore": ignore, "all.arp_announce": announce } = sysctls;
  const onLoopback = wanted.filter((entry) => entry.interface === "lo");
  return {
    ...hostFacts(host.name, report, unreachable),
    virtualAddresses: wanted,
    arp: onLoopback.some(({ address }) => !address.includes(":"))
      ? {
          quiet:
            ignore === undefined || announce === undefined ? null : ignore >= 1 && announce >= 2,
          sysctls: isAnswered(report, "arp") ? sysctls : null,
        }
      : null,
  };
}

function hostFacts(name: string, report: Report, unreachable: string | undefined): Host {
  const [count, max] = parsed(report, "conntrack", (text) => linesIn(text).map(whole));
  const memory = new Map(
    parsed(report, "memory", linesIn).map((line) => {
      const [key = "", kib] = line.split(/:?\s+/);
      return [key, /^\d+$/.test(kib ?? "") ? Number(kib) * 1024 : undefined] as const;
    }),
  );
  const [totalBytes, availableBytes] = ["MemTotal", "MemAvailable"].map((key) => memory.get(key));
  return {
    name,
    unreachable: unreachable ?? null,
    system: textOf(report, "system").trim() || null,
    kernel: textOf(report, "kernel").trim() || null,
    conntrack:
      count === undefined || max === undefined
        ? null
        : { count, max, bytes: slab(report, "nf_conntrack")?.bytes ?? null },
    memory:
      totalBytes === undefined || availableBytes === undefined
        ? null
        : { totalBytes, availableBytes },
    changed: parsed(report, "changed", changedIn),
    unconfirmedFirewall: parsed(report, "firewall", unconfirmedIn),
  };
}

/** How it stands with it, and firewall-guard.sh's note. */
function unconfirmedIn(text: string): UnconfirmedFirewall | null {
  if (text === "") return null;
  const [state, time = "", client = ""] = text.trimEnd().split(/[\n ]/);
  const at = new Date(whole(time) * 1000).toISOString();
  return { waits: state === "waits", at, client };
}

const changedSchema = z.object({
  stack: z.string(),
  version: z.string(),
  revision: z.string().nullable(),
}) satisfies z.ZodType<ChangedBy>;

/** Parses a file's modification time in Unix seconds, followed by the file. */
function changedIn(text: string): Changed | null {
  if (text === "") return null;
  const [time, ...lines] = text.split("\n");
  const at = new Date(whole(time) * 1000).toISOString();
  return { at, ...changedSchema.parse(JSON.parse(lines.join("\n"))) };
}

/** The size of a kernel cache, as slabinfo(5) counts it. */
function slab(report: Report, name: string): { objects: number; bytes: number } | undefined {
  const line = linesOf(report, "slabs").find((text) => text.startsWith(`${name} `));
  const [, active, total, size] = line?.split(/\s+/).map(Number) ?? [];
  if (active === undefined || total === undefined || size === undefined) return undefined;
  if (![active, total, size].every(Number.isSafeInteger)) return undefined;
  return { objects: active, bytes: total * size };
}
