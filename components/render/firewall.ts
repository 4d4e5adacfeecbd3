// Firewall of a host: ufw rules or an nftables table; `notrack` for what IPVS forwards, marks for fwmark services.
import { canonical, checkedFamily, isInNetworkOf, withoutPrefix } from "../schema";
import {
  ownAddressFor,
  partsOf,
  sorryPart,
  sourcesOf,
  type DirectorSettings,
  type Flow,
  type InstanceSettings,
  type Settings,
  type VirtualServerSettings,
} from "../settings";
import { vrrpGroups } from "../keepalived/facts";
import { renderFiles } from "./files";

/** UDP ports of BFD, one hop and several: RFC 5881, RFC 5883. */
const bfdPorts = { single: 3784, multihop: 4784 };

/** Where the kernel's connection sync goes unless it is told otherwise: include/uapi/linux/ip_vs.h. */
const syncGroup = "224.0.0.81";

/** What a host sends from to a group of the link: RFC 4291, 2.5.6. */
const linkLocal = "fe80::/10";

/** Where prometheus-node-exporter listens unless its ARGS say otherwise. */
const nodeExporterPort = 9100;

/** Something let in, in words that every back end can say. */
interface Opening {
  /** All where it is left out. */
  protocol?: "tcp" | "udp" | "sctp" | "vrrp";
  from?: string;
  fromPort?: number;
  to?: string;
  /** A port, or a range of ports: 8000-8099. */
  port?: number | string;
  interface?: string;
  /** It is let pass to other hosts rather than in. */
  forwarded?: boolean;
}

/** What a back end is asked for. */
interface Rules {
  openings: Opening[];
  untracked: Opening[];
  marked: { match: Opening; mark: number }[];
  /** New connections to these that IPVS has not taken are left unanswered. */
  unserved: Opening[];
  /** And so are all packets of TCP: with sloppy_tcp, IPVS takes those of connections that it doesn't know, too. */
  sloppyTcp: boolean;
}

/**
 * Firewall of a director: the admitted subnets, the virtual servers' ports, VRRP, connection sync and BFD from its peers, the answers
 * to its checks through a virtual address, and the answers of real servers behind NAT.
 * Flows to a virtual address are not tracked: a director sees half of a DR flow, and conntrack calls its FINs invalid.
 * keepalived has a virtual address for some milliseconds without its services, or the other way round, when it starts and when it ends.
 * A client whom the kernel refuses then has failed; one who gets no answer asks again after a second. Packets of a connection that IPVS
 * doesn't know are refused without sloppy_tcp, so that its client learns that it is lost.
 */
export function renderDirectorFirewall(settings: Settings, director: DirectorSettings): string {
  const { instances, virtualServers } = settings;
  const services = unique(virtualServers.flatMap(({ flows }) => flows.flatMap(flowOpenings)));
  const answers = unique(
    virtualServers.flatMap((service) => {
      const own = ownAddressFor(service, instances, director);
      return service.realServers.flatMap(({ checks }) =>
        checks.flatMap(({ check, port, through }): Opening[] =>
          through && own
            ? [
                {
                  protocol: check.type === "udp" || check.type === "dns" ? "udp" : "tcp",
                  from: through.virtualAddress,
                  fromPort: port,
                  to: withoutPrefix(own),
                },
              ]
            : [],
        ),
      );
    }),
  );
  return render(settings, {
    openings: [
      ...subnets(settings),
      ...metricsOpenings(settings),
      ...services,
      ...unique(instances.flatMap((instance) => vrrpOpenings(instance, director))),
      ...unique(syncOpenings(settings, director)),
      ...bfdOpenings(settings, director),
      ...answers,
      ...unique(virtualServers.flatMap(natAnswers)),
    ],
    untracked: [...services, ...answers],
    marked: virtualServers.flatMap(({ fwmark, flows }) =>
      fwmark === undefined
        ? []
        : flows.flatMap((flow) => flowOpenings(flow).map((match) => ({ match, mark: fwmark }))),
    ),
    unserved: unique(
      virtualServers
        .filter((service) => !isServedByDirectors(service))
        .flatMap(({ flows }) => flows.flatMap(flowOpenings))
        .filter(({ protocol }) => protocol === "tcp" || protocol === "udp"),
    ),
    sloppyTcp: settings.kernel.sloppyTcp,
  });
}

