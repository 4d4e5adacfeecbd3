// The components' input: the stack config with every default filled in and every name resolved.
import { asksPort, checkers } from "./keepalived/checkers";
import {
  canonical,
  checkedFamily,
  forwardings,
  instanceKeys,
  isAddress,
  isInNetworkOf,
  isLinkLocal,
  isLoopback,
  withoutPrefix,
  type Check,
  type Family,
  type InstanceKey,
  type StackConfig,
} from "./schema";

/** A host reached over SSH. */
export interface HostSettings {
  /** Name in the stack config. */
  name: string;
  /** Address or name that SSH connects to. */
  host: string;
  /** The pinned public host key. */
  hostKey: string;
  os: StackConfig["os"];
  user: string;
  /** SSH port. */
  port: number;
}

/** A director. */
export interface DirectorSettings extends HostSettings {
  /** Address on the VRRP interface, with its prefix. */
  vrrpAddress: string;
  /** Additional IPv6 address there, if `vrrpAddress` is IPv4. */
  vrrpAddress6?: string;
  /** Address on the sync interface. */
  syncAddress: string;
  priority: number;
  /** The package version to install. @default whichever version is installed */
  keepalivedVersion?: string;
  /** The director's keepalived is stopped. */
  inMaintenance: boolean;
}

/** A real server. */
export interface RealServerSettings {
  name: string;
  /** The addresses that directors forward to, by family. */
  addresses: Partial<Record<Family, string>>;
  /** The login; absent if the stack doesn't manage the real server. */
  host?: HostSettings;
  /** The real server gets no new connections. */
  inMaintenance: boolean;
}

/** An address that moves with a VRRP instance. */
export interface VirtualAddress {
  address: string;
  /** 32 or 128 unless the config says otherwise. */
  prefixLength: number;
  interface: string;
}

/** A VRRP instance, with `vrrp`'s settings filled in. */
export interface InstanceSettings extends Pick<
  StackConfig["vrrp"],
  Exclude<InstanceKey, "virtualAddresses">
> {
  name: string;
  virtualRouterId: number;
  /** Address family of its adverts: IPv6 if it carries no IPv4 address. */
  family: Family;
  virtualAddresses: VirtualAddress[];
  /**
   * Each director's part. `address` has its prefix; absent if the director has none of that family.
   */
  members: { name: string; priority: number; address?: string }[];
}

/** Traffic of a virtual server's clients; without `ports`, on every port. */
export interface Flow {
  address: string;
  protocol: "TCP" | "UDP" | "SCTP";
  ports?: (number | string)[];
}

type VirtualServerConfig = StackConfig["virtualServers"][number];
type ObjectMember = NonNullable<VirtualServerConfig["realServers"]>[number];

/** A real server in a virtual server's pool. */
export interface MemberSettings extends Omit<ObjectMember, "checks"> {
  address: string;
  /** 0 in a fwmark service: the port that the client asked for. */
  port: number;
  weight: number;
  forwarding: VirtualServerConfig["forwarding"];
  inhibitOnFailure: boolean;
  checks: CheckSettings[];
}

/** A check and its target. */
export interface CheckSettings {
  check: Check;
  /** The port to check, if the check connects. */
  port?: number;
  /** Set if the check asks the virtual address at the real server. */
  through?: Through;
}

/**
 * How a check reaches a virtual address at one real server: a fwmark service for that real server
 * alone.
 */
export interface Through {
  virtualAddress: string;
  mark: number;
  realServer: string;
  realAddress: string;
  forwarding: VirtualServerConfig["forwarding"];
}

/** Keys that a virtual server's settings have in another form, or not at all. */
const resolvedKeys = [
  ...(["address", "port", "protocol", "fwmark", "traffic"] as const),
  ...(["realServers", "sorryServer", "checks", "vrrpInstance"] as const),
];

interface ServiceSettings extends Omit<VirtualServerConfig, (typeof resolvedKeys)[number]> {
  family: Family;
  vrrpInstance: string;
  /** What clients send to; a single flow unless it is a fwmark service. */
  flows: Flow[];
  realServers: MemberSettings[];
  sorryServer?: SorryServerSettings;
}

