// Merges a director's kernel table into its config: entries that were added by hand, and differing
// weights.
import { canonical, checkedFamily } from "../../../components/schema";
import {
  kernelEndpoint,
  parseRules,
  type Rule,
  type RuleDestination,
  type ServiceName,
} from "../../ipvs";
import type { DirectorReading } from "./director";
import { nameOfPort, Names, type RealServers } from "../names";
import type { Statement } from "../syntax/parse";
import type { Scribe } from "../report";
import {
  prefixLength,
  type MemberReading,
  type Protocol,
  type ServiceReading,
  type Target,
} from "./services";
import { virtualServerShape, type VirtualServer } from "../shapes";

/** Adds what only the kernel has, and reports differences; the config counts. */
export function mergeIpvsadm(
  { file, text }: { file: string; text: string },
  reading: DirectorReading,
  realServers: RealServers,
  scribe: Scribe,
): void {
  text.split("\n").forEach((line, i) => {
    const [tunnel] = /--tun-type (?!ipip\b)\S+/.exec(line) ?? [];
    const isRule = /^(-[Aa] .*)?\s*$/.test(line);
    if (isRule && tunnel === undefined) return;
    const why = isRule
      ? `the stack tunnels by IPIP only, not by ${tunnel}`
      : "is not ipvsadm -Sn's";
    scribe.remarks([{ file, line: i + 1, text: line.trim(), why }]);
  });
  const rules = parseRules(text);
  const names = new Names();
  for (const { name } of reading.services) names.take(name);
  const seen = new Set<ServiceReading>();
  for (const rule of rules) {
    const isIt = (service: ServiceReading) => serviceName(service) === rule.service;
    if (reading.forChecks.some(isIt)) continue;
    const known = reading.services.find(isIt);
    const line = statementOf(file, text, rule.service);
    if (!known) {
      reading.services.push(fromKernel(rule, line, names, realServers, scribe));
      continue;
    }
    seen.add(known);
    compare(known, rule, line, { file, realServers, scribe });
  }
  for (const service of reading.services) {
    if (seen.has(service) || service.statement.file === file || rules.length === 0) continue;
    scribe.changed(
      service.statement,
      `virtualServers[${service.name}]`,
      `is not in the kernel, says ${file}: is keepalived running with this config?`,
    );
  }
}

/**
 * The kernel's name of a virtual server. A firewall mark without a family has that of its real
 * servers.
 */
function serviceName({ target, options, members }: ServiceReading): ServiceName {
  if (target.fwmark === undefined) {
    return `${options.protocol} ${kernelEndpoint(target.address, target.port)}`;
  }
  const family = target.family ?? checkedFamily(members[0]?.address ?? "");
  return `FWM ${target.fwmark}${family === "inet6" ? " IPv6" : ""}`;
}

/** The first line that names the service. */
function statementOf(file: string, text: string, service: ServiceName): Statement {
  const line = text.split("\n").findIndex((rule) => parseRules(rule)[0]?.service === service) + 1;
  return { keyword: "virtual_server", args: [], text: service, file, line, above: [] };
}

function fromKernel(
  rule: Rule,
  statement: Statement,
  names: Names,
  realServers: RealServers,
  scribe: Scribe,
): ServiceReading {
  const { target, protocol } = targetOf(rule.service);
  const name = names.take(
    target.fwmark === undefined ? nameOfPort(target.port, protocol) : `fwmark-${target.fwmark}`,
  );
  scribe.changed(
    statement,
    `virtualServers[${name}]`,
    "is in the kernel and not in keepalived.conf: here keepalived looks after it, with no checks",
  );
  const forwarding = rule.destinations[0]?.forwarding ?? "DR";
  const options = { protocol, forwarding, ...scheduling(rule, statement, scribe) };
  return {
    name,
    statement,
    target,
    options: { ...options, delayLoopSeconds: 3 },
    timing: { delayLoopSeconds: 3 },
    members: rule.destinations.map((server) =>
      memberFromKernel(server, statement, forwarding, realServers),
    ),
  };
}

