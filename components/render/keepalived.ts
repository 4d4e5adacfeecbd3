// keepalived.conf(5) of one director: pure, the same text for the same settings.
import { osProfiles } from "../os/profiles";
import { compareVersions } from "../os/versions";
import { trackLists, valueAt, withoutPrefix, type TrackList } from "../schema";
import {
  ownAddressFor,
  type DirectorSettings,
  type InstanceSettings,
  type Settings,
  type VirtualAddress,
} from "../settings";
import { ownWeight, weightOf } from "../tracking";
import { linesOf, type ValuesOf } from "../keepalived/keywords/codec";
import {
  emailKeywords,
  paceKeywords,
  processKeywords,
  scriptKeywords,
  syncOptions,
  timeoutOptions,
} from "../keepalived/keywords/globals";
import * as tracks from "../keepalived/keywords/tracking";
import {
  memberKeywords,
  sorryServerKeywords,
  virtualServerKeywords,
} from "../keepalived/keywords/virtualServers";
import {
  garpKeywords,
  groupKeywords,
  heardKeywords,
  notifyKeywords,
  ownKeywords,
} from "../keepalived/keywords/vrrp";
import { call, scriptsFolder } from "../keepalived/scriptCall";
import { advertisedAddress } from "./advertised";
import { renderCheck, renderThroughServices } from "./checks";
import { renderFiles } from "./files";
import { block, statements, type Line } from "./statements";
import { renderTemplate } from "./template";
import { weightText } from "./weights";

/** Where auth_pass lives: a file of its own, so that keepalived.conf stays readable in a preview. */
export const secretsPath = "/etc/keepalived/lvs-ha-secrets.conf";

/** keepalived.conf and the scripts that it names, as one text: they change together. */
export function renderDirectorConfig(
  settings: Settings,
  director: DirectorSettings,
  authenticated: boolean,
): string {
  return renderFiles({
    "/etc/keepalived/keepalived.conf": renderKeepalived(settings, director, authenticated)
      .replace(/\n$/, "")
      .split("\n"),
    ...Object.fromEntries(
      Object.entries(settings.scripts).map(([name, text]) => [
        `${scriptsFolder}/${name}`,
        text.replace(/\n$/, "").split("\n"),
      ]),
    ),
  });
}

/** Renders keepalived.conf for one of the settings' directors. */
export function renderKeepalived(
  settings: Omit<Settings, "ssh" | "firewall" | "packages">,
  director: DirectorSettings,
  authenticated: boolean,
): string {
  const { instances, tracking, virtualServers, vrrp } = settings;
  return renderTemplate("keepalived.conf", {
    globals: globalDefs(settings, director),
    blocks: [
      ...interfaceDelays(vrrp),
      ...tracked(settings, director),
      ...instances.map((instance) =>
        vrrpInstance(instance, { tracking, vrrp }, director, authenticated),
      ),
      ...vrrp.syncGroups.map((group) => ({
        heading: `vrrp_sync_group ${group.name}`,
        lines: [
          ...block("group", group.instances),
          ...trackBlocks(group, tracking),
          ...linesOf(notifyKeywords, group.notify ?? {}),
          ...linesOf(groupKeywords, group),
        ],
      })),
    ],
    virtualServers: [
      ...virtualServers.map((service) => ({
        comment: service.name,
        service:
          service.fwmark === undefined
            ? `${service.address} ${service.port}`
            : `fwmark ${service.fwmark}`,
        lines: serviceLines(service),
        realServers: service.realServers.map((member) => ({
          comment: member.name,
          address: `${member.address} ${member.port}`,
          lines: linesOf(memberKeywords, {
            ...member,
            forwarding: member.forwarding === service.forwarding ? undefined : member.forwarding,
            inhibitOnFailure:
              member.inhibitOnFailure === service.inhibitOnFailure
                ? undefined
                : member.inhibitOnFailure,
          }),
          checks: member.checks.map((check) => {
            const own = ownAddressFor(service, instances, director);
            return renderCheck(
              check,
              own === undefined ? undefined : withoutPrefix(own),
              service.fwmark === undefined,
              tracking,
              (hook) => call(hook),
            );
          }),
        })),
      })),
      ...renderThroughServices(virtualServers),
    ],
  });
}

/** The text of the secrets file: what `include` puts inside `authentication {}`. */
export function renderSecrets(authPass: string): string {
  return `auth_pass ${authPass}\n`;
}

