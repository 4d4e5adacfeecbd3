/**
 * The lab's hosts and networks, as data. Everything else in the lab reads its names and addresses here.
 *
 * The networks live in network namespaces of their own, so any address can be used. The public ones are from the ranges set
 * aside for documentation (RFC 5737, RFC 3849).
 */
import { createHash } from "node:crypto";

import { type OpensshKeyPair, opensshEd25519FromSeed } from "./plugins/openssh";

/** One virtual network: a bridge, and the prefix lengths of the addresses on it. */
export interface LabNetwork {
  /** The bridge's name inside {@link namespaces.operator}. */
  bridge: string;
  /** Of the IPv4 addresses. */
  prefixLength: number;
  /** Of the IPv6 addresses. */
  prefixLength6: number;
}

/** An address of each family. */
export interface Addresses {
  ipv4: string;
  ipv6: string;
}

/** One interface of a guest. */
export interface GuestInterface extends Addresses {
  /** What the guest calls it. */
  name: "eth0" | "eth1";
  network: keyof typeof networks;
  /** The same at every boot, lower case. */
  mac: string;
  /** Its other end, on the bridge. At most 15 characters (IFNAMSIZ). */
  tap: string;
}

/** What a guest is for: a director (keepalived, IPVS) or a real server (a web server that says its own name). */
export type HostRole = "director" | "web";

/** One guest of the lab. */
export interface LabHost {
  name: string;
  role: HostRole;
  /** The Debian release it runs. */
  release: DebianRelease;
  /** Who logs in. Other than root: a user with sudo and no password, and root's login is off. */
  user: string;
  /** eth0, the private one (SSH, sync, checks), and eth1, the public one (the virtual IP). */
  interfaces: readonly [GuestInterface, GuestInterface];
}

/** Debian's code names, by release number. */
export const debianReleases = { 12: "bookworm", 13: "trixie" } as const;

/** A Debian release number that the lab has guests of. */
export type DebianRelease = keyof typeof debianReleases;

/** `operator` holds the bridges and is where commands run; `client` is a host of its own on the public network only. */
export const namespaces = { operator: "lvs-lab", client: "lvs-lab-client" } as const;

/** The two networks every guest is on. */
export const networks = {
  private: { bridge: "br-private", prefixLength: 24, prefixLength6: 64 },
  public: { bridge: "br-public", prefixLength: 24, prefixLength6: 64 },
} as const satisfies Record<string, LabNetwork>;

/** Where `pulumi`, `ssh` and the package proxy are: on the private bridge. */
export const operator: Addresses = { ipv4: "10.10.0.1", ipv6: "2001:db8:0:1::1" };

/** The same on the public bridge, from where `lvs verify` asks through the virtual addresses. */
export const operatorPublic: Addresses = { ipv4: "192.0.2.1", ipv6: "2001:db8:0:2::1" };

/** The host that sends requests to the virtual IP, on the public network only. */
export const client: Addresses = { ipv4: "192.0.2.200", ipv6: "2001:db8:0:2::200" };

/** The virtual IP of the development stack. No guest has it until the stack says so. */
export const virtualIp: Addresses = { ipv4: "192.0.2.100", ipv6: "2001:db8:0:2::100" };

/** The port of the package proxy on the operator's address. */
export const aptProxyPort = 3142;

/** The guests: two directors and three real servers, on two Debian releases; one has no root login. */
export const hosts: readonly LabHost[] = [
  labHost("lvs1", 11, { role: "director", release: 13 }),
  labHost("lvs2", 12, { role: "director", release: 12 }),
  labHost("web1", 21, { role: "web", release: 13 }),
  labHost("web2", 22, { role: "web", release: 12 }),
  labHost("web3", 23, { role: "web", release: 12, user: "ops" }),
];

/**
 * The guest of a name.
 *
 * @throws Error that lists the names there are
 */
export function findHost(name: string): LabHost {
  const host = hosts.find((candidate) => candidate.name === name);
  if (!host) {
    const names = hosts.map((candidate) => candidate.name).join(", ");
    throw new Error(`there is no host "${name}" in the lab; its hosts are ${names}`);
  }
  return host;
}

/**
 * The SSH host key of a guest. It follows from the name, so that the development stack's settings can pin it in public: the key
 * protects nothing but a network that exists inside one machine.
 */
export function hostKey(name: string): OpensshKeyPair {
  const seed = createHash("sha256").update(`lvs-ha lab host key of ${name}`).digest();
  return opensshEd25519FromSeed(seed, `root@${name}`);
}

/** `number` is the last part of every address. */
function labHost(
  name: string,
  number: number,
  rest: { role: HostRole; release: DebianRelease; user?: string },
): LabHost {
  const on = (index: 0 | 1, network: keyof typeof networks, ipv4: string, ipv6: string) =>
    ({
      name: index === 0 ? "eth0" : "eth1",
      network,
      // 02: locally administered.
      mac: `02:00:00:00:0${index}:${number.toString(16).padStart(2, "0")}`,
      tap: `${name}-eth${index}`,
      ipv4,
      ipv6,
    }) satisfies GuestInterface;
  return {
    name,
    user: "root",
    ...rest,
    interfaces: [
      on(0, "private", `10.10.0.${number}`, `2001:db8:0:1::${number}`),
      on(1, "public", `192.0.2.${number}`, `2001:db8:0:2::${number}`),
    ],
  };
}