/** The server that answers when no real server does. */
interface SorryServerSettings extends NonNullable<VirtualServerConfig["sorryServer"]> {
  /** 0 in a fwmark service, as for real servers. */
  port: number;
  forwarding: VirtualServerConfig["forwarding"];
}

/** A virtual server that clients reach by an address and port. */
export interface AddressService extends ServiceSettings {
  fwmark?: undefined;
  address: string;
  port: number;
  protocol: Flow["protocol"];
}

/** A virtual server for packets with a firewall mark. */
export interface FwmarkService extends ServiceSettings {
  fwmark: number;
}

/** A virtual server. */
export type VirtualServerSettings = AddressService | FwmarkService;

/**
 * VRRP settings that apply to all instances. The rest of the config's `vrrp` is resolved into each
 * instance.
 */
export interface VrrpSettings extends Omit<
  StackConfig["vrrp"],
  InstanceKey | "virtualRouterId" | "instances"
> {
  /** The version of instances that don't set one. */
  defaultVersion: StackConfig["vrrp"]["version"];
  /**
   * Seconds between gratuitous ARPs and between neighbour advertisements, the same for all
   * instances.
   */
  garp: Pick<StackConfig["vrrp"]["garp"], "intervalSeconds" | "naIntervalSeconds">;
}

/** All settings of a pair. */
export interface Settings extends Pick<
  StackConfig,
  | "tracking"
  | "scripts"
  | "daemon"
  | "email"
  | "firewall"
  | "metrics"
  | "rollout"
  | "deletionProtection"
  | "staggeredUpgrades"
  | "packages"
> {
  /** Login settings, except those that each host has itself. */
  ssh: Omit<StackConfig["ssh"], "user" | "port">;
  vrrp: VrrpSettings;
  kernel: StackConfig["kernel"] & { sloppyTcp: boolean };
  directors: DirectorSettings[];
  realServers: RealServerSettings[];
  instances: InstanceSettings[];
  virtualServers: VirtualServerSettings[];
}

/** The settings of a host that decide which commands it gets. */
export type HostShape = Pick<HostSettings, "name" | "os" | "user">;

/** The shape of a director. */
export type DirectorShape = HostShape &
  Pick<DirectorSettings, "priority" | "keepalivedVersion" | "inMaintenance">;

/** The shape of a real server. */
export interface RealServerShape {
  name: string;
  inMaintenance: boolean;
  /** Undefined if the stack doesn't set this real server up. */
  host?: HostShape;
}

/** The settings that are always plain. They decide which resources there are, their names, and their order. */
export interface Shape {
  /** The stack makes a deploy key. */
  managedKey: boolean;
  firewall: StackConfig["firewall"]["backend"];
  /** Seconds between two updates; undefined without metrics. */
  metricsIntervalSeconds: number | undefined;
  rollout: StackConfig["rollout"];
  deletionProtection: boolean;
  packages: string[];
  directors: DirectorShape[];
  realServers: RealServerShape[];
}

/** A config's shape. It reads no other setting of a host, as addresses may not be known yet. */
export function shapeOf(config: StackConfig): Shape {
  const { ssh, firewall, metrics, rollout, deletionProtection, packages, maintenance } = config;
  const hostShape = ({
    name,
    os = config.os,
    user = ssh.user,
  }: Partial<HostShape> & { name: string }) => ({
    name,
    os,
    user,
  });
  return {
    managedKey: ssh.managedKey,
    firewall: firewall.backend,
    metricsIntervalSeconds: metrics.enabled ? metrics.intervalSeconds : undefined,
    rollout,
    deletionProtection,
    packages,
    directors: config.directors.map((director, i) => ({
      ...hostShape(director),
      priority: director.priority ?? defaultPriority(i),
      keepalivedVersion: director.keepalivedVersion,
      inMaintenance: maintenance.includes(director.name),
    })),
    realServers: config.realServers.map((realServer) => ({
      name: realServer.name,
      inMaintenance: maintenance.includes(realServer.name),
      // A rule requires `host` and `hostKey` of these.
      ...(realServer.managed ? { host: hostShape(realServer) } : {}),
    })),
  };
}

