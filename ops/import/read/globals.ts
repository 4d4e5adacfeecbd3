// Reads global_defs: the daemon's settings, mail, and defaults for instances and virtual servers.
import {
  daemonKeywords,
  emailKeywords,
  syncOptions,
  timeoutOptions,
} from "../../../components/keepalived/keywords/globals";
import { garpKeywords } from "../../../components/keepalived/keywords/vrrp";
import { vrrpGroups } from "../../../components/keepalived/facts";
import { checkedFamily, isAddress, name, type Family } from "../../../components/schema";
import {
  always,
  cannot,
  passedOn,
  each,
  flag,
  integer,
  integerOf,
  keysOf,
  messageOf,
  orElse,
  readBlock,
  readLines,
  readersOf,
  seconds,
  within,
  word,
  type Draft,
  type Keywords,
  type Read,
} from "./keywords";
import type { Statement } from "../syntax/parse";
import { scriptWords } from "../syntax/words";
import { defined } from "../plain";
import { Unfit, type Scribe } from "../report";
import { fillIn, hook, type Scripts } from "./scripts";
import {
  daemonShape,
  emailShape,
  garpShape,
  instanceShape,
  paceShape,
  syncDaemonShape,
  type Daemon,
  type Email,
  type ScriptCall,
  type SyncDaemon,
} from "../shapes";

/** A config's global settings. */
export interface Globals {
  /** The director's name, if known from elsewhere than the file. */
  host?: string;
  /** The director's name by the file's router_id. */
  routerId?: string;
  vrrpVersion?: 2 | 3;
  defaultInterface?: string;
  sync?: Sync;
  daemon: Daemon;
  email: Email;
  garp: Draft<typeof garpShape>;
  /** Intervals between gratuitous ARPs, which apply to all instances. */
  pace: Draft<typeof paceShape>;
  /** Multicast groups, where they differ from keepalived's own. */
  groups: Partial<Record<Family, string>>;
  checkUnicastSource?: boolean;
  priorityChanges?: boolean;
  downTimerAdverts?: number;
  smtpAlert: { all?: boolean; vrrp?: boolean; checker?: boolean };
  /** vrrp_strict, with which keepalived drops authentication. */
  strict?: boolean;
}

/** The connection sync daemon. */
export interface Sync {
  interface: string;
  instance?: string;
  daemon: SyncDaemon;
  statement: Statement;
}

/** Reads every global_defs of a config. */
export function readGlobals(
  statements: Statement[],
  scripts: Scripts,
  scribe: Scribe,
  host?: string,
): Globals {
  const globals: Globals = {
    host,
    daemon: {},
    email: {},
    garp: {},
    pace: {},
    groups: {},
    smtpAlert: {},
  };
  const earlier = new Map<string, Statement>();
  for (const statement of statements.filter(({ keyword }) => keyword === "global_defs")) {
    scribe.kept(statement, "daemon");
    const block = statement.block ?? [];
    for (const line of block) {
      const masters = servants.get(line.keyword);
      if (!masters || block.some(({ keyword }) => masters.includes(keyword))) continue;
      scribe.changed(line, "nothing", `there is no ${masters.join(" or ")}, so it has no effect`);
    }
    judgeFifos(block, scribe);
    readBlock(statement, keywords(scripts), globals, scribe, earlier);
    const [swapless, other] = block.filter(({ keyword }) => keyword.endsWith("_no_swap"));
    if (swapless && !other) {
      scribe.changed(
        swapless,
        "daemon.noSwap",
        "the stack keeps both processes in memory, or neither",
      );
    }
  }
  const { garp, email } = globals;
  // Like keepalived: they default to the master's values (vrrp_complete_init() in vrrp.c), unlike
  // in the stack.
  garp.lowerPrioDelaySeconds ??= garp.masterDelaySeconds;
  garp.lowerPrioRepeat ??= garp.masterRepeat;
  globals.garp = defined(garp);
  const [mailed] = statements.flatMap(({ block = [] }) =>
    block.filter(({ keyword }) => keyword === "notification_email"),
  );
  if (mailed && email.to?.length === 0) {
    delete email.to;
    if (mailed.block?.length === 0) {
      scribe.leftOut(mailed, "it names nobody, so keepalived mails nobody");
    } else if (email.smtpServer !== undefined) {
      email.to = [fillIn];
      scribe.fillIn(
        "email.to",
        "mail addresses: the ones of the file are none that the stack allows",
      );
    }
  }
  return globals;
}

