// Reads vrrp_instance and vrrp_sync_group.
import {
  checkedFamily,
  familyOf,
  trackLists,
  type Family,
  type TrackList,
} from "../../../components/schema";
import {
  garpKeywords,
  groupNotifyKeywords,
  instanceKeywords,
  notifyKeywords,
  trackKeywords,
} from "../../../components/keepalived/keywords/vrrp";
import { isAdvertised } from "../../../components/render/advertised";
import { longestDelay } from "../../../components/keepalived/facts";
import { trackedIn } from "../../../components/tracking";
import { mails, smtpAlert, strict, type Globals, type Sync } from "./globals";
import {
  always,
  blockNameOf,
  cannot,
  passedOn,
  each,
  flag,
  integer,
  integerOf,
  keptName,
  keysOf,
  readBlock,
  readLines,
  readersOf,
  messageOf,
  orElse,
  secondsOf,
  within,
  word,
  type Draft,
  type Keywords,
  type Read,
} from "./keywords";
import type { Statement } from "../syntax/parse";
import { Unfit, type Scribe } from "../report";
import { fillIn, hooksOf, type Scripts } from "./scripts";
import type { TrackingReading } from "./tracking";
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

/** A VRRP instance in one director's config. */
export interface InstanceReading {
  name: string;
  statement: Statement;
  /** The instance's options in the stack's form. */
  options: Instance;
  priority: number;
  /** The director's own address, if given. */
  source?: string;
  /** The other directors' addresses, if given. */
  peers: string[];
  addresses: CarriedAddress[];
  /** Address family of the first address in the instance's adverts. */
  family?: Family;
  sync?: Sync;
  strict?: boolean;
  authType?: Statement;
  authPass?: Statement;
  /** Statements that can only be judged once the whole instance is read. */
  vmacXmitBase?: Statement;
  state?: Statement;
}

/** An address that moves with the instance. */
export interface CarriedAddress {
  /** In virtual_ipaddress_excluded, which also takes addresses of the other family. */
  excluded: boolean;
  address: string;
  prefixLength: number;
  /** Absent if it is the instance's. */
  interface?: string;
  statement: Statement;
}

/** Reads an instance and fills in keepalived's defaults. */
export function readInstance(
  statement: Statement,
  globals: Globals,
  scripts: Scripts,
  tracking: TrackingReading,
  scribe: Scribe,
): InstanceReading {
  const name = blockNameOf(word(statement));
  const here = scribe.in(`vrrp.instances[${name}]`);
  keptName(statement, name, here);
  const reading: InstanceReading = {
    name,
    statement,
    options: {},
    priority: 100,
    peers: [],
    addresses: [],
  };
  readBlock(statement, instanceReaders(scripts, globals), reading, here);
  const { options } = reading;
  const family = familyOfInstance(reading);
  options.interface ??= globals.defaultInterface;
  for (const key of ["interface", "virtualRouterId"] as const) {
    if (options[key] !== undefined) continue;
    Object.assign(options, { [key]: fillIn });
    here.fillIn(
      key,
      `keepalived takes no instance without ${instanceKeywords[key].names[0]}, and ${name} has none`,
    );
  }
  // VRRP for IPv6 is always version 3.
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
  reading.strict ??= globals.strict;
  dropIgnored(reading, tracking, here);
  judge(reading, here);
  return reading;
}

/** Removes what keepalived itself ignores with hardly a trace in its log. */
function dropIgnored(reading: InstanceReading, tracking: TrackingReading, scribe: Scribe): void {
  const { options, statement } = reading;
  const family = familyOfInstance(reading);
  reading.addresses = reading.addresses.filter(({ address, excluded, statement: line }) => {
    if (excluded || checkedFamily(address) === family) return true;
    const words = { inet: "IPv4", inet6: "IPv6" };
    scribe.leftOut(line, `the instance's first address is ${words[family]}: keepalived ignores it`);
    return false;
  });
  const own = options.trackInterfaces?.find(({ name }) => name === options.interface);
  if (own && options.trackPrimaryInterface !== false) {
    const why = "the instance's own interface is tracked anyway: keepalived ignores the line";
    scribe.leftOut(lineOf(statement, "track_interface", own.name), why);
    options.trackInterfaces = options.trackInterfaces?.filter((entry) => entry !== own);
  }
  dropUnknown(options, statement, tracking, scribe);
}