/** Every virtual address once, with its prefix, in the config's order. */
export function virtualAddresses({ instances }: Pick<Settings, "instances">): string[] {
  return [
    ...new Set(
      instances.flatMap((instance) =>
        instance.virtualAddresses.map(({ address, prefixLength }) => `${address}/${prefixLength}`),
      ),
    ),
  ];
}

function globalDefs(
  { vrrp, daemon, email, instances }: Pick<Settings, "vrrp" | "daemon" | "email" | "instances">,
  director: DirectorSettings,
): Line[] {
  const timeouts = linesOf(timeoutOptions, daemon.ipvsTimeouts);
  return [
    ...(email
      ? [
          ...block("notification_email", email.to),
          ...linesOf(emailKeywords, email, {
            smtpServer: [`smtp_server ${email.smtpServer} ${email.smtpPort}`],
          }),
        ]
      : []),
    ...statements({ router_id: director.name, enable_script_security: true }),
    // What follows the script_user is run by it unless it names another user.
    ...linesOf(scriptKeywords, daemon, {
      startupScript: timedScript("startup_script", daemon.startupScript),
      shutdownScript: timedScript("shutdown_script", daemon.shutdownScript),
      notifyFifo: statements({ notify_fifo: daemon.notifyFifo?.path }),
      vrrpNotifyFifo: fifo("vrrp_notify_fifo", daemon.vrrpNotifyFifo),
      lvsNotifyFifo: fifo("lvs_notify_fifo", daemon.lvsNotifyFifo),
    }),
    ...statements({
      // The kernel's version of the protocol differs by instance; IPv6 knows 3 only.
      vrrp_version: vrrp.defaultVersion,
      // Of two that were active, the one that yields says so: the other then claims the addresses again. Without it, neighbours whose
      // ARP caches have the one that yielded would go on sending there.
      vrrp_higher_prio_send_advert: true,
    }),
    ...linesOf(paceKeywords, vrrp.garp),
    ...linesOf(processKeywords, daemon, {
      ipvsTimeouts: timeouts.length > 0 ? [`lvs_timeouts ${timeouts.join(" ")}`] : [],
    }),
    ...(vrrp.connectionSync ? [syncDaemonLine(vrrp, instances)] : []),
  ];
}

/**
 * No instance is named, so both daemons run at all times. With one, keepalived starts and stops them at each change of state, and a kernel
 * thread that is stopped before it first ran is never acknowledged (kthread_stop's EINTR): keepalived then waits for ever with the virtual
 * addresses on. Seen with 2.2.7 on a busy host; 2 of 40 stops with the CPU taken.
 */
function syncDaemonLine(
  { syncInterface, syncDaemon }: Settings["vrrp"],
  [first]: InstanceSettings[],
): Line {
  const options = linesOf(syncOptions, {
    ...syncDaemon,
    id: syncDaemon.id ?? first?.virtualRouterId,
  });
  return ["lvs_sync_daemon", syncInterface, ...options].join(" ");
}

function timedScript(keyword: string, hook: Settings["daemon"]["startupScript"]): Line[] {
  return statements({
    [keyword]: hook && call(hook),
    [`${keyword}_timeout`]: hook?.timeoutSeconds,
  });
}

function interfaceDelays({ interfaceDelays: delays }: Settings["vrrp"]): {
  heading: string;
  lines: Line[];
}[] {
  if (delays.length === 0) return [];
  return [
    {
      heading: "interface_up_down_delays",
      // Both times: of one alone, keepalived.conf(5) and keepalived say different things.
      lines: delays.map(
        ({ name, downSeconds, upSeconds }) => `${name} ${downSeconds} ${upSeconds}`,
      ),
    },
  ];
}

