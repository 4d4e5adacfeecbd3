// What keepalived does with a keyword that is repeated in a block.

/**
 * `first`: later lines are ignored. `adds`: each line adds to the earlier ones. For any other
 * keyword the last line counts.
 */
export type Repeat = "first" | "adds";

/**
 * By block, the keywords for which the last line doesn't count. keepalived 2.2.7 to 2.3.3: their
 * handlers say "already specified" or append to a list (vrrp_parser.c, global_parser.c,
 * check_parser.c, check_http.c, check_dns.c, check_bfd.c).
 */
export const repeats = {
  global_defs: {
    startup_script: "first",
    shutdown_script: "first",
    notify_fifo: "first",
    vrrp_notify_fifo: "first",
    vrrp_notify_fifo_script: "first",
    lvs_notify_fifo: "first",
    lvs_notify_fifo_script: "first",
    lvs_sync_daemon: "first",
    lvs_timeouts: "adds",
    notification_email: "adds",
  },
  vrrp_instance: {
    version: "first",
    use_vmac: "first",
    lvs_sync_daemon_interface: "first",
    notify_master: "first",
    notify_backup: "first",
    notify_fault: "first",
    notify_stop: "first",
    notify: "first",
    notify_master_rx_lower_pri: "first",
    unicast_peer: "adds",
    track_interface: "adds",
    track_script: "adds",
    track_process: "adds",
    track_file: "adds",
    track_bfd: "adds",
    virtual_ipaddress: "adds",
    virtual_ipaddress_excluded: "adds",
    virtual_routes: "adds",
    virtual_rules: "adds",
  },
  vrrp_sync_group: {
    group: "first",
    notify_master: "first",
    notify_backup: "first",
    notify_fault: "first",
    notify_stop: "first",
    notify: "first",
    track_interface: "adds",
    track_script: "adds",
    track_process: "adds",
    track_file: "adds",
    track_bfd: "adds",
  },
  vrrp_track_process: { process: "first", weight: "first" },
  virtual_server: {
    quorum_up: "first",
    quorum_down: "first",
    real_server: "adds",
  },
  real_server: { notify_up: "first", notify_down: "first" },
  DNS_CHECK: { name: "first" },
  BFD_CHECK: { name: "first" },
  url: { digest: "first", status_code: "adds", regex_options: "adds" },
} as const satisfies Record<string, Record<string, Repeat>>;

/** Synonyms of keywords, and keywords that set the same thing. */
const synonyms: Readonly<Record<string, string>> = {
  lb_algo: "lvs_sched",
  lb_kind: "lvs_method",
  nopreempt: "preempt",
  no_accept: "accept",
  mcast_src_ip: "unicast_src_ip",
  neighbour_ip: "neighbor_ip",
  hoplimit: "ttl",
  nb_get_retry: "retry",
};

/** The main name of a keyword. */
export function oneNameOf(keyword: string): string {
  return synonyms[keyword] ?? keyword;
}

/** What keepalived does with a repeated keyword in a block. */
export function repeatOf(block: string, keyword: string): Repeat | "last" {
  const table: Partial<Record<string, Readonly<Record<string, Repeat>>>> = repeats;
  return table[block]?.[oneNameOf(keyword)] ?? "last";
}
