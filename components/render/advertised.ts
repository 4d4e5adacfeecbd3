// The one virtual address that VRRP adverts contain.
import type { Family } from "../schema";

const start: Record<Family, string> = { inet: "169.254.255.", inet6: "fe80::5eff:fe00:2" };

/**
 * The address in a virtual router's adverts, which no config changes: a standby with another
 * address list than the active director's takes the adverts for another router's and takes over
 * (vrrp_check_packet() in vrrp.c, up to 2.2.7). It is link-local, from ranges that are never
 * assigned: RFC 3927 2.1. For IPv6 the first address must be link-local: RFC 5798 5.2.9.
 */
export function advertisedAddress(family: Family, virtualRouterId: number): string {
  if (family === "inet") return `${start.inet}${virtualRouterId}`;
  return `${start.inet6}${virtualRouterId.toString(16).padStart(2, "0")}`;
}

/** Whether a virtual address without prefix is such an address, which no client uses. */
export function isAdvertised(address: string): boolean {
  return Object.values(start).some((each) => address.startsWith(each));
}
