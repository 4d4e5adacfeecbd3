// nftables: one table of our own, with openings and what IPVS needs.
import { checkedFamily } from "../schema";
import type { FirewallBackend, FirewallRules, Opening } from "./openings";
import { byPlace, portWords } from "./ports";

export const nftables: FirewallBackend = {
  packages: ["nftables"],
  render: (rules) => packetTable(rules, [...rules.openings, ...rules.peers]),
  speaks: () => true,
};

/**
 * The table `lvs_ha`, replaced in one transaction, as a file; no file when there is nothing to say. Without openings it lets in everything:
 * the host has another firewall for that, or none. What there is one for each virtual server is in sets: a packet's way is as long with a
 * thousand as with one.
 */
export function packetTable(
  { services, answers, forwarded, ipvs }: FirewallRules,
  openings?: Opening[],
): Record<string, string[]> {
  const service = lookupOf("services", services);
  const answer = lookupOf("answers", answers);
  const local = lookupOf("local", ipvs?.local ?? []);
  const marks = lookupOf("marks", ipvs?.marked ?? []);
  const forward = lookupOf("forwarded", openings ? forwarded : []);
  const newTcp = ipvs?.sloppyTcp
    ? "meta l4proto tcp"
    : "tcp flags & (fin | syn | rst | ack) == syn";
  const unserved = service.matches.flatMap((match) => [
    `${newTcp} ${match} drop`,
    `meta l4proto udp ${match} drop`,
  ]);

  const chains = [
    ...(ipvs
      ? [
          ...nftChain(
            "untracked",
            "prerouting priority raw; policy accept;",
            [...service.matches, ...answer.matches].map((match) => `${match} notrack`),
          ),
          ...nftChain(
            "marked",
            "prerouting priority mangle; policy accept;",
            marks.matches.map((match) => `meta mark set ${match}`),
          ),
          // IPVS takes what it serves at priority 99 (ip_vs_core.c).
          ...nftChain("unserved", "input priority 110; policy accept;", [
            ...local.matches.map((match) => `${match} accept`),
            ...unserved,
          ]),
        ]
      : []),
    ...(openings
      ? nftChain("input", "input priority filter; policy drop;", [
          "ct state established,related accept",
          'iifname "lo" accept',
          // By number: a host may have no /etc/protocols to look names up in.
          "meta l4proto { 1, 58 } accept",
          'include "/etc/lvs-ha/ssh-clients.nft"',
          ...[...service.matches, ...answer.matches].map((match) => `${match} accept`),
          ...openings.map((opening) => `${nftMatch(opening)} accept`),
        ])
      : []),
    // Where the stack has a director forward, it forwards for nobody else. IPVS has the answers at priority 99 and later (ip_vs_core.c),
    // so that they still come from the real servers here; conntrack, which has seen no request, calls them invalid.
    ...nftChain(
      "forward",
      "forward priority filter; policy drop;",
      forward.matches.length === 0
        ? []
        : [
            "ct state established,related accept",
            "icmp type { destination-unreachable, time-exceeded, parameter-problem } accept",
            "icmpv6 type { destination-unreachable, packet-too-big, time-exceeded, parameter-problem } accept",
            ...forward.matches.map((match) => `${match} accept`),
          ],
    ),
  ];
  if (chains.length === 0) return {};
  const sets = [
    ...(ipvs || openings ? service.sets : []),
    ...answer.sets,
    ...marks.sets,
    ...local.sets,
    ...forward.sets,
  ];
  return {
    "/etc/lvs-ha/firewall.nft": [
      "table inet lvs_ha",
      "delete table inet lvs_ha",
      "table inet lvs_ha {",
      ...[...sets, ...chains].map((line) => `    ${line}`),
      "}",
    ],
  };
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

/** Sets, and what a rule says to find a packet in each of them. */
interface Lookup {
  sets: string[];
  matches: string[];
}

/** A set for each form that the openings have: IPv4 or IPv6, and with a port or with every port. A map where they have marks. */
function lookupOf(name: string, openings: (Opening & { mark?: number })[]): Lookup {
  const sets = new Map<string, PacketSet>();
  // The kernel takes no ranges that overlap (nft_set_pipapo.c).
  for (const { opening, ports } of byPlace(openings)) {
    const { protocol, from, to, fromPort, port, mark } = opening;
    const [family, address] = nftFamily(from ?? to ?? "") === "ip" ? ["", "ipv4"] : ["6", "ipv6"];
    const ip = `ip${family}`;
    const words: [isThere: boolean, expression: string, type: string][] = [
      [from !== undefined, `${ip} saddr`, `${address}_addr`],
      [to !== undefined, `${ip} daddr`, `${address}_addr`],
      [true, "meta l4proto", "inet_proto"],
      [fromPort !== undefined, "th sport", "inet_service"],
      [port !== undefined, "th dport", "inet_service"],
    ];
    const fields = words.filter(([isThere]) => isThere);
    const setName = `${name}${family}${ports.length === 0 ? "_any_port" : ""}`;
    const set = sets.get(setName) ?? {
      expression: fields.map(([, expression]) => expression).join(" . "),
      type: fields.map(([, , type]) => type).join(" . ") + (mark === undefined ? "" : " : mark"),
      hasRanges: false,
      elements: [],
    };
    sets.set(setName, set);
    set.hasRanges ||= ports.some(({ first, last }) => first < last);
    const key = [from, to, protocol].filter((word) => word !== undefined).join(" . ");
    const value = mark === undefined ? "" : ` : ${mark}`;
    set.elements.push(
      ...(ports.length === 0
        ? [`${key}${value}`]
        : ports.map((range) => `${key} . ${portWords(range, "-")}${value}`)),
    );
  }
  const isMap = openings.some(({ mark }) => mark !== undefined);
  return {
    sets: [...sets].flatMap(([setName, { type, hasRanges, elements }]) => [
      `${isMap ? "map" : "set"} ${setName} {`,
      `    type ${type}`,
      ...(hasRanges ? ["    flags interval"] : []),
      "    elements = {",
      ...elements.map((element) => `        ${element},`),
      "    }",
      "}",
    ]),
    matches: [...sets].map(
      ([setName, { expression }]) => `${expression} ${isMap ? "map " : ""}@${setName}`,
    ),
  };
}

interface PacketSet {
  /** What a packet is looked up by. */
  expression: string;
  type: string;
  hasRanges: boolean;
  /** One a line: a service more or less is a line more or less. */
  elements: string[];
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
