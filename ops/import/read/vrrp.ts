// vrrp_instance and vrrp_sync_group.
import { checkedFamily, familyOf, type Family, type TrackList } from "../../../components/schema";
import { isAdvertised } from "../../../components/render/advertised";
import { longestDelay } from "../../../components/rules/vrrp";
import { mails, protocolVersion, smtpAlert, type Globals, type Sync } from "./globals";
import {
  always,
  cannot,
  each,
  flag,
  integer,
  integerOf,
  keysOf,
  readBlock,
  readLines,
  messageOf,
  seconds,
  secondsOf,
  within,
  word,
  type Draft,
  type Keywords,
} from "./keywords";
import type { Statement } from "../syntax/parse";
import { Unfit, type Scribe } from "../report";
import { hook, type Scripts } from "./scripts";
import {
  garpShape,
  groupNotifyShape,
  instanceShape,
  vrrpShape,
  type GroupNotify,
  type Instance,
  type InterfaceDelay,
  type Notify,
  type SyncGroup,
} from "../shapes";

/** A VRRP instance as one director's config has it. */
export interface InstanceReading {
  name: string;
  statement: Statement;
  /** What the stack says of an instance. */
  options: Instance;
  priority: number;
  /** The director's own address, where it is said. */
  source?: string;
  /** The other directors' addresses, where it is said. */
  peers: string[];
  addresses: CarriedAddress[];
  sync?: Sync;
  authType?: Statement;
  authPass?: Statement;
  /** What could not be judged before the whole instance was read. */
  vmacXmitBase?: Statement;
  state?: Statement;
}

/** An address that moves with the instance. */
export interface CarriedAddress {
  address: string;
  prefixLength: number;
  /** Absent where it is the instance's. */
  interface?: string;
  statement: Statement;
}

/** Reads an instance; what it leaves out is keepalived's default. */
export function readInstance(
  statement: Statement,
  globals: Globals,
  scripts: Scripts,
  scribe: Scribe,
): InstanceReading {
  const name = word(statement);
  const here = scribe.in(`vrrp.instances[${name}]`);
  here.kept(statement, "name");
  const reading: InstanceReading = {
    name,
    statement,
    options: {},
    priority: 100,
    peers: [],
    addresses: [],
  };
  readBlock(statement.block, instanceKeywords(scripts, globals), reading, here);
  const { options } = reading;
  const family = familyOfInstance(reading);
  options.interface ??= globals.defaultInterface ?? "eth0";
  // VRRP for IPv6 is version 3 whatever else is said.
  options.version ??= family === "inet6" ? 3 : (globals.vrrpVersion ?? 2);
  options.advertIntervalSeconds ??= 1;
  options.preempt ??= true;
  options.unicast = reading.peers.length > 0;
  if (globals.downTimerAdverts !== undefined) options.downTimerAdverts ??= globals.downTimerAdverts;
  if (options.unicast && globals.checkUnicastSource) options.checkUnicastSource ??= true;
  if (!options.unicast && globals.groups[family]) options.multicastGroup ??= globals.groups[family];
  if (globals.priorityChanges && hasFifo(globals)) {
    options.notify = { priorityChanges: true, ...options.notify };
  }
  options.smtpAlert ??=
    mails(globals) && (globals.smtpAlert.vrrp ?? globals.smtpAlert.all ?? false);
  if (Object.keys({ ...globals.garp, ...options.garp }).length > 0) {
    options.garp = { ...globals.garp, ...options.garp };
  }
  judge(reading, here);
  return reading;
}

/** The family of an instance's adverts. */
export function familyOfInstance({ addresses, source, peers }: InstanceReading): Family {
  if (addresses.length > 0) {
    return addresses.some(({ address }) => checkedFamily(address) === "inet") ? "inet" : "inet6";
  }
  return checkedFamily(source ?? peers[0] ?? "");
}

/** Reads a group of instances that change state together; undefined where it can't be one. */
export function readSyncGroup(
  statement: Statement,
  globals: Globals,
  scripts: Scripts,
  scribe: Scribe,
): SyncGroup | undefined {
  const name = word(statement);
  const here = scribe.in(`vrrp.syncGroups[${name}]`);
  const members = (statement.block ?? [])
    .filter(({ keyword }) => keyword === "group")
    .flatMap(({ block }) => (block ?? []).map((line) => [line.keyword, ...line.args]).flat());
  if (members.length < 2) {
    here.inexpressible(statement, "a group of fewer than two instances says nothing");
    return undefined;
  }
  here.kept(statement, "name");
  const group: SyncGroup = readBlock(
    statement.block,
    syncGroupKeywords(scripts, globals),
    { name, instances: [] },
    here,
  );
  group.smtpAlert ??= mails(globals) && (globals.smtpAlert.vrrp ?? globals.smtpAlert.all ?? false);
  return group;
}

