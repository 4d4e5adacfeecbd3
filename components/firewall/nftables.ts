// nftables: one table of our own, with openings and what IPVS needs.
import { checkedFamily } from "../schema";
import type { FirewallBackend, Opening, PacketRules } from "./openings";

export const nftables: FirewallBackend = {
  packages: ["nftables"],
  render: (rules) => packetTable(rules, rules.openings),
  speaks: () => true,
};

/**
 * The table `lvs_ha`, replaced in one transaction, as a file; no file when there is nothing to say. Without openings it lets in everything:
 * the host has another firewall for that, or none.
 */
export function packetTable(
  { untracked, marked, unserved, sloppyTcp }: PacketRules,
  openings?: Opening[],
): Record<string, string[]> {
  const chains = [
    ...nftChain(
      "untracked",
      "prerouting priority raw; policy accept;",
      untracked.map((opening) => `${nftMatch(opening)} notrack`),
    ),
    ...nftChain(
      "marked",
      "prerouting priority mangle; policy accept;",
      marked.map(({ match, mark }) => `${nftMatch(match)} meta mark set ${mark}`),
    ),
    // IPVS takes what it serves at priority 99 (ip_vs_core.c).
    ...nftChain(
      "unserved",
      "input priority 110; policy accept;",
      unserved.map((opening) =>
        [
          nftMatch(opening),
          ...(opening.protocol === "tcp" && !sloppyTcp
            ? ["tcp flags & (fin | syn | rst | ack) == syn"]
            : []),
          "drop",
        ].join(" "),
      ),
    ),
    ...(openings
      ? nftChain("input", "input priority filter; policy drop;", [
          "ct state established,related accept",
          'iifname "lo" accept',
          // By number: a host may have no /etc/protocols to look names up in.
          "meta l4proto { 1, 58 } accept",
          'include "/etc/lvs-ha/ssh-clients.nft"',
          ...openings
            .filter(({ forwarded }) => !forwarded)
            .map((opening) => `${nftMatch(opening)} accept`),
        ])
      : []),
    // Where the stack has a director forward, it forwards for nobody else. IPVS has the answers at priority 99 and later (ip_vs_core.c),
    // so that they still come from the real servers here; conntrack, which has seen no request, calls them invalid.
    ...(openings
      ? nftChain(
          "forward",
          "forward priority filter; policy drop;",
          forwardRules(openings.filter(({ forwarded }) => forwarded)),
        )
      : []),
  ];
  if (chains.length === 0) return {};
  return {
    "/etc/lvs-ha/firewall.nft": [
      "table inet lvs_ha",
      "delete table inet lvs_ha",
      "table inet lvs_ha {",
      ...chains.map((line) => `    ${line}`),
      "}",
    ],
  };
}

/** What is forwarded: answers, and the errors that belong to them; no rules where nothing is. */
function forwardRules(forwarded: Opening[]): string[] {
  if (forwarded.length === 0) return [];
  return [
    "ct state established,related accept",
    "icmp type { destination-unreachable, time-exceeded, parameter-problem } accept",
    "icmpv6 type { destination-unreachable, packet-too-big, time-exceeded, parameter-problem } accept",
    ...forwarded.map((opening) => `${nftMatch(opening)} accept`),
  ];
}

function nftChain(name: string, hook: string, rules: string[]): string[] {
  if (rules.length === 0) return [];
  return [
    `chain ${name} {`,
    `    type filter hook ${hook}`,
    ...rules.map((rule) => `    ${rule}`),
    "}",
  ];
}

const nftProtocols = {
  tcp: "meta l4proto 6",
  udp: "meta l4proto 17",
  sctp: "meta l4proto 132",
  vrrp: "meta l4proto 112",
};

function nftMatch({ protocol, from, fromPort, to, port, interface: device }: Opening): string {
  const words: string[] = [];
  if (device) words.push(`iifname "${device}"`);
  if (from) words.push(`${nftFamily(from)} saddr ${from}`);
  if (to) words.push(`${nftFamily(to)} daddr ${to}`);
  if (protocol && fromPort) words.push(`${protocol} sport ${fromPort}`);
  if (protocol && port) words.push(`${protocol} dport ${port}`);
  if (protocol && !fromPort && !port) words.push(nftProtocols[protocol]);
  return words.join(" ");
}

function nftFamily(address: string): string {
  return checkedFamily(address) === "inet" ? "ip" : "ip6";
}
