// keepalived.conf(5) of one director: pure, the same text for the same settings.
import { osProfiles } from "../os/profiles";
import { compareVersions } from "../os/versions";
import { trackLists, valueAt, withoutPrefix, type TrackList } from "../schema";
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
import { advertisedAddress } from "./advertised";
import { renderCheck, renderThroughServices } from "./checks";
import { renderFiles } from "./files";
import { persistenceMask, schedulerFlags } from "./ipvs";
import { block, statements, type Line } from "./statements";
import { renderTemplate } from "./template";
import { weightText } from "./weights";

/** Where auth_pass lives: a file of its own, so that keepalived.conf stays readable in a preview. */
export const secretsPath = "/etc/keepalived/lvs-ha-secrets.conf";

/** Where the stack's scripts live on a director. */
export const scriptsFolder = "/etc/keepalived/lvs-ha-scripts";

/** A call of one of the stack's scripts. */
interface Hook {
  script: string;
  args?: string[];
  user?: string;
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
          ...notifyLines(group.notify),
          ...statements({ smtp_alert: group.smtpAlert }),
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
          lines: statements({
            weight: member.weight,
            lvs_method: member.forwarding === service.forwarding ? undefined : member.forwarding,
            inhibit_on_failure:
              member.inhibitOnFailure === service.inhibitOnFailure
                ? undefined
                : onOff(member.inhibitOnFailure),
            uthreshold: member.upperThreshold,
            lthreshold: member.lowerThreshold,
            notify_up: call(member.notifyUp),
            notify_down: call(member.notifyDown),
          }),
          checks: checksOf(member, service, settings, director),
        })),
      })),
      ...renderThroughServices(virtualServers),
    ],
  });
}

/** The checkers of a real server in one of a virtual server's pools. */
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
      call,
    ),
  );
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
  const { syncDaemon } = vrrp;
  const timeouts = statements({
    tcp: daemon.ipvsTimeouts.tcpSeconds,
    tcpfin: daemon.ipvsTimeouts.tcpFinSeconds,
    udp: daemon.ipvsTimeouts.udpSeconds,
  });
  return [
    ...(email
      ? [
          ...block("notification_email", email.to),
          ...statements({
            notification_email_from: email.from,
            smtp_server: `${email.smtpServer} ${email.smtpPort}`,
            smtp_helo_name: email.heloName,
            smtp_connect_timeout: email.connectTimeoutSeconds,
            no_email_faults: !email.faults,
          }),
        ]
      : []),
    ...statements({
      router_id: director.name,
      enable_script_security: true,
      script_user: daemon.scriptUser,
      // What follows is theirs unless it names somebody else.
      startup_script: call(daemon.startupScript),
      startup_script_timeout: daemon.startupScript?.timeoutSeconds,
      shutdown_script: call(daemon.shutdownScript),
      shutdown_script_timeout: daemon.shutdownScript?.timeoutSeconds,
      notify_fifo: daemon.notifyFifo?.path,
      vrrp_notify_fifo: fifo(daemon.vrrpNotifyFifo),
      vrrp_notify_fifo_script: call(daemon.vrrpNotifyFifo?.script),
      lvs_notify_fifo: fifo(daemon.lvsNotifyFifo),
      lvs_notify_fifo_script: call(daemon.lvsNotifyFifo?.script),
      rs_init_notifies: daemon.realServerInitNotifies,
      // The kernel's version of the protocol differs by instance; IPv6 knows 3 only.
      vrrp_version: vrrp.defaultVersion,
      // Of two that were active, the one that yields says so: the other then claims the addresses again. Without it, neighbours whose
      // ARP caches have the one that yielded would go on sending there.
      vrrp_higher_prio_send_advert: true,
      vrrp_garp_interval: vrrp.garp.intervalSeconds,
      vrrp_gna_interval: vrrp.garp.naIntervalSeconds,
      vrrp_startup_delay: daemon.startupDelaySeconds,
      vrrp_priority: daemon.vrrpPriority,
      checker_priority: daemon.checkerPriority,
      vrrp_rt_priority: daemon.vrrpRealtimePriority,
      checker_rt_priority: daemon.checkerRealtimePriority,
      vrrp_cpu_affinity: daemon.vrrpCpuAffinity?.join(" "),
      checker_cpu_affinity: daemon.checkerCpuAffinity?.join(" "),
      vrrp_no_swap: daemon.noSwap,
      checker_no_swap: daemon.noSwap,
      lvs_timeouts: timeouts.length > 0 ? timeouts.join(" ") : undefined,
      lvs_sync_daemon: vrrp.connectionSync
        ? [
            vrrp.syncInterface,
            // No instance is named, so both daemons run at all times. With one, keepalived starts and stops them at each change of state,
            // and a kernel thread that is stopped before it first ran is never acknowledged (kthread_stop's EINTR): keepalived then
            // waits for ever with the virtual addresses on. Seen with 2.2.7 on a busy host; 2 of 40 stops with the CPU taken.
            ...statements({
              id: syncId({ vrrp, instances }),
              maxlen: syncDaemon.maxLength,
              port: syncDaemon.port === 8848 ? undefined : syncDaemon.port,
              ttl: syncDaemon.ttl,
              group: syncDaemon.group,
            }),
          ].join(" ")
        : undefined,
    }),
  ];
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
export function tracked(
  { tracking }: Pick<Settings, "tracking">,
  director: DirectorSettings,
): { heading: string; lines: Line[] }[] {
  return [
    ...tracking.scripts.map((script) => ({
      heading: `vrrp_script ${script.name}`,
      lines: statements({
        script: call({ script: script.script, args: script.args }),
        interval: script.intervalSeconds,
        timeout: script.timeoutSeconds,
        rise: script.rise,
        fall: script.fall,
        weight: weightText(script, ownWeight.scripts),
        user: script.user,
        init_fail: script.initFail,
      }),
    })),
    ...tracking.processes.map((process) => ({
      heading: `vrrp_track_process ${process.name}`,
      lines: statements({
        process: [process.process, ...(process.parameters ?? [])]
          .map((word) => `"${word}"`)
          .join(" "),
        param_match: process.parameterMatch === "exact" ? undefined : process.parameterMatch,
        full_command: process.fullCommand,
        weight: weightText(process, ownWeight.processes),
        quorum: process.quorum,
        quorum_max: process.quorumMax,
        fork_delay: process.forkDelaySeconds,
        terminate_delay: process.terminateDelaySeconds,
      }),
    })),
    ...tracking.files.map((file) => ({
      heading: `track_file ${file.name}`,
      lines: statements({
        file: `"${file.file}"`,
        weight: weightText(file, ownWeight.files),
        init_file: file.initialValue,
      }),
    })),
    ...tracking.bfd.map((session) => ({
      heading: `bfd_instance ${session.name}`,
      lines: statements({
        neighbor_ip:
          typeof session.neighbor === "string"
            ? session.neighbor
            : valueAt(session.neighbor, director.name),
        source_ip: valueAt(session.source, director.name),
        min_rx: session.minRxMilliseconds,
        min_tx: session.minTxMilliseconds,
        idle_tx: session.idleTxMilliseconds,
        multiplier: session.multiplier,
        passive: session.passive,
        ttl: session.ttl,
        max_hops: session.maxHops,
        multihop: session.multihop,
        weight: weightText(session, ownWeight.bfd),
      }),
    })),
  ];
}