/** What instances and checks name must stand before them. */
function tracked(
  { tracking }: Pick<Settings, "tracking">,
  director: DirectorSettings,
): { heading: string; lines: Line[] }[] {
  return [
    ...tracking.scripts.map((script) => ({
      heading: `vrrp_script ${script.name}`,
      lines: linesOf(tracks.scriptKeywords, script, {
        script: [`script ${call({ script: script.script, args: script.args })}`],
        weight: statements({ weight: weightText(script, ownWeight.scripts) }),
      }),
    })),
    ...tracking.processes.map((process) => ({
      heading: `vrrp_track_process ${process.name}`,
      lines: linesOf(tracks.processKeywords, process, {
        process: statements({
          process: [process.process, ...(process.parameters ?? [])]
            .map((word) => `"${word}"`)
            .join(" "),
        }),
        weight: statements({ weight: weightText(process, ownWeight.processes) }),
      }),
    })),
    ...tracking.files.map((file) => ({
      heading: `track_file ${file.name}`,
      lines: linesOf(tracks.fileKeywords, file, {
        weight: statements({ weight: weightText(file, ownWeight.files) }),
      }),
    })),
    ...tracking.bfd.map((session) => ({
      heading: `bfd_instance ${session.name}`,
      lines: linesOf(tracks.bfdKeywords, session, {
        neighbor: statements({
          neighbor_ip:
            typeof session.neighbor === "string"
              ? session.neighbor
              : valueAt(session.neighbor, director.name),
        }),
        source: statements({ source_ip: valueAt(session.source, director.name) }),
        weight: statements({ weight: weightText(session, ownWeight.bfd) }),
      }),
    })),
  ];
}

/** What directors look at in each other's adverts: with anything else here, they don't take each other for the same instance. */
function heard(
  instance: InstanceSettings,
  vrrp: Settings["vrrp"],
  director: DirectorSettings,
  authenticated: boolean,
): { words: ValuesOf<typeof heardKeywords>; blocks: Line[] } {
  const { members, family, vmac } = instance;
  const own = members.find(({ name }) => name === director.name);
  const source = own?.address === undefined ? undefined : withoutPrefix(own.address);
  const peers = members.flatMap(({ name, address }) =>
    name === director.name || address === undefined ? [] : [withoutPrefix(address)],
  );
  const device = vmac ? "" : ` dev ${instance.interface}`;
  const advertised = advertisedAddress(family, instance.virtualRouterId);
  return {
    words: {
      ...instance,
      version: instance.version === vrrp.defaultVersion ? undefined : instance.version,
      unicastSource: instance.unicast ? source : undefined,
      // An IPv6 advert leaves from a link-local address unless it is told otherwise.
      multicastSource: !instance.unicast && family === "inet" ? source : undefined,
    },
    blocks: [
      ...(instance.unicast ? block("unicast_peer", peers) : []),
      ...(authenticated && instance.version === 2
        ? block("authentication", ["auth_type PASS", `include ${secretsPath}`])
        : []),
      ...block("virtual_ipaddress", [
        family === "inet" ? `${advertised}/32${device} scope link` : `${advertised}/128${device}`,
      ]),
    ],
  };
}

/** Of keepalived.conf, what the directors must have alike to take each other's adverts, and the secrets among it. */
export function renderHeard(
  { instances, vrrp }: Pick<Settings, "instances" | "vrrp">,
  director: DirectorSettings,
  authPass?: string,
): string {
  const lines = [
    ...block("global_defs", statements({ vrrp_version: vrrp.defaultVersion })),
    ...instances.flatMap((instance) => {
      const { words, blocks } = heard(instance, vrrp, director, authPass !== undefined);
      return block(`vrrp_instance ${instance.name}`, [...linesOf(heardKeywords, words), ...blocks]);
    }),
  ];
  return renderFiles({
    "/etc/keepalived/keepalived.conf": lines,
    ...(authPass === undefined
      ? {}
      : { [secretsPath]: renderSecrets(authPass).trimEnd().split("\n") }),
  });
}

function vrrpInstance(
  instance: InstanceSettings,
  { tracking, vrrp }: Pick<Settings, "tracking" | "vrrp">,
  director: DirectorSettings,
  authenticated: boolean,
): { heading: string; lines: Line[] } {
  const { members, garp, vmac } = instance;
  const own = members.find(({ name }) => name === director.name);
  const { words, blocks } = heard(instance, vrrp, director, authenticated);
  const line = (virtual: VirtualAddress) =>
    vmac && virtual.interface === instance.interface
      ? `${virtual.address}/${virtual.prefixLength}`
      : `${virtual.address}/${virtual.prefixLength} dev ${virtual.interface}`;
  const lines = [
    ...statements({ state: "BACKUP" }),
    ...linesOf(heardKeywords, words),
    ...linesOf(
      ownKeywords,
      {
        ...instance,
        priority: own?.priority ?? director.priority,
        timerExpiredBackup: highestOfOthers(instance, director),
        // keepalived does it for a VMAC by itself, and says so as of an error.
        promoteSecondaries: vmac === undefined && instance.promoteSecondaries,
      },
      {
        vmac: statements({
          use_vmac: vmac && (vmac.interface ?? true),
          vmac_xmit_base: vmac && instance.unicast,
        }),
        garp: linesOf(garpKeywords, garp),
      },
    ),
    ...trackBlocks(instance, tracking),
    ...blocks,
    ...block("virtual_ipaddress_excluded", instance.virtualAddresses.map(line)),
    ...block(
      "virtual_routes",
      instance.virtualRoutes.map(({ to, via, device, source: src, metric, table }) =>
        [to, ...statements({ via, dev: device, src, metric, table })].join(" "),
      ),
    ),
    ...block(
      "virtual_rules",
      instance.virtualRules.map(({ from, to, table, priority }) =>
        statements({ from, to, table, priority }).join(" "),
      ),
    ),
    ...linesOf(notifyKeywords, instance.notify ?? {}),
  ];
  return { heading: `vrrp_instance ${instance.name}`, lines };
}