const paced = keysOf(paceShape);

/** Why the stack never uses strict mode. */
export const strict =
  "makes keepalived drop packets to the virtual addresses, which a load balancer's clients send: the stack never sets it";

const noMeaning = "says how keepalived runs, which the stack has no key for";

/** Reports a FIFO whose owner is not the user of its script: in the stack both are the same. */
function judgeFifos(block: Statement[], scribe: Scribe): void {
  for (const fifo of block.filter(({ keyword }) => keyword.endsWith("notify_fifo"))) {
    const [path = "", user] = fifo.args;
    const script = block.find(({ keyword }) => keyword === `${fifo.keyword}_script`);
    const [reader] = (script && scriptWords(script.text)?.rest) ?? [];
    if (user === reader) continue;
    scribe.changed(
      fifo,
      `${fifo.keyword} ${path}${reader === undefined ? "" : ` ${reader}`}`,
      "a FIFO is whose script reads it, or else daemon.scriptUser's",
    );
  }
}

/** Keywords that only have an effect beside one of those listed. */
const servants = new Map([
  ["startup_script_timeout", ["startup_script"]],
  ["shutdown_script_timeout", ["shutdown_script"]],
  ["vrrp_notify_fifo_script", ["vrrp_notify_fifo"]],
  ["lvs_notify_fifo_script", ["lvs_notify_fifo"]],
  ["vrrp_notify_priority_changes", ["vrrp_notify_fifo", "notify_fifo"]],
]);

