/** Stack config for a topology's hosts, as Pulumi.dev.yaml is for the dev topology. */
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { parse, stringify } from "yaml";

import { osProfiles, type OsName } from "../components/os/profiles";
import { type Lab, labPath } from "./instance";
import { projectRoot } from "./paths";
import { type LabHost, type Topology, findHost, hostKey, hostsOf } from "./topology";

/** The stack's config, without its namespace. */
export interface StackConfig extends Record<string, unknown> {
  directors: Record<string, unknown>[];
  realServers: [Record<string, unknown>, ...Record<string, unknown>[]];
  virtualServers: [Record<string, unknown>, ...Record<string, unknown>[]];
}

const prefix = "lvs-ha:";

/** A stack with one virtual server on a topology's hosts. */
export function stackOf(topology: Topology): StackConfig {
  const { networks, virtualIp } = topology;
  const [first, ...rest] = hostsOf(topology, "web").map((host) => ({
    ...common(host),
    address: host.public.ipv4,
    weight: 1,
    ...(host.login.user === "root" ? {} : { user: host.login.user }),
  }));
  if (!first) throw new Error(`the topology ${topology.name} has no real server`);
  return {
    ssh: { managedKey: true, ...proxy(topology) },
    ...(networks.public === networks.private
      ? { vrrp: { interface: "eth0", syncInterface: "eth0" } }
      : {}),
    directors: hostsOf(topology, "director").map((host) => ({
      ...common(host),
      vrrpAddress: `${host.public.ipv4}/${host.public.network.prefixLength}`,
      ...(host.login.user === "root" ? {} : { user: host.login.user }),
    })),
    realServers: [first, ...rest],
    virtualServers: [{ name: "web", address: virtualIp.ipv4, port: 80, scheduler: "wrr" }],
    packages: ["curl"],
    firewall: { backend: knowsUfw(topology) ? "ufw" : "nftables" },
  };
}

/** Whether the ufw of every director can let VRRP in. */
function knowsUfw(topology: Topology): boolean {
  return hostsOf(topology, "director").every(
    (host) => osProfiles[osOf(host)].lacksFirewalls.ufw === undefined,
  );
}

/**
 * The text of a config file for a topology's stack, with a change.
 *
 * @returns the file's text; it is for the lab's passphrase
 */
export function stackFile(
  topology: Topology,
  change: (stack: StackConfig) => void = () => undefined,
): string {
  const text = readFileSync(join(projectRoot, "Pulumi.dev.yaml"), "utf8");
  const file = parse(text) as { config: Record<string, unknown> };
  const rename = (entries: object, name: (key: string) => string) =>
    Object.fromEntries(
      Object.entries(entries).map(([key, value]) => [name(key), value as unknown]),
    );
  const own = rename(file.config, (key) => key.slice(prefix.length)) as StackConfig;
  const stack = topology.name === "dev" ? own : stackOf(topology);
  change(stack);
  return stringify({ ...file, config: rename(stack, (key) => prefix + key) });
}

/**
 * The engine options for a lab's own stack; none for the dev topology, because the engine finds
 * Pulumi.dev.yaml by itself.
 */
export function configWords(lab: Lab): string[] {
  if (lab.topology.name === "dev") return [];
  const file = labPath(lab, "Pulumi.dev.yaml");
  writeFileSync(file, stackFile(lab.topology));
  return ["--config-file", file];
}

/** The bastion's settings, if logins go through one; all hosts use the same. */
function proxy(topology: Topology): object {
  const via = topology.hosts.find(({ login }) => login.via !== undefined)?.login.via;
  if (via === undefined) return {};
  const { host, hostKey: key, port = 22 } = common(findHost(topology, via));
  const { user } = findHost(topology, via).login;
  return { proxy: { host, hostKey: key, port, user } };
}

function osOf({ release }: LabHost): OsName {
  return `debian${release}`;
}

function common(host: LabHost) {
  const {
    name,
    private: { ipv4 },
    login: { port },
  } = host;
  return {
    name,
    host: ipv4,
    hostKey: hostKey(name).publicKey.split(" ").slice(0, 2).join(" "),
    os: osOf(host),
    ...(port === 22 ? {} : { port }),
  };
}
