// What a director's kernel forwards, beside what its config says: entries that somebody added by hand, and weights that differ.
import { canonical, checkedFamily } from "../../components/schema";
import type { DirectorReading } from "./director";
import { parseIpvsadm, type IpvsRealServer, type IpvsService } from "./ipvsadm";
import { nameOfPort, Names, type RealServers } from "./names";
import type { Statement } from "./parse";
import type { Scribe } from "./report";
import type { MemberReading, ServiceReading } from "./services";
import { virtualServerShape, type VirtualServer } from "./shapes";

/** Adds to a reading what only the kernel has, and reports where both differ; the config's word counts. */
export function mergeIpvsadm(
  { file, text }: { file: string; text: string },
  reading: DirectorReading,
  realServers: RealServers,
  scribe: Scribe,
): void {
  const { services, problems } = parseIpvsadm(text, file);
  scribe.remarks(problems);
  const names = new Names();
  for (const { name } of reading.services) names.take(name);
  const seen = new Set<ServiceReading>();
  for (const live of services) {
    if (reading.forChecks.some((service) => isSame(service, live))) continue;
    const known = reading.services.find((service) => isSame(service, live));
    const line = statementOf(file, live);
    if (!known) {
      reading.services.push(fromKernel(live, line, names, realServers, scribe));
      continue;
    }
    seen.add(known);
    compare(known, live, line, { file, realServers, scribe });
  }
  for (const service of reading.services) {
    if (seen.has(service) || service.statement.file === file || services.length === 0) continue;
    scribe.changed(
      service.statement,
      `virtualServers[${service.name}]`,
      `is not in the kernel, says ${file}: is keepalived running with this config?`,
    );
  }
}

function isSame({ target, options }: ServiceReading, live: IpvsService): boolean {
  if (target.fwmark !== undefined || live.fwmark !== undefined) {
    return target.fwmark === live.fwmark && (target.family ?? live.family) === live.family;
  }
  return (
    live.address !== undefined &&
    canonical(target.address) === canonical(live.address) &&
    target.port === live.port &&
    options.protocol === live.protocol
  );
}

function statementOf(
  file: string,
  { line, fwmark, protocol, address, port }: IpvsService,
): Statement {
  const what = fwmark === undefined ? `${protocol} ${address} ${port}` : `FWM ${fwmark}`;
  return { keyword: "virtual_server", args: [], text: what, file, line, above: [] };
}

function fromKernel(
  live: IpvsService,
  statement: Statement,
  names: Names,
  realServers: RealServers,
  scribe: Scribe,
): ServiceReading {
  const { fwmark, address = "", port = 0, protocol = "TCP", family } = live;
  const name = names.take(fwmark === undefined ? nameOfPort(port, protocol) : `fwmark-${fwmark}`);
  const [first] = live.realServers;
  scribe.changed(
    statement,
    `virtualServers[${name}]`,
    "is in the kernel and not in keepalived.conf: here keepalived looks after it, with no checks",
  );
  const forwarding = first?.forwarding ?? "DR";
  return {
    name,
    statement,
    target: fwmark === undefined ? { address, port, family } : { fwmark, family },
    options: {
      protocol,
      forwarding,
      ...scheduling(live, statement, scribe),
      delayLoopSeconds: 3,
    },
    timing: { delayLoopSeconds: 3 },
    members: live.realServers.map((server) =>
      memberFromKernel(server, statement, forwarding, realServers),
    ),
  };
}

function scheduling(live: IpvsService, statement: Statement, scribe: Scribe): VirtualServer {
  const { scheduler, schedulerFlags, persistenceTimeoutSeconds, persistenceGranularity } = live;
  const given = {
    scheduler,
    schedulerFlags,
    persistenceTimeoutSeconds,
    persistenceGranularity,
    persistenceEngine: live.persistenceEngine,
    onePacketScheduling: live.onePacketScheduling,
  };
  const fitting: Record<string, unknown> = {};
  for (const key of Object.keys(given) as (keyof typeof given)[]) {
    if (virtualServerShape[key].safeParse(given[key]).success) fitting[key] = given[key];
    else scribe.inexpressible(statement, `the stack has no ${key} ${String(given[key])}`);
  }
  return fitting;
}

function memberFromKernel(
  server: IpvsRealServer,
  statement: Statement,
  forwarding: string,
  realServers: RealServers,
): MemberReading {
  return {
    statement,
    name: realServers.at(server.address, undefined),
    address: server.address,
    port: server.port,
    options: {
      ...(server.forwarding !== undefined && server.forwarding !== forwarding
        ? { forwarding: server.forwarding }
        : {}),
      ...(server.upperThreshold === undefined ? {} : { upperThreshold: server.upperThreshold }),
      ...(server.lowerThreshold === undefined ? {} : { lowerThreshold: server.lowerThreshold }),
    },
    weight: server.weight ?? 1,
    timing: {},
    checks: [],
  };
}

function compare(
  service: ServiceReading,
  live: IpvsService,
  line: Statement,
  { file, realServers, scribe }: { file: string; realServers: RealServers; scribe: Scribe },
): void {
  const here = scribe.in(`virtualServers[${service.name}]`);
  const differ = (what: string, running: unknown, said: unknown) => {
    here.changed(
      { ...line, text: `${line.text}: ${what} ${String(running)}` },
      `${what} ${String(said)}`,
      "differs in the kernel; keepalived.conf's is taken",
    );
  };
  const { options } = service;
  const pairs: [string, unknown, unknown][] = [
    ["scheduler", live.scheduler, options.scheduler],
    ["persistence timeout", live.persistenceTimeoutSeconds, options.persistenceTimeoutSeconds ?? 0],
  ];
  for (const [what, running, said] of pairs) {
    if (running !== undefined && running !== said) differ(what, running, said);
  }
  for (const server of live.realServers) {
    const member = service.members.find(
      ({ address, port }) =>
        canonical(address) === canonical(server.address) && port === server.port,
    );
    const spelt = `${server.address}:${server.port}`;
    if (member) {
      const forwarding = member.options.forwarding ?? options.forwarding;
      if (server.weight !== undefined && server.weight !== member.weight) {
        differ(`weight of ${member.name} (${spelt})`, server.weight, member.weight);
      }
      if (server.forwarding !== undefined && server.forwarding !== forwarding) {
        differ(`forwarding to ${member.name} (${spelt})`, server.forwarding, forwarding);
      }
      continue;
    }
    if (isSorry(service, server)) continue;
    const added = memberFromKernel(server, line, String(options.forwarding), realServers);
    service.members.push(added);
    here.changed(
      { ...line, text: `${line.text}: ${spelt}` },
      `realServers[${added.name}]`,
      "is a real server in the kernel and not in keepalived.conf: here keepalived looks after it, with no checks",
    );
  }
  for (const member of service.members) {
    const there = live.realServers.some(
      ({ address, port }) =>
        canonical(address) === canonical(member.address) && port === member.port,
    );
    if (!there && member.statement.file !== file) {
      here.changed(
        member.statement,
        `realServers[${member.name}]`,
        `is not in the kernel, says ${file}: down, or taken out by hand?`,
      );
    }
  }
}

function isSorry({ sorry }: ServiceReading, { address }: IpvsRealServer): boolean {
  return (
    sorry?.address !== undefined &&
    checkedFamily(sorry.address) === checkedFamily(address) &&
    canonical(sorry.address) === canonical(address)
  );
}
