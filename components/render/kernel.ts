// Modules, module options and sysctls of a host, as one text of several files.
import { checkedFamily, type Family } from "../schema";
import { sorryPart, type Settings, type VirtualServerSettings } from "../settings";
import { renderFiles } from "./files";

/**
 * The kernel files of a director.
 * Sources: Documentation/networking/ipvs-sysctl.rst, nf_conntrack-sysctl.rst; modprobe.d(5),
 * sysctl.d(5).
 */
export function renderDirectorKernel({
  kernel,
  instances,
  virtualServers,
}: Pick<Settings, "kernel" | "instances" | "virtualServers">): string {
  const members = virtualServers.flatMap(({ family, realServers }) =>
    realServers.map((member) => ({ family, ...member })),
  );
  const asksThrough = members.some(({ checks }) => checks.some(({ through }) => through));
  const forwarded = forwardedFamilies(virtualServers);
  const schedulers = [...new Set(virtualServers.map(({ scheduler }) => `ip_vs_${scheduler}`))];
  return renderFiles({
    "/etc/modules-load.d/lvs-ha.conf": ["ip_vs", ...schedulers.sort(), "nf_conntrack"],
    "/etc/modprobe.d/lvs-ha.conf": [`options ip_vs conn_tab_bits=${kernel.connTabBits}`],
    "/etc/sysctl.d/90-lvs-ha.conf": sysctlLines({
      ...(forwarded.has("inet") ? { "net.ipv4.ip_forward": "1" } : {}),
      ...(forwarded.has("inet6") ? { "net.ipv6.conf.all.forwarding": "1" } : {}),
      "net.ipv4.tcp_syncookies": "1",
      "net.ipv4.tcp_synack_retries": "2",
      // Reschedule a connection whose real server was removed, instead of silently dropping it.
      "net.ipv4.vs.expire_nodest_conn": "1",
      // Bits 1 and 2: a reused client port is a new connection, even if the director saw only one
      // side of the old one's end. Otherwise it would go to the previous real server; and
      // permanently so, even if that is drained or dead, when connection sync announced the old
      // connection while this director lacked the real server (the entry is then bound to an
      // address, not to a server).
      "net.ipv4.vs.conn_reuse_mode": "3",
      // Rebind a client that persistence has bound to a real server of weight 0, so that drained
      // real servers are left alone.
      "net.ipv4.vs.expire_quiescent_template": "1",
      ...(kernel.sloppyTcp ? { "net.ipv4.vs.sloppy_tcp": "1" } : {}),
      // The reply to a check through a virtual address comes from that address, which the active
      // director also has.
      ...(asksThrough
        ? Object.fromEntries(
            instances
              .filter(({ virtualAddresses }) =>
                virtualAddresses.some(({ address }) => checkedFamily(address) === "inet"),
              )
              .map(({ interface: device }) => [interfaceSysctl(device, "accept_local"), "1"]),
          )
        : {}),
      // With DR, connections that IPVS forwards need no conntrack entry.
      "net.ipv4.vs.conntrack": "0",
      ...conntrack(kernel.conntrackMax),
      ...("net.ipv4.vs.conn_lfactor" in kernel.directorSysctls ? {} : wholeConnectionTable),
      ...kernel.directorSysctls,
    }),
  });
}

/**
 * Keeps IPVS's connection table at its full size (conn_tab_bits) from 2^(conn_tab_bits - 8)
 * connections on. Recent kernels (7.2, but not 6.12) resize it as connections come and go; older
 * ones always have the full size, and no such sysctl.
 *
 * During a resize, look-ups find the old table's entries first. If a client reuses a port whose
 * entry is rescheduled because its real server is drained, the SYN goes to another real server but
 * later packets go to the drained one: the request is lost. Seen on 7.2.12:
 * `npm run lab -- measure resize`.
 */
const wholeConnectionTable = { "-net.ipv4.vs.conn_lfactor": "-8" };

/**
 * Families whose packets a director must forward, because the replies of real servers behind NAT go
 * through it. What IPVS itself sends, with any forwarding method, is kernel output (ip_vs_xmit.c:
 * ip_route_output_key(), ip_local_out()) and needs no forwarding. Forwarding makes a host a router
 * between its networks for everyone, so it is on only where needed.
 */
function forwardedFamilies(virtualServers: VirtualServerSettings[]): Set<Family> {
  return new Set(
    virtualServers
      .filter((service) =>
        [...service.realServers, ...sorryPart(service)].some(
          ({ forwarding }) => forwarding === "NAT",
        ),
      )
      .map(({ family }) => family),
  );
}

/**
 * The kernel files of a real server, which leaves ARP for the virtual addresses to the active
 * director.
 */
export function renderRealServerKernel({ kernel }: Pick<Settings, "kernel">): string {
  return renderFiles({
    "/etc/modules-load.d/lvs-ha.conf": ["nf_conntrack"],
    "/etc/sysctl.d/90-lvs-ha.conf": sysctlLines({
      "net.ipv4.conf.lo.arp_ignore": "1",
      "net.ipv4.conf.lo.arp_announce": "2",
      "net.ipv4.conf.all.arp_ignore": "1",
      "net.ipv4.conf.all.arp_announce": "2",
      "net.ipv4.tcp_fin_timeout": "25",
      "net.ipv4.tcp_tw_reuse": "1",
      ...conntrack(kernel.realServerConntrackMax),
      ...kernel.realServerSysctls,
    }),
  });
}

/**
 * At most four entries per hash bucket, the kernel's own ratio before 5.15; more would slow
 * look-ups. The number of buckets is a multiple of 512: the kernel rounds up to whole pages and
 * would otherwise report another number.
 */
function conntrack(max: number): Record<string, string> {
  return {
    "net.netfilter.nf_conntrack_buckets": String(Math.ceil(max / 4 / 512) * 512),
    "net.netfilter.nf_conntrack_max": String(max),
  };
}

/** sysctl.d(5): between slashes, a dot in an interface's name stays a dot. */
function interfaceSysctl(device: string, key: string): string {
  return device.includes(".") ? `net/ipv4/conf/${device}/${key}` : `net.ipv4.conf.${device}.${key}`;
}

function sysctlLines(sysctls: Record<string, string>): string[] {
  return Object.entries(sysctls).map(([name, value]) => `${name} = ${value}`);
}