/** Fills in the defaults of a checked config. */
export function resolve(config: StackConfig): Settings {
  const { ssh, vrrp, tracking, scripts, daemon, email, firewall, metrics, rollout, packages } =
    config;
  const login = (own: { os?: StackConfig["os"]; user?: string; port?: number }) => ({
    os: own.os ?? config.os,
    user: own.user ?? ssh.user,
    port: own.port ?? ssh.port,
  });
  const directors = config.directors.map((director, i) => ({
    ...director,
    ...login(director),
    vrrpAddress: spelt(director.vrrpAddress),
    ...(director.vrrpAddress6 === undefined ? {} : { vrrpAddress6: spelt(director.vrrpAddress6) }),
    syncAddress: spelt(director.syncAddress ?? director.host),
    priority: director.priority ?? defaultPriority(i),
    inMaintenance: config.maintenance.includes(director.name),
  }));
  const realServers = config.realServers.map(({ name, host, hostKey, managed, ...own }) => ({
    name,
    addresses: addressesOf({ host, ...own }),
    inMaintenance: config.maintenance.includes(name),
    ...(managed && host && hostKey ? { host: { name, host, hostKey, ...login(own) } } : {}),
  }));
  const instances = instancesOf(config);
  const marks = checkMarks(realServers);
  return {
    ssh: omit(ssh, ["user", "port"]),
    vrrp: {
      ...omit(vrrp, [...instanceKeys, "virtualRouterId", "instances"]),
      defaultVersion: vrrp.version,
      garp: pick(vrrp.garp, ["intervalSeconds", "naIntervalSeconds"]),
    },
    tracking,
    scripts,
    daemon,
    email,
    firewall,
    metrics,
    rollout,
    deletionProtection: config.deletionProtection,
    staggeredUpgrades: config.staggeredUpgrades,
    packages,
    kernel: {
      ...config.kernel,
      sloppyTcp:
        config.kernel.sloppyTcp ??
        config.virtualServers.some(({ scheduler }) => scheduler === "mh"),
    },
    directors,
    realServers,
    instances,
    virtualServers: config.virtualServers.map((virtualServer) =>
      resolveVirtualServer(config, virtualServer, instances, marks),
    ),
  };
}

/** The settings of a host that the stack sets up. */
export function hostSettings({ directors, realServers }: Settings, name: string): HostSettings {
  const found =
    directors.find((director) => director.name === name) ??
    realServers.find((realServer) => realServer.name === name)?.host;
  if (found === undefined) throw new Error(`there is no host ${name}`);
  return found;
}

/** The settings of a director. */
export function directorSettings({ directors }: Settings, name: string): DirectorSettings {
  const found = directors.find((director) => director.name === name);
  if (found === undefined) throw new Error(`there is no director ${name}`);
  return found;
}

/** Default priority of the i-th director: 150, 140, 130 … */
export function defaultPriority(i: number): number {
  return 150 - 10 * i;
}

/**
 * A virtual server's real servers with their weights, in the config's order; all of them if it
 * names none.
 */
export function membersOf(
  { realServers, maintenance }: Pick<StackConfig, "realServers" | "maintenance">,
  chosen: VirtualServerConfig["realServers"],
): (ObjectMember & { weight: number })[] {
  const members: ObjectMember[] = chosen ?? realServers.map(({ name }) => ({ name }));
  return members.map((member) => ({
    ...member,
    weight: maintenance.includes(member.name)
      ? 0
      : (member.weight ?? realServers.find(({ name }) => name === member.name)?.weight ?? 1),
  }));
}

/** The traffic of a virtual server's clients; empty if neither an address nor traffic is given. */
export function flowsOf({ address, port, protocol, traffic }: VirtualServerConfig): Flow[] {
  if (traffic) {
    return traffic.map((flow) => ({ ...flow, address: canonical(flow.address) }));
  }
  return address === undefined || port === undefined
    ? []
    : [{ address: canonical(address), protocol, ports: [port] }];
}

