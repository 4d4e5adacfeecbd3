// Which values a program may give as an Output, known only once another resource has been made: those that decide no resource's name,
// how many there are, or who waits for whom.
import { z } from "zod";
import {
  address,
  addressOrLoopback,
  addressWithPrefix,
  hostAddress,
  hostKey,
  hostName,
  ipv6Address,
  ipv6AddressWithPrefix,
  port,
  subnet,
  virtualAddress,
  weight,
} from "./types";

/** Their types, with a right value of each (RFC 5737, RFC 3849). */
const types: [z.ZodType, string | number][] = [
  [address, "192.0.2.1"],
  [addressOrLoopback, "192.0.2.1"],
  [addressWithPrefix, "192.0.2.1/24"],
  [virtualAddress, "192.0.2.1"],
  [ipv6Address, "2001:db8::1"],
  [ipv6AddressWithPrefix, "2001:db8::1/64"],
  [subnet, "192.0.2.0/24"],
  [hostName, "host.example"],
  [hostAddress, "host.example"],
  [hostKey, `ssh-ed25519 ${"A".repeat(68)}`],
  [port, 1],
  [weight, 1],
];

// A type with a description of its own is another object with the same definition.
const standIns = new Map<unknown, string | number>(
  types.map(([type, value]) => [type._zod.def, value]),
);

/** A right value of a type, its defaults taken off, in place of one that isn't known yet; undefined where the type can't be an Output. */
export function standIn(type: unknown): string | number | undefined {
  return type instanceof z.ZodType ? standIns.get(type._zod.def) : undefined;
}
