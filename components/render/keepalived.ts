// keepalived.conf(5) of one director. Pure: the same settings give the same text.
import { osProfiles } from "../os/profiles";
import { compareVersions } from "../os/versions";
import { canonical, trackLists, valueAt, withoutPrefix, type TrackList } from "../schema";
import {
  ownAddressFor,
  syncId,
  type DirectorSettings,
  type InstanceSettings,
  type MemberSettings,
  type Settings,
  type VirtualServerSettings,
  type VirtualAddress,
} from "../settings";
import { ownWeight, weightOf } from "../tracking";
import { secretsPath } from "../keepalived/facts";
import { linesOf } from "../keepalived/keywords/codec";
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
  trackKeywords,
} from "../keepalived/keywords/vrrp";
import { call } from "../keepalived/scriptCall";
import { advertisedAddress } from "./advertised";
import { renderCheck, renderThroughServices } from "./checks";
import { renderFiles } from "./files";
import { persistenceMask, schedulerFlags } from "./ipvs";
import { statements, type Line } from "./statements";
import { renderTemplate } from "./template";
import { weightText } from "./weights";

/** Renders keepalived.conf for one of the settings' directors. */
export function renderKeepalived(
  settings: Omit<Settings, "ssh" | "firewall" | "packages">,
  director: DirectorSettings,
  authenticated: boolean,
): string {
  const { instances, tracking, virtualServers, vrrp } = settings;
  return renderTemplate("keepalived.conf", {
    ...globalDefs(settings, director),
    // Write both times: for a single one, keepalived.conf(5) and keepalived disagree.
    interfaceDelays: ifAny(
      "delays",
      vrrp.interfaceDelays.map(
        ({ name, downSeconds, upSeconds }) => `${name} ${downSeconds} ${upSeconds}`,
      ),
    ),
    ...trackedBlocks(settings, director),
    instances: instances.map((instance) =>
      vrrpInstance(instance, { tracking, vrrp }, director, authenticated),
    ),
    syncGroups: vrrp.syncGroups.map((group) => ({
      name: group.name,
      members: group.instances,
      tracked: trackBlocks(group, tracking),
      lines: [...linesOf(notifyKeywords, group.notify ?? {}), ...linesOf(groupKeywords, group)],
    })),
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
          lines: linesOf(
            memberKeywords,
            {
              ...member,
              forwarding: member.forwarding === service.forwarding ? undefined : member.forwarding,
              inhibitOnFailure:
                member.inhibitOnFailure === service.inhibitOnFailure
                  ? undefined
                  : member.inhibitOnFailure,
            },
            { otherKeywords: member.otherKeywords },
          ),
          checks: checksOf(member, service, settings, director),
        })),
      })),
      ...renderThroughServices(virtualServers),
    ],
  });
}

/** The checkers of a real server in a virtual server's pool. */
export function checksOf(
  member: MemberSettings,
  service: VirtualServerSettings,
  { instances, tracking }: Pick<Settings, "instances" | "tracking">,
  director: DirectorSettings,
): { heading: string; lines: Line[] }[] {
  const own = ownAddressFor(service, instances, director);
  return member.checks.map((check) =>
    renderCheck(
      check,
      own === undefined ? undefined : withoutPrefix(own),
      service.fwmark === undefined,
      tracking,
      (hook) => call(hook),
    ),
  );
}

/** The text of the secrets file, which `include` inserts into `authentication {}`. */
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

/** Leaves out a block of the template that would be empty. */
function ifAny<Key extends string>(key: Key, lines: Line[]): Record<Key, Line[]> | false {
  return lines.length > 0 && ({ [key]: lines } as Record<Key, Line[]>);
}

function globalDefs(
  { vrrp, daemon, email, instances }: Pick<Settings, "vrrp" | "daemon" | "email" | "instances">,
  director: DirectorSettings,
): object {
  const timeouts = linesOf(timeoutOptions, daemon.ipvsTimeouts);
  return {
    email: email !== undefined && {
      to: email.to,
      mailLines: linesOf(emailKeywords, email, {
        smtpServer: [`smtp_server ${email.smtpServer} ${email.smtpPort}`],
      }),
    },
    routerId: director.name,
    scriptLines: linesOf(scriptKeywords, daemon, {
      startupScript: timedScript("startup_script", daemon.startupScript),
      shutdownScript: timedScript("shutdown_script", daemon.shutdownScript),
      notifyFifo: statements({ notify_fifo: daemon.notifyFifo?.path }),
      vrrpNotifyFifo: fifo("vrrp_notify_fifo", daemon.vrrpNotifyFifo),
      lvsNotifyFifo: fifo("lvs_notify_fifo", daemon.lvsNotifyFifo),
    }),
    vrrpVersion: vrrp.defaultVersion,
    processLines: [
      ...linesOf(paceKeywords, vrrp.garp),
      ...linesOf(processKeywords, daemon, {
        ipvsTimeouts: timeouts.length > 0 ? [`lvs_timeouts ${timeouts.join(" ")}`] : [],
        otherKeywords: daemon.otherKeywords,
      }),
      ...(vrrp.connectionSync ? [syncDaemonLine({ vrrp, instances })] : []),
    ],
  };
}