/** Reads `interface_up_down_delays { INTERFACE DOWN [UP] … }`; the last line of an interface counts. */
export function readInterfaceDelays(
  statements: Statement[],
  instances: InstanceReading[],
  scribe: Scribe,
): InterfaceDelay[] {
  const here = scribe.in("vrrp.interfaceDelays");
  const delays = statements
    .filter(({ keyword }) => keyword === "interface_up_down_delays")
    .flatMap((statement) => {
      here.kept(statement);
      return readLines(statement.block, here, (words, line) => [
        readDelay(words, line, instances, here),
      ]);
    });
  return [...new Map(delays.map((delay) => [delay.name, delay])).values()];
}

function readDelay(
  [name = "", down, up]: string[],
  line: Statement,
  instances: InstanceReading[],
  scribe: Scribe,
): InterfaceDelay {
  if (down === undefined) throw new Unfit("has no delay");
  if (up === undefined)
    scribe.changed(line, "upSeconds: 0", "keepalived takes 0 where it is left out");
  const limits = instances
    .filter(({ options }) => options.interface === name)
    .map(({ options: { advertIntervalSeconds = 1, downTimerAdverts } }) =>
      longestDelay({ advertIntervalSeconds, downTimerAdverts }),
    );
  const limit = Math.min(255, ...limits);
  const delay = { name, downSeconds: secondsOf(down), upSeconds: secondsOf(up ?? "0") };
  const cut = {
    ...delay,
    downSeconds: Math.min(delay.downSeconds, limit),
    upSeconds: limit === 0 ? 0 : delay.upSeconds,
  };
  if (cut.downSeconds !== delay.downSeconds || cut.upSeconds !== delay.upSeconds) {
    scribe.changed(
      line,
      `${name} ${cut.downSeconds} ${cut.upSeconds}`,
      "keepalived cuts it to less than it takes the others to miss a director",
    );
  }
  const { error } = vrrpShape.interfaceDelays.safeParse([cut]);
  if (error) throw new Unfit(messageOf(error));
  return cut;
}

const instance = keysOf(instanceShape);
const garp = keysOf(garpShape);
const notify = keysOf(groupNotifyShape);