/** A director's own address in an instance's adverts, without prefix. */
export function sourceIn({ members }: InstanceSettings, director: DirectorSettings) {
  const own = members.find(({ name }) => name === director.name);
  return own?.address === undefined ? undefined : withoutPrefix(own.address);
}

/** The other directors' addresses in an instance, without prefixes. */
export function peersIn({ members }: InstanceSettings, director: DirectorSettings): string[] {
  return members.flatMap(({ name, address }) =>
    name === director.name || address === undefined ? [] : [withoutPrefix(address)],
  );
}

/** What directors look at in each other's adverts: with anything else here, they don't take each other for the same instance. */
function heard(
  instance: InstanceSettings,
  vrrp: Settings["vrrp"],
  director: DirectorSettings,
  authenticated: boolean,
): { words: Parameters<typeof statements>[0]; blocks: Line[] } {
  const { family, vmac } = instance;
  const source = sourceIn(instance, director);
  const peers = peersIn(instance, director);
  const device = vmac ? "" : ` dev ${instance.interface}`;
  const advertised = advertisedAddress(family, instance.virtualRouterId);
  return {
    words: {
      interface: instance.interface,
      virtual_router_id: instance.virtualRouterId,
      version: instance.version === vrrp.defaultVersion ? undefined : instance.version,
      advert_int: instance.advertIntervalSeconds,
      // An IPv6 advert leaves from a link-local address unless it is told otherwise.
      [instance.unicast ? "unicast_src_ip" : "mcast_src_ip"]:
        instance.unicast || family === "inet" ? source : undefined,
      mcast_dst_ip: instance.multicastGroup,
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
      return block(`vrrp_instance ${instance.name}`, [...statements(words), ...blocks]);
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
    ...statements({
      state: "BACKUP",
      ...words,
      priority: own?.priority ?? director.priority,
      down_timer_adverts: instance.downTimerAdverts,
      nopreempt: !instance.preempt,
      preempt_delay: instance.preemptDelaySeconds,
      timer_expired_backup: highestOfOthers(instance, director),
      use_vmac: vmac && (vmac.interface ?? true),
      vmac_xmit_base: vmac && instance.unicast,
      dont_track_primary: !instance.trackPrimaryInterface,
      track_src_ip: instance.trackSourceAddress,
      accept: instance.accept === true,
      no_accept: instance.accept === false,
      // keepalived does it for a VMAC by itself, and says so as of an error.
      promote_secondaries: instance.promoteSecondaries && vmac === undefined,
      smtp_alert: instance.smtpAlert,
      garp_master_delay: garp.masterDelaySeconds,
      garp_master_repeat: garp.masterRepeat,
      garp_master_refresh: garp.masterRefreshSeconds,
      garp_master_refresh_repeat: garp.masterRefreshRepeat,
      garp_lower_prio_delay: garp.lowerPrioDelaySeconds,
      garp_lower_prio_repeat: garp.lowerPrioRepeat,
      unicast_ttl: instance.unicastTtl,
      check_unicast_src: instance.checkUnicastSource,
    }),
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
    ...notifyLines(instance.notify),
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
  return statements({
    delay_loop: service.delayLoopSeconds,
    lvs_sched: service.scheduler,
    ...Object.fromEntries(schedulerFlags(service).map((name) => [name, true])),
    ops: service.onePacketScheduling,
    lvs_method: service.forwarding,
    // A literal 0 is refused by keepalived (exit 5 on 2.2.7): none is said by leaving it out.
    persistence_timeout: service.persistenceTimeoutSeconds || undefined,
    persistence_granularity: persistenceMask(service),
    persistence_engine: service.persistenceEngine,
    protocol: service.fwmark === undefined ? service.protocol : undefined,
    ip_family: service.fwmark === undefined ? undefined : service.family,
    virtualhost: service.virtualHost,
    alpha: service.alpha,
    omega: service.omega,
    inhibit_on_failure: service.inhibitOnFailure,
    quorum: service.quorum === 1 ? undefined : service.quorum,
    hysteresis: service.hysteresis || undefined,
    quorum_up: call(service.quorumUp),
    quorum_down: call(service.quorumDown),
    smtp_alert: service.smtpAlert,
    ha_suspend: service.haSuspend,
    sorry_server: sorryServer && `${sorryServer.address} ${sorryServer.port}`,
    sorry_server_lvs_method: sorryServer?.forwarding,
    sorry_server_inhibit: sorryServer?.inhibitOnFailure,
  });
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
  return trackedBy(tracks, tracking).flatMap(({ heading, lines }) => block(heading, lines));
}

/** What an instance or a sync group tracks, by the block that names it. */
export function trackedBy(
  tracks: Tracks,
  tracking: Settings["tracking"],
): { list: TrackList; heading: string; lines: Line[] }[] {
  return trackLists.map((list) => ({
    list,
    heading: trackBlock[list],
    lines: tracks[list].map((entry) => {
      const weight = weightText(entry, weightOf(entry, list, tracking));
      return weight === undefined ? entry.name : `${entry.name} weight ${weight}`;
    }),
  }));
}

function notifyLines(notify: InstanceSettings["notify"]): Line[] {
  return statements({
    notify_master: call(notify?.master),
    notify_backup: call(notify?.backup),
    notify_fault: call(notify?.fault),
    notify_stop: call(notify?.stop),
    notify: call(notify?.any),
    notify_master_rx_lower_pri: call(notify?.masterRxLowerPri),
    notify_priority_changes:
      notify?.priorityChanges === undefined ? undefined : onOff(notify.priorityChanges),
  });
}

/** A FIFO's path and whose it is: nobody else can read it, for keepalived's umask is 0177 (seen with 2.2.7). */
function fifo(notify: Settings["daemon"]["vrrpNotifyFifo"]): string | undefined {
  const user = notify?.script?.user;
  return notify && [notify.path, ...(user === undefined ? [] : [user])].join(" ");
}

/** A script's path and arguments in quotes, and who runs it. */
export function call(hook: Hook | undefined): string | undefined {
  if (hook === undefined) return undefined;
  const words = [`${scriptsFolder}/${hook.script}`, ...(hook.args ?? [])].join(" ");
  return `"${words}"${hook.user === undefined ? "" : ` ${hook.user}`}`;
}

function onOff(value: boolean): string {
  return value ? "on" : "off";
}