/** A virtual server's addresses as written, with their prefixes. */
export function writtenAddresses({ address, traffic }: VirtualServerConfig): string[] {
  return traffic?.map((flow) => flow.address) ?? (address === undefined ? [] : [address]);
}

/** A virtual server's address family: that of its first address. */
export function familyOfService(virtualServer: VirtualServerConfig): Family {
  return checkedFamily(writtenAddresses(virtualServer)[0] ?? "");
}

/** The addresses at which directors reach a real server, by family. */
export function addressesOf({
  host,
  address,
  address6,
}: Pick<StackConfig["realServers"][number], "host" | "address" | "address6">): Partial<
  Record<Family, string>
> {
  const first = address ?? host ?? "";
  return {
    [checkedFamily(first)]: spelt(first),
    ...(address6 === undefined ? {} : { inet6: spelt(address6) }),
  };
}

/**
 * An address in its canonical spelling, with its prefix if it has one; a name is left unchanged.
 */
function spelt(address: string): string {
  if (!isAddress(address)) return address;
  const [, prefix] = address.split("/");
  return canonical(address) + (prefix === undefined ? "" : `/${prefix}`);
}

/** A member's checks: its own, the virtual server's, or the default for the protocol. */
export function checksOf(
  { checks, protocol, traffic }: VirtualServerConfig,
  member: Pick<ObjectMember, "checks">,
): Check[] {
  const type = defaultCheck[traffic?.[0]?.protocol ?? protocol];
  return (
    member.checks ??
    checks ?? [
      { type, retry: 1, delayBeforeRetrySeconds: 1, connectTimeoutSeconds: 3, requireReply: false },
    ]
  );
}

const defaultCheck = { TCP: "tcp", UDP: "udp", SCTP: "ping" } as const;

/** A real server's part in a virtual server: a member of its pool, or its sorry server. */
export type Part = Pick<MemberSettings, "address" | "port" | "forwarding" | "checks">;

/** The virtual servers that a real server has a part in. */
export function partsOf(
  { virtualServers, realServers }: Pick<Settings, "virtualServers" | "realServers">,
  name: string,
): { service: VirtualServerSettings; part: Part }[] {
  const addresses = realServers.find((realServer) => realServer.name === name)?.addresses ?? {};
  return virtualServers.flatMap((service) => {
    const own = addresses[service.family];
    return [
      ...service.realServers.filter((member) => member.name === name),
      ...sorryPart(service).filter(
        ({ address }) => own !== undefined && canonical(own) === canonical(address),
      ),
    ].map((part) => ({ service, part }));
  });
}

/** A virtual server's sorry server, if it has one. */
export function sorryPart({ sorryServer }: Pick<VirtualServerSettings, "sorryServer">): Part[] {
  return sorryServer ? [{ ...sorryServer, checks: [] }] : [];
}

/**
 * Whether a virtual address needs a prefix of its own, because it is outside some director's
 * network.
 */
export function isForeign(address: string, networks: (string | undefined)[]): boolean {
  return !networks.every((network) => network !== undefined && isInNetworkOf(address, network));
}

