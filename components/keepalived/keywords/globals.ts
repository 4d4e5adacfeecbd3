// global_defs: the keyword of each key, in the order in which they are written.
import type { StackConfig } from "../../schema";
import { decimal, flag, integerOf, list, off, text, unless, whole, type Table } from "./codec";

type Daemon = StackConfig["daemon"];

/** Script users, script calls and notification FIFOs. */
export const scriptKeywords = {
  scriptUser: text("script_user"),
  startupScript: "structural",
  shutdownScript: "structural",
  notifyFifo: "structural",
  vrrpNotifyFifo: "structural",
  lvsNotifyFifo: "structural",
  realServerInitNotifies: flag("rs_init_notifies"),
} as const;

/** How keepalived's processes run. */
export const processKeywords = {
  startupDelaySeconds: decimal("vrrp_startup_delay"),
  vrrpPriority: whole("vrrp_priority"),
  checkerPriority: whole("checker_priority"),
  vrrpRealtimePriority: whole("vrrp_rt_priority"),
  checkerRealtimePriority: whole("checker_rt_priority"),
  vrrpCpuAffinity: list("vrrp_cpu_affinity", integerOf),
  checkerCpuAffinity: list("checker_cpu_affinity", integerOf),
  noSwap: {
    names: ["vrrp_no_swap", "checker_no_swap"],
    write: (value: boolean) => (value ? ["vrrp_no_swap", "checker_no_swap"] : []),
    read: () => true,
    words: 0,
  },
  ipvsTimeouts: "structural",
  otherKeywords: "structural",
} as const;

/** Every key of `daemon`. */
export const daemonKeywords = {
  ...scriptKeywords,
  ...processKeywords,
} satisfies Table<Daemon>;

/** Every key of `email`. */
export const emailKeywords = {
  to: "structural",
  from: text("notification_email_from"),
  smtpServer: "structural",
  smtpPort: "structural",
  heloName: text("smtp_helo_name"),
  connectTimeoutSeconds: whole("smtp_connect_timeout"),
  faults: off("no_email_faults"),
} as const satisfies Table<NonNullable<StackConfig["email"]>>;

/** Options of `lvs_timeouts`. */
export const timeoutOptions = {
  tcpSeconds: whole("tcp"),
  tcpFinSeconds: whole("tcpfin"),
  udpSeconds: whole("udp"),
} satisfies Table<Daemon["ipvsTimeouts"]>;

/** Options of `lvs_sync_daemon` after its interface. */
export const syncOptions = {
  id: whole("id"),
  maxLength: whole("maxlen"),
  port: unless(8848, whole("port")),
  ttl: whole("ttl"),
  group: text("group"),
} satisfies Table<StackConfig["vrrp"]["syncDaemon"]>;

/** How fast gratuitous ARPs and neighbour advertisements are sent. */
export const paceKeywords = {
  intervalSeconds: decimal("vrrp_garp_interval"),
  naIntervalSeconds: decimal("vrrp_gna_interval"),
} satisfies Partial<Table<StackConfig["vrrp"]["garp"]>>;