/** Removes references to tracked objects that don't exist. */
function dropUnknown(
  tracks: Tracks,
  statement: Statement,
  tracking: TrackingReading,
  scribe: Scribe,
): void {
  for (const [list, of] of Object.entries(trackedIn)) {
    const key = list as keyof typeof trackedIn;
    tracks[key] = tracks[key]?.filter(({ name }) => {
      if (tracking[of].some((known) => known.name === name)) return true;
      const why = `there is no ${definedBy[of]} ${name}: keepalived ignores it`;
      scribe.leftOut(lineOf(statement, trackKeywords[key], name), why);
      return false;
    });
    if (tracks[key] === undefined) Reflect.deleteProperty(tracks, key);
  }
}

/** The keywords of blocks that define tracked objects. */
const definedBy = {
  scripts: "vrrp_script",
  processes: "vrrp_track_process",
  files: "track_file",
  bfd: "bfd_instance",
};

/** The line in a block that names something, or else the whole statement. */
function lineOf(statement: Statement, keyword: string, name: string): Statement {
  const blocks = statement.block?.filter((inner) => inner.keyword === keyword) ?? [];
  const lines = blocks.flatMap(({ block }) => block ?? []);
  return lines.find((line) => blockNameOf(line.keyword) === blockNameOf(name)) ?? statement;
}

/** The address family of an instance's adverts. */
export function familyOfInstance({ addresses, source, peers, family }: InstanceReading): Family {
  if (family) return family;
  if (addresses.length > 0) {
    return addresses.some(({ address }) => checkedFamily(address) === "inet") ? "inet" : "inet6";
  }
  return checkedFamily(source ?? peers[0] ?? "");
}

/**
 * Reads a sync group. Returns undefined if it is invalid, or has a single instance: that instance
 * then gets the group's scripts, tracking and mail.
 */
export function readSyncGroup(
  statement: Statement,
  instances: InstanceReading[],
  { globals, scripts, tracking }: { globals: Globals; scripts: Scripts; tracking: TrackingReading },
  scribe: Scribe,
): SyncGroup | undefined {
  const name = blockNameOf(word(statement));
  const here = scribe.in(`vrrp.syncGroups[${name}]`);
  keptName(statement, name, here);
  const group: SyncGroup = readBlock(
    statement,
    syncGroupKeywords(scripts, globals, (word, line) => {
      const known = blockNameOf(word);
      if (instances.some((instance) => instance.name === known)) return [known];
      here.leftOut(line, `there is no vrrp_instance ${word}: keepalived ignores it`);
      return [];
    }),
    { name, instances: [] },
    here,
  );
  dropUnknown(group, statement, tracking, here);
  const [first, second] = group.instances ?? [];
  const only = instances.find((instance) => instance.name === first);
  if (only === undefined) {
    here.inexpressible(statement, "a group without an instance does nothing");
    return undefined;
  }
  if (second === undefined) {
    mergeInto(only, group, statement, scribe);
    return undefined;
  }
  group.smtpAlert ??= mails(globals) && (globals.smtpAlert.vrrp ?? globals.smtpAlert.all ?? false);
  return group;
}

/** Moves the settings of a sync group to its only instance. */
function mergeInto(
  { name, options }: InstanceReading,
  group: SyncGroup,
  statement: Statement,
  scribe: Scribe,
): void {
  const at = `vrrp.instances[${name}]`;
  scribe.changed(
    statement,
    `what it says, in ${at}`,
    "the stack's groups have two instances at least: with one, there is nothing to keep together",
  );
  const line = (keyword: string) =>
    statement.block?.find((inner) => inner.keyword === keyword) ?? statement;
  const own: Notify = (options.notify ??= {});
  for (const [key, call] of Object.entries(group.notify ?? {}) as [keyof GroupNotify, never][]) {
    const [keyword] = groupNotifyKeywords[key].names;
    if (own[key] === undefined) {
      own[key] = call;
      const why =
        key === "any"
          ? `the script is told INSTANCE ${name} where it was told GROUP ${String(group.name)}`
          : "the group's only instance calls it";
      scribe.changed(line(keyword), `${at}.notify.${key}`, why);
    } else {
      scribe.inexpressible(
        line(keyword),
        `the group's only instance ${name} has a ${keyword} of its own, and the stack calls one`,
      );
    }
  }
  for (const list of trackLists) {
    const entries = group[list] ?? [];
    const known = options[list] ?? [];
    const more = entries.filter((entry) => !known.some((other) => other.name === entry.name));
    if (more.length > 0) options[list] = [...known, ...more];
  }
  if (group.smtpAlert) options.smtpAlert = true;
}