/** Parses `TCP 192.0.2.100:80` or `FWM 1 IPv6`. */
function targetOf(service: ServiceName): { target: Target; protocol: Protocol } {
  const [kind = "", what = "", ipv6] = service.split(" ");
  if (kind === "FWM") {
    const family = ipv6 === undefined ? "inet" : "inet6";
    return { target: { fwmark: Number(what), family }, protocol: "TCP" };
  }
  const { address, port } = splitEndpoint(what);
  return {
    target: { address, port, family: checkedFamily(address) },
    protocol: kind as Protocol,
  };
}

/** Parses `192.0.2.21:80` or `[2001:db8::21]:80`. */
function splitEndpoint(name: string): { address: string; port: number } {
  const [, address = "", port] = /^\[?(.*?)\]?:(\d+)$/.exec(name) ?? [];
  return { address, port: Number(port) };
}

function scheduling(rule: Rule, statement: Statement, scribe: Scribe): VirtualServer {
  const mask = rule.persistenceMask;
  const given = {
    scheduler: rule.scheduler,
    schedulerFlags: rule.schedulerFlags,
    persistenceTimeoutSeconds: rule.persistenceSeconds,
    persistenceGranularity: mask === undefined ? undefined : prefixLength(mask),
    persistenceEngine: rule.persistenceEngine,
    onePacketScheduling: rule.onePacketScheduling,
  };
  const fitting: Record<string, unknown> = {};
  for (const key of Object.keys(given) as (keyof typeof given)[]) {
    if (virtualServerShape[key].safeParse(given[key]).success) fitting[key] = given[key];
    else scribe.inexpressible(statement, `the stack has no ${key} ${String(given[key])}`);
  }
  return fitting;
}

function memberFromKernel(
  { name, forwarding, weight }: RuleDestination,
  statement: Statement,
  usual: string,
  realServers: RealServers,
): MemberReading {
  const { address, port } = splitEndpoint(name);
  return {
    statement,
    name: realServers.at(address, undefined),
    address,
    port,
    writtenPort: port,
    options: forwarding === usual ? {} : { forwarding },
    weight,
    timing: {},
    checks: [],
  };
}

function compare(
  service: ServiceReading,
  rule: Rule,
  line: Statement,
  { file, realServers, scribe }: { file: string; realServers: RealServers; scribe: Scribe },
): void {
  const at = `virtualServers[${service.name}]`;
  const differ = (what: string, running: string | number, said: unknown) => {
    if (running === said) return;
    scribe.changed(
      { ...line, text: `${line.text}: ${what} ${running}` },
      `${what} ${String(said)}`,
      "differs in the kernel; keepalived.conf's is taken",
    );
  };
  const { options } = service;
  differ("scheduler", rule.scheduler, options.scheduler);
  differ("persistence timeout", rule.persistenceSeconds, options.persistenceTimeoutSeconds ?? 0);
  for (const server of rule.destinations) {
    const member = service.members.find(
      ({ address, port }) => kernelEndpoint(address, port) === server.name,
    );
    if (member) {
      const what = `${member.name} (${server.name})`;
      differ(`weight of ${what}`, server.weight, member.weight);
      const forwarding = member.options.forwarding ?? options.forwarding;
      differ(`forwarding to ${what}`, server.forwarding, forwarding);
    } else if (!isSorry(service, server)) {
      const added = memberFromKernel(server, line, String(options.forwarding), realServers);
      service.members.push(added);
      scribe.changed(
        { ...line, text: `${line.text}: ${server.name}` },
        `${at}.realServers[${added.name}]`,
        "is a real server in the kernel and not in keepalived.conf: here keepalived looks after it, with no checks",
      );
    }
  }
  for (const { name, address, port, statement } of service.members) {
    const there = rule.destinations.some((server) => server.name === kernelEndpoint(address, port));
    if (there || statement.file === file) continue;
    scribe.changed(
      statement,
      `${at}.realServers[${name}]`,
      `is not in the kernel, says ${file}: down, or taken out by hand?`,
    );
  }
}

function isSorry({ sorry }: ServiceReading, { name }: RuleDestination): boolean {
  return (
    sorry?.address !== undefined &&
    canonical(sorry.address) === canonical(splitEndpoint(name).address)
  );
}