const keywords = (scripts: Scripts): Keywords<Globals> => ({
  // Before the tables, whose entries override these: a keyword that gets a key needs no change
  // here.
  ...within<Globals, Daemon>(
    ({ daemon }) => daemon,
    each(
      "vrrp_lower_prio_no_advert vrrp_min_garp vrrp_garp_extra_if vrrp_vmac_garp_intvl vrrp_owner_ignore_adverts no_checker_emails checker_log_all_failures fifo_write_vrrp_states_on_reload",
      passedOn<Daemon>(),
    ),
    "daemon",
  ),
  ...each(
    "vrrp_ipsets nftables_priority nftables_ifindex nftables_counters nftables_ipvs nftables_ipvs_priority nftables_ipvs_start_fwmark v3_checksum_as_v2 disable_local_igmp vmac_prefix vmac_addr_prefix",
    cannot<Globals>(),
  ),
  ...each("lvs_flush lvs_flush_on_stop lvs_flush_onstop", cannot<Globals>()),
  ...each(
    "process_names process_name vrrp_process_name checker_process_name lvs_process_name bfd_process_name use_symlink_paths max_auto_priority min_auto_priority_delay dynamic_interfaces vrrp_rlimit_rttime vrrp_rlimit_rtime checker_rlimit_rttime checker_rlimit_rtime bfd_priority bfd_no_swap bfd_rt_priority bfd_cpu_affinity bfd_rlimit_rttime bfd_rlimit_rtime",
    cannot<Globals>(noMeaning),
  ),
  ...each(
    "enable_snmp_vrrp enable_snmp_keepalived enable_snmp_rfc enable_snmp_rfcv2 enable_snmp_rfcv3 enable_snmp_checker",
    cannot<Globals>(
      "keepalived's processes crash when a reload brings it, and wait for an snmpd that doesn't answer: the stack has metrics for Prometheus (metrics.enabled)",
    ),
  ),
  ...each(
    "snmp_socket enable_traps snmp_vs_stats_update_interval snmp_rs_stats_update_interval enable_dbus dbus_service_name dbus_no_interface_name",
    cannot<Globals>(noMeaning),
  ),
  ...each(
    "vrrp_netlink_cmd_rcv_bufs vrrp_netlink_cmd_rcv_bufs_force vrrp_netlink_monitor_rcv_bufs vrrp_netlink_monitor_rcv_bufs_force process_monitor_rcv_bufs process_monitor_rcv_bufs_force lvs_netlink_cmd_rcv_bufs lvs_netlink_cmd_rcv_bufs_force lvs_netlink_monitor_rcv_bufs lvs_netlink_monitor_rcv_bufs_force vrrp_rx_bufs_policy vrrp_rx_bufs_multiplier log_unknown_vrids umask random_seed reload_check_config reload_time_file reload_repeat reload_file include_check config_save_dir tmp_config_directory data_use_instance json_version iproute_usr_dir iproute_etc_dir state_dump_file stats_dump_file json_dump_file",
    cannot<Globals>(noMeaning),
  ),
  router_id(globals, statement, scribe) {
    const id = word(statement);
    globals.routerId = nameOf(id);
    if (globals.routerId === id || globals.host !== undefined) {
      scribe.kept(statement, "/directors[].name");
    } else
      scribe.changed(
        statement,
        `directors[].name: ${globals.routerId}`,
        "a name in the stack is of lower-case letters, digits and dashes, 32 at most",
      );
  },
  vrrp_version(globals, statement, scribe) {
    globals.vrrpVersion = protocolVersion(statement);
    scribe.kept(statement, "vrrp.version");
  },
  default_interface(globals, statement, scribe) {
    globals.defaultInterface = word(statement);
    scribe.kept(statement, "vrrp.interface");
  },
  lvs_sync_daemon(globals, statement, scribe) {
    globals.sync = readSync(statement);
    scribe.kept(statement, "vrrp.syncInterface");
  },
  enable_script_security: always("is always on"),
  vrrp_higher_prio_send_advert: always("is always on"),
  ...within<Globals, Daemon>(
    (globals) => globals.daemon,
    {
      ...readersOf(daemonShape, daemonKeywords),
      ...timedScript(scripts, "startup_script", "startupScript"),
      ...timedScript(scripts, "shutdown_script", "shutdownScript"),
      ...notifyFifo(scripts, "vrrp_notify_fifo", "vrrpNotifyFifo"),
      ...notifyFifo(scripts, "lvs_notify_fifo", "lvsNotifyFifo"),
      notify_fifo(draft, statement, scribe) {
        draft.notifyFifo = { path: fifoPath(statement) };
        scribe.kept(statement, "notifyFifo");
      },
      lvs_timeouts(draft, statement, scribe) {
        draft.ipvsTimeouts = { ...draft.ipvsTimeouts, ...timeouts(statement) };
        scribe.kept(statement, "ipvsTimeouts");
      },
    },
    "daemon",
  ),
  ...within<Globals, Email>(
    (globals) => globals.email,
    {
      ...readersOf(emailShape, emailKeywords),
      notification_email(draft, statement, scribe) {
        scribe.kept(statement, "to");
        const to = readLines(statement.block, scribe.in("to"), (words, line) =>
          recipients(words, line, scribe),
        );
        draft.to = [...new Set([...(draft.to ?? []), ...to])];
      },
      notification_email_from(draft, statement, scribe) {
        draft.from = orElse(
          () => mailAddress(word(statement)),
          "from",
          () => fillIn,
        );
        if (draft.from === word(statement)) scribe.kept(statement, "from");
        else scribe.changed(statement, draft.from, "the stack has a mail address alone");
      },
      smtp_server(draft, statement, scribe) {
        const [host = "", port] = statement.args;
        const fits = emailShape.smtpServer.safeParse(host).success;
        draft.smtpServer = fits ? host : fillIn;
        if (port !== undefined) draft.smtpPort = integerOf(port);
        if (fits) scribe.kept(statement, "smtpServer");
        else {
          scribe.changed(statement, "smtpServer", "the stack names the mail server by its address");
          scribe.fillIn("/email.smtpServer", `the address of ${host}`);
        }
      },
    },
    "email",
  ),
  smtp_alert: alert("all"),
  smtp_alert_vrrp: alert("vrrp"),
  smtp_alert_checker: alert("checker"),
  ...within<Globals, Globals["garp"]>(
    (globals) => globals.garp,
    Object.fromEntries(
      Object.entries(readersOf(garpShape, garpKeywords)).map(([keyword, read]) => [
        `vrrp_${keyword}`,
        read,
      ]),
    ),
    "vrrp.garp",
  ),
  vrrp_down_timer_adverts(globals, statement, scribe) {
    globals.downTimerAdverts = integer(statement);
    scribe.kept(statement, "vrrp.downTimerAdverts");
  },
  vrrp_garp_interval: pace("intervalSeconds"),
  vrrp_gna_interval: pace("naIntervalSeconds"),
  vrrp_mcast_group4: group("inet"),
  vrrp_mcast_group6: group("inet6"),
  vrrp_check_unicast_src(globals, statement, scribe) {
    globals.checkUnicastSource = true;
    scribe.kept(statement, "vrrp.checkUnicastSource");
  },
  vrrp_notify_priority_changes(globals, statement, scribe) {
    globals.priorityChanges = flag(statement);
    scribe.kept(statement, "vrrp.notify.priorityChanges");
  },
  vrrp_strict(globals, statement, scribe) {
    globals.strict = true;
    scribe.inexpressible(statement, strict);
  },
  vrrp_skip_check_adv_addr: cannot(
    "saves a comparison an advert; the stack leaves keepalived comparing",
  ),
  vrrp_iptables: cannot("the stack's firewall is its own: see the firewall keys"),
  nftables: cannot("the stack's firewall is its own: see the firewall keys"),
  notify_fifo_script: cannot(
    "keepalived's VRRP and checker processes each run it, and both take from one FIFO: give vrrp_notify_fifo and lvs_notify_fifo a script each",
  ),
});

