// What a host's firewall lets in, and what IPVS needs of the packet filter, as data: a back end says it in its own words.
import { asksPort, checkers } from "../keepalived/checkers";
import { vrrpGroups } from "../keepalived/facts";
import { canonical, checkedFamily, isInNetworkOf, withoutPrefix } from "../schema";
import {
  ownAddressFor,
  partsOf,
  sorryPart,
  sourcesOf,
  type DirectorSettings,
  type Flow,
  type HostSettings,
  type InstanceSettings,
  type Settings,
  type VirtualServerSettings,
} from "../settings";

/** UDP ports of BFD, one hop and several: RFC 5881, RFC 5883. */
const bfdPorts = { single: 3784, multihop: 4784 };

/** Where the kernel's connection sync goes unless it is told otherwise: include/uapi/linux/ip_vs.h. */
const syncGroup = "224.0.0.81";

/** What a host sends from to a group of the link: RFC 4291, 2.5.6. */
const linkLocal = "fe80::/10";

/** Where prometheus-node-exporter listens unless its ARGS say otherwise. */
const nodeExporterPort = 9100;

/** Something let in, in words that every back end can say. */
export interface Opening {
  /** All where it is left out. */
  protocol?: "tcp" | "udp" | "sctp" | "vrrp";
  from?: string;
  fromPort?: number;
  to?: string;
  /** A port, or a range of ports: 8000-8099. */
  port?: number | string;
  interface?: string;
}

/**
 * What a back end is asked for. Of what there is one for each virtual server or real server, none has an interface, and each has a
 * protocol and an address.
 */
export interface FirewallRules {
  /** Who may log in by SSH, as addresses or subnets; whoever brings a change may, besides. */
  logins: string[];
  /** Hosts that are let in, and what they may ask. */
  openings: Opening[];
  /** What other directors and BFD's neighbours send. */
  peers: Opening[];
  /** Virtual servers' flows. */
  services: Opening[];
  /** What real servers answer to checks through a virtual address. */
  answers: Opening[];
  /** What real servers behind NAT answer, through the director. */
  forwarded: Opening[];
  /** What IPVS needs of the packet filter, whichever firewall the host has; of a director alone. */
  ipvs?: PacketRules;
}

/** Conntrack leaves services and answers alone; and this is for IPVS, too. */
export interface PacketRules {
  /** Traffic of fwmark services. */
  marked: (Opening & { mark: number })[];
  /**
   * Services that the director may serve itself. Of all others, but for SCTP, new connections that IPVS has not taken are left
   * unanswered.
   */
  local: Opening[];
  /** And so are all packets of TCP: with sloppy_tcp, IPVS takes those of connections that it doesn't know, too. */
  sloppyTcp: boolean;
}

/** A firewall that a host can have. */
export interface FirewallBackend {
  /** Packages that it needs. */
  packages: string[];
  /** What firewall.sh is given: files by their path, and the back end's own lines under its name. */
  render: (rules: FirewallRules) => Record<string, string[]>;
  /** Whether it can let in a virtual server's protocol. */
  speaks: (protocol: Flow["protocol"]) => boolean;
}

/**
 * What a director's firewall lets in: the admitted subnets, the virtual servers' ports, VRRP, connection sync and BFD from its peers, the answers
 * to its checks through a virtual address, and the answers of real servers behind NAT.
 * Flows to a virtual address are not tracked: a director sees half of a DR flow, and conntrack calls its FINs invalid.
 * keepalived has a virtual address for some milliseconds without its services, or the other way round, when it starts and when it ends.
 * A client whom the kernel refuses then has failed; one who gets no answer asks again after a second. Packets of a connection that IPVS
 * doesn't know are refused without sloppy_tcp, so that its client learns that it is lost.
 */
