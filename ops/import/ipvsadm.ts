// What a director's kernel forwards: the output of `ipvsadm -Sn` or of `ipvsadm -Ln`, with or without --thresholds.
import { familyOf, type Family } from "../../components/schema";
import type { Remark } from "./lines";

export type Protocol = "TCP" | "UDP" | "SCTP";
export type Forwarding = "DR" | "NAT" | "TUN";

export interface IpvsRealServer {
  address: string;
  /** 0: the port that the client asked for. */
  port: number;
  /** Absent where the output doesn't tell, or the real server is the director itself. */
  forwarding?: Forwarding;
  weight?: number;
  upperThreshold?: number;
  lowerThreshold?: number;
}

export interface IpvsService {
  family: Family;
  /** Either a firewall mark, or protocol, address and port. */
  fwmark?: number;
  protocol?: Protocol;
  address?: string;
  port?: number;
  /** Absent where the output doesn't tell. */
  scheduler?: string;
  schedulerFlags: string[];
  onePacketScheduling: boolean;
  /** 0 is none. */
  persistenceTimeoutSeconds: number;
  /** Prefix length of the networks whose clients count as one. */
  persistenceGranularity?: number;
  persistenceEngine?: string;
  realServers: IpvsRealServer[];
  line: number;
}

/** Parses the output; lines that say something else are in `problems`. */
export function parseIpvsadm(
  text: string,
  file = "ipvsadm",
): { services: IpvsService[]; problems: Remark[] } {
  const services: IpvsService[] = [];
  const problems: Remark[] = [];
  text.split(/\r?\n/).forEach((raw, i) => {
    const line = i + 1;
    const words = raw.trim().split(/\s+/);
    const [first = ""] = words;
    if (first === "" || isHeader(raw)) return;
    try {
      if (/^-[AE]$|^--(add|edit)-service$/.test(first)) {
        services.push(ruleService(words.slice(1), line));
      } else if (/^-[ae]$|^--(add|edit)-server$/.test(first)) {
        addRuleServer(services, words.slice(1), line);
      } else if (first === "->") {
        const service = services.at(-1);
        if (!service) throw new Error("stands below no virtual server");
        service.realServers.push(tableServer(words.slice(1)));
      } else if (/^(TCP|UDP|SCTP|FWM)$/.test(first)) {
        services.push(tableService(words, line));
      } else {
        throw new Error("is neither ipvsadm -Sn's nor ipvsadm -Ln's");
      }
    } catch (error) {
      problems.push({ file, line, text: raw.trim(), why: (error as Error).message });
    }
  });
  return { services, problems };
}

/** Titles of ipvsadm -L, which also say what the columns are. */
function isHeader(line: string): boolean {
  return /^(IP Virtual Server version|Prot LocalAddress:Port|\s*-> RemoteAddress:Port)/.test(line);
}

function emptyService(line: number): Omit<IpvsService, "family"> {
  return {
    schedulerFlags: [],
    onePacketScheduling: false,
    persistenceTimeoutSeconds: 0,
    realServers: [],
    line,
  };
}

/** `-t 192.0.2.100:80 -s wrr -p 300 …`; some versions print `pe sip` and `ops` without their dashes. */
function ruleService(words: string[], line: number): IpvsService {
  const service: Omit<IpvsService, "family"> = emptyService(line);
  let family: Family = "inet";
  const next = valuesOf(words);
  for (let word = next(); word !== undefined; word = next()) {
    if (word in protocolOptions) {
      const { address, port } = endpoint(next());
      Object.assign(service, { protocol: protocolOptions[word], address, port });
      family = familyOf(address) ?? "inet";
    } else if (word === "-f" || word === "--fwmark-service") {
      service.fwmark = integer(next(), "a firewall mark");
    } else if (word === "-6" || word === "--ipv6") {
      family = "inet6";
    } else if (word === "-s" || word === "--scheduler") {
      service.scheduler = next();
    } else if (word === "-b" || word === "--sched-flags") {
      service.schedulerFlags = flags(next());
    } else if (word === "-p" || word === "--persistent") {
      service.persistenceTimeoutSeconds = integer(next(), "a number of seconds");
    } else if (word === "-M" || word === "--netmask") {
      service.persistenceGranularity = prefixLength(next());
    } else if (/^(--)?pe$/.test(word)) {
      service.persistenceEngine = next();
    } else if (/^(-o|(--)?ops)$/.test(word)) {
      service.onePacketScheduling = true;
    } else {
      throw new Error(`has ${word}, which is not known`);
    }
  }
  return checked({ ...service, family });
}

const protocolOptions: Partial<Record<string, Protocol>> = {
  "-t": "TCP",
  "--tcp-service": "TCP",
  "-u": "UDP",
  "--udp-service": "UDP",
  "--sctp-service": "SCTP",
};