/**
 * Names no instance, so both daemons run at all times. With an instance, keepalived starts and
 * stops them at each change of state, and the stop of a kernel thread that hasn't run yet is never
 * acknowledged (kthread_stop's EINTR): keepalived then waits forever while it holds the virtual
 * addresses. Seen with 2.2.7 on a busy host: 2 of 40 stops with a busy CPU.
 */
function syncDaemonLine(settings: Pick<Settings, "vrrp" | "instances">): Line {
  const { syncInterface, syncDaemon } = settings.vrrp;
  const options = linesOf(syncOptions, {
    ...syncDaemon,
    id: syncId(settings),
    group: syncDaemon.group && canonical(syncDaemon.group),
  });
  return ["lvs_sync_daemon", syncInterface, ...options].join(" ");
}

function timedScript(keyword: string, hook: Settings["daemon"]["startupScript"]): Line[] {
  return statements({
    [keyword]: hook && call(hook),
    [`${keyword}_timeout`]: hook?.timeoutSeconds,
  });
}

interface NamedBlock {
  name: string;
  lines: Line[];
}

/** The blocks that define tracked objects. */
export function trackedBlocks(
  { tracking }: Pick<Settings, "tracking">,
  director: DirectorSettings,
): Record<"trackedScripts" | "trackedProcesses" | "trackedFiles" | "bfdSessions", NamedBlock[]> {
  return {
    trackedScripts: tracking.scripts.map((script) => ({
      name: script.name,
      lines: linesOf(tracks.scriptKeywords, script, {
        script: [`script ${call({ script: script.script, args: script.args })}`],
        weight: statements({ weight: weightText(script, ownWeight.scripts) }),
      }),
    })),
    trackedProcesses: tracking.processes.map((process) => ({
      name: process.name,
      lines: linesOf(tracks.processKeywords, process, {
        process: statements({
          process: [process.process, ...(process.parameters ?? [])]
            .map((word) => `"${word}"`)
            .join(" "),
        }),
        weight: statements({ weight: weightText(process, ownWeight.processes) }),
      }),
    })),
    trackedFiles: tracking.files.map((file) => ({
      name: file.name,
      lines: linesOf(tracks.fileKeywords, file, {
        weight: statements({ weight: weightText(file, ownWeight.files) }),
      }),
    })),
    bfdSessions: tracking.bfd.map((session) => ({
      name: session.name,
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
  };
}

/** A director's own address in an instance's adverts, without prefix. */
export function sourceIn({ members }: InstanceSettings, director: DirectorSettings) {
  const own = members.find(({ name }) => name === director.name);
  return own?.address === undefined ? undefined : withoutPrefix(own.address);
}

/** The other directors' addresses in an instance, without prefixes. */
export function peersIn(
  { members }: Pick<InstanceSettings, "members">,
  director: DirectorSettings,
): string[] {
  return members.flatMap(({ name, address }) =>
    name === director.name || address === undefined ? [] : [withoutPrefix(address)],
  );
}

/**
 * Settings that directors compare in each other's adverts. If one differs, they don't recognise
 * each other as the same instance.
 */
function heard(
  instance: InstanceSettings,
  vrrp: Settings["vrrp"],
  director: DirectorSettings,
  authenticated: boolean,
): object {
  const { family, vmac } = instance;
  const source = sourceIn(instance, director);
  const peers = peersIn(instance, director);
  const device = vmac ? "" : ` dev ${instance.interface}`;
  const advertised = advertisedAddress(family, instance.virtualRouterId);
  return {
    name: instance.name,
    heardLines: linesOf(heardKeywords, {
      ...instance,
      version: instance.version === vrrp.defaultVersion ? undefined : instance.version,
      unicastSource: instance.unicast ? source : undefined,
      // Without this line, an IPv6 advert comes from a link-local address.
      multicastSource: !instance.unicast && family === "inet" ? source : undefined,
    }),
    unicastPeers: ifAny("peers", instance.unicast ? peers : []),
    authentication: authenticated && instance.version === 2 && { secrets: secretsPath },
    advertised:
      family === "inet" ? `${advertised}/32${device} scope link` : `${advertised}/128${device}`,
  };
}

/**
 * The part of keepalived.conf that must be the same on all directors for them to accept each
 * other's adverts, with its secrets.
 */
export function renderHeard(
  { instances, vrrp }: Pick<Settings, "instances" | "vrrp">,
  director: DirectorSettings,
  authPass?: string,
): string {
  const text = renderTemplate("keepalived/heard", {
    vrrpVersion: vrrp.defaultVersion,
    instances: instances.map((instance) => heard(instance, vrrp, director, authPass !== undefined)),
  });
  return renderFiles({
    "/etc/keepalived/keepalived.conf": text.trimEnd().split("\n"),
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
): object {
  const { members, garp, vmac } = instance;
  const own = members.find(({ name }) => name === director.name);
  const line = (virtual: VirtualAddress) =>
    vmac && virtual.interface === instance.interface
      ? `${virtual.address}/${virtual.prefixLength}`
      : `${virtual.address}/${virtual.prefixLength} dev ${virtual.interface}`;
  return {
    ...heard(instance, vrrp, director, authenticated),
    lines: linesOf(
      ownKeywords,
      {
        ...instance,
        priority: own?.priority ?? director.priority,
        timerExpiredBackup: highestOfOthers(instance, director),
        // keepalived always does it for a VMAC, and logs an error if asked to.
        promoteSecondaries: vmac === undefined && instance.promoteSecondaries,
      },
      {
        vmac: statements({
          use_vmac: vmac && (vmac.interface ?? true),
          vmac_xmit_base: vmac && instance.unicast,
        }),
        garp: linesOf(garpKeywords, garp),
        otherKeywords: instance.otherKeywords,
      },
    ),
    tracked: trackBlocks(instance, tracking),
    excluded: ifAny("addresses", instance.virtualAddresses.map(line)),
    virtualRoutes: ifAny(
      "routes",
      instance.virtualRoutes.map(({ to, via, device, source: src, metric, table }) =>
        [to, ...statements({ via, dev: device, src, metric, table })].join(" "),
      ),
    ),
    virtualRules: ifAny(
      "rules",
      instance.virtualRules.map(({ from, to, table, priority }) =>
        statements({ from, to, table, priority }).join(" "),
      ),
    ),
    notifyLines: linesOf(notifyKeywords, instance.notify ?? {}),
  };
}

/**
 * A priority for a director that was paused for a while, as during a snapshot of its machine. With
 * it the director works out whether another has taken over meanwhile, and if so stands by instead
 * of taking the addresses back without their connections. Undefined where the director should keep
 * the addresses: it is alone, it may preempt, or its keepalived can't do this.
 */
function highestOfOthers(
  { preempt, downTimerAdverts, members }: InstanceSettings,
  director: DirectorSettings,
): number | undefined {
  // Since 2.2.8: vrrp_parser.c. It assumes three adverts: vrrp_thread_timeout_handler() in vrrp.c.
  const knows = compareVersions(osProfiles[director.os].keepalived.version, "2.2.8") >= 0;
  if (!knows || preempt || (downTimerAdverts ?? 3) !== 3 || members.length < 2) return undefined;
  const others = members.filter(({ name }) => name !== director.name);
  // 255 is an address owner's priority, which always preempts.
  return Math.min(254, Math.max(...others.map(({ priority }) => priority)));
}

function serviceLines(service: Settings["virtualServers"][number]): Line[] {
  const { sorryServer } = service;
  return linesOf(virtualServerKeywords, service, {
    schedulerFlags: schedulerFlags(service),
    otherKeywords: service.otherKeywords,
    persistenceGranularity: statements({ persistence_granularity: persistenceMask(service) }),
    protocol: service.fwmark === undefined ? [`protocol ${service.protocol}`] : [],
    traffic: service.fwmark === undefined ? [] : [`ip_family ${service.family}`],
    sorryServer: sorryServer && [
      `sorry_server ${sorryServer.address} ${sorryServer.port}`,
      ...linesOf(sorryServerKeywords, sorryServer),
    ],
  });
}

type Tracks = Pick<InstanceSettings, TrackList>;

/** The objects that an instance or a sync group tracks, by block. */
export function trackBlocks(
  tracks: Tracks,
  tracking: Settings["tracking"],
): { list: TrackList; keyword: string; entries: Line[] }[] {
  return trackLists
    .filter((list) => tracks[list].length > 0)
    .map((list) => ({
      list,
      keyword: trackKeywords[list],
      entries: tracks[list].map((entry) => {
        const weight = weightText(entry, weightOf(entry, list, tracking));
        return weight === undefined ? entry.name : `${entry.name} weight ${weight}`;
      }),
    }));
}

/**
 * A FIFO's path, its owner, and the script that reads it. The owner must be the script's user:
 * nobody else could read the FIFO, because keepalived's umask is 0177 (seen with 2.2.7).
 */
function fifo(keyword: string, notify: Settings["daemon"]["vrrpNotifyFifo"]): Line[] {
  const user = notify?.script?.user;
  return statements({
    [keyword]: notify && [notify.path, ...(user === undefined ? [] : [user])].join(" "),
    [`${keyword}_script`]: notify?.script && call(notify.script),
  });
}
