// Writes virtual servers and real servers in the stack config's form.
import { checkers, typeAsksPort } from "../../../components/keepalived/checkers";
import { canonical, checkedFamily, type Family } from "../../../components/schema";
import { withDefaults } from "../read/checks";
import type { DirectorReading } from "../read/director";
import type { RealServers } from "../names";
import { defined, same } from "../plain";
import type { Scribe } from "../report";
import { fillIn, fillIn6 } from "../read/scripts";
import type { MemberReading, ServiceReading } from "../read/services";
import {
  checkShapes,
  type CheckDraft,
  type Config,
  type Member,
  type VirtualServer,
} from "../shapes";
import type { CarriedAddress, InstanceReading } from "../read/vrrp";

/** A virtual server with all of its members written out. */
export interface Written {
  options: Record<string, unknown>;
  members: (Member & { name: string })[];
}

/** A virtual server from one director's config. */
export function toVirtualServer(
  service: ServiceReading,
  { instances }: DirectorReading,
  scribe: Scribe,
): Written {
  const { target, options, statement } = service;
  const here = scribe.in(`virtualServers[${service.name}]`);
  const members = service.members.map((member) => memberOf(member, service));
  const [shared] = members;
  const alike = members.every(({ checks }) => same(checks, shared?.checks));
  const { carrier, where } = whereabouts(service, instances);
  if (target.fwmark === undefined && carrier === undefined && instances.length > 0) {
    here.changed(
      statement,
      `virtualServers[${service.name}].address`,
      "no VRRP instance carries its address; here the first does",
    );
  }
  const device = where?.interface;
  if (where && device !== undefined && device !== carrier?.options.interface) {
    here.inexpressible(
      where.statement,
      `a virtual server's address is on its instance's interface, ${String(carrier?.options.interface)}, not on ${device}`,
    );
  }
  return {
    options: {
      name: service.name,
      ...(target.fwmark === undefined
        ? {
            address: `${target.address}/${where?.prefixLength ?? (target.family === "inet" ? 32 : 128)}`,
            port: target.port,
          }
        : { fwmark: target.fwmark, traffic: trafficOf(service, instances, here) }),
      ...options,
      ...(target.fwmark === undefined ? {} : { protocol: undefined }),
      ...(carrier && carrier !== instances[0] ? { vrrpInstance: carrier.name } : {}),
      ...(alike ? { checks: shared?.checks ?? [] } : {}),
      sorryServer: service.sorry,
    },
    members: alike ? members.map((member) => ({ ...member, checks: undefined })) : members,
  };
}

/** The instance that carries a virtual server's address, with that address. */
function whereabouts(
  service: ServiceReading,
  instances: InstanceReading[],
): { carrier?: InstanceReading; where?: CarriedAddress } {
  const wanted = addressesOfService(service);
  for (const carrier of instances) {
    const where = carrier.addresses.find(({ address }) => wanted.includes(canonical(address)));
    if (where) return { carrier, where };
  }
  return {};
}

/** A virtual server's known addresses; for a fwmark, those that its checks ask. */
export function addressesOfService({ target, members }: ServiceReading): string[] {
  if (target.fwmark === undefined) return [canonical(target.address)];
  const asked = members.flatMap(({ checks }) => checks.map(({ asked: address }) => address));
  return [...new Set(asked.filter((address) => address !== undefined).map(canonical))];
}

/** Placeholders for a fwmark's traffic, which is in the packet filter, not in keepalived.conf. */
function trafficOf(
  service: ServiceReading,
  instances: InstanceReading[],
  scribe: Scribe,
): { address: string; protocol?: "UDP"; ports: string[] }[] {
  const at = `/virtualServers[${service.name}]`;
  const known = addressesOfService(service);
  scribe.fillIn(
    `${at}.traffic`,
    `addresses, protocol and ports that are marked with ${String(service.target.fwmark)}: iptables -t mangle -S or nft list ruleset on the director says them`,
  );
  if (known.length === 0 && instances.length > 1) {
    scribe.fillIn(`${at}.vrrpInstance`, "the VRRP instance that carries them");
  }
  const addresses =
    known.length > 0 ? known : [familyOfService(service) === "inet" ? fillIn : fillIn6];
  const { onePacketScheduling, persistenceEngine } = service.options;
  return addresses.map((address) => ({
    address: withPrefix(address, instances),
    // Both options are for UDP only.
    ...(onePacketScheduling || persistenceEngine ? { protocol: "UDP" as const } : {}),
    ports: [fillIn],
  }));
}

function familyOfService({ target, members }: ServiceReading): Family {
  return target.family ?? checkedFamily(members[0]?.address ?? "");
}

