// Checks `otherKeywords`: lines of keepalived.conf may not use keywords that have a key, or that
// the stack writes itself.
import { daemonKeywords, emailKeywords, paceKeywords } from "../keepalived/keywords/globals";
import { memberKeywords, virtualServerKeywords } from "../keepalived/keywords/virtualServers";
import { garpKeywords, instanceKeywords, notifyKeywords } from "../keepalived/keywords/vrrp";
import type { Entry } from "../keepalived/keywords/codec";
import { rule, type Rule } from "./rule";

type Keywords = Readonly<Record<string, Entry<never>>>;

/**
 * The keywords with a key of their own, and the path of that key: a line may not begin with one.
 */
function keysOf(...tables: [path: string, keywords: Keywords][]): Map<string, string> {
  return new Map(
    tables.flatMap(([path, keywords]) =>
      Object.entries(keywords).flatMap(([key, entry]) =>
        entry === "structural"
          ? []
          : entry.names.map((name): [string, string] => [name, `${path}${key}`]),
      ),
    ),
  );
}

/**
 * Keywords that the stack writes itself, or whose place belongs to another key: a second line would
 * override that.
 */
const written = {
  daemon: new Set([
    "router_id",
    "enable_script_security",
    "script_security",
    "vrrp_version",
    "vrrp_higher_prio_send_advert",
    "notification_email",
    "smtp_server",
    "startup_script",
    "startup_script_timeout",
    "shutdown_script",
    "shutdown_script_timeout",
    "notify_fifo",
    "notify_fifo_script",
    "vrrp_notify_fifo",
    "vrrp_notify_fifo_script",
    "lvs_notify_fifo",
    "lvs_notify_fifo_script",
    "lvs_timeouts",
    "lvs_sync_daemon",
    "lvs_flush",
    "lvs_flush_on_stop",
    "lvs_flush_onstop",
    "net_namespace",
    "net_namespace_ipvs",
    "instance",
    "use_pid_dir",
    "reload_file",
    "include",
  ]),
  instance: new Set([
    "state",
    "native_ipv6",
    "use_vmac",
    "use_ipvlan",
    "vmac_xmit_base",
    "lvs_sync_daemon_interface",
    "authentication",
    "auth_type",
    "auth_pass",
    "unicast_peer",
    "virtual_ipaddress",
    "virtual_ipaddress_excluded",
    "virtual_routes",
    "virtual_rules",
    "track_interface",
    "track_script",
    "track_process",
    "track_file",
    "track_bfd",
    "unicast_fault_no_peer",
    "include",
  ]),
  service: new Set([
    "ip_family",
    "protocol",
    "real_server",
    "sorry_server",
    "persistence_granularity",
    "sh-port",
    "sh-fallback",
    "mh-port",
    "mh-fallback",
    "fwmark",
    "include",
  ]),
  member: new Set(["include"]),
};

const keys = {
  daemon: keysOf(
    ["daemon.", daemonKeywords],
    ["email.", emailKeywords],
    ["vrrp.garp.", paceKeywords],
  ),
  instance: keysOf(["", instanceKeywords], ["garp.", garpKeywords], ["notify.", notifyKeywords]),
  service: keysOf(["", virtualServerKeywords]),
  member: keysOf(["", memberKeywords]),
};

function breaches(
  kind: keyof typeof keys,
  at: string,
  lines: readonly string[] | undefined,
): string[] {
  return (lines ?? []).flatMap((line, i) => {
    const [keyword = ""] = line.split(" ");
    const place = `${at}.otherKeywords[${i}]: "${line}"`;
    const key = keys[kind].get(keyword);
    if (key !== undefined) return [`${place}: ${keyword} has a key, ${key}`];
    if (!written[kind].has(keyword)) return [];
    return [
      `${place}: ${keyword} is for the stack to say; what this takes are keywords that it has no key for`,
    ];
  });
}

/** Rules about `otherKeywords`. */
export const keywordRules: Rule[] = [
  rule({
    needs: ["daemon"],
    find: ({ daemon }) => breaches("daemon", "daemon", daemon.otherKeywords),
  }),
  rule({
    needs: ["vrrp"],
    find: ({ vrrp }) => [
      ...breaches("instance", "vrrp", vrrp.otherKeywords),
      ...(vrrp.instances ?? []).flatMap(({ otherKeywords }, i) =>
        breaches("instance", `vrrp.instances[${i}]`, otherKeywords),
      ),
    ],
  }),
  rule({
    needs: ["virtualServers"],
    find: ({ virtualServers }) =>
      virtualServers.flatMap(({ otherKeywords, realServers }, i) => [
        ...breaches("service", `virtualServers[${i}]`, otherKeywords),
        ...(realServers ?? []).flatMap((member, j) =>
          breaches("member", `virtualServers[${i}].realServers[${j}]`, member.otherKeywords),
        ),
      ]),
  }),
];
