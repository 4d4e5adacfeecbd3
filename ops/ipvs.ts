// Parsers for ipvsadm(8): tables, rates, rules and sync daemons. Service names have one spelling:
// see ServiceName.
import { Address6 } from "ip-address";

/**
 * A virtual service's name, equal for the kernel and the config: `TCP 192.0.2.100:80`,
 * `UDP [2001:db8::100]:53`, `FWM 1`, `FWM 1 IPv6`.
 */
export type ServiceName = string;

/** A service in the kernel, with its real servers by `ADDRESS:PORT`. */
export interface TableService {
  scheduler: string;
  destinations: Map<string, TableDestination>;
}

/** A real server of a service in the kernel. */
export interface TableDestination {
  forwarding: string;
  weight: number;
  activeConnections: number;
  inactiveConnections: number;
}

/** The load of a service or a real server, per second. */
export interface Rates {
  connections: number;
  inPackets: number;
  outPackets: number;
  inBytes: number;
  outBytes: number;
}

/**
 * `192.0.2.21:80` or `[2001:db8::21]:80`. IPv6 is in its shortest form, so that equal addresses are
 * equal texts.
 */
export function kernelEndpoint(address: string, port: number): string {
  return address.includes(":") ? `[${shortestForm(address)}]:${port}` : `${address}:${port}`;
}

/** The address of `ADDRESS:PORT`. */
export function addressOf(name: string): string {
  return name.replace(/:\d+$/, "").replace(/^\[(.+)\]$/, "$1");
}

/**
 * An address in its shortest form.
 * @throws Error when it is not an address
 */
export function shortestForm(address: string): string {
  if (!address.includes(":")) return address;
  if (!Address6.isValid(address)) throw new Error(`${address} is not an address`);
  return new Address6(address).correctForm();
}

/**
 * Parses `ipvsadm -Ln`.
 * @throws Error when a row is incomplete
 */
export function parseTable(text: string): Map<ServiceName, TableService> {
  const services = new Map<ServiceName, TableService>();
  let service: TableService | undefined;
  for (const words of rows(text)) {
    const [first = "", name = "", forwarding = "", weight, active, inactive] = words;
    if (first === "->") {
      const figures = [weight, active, inactive].map(Number);
      if (!figures.every(Number.isSafeInteger)) {
        throw new Error(`a row is not one of ipvsadm's: ${words.join(" ")}`);
      }
      const [liveWeight = 0, activeConnections = 0, inactiveConnections = 0] = figures;
      service?.destinations.set(normal(name), {
        forwarding,
        weight: liveWeight,
        activeConnections,
        inactiveConnections,
      });
    } else {
      const { service: named, rest } = serviceName(words);
      service = { scheduler: rest[0] ?? "", destinations: new Map() };
      services.set(named, service);
    }
  }
  return services;
}

/**
 * Parses `ipvsadm -Ln --rate --exact`: rates of services by name, of real servers by
 * {@link destinationKey}.
 */
export function parseRates(text: string): Map<string, Rates> {
  const rates = [...figures(text)].map(
    ([key, [connections = 0, inPackets = 0, outPackets = 0, inBytes = 0, outBytes = 0]]) =>
      [key, { connections, inPackets, outPackets, inBytes, outBytes }] as const,
  );
  return new Map(rates);
}

/**
 * A real server gets no new connections from `upper` connections on, and gets them again below
 * `lower`. 0 is no limit.
 */
export interface Thresholds {
  upper: number;
  lower: number;
}

/** Parses `ipvsadm -Ln --thresholds`, by {@link destinationKey}. Rules don't contain thresholds. */
export function parseThresholds(text: string): Map<string, Thresholds> {
  const thresholds = [...figures(text)].map(
    ([key, [upper = 0, lower = 0]]) => [key, { upper, lower }] as const,
  );
  return new Map(thresholds.filter(([key]) => key.includes(arrow)));
}

/** Names a real server of a service: `TCP 192.0.2.100:80 -> 192.0.2.21:80`. */
export function destinationKey(service: ServiceName, destination: string): string {
  return `${service}${arrow}${destination}`;
}

const arrow = " -> ";

/** The numbers at the end of each row. */
function figures(text: string): Map<string, number[]> {
  const found = new Map<string, number[]>();
  let current = "";
  for (const words of rows(text)) {
    if (words[0] === "->") {
      found.set(destinationKey(current, normal(words[1] ?? "")), words.slice(2).map(Number));
    } else {
      const { service, rest } = serviceName(words);
      current = service;
      found.set(service, rest.map(Number));
    }
  }
  return found;
}

/** A sync daemon that runs in the kernel. */
export interface SyncDaemon {
  state: "master" | "backup";
  interface: string;
  syncId: number;
  /** Absent where the kernel doesn't report it; the same holds for `port` and `ttl`. */
  group?: string;
  port?: number;
  ttl?: number;
}