/** The nearest name that the stack allows; empty if there is none. */
export function nameOf(text: string): string {
  if (name.safeParse(text).success) return text;
  const clean = text
    .toLowerCase()
    .replace(/\..*$/, "")
    .replace(/[^a-z0-9]+/g, "-")
    .replace(/^[^a-z]+/, "")
    .slice(0, 32)
    .replace(/-+$/, "");
  return name.safeParse(clean).success ? clean : "";
}

/** Reads a VRRP version. @throws Unfit when it is neither 2 nor 3 */
export function protocolVersion(statement: Statement): 2 | 3 {
  const version = integer(statement);
  if (version !== 2 && version !== 3) throw new Unfit(`${version} is no version of VRRP: 2 or 3`);
  return version;
}

function alert(key: keyof Globals["smtpAlert"]) {
  return (globals: Globals, statement: Statement, scribe: Scribe) => {
    globals.smtpAlert[key] = flag(statement);
    scribe.kept(statement, "smtpAlert");
  };
}

/** Whether keepalived has recipients and a mail server; otherwise it sends no mail. */
export function mails({ email }: Globals): boolean {
  return email.to !== undefined && email.smtpServer !== undefined;
}

/** Reads `smtp_alert [BOOL]` of an instance, a group or a virtual server. */
export function smtpAlert(globals: Globals): Read<{ smtpAlert?: boolean }> {
  return (draft, statement, scribe) => {
    draft.smtpAlert = flag(statement) && mails(globals);
    if (draft.smtpAlert === flag(statement)) scribe.kept(statement, "smtpAlert");
    else
      scribe.changed(
        statement,
        "nothing",
        "there is no smtp_server or notification_email, so nobody is mailed",
      );
  };
}

/** Reads `startup_script` and `startup_script_timeout`, in either order. */
function timedScript(
  scripts: Scripts,
  keyword: string,
  key: "startupScript" | "shutdownScript",
): Keywords<Daemon> {
  const said: { script?: ScriptCall; timeoutSeconds?: number } = {};
  const put = (draft: Daemon) => {
    const { script, timeoutSeconds } = said;
    if (script === undefined) return;
    const call = typeof script === "string" ? { script } : script;
    draft[key] = timeoutSeconds === undefined ? script : { ...call, timeoutSeconds };
  };
  const script = hook(scripts, "script");
  return {
    [keyword](draft, statement, scribe) {
      script(said, statement, scribe.in(key));
      put(draft);
    },
    [`${keyword}_timeout`](draft, statement, scribe) {
      const given = integer(statement);
      said.timeoutSeconds = Math.min(given, 60);
      if (given > 60) {
        scribe.changed(statement, `${keyword}_timeout 60`, "systemd waits for 90 s in all");
      }
      if (given < 1) throw new Unfit(`${given} is no time that a script could run in`);
      put(draft);
      scribe.kept(statement, `${key}.timeoutSeconds`);
    },
  };
}

/** Reads `vrrp_notify_fifo` and `vrrp_notify_fifo_script`, in either order. */
function notifyFifo(
  scripts: Scripts,
  keyword: string,
  key: "vrrpNotifyFifo" | "lvsNotifyFifo",
): Keywords<Daemon> {
  const said: { path?: string; script?: ScriptCall } = {};
  const put = (draft: Daemon) => {
    const { path, ...script } = said;
    if (path !== undefined) draft[key] = { path, ...script };
  };
  const script = hook(scripts, "script");
  return {
    [keyword](draft, statement, scribe) {
      said.path = fifoPath(statement);
      put(draft);
      scribe.kept(statement, key);
    },
    [`${keyword}_script`](draft, statement, scribe) {
      script(said, statement, scribe.in(key));
      put(draft);
    },
  };
}

