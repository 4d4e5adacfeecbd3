// Virtual addresses on a real server: on lo for direct routing, on the tunnel interface for TUN,
// none for NAT.
import type { Family } from "../schema";
import { partsOf, type Settings } from "../settings";

/** The kernel's own tunnel interfaces, which exist as soon as ipip or ip6_tunnel is loaded. */
const tunnels: Record<Family, string> = { inet: "tunl0", inet6: "ip6tnl0" };

/** A virtual address on a real server. */
export interface LoopbackAddress {
  address: string;
  interface: string;
}

/**
 * The virtual addresses that a real server answers for, without duplicates, each with its
 * interface.
 */
export function loopbackAddresses(
  settings: Pick<Settings, "virtualServers" | "realServers">,
  name: string,
): LoopbackAddress[] {
  const carried = new Map<string, string>();
  for (const { service, part } of partsOf(settings, name)) {
    if (part.forwarding === "NAT") continue;
    for (const { address } of service.flows) {
      carried.set(address, part.forwarding === "TUN" ? tunnels[service.family] : "lo");
    }
  }
  return [...carried].map(([address, device]) => ({ address, interface: device }));
}