/** Parses `ipvsadm -L --daemon`. */
export function parseDaemons(text: string): SyncDaemon[] {
  return [
    ...text.matchAll(/^(master|backup) sync daemon \(mcast=([^,)]+), syncid=(\d+)(.*)/gm),
  ].map(([, state, device = "", id, rest = ""]) => {
    const value = (name: string) => new RegExp(`, ${name}=([^,)]+)`).exec(rest)?.[1];
    const [group, port, ttl] = ["group", "port", "ttl"].map(value);
    return {
      state: state === "master" ? "master" : "backup",
      interface: device,
      syncId: Number(id),
      ...(group === undefined ? {} : { group }),
      ...(port === undefined ? {} : { port: Number(port) }),
      ...(ttl === undefined ? {} : { ttl: Number(ttl) }),
    };
  });
}

/** The settings, as text, that two daemons must share to hear each other. */
export function wayOfDaemon({
  interface: device,
  syncId,
  group,
  port,
  ttl,
}: Omit<SyncDaemon, "state">): string {
  return [
    `${device} with id ${syncId}`,
    ...(group === undefined ? [] : [`group ${group}`]),
    ...(port === undefined ? [] : [`port ${port}`]),
    ...(ttl === undefined ? [] : [`TTL ${ttl}`]),
  ].join(", ");
}

/** A service with everything that was configured and nothing that was counted. */
export interface Rule {
  service: ServiceName;
  scheduler: string;
  schedulerFlags: string[];
  persistenceSeconds: number;
  /** Groups clients for persistence: a netmask, or a prefix length in IPv6. @default one address */
  persistenceMask?: string;
  persistenceEngine?: string;
  onePacketScheduling: boolean;
  destinations: RuleDestination[];
}

/** A real server in a rule. */
export interface RuleDestination {
  name: string;
  forwarding: "DR" | "NAT" | "TUN";
  weight: number;
}

/** Parses `ipvsadm -Sn`. */
export function parseRules(text: string): Rule[] {
  const rules = new Map<ServiceName, Rule>();
  for (const line of text.split("\n")) {
    const words = line.trim().split(/\s+/);
    const { service, options } = ruleOptions(words);
    if (words[0] === "-A") {
      const mask = options.get("-M");
      const engine = options.get("--pe");
      rules.set(service, {
        service,
        scheduler: options.get("-s") ?? "",
        schedulerFlags: options.get("-b")?.split(",").sort() ?? [],
        persistenceSeconds: Number(options.get("-p") ?? 0),
        ...(mask === undefined ? {} : { persistenceMask: mask }),
        ...(engine === undefined ? {} : { persistenceEngine: engine }),
        onePacketScheduling: options.has("-o"),
        destinations: [],
      });
    }
    if (words[0] === "-a") {
      rules.get(service)?.destinations.push({
        name: normal(options.get("-r") ?? ""),
        forwarding: options.has("-m") ? "NAT" : options.has("-i") ? "TUN" : "DR",
        weight: Number(options.get("-w") ?? 1),
      });
    }
  }
  return [...rules.values()];
}

/** Rule options that take no value. */
const flags = new Set(["-g", "-m", "-i", "-o", "-6", "--ops"]);

const protocols: Record<string, string> = { "-t": "TCP", "-u": "UDP", "--sctp-service": "SCTP" };

function ruleOptions(words: string[]): { service: ServiceName; options: Map<string, string> } {
  const options = new Map<string, string>();
  for (let i = 1; i < words.length; i++) {
    const option = words[i] ?? "";
    options.set(option, flags.has(option) ? "" : (words[++i] ?? ""));
  }
  const mark = options.get("-f");
  if (mark !== undefined) {
    return { service: `FWM ${mark}${options.has("-6") ? " IPv6" : ""}`, options };
  }
  const [option = "", name = ""] = [...options].find(([key]) => key in protocols) ?? [];
  return { service: `${protocols[option] ?? ""} ${normal(name)}`, options };
}

/** The rows of a table, without its three heading lines. */
function rows(text: string): string[][] {
  return text
    .split("\n")
    .filter((line) => /^(TCP|UDP|SCTP|FWM|\s+->) /.test(line) && !line.includes("RemoteAddress"))
    .map((line) => line.trim().split(/\s+/));
}

/** Splits a row into its service name and the remaining words. */
function serviceName([protocol = "", name = "", ...rest]: string[]): {
  service: ServiceName;
  rest: string[];
} {
  if (protocol !== "FWM") return { service: `${protocol} ${normal(name)}`, rest };
  const isIpv6 = rest[0] === "IPv6";
  return { service: `FWM ${name}${isIpv6 ? " IPv6" : ""}`, rest: isIpv6 ? rest.slice(1) : rest };
}

function normal(name: string): string {
  const [, address, port] = /^\[(.+)\]:(\d+)$/.exec(name) ?? [];
  return address === undefined ? name : kernelEndpoint(address, Number(port));
}
