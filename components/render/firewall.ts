// Firewall of a host: ufw rules or an nftables table, and `notrack` for what IPVS forwards.
import { isInNetworkOf, withoutPrefix } from "../schema";
import type { DirectorSettings, Settings } from "../settings";
import { renderFiles } from "./files";

/** Port and group of IPVS's sync daemon: ipvsadm(8), include/net/ip_vs.h. */
const syncPort = 8848;

/** Something let in, in words that every back end can say. */
interface Opening {
  protocol?: "tcp" | "udp" | "vrrp";
  from?: string;
  to?: string;
  port?: number;
  interface?: string;
}

/**
 * Firewall of a director: the admitted subnets, the virtual servers' ports, VRRP and connection sync from its peers.
 * Flows to a virtual address are not tracked: a director sees half of a DR flow, and conntrack calls its FINs invalid.
 */
export function renderDirectorFirewall(settings: Settings, director: DirectorSettings): string {
  const { vrrp, virtualServers, directors } = settings;
  const peers = directors.filter(({ name }) => name !== director.name);
  return render(
    settings,
    [
      ...subnets(settings),
      ...services(virtualServers),
      ...peers.map(({ vrrpAddress }) => ({
        protocol: "vrrp" as const,
        from: withoutPrefix(vrrpAddress),
        interface: vrrp.interface,
      })),
      ...(vrrp.connectionSync
        ? peers.map(({ syncAddress }) => ({
            protocol: "udp" as const,
            from: syncAddress,
            port: syncPort,
            interface: vrrp.syncInterface,
          }))
        : []),
    ],
    services(virtualServers),
  );
}

/** Firewall of a real server: the admitted subnets, its virtual servers' ports, and the directors' checks of it. */
export function renderRealServerFirewall(
  settings: Settings,
  virtualServers: Settings["virtualServers"],
): string {
  const admitted = subnets(settings).map(({ from }) => from ?? "");
  const checkers = settings.directors
    .flatMap(({ vrrpAddress, syncAddress }) => [withoutPrefix(vrrpAddress), syncAddress])
    .filter((address) => !admitted.some((subnet) => isInNetworkOf(address, subnet)));
  const checked = [...new Set(virtualServers.map(({ check, port }) => check.port ?? port))];
  return render(
    settings,
    [
      ...subnets(settings),
      ...services(virtualServers),
      ...[...new Set(checkers)].flatMap((from) =>
        checked.map((port) => ({ protocol: "tcp" as const, from, port })),
      ),
    ],
    [],
  );
}

function subnets({ firewall }: Settings): Opening[] {
  const { allowFrom, publicSubnet } = firewall;
  return [...allowFrom, ...(publicSubnet ? [publicSubnet] : [])].map((from) => ({ from }));
}

function services(
  virtualServers: Settings["virtualServers"],
): Required<Pick<Opening, "protocol" | "to" | "port">>[] {
  return virtualServers.map(({ protocol, address, port }) => ({
    protocol: protocol === "TCP" ? "tcp" : "udp",
    to: address,
    port,
  }));
}

function render({ firewall }: Settings, openings: Opening[], untracked: Opening[]): string {
  switch (firewall.backend) {
    case "none":
      return renderFiles(nftFile(untracked));
    case "ufw":
      return renderFiles({ ufw: openings.map(ufwRule), ...nftFile(untracked) });
    case "nftables":
      return renderFiles(nftFile(untracked, openings));
  }
}

/** A rule as ufw(8) takes it after `ufw`, and as `ufw show added` prints it back. */
function ufwRule({ protocol, from, to, port, interface: device }: Opening): string {
  const words = ["allow"];
  if (device) words.push("in", "on", device);
  if (from) words.push("from", from);
  if (to || port) words.push("to", to ?? "any");
  if (port) words.push("port", String(port));
  if (protocol) words.push("proto", protocol);
  return words.join(" ");
}

/** The table `lvs_ha`, replaced in one transaction; empty when there is nothing to say. */
function nftFile(untracked: Opening[], openings?: Opening[]): Record<string, string[]> {
  if (untracked.length === 0 && openings === undefined) return {};
  return {
    "/etc/lvs-ha/firewall.nft": [
      "table inet lvs_ha",
      "delete table inet lvs_ha",
      "table inet lvs_ha {",
      ...(untracked.length > 0
        ? [
            "    chain untracked {",
            "        type filter hook prerouting priority raw; policy accept;",
            ...untracked.map((opening) => `        ${nftMatch(opening)} notrack`),
            "    }",
          ]
        : []),
      ...(openings
        ? [
            "    chain input {",
            "        type filter hook input priority filter; policy drop;",
            "        ct state established,related accept",
            '        iifname "lo" accept',
            "        meta l4proto { icmp, ipv6-icmp } accept",
            '        include "/etc/lvs-ha/ssh-clients.nft"',
            ...openings.map((opening) => `        ${nftMatch(opening)} accept`),
            "    }",
          ]
        : []),
      "}",
    ],
  };
}

function nftMatch({ protocol, from, to, port, interface: device }: Opening): string {
  const words: string[] = [];
  if (device) words.push(`iifname "${device}"`);
  if (from) words.push(`ip saddr ${from}`);
  if (to) words.push(`ip daddr ${to}`);
  if (protocol === "vrrp") words.push("meta l4proto 112");
  else if (protocol && port) words.push(`${protocol} dport ${port}`);
  return words.join(" ");
}
