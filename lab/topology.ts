/**
 * A topology describes a lab: hosts, systems, interfaces, networks, logins. Nothing here knows a lab that runs.
 *
 * The networks live in network namespaces of their own, so any address can be used. The public ones are from the ranges set
 * aside for documentation (RFC 5737, RFC 3849).
 */
import { createHash } from "node:crypto";

import {
  type OpensshKeyPair,
  opensshEd25519FromSeed,
} from "../tools/offline-engine/plugins/openssh";

/** An address of each family. */
export interface Addresses {
  ipv4: string;
  ipv6: string;
}

/** One virtual network: a bridge in the operator's namespace. */
export interface LabNetwork {
  bridge: string;
  /** Without the host's part: `10.10.0.` and `2001:db8:0:1::`. */
  prefix: Addresses;
  /** Of the IPv4 addresses. */
  prefixLength: number;
  /** Of the IPv6 addresses. */
  prefixLength6: number;
}

/** One interface of a guest. */
export interface GuestInterface extends Addresses {
  /** What the guest calls it. */
  name: string;
  network: LabNetwork;
  /** The same at every boot, lower case. */
  mac: string;
  /** Its other end, on the bridge. At most 15 characters (IFNAMSIZ). */
  tap: string;
}

/** What a guest is for: a director (keepalived, IPVS), a real server (a web server that says its own name), or a way in. */
export type HostRole = "director" | "web" | "bastion";

/** How one logs in to a guest. */
export interface Login {
  /** Other than root: a user with sudo and no password, and root's login is off. */
  user: string;
  port: number;
  /** The guest that logins have to come through; others are refused. */
  via?: string;
}

/** One guest of a lab. */
export interface LabHost {
  name: string;
  role: HostRole;
  /** The Debian release it runs. */
  release: DebianRelease;
  login: Login;
  /** All that it has: one, or two. */
  interfaces: readonly GuestInterface[];
  /** For SSH, connection sync and checks. */
  private: GuestInterface;
  /** For the virtual IP. The same one where there is only one. */
  public: GuestInterface;
}

/** A lab, described. */
export interface Topology {
  name: string;
  /** The same one twice where the hosts have one interface only. */
  networks: { private: LabNetwork; public: LabNetwork };
  /** Where `pulumi`, `ssh` and the package proxy are, on the private network. */
  operator: Addresses;
  /** The same on the public one, from where `lvs verify` asks through the virtual addresses. */
  operatorPublic: Addresses;
  /** The host that sends requests to the virtual IP, on the public network only. */
  client: Addresses;
  /** The virtual IP of its stack. No guest has it until the stack says so. */
  virtualIp: Addresses;
  hosts: readonly LabHost[];
}

/** Debian's code names, by release number. */
export const debianReleases = { 12: "bookworm", 13: "trixie" } as const;

/** A Debian release number that a lab can have guests of. */
export type DebianRelease = keyof typeof debianReleases;

/** What is particular about a host; the rest follows from its place. */
export interface HostPlan {
  name: string;
  release: DebianRelease;
  /** @default root on port 22 */
  login?: Partial<Login>;
}

/** What is particular about a topology. */
export interface TopologyPlan {
  name: string;
  directors: readonly HostPlan[];
  realServers: readonly HostPlan[];
  bastions?: readonly HostPlan[];
  /** Every host has one interface only, and everything happens on that network. @default false */
  oneInterface?: boolean;
}

const privateNetwork: LabNetwork = {
  bridge: "br-private",
  prefix: { ipv4: "10.10.0.", ipv6: "2001:db8:0:1::" },
  prefixLength: 24,
  prefixLength6: 64,
};

const publicNetwork: LabNetwork = {
  bridge: "br-public",
  prefix: { ipv4: "192.0.2.", ipv6: "2001:db8:0:2::" },
  prefixLength: 24,
  prefixLength6: 64,
};

/** The last part of addresses, by who has them: of hosts, the first of each role; the others follow. */
const numbers = { operator: 1, bastion: 5, director: 11, web: 21, virtualIp: 100, client: 200 };

/** Works a plan out. */
export function topology(plan: TopologyPlan): Topology {
  const networks = {
    private: privateNetwork,
    public: plan.oneInterface ? privateNetwork : publicNetwork,
  };
  const hosts = (role: HostRole, plans: readonly HostPlan[] = []) =>
    plans.map((host, i) => labHost(host, role, numbers[role] + i, networks));
  return {
    name: plan.name,
    networks,
    operator: addressOn(networks.private, numbers.operator),
    operatorPublic: addressOn(networks.public, numbers.operator),
    client: addressOn(networks.public, numbers.client),
    virtualIp: addressOn(networks.public, numbers.virtualIp),
    hosts: [
      ...hosts("bastion", plan.bastions),
      ...hosts("director", plan.directors),
      ...hosts("web", plan.realServers),
    ],
  };
}

/** A topology's networks, each once. */
export function networksOf({ networks }: Topology): LabNetwork[] {
  return [...new Set(Object.values(networks))];
}

/** The hosts of a role. */
export function hostsOf({ hosts }: Topology, role: HostRole): LabHost[] {
  return hosts.filter((host) => host.role === role);
}

/**
 * The guest of a name.
 *
 * @throws Error that lists the names there are
 */
export function findHost({ hosts }: Topology, name: string): LabHost {
  const host = hosts.find((candidate) => candidate.name === name);
  if (!host) {
    const names = hosts.map((candidate) => candidate.name).join(", ");
    throw new Error(`there is no host "${name}" in the lab; its hosts are ${names}`);
  }
  return host;
}

/** The host that a MAC address belongs to. */
export function ownerOf({ hosts }: Topology, mac: string | undefined): LabHost | undefined {
  return hosts.find(({ interfaces }) => interfaces.some((own) => own.mac === mac));
}

/**
 * The SSH host key of a guest. It follows from the name, so that a stack's settings can pin it in public: the key protects nothing
 * but a network that exists inside one machine.
 */
export function hostKey(name: string): OpensshKeyPair {
  const seed = createHash("sha256").update(`lvs-ha lab host key of ${name}`).digest();
  return opensshEd25519FromSeed(seed, `root@${name}`);
}

/** `number` is the last part of every address. */
function labHost(
  { name, release, login }: HostPlan,
  role: HostRole,
  number: number,
  networks: Topology["networks"],
): LabHost {
  const interfaces = [...new Set(Object.values(networks))].map((network, index) => ({
    name: `eth${index}`,
    network,
    // 02: locally administered.
    mac: `02:00:00:00:0${index}:${number.toString(16).padStart(2, "0")}`,
    tap: `${name}-eth${index}`,
    ...addressOn(network, number),
  }));
  const on = (network: LabNetwork) => {
    const found = interfaces.find((own) => own.network === network);
    if (!found) throw new Error(`${name} is not on ${network.bridge}`);
    return found;
  };
  return {
    name,
    role,
    release,
    login: { user: "root", port: 22, ...login },
    interfaces,
    private: on(networks.private),
    public: on(networks.public),
  };
}

function addressOn({ prefix }: LabNetwork, number: number): Addresses {
  return { ipv4: `${prefix.ipv4}${number}`, ipv6: `${prefix.ipv6}${number}` };
}
