/**
 * A lab's networks: bridges in one network namespace with a tap for each guest's interface. The
 * client is a second namespace, on the public bridge only. The machine's own network isn't touched
 * and can't be reached from them.
 */
import { existsSync } from "node:fs";

import type { Lab } from "./instance";
import { output, run } from "./run";
import { type Addresses, type LabNetwork, networksOf } from "./topology";

/** The client's port on the public bridge. */
const clientPort = "client";

/** The command line that runs a command in a network namespace, with the usual file system. */
export function inNamespace(
  namespace: string,
  command: string,
  args: readonly string[],
): [string, string[]] {
  return ["nsenter", [`--net=/run/netns/${namespace}`, "--", command, ...args]];
}

/** Builds the networks unless they are complete. */
export async function createNetwork(lab: Lab): Promise<void> {
  if (await isWhole(lab)) return;
  await removeNetwork(lab);
  const { operator: inside, client: clientNamespace } = lab.namespaces;
  const { networks, hosts, operator, operatorPublic, client } = lab.topology;
  await output("ip", ["netns", "add", inside]);
  await output("ip", ["netns", "add", clientNamespace]);
  for (const namespace of [inside, clientNamespace]) {
    // Duplicate address detection would make each new IPv6 address unusable for a second.
    const knobs = ["all", "default"].map((which) => `net.ipv6.conf.${which}.accept_dad=0`);
    if (hasIpv6()) await output(...inNamespace(namespace, "sysctl", ["-qw", ...knobs]));
  }

  await batch(inside, [
    "link set lo up",
    ...networksOf(lab.topology).flatMap(({ bridge }) => [
      // Like plain wires: no spanning tree to wait for, and multicast (VRRP's) goes everywhere.
      `link add ${bridge} type bridge stp_state 0 forward_delay 0 mcast_snooping 0`,
      `link set ${bridge} up`,
    ]),
    ...hosts.flatMap(({ interfaces }) =>
      interfaces.flatMap(({ tap, network }) => [
        `tuntap add dev ${tap} mode tap`,
        `link set ${tap} master ${network.bridge} up`,
      ]),
    ),
    `link add ${clientPort} type veth peer name eth1 netns ${clientNamespace}`,
    `link set ${clientPort} master ${networks.public.bridge} up`,
    ...addressLines(operator, networks.private, networks.private.bridge),
    ...(networks.public === networks.private
      ? []
      : addressLines(operatorPublic, networks.public, networks.public.bridge)),
  ]);
  await batch(clientNamespace, [
    "link set lo up",
    "link set eth1 up",
    ...addressLines(client, networks.public, "eth1"),
  ]);
}

/** Removes the namespaces with everything in them. Does nothing if they don't exist. */
export async function removeNetwork({ namespaces }: Lab): Promise<void> {
  for (const namespace of Object.values(namespaces)) {
    if (namespaceExists(namespace)) await output("ip", ["netns", "delete", namespace]);
  }
}

function namespaceExists(namespace: string): boolean {
  return existsSync(`/run/netns/${namespace}`);
}

/**
 * Whether the networks are complete: the client's namespace is finished last, and a guest's tap may
 * have been removed by hand.
 */
async function isWhole({ namespaces, topology: { hosts, client } }: Lab): Promise<boolean> {
  const { operator: inside, client: clientNamespace } = namespaces;
  if (!namespaceExists(inside) || !namespaceExists(clientNamespace)) return false;
  const [links, addresses] = await Promise.all([
    run("ip", ["-o", "-n", inside, "link"]),
    run("ip", ["-o", "-n", clientNamespace, "address"]),
  ]);
  const taps = hosts.flatMap(({ interfaces }) => interfaces.map(({ tap }) => tap));
  return (
    taps.every((tap) => links.stdout.includes(` ${tap}: `)) &&
    addresses.stdout.includes(` ${client.ipv4}/`)
  );
}

async function batch(namespace: string, lines: readonly string[]): Promise<void> {
  await output("ip", ["-n", namespace, "-batch", "-"], { input: `${lines.join("\n")}\n` });
}

function addressLines(addresses: Addresses, network: LabNetwork, device: string): string[] {
  const ipv4 = `address add ${addresses.ipv4}/${network.prefixLength} dev ${device}`;
  const ipv6 = `address add ${addresses.ipv6}/${network.prefixLength6} dev ${device} nodad`;
  return hasIpv6() ? [ipv4, ipv6] : [ipv4];
}

function hasIpv6(): boolean {
  return existsSync("/proc/sys/net/ipv6");
}