export function directorRules(settings: Settings, director: DirectorSettings): FirewallRules {
  const { instances, virtualServers } = settings;
  const answers = unique(
    virtualServers.flatMap((service) => {
      const own = ownAddressFor(service, instances, director);
      return service.realServers.flatMap(({ checks }) =>
        checks.flatMap(({ check, port, through }): Opening[] =>
          through && own && asksPort(check)
            ? [
                {
                  protocol: checkers[check.type].transport,
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
  const admitted = unique([...subnets(settings), ...sshOpenings(settings, director)]);
  return {
    logins: sourcesIn(admitted),
    openings: unique([...admitted, ...metricsOpenings(settings)]),
    peers: unique([
      ...instances.flatMap((instance) => vrrpOpenings(instance, director)),
      ...syncOpenings(settings, director),
      ...bfdOpenings(settings, director),
    ]),
    services: unique(virtualServers.flatMap(({ flows }) => flows.flatMap(flowOpenings))),
    answers,
    forwarded: unique(virtualServers.flatMap(natAnswers)),
    ipvs: {
      marked: unique(
        virtualServers.flatMap(({ fwmark, flows }) =>
          fwmark === undefined
            ? []
            : flows.flatMap((flow) =>
                flowOpenings(flow).map((opening) => ({ ...opening, mark: fwmark })),
              ),
        ),
      ),
      local: unique(
        virtualServers
          .filter((service) => isServedByDirectors(service))
          .flatMap(({ flows }) => flows.flatMap(flowOpenings)),
      ),
      sloppyTcp: settings.kernel.sloppyTcp,
    },
  };
}

/** Whether a director may be one of its servers: IPVS leaves such connections to the kernel then. A rule refuses its other addresses. */
function isServedByDirectors(service: VirtualServerSettings): boolean {
  return [...service.realServers, ...sorryPart(service)].some(
    ({ address }) => canonical(address) === "::1" || address.startsWith("127."),
  );
}

/**
 * What a real server's firewall lets in: the admitted subnets, the directors, and its virtual servers' ports. Directors may ask for anything: what
 * they check, and how, changes after the real servers have, and a check that is refused meanwhile takes all of them out.
 */
export function realServerRules(settings: Settings, name: string): FirewallRules {
  const subnetsHere = subnets(settings);
  const directors = settings.directors
    .flatMap((director) => sourcesOf(settings, director))
    .filter((from) => !sourcesIn(subnetsHere).some((subnet) => isInNetworkOf(from, subnet)))
    .map((from) => ({ from }));
  const { host } = settings.realServers.find((one) => one.name === name) ?? {};
  const ssh = host ? sshOpenings(settings, host) : [];
  return {
    logins: sourcesIn(unique([...subnetsHere, ...ssh, ...directors])),
    openings: unique([...subnetsHere, ...ssh, ...metricsOpenings(settings), ...directors]),
    peers: [],
    services: unique(
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
    answers: [],
    forwarded: [],
  };
}

function subnets({ firewall }: Settings): Opening[] {
  const { allowFrom, publicSubnet } = firewall;
  return [...allowFrom, ...(publicSubnet ? [publicSubnet] : [])].map((from) => ({ from }));
}

function sourcesIn(openings: Opening[]): string[] {
  return openings.flatMap(({ from }) => from ?? []);
}

function sshOpenings({ firewall }: Settings, { port }: HostSettings): Opening[] {
  return firewall.sshFrom.map((from) => ({ protocol: "tcp", from, port }));
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

function lower(protocol: Flow["protocol"]): "tcp" | "udp" | "sctp" {
  return protocol.toLowerCase() as "tcp" | "udp" | "sctp";
}

/**
 * Openings that differ, in their order: two services may share a port. Addresses are spelled in the one way that every program reads: nft
 * takes few of IPv6's that end as IPv4's do (scanner.l).
 */
function unique<T extends Opening>(openings: T[]): T[] {
  const plain = openings.map((opening) => ({
    ...opening,
    ...(opening.from === undefined ? {} : { from: plainAddress(opening.from) }),
    ...(opening.to === undefined ? {} : { to: plainAddress(opening.to) }),
  }));
  return [...new Map(plain.map((opening) => [JSON.stringify(opening), opening])).values()];
}

function plainAddress(written: string): string {
  const [address = "", length] = written.split("/");
  return canonical(address) + (length === undefined ? "" : `/${length}`);
}