/**
 * The priority after which a director that stood still for a while (a snapshot of its machine, say) reckons whether another has taken over
 * meanwhile, and stands by if so; it would take the addresses back otherwise, without the connections. Undefined where it keeps them: alone,
 * where it may preempt, and where keepalived can't tell.
 */
function highestOfOthers(
  { preempt, downTimerAdverts, members }: InstanceSettings,
  director: DirectorSettings,
): number | undefined {
  // From 2.2.8 on: vrrp_parser.c. It reckons with three adverts: vrrp_thread_timeout_handler() in vrrp.c.
  const knows = compareVersions(osProfiles[director.os].keepalived, "2.2.8") >= 0;
  if (!knows || preempt || (downTimerAdverts ?? 3) !== 3 || members.length < 2) return undefined;
  const others = members.filter(({ name }) => name !== director.name);
  // 255 is an owner's, which preempts whatever it is told.
  return Math.min(254, Math.max(...others.map(({ priority }) => priority)));
}

function serviceLines(service: Settings["virtualServers"][number]): Line[] {
  const { sorryServer } = service;
  return linesOf(virtualServerKeywords, service, {
    schedulerFlags: schedulerFlags(service),
    persistenceGranularity: statements({ persistence_granularity: granularity(service) }),
    protocol: service.fwmark === undefined ? [`protocol ${service.protocol}`] : [],
    traffic: service.fwmark === undefined ? [] : [`ip_family ${service.family}`],
    sorryServer: sorryServer && [
      `sorry_server ${sorryServer.address} ${sorryServer.port}`,
      ...linesOf(sorryServerKeywords, sorryServer),
    ],
  });
}

/** Of the scheduler's flags, those asked for and the one that sends its clients elsewhere while a real server has weight 0. */
function schedulerFlags({
  scheduler,
  schedulerFlags: wanted,
}: Settings["virtualServers"][number]): string[] {
  const hashes = scheduler === "sh" || scheduler === "mh";
  return [...new Set([...wanted, ...(hashes ? [`${scheduler}-fallback`] : [])])];
}

/** A mask for IPv4, a prefix length for IPv6, as ipvsadm(8) takes them. */
function granularity({
  family,
  persistenceGranularity: length,
}: Settings["virtualServers"][number]): string | number | undefined {
  if (length === undefined || family === "inet6") return length;
  const mask = (0xffffffff << (32 - length)) >>> 0;
  return [24, 16, 8, 0].map((shift) => (mask >>> shift) & 0xff).join(".");
}

type Tracks = Pick<InstanceSettings, TrackList>;

/** The block of each. */
const trackBlock: Record<TrackList, string> = {
  trackInterfaces: "track_interface",
  trackScripts: "track_script",
  trackProcesses: "track_process",
  trackFiles: "track_file",
  trackBfd: "track_bfd",
};

function trackBlocks(tracks: Tracks, tracking: Settings["tracking"]): Line[] {
  return trackLists.flatMap((list) =>
    block(
      trackBlock[list],
      tracks[list].map((entry) => {
        const weight = weightText(entry, weightOf(entry, list, tracking));
        return weight === undefined ? entry.name : `${entry.name} weight ${weight}`;
      }),
    ),
  );
}

/**
 * A FIFO's path, who may read it, and the script that does: nobody else can, for keepalived's umask is 0177 (seen with 2.2.7).
 */
function fifo(keyword: string, notify: Settings["daemon"]["vrrpNotifyFifo"]): Line[] {
  const user = notify?.script?.user;
  return statements({
    [keyword]: notify && [notify.path, ...(user === undefined ? [] : [user])].join(" "),
    [`${keyword}_script`]: notify?.script && call(notify.script),
  });
}
