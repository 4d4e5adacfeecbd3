// What the components work on: the stack config with every default filled in and every name resolved.
import type { Output } from "@pulumi/pulumi";
import { isInNetworkOf, type SecretName, type StackConfig } from "./schema";

/** A host reached over SSH. */
export interface HostSettings {
  name: string;
  host: string;
  hostKey: string;
  os: StackConfig["os"];
  user: string;
  port: number;
}

export interface DirectorSettings extends HostSettings {
  /** Address on the VRRP interface, with its prefix. */
  vrrpAddress: string;
  /** Address on the sync interface. */
  syncAddress: string;
  priority: number;
}

export interface RealServerSettings {
  name: string;
  /** What the directors forward to. */
  address: string;
  /** How to log in; absent where somebody else sets the real server up. */
  host?: HostSettings;
}

export interface VirtualServerSettings extends Omit<
  StackConfig["virtualServers"][number],
  "realServers"
> {
  /** The virtual address, without prefix. */
  address: string;
  /** Its prefix on the active director: 32 unless the config says otherwise. */
  prefixLength: number;
  realServers: { name: string; address: string; port: number; weight: number }[];
}

export interface Settings extends Pick<
  StackConfig,
  "ssh" | "vrrp" | "firewall" | "kernel" | "packages"
> {
  directors: DirectorSettings[];
  realServers: RealServerSettings[];
  virtualServers: VirtualServerSettings[];
}

/** Secrets never travel with the settings: each stays an Output that the engine knows to be secret. */
export type Secrets = Partial<Record<SecretName, Output<string>>>;

/** Fills in what the config leaves to defaults; the config has been checked. */
export function resolve(config: StackConfig): Settings {
  const { ssh, vrrp, firewall, kernel, packages } = config;
  const login = (own: { os?: StackConfig["os"]; user?: string; port?: number }) => ({
    os: own.os ?? config.os,
    user: own.user ?? ssh.user,
    port: own.port ?? ssh.port,
  });
  const directors = config.directors.map((director, i) => ({
    ...director,
    ...login(director),
    syncAddress: director.syncAddress ?? director.host,
    priority: director.priority ?? defaultPriority(i),
  }));
  const realServers = config.realServers.map(
    ({ name, address, host, hostKey, managed, ...own }) => ({
      name,
      address: address ?? host ?? "",
      ...(managed && host && hostKey ? { host: { name, host, hostKey, ...login(own) } } : {}),
    }),
  );
  const virtualServers = config.virtualServers.map(({ realServers: chosen, ...virtualServer }) => {
    const [address = "", prefix] = virtualServer.address.split("/");
    return {
      ...virtualServer,
      address,
      prefixLength: prefix === undefined ? 32 : Number(prefix),
      realServers: membersOf(config, chosen).map(({ name, weight, port }) => ({
        name,
        address: realServers.find((realServer) => realServer.name === name)?.address ?? "",
        port: port ?? virtualServer.port,
        weight,
      })),
    };
  });
  return { ssh, vrrp, firewall, kernel, packages, directors, realServers, virtualServers };
}

/** Priority of the i-th director where the config gives none: 150, 140, 130 … */
export function defaultPriority(i: number): number {
  return 150 - 10 * i;
}

/** A virtual server's real servers with their weights, in the config's order: all where it names none. */
export function membersOf(
  { realServers }: Pick<StackConfig, "realServers">,
  chosen: StackConfig["virtualServers"][number]["realServers"],
): { name: string; port?: number; weight: number }[] {
  const members: { name: string; port?: number; weight?: number }[] =
    chosen ?? realServers.map(({ name }) => ({ name }));
  return members.map((member) => ({
    ...member,
    weight: member.weight ?? realServers.find(({ name }) => name === member.name)?.weight ?? 1,
  }));
}

/** True when the virtual address needs a prefix of its own: some director's network doesn't hold it. */
export function isForeign(address: string, { directors }: Pick<StackConfig, "directors">): boolean {
  return !directors.every(({ vrrpAddress }) => isInNetworkOf(address, vrrpAddress));
}