/** The stack's VRRP instances. Each inherits from `vrrp` what it doesn't set. */
export function instancesOf(
  config: Pick<StackConfig, "vrrp" | "directors" | "virtualServers">,
): InstanceSettings[] {
  const { vrrp, directors, virtualServers } = config;
  const instances: NonNullable<StackConfig["vrrp"]["instances"]> = vrrp.instances ?? [
    { name: "VI_1", virtualRouterId: vrrp.virtualRouterId, directors: {} },
  ];
  return instances.map(({ name, virtualRouterId, directors: own, ...overrides }, i) => {
    const options = { ...pick(vrrp, instanceKeys), ...defined(overrides) };
    const carried = virtualServers
      .filter((service) => (service.vrrpInstance ?? instances[0]?.name) === instances[i]?.name)
      .flatMap(writtenAddresses)
      .map((address) => ({ address, interface: undefined }));
    const virtualAddresses = new Map(
      [...carried, ...options.virtualAddresses].map((entry) => {
        const [address = "", prefix] = entry.address.split("/");
        const prefixLength =
          prefix === undefined ? (checkedFamily(address) === "inet" ? 32 : 128) : Number(prefix);
        const device = entry.interface ?? options.interface;
        return [
          `${canonical(address)} ${device}`,
          { address: canonical(address), prefixLength, interface: device },
        ];
      }),
    );
    const family: Family = [...virtualAddresses.values()].some(
      ({ address }) => checkedFamily(address) === "inet",
    )
      ? "inet"
      : "inet6";
    return {
      ...options,
      name,
      virtualRouterId,
      family,
      virtualAddresses: [...virtualAddresses.values()],
      members: directors.map((director, j) => ({
        name: director.name,
        priority: own[director.name]?.priority ?? director.priority ?? defaultPriority(j),
        address: speltOrNone(
          ownAddress({ ...director, ...defined(own[director.name] ?? {}) }, family),
        ),
      })),
    };
  });
}

function speltOrNone(address: string | undefined): string | undefined {
  return address === undefined ? undefined : spelt(address);
}

/** A director's own address of a family, with its prefix. */
export function ownAddress(
  { vrrpAddress, vrrpAddress6 }: Pick<DirectorSettings, "vrrpAddress" | "vrrpAddress6">,
  family: Family,
): string | undefined {
  if (checkedFamily(vrrpAddress) === family) return vrrpAddress;
  return family === "inet6" ? vrrpAddress6 : undefined;
}

/**
 * The interface with a director's `vrrpAddress6`: that of an IPv6 instance, or else the one with
 * its `vrrpAddress`.
 */
export function interfaceOfAddress6(
  instances: InstanceSettings[],
  {
    name,
    vrrpAddress,
    vrrpAddress6,
  }: Pick<DirectorSettings, "name" | "vrrpAddress" | "vrrpAddress6">,
): string | undefined {
  if (vrrpAddress6 === undefined) return undefined;
  const has = (instance: InstanceSettings, address: string) =>
    instance.members.some((member) => member.name === name && member.address === address);
  const carriesIpv6 = ({ virtualAddresses }: InstanceSettings) =>
    virtualAddresses.some(({ address }) => checkedFamily(address) === "inet6");
  const beside = instances.filter((instance) => has(instance, vrrpAddress));
  const found =
    instances.find((instance) => has(instance, vrrpAddress6)) ??
    beside.find(carriesIpv6) ??
    beside[0] ??
    instances.find(carriesIpv6);
  return found?.interface;
}

/**
 * The id of the connection sync daemons: from the config, or the first instance's virtual router
 * id.
 */
export function syncId({
  vrrp,
  instances,
}: Pick<Settings, "instances"> & { vrrp: Pick<VrrpSettings, "syncDaemon"> }): number | undefined {
  return vrrp.syncDaemon.id ?? instances[0]?.virtualRouterId;
}

/** A director's own address, with its prefix, in the network of a virtual server's addresses. */
export function ownAddressFor(
  { vrrpInstance, family }: Pick<VirtualServerSettings, "vrrpInstance" | "family">,
  instances: InstanceSettings[],
  director: Pick<DirectorSettings, "name" | "vrrpAddress" | "vrrpAddress6">,
): string | undefined {
  const instance = instances.find(({ name }) => name === vrrpInstance);
  return instance?.family === family
    ? instance.members.find(({ name }) => name === director.name)?.address
    : ownAddress(director, family);
}

/**
 * Networks in which a director has an address, at least while active. Addresses with a full-length
 * prefix don't tell their network.
 */
export function networksOf(
  instances: InstanceSettings[],
  {
    name,
    vrrpAddress,
    vrrpAddress6,
  }: Pick<DirectorSettings, "name" | "vrrpAddress" | "vrrpAddress6">,
): string[] {
  return [
    vrrpAddress,
    vrrpAddress6,
    ...instances.flatMap(({ members, virtualAddresses }) => [
      members.find((member) => member.name === name)?.address,
      ...virtualAddresses.map(({ address, prefixLength }) => `${address}/${prefixLength}`),
    ]),
  ].filter((network) => network !== undefined && !/\/(32|128)$/.test(network)) as string[];
}

