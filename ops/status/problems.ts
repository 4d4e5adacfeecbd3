// What is wrong with a load balancer, in words: an outage first, then what could become one.
import type { DirectorConfig, Instance } from "../directorConfig";
import type { SyncDaemon } from "../ipvs";
import type {
  Director,
  Host,
  PoolState,
  Problem,
  RealServer,
  SeenDirector,
  VirtualAddress,
  VirtualServer,
} from "./look";

/**
 * A share of the conntrack table from which new connections are in danger, as LvsConntrackFull has it (monitoring/rules.yml), and of memory
 * below which everything is.
 */
const limits = { conntrack: 0.8, memory: 0.05 };

/** Everything that is wrong, outages first. */
export function problemsOf(
  directors: SeenDirector[],
  realServers: RealServer[],
  virtualAddresses: VirtualAddress[],
  virtualServers: VirtualServer[],
): Problem[] {
  return [
    ...virtualAddresses.flatMap((address) => addressProblems(address, directors)),
    ...virtualServers.flatMap(serviceProblems),
    ...directors.flatMap((director) => directorProblems(director, virtualAddresses)),
    ...realServers.flatMap(realServerProblems),
  ].toSorted((a, b) => severities.indexOf(a.severity) - severities.indexOf(b.severity));
}

const severities: Problem["severity"][] = ["outage", "fault"];

function addressProblems(
  { address, holders, instance }: VirtualAddress,
  directors: SeenDirector[],
): Problem[] {
  if (holders.length > 1) {
    return [outage(`SPLIT BRAIN: ${holders.join(" and ")} hold ${address} (${instance}) at once`)];
  }
  if (holders.length === 1) return [];
  const silent = directors.filter(({ shown }) => shown.unreachable !== null);
  const unless =
    silent.length > 0
      ? `, unless ${silent.map(({ shown }) => shown.name).join(" or ")} does, which can't be asked`
      : "";
  return [outage(`NOBODY holds ${address} (${instance})${unless}`)];
}

/** How it is said that a real server gets no connections, though its weight says that it should. */
const absences: Partial<Record<PoolState, string>> = {
  out: "out of",
  inhibited: "at weight 0 in",
};

function serviceProblems({ name, realServers, active, sorryServer }: VirtualServer): Problem[] {
  const problems: Problem[] = [];
  if (active !== null && !realServers.some(({ states }) => states[active] === "in")) {
    const instead = sorryServer?.inUse ? `: the sorry server ${sorryServer.endpoint} answers` : "";
    problems.push(outage(`${name} has no real server in its pool${instead}`));
  }
  for (const member of realServers) {
    for (const [state, how] of Object.entries(absences)) {
      const where = Object.keys(member.states).filter(
        (director) => member.states[director] === state,
      );
      if (where.length === 0) continue;
      const everywhere = where.length === Object.keys(member.states).length;
      const on = everywhere ? "" : ` on ${where.join(", ")}`;
      const changed = where.filter((director) => member.drainedByChange.includes(director));
      const because =
        changed.length > 0
          ? `: a change drained it${changed.length < where.length ? ` on ${changed.join(", ")}` : ""} and has not put it in again; if no pulumi up is under way: lvs repair`
          : "";
      problems.push(fault(`${member.name} is ${how} the pool of ${name}${on}${because}`));
    }
  }
  return problems;
}

function directorProblems(
  { shown, config, table }: SeenDirector,
  addresses: VirtualAddress[],
): Problem[] {
  const { name, keepalived, unreachable, inMaintenance, instances, syncDaemons } = shown;
  if (unreachable !== null) return [fault(`${name} can't be reached: ${unreachable}`)];
  if (inMaintenance) {
    return keepalived.running
      ? [fault(`${name}: keepalived runs, though the stack has it in maintenance`)]
      : fullness(shown);
  }
  if (!keepalived.running) return [fault(`${name}: keepalived is not running`)];
  const missing = config.services.filter(({ service }) => !table.has(service));
  return [
    ...(keepalived.enabled ? [] : [fault(`${name}: keepalived is not started at boot`)]),
    ...instances
      .filter(({ state }) => state === "FAULT")
      .map((instance) => fault(`${name} is in FAULT state for ${instance.name}`)),
    ...missing.map(({ service }) => fault(`${name} lacks ${service} in its kernel`)),
    ...syncProblems(name, config, syncDaemons, instances),
    ...fullness(shown),
    ...config.instances.flatMap((instance) => partlyHeld(name, instance, addresses)),
  ];
}

/** Connections are told by the active director and heard by the others. */
function syncProblems(
  name: string,
  { syncDaemon }: DirectorConfig,
  daemons: SyncDaemon[],
  instances: Director["instances"],
): Problem[] {
  if (syncDaemon === undefined) return [];
  const state = instances.find((instance) => instance.name === syncDaemon.instance)?.state;
  const wanted: SyncDaemon["state"][] =
    syncDaemon.instance === undefined
      ? ["master", "backup"]
      : [state === "MASTER" ? "master" : "backup"];
  const found = daemons.map((daemon) => daemon.state);
  return wanted
    .filter((daemon) => !found.includes(daemon))
    .map((daemon) =>
      fault(
        `${name}: connections aren't synchronised: the ${daemon} daemon is missing${found.length > 0 ? `, ${found.join(" and ")} runs` : ""}`,
      ),
    );
}

/** An instance's addresses move together. */
function partlyHeld(
  name: string,
  { name: instance, addresses: own }: Instance,
  addresses: VirtualAddress[],
): Problem[] {
  const held = addresses.filter(
    ({ address, holders }) => own.includes(address) && holders.includes(name),
  );
  if (held.length === 0 || held.length === own.length) return [];
  const lost = own.filter((address) => !held.some((entry) => entry.address === address));
  return [fault(`${name} is active for ${instance} but does not have ${lost.join(", ")}`)];
}

function realServerProblems(server: RealServer): Problem[] {
  const { name, unreachable, virtualAddresses, arp } = server;
  if (unreachable !== null) return [fault(`${name} can't be reached: ${unreachable}`)];
  return [
    ...virtualAddresses
      .filter(({ present }) => !present)
      .map(({ address, interface: device }) =>
        fault(
          `${name} does not have ${address} on ${device}${device === "lo" ? "" : ", or that is down"}: what it is sent for it is lost`,
        ),
      ),
    ...(arp === null || arp.quiet
      ? []
      : [
          outage(
            `${name} answers ARP for virtual addresses (arp_ignore, arp_announce): it takes them from the active director`,
          ),
        ]),
    ...fullness(server),
  ];
}

function fullness({ name, conntrack, memory }: Host): Problem[] {
  const problems: Problem[] = [];
  if (conntrack && conntrack.count > limits.conntrack * conntrack.max) {
    problems.push(fault(`${name}: conntrack is full to ${conntrack.count} of ${conntrack.max}`));
  }
  if (memory && memory.availableBytes <= limits.memory * memory.totalBytes) {
    const mebibytes = Math.round(memory.availableBytes / 2 ** 20);
    problems.push(fault(`${name}: only ${mebibytes} MiB of memory are left`));
  }
  return problems;
}

function fault(text: string): Problem {
  return { severity: "fault", text };
}

function outage(text: string): Problem {
  return { severity: "outage", text };
}