/** `-t 192.0.2.100:80 -r 192.0.2.21:80 -g -w 1`. */
function addRuleServer(services: IpvsService[], words: string[], line: number): void {
  const server: Partial<IpvsRealServer> = {};
  const key: string[] = [];
  const next = valuesOf(words);
  for (let word = next(); word !== undefined; word = next()) {
    if (word in protocolOptions || word === "-f" || word === "--fwmark-service") {
      key.push(word, next() ?? "");
    } else if (word === "-6" || word === "--ipv6") {
      key.push("-6");
    } else if (word === "-r" || word === "--real-server") {
      Object.assign(server, endpoint(next()));
    } else if (word in forwardingOptions) {
      server.forwarding = forwardingOptions[word];
    } else if (word === "-w" || word === "--weight") {
      server.weight = integer(next(), "a weight");
    } else if (word === "-x" || word === "--u-threshold") {
      server.upperThreshold = integer(next(), "a number of connections") || undefined;
    } else if (word === "-y" || word === "--l-threshold") {
      server.lowerThreshold = integer(next(), "a number of connections") || undefined;
    } else if (word.startsWith("--tun-")) {
      throw new Error(`has ${word}: tunnels other than IPIP are not known here`);
    } else {
      throw new Error(`has ${word}, which is not known`);
    }
  }
  const { address, port } = server;
  if (address === undefined || port === undefined) throw new Error("names no real server");
  const wanted = ruleService(key, line);
  const service = services.findLast((known) => sameService(known, wanted));
  if (!service) throw new Error("belongs to a virtual server that is not listed");
  service.realServers.push({ ...server, address, port });
}

const forwardingOptions: Partial<Record<string, Forwarding>> = {
  "-g": "DR",
  "--gatewaying": "DR",
  "-i": "TUN",
  "--ipip": "TUN",
  "-m": "NAT",
  "--masquerading": "NAT",
};

/** True when both name the same virtual server of the kernel. */
export function sameService(
  a: Pick<IpvsService, "family" | "fwmark" | "protocol" | "address" | "port">,
  b: Pick<IpvsService, "family" | "fwmark" | "protocol" | "address" | "port">,
): boolean {
  const keys = ["family", "fwmark", "protocol", "address", "port"] as const;
  return keys.every((key) => a[key] === b[key]);
}

/** `TCP  192.0.2.100:80 wrr persistent 300 mask 255.255.255.0`, `FWM  5 IPv6 rr`, `UDP  192.0.2.100:53 sh (sh-port) ops`. */
function tableService(words: string[], line: number): IpvsService {
  const [kind = "", what, ...rest] = words;
  const service: Omit<IpvsService, "family"> = emptyService(line);
  let family: Family = "inet";
  if (kind === "FWM") {
    service.fwmark = integer(what, "a firewall mark");
    if (rest[0] === "IPv6") {
      family = "inet6";
      rest.shift();
    }
  } else {
    const { address, port } = endpoint(what);
    Object.assign(service, { protocol: kind, address, port });
    family = familyOf(address) ?? "inet";
  }
  service.scheduler = rest.shift();
  const next = valuesOf(rest);
  for (let word = next(); word !== undefined; word = next()) {
    if (word === "persistent") {
      service.persistenceTimeoutSeconds = integer(next(), "a number of seconds");
    } else if (word === "mask") {
      service.persistenceGranularity = prefixLength(next());
    } else if (word === "pe") {
      service.persistenceEngine = next();
    } else if (word === "ops") {
      service.onePacketScheduling = true;
    } else if (/^\(.*\)$/.test(word)) {
      service.schedulerFlags = flags(word.slice(1, -1));
    } else {
      throw new Error(`has ${word}, which is not known`);
    }
  }
  return checked({ ...service, family });
}

/** `192.0.2.21:80 Route 1 0 0`; with --thresholds `192.0.2.21:80 1000 750 0 0`. */
function tableServer(words: string[]): IpvsRealServer {
  const [where, second = "", third] = words;
  const server = endpoint(where);
  if (/^\d+$/.test(second)) {
    const upperThreshold = integer(second, "a number of connections") || undefined;
    const lowerThreshold = integer(third, "a number of connections") || undefined;
    return { ...server, upperThreshold, lowerThreshold };
  }
  if (!(second in forwardingNames)) throw new Error(`has ${second}, which is no way of forwarding`);
  const forwarding = forwardingNames[second];
  return { ...server, forwarding, weight: integer(third, "a weight") };
}

const forwardingNames: Partial<Record<string, Forwarding>> = {
  Route: "DR",
  Masq: "NAT",
  Tunnel: "TUN",
  Local: undefined,
};

/** What stands next in a list, each once. */
function valuesOf(words: string[]): () => string | undefined {
  let at = 0;
  return () => words[at++];
}

function endpoint(text: string | undefined): { address: string; port: number } {
  const [, six, four, port] = /^(?:\[(.+)\]|([^:[]+)):(\d+)$/.exec(text ?? "") ?? [];
  const address = six ?? four;
  if (address === undefined || familyOf(address) === undefined) {
    throw new Error(`has ${text ?? "nothing"} where an address and a port should be: list with -n`);
  }
  return { address, port: Number(port) };
}

function integer(text: string | undefined, what: string): number {
  if (!/^\d+$/.test(text ?? ""))
    throw new Error(`has ${text ?? "nothing"} where ${what} should be`);
  return Number(text);
}

function flags(text: string | undefined): string[] {
  return (text ?? "").split(",").filter((flag) => flag !== "");
}

/** 24 of 255.255.255.0, and of 24. */
export function prefixLength(mask: string | undefined): number {
  if (/^\d{1,3}$/.test(mask ?? "")) return Number(mask);
  if (familyOf(mask ?? "") !== "inet") throw new Error(`has ${mask ?? "nothing"} for a netmask`);
  const bits = (mask ?? "")
    .split(".")
    .map((byte) => Number(byte).toString(2).padStart(8, "0"))
    .join("");
  if (!/^1*0*$/.test(bits)) throw new Error(`has ${mask}, a netmask with gaps`);
  return bits.replace(/0+$/, "").length;
}

function checked(service: IpvsService): IpvsService {
  if (service.fwmark === undefined && service.address === undefined) {
    throw new Error("names no virtual server");
  }
  return service;
}