/**
 * Addresses that a director forwards to by direct routing but that are in none of its known
 * networks. They may be in another interface's network.
 */
export function distantRealServers(
  {
    virtualServers,
    instances,
  }: Pick<Settings, "instances"> & {
    virtualServers: Pick<VirtualServerSettings, "realServers" | "sorryServer">[];
  },
  director: Pick<DirectorSettings, "name" | "vrrpAddress" | "vrrpAddress6">,
): string[] {
  const networks = networksOf(instances, director);
  const addresses = virtualServers.flatMap((service) =>
    [...service.realServers, ...sorryPart(service)].flatMap(({ address, forwarding }) =>
      forwarding === "DR" ? [canonical(address)] : [],
    ),
  );
  return [...new Set(addresses)].filter(
    (address) =>
      !isLoopback(address) && !networks.some((network) => isInNetworkOf(address, network)),
  );
}

/**
 * Every address that a director sends from, without prefixes; instances may have different
 * interfaces. Without connection sync, syncAddress may be a host name; names are skipped.
 */
export function sourcesOf(
  { instances }: Pick<Settings, "instances">,
  { name, vrrpAddress, vrrpAddress6, syncAddress }: DirectorSettings,
): string[] {
  const own = instances.map(({ members }) => members.find((member) => member.name === name));
  return [
    ...new Set(
      [vrrpAddress, syncAddress, vrrpAddress6, ...own.map((member) => member?.address)].flatMap(
        (address) => (address !== undefined && isAddress(address) ? [withoutPrefix(address)] : []),
      ),
    ),
  ];
}

/**
 * Seconds that a newly started director waits before it takes addresses that no director holds,
 * plus one second.
 */
export function startSeconds({ instances, daemon }: Settings): number {
  const down = instances.map(
    ({ advertIntervalSeconds, downTimerAdverts }) =>
      // The skew time is at most an interval, or a second in version 2: RFC 5798 6.1, RFC 3768 6.1.
      advertIntervalSeconds * ((downTimerAdverts ?? 3) + 1),
  );
  return Math.ceil(Math.max(...down) + (daemon.startupDelaySeconds ?? 0) + 1);
}

function resolveVirtualServer(
  config: StackConfig,
  virtualServer: VirtualServerConfig,
  instances: InstanceSettings[],
  marks: Map<string, number>,
): VirtualServerSettings {
  const { realServers: chosen, sorryServer, forwarding: usual } = virtualServer;
  const vrrpInstance = virtualServer.vrrpInstance ?? instances[0]?.name ?? "";
  const family = familyOfService(virtualServer);
  const flows = flowsOf(virtualServer);
  // A standby outside the address's network couldn't route a check to it.
  const near = flows.every(
    ({ address }) =>
      !isForeign(
        address,
        config.directors.map((director) =>
          ownAddressFor({ vrrpInstance, family }, instances, director),
        ),
      ),
  );
  const members = membersOf(config, chosen).map((member): MemberSettings => {
    const realServer = config.realServers.find(({ name }) => name === member.name);
    const address = addressesOf(realServer ?? {})[family] ?? "";
    const forwarding = member.forwarding ?? usual;
    return {
      ...member,
      address,
      port: member.port ?? virtualServer.port ?? 0,
      forwarding,
      inhibitOnFailure: member.inhibitOnFailure ?? virtualServer.inhibitOnFailure,
      checks: checksOf(virtualServer, member).map((check) =>
        placeCheck(check, {
          near,
          flow: flows[0],
          memberPort: member.port,
          through: {
            mark: marks.get(wayTo(address, forwarding)) ?? 0,
            realServer: member.name,
            realAddress: address,
            forwarding,
          },
        }),
      ),
    };
  });
  return {
    ...omit(virtualServer, resolvedKeys),
    ...reachedBy(virtualServer),
    family,
    vrrpInstance,
    flows,
    realServers: members,
    ...(sorryServer
      ? {
          sorryServer: {
            ...sorryServer,
            port: sorryServer.port ?? 0,
            forwarding: sorryServer.forwarding ?? usual,
          },
        }
      : {}),
  };
}

