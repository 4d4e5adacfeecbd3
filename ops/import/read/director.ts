// Reads one director's config, as far as the stack has keys for it.
import { canonical, checkedFamily, trackLists, type Family } from "../../../components/schema";
import { nameOf, readGlobals, type Globals } from "./globals";
import { cannot, each, readBlock, word, type Keywords } from "./keywords";
import { Names, type RealServers } from "../names";
import type { Parsed, Statement } from "../syntax/parse";
import { Unfit, type Scribe } from "../report";
import type { Scripts } from "./scripts";
import { readServices, type MemberReading, type ServiceReading } from "./services";
import type { InterfaceDelay, SyncGroup } from "../shapes";
import { readTracking, type TrackingReading } from "./tracking";
import { readInstance, readInterfaceDelays, readSyncGroup, type InstanceReading } from "./vrrp";

/** One director's config, read. */
export interface DirectorReading {
  file: string;
  globals: Globals;
  instances: InstanceReading[];
  interfaceDelays: InterfaceDelay[];
  syncGroups: SyncGroup[];
  tracking: TrackingReading;
  services: ServiceReading[];
  /** Virtual servers that serve only checks of other virtual servers. */
  forChecks: ServiceReading[];
  /** The director's own addresses, as far as its checks contain them. */
  ownAddresses: Partial<Record<Family, string>>;
}

/** Reads a parsed config. */
export function readDirector(
  file: string,
  { statements }: Parsed,
  shared: { scripts: Scripts; realServers: RealServers; scribe: Scribe },
  host?: string,
): DirectorReading {
  const { scripts, realServers, scribe } = shared;
  const globals = readGlobals(
    statements,
    scripts,
    scribe,
    host === undefined ? undefined : nameOf(host),
  );
  const tracking = readTracking(statements, scripts, scribe);
  const instances = attempt(statements, "vrrp_instance", scribe, (statement) =>
    readInstance(statement, globals, scripts, tracking, scribe),
  );
  const syncGroups = attempt(statements, "vrrp_sync_group", scribe, (statement) =>
    readSyncGroup(statement, instances, { globals, scripts, tracking }, scribe),
  ).filter((group) => group !== undefined);
  dropWeightsInGroups(instances, syncGroups, scribe);
  const services = readServices(statements, {
    globals,
    scripts,
    realServers,
    names: new Names(),
    scribe,
  });
  const interfaceDelays = readInterfaceDelays(statements, instances, scribe);
  readBlock({ keyword: "", block: statements }, topLevel, {}, scribe);
  const folded = foldThrough(services, scribe);
  scribe.rest(statements);
  return { file, globals, instances, interfaceDelays, syncGroups, tracking, ...folded };
}

/** Keywords of the top level. Those read elsewhere do nothing here. */
const topLevel: Keywords<object> = {
  ...each(
    "global_defs vrrp_instance vrrp_sync_group vrrp_script vrrp_track_process vrrp_track_file track_file bfd_instance virtual_server virtual_server_group interface_up_down_delays",
    () => undefined,
  ),
  ...each(
    "static_ipaddress static_routes static_rules track_group",
    cannot("the stack leaves the hosts' own addresses, routes and rules alone"),
  ),
  garp_group: cannot("the stack has one interval for all interfaces, vrrp.garp.intervalSeconds"),
  ...each("linkbeat_interfaces linkbeat_use_polling", cannot()),
  ...each(
    "net_namespace net_namespace_ipvs namespace_with_ipsets instance use_pid_dir child_wait_time",
    cannot("says how keepalived runs, which the stack has no key for"),
  ),
  SSL: cannot("the stack's HTTPS checks bring no certificate of their own"),
};

function attempt<Reading>(
  statements: Statement[],
  keyword: string,
  scribe: Scribe,
  read: (statement: Statement) => Reading,
): Reading[] {
  const first = new Map<string, Statement>();
  return statements
    .filter((statement) => statement.keyword === keyword)
    .flatMap((statement) => {
      const name = statement.args[0] ?? "";
      const earlier = first.get(name);
      if (earlier) {
        scribe.leftOut(
          statement,
          `${keyword} ${name} is on line ${earlier.line} already, and keepalived keeps that`,
        );
        return [];
      }
      first.set(name, statement);
      try {
        return [read(statement)];
      } catch (error) {
        if (!(error instanceof Unfit)) throw error;
        scribe.inexpressible(statement, error.message);
        return [];
      }
    });
}

/**
 * A group's instances change state together, so keepalived ignores the weights of what each one
 * tracks.
 */
function dropWeightsInGroups(
  instances: InstanceReading[],
  groups: SyncGroup[],
  scribe: Scribe,
): void {
  const grouped = groups.flatMap((group) => group.instances ?? []);
  for (const { name, options, statement } of instances) {
    if (!grouped.includes(name)) continue;
    for (const list of trackLists) {
      const entries = options[list];
      if (!entries?.some(({ weight }) => weight)) continue;
      options[list] = entries.map((entry) => ({ name: entry.name }));
      scribe.changed(
        statement,
        `${list} without weights`,
        "in a sync group keepalived ignores the weights of what an instance tracks",
      );
    }
  }
}

/**
 * A check that asks the virtual address at one real server has a mark, and a virtual server for
 * that mark with that real server alone. Together they become the stack's `throughVirtualAddress`,
 * without the extra virtual server.
 */
function foldThrough(
  services: ServiceReading[],
  scribe: Scribe,
): Pick<DirectorReading, "services" | "forChecks" | "ownAddresses"> {
  const ownAddresses: Partial<Record<Family, string>> = {};
  const folded = new Set<ServiceReading>();
  for (const service of services) {
    for (const member of service.members) {
      for (const check of member.checks) {
        const { bindTo, fwmark, draft, statement } = check;
        const marked =
          fwmark && services.find((other) => servesOnly(other, Number(word(fwmark)), member));
        const virtual = draft.address;
        if (marked && virtual !== undefined && bindTo && isVirtual(service, virtual)) {
          folded.add(marked);
          ownAddresses[checkedFamily(virtual)] = word(bindTo);
          draft.throughVirtualAddress = true;
          check.asked = virtual;
          delete draft.address;
          scribe.kept(fwmark, "/virtualServers[].checks[].throughVirtualAddress");
          scribe.kept(bindTo, "/virtualServers[].checks[].throughVirtualAddress");
          continue;
        }
        for (const odd of [fwmark, bindTo]) {
          if (odd) scribe.inexpressible(odd, `the stack has no key for it in ${statement.keyword}`);
        }
      }
    }
  }
  return {
    services: services.filter((service) => !folded.has(service)),
    forChecks: [...folded],
    ownAddresses,
  };
}

function servesOnly(
  { target, options, members, sorry }: ServiceReading,
  mark: number,
  member: MemberReading,
): boolean {
  const [only, ...others] = members;
  return (
    target.fwmark === mark &&
    only !== undefined &&
    others.length === 0 &&
    sorry === undefined &&
    only.checks.length === 0 &&
    options.scheduler === "rr" &&
    only.weight === 1 &&
    canonical(only.address) === canonical(member.address)
  );
}

/** A fwmark service has no address of its own, so any address that is asked for counts. */
function isVirtual({ target }: ServiceReading, address: string): boolean {
  return target.fwmark !== undefined || canonical(target.address) === canonical(address);
}