function withPrefix(address: string, instances: InstanceReading[]): string {
  const carried = instances
    .flatMap(({ addresses }) => addresses)
    .find((entry) => !address.startsWith(fillIn) && canonical(entry.address) === address);
  return carried ? `${address}/${carried.prefixLength}` : address;
}

function memberOf(member: MemberReading, service: ServiceReading): Member & { name: string } {
  const { target, options } = service;
  const forwarding = member.options.forwarding ?? options.forwarding;
  const servicePort = target.fwmark === undefined ? target.port : 0;
  return {
    name: member.name,
    ...(member.port !== servicePort && forwarding === "NAT" ? { port: member.port } : {}),
    ...member.options,
    weight: member.weight,
    forwarding:
      member.options.forwarding === options.forwarding ? undefined : member.options.forwarding,
    checks: member.checks.map((check) => {
      const draft = asking(withDefaults(check, member.timing, service.timing), member);
      return pruned(throughOrNot(draft, { forwarding, member, service })) as never;
    }),
  };
}

/** A checker asks the port as written, whatever keepalived's forwarding makes of it. */
function asking(check: CheckDraft, { port, writtenPort }: MemberReading): CheckDraft {
  if (
    !check.type ||
    !typeAsksPort(check.type) ||
    check.port !== undefined ||
    check.throughVirtualAddress
  )
    return check;
  return writtenPort === 0 || writtenPort === port ? check : { ...check, port: writtenPort };
}

/**
 * Switches `throughVirtualAddress` off where the stack would use it by default and the config
 * doesn't.
 */
function throughOrNot(
  check: CheckDraft,
  {
    forwarding,
    member,
    service,
  }: { forwarding?: string; member: MemberReading; service: ServiceReading },
): CheckDraft {
  const port = member.port === 0 ? undefined : member.port;
  const known = check.port === port && service.options.protocol === "TCP";
  if (check.throughVirtualAddress) return known ? { ...check, port: undefined } : check;
  const checker = check.type && checkers[check.type];
  const wouldGoThrough =
    checker?.throughByDefault &&
    forwarding !== "NAT" &&
    check.address === undefined &&
    check.bindInterface === undefined &&
    (check.port === undefined || check.port === port || service.target.fwmark !== undefined);
  const tcpOfUdp =
    service.options.protocol !== "TCP" &&
    service.target.fwmark === undefined &&
    check.port === undefined;
  return {
    ...check,
    ...(wouldGoThrough ? { throughVirtualAddress: false } : {}),
    // A TCP check of a service other than TCP must name its port.
    ...(tcpOfUdp && checker?.transport === "tcp" ? { port: member.port } : {}),
  };
}

/** The member list in short form: just names, or nothing if it has every real server. */
export function shortened(
  { options, members }: Written,
  all: NonNullable<Config["realServers"]>,
): VirtualServer {
  const entries = members.map(({ name, ...own }) => {
    const weight =
      own.weight === (all.find((known) => known.name === name)?.weight ?? 1)
        ? undefined
        : own.weight;
    const rest = defined({ ...own, weight });
    return Object.keys(rest).length === 0 ? name : { name, ...rest };
  });
  const everybody =
    entries.length === all.length && all.every(({ name }, i) => entries[i] === name);
  return defined({ ...options, ...(everybody ? {} : { realServers: entries }) });
}

/**
 * The real servers that the directors forward to, unmanaged: keepalived.conf doesn't describe their
 * setup.
 */
export function realServersOf(
  { all }: RealServers,
  services: Written[],
  readings: ServiceReading[],
): NonNullable<Config["realServers"]> {
  const used = new Set(readings.flatMap(({ members }) => members.map(({ name }) => name)));
  const weightsOf = new Map<string, Set<number | undefined>>();
  for (const { name, weight } of services.flatMap(({ members }) => members)) {
    const known = weightsOf.get(name);
    if (known) known.add(weight);
    else weightsOf.set(name, new Set([weight]));
  }
  return all
    .filter(({ name }) => used.has(name))
    .map(({ name, addresses: { inet, inet6 } }) => {
      const weights = weightsOf.get(name) ?? new Set();
      const [weight] = weights;
      return {
        name,
        address: inet ?? inet6 ?? "",
        ...(inet !== undefined && inet6 !== undefined ? { address6: inet6 } : {}),
        ...(weights.size === 1 && weight !== 1 ? { weight } : {}),
        managed: false,
      };
    });
}

/** The check without keys that are equal to their defaults. */
function pruned(check: CheckDraft): CheckDraft {
  const shape: Record<string, { safeParse: (value: undefined) => { data?: unknown } }> =
    checkShapes[check.type ?? "tcp"];
  return Object.fromEntries(
    Object.entries(check).filter(
      ([key, value]) => key === "type" || !same(shape[key]?.safeParse(undefined).data, value),
    ),
  );
}
