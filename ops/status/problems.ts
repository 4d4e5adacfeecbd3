// Describes what is wrong with a load balancer, outages first.
import type { DirectorModel, Instance, Service, SyncDaemonModel } from "../../components/model";
import { wayOfDaemon, type SyncDaemon } from "../ipvs";
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
 * Limits as shares: above `conntrack` of the table, new connections are at risk (the same as
 * LvsConntrackFull in monitoring/rules.yml); below `memory` free, everything is.
 */
const limits = { conntrack: 0.8, memory: 0.05 };

/**
 * When to report that connection sync reaches nobody: the active director has this many open
 * connections, and the standby has heard of none for this many seconds. By then an open connection
 * has had a packet or has ended (IPVS's TCP timeout is 900 s), and the active director announces
 * packets: the third, then one in 50, and the end (net.ipv4.vs.sync_threshold, ip_vs_sync.c). The
 * limits exclude a standby that was just started, and connections too short to be announced.
 */
const deaf = { connections: 100, seconds: 900 };

/** Everything that is wrong, outages first. */
export function problemsOf(
  {
    directors,
    realServers,
    virtualAddresses,
    virtualServers,
  }: {
    directors: SeenDirector[];
    realServers: RealServer[];
    virtualAddresses: VirtualAddress[];
    virtualServers: VirtualServer[];
  },
  now: Date,
): Problem[] {
  return [
    ...(directors.some(({ shown }) => shown.unreachable === null)
      ? virtualAddresses.flatMap((address) => addressProblems(address, directors))
      : [unknown("no director can be asked: is this machine's way to the hosts up?")]),
    ...virtualServers.flatMap(serviceProblems),
    ...directors.flatMap((director) => directorProblems(director, virtualAddresses)),
    ...directors.flatMap((director) => deafness(director, directors, virtualAddresses, now)),
    ...realServers.flatMap(realServerProblems),
    ...[...directors.map(({ shown }) => shown), ...realServers].flatMap(firewallProblems),
  ].toSorted((a, b) => severities.indexOf(a.severity) - severities.indexOf(b.severity));
}

const severities: Problem["severity"][] = ["outage", "unknown", "fault"];

function addressProblems(
  { address, holders, instance }: VirtualAddress,
  directors: SeenDirector[],
): Problem[] {
  if (holders === null) {
    const own = directors.filter(({ config }) =>
      config.instances.some(({ addresses }) => addresses.includes(address)),
    );
    const named = (some: SeenDirector[]) => some.map(({ shown }) => shown.name).join(" and ");
    const without = own.filter((director) => director.addresses !== undefined);
    const silent = own.filter((director) => director.addresses === undefined);
    return [
      unknown(
        `nobody knows whether ${address} (${instance}) is held: ${named(without)} ${without.length === 1 ? "doesn't have" : "don't have"} it, ${named(silent)} can't be asked`,
      ),
    ];
  }
  if (holders.length > 1) {
    return [outage(`SPLIT BRAIN: ${holders.join(" and ")} hold ${address} (${instance}) at once`)];
  }
  return holders.length === 1 ? [] : [outage(`NOBODY holds ${address} (${instance})`)];
}

/** The wording for a real server that gets no connections although its weight is not 0. */
const absences: Partial<Record<PoolState, string>> = {
  out: "out of",
  inhibited: "at weight 0 in",
};

function serviceProblems(server: VirtualServer): Problem[] {
  const { name, realServers, active, sorryServer } = server;
  const problems: Problem[] = [];
  // Without the director's IPVS table, nothing is known about the pool.
  const isTold = realServers.every(({ activeConnections }) => activeConnections !== null);
  if (active !== null && isTold && !realServers.some(({ states }) => states[active] === "in")) {
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
      const changed = where.filter((director) => member.drainedByChange?.includes(director));
      const because =
        changed.length > 0
          ? `: a change drained it${changed.length < where.length ? ` on ${changed.join(", ")}` : ""}; at its end it is put in again once its checks succeed`
          : "";
      problems.push(fault(`${member.name} is ${how} the pool of ${name}${on}${because}`));
    }
  }
  return problems;
}

function directorProblems(
  { shown, config, table, addresses: held }: SeenDirector,
  addresses: VirtualAddress[],
): Problem[] {
  const { name, keepalived, unreachable, inMaintenance, instances, syncDaemons } = shown;
  if (unreachable !== null) return [fault(`${name} can't be reached: ${unreachable}`)];
  const untold = [
    ...(keepalived.running === null ? ["whether keepalived runs"] : []),
    ...(held === undefined ? ["its addresses"] : []),
    ...(table === undefined ? ["its IPVS table"] : []),
    ...(syncDaemons === null && config.syncDaemon !== undefined ? ["its sync daemons"] : []),
  ].map((what) => fault(`${name} doesn't say ${what}`));
  if (inMaintenance) {
    return keepalived.running
      ? [fault(`${name}: keepalived runs, though the stack has it in maintenance`)]
      : [...untold, ...fullness(shown)];
  }
  if (keepalived.running === false) {
    return [
      fault(
        keepalived.withdrawn
          ? `${name}: keepalived is stopped until every director has the config: a change was cut off, or is under way; the next pulumi up starts it`
          : `${name}: keepalived is not running`,
      ),
    ];
  }
  const missing = table ? config.services.filter(({ service }) => !table.has(service)) : [];
  return [
    ...untold,
    ...(keepalived.enabled === false ? [fault(`${name}: keepalived is not started at boot`)] : []),
    ...instances.flatMap(stateProblems(name)),
    ...missing.map(({ service }) => fault(`${name} lacks ${service} in its kernel`)),
    ...syncProblems(name, config, syncDaemons ?? undefined),
    ...fullness(shown),
    ...config.instances.flatMap((instance) => partlyHeld(name, instance, addresses)),
  ];
}

