// Renders the input of a director's keepalived step: keepalived.conf, its scripts, and the same
// facts as data for the host scripts. Pure.
import { createHash } from "node:crypto";
import { scriptsFolder } from "../keepalived/scriptCall";
import { canonical, checkedFamily, type TrackList } from "../schema";
import {
  type DirectorSettings,
  type InstanceSettings,
  type MemberSettings,
  type Settings,
  sorryPart,
  syncId,
  type VirtualServerSettings,
} from "../settings";
import { throughWays } from "./checks";
import { renderFiles } from "./files";
import { entryWords, serviceLine, weightIsDynamic } from "./ipvs";
import {
  checksOf,
  peersIn,
  renderKeepalived,
  sourceIn,
  trackBlocks,
  trackedBlocks,
} from "./keepalived";
import { statements, type Line } from "./statements";

/** The file with the data; ipvs.sh explains its lines. */
export const directorDataPath = "/etc/lvs-ha/director";

/** The files in one text, because they change together. */
export function renderDirectorConfig(
  settings: Settings,
  director: DirectorSettings,
  authenticated: boolean,
): string {
  const conf = renderKeepalived(settings, director, authenticated);
  return renderFiles({
    "/etc/keepalived/keepalived.conf": linesOf(conf),
    [directorDataPath]: [
      // Identifies the config that the data describe: they say nothing about a config that was
      // edited or restored since.
      `=conf ${sha256(`${linesOf(conf).join("\n")}\n`)}`,
      ...directorData(settings, director),
    ],
    ...Object.fromEntries(
      Object.entries(settings.scripts).map(([name, text]) => [
        `${scriptsFolder}/${name}`,
        linesOf(text),
      ]),
    ),
  });
}

function linesOf(text: string): string[] {
  return text.replace(/\n$/, "").split("\n");
}

/** The lines of the data, except the first. */
export function directorData(
  settings: Omit<Settings, "ssh" | "firewall" | "packages">,
  director: DirectorSettings,
): string[] {
  const { instances, virtualServers, vrrp } = settings;
  const members = virtualServers.flatMap(({ realServers }) => realServers);
  const startsOut =
    virtualServers.some(({ alpha }) => alpha) ||
    members.some(({ checks }) => checks.some(({ check }) => "alpha" in check && check.alpha));
  return [
    ...virtualServers.flatMap((service) => serviceLines(service, settings, director)),
    ...throughWays(virtualServers).flatMap(({ mark, realAddress, forwarding }) => {
      const way = { fwmark: mark, family: checkedFamily(realAddress) };
      const entry = entryWords(way, { address: realAddress, port: 0, forwarding });
      return [serviceLine({ ...way, scheduler: "rr", schedulerFlags: [] }), ...inPool(entry, 1)];
    }),
    ...virtualServers.flatMap(nameLines),
    ...(startsOut ? ["=o ?"] : []),
    ...(vrrp.connectionSync ? [`=d ${syncDaemonWords(settings)}`] : []),
    ...instances.flatMap(({ name, virtualAddresses, vmac }) => [
      `=i ${name}`,
      ...(vmac ? [["=m", name, ...(vmac.interface ? [vmac.interface] : [])].join(" ")] : []),
      ...virtualAddresses.map(({ address }) => `=v ${address} ${name}`),
    ]),
    ...peersAtRest(settings, director).map((peer) => `=p ${peer}`),
    ...vrrp.syncGroups.flatMap(({ name, instances: own }) =>
      own.map((instance) => `=g ${name} ${instance}`),
    ),
    ...trackedLines(settings, director).map((line) => `=t ${line}`),
    ...requirements(settings, director).map((line) => `=r ${line}`),
  ];
}

type Entry = ReturnType<typeof entryWords>;

function peersAtRest(
  { instances, directors }: Pick<Settings, "instances" | "directors">,
  director: DirectorSettings,
): string[] {
  const atRest = new Set(
    directors.flatMap(({ name, inMaintenance }) => (inMaintenance ? [name] : [])),
  );
  const peers = instances
    .filter(({ unicast }) => unicast)
    .flatMap(({ members }) =>
      peersIn({ members: members.filter(({ name }) => atRest.has(name)) }, director),
    );
  return [...new Set(peers)].sort();
}

function serviceLines(
  service: VirtualServerSettings,
  settings: Pick<Settings, "instances" | "tracking">,
  director: DirectorSettings,
): string[] {
  const { sorryServer } = service;
  return [
    serviceLine(service),
    ...service.realServers.flatMap((member) => {
      const entry = entryWords(service, member);
      const checks = checksOf(member, service, settings, director);
      return [
        ...inPool(entry, weightIsDynamic(member) ? "*" : member.weight, member),
        ...(checks.length === 0
          ? []
          : [`=c ${entry.place} ${verdict(member, service)}${checkText(service, checks)}`]),
      ];
    }),
    ...sorryPart(service).flatMap((part) => {
      const { place, method } = entryWords(service, part);
      return [
        `+a ${place} ${method} -w 1`,
        ...(sorryServer?.inhibitOnFailure ? [`+a ${place} ${method} -w 0`] : []),
      ];
    }),
  ];
}