/** Whether a director may be one of its servers: IPVS leaves such connections to the kernel then. A rule refuses its other addresses. */
function isServedByDirectors(service: VirtualServerSettings): boolean {
  return [...service.realServers, ...sorryPart(service)].some(
    ({ address }) => canonical(address) === "::1" || address.startsWith("127."),
  );
}

/**
 * Firewall of a real server: the admitted subnets, the directors, and its virtual servers' ports. Directors may ask for anything: what
 * they check, and how, changes after the real servers have, and a check that is refused meanwhile takes all of them out.
 */
export function renderRealServerFirewall(settings: Settings, name: string): string {
  const admitted = subnets(settings).map(({ from }) => from ?? "");
  return render(settings, {
    openings: [
      ...subnets(settings),
      ...metricsOpenings(settings),
      ...unique(
        settings.directors
          .flatMap((director) => sourcesOf(settings, director))
          .filter((from) => !admitted.some((subnet) => isInNetworkOf(from, subnet)))
          .map((from) => ({ from })),
      ),
      ...unique(
        partsOf(settings, name).flatMap(({ service, part }) =>
          part.forwarding === "NAT"
            ? service.flows.flatMap((flow) =>
                flowOpenings({
                  ...flow,
                  address: part.address,
                  ports: part.port === 0 ? flow.ports : [part.port],
                }),
              )
            : service.flows.flatMap(flowOpenings),
        ),
      ),
    ],
    untracked: [],
    marked: [],
    unserved: [],
    sloppyTcp: false,
  });
}

function subnets({ firewall }: Settings): Opening[] {
  const { allowFrom, publicSubnet } = firewall;
  return [...allowFrom, ...(publicSubnet ? [publicSubnet] : [])].map((from) => ({ from }));
}

function metricsOpenings({ metrics }: Settings): Opening[] {
  if (!metrics.enabled) return [];
  return metrics.allowFrom.map((from) => ({ protocol: "tcp", from, port: nodeExporterPort }));
}

function flowOpenings({ address, protocol, ports }: Flow): Opening[] {
  const to = { protocol: lower(protocol), to: address };
  return ports ? ports.map((port) => ({ ...to, port })) : [to];
}

/** What real servers behind NAT answer passes through the director; ports that a client chose are not known here. */
function natAnswers(service: Settings["virtualServers"][number]): Opening[] {
  return [...service.realServers, ...sorryPart(service)]
    .filter(({ forwarding }) => forwarding === "NAT")
    .flatMap(({ address, port }) =>
      service.flows.map(({ protocol }) => ({
        protocol: lower(protocol),
        from: address,
        ...(port === 0 ? {} : { fromPort: port }),
        forwarded: true,
      })),
    );
}

/** Adverts of the other directors. */
function vrrpOpenings(
  { members, family, unicast, multicastGroup, vmac, interface: device }: InstanceSettings,
  director: DirectorSettings,
): Opening[] {
  const group = multicastGroup === undefined ? vrrpGroups[family] : canonical(multicastGroup);
  return members.flatMap(({ name, address }): Opening[] => {
    if (name === director.name) return [];
    // Multicast over IPv6 comes from the interface's link-local address (2.2.7: keepalived_netlink.c passes over all others); over
    // IPv4 from the address that the interface has, where the config knows none.
    const from =
      !unicast && family === "inet6"
        ? { from: linkLocal, to: group }
        : address === undefined
          ? { to: group }
          : { from: withoutPrefix(address) };
    // With use_vmac, multicast comes in by the VMAC's interface (keepalived.conf(5), vmac_xmit_base). Its name is not always the
    // config's: keepalived finds one that is free, or takes over a VMAC that is there (vrrp_complete_instance() in vrrp.c).
    return [{ protocol: "vrrp", ...from, ...(vmac && !unicast ? {} : { interface: device }) }];
  });
}