const stateProblems =
  (director: string) =>
  ({ name, state }: Director["instances"][number]): Problem[] => {
    if (state === "FAULT") return [fault(`${director} is in FAULT state for ${name}`)];
    if (state !== "unknown") return [];
    return [
      fault(
        `${director}: the state of ${name} is not known: neither keepalived's log nor the addresses tell it. It counts as unfit; where another director is active, a restart of this keepalived brings it to light`,
      ),
    ];
  };

/** Each director needs both daemons: the active one announces connections, the others listen. */
function syncProblems(
  name: string,
  { syncDaemon }: DirectorModel,
  daemons: SyncDaemon[] | undefined,
): Problem[] {
  if (syncDaemon === undefined || daemons === undefined) return [];
  const found = daemons.map((daemon) => daemon.state);
  return (["master", "backup"] as const).flatMap((role) => {
    const running = daemons.find((daemon) => daemon.state === role);
    if (running === undefined) {
      const others = found.length > 0 ? `, ${found.join(" and ")} runs` : "";
      return [
        fault(`${name}: connections aren't synchronised: the ${role} daemon is missing${others}`),
      ];
    }
    if (isWantedDaemon(running, syncDaemon)) return [];
    return [
      fault(
        `${name}: connections aren't synchronised: the ${role} daemon is not the stack's: it is on ${wayOfDaemon({ ...syncDaemon, ...running })}, not on ${wayOfDaemon(syncDaemon)}; lvs repair replaces it`,
      ),
    ];
  });
}

/** Whether the daemon is the config's. Another owner's daemon doesn't serve this pair. */
export function isWantedDaemon(running: SyncDaemon, wanted: SyncDaemonModel): boolean {
  return wayOfDaemon({ ...wanted, ...running }) === wayOfDaemon(wanted);
}

/**
 * Both daemons may run while nothing arrives: only this check notices multicast dropped by a switch
 * or packet filter.
 */
function deafness(
  standby: SeenDirector,
  directors: SeenDirector[],
  virtualAddresses: VirtualAddress[],
  now: Date,
): Problem[] {
  const { shown, config, table } = standby;
  const { syncDaemon } = config;
  if (syncDaemon === undefined || table === undefined || !shown.keepalived.running) return [];
  const hears = shown.syncDaemons?.some(
    (daemon) => daemon.state === "backup" && isWantedDaemon(daemon, syncDaemon),
  );
  if (!hears) return [];
  return directors.flatMap((active) => {
    const services = config.services.filter(({ isMark, traffic: [flow] }) => {
      const place = virtualAddresses.find((entry) => entry.address === flow?.address);
      const own = shown.instances.find(({ name }) => name === place?.instance);
      const isLong =
        own?.since === null || now.getTime() - Date.parse(own?.since ?? "") >= deaf.seconds * 1000;
      // TCP only: a UDP connection too short to be announced counts as open, too.
      return (
        !isMark &&
        flow?.protocol === "TCP" &&
        place?.holders?.join() === active.shown.name &&
        own?.state === "BACKUP" &&
        isLong
      );
    });
    const open = connectionsOf(active, services).active;
    const { active: heard, inactive: ended } = connectionsOf(standby, services);
    if (open < deaf.connections || heard + ended > 0) return [];
    return [
      fault(
        `${shown.name} has heard of none of ${active.shown.name}'s ${open} open connections: they would break when it takes over; is multicast from one to the other on ${syncDaemon.interface} dropped?`,
      ),
    ];
  });
}

function connectionsOf({ table }: SeenDirector, services: Service[]) {
  const rows = services.flatMap(({ service }) => [
    ...(table?.get(service)?.destinations.values() ?? []),
  ]);
  const sum = (figures: number[]) => figures.reduce((all, one) => all + one, 0);
  return {
    active: sum(rows.map(({ activeConnections }) => activeConnections)),
    inactive: sum(rows.map(({ inactiveConnections }) => inactiveConnections)),
  };
}

/** An instance's addresses move together: a director with only some of them is a problem. */
function partlyHeld(
  name: string,
  { name: instance, addresses: own }: Instance,
  addresses: VirtualAddress[],
): Problem[] {
  const held = addresses.filter(
    ({ address, holders }) => own.includes(address) && holders?.includes(name),
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
      .filter(({ present }) => present === false)
      .map(({ address, interface: device }) =>
        fault(
          `${name} does not have ${address} on ${device}${device === "lo" ? "" : ", or that is down"}: what it is sent for it is lost`,
        ),
      ),
    ...(virtualAddresses.some(({ present }) => present === null)
      ? [fault(`${name} doesn't say its addresses`)]
      : []),
    ...(arp?.quiet === null
      ? [fault(`${name} doesn't say its ARP sysctls (arp_ignore, arp_announce)`)]
      : []),
    ...(arp?.quiet !== false
      ? []
      : [
          outage(
            `${name} answers ARP for virtual addresses (arp_ignore, arp_announce): it takes them from the active director`,
          ),
        ]),
    ...fullness(server),
  ];
}

/** The stack has a change for it that the host doesn't have. */
function firewallProblems({ name, unconfirmedFirewall: change }: Host): Problem[] {
  if (change === null) return [];
  const { waits, at, client } = change;
  return [
    fault(
      waits
        ? `${name}: a change of its firewall waits for another login, and goes back without one`
        : `${name}: a change of its firewall went back, at ${at}: no other login came through, after the one from ${client}. Add where logins come from to firewall.sshFrom; the next pulumi up tries again`,
    ),
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

function unknown(text: string): Problem {
  return { severity: "unknown", text };
}

function outage(text: string): Problem {
  return { severity: "outage", text };
}