function inPool(
  { place, method }: Entry,
  weight: number | "*",
  {
    inhibitOnFailure,
    upperThreshold = 0,
    lowerThreshold = 0,
  }: Partial<Pick<MemberSettings, "inhibitOnFailure" | "upperThreshold" | "lowerThreshold">> = {},
): string[] {
  return [
    `-a ${place} ${method} -w ${weight}`,
    ...(inhibitOnFailure ? [`+a ${place} ${method} -w 0`] : []),
    `-x ${place} ${upperThreshold} ${lowerThreshold}`,
  ];
}

function nameLines(service: VirtualServerSettings): string[] {
  return service.realServers.flatMap((member, i) => {
    const { service: key, place } = entryWords(service, member);
    return [...(i === 0 ? [`=n ${key} ${service.name}`] : []), `=n ${place} ${member.name}`];
  });
}

/**
 * The maximum number of seconds until every check of a real server has decided, from a reload or
 * from now. keepalived's first second is BOOTSTRAP_DELAY. BFD and file checks ask nothing: they
 * report at once.
 */
function verdict({ checks }: MemberSettings, { delayLoopSeconds }: VirtualServerSettings): number {
  const each = checks.map(({ check }) => {
    if (check.type === "bfd" || check.type === "file") return 0;
    const isHttp = check.type === "http" || check.type === "https";
    const loop = check.delayLoopSeconds ?? delayLoopSeconds;
    const { retry, delayBeforeRetrySeconds: pause } = check;
    const timeout =
      check.type === "misc" ? (check.timeoutSeconds ?? loop) : check.connectTimeoutSeconds;
    const first = Math.max(check.warmupSeconds ?? loop, loop);
    // URLs are asked one after the other.
    const urls = isHttp ? check.urls.length : 1;
    return first + (retry + 1) * timeout + retry * pause + 1 + (urls - 1) * (loop + timeout);
  });
  return Math.trunc(Math.max(0, ...each) + 0.999);
}

/**
 * Identifies checks: a digest of their text, and the scripts that they run, because another script
 * text is another check.
 */
function checkText(
  { delayLoopSeconds, virtualHost }: VirtualServerSettings,
  checks: ReturnType<typeof checksOf>,
): string {
  const text = JSON.stringify([delayLoopSeconds, virtualHost, checks]);
  const scripts = text.match(new RegExp(`${scriptsFolder}/[a-z0-9_.-]+`, "g")) ?? [];
  return ["", sha256(text).slice(0, 8), ...new Set(scripts)].join(" ");
}

function sha256(text: string): string {
  return createHash("sha256").update(text).digest("hex");
}

function plain(line: Line): string {
  return line.replace(/[ \t]+/g, " ").trim();
}

function syncDaemonWords(settings: Pick<Settings, "vrrp" | "instances">): string {
  const { syncInterface, syncDaemon } = settings.vrrp;
  return [
    `--mcast-interface ${syncInterface}`,
    ...statements({
      "--syncid": syncId(settings),
      "--sync-maxlen": syncDaemon.maxLength,
      "--mcast-port": syncDaemon.port === 8848 ? undefined : syncDaemon.port,
      "--mcast-ttl": syncDaemon.ttl,
      // In ipvsadm's own spelling.
      "--mcast-group": syncDaemon.group && canonical(syncDaemon.group),
    }),
  ].join(" ");
}

type TrackedKind = keyof ReturnType<typeof trackedBlocks>;

/**
 * By kind, the block that defines a tracked object and the list that names it where it is tracked.
 */
const trackedKinds: Record<TrackedKind, { kind: string; list: TrackList }> = {
  trackedScripts: { kind: "vrrp_script", list: "trackScripts" },
  trackedProcesses: { kind: "vrrp_track_process", list: "trackProcesses" },
  trackedFiles: { kind: "track_file", list: "trackFiles" },
  bfdSessions: { kind: "bfd_instance", list: "trackBfd" },
};

/**
 * Lines of SECONDS TEXT: one for each script, process, file and session, and one for each place
 * that tracks one of them or an interface.
 */
function trackedLines(
  settings: Pick<Settings, "tracking" | "instances" | "vrrp">,
  director: DirectorSettings,
): string[] {
  const { tracking, instances, vrrp } = settings;
  const seconds = secondsToFail(tracking);
  const at = (list: TrackList, name: string) => seconds.get(`${list} ${name}`) ?? 0;
  const blocks = trackedBlocks(settings, director);
  return [
    ...(Object.keys(trackedKinds) as TrackedKind[]).flatMap((key) => {
      const { kind, list } = trackedKinds[key];
      return blocks[key].map(
        ({ name, lines }) =>
          `${at(list, name)} ${[`${kind} ${name}`, ...lines.map(plain)].join("; ")}`,
      );
    }),
    ...[
      ...instances.map((one) => ({ place: `vrrp_instance ${one.name}`, one })),
      ...vrrp.syncGroups.map((one) => ({ place: `vrrp_sync_group ${one.name}`, one })),
    ].flatMap(({ place, one }) =>
      trackBlocks(one, tracking).flatMap(({ list, keyword, entries }) =>
        entries.map((line) => `${at(list, line.split(" ")[0] ?? "")} ${place} ${keyword} ${line}`),
      ),
    ),
  ];
}