/**
 * Reads `interface_up_down_delays { INTERFACE DOWN [UP] … }`; the last line of an interface counts.
 */
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

/**
 * keepalived's defaults, where the stack's differ. The version is 2 unless global_defs says
 * otherwise.
 */
const keepalivedsOwn = {
  interface: undefined,
  virtualRouterId: undefined,
  version: 2,
  advertIntervalSeconds: 1,
  preempt: true,
};
const notify = keysOf(groupNotifyShape);

function instanceReaders(scripts: Scripts, globals: Globals): Keywords<InstanceReading> {
  return {
    // Before the tables, whose entries override these: a keyword that gets a key needs no change
    // here.
    ...each(
      "use_vmac_addr use_ipvlan unicast_fault_no_peer old_unicast_checksum vrf no_virtual_ipaddress linkbeat_use_polling v3_checksum_as_v2 thread_timer_expired",
      cannot<InstanceReading>(),
    ),
    ...within<InstanceReading, Instance>(
      ({ options }) => options,
      each(
        "skip_check_adv_addr debug notify_deleted garp_extra_if vmac_garp_intvl lower_prio_no_advert owner_ignore_adverts kernel_rx_buf_size",
        passedOn<Instance>(),
      ),
    ),
    state(reading, statement) {
      reading.state = statement;
    },
    priority(reading, statement, scribe) {
      const priority = orElse(
        () => {
          const given = integer(statement);
          if (given < 1 || given > 255) throw new Unfit(`${given} is no priority (1–255)`);
          return given;
        },
        "priority",
        () => reading.priority,
      );
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
      ...readersOf(instanceShape, instanceKeywords, keepalivedsOwn),
      smtp_alert: smtpAlert(globals),
      track_src_ip(_, statement, scribe) {
        scribe.leftOut(
          statement,
          "keepalived compares the wrong bytes with the address, and so notices no loss",
        );
      },
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
      ...trackReaders,
      virtual_routes(options, statement, scribe) {
        scribe.kept(statement, "virtualRoutes");
        const routes = readLines(statement.block, scribe.in("virtualRoutes"), (words) => [
          readRoute(words),
        ]);
        options.virtualRoutes = [...(options.virtualRoutes ?? []), ...routes];
      },
      virtual_rules(options, statement, scribe) {
        scribe.kept(statement, "virtualRules");
        const rules = readLines(statement.block, scribe.in("virtualRules"), (words) => [
          readRule(words),
        ]);
        options.virtualRules = [...(options.virtualRules ?? []), ...rules];
      },
    }),
    ...within<InstanceReading, Draft<typeof garpShape>>(
      ({ options }) => (options.garp ??= {}),
      readersOf(garpShape, garpKeywords),
      "garp",
    ),
    ...within<InstanceReading, Notify>(
      ({ options }) => (options.notify ??= {}),
      { ...hooksOf(scripts, notifyKeywords), ...priorityChanges(globals) },
      "notify",
    ),
    vmac_xmit_base(reading, statement) {
      reading.vmacXmitBase = statement;
    },
    unicast_src_ip: source,
    mcast_src_ip: source,
    unicast_peer(reading, statement, scribe) {
      scribe.kept(statement, "unicast");
      const peers = readLines(
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
      reading.peers.push(...peers);
    },
    authentication(reading, statement, scribe) {
      scribe.kept(statement, "/vrrpAuthPass");
      readBlock(statement, authentication, reading, scribe);
    },
    virtual_ipaddress: addresses(false),
    virtual_ipaddress_excluded: addresses(true),
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
    strict_mode(reading, statement, scribe) {
      reading.strict = flag(statement);
      if (reading.strict) scribe.inexpressible(statement, strict);
      else scribe.kept(statement, "is always off");
    },
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

function syncGroupKeywords(
  scripts: Scripts,
  globals: Globals,
  member: (word: string, line: Statement) => string[],
): Keywords<SyncGroup> {
  return {
    group(draft, statement, scribe) {
      scribe.kept(statement, "instances");
      draft.instances = readLines(statement.block, scribe.in("instances"), (words, line) =>
        words.flatMap((word) => member(word, line)),
      );
    },
    ...trackReaders,
    ...within<SyncGroup, GroupNotify>(
      (draft) => (draft.notify ??= {}),
      { ...hooksOf(scripts, groupNotifyKeywords), ...priorityChanges(globals) },
      "notify",
    ),
    smtp_alert: smtpAlert(globals),
    global_tracking: always("is what a group does anyway"),
    sync_group_tracking_weight: cannot(),
  };
}

type Tracks = Pick<Instance, TrackList>;

const trackReaders: Keywords<Tracks> = Object.fromEntries(
  trackLists.map((list) => [trackKeywords[list], track(list)]),
);

/** Reads lines of a name with an optional `weight NUMBER [reverse]`. */
function track(key: keyof Tracks) {
  return (draft: Tracks, statement: Statement, scribe: Scribe) => {
    scribe.kept(statement, key);
    const known = draft[key] ?? [];
    draft[key] = known;
    readLines(statement.block, scribe.in(key), ([first = "", ...options], line) => {
      const name = key === "trackInterfaces" ? first : blockNameOf(first);
      const entry = { name, ...weightOf(options, line, scribe) };
      const { error } = instanceShape[key].safeParse([entry]);
      if (error) throw new Unfit(`${name}: ${error.issues[0]?.message ?? ""}`);
      if (known.some((other) => other.name === name)) {
        scribe.leftOut(line, `${name} is tracked already, and keepalived keeps that`);
      } else known.push(entry);
      return [];
    });
  };
}

/** Reads `weight NUMBER [reverse]`. */
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

function priorityChanges(globals: Globals): Keywords<GroupNotify> {
  return {
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

/** Reads lines of `ADDRESS[/PREFIX] [dev INTERFACE] …`. */
function addresses(excluded: boolean): Read<InstanceReading> {
  return (reading, statement, scribe) => {
    scribe.kept(statement, "virtualAddresses");
    const read = readLines(statement.block, scribe.in("virtualAddresses"), (words, line) => {
      const family = familyOf(words[0] ?? "");
      if (!excluded) reading.family ??= family;
      // The stack advertises one address of its own, and excludes all others from the adverts.
      return isAdvertised(words[0] ?? "") ? [] : [readAddress(words, line, excluded, scribe)];
    });
    reading.addresses.push(...read);
  };
}

function readAddress(
  words: string[],
  statement: Statement,
  excluded: boolean,
  scribe: Scribe,
): CarriedAddress {
  const [written = "", ...options] = words;
  const [address = "", prefix] = written.split("/");
  const family = familyOf(written);
  if (family === undefined) throw new Unfit(`${written} is no address`);
  const carried: CarriedAddress = {
    address,
    prefixLength: prefix === undefined ? (family === "inet" ? 32 : 128) : Number(prefix),
    excluded,
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

/**
 * Reads
 * `[src ADDRESS] [to] DESTINATION [via GATEWAY] [dev INTERFACE] [metric NUMBER] [table NUMBER]`.
 */
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

/** Reads `[from NETWORK] [to NETWORK] table NUMBER priority NUMBER`. */
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
  if (rule.priority === undefined) {
    throw new Unfit(
      "has no priority: keepalived counts its own down, and the stack's must be given",
    );
  }
  return fitting("virtualRules", rule as NonNullable<Instance["virtualRules"]>[number]);
}

/** A table's number, from a number or one of the three names that every system has. */
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

/** Settles what depends on several of an instance's lines. */
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
    const line = reading.statement.block?.find(
      ({ keyword }) => keyword === instanceKeywords[key].names[0],
    );
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
      `the stack knows PASS only, not ${word(authType)}: its adverts have no authentication`,
    );
    if (authPass) scribe.inexpressible(authPass, "goes with it");
    delete reading.authType;
    delete reading.authPass;
  } else {
    for (const statement of [authType, authPass]) {
      if (!statement) continue;
      if (reading.strict) {
        scribe.leftOut(statement, "in strict mode keepalived drops the authentication");
        delete reading.authType;
        delete reading.authPass;
      } else if (version3)
        scribe.changed(
          statement,
          "nothing",
          "VRRP version 3 has no authentication (RFC 5798): keepalived ignores it",
        );
      else scribe.kept(statement, "/vrrpAuthPass");
    }
  }
}