function instanceKeywords(scripts: Scripts, globals: Globals): Keywords<InstanceReading> {
  return {
    state(reading, statement) {
      reading.state = statement;
    },
    priority(reading, statement, scribe) {
      const priority = integer(statement);
      if (priority < 1 || priority > 255) throw new Unfit(`${priority} is no priority (1–255)`);
      reading.priority = Math.min(priority, 254);
      if (priority === 255) {
        scribe.changed(
          statement,
          "directors[].priority: 254",
          "255 is for the owner of the address, which no director is",
        );
      } else {
        scribe.kept(statement, "/directors[].priority");
      }
    },
    ...within<InstanceReading, Instance>((reading) => reading.options, {
      interface: instance("interface", word),
      virtual_router_id: instance("virtualRouterId", integer),
      version: instance("version", protocolVersion),
      advert_int: instance("advertIntervalSeconds", seconds),
      preempt: instance("preempt", () => true, 0),
      preempt_delay: instance("preemptDelaySeconds", seconds),
      down_timer_adverts: instance("downTimerAdverts", integer),
      dont_track_primary: instance("trackPrimaryInterface", () => false, 0),
      track_src_ip: instance("trackSourceAddress", () => true, 0),
      accept: instance("accept", () => true, 0),
      no_accept: instance("accept", () => false, 0),
      promote_secondaries: instance("promoteSecondaries", () => true, 0),
      smtp_alert: smtpAlert(globals),
      mcast_dst_ip: instance("multicastGroup", word),
      unicast_ttl: instance("unicastTtl", integer),
      check_unicast_src: instance("checkUnicastSource", () => true, 0),
      use_vmac(options, statement, scribe) {
        const words = statement.args.filter((arg) => arg !== "name");
        const odd = words.find((arg) => arg.includes(":") || arg === "netlink_notify_msg");
        if (odd !== undefined || words.length > 1) {
          throw new Unfit(`the stack names the interface only, not ${odd ?? words[1]}`);
        }
        const [device] = words;
        options.vmac = device === undefined ? {} : { interface: device };
        scribe.kept(statement, "vmac");
      },
      ...trackKeywords,
      virtual_routes(options, statement, scribe) {
        scribe.kept(statement, "virtualRoutes");
        options.virtualRoutes = readLines(statement.block, scribe.in("virtualRoutes"), (words) => [
          readRoute(words),
        ]);
      },
      virtual_rules(options, statement, scribe) {
        scribe.kept(statement, "virtualRules");
        options.virtualRules = readLines(statement.block, scribe.in("virtualRules"), (words) => [
          readRule(words),
        ]);
      },
    }),
    ...within<InstanceReading, Draft<typeof garpShape>>(
      ({ options }) => (options.garp ??= {}),
      {
        garp_master_delay: garp("masterDelaySeconds", integer),
        garp_master_repeat: garp("masterRepeat", integer),
        garp_master_refresh: garp("masterRefreshSeconds", integer),
        garp_master_refresh_repeat: garp("masterRefreshRepeat", integer),
        garp_lower_prio_delay: garp("lowerPrioDelaySeconds", integer),
        garp_lower_prio_repeat: garp("lowerPrioRepeat", integer),
      },
      "garp",
    ),
    ...within<InstanceReading, Notify>(
      ({ options }) => (options.notify ??= {}),
      {
        ...notifyKeywords(scripts, globals),
        notify_master_rx_lower_pri: hook(scripts, "masterRxLowerPri"),
      },
      "notify",
    ),
    nopreempt(reading, statement, scribe) {
      reading.options.preempt = false;
      scribe.kept(statement, "preempt");
    },
    vmac_xmit_base(reading, statement) {
      reading.vmacXmitBase = statement;
    },
    unicast_src_ip: source,
    mcast_src_ip: source,
    unicast_peer(reading, statement, scribe) {
      scribe.kept(statement, "unicast");
      reading.peers = readLines(
        statement.block,
        scribe.in("unicast"),
        ([address = "", ...options], line) => {
          if (familyOf(address) === undefined) throw new Unfit(`${address} is no address`);
          if (options.length > 0) {
            scribe.changed(
              line,
              "directors[].vrrpAddress",
              `${options.join(" ")} is left out: the stack has no key for it`,
            );
          }
          return [address];
        },
      );
    },
    authentication(reading, statement, scribe) {
      scribe.kept(statement, "/vrrpAuthPass");
      readBlock(statement.block, authentication, reading, scribe);
    },
    virtual_ipaddress: addresses,
    virtual_ipaddress_excluded: addresses,
    lvs_sync_daemon_interface(reading, statement, scribe) {
      reading.sync = { interface: word(statement), instance: reading.name, daemon: {}, statement };
      scribe.changed(
        statement,
        `lvs_sync_daemon ${word(statement)} (vrrp.syncInterface)`,
        "keepalived has taken it from the instances into global_defs, and both daemons run at all times",
      );
    },
    native_ipv6: always("goes by the addresses"),
    higher_prio_send_advert: always("is always on"),
    timer_expired_backup: always("is always on where keepalived knows it"),
    ...each(
      "use_vmac_addr use_ipvlan unicast_fault_no_peer old_unicast_checksum vrf no_virtual_ipaddress linkbeat_use_polling v3_checksum_as_v2 skip_check_adv_addr debug notify_deleted thread_timer_expired garp_extra_if vmac_garp_intvl lower_prio_no_advert owner_ignore_adverts kernel_rx_buf_size",
      cannot<InstanceReading>(),
    ),
    strict_mode: cannot(
      "makes keepalived drop packets to the virtual addresses, which a load balancer's clients send: the stack never sets it",
    ),
  };
}

const authentication: Keywords<InstanceReading> = {
  auth_type(reading, statement) {
    reading.authType = statement;
  },
  auth_pass(reading, statement) {
    reading.authPass = statement;
  },
};

function syncGroupKeywords(scripts: Scripts, globals: Globals): Keywords<SyncGroup> {
  return {
    group(draft, statement, scribe) {
      scribe.kept(statement, "instances");
      draft.instances = readLines(statement.block, scribe.in("instances"), (words) => words);
    },
    ...trackKeywords,
    ...within<SyncGroup, GroupNotify>(
      (draft) => (draft.notify ??= {}),
      notifyKeywords(scripts, globals),
      "notify",
    ),
    smtp_alert: smtpAlert(globals),
    global_tracking: always("is what a group does anyway"),
    sync_group_tracking_weight: cannot(),
  };
}

type Tracks = Pick<Instance, TrackList>;

