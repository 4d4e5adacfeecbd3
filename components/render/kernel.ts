// Modules, module options and sysctls of a host, as one text of several files.
import { checkedFamily, type Family } from "../schema";
import { sorryPart, type Settings, type VirtualServerSettings } from "../settings";
import { renderFiles } from "./files";

/**
 * Kernel files of a director.
 * Sources: Documentation/networking/ipvs-sysctl.rst, nf_conntrack-sysctl.rst; modprobe.d(5), sysctl.d(5).
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
      // A connection whose real server was removed is scheduled anew instead of dropped in silence.
      "net.ipv4.vs.expire_nodest_conn": "1",
      // Bits 1 and 2: a client's port that comes round is a new connection, also where the director has seen the old one end from one
      // side only. Otherwise it goes to the real server of before; and to that one for good, drained or dead, where connection sync
      // told of the old one while this director didn't have its real server (the entry is bound to an address then, not to a server).
      "net.ipv4.vs.conn_reuse_mode": "3",
      // A client whom persistence binds to a real server of weight 0 is bound to another: who is drained is left alone.
      "net.ipv4.vs.expire_quiescent_template": "1",
      ...(kernel.sloppyTcp ? { "net.ipv4.vs.sloppy_tcp": "1" } : {}),
      // The answer to a check through a virtual address comes from that address, which the active director has, too.
      ...(asksThrough
        ? Object.fromEntries(
            instances
              .filter(({ virtualAddresses }) =>
                virtualAddresses.some(({ address }) => checkedFamily(address) === "inet"),
              )
              .map(({ interface: device }) => [interfaceSysctl(device, "accept_local"), "1"]),
          )
        : {}),
      // DR needs no conntrack entry for what IPVS forwards.
      "net.ipv4.vs.conntrack": "0",
      ...conntrack(kernel.conntrackMax),
      ...("net.ipv4.vs.conn_lfactor" in kernel.directorSysctls ? {} : wholeConnectionTable),
      ...kernel.directorSysctls,
    }),
  });
}

/**
 * IPVS's connection table at its whole size (conn_tab_bits) from 2^(conn_tab_bits - 8) connections on. Recent kernels (7.2 does,
 * 6.12 doesn't) resize it as connections come and go; older ones have it whole, and no such sysctl.
 *
 * While it is resized, look-ups find the old table's entries first. Where a client's port comes round then, to an entry that is
 * scheduled anew because its real server is drained, the SYN goes to another real server and what follows to the drained one: the
 * request is lost. Seen on 7.2.12: `npm run lab -- measure resize`.
 */
const wholeConnectionTable = { "-net.ipv4.vs.conn_lfactor": "-8" };

/**
 * Families whose packets a director forwards: real servers behind NAT answer through it. What IPVS itself sends, by any forwarding
 * method, is output to the kernel (ip_vs_xmit.c: ip_route_output_key(), ip_local_out()), and needs no forwarding. A host that forwards
 * is a router between its networks for everybody.
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

/** Kernel files of a real server: ARP for the virtual address is the active director's alone. */
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
 * Four entries a hash bucket at most, the kernel's own ratio before 5.15; more makes look-ups slow.
 * The kernel rounds the buckets up to whole pages of 512 and would read back as another number.
 */
function conntrack(max: number): Record<string, string> {
  return {
    "net.netfilter.nf_conntrack_buckets": String(Math.ceil(max / 4 / 512) * 512),
    "net.netfilter.nf_conntrack_max": String(max),
  };
}

/** sysctl.d(5): with slashes, a dot in an interface's name stays one. */
function interfaceSysctl(device: string, key: string): string {
  return device.includes(".") ? `net/ipv4/conf/${device}/${key}` : `net.ipv4.conf.${device}.${key}`;
}

function sysctlLines(sysctls: Record<string, string>): string[] {
  return Object.entries(sysctls).map(([name, value]) => `${name} = ${value}`);
}