/** Connections that the other directors tell. */
function syncOpenings(
  { vrrp, kernel, directors }: Settings,
  director: DirectorSettings,
): Opening[] {
  if (!vrrp.connectionSync) return [];
  const { port, group = syncGroup } = vrrp.syncDaemon;
  // A thread and a port each, from the first port on: Documentation/networking/ipvs-sysctl.rst.
  const ports = Number(kernel.directorSysctls["net.ipv4.vs.sync_ports"] ?? 1);
  const isOfLink = /^ff.2:/i.test(group);
  return directors.flatMap(({ name, syncAddress }): Opening[] =>
    name === director.name
      ? []
      : [
          {
            protocol: "udp",
            // The kernel takes an address of the interface that goes with the group (make_send_sock() in ip_vs_sync.c).
            ...(isOfLink
              ? { from: linkLocal, to: group }
              : checkedFamily(syncAddress) === checkedFamily(group)
                ? { from: syncAddress }
                : { to: group }),
            port: ports > 1 ? `${port}-${port + ports - 1}` : port,
            interface: vrrp.syncInterface,
          },
        ],
  );
}

function bfdOpenings({ tracking }: Settings, director: DirectorSettings): Opening[] {
  return tracking.bfd.flatMap(({ neighbor, multihop }) => {
    const from = typeof neighbor === "string" ? neighbor : neighbor[director.name];
    if (from === undefined) return [];
    return [
      {
        protocol: "udp",
        from: canonical(from),
        port: multihop ? bfdPorts.multihop : bfdPorts.single,
      },
    ];
  });
}

function render({ firewall }: Settings, rules: Rules): string {
  switch (firewall.backend) {
    case "none":
      return renderFiles(nftFile({ ...rules, openings: undefined }));
    case "ufw":
      return renderFiles({
        ufw: rules.openings.map(ufwRule),
        ...nftFile({ ...rules, openings: undefined }),
      });
    case "nftables":
      return renderFiles(nftFile(rules));
  }
}

/** A rule as ufw(8) takes it after `ufw`, and as `ufw show added` prints it back. */
function ufwRule(opening: Opening): string {
  const { protocol, from, fromPort, to, port, interface: device, forwarded } = opening;
  const words = [...(forwarded ? ["route"] : []), "allow"];
  if (device) words.push("in", "on", device);
  if (from || fromPort) words.push("from", from ? ufwAddress(from) : "any");
  if (fromPort) words.push("port", String(fromPort));
  if (to || port) words.push("to", to ? ufwAddress(to) : "any");
  if (port) words.push("port", String(port).replace("-", ":"));
  if (protocol && ufwKnows(protocol, from ?? to ?? "")) words.push("proto", protocol);
  return words.join(" ");
}

/** The spelling that ufw gives an address or a subnet, whatever it was told: 192.0.2.1/32 is 192.0.2.1. */
function ufwAddress(written: string): string {
  const [address = "", length] = written.split("/");
  const whole = checkedFamily(address) === "inet" ? "32" : "128";
  return length === undefined || length === whole
    ? canonical(address)
    : `${canonical(address)}/${length}`;
}

/** ufw has no word for VRRP over IPv6: all that the source sends there is let in then. SCTP with ufw is no config. */
function ufwKnows(protocol: NonNullable<Opening["protocol"]>, address: string): boolean {
  if (protocol === "vrrp") return checkedFamily(address) === "inet";
  return protocol === "tcp" || protocol === "udp";
}

/** The table `lvs_ha`, replaced in one transaction; empty when there is nothing to say. */
function nftFile({
  openings,
  untracked,
  marked,
  unserved,
  sloppyTcp,
}: Omit<Rules, "openings"> & { openings?: Opening[] }): Record<string, string[]> {
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

function lower(protocol: Flow["protocol"]): "tcp" | "udp" | "sctp" {
  return protocol.toLowerCase() as "tcp" | "udp" | "sctp";
}

/** Openings that differ, in their order: two services may share a port. */
function unique(openings: Opening[]): Opening[] {
  return [...new Map(openings.map((opening) => [JSON.stringify(opening), opening])).values()];
}
