// The values that a program may give as Outputs, known only after another resource is created. They decide neither a resource's name
// nor how many there are nor their order.
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

/** Their types, each with a valid value (RFC 5737, RFC 3849). */
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

// `.describe()` makes another object with the same definition.
const standIns = new Map<unknown, string | number>(
  types.map(([type, value]) => [type._zod.def, value]),
);

/** A valid value of a type without its defaults, to stand for one that isn't known yet; undefined if the type can't be an Output. */
export function standIn(type: unknown): string | number | undefined {
  return type instanceof z.ZodType ? standIns.get(type._zod.def) : undefined;
}
