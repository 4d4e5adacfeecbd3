/**
 * A topology describes a lab: hosts, systems, interfaces, networks, logins. Nothing here depends on
 * a running lab.
 *
 * The networks are in network namespaces of their own, so any address can be used. The public ones
 * are from the ranges reserved for documentation (RFC 5737, RFC 3849).
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

/** A virtual network: a bridge in the operator's namespace. */
export interface LabNetwork {
  bridge: string;
  /** Addresses without the host's part: `10.10.0.` and `2001:db8:0:1::`. */
  prefix: Addresses;
  /** Prefix length of the IPv4 addresses. */
  prefixLength: number;
  /** Prefix length of the IPv6 addresses. */
  prefixLength6: number;
}

/** A guest's interface. */
export interface GuestInterface extends Addresses {
  /** The interface's name in the guest. */
  name: string;
  network: LabNetwork;
  /** The same at every boot, in lower case. */
  mac: string;
  /** The other end, on the bridge. At most 15 characters (IFNAMSIZ). */
  tap: string;
}

/**
 * A guest's purpose: a director (keepalived, IPVS), a real server (a web server that answers with
 * its name), or a bastion.
 */
export type HostRole = "director" | "web" | "bastion";

/** How to log in to a guest. */
export interface Login {
  /** Other than root: a user with sudo and no password; root's login is off then. */
  user: string;
  port: number;
  /** The guest that logins must come through; others are refused. */
  via?: string;
}

/** A guest of a lab. */
export interface LabHost {
  name: string;
  role: HostRole;
  /** The guest's Debian release. */
  release: DebianRelease;
  login: Login;
  /** All interfaces: one or two. */
  interfaces: readonly GuestInterface[];
  /** For SSH, connection sync and checks. */
  private: GuestInterface;
  /** For the virtual IP; the same as `private` if there is only one interface. */
  public: GuestInterface;
}

/** The description of a lab. */
export interface Topology {
  name: string;
  /** Both are the same if the hosts have only one interface. */
  networks: { private: LabNetwork; public: LabNetwork };
  /** Address of `pulumi`, `ssh` and the package proxy on the private network. */
  operator: Addresses;
  /**
   * The operator's address on the public network, from which `lvs verify` asks through the virtual
   * addresses.
   */
  operatorPublic: Addresses;
  /** The host that sends requests to the virtual IP, on the public network only. */
  client: Addresses;
  /** The stack's virtual IP. No guest has it until the stack sets it. */
  virtualIp: Addresses;
  hosts: readonly LabHost[];
}

/** Debian's code names by release number. */
export const debianReleases = {
  11: "bullseye",
  12: "bookworm",
  13: "trixie",
  14: "forky",
} as const;

/** A Debian release that guests can run. */
export type DebianRelease = keyof typeof debianReleases;

/** The settings of a host; the rest follows from its place. */
export interface HostPlan {
  name: string;
  release: DebianRelease;
  /** @default root on port 22 */
  login?: Partial<Login>;
}

/** The settings of a topology. */
export interface TopologyPlan {
  name: string;
  directors: readonly HostPlan[];
  realServers: readonly HostPlan[];
  bastions?: readonly HostPlan[];
  /** Every host has only one interface, and one network carries everything. @default false */
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

/** The last part of addresses: for a role, that of its first host; the others follow. */
const numbers = { operator: 1, bastion: 5, director: 11, web: 21, virtualIp: 100, client: 200 };

/** Makes a topology from its plan. */
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

/** A topology's networks, without duplicates. */
export function networksOf({ networks }: Topology): LabNetwork[] {
  return [...new Set(Object.values(networks))];
}

/** The hosts of a role. */
export function hostsOf({ hosts }: Topology, role: HostRole): LabHost[] {
  return hosts.filter((host) => host.role === role);
}

/**
 * The guest with a name.
 *
 * @throws Error that lists the known names
 */
export function findHost({ hosts }: Topology, name: string): LabHost {
  const host = hosts.find((candidate) => candidate.name === name);
  if (!host) {
    const names = hosts.map((candidate) => candidate.name).join(", ");
    throw new Error(`there is no host "${name}" in the lab; its hosts are ${names}`);
  }
  return host;
}

/** The host with a MAC address. */
export function ownerOf({ hosts }: Topology, mac: string | undefined): LabHost | undefined {
  return hosts.find(({ interfaces }) => interfaces.some((own) => own.mac === mac));
}

/**
 * A guest's SSH host key. It is derived from the name, so that a stack's settings can pin it
 * publicly: the key protects only a network inside one machine.
 */
export function hostKey(name: string): OpensshKeyPair {
  const seed = createHash("sha256").update(`lvs-ha lab host key of ${name}`).digest();
  return opensshEd25519FromSeed(seed, `root@${name}`);
}

/** Makes a host. `number` is the last part of each address. */
function labHost(
  { name, release, login }: HostPlan,
  role: HostRole,
  number: number,
  networks: Topology["networks"],
): LabHost {
  const interfaces = [...new Set(Object.values(networks))].map((network, index) => ({
    name: `eth${index}`,
    network,
    // 02 means locally administered.
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