/** The keys by which packets are recognised as a virtual server's. */
function reachedBy({
  name,
  address,
  port,
  protocol,
  fwmark,
}: VirtualServerConfig):
  Pick<FwmarkService, "fwmark"> | Pick<AddressService, "address" | "port" | "protocol"> {
  if (fwmark !== undefined) return { fwmark };
  // A rule guarantees them.
  if (address === undefined || port === undefined) {
    throw new Error(`virtual server ${name} has neither a fwmark nor an address and port`);
  }
  return { address: canonical(address), port, protocol };
}

function placeCheck(
  check: Check,
  {
    near,
    flow,
    memberPort,
    through,
  }: {
    near: boolean;
    flow?: Flow;
    memberPort?: number;
    through: Omit<Through, "virtualAddress">;
  },
): CheckSettings {
  if (!asksPort(check)) return { check };
  const servicePort = firstPort(flow);
  const port = check.port ?? memberPort ?? servicePort;
  const goesThrough =
    check.throughVirtualAddress ??
    (near &&
      checkers[check.type].throughByDefault &&
      through.forwarding !== "NAT" &&
      !isLinkLocal(flow?.address ?? "") &&
      check.address === undefined &&
      check.bindInterface === undefined &&
      port === servicePort);
  return {
    check,
    port,
    ...(goesThrough && flow ? { through: { ...through, virtualAddress: flow.address } } : {}),
  };
}

/** The port that a check asks by default. */
export function firstPort(flow: Flow | undefined): number | undefined {
  const [first] = flow?.ports ?? [];
  return first === undefined ? undefined : Number(String(first).split("-")[0]);
}

/**
 * A firewall mark for each way to a real server, so that a check goes exactly that way: DR for one
 * service doesn't mean that another's tunnel works. The mark depends only on the way, so that a
 * change of the list renumbers nothing else. Marks below 65536 belong to the config.
 */
function checkMarks(realServers: RealServerSettings[]): Map<string, number> {
  const marks = new Map<string, number>();
  const taken = new Set<number>();
  const addresses = realServers.flatMap((realServer) => Object.values(realServer.addresses));
  const ways = addresses.flatMap((address) => forwardings.map((way) => wayTo(address, way)));
  for (const way of ways.sort()) {
    let mark = 0x10000 + (fnv1a(way) % 0xff0000);
    while (taken.has(mark)) mark++;
    taken.add(mark);
    marks.set(way, mark);
  }
  return marks;
}

/**
 * The way packets reach a real server. For DR it is just the address, which keeps the marks that
 * directors already have.
 */
function wayTo(address: string, forwarding: VirtualServerConfig["forwarding"]): string {
  return forwarding === "DR" ? address : `${address} ${forwarding}`;
}

/** FNV-1a, 32 bits: http://www.isthe.com/chongo/tech/comp/fnv/ */
function fnv1a(text: string): number {
  let hash = 0x811c9dc5;
  for (const byte of Buffer.from(text)) hash = Math.imul(hash ^ byte, 0x01000193) >>> 0;
  return hash;
}

function pick<T extends object, K extends keyof T>(value: T, keys: readonly K[]): Pick<T, K> {
  return Object.fromEntries(keys.map((key) => [key, value[key]])) as Pick<T, K>;
}

function omit<T extends object, K extends keyof T>(value: T, keys: readonly K[]): Omit<T, K> {
  return Object.fromEntries(
    Object.entries(value).filter(([key]) => !(keys as readonly string[]).includes(key)),
  ) as Omit<T, K>;
}

/** The object without undefined entries. */
function defined<T extends object>(value: T): { [K in keyof T]?: NonNullable<T[K]> } {
  return Object.fromEntries(Object.entries(value).filter(([, entry]) => entry !== undefined)) as {
    [K in keyof T]?: NonNullable<T[K]>;
  };
}