const trackKeywords: Keywords<Tracks> = {
  track_interface: track("trackInterfaces"),
  track_script: track("trackScripts"),
  track_process: track("trackProcesses"),
  track_file: track("trackFiles"),
  track_bfd: track("trackBfd"),
};

/** A line is a name, and `weight NUMBER`, and `reverse`. */
function track(key: keyof Tracks) {
  return (draft: Tracks, statement: Statement, scribe: Scribe) => {
    scribe.kept(statement, key);
    draft[key] = readLines(statement.block, scribe.in(key), ([name = "", ...options], line) => {
      const entry = { name, ...weightOf(options, line, scribe) };
      const { error } = instanceShape[key].safeParse([entry]);
      if (error) throw new Unfit(`${name}: ${error.issues[0]?.message ?? ""}`);
      return [entry];
    });
  };
}

/** `weight NUMBER [reverse]`. */
function weightOf(
  options: string[],
  line: Statement,
  scribe: Scribe,
): { weight?: number; reverse?: true } {
  const [keyword, text, sense] = options;
  if (keyword === undefined) return {};
  if (keyword !== "weight" || text === undefined)
    throw new Unfit(`${options.join(" ")} is no weight`);
  const weight = integerOf(text);
  if (Math.abs(weight) === 254) {
    scribe.changed(line, `weight ${Math.sign(weight) * 253}`, "keepalived makes 253 of 254 here");
  }
  return {
    weight: Math.abs(weight) === 254 ? Math.sign(weight) * 253 : weight,
    ...(sense === "reverse" ? { reverse: true } : {}),
  };
}

function hasFifo({ daemon }: Globals): boolean {
  return daemon.vrrpNotifyFifo !== undefined || daemon.notifyFifo !== undefined;
}

function notifyKeywords(scripts: Scripts, globals: Globals): Keywords<GroupNotify> {
  return {
    notify_master: hook(scripts, "master"),
    notify_backup: hook(scripts, "backup"),
    notify_fault: hook(scripts, "fault"),
    notify_stop: hook(scripts, "stop"),
    notify: hook(scripts, "any"),
    notify_priority_changes(draft, statement, scribe) {
      if (!flag(statement) || hasFifo(globals)) {
        notify("priorityChanges", flag)(draft, statement, scribe);
      } else {
        scribe.changed(statement, "nothing", "there is no FIFO that it could tell");
      }
    },
  };
}

function source(reading: InstanceReading, statement: Statement, scribe: Scribe): void {
  const address = word(statement);
  if (familyOf(address) === undefined) throw new Unfit(`${address} is no address`);
  reading.source = address;
  scribe.kept(statement, "/directors[].vrrpAddress");
}

/** `ADDRESS[/PREFIX] [dev INTERFACE] …`, one a line. */
function addresses(reading: InstanceReading, statement: Statement, scribe: Scribe): void {
  scribe.kept(statement, "virtualAddresses");
  const read = readLines(statement.block, scribe.in("virtualAddresses"), (words, line) =>
    // The stack has one of its own in the adverts, and excludes all others from them.
    isAdvertised(words[0] ?? "") ? [] : [readAddress(words, line, scribe)],
  );
  reading.addresses.push(...read);
}

function readAddress(words: string[], statement: Statement, scribe: Scribe): CarriedAddress {
  const [written = "", ...options] = words;
  const [address = "", prefix] = written.split("/");
  const family = familyOf(written);
  if (family === undefined) throw new Unfit(`${written} is no address`);
  const carried: CarriedAddress = {
    address,
    prefixLength: prefix === undefined ? (family === "inet" ? 32 : 128) : Number(prefix),
    statement,
  };
  const left: string[] = [];
  for (let i = 0; i < options.length; i++) {
    const option = options[i] ?? "";
    const value = options[i + 1] ?? "";
    if (option === "dev") {
      carried.interface = value;
      i++;
    } else if (option === "scope" && value === "global") {
      i++;
    } else if (["scope", "label", "brd", "broadcast", "peer", "preferred_lft"].includes(option)) {
      left.push(`${option} ${value}`);
      i++;
    } else {
      left.push(option);
    }
  }
  if (left.length > 0) {
    scribe.changed(
      statement,
      written,
      `${left.join(", ")} is left out: the stack has no key for it`,
    );
  }
  return carried;
}