/** How many seconds after a reload a tracked object may take to fail. */
function secondsToFail({ scripts, processes, bfd }: Settings["tracking"]): Map<string, number> {
  const all: [TrackList, string, number][] = [
    ...scripts.map((script): [TrackList, string, number] => {
      // A script runs at once and counts as failed after `fall` runs, each of which its timeout may
      // cut off. With `initFail` it starts as failed and needs `rise` successful runs first.
      const { intervalSeconds: interval, fall, rise } = script;
      const timeout = script.timeoutSeconds ?? interval;
      const runs = script.initFail ? Math.max(fall, rise) : fall;
      return ["trackScripts", script.name, Math.max(interval, timeout) * runs + timeout];
    }),
    ...processes.map((process): [TrackList, string, number] => {
      const { name, forkDelaySeconds = 0, terminateDelaySeconds = 0 } = process;
      return ["trackProcesses", name, Math.max(forkDelaySeconds, terminateDelaySeconds)];
    }),
    ...bfd.map((session): [TrackList, string, number] => {
      // A session that is not up yet uses idle_tx.
      const { idleTxMilliseconds: idle = 1000, multiplier } = session;
      const { minRxMilliseconds: rx, minTxMilliseconds: tx } = session;
      return ["trackBfd", session.name, (multiplier * Math.max(idle, rx, tx)) / 1000];
    }),
  ];
  return new Map(all.map(([list, name, seconds]) => [`${list} ${name}`, Math.ceil(seconds)]));
}

/**
 * Further interfaces in keepalived.conf without which keepalived doesn't start: "Non-existent
 * interface specified in configuration" (2.2.7, 2.3.3). VMAC interfaces are left out: keepalived
 * creates them.
 */
export function furtherInterfaces({
  instances,
  vrrp,
}: Pick<Settings, "instances" | "vrrp">): string[] {
  const asked = new Set([
    ...instances.map((instance) => instance.interface),
    ...(vrrp.connectionSync ? [vrrp.syncInterface] : []),
  ]);
  // Without a configured name it is vrrp.ID, with a number if that is taken: vrrp_vmac_ifname() in
  // vrrp.c.
  const isMade = (name: string) =>
    instances.some(
      ({ vmac, virtualRouterId }) =>
        vmac !== undefined &&
        (vmac.interface === undefined
          ? name.replace(/^vrrp\d*\./, "") === String(virtualRouterId)
          : name === vmac.interface),
    );
  const named = [
    ...[...instances, ...vrrp.syncGroups].flatMap(({ trackInterfaces }) =>
      trackInterfaces.map(({ name }) => name),
    ),
    ...instances.flatMap(({ virtualAddresses, virtualRoutes }) => [
      ...virtualAddresses.map((virtual) => virtual.interface),
      ...virtualRoutes.flatMap(({ device }) => device ?? []),
    ]),
  ];
  return [...new Set(named)].filter((name) => !asked.has(name) && !isMade(name)).sort();
}

/** What keepalived needs from the network when it starts, sorted. */
function requirements(
  { instances, vrrp, virtualServers }: Pick<Settings, "instances" | "vrrp" | "virtualServers">,
  director: DirectorSettings,
): string[] {
  const servers = virtualServers.flatMap((service) => [
    ...service.realServers.map(({ address }) => address),
    ...sorryPart(service).map(({ address }) => address),
  ]);
  const group = vrrp.syncDaemon.group ?? "";
  const lines = [
    ...(vrrp.connectionSync
      ? [`on ${vrrp.syncInterface} ${group.includes(":") ? "inet6" : "inet"}`]
      : []),
    ...furtherInterfaces({ instances, vrrp }).map((name) => `link ${name}`),
    ...servers.map((address) => `server ${address}`),
    ...instances.flatMap((instance) => [
      `on ${instance.interface} ${spokenFrom(instance, director) ?? instance.family}`,
      ...(instance.unicast ? peersIn(instance, director) : []).map(
        (peer) => `peer ${instance.interface} ${peer}`,
      ),
    ]),
  ];
  return [...new Set(lines)].sort();
}

/** The source address that keepalived.conf sets for an instance's adverts. */
function spokenFrom(instance: InstanceSettings, director: DirectorSettings): string | undefined {
  return instance.unicast || instance.family === "inet" ? sourceIn(instance, director) : undefined;
}