function fifoPath(statement: Statement): string {
  const path = word(statement);
  const { error } = daemonShape.notifyFifo.unwrap().shape.path.safeParse(path);
  if (error) throw new Unfit(`${path} ${messageOf(error)}`);
  return path;
}

/** Reads the seconds between two ARPs or adverts. 0, the default, is often written out. */
function pace(key: keyof typeof paceShape): Read<Globals> {
  return (globals, statement, scribe) => {
    if (seconds(statement) === 0) scribe.kept(statement, "is keepalived's default");
    else paced(key, seconds)(globals.pace, statement, scribe.in("vrrp.garp"));
  };
}

/** Reads the multicast group of a family. keepalived's own is often written out. */
function group(family: Family): Read<Globals> {
  return (globals, statement, scribe) => {
    const text = word(statement);
    if (text === vrrpGroups[family]) {
      scribe.kept(statement, "is keepalived's default");
      return;
    }
    const { error } = instanceShape.multicastGroup.safeParse(text);
    if (error) throw new Unfit(`${text} ${messageOf(error)}`);
    if (checkedFamily(text) !== family) throw new Unfit(`${text} is of the other family`);
    globals.groups[family] = text;
    scribe.kept(statement, "vrrp.multicastGroup");
  };
}

/** Reads `eth0 [inst] VI_1 [id] 51 maxlen 1400 port 8848 ttl 1 group 224.0.0.81`. */
function readSync(statement: Statement): Sync {
  const sync: Sync = { interface: word(statement), daemon: {}, statement };
  const { args } = statement;
  for (let i = 1; i < args.length; i++) {
    const option = args[i] ?? "";
    const value = args[i + 1] ?? "";
    const key = optionKeys(syncOptions).get(option);
    if (option === "inst") {
      sync.instance = value;
      i++;
    } else if (key === "group") {
      if (!isAddress(value)) throw new Unfit(`${value} is no multicast group`);
      sync.daemon.group = value;
      i++;
    } else if (key !== undefined) {
      sync.daemon[key] = integerOf(value);
      i++;
    } else if (i === 1) {
      sync.instance = option;
    } else if (i === 2) {
      sync.daemon.id = integerOf(option);
    } else {
      throw new Unfit(`${option} is no option of the sync daemon`);
    }
  }
  for (const key of Object.keys(sync.daemon) as (keyof SyncDaemon)[]) {
    const { error } = syncDaemonShape[key].safeParse(sync.daemon[key]);
    if (error) throw new Unfit(`${key}: ${sync.daemon[key]} ${error.issues[0]?.message ?? ""}`);
  }
  return sync;
}

/** The key for each option name, in a table of options with a value. */
function optionKeys<Key extends string>(
  table: Readonly<Record<Key, { names: readonly string[] }>>,
): Map<string, Key> {
  return new Map(
    (Object.keys(table) as Key[]).flatMap((key) =>
      table[key].names.map((name): [string, Key] => [name, key]),
    ),
  );
}

function timeouts(statement: Statement): NonNullable<Daemon["ipvsTimeouts"]> {
  const found: NonNullable<Daemon["ipvsTimeouts"]> = {};
  for (let i = 0; i < statement.args.length; i += 2) {
    const key = optionKeys(timeoutOptions).get(statement.args[i] ?? "");
    if (key === undefined) throw new Unfit(`${statement.args[i]} is no IPVS timeout`);
    const value = integerOf(statement.args[i + 1] ?? "");
    // 0 keeps the kernel's value.
    if (value !== 0) found[key] = value;
  }
  return found;
}

/** Reads a line of recipients: one per word; after a display name, the address is in <>. */
function recipients(words: string[], line: Statement, scribe: Scribe): string[] {
  const addresses = words.map(mailAddress);
  if (addresses.some((found, i) => found !== words[i])) {
    scribe.changed(line, addresses.join(" "), "the stack has a mail address alone");
  }
  return addresses;
}

function mailAddress(text: string): string {
  const alone = /<([^<>]+)>\s*$/.exec(text)?.[1] ?? text;
  if (!emailShape.from.safeParse(alone).success)
    throw new Unfit(`${alone} is no mail address that the stack allows`);
  return alone;
}