/** `[src ADDRESS] [to] DESTINATION [via GATEWAY] [dev INTERFACE] [metric NUMBER] [table NUMBER]`. */
function readRoute(words: string[]): NonNullable<Instance["virtualRoutes"]>[number] {
  const route: Partial<NonNullable<Instance["virtualRoutes"]>[number]> = {};
  for (let i = 0; i < words.length; i++) {
    const option = words[i] ?? "";
    const value = words[i + 1] ?? "";
    if (option === "src") route.source = value;
    else if (option === "via" || option === "gw") route.via = value;
    else if (option === "dev" || option === "oif") route.device = value;
    else if (["metric", "priority", "preference"].includes(option)) route.metric = integerOf(value);
    else if (option === "table") route.table = tableOf(value);
    else if (option === "to") route.to = value;
    else if (route.to === undefined && (option === "default" || familyOf(option))) {
      route.to = option;
      continue;
    } else throw new Unfit(`the stack has no key for ${option} of a route`);
    i++;
  }
  const to = route.to === "0.0.0.0/0" || route.to === "::/0" ? "default" : route.to;
  return fitting("virtualRoutes", { ...route, to: to ?? "" });
}

/** `[from NETWORK] [to NETWORK] table NUMBER priority NUMBER`. */
function readRule(words: string[]): NonNullable<Instance["virtualRules"]>[number] {
  const rule: Record<string, string | number> = {};
  for (let i = 0; i < words.length; i += 2) {
    const option = words[i] ?? "";
    const value = words[i + 1] ?? "";
    if (option === "from" || option === "to") rule[option] = value;
    else if (option === "table" || option === "lookup") rule.table = tableOf(value);
    else if (["priority", "preference", "order"].includes(option)) rule.priority = integerOf(value);
    else throw new Unfit(`the stack has no key for ${option} of a rule`);
  }
  return fitting("virtualRules", rule as NonNullable<Instance["virtualRules"]>[number]);
}

/** Tables by number; of names, the three that every system has. */
function tableOf(text: string): number {
  return { default: 253, main: 254, local: 255 }[text] ?? integerOf(text);
}

function fitting<Key extends "virtualRoutes" | "virtualRules">(
  key: Key,
  entry: NonNullable<Instance[Key]>[number],
): NonNullable<Instance[Key]>[number] {
  const { error } = instanceShape[key].safeParse([entry]);
  const [issue] = error?.issues ?? [];
  if (issue) throw new Unfit(`${issue.path.slice(1).join(".")}: ${issue.message}`);
  return entry;
}

const keywordOf = {
  multicastGroup: "mcast_dst_ip",
  unicastTtl: "unicast_ttl",
  checkUnicastSource: "check_unicast_src",
};

/** What depends on several of an instance's lines. */
function judge(reading: InstanceReading, scribe: Scribe): void {
  const { options, state, vmacXmitBase, authType, authPass } = reading;
  if (state && word(state) === "BACKUP") scribe.kept(state, "/directors[].priority");
  else if (state) {
    scribe.changed(
      state,
      "state BACKUP",
      "it is the state before the first advert only: the priority decides, and nopreempt needs BACKUP",
    );
  }
  if (vmacXmitBase && options.vmac && options.unicast) scribe.kept(vmacXmitBase, "vmac");
  else if (vmacXmitBase) {
    scribe.inexpressible(vmacXmitBase, "the stack sets it for unicast with a vmac, and else never");
  }
  const idle = options.unicast
    ? (["multicastGroup"] as const)
    : (["unicastTtl", "checkUnicastSource"] as const);
  for (const key of idle) {
    if (options[key] === undefined) continue;
    Reflect.deleteProperty(options, key);
    const line = reading.statement.block?.find(({ keyword }) => keyword === keywordOf[key]);
    const way = options.unicast ? "unicast" : "multicast";
    if (line) scribe.changed(line, "nothing", `with ${way} it has no effect`);
  }
  if (options.preemptDelaySeconds !== undefined && !options.preempt) {
    delete options.preemptDelaySeconds;
    const delay = reading.statement.block?.find(({ keyword }) => keyword === "preempt_delay");
    if (delay) scribe.changed(delay, "nothing", "with nopreempt it has no effect");
  }
  const version3 = options.version === 3;
  if (authType && word(authType) !== "PASS") {
    scribe.inexpressible(
      authType,
      `the stack knows PASS only, not ${word(authType)}: adverts are not signed`,
    );
    if (authPass) scribe.inexpressible(authPass, "goes with it");
  } else {
    for (const statement of [authType, authPass]) {
      if (!statement) continue;
      if (version3)
        scribe.changed(
          statement,
          "nothing",
          "VRRP version 3 has no authentication (RFC 5798): keepalived ignores it",
        );
      else scribe.kept(statement, "/vrrpAuthPass");
    }
  }
}
