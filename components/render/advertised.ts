// The one virtual address that VRRP adverts tell of.
import type { Family } from "../schema";

const start: Record<Family, string> = { inet: "169.254.255.", inet6: "fe80::5eff:fe00:2" };

/**
 * What the adverts of a virtual router tell of its addresses: one that no config changes. A standby that has another list than the active
 * director's takes that for somebody else and takes over: vrrp_check_packet() in vrrp.c, up to 2.2.7. It is link-local, of the ranges that
 * nobody gives out: RFC 3927 2.1; for IPv6 the first address has to be: RFC 5798 5.2.9.
 */
export function advertisedAddress(family: Family, virtualRouterId: number): string {
  if (family === "inet") return `${start.inet}${virtualRouterId}`;
  return `${start.inet6}${virtualRouterId.toString(16).padStart(2, "0")}`;
}

/** Whether a virtual address, without prefix, is one of those: no client asks for it. */
export function isAdvertised(address: string): boolean {
  return Object.values(start).some((each) => address.startsWith(each));
}
