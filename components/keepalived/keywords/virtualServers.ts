// virtual_server and real_server: the keyword of each key, in the order in which they are written.
import type { StackConfig } from "../../schema";
import { decimal, flag, hook, on, onOff, text, unless, whole, type Table } from "./codec";

type VirtualServer = StackConfig["virtualServers"][number];

/** Every key of a virtual server. */
export const virtualServerKeywords = {
  name: "structural",
  address: "structural",
  port: "structural",
  fwmark: "structural",
  vrrpInstance: "structural",
  delayLoopSeconds: decimal("delay_loop"),
  scheduler: text("lvs_sched", "lb_algo"),
  schedulerFlags: "structural",
  onePacketScheduling: on("ops"),
  forwarding: text("lvs_method", "lb_kind"),
  // keepalived refuses a literal 0 (2.2.7 exits with 5): no line means no persistence.
  persistenceTimeoutSeconds: unless(0, whole("persistence_timeout")),
  persistenceGranularity: "structural",
  persistenceEngine: text("persistence_engine"),
  protocol: "structural",
  traffic: "structural",
  virtualHost: text("virtualhost"),
  alpha: on("alpha"),
  omega: on("omega"),
  inhibitOnFailure: on("inhibit_on_failure"),
  quorum: unless(1, whole("quorum")),
  hysteresis: unless(0, whole("hysteresis")),
  quorumUp: hook("quorum_up"),
  quorumDown: hook("quorum_down"),
  smtpAlert: flag("smtp_alert"),
  haSuspend: on("ha_suspend"),
  otherKeywords: "structural",
  sorryServer: "structural",
  checks: "structural",
  realServers: "structural",
} as const satisfies Table<VirtualServer>;

/** Every key of a real server in a virtual server. */
export const memberKeywords = {
  name: "structural",
  port: "structural",
  weight: whole("weight"),
  forwarding: text("lvs_method"),
  inhibitOnFailure: onOff("inhibit_on_failure"),
  upperThreshold: whole("uthreshold"),
  lowerThreshold: whole("lthreshold"),
  notifyUp: hook("notify_up"),
  notifyDown: hook("notify_down"),
  otherKeywords: "structural",
  checks: "structural",
} as const satisfies Table<NonNullable<VirtualServer["realServers"]>[number]>;

/** Every key of a sorry server. */
export const sorryServerKeywords = {
  address: "structural",
  port: "structural",
  forwarding: text("sorry_server_lvs_method"),
  inhibitOnFailure: on("sorry_server_inhibit"),
} as const satisfies Table<NonNullable<VirtualServer["sorryServer"]>>;
