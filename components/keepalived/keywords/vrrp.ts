// vrrp_instance and vrrp_sync_group: the keyword of each key, in the order in which they are
// written.
import type { StackConfig, TrackList } from "../../schema";
import type { Codec, Table } from "./codec";
import { decimal, flag, hook, off, on, onOff, text, whole } from "./codec";

type Vrrp = StackConfig["vrrp"];
type Instance = NonNullable<Vrrp["instances"]>[number];
type Notify = NonNullable<Vrrp["notify"]>;
type Group = Vrrp["syncGroups"][number];

/** Settings that directors compare in each other's adverts. */
export const heardKeywords = {
  interface: text("interface"),
  virtualRouterId: whole("virtual_router_id"),
  version: whole("version"),
  advertIntervalSeconds: decimal("advert_int"),
  /** The director's own address. */
  unicastSource: text("unicast_src_ip"),
  multicastSource: text("mcast_src_ip"),
  multicastGroup: text("mcast_dst_ip"),
};

const preempt: Codec<boolean> = {
  ...off("nopreempt", "preempt"),
  read: (_, keyword) => keyword === "preempt",
};

const accept: Codec<boolean> = {
  ...on("accept", "no_accept"),
  write: (value) => [value ? "accept" : "no_accept"],
  read: (_, keyword) => keyword === "accept",
};

/** Every key of an instance's `garp`. */
export const garpKeywords = {
  masterDelaySeconds: whole("garp_master_delay"),
  masterRepeat: whole("garp_master_repeat"),
  masterRefreshSeconds: whole("garp_master_refresh"),
  masterRefreshRepeat: whole("garp_master_refresh_repeat"),
  lowerPrioDelaySeconds: whole("garp_lower_prio_delay"),
  lowerPrioRepeat: whole("garp_lower_prio_repeat"),
} satisfies Table<NonNullable<Instance["garp"]>>;

/** An instance's other settings. */
export const ownKeywords = {
  name: "structural",
  directors: "structural",
  /** The director's own priority. */
  priority: whole("priority"),
  downTimerAdverts: whole("down_timer_adverts"),
  preempt,
  preemptDelaySeconds: decimal("preempt_delay"),
  /** The highest priority of the other directors. */
  timerExpiredBackup: whole("timer_expired_backup"),
  vmac: "structural",
  trackPrimaryInterface: off("dont_track_primary"),
  accept,
  promoteSecondaries: on("promote_secondaries"),
  smtpAlert: flag("smtp_alert"),
  garp: "structural",
  unicast: "structural",
  unicastTtl: whole("unicast_ttl"),
  checkUnicastSource: on("check_unicast_src"),
  trackInterfaces: "structural",
  trackScripts: "structural",
  trackProcesses: "structural",
  trackFiles: "structural",
  trackBfd: "structural",
  virtualAddresses: "structural",
  virtualRoutes: "structural",
  virtualRules: "structural",
  notify: "structural",
  otherKeywords: "structural",
} as const;

/** Every key of an instance. */
export const instanceKeywords = { ...heardKeywords, ...ownKeywords } satisfies Table<
  Instance & {
    unicastSource: string;
    multicastSource: string;
    priority: number;
    timerExpiredBackup: number;
  }
>;

/** Every key of an instance's `notify`. */
export const notifyKeywords = {
  master: hook("notify_master"),
  backup: hook("notify_backup"),
  fault: hook("notify_fault"),
  stop: hook("notify_stop"),
  any: hook("notify"),
  masterRxLowerPri: hook("notify_master_rx_lower_pri"),
  priorityChanges: onOff("notify_priority_changes"),
} satisfies Table<Notify>;

/** Every key of a sync group's `notify`; a group isn't told of other directors' priorities. */
export const groupNotifyKeywords = withoutKey(notifyKeywords, "masterRxLowerPri") satisfies Table<
  NonNullable<Group["notify"]>
>;

/** The block keyword of each list that an instance or a group tracks. */
export const trackKeywords: Record<TrackList, string> = {
  trackInterfaces: "track_interface",
  trackScripts: "track_script",
  trackProcesses: "track_process",
  trackFiles: "track_file",
  trackBfd: "track_bfd",
};

/** Every key of a sync group. */
export const groupKeywords = {
  name: "structural",
  instances: "structural",
  trackInterfaces: "structural",
  trackScripts: "structural",
  trackProcesses: "structural",
  trackFiles: "structural",
  trackBfd: "structural",
  notify: "structural",
  smtpAlert: flag("smtp_alert"),
} as const satisfies Table<Group>;

function withoutKey<T extends object, Key extends keyof T>(table: T, key: Key): Omit<T, Key> {
  return Object.fromEntries(Object.entries(table).filter(([name]) => name !== key)) as Omit<T, Key>;
}
