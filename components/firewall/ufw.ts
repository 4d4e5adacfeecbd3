// ufw: openings as its rules, and the table of our own for what IPVS needs.
import { canonical, checkedFamily } from "../schema";
import { packetTable } from "./nftables";
import type { FirewallBackend, Opening } from "./openings";
import { byPlace, portWords, type PortRange } from "./ports";

export const ufw: FirewallBackend = {
  packages: ["ufw"],
  render: (rules) => ({
    ufw: [
      ...ufwRules("allow", [
        ...rules.openings,
        ...rules.services,
        ...rules.peers,
        ...rules.answers,
      ]),
      ...ufwRules("route allow", rules.forwarded),
    ],
    ...packetTable(rules),
  }),
  speaks: (protocol) => protocol !== "SCTP",
};

/** What ufw takes in one rule; a range counts as two: ufw(8). */
const mostPorts = 15;

/** Rules as ufw(8) takes them after `ufw`, and as `ufw show added` prints them back: one a place, if its ports are not too many. */
function ufwRules(action: string, openings: Opening[]): string[] {
  // ufw has no word for SCTP.
  const said = openings.filter(({ protocol }) => protocol !== "sctp");
  return byPlace(said).flatMap(({ opening, ports }) =>
    inParts(ports).map((part) =>
      ufwRule(action, opening, part.map((range) => portWords(range, ":")).join(",")),
    ),
  );
}

function inParts(ports: PortRange[]): PortRange[][] {
  const parts: PortRange[][] = [[]];
  let count = 0;
  for (const range of ports) {
    const more = range.first < range.last ? 2 : 1;
    if (count + more > mostPorts) {
      parts.push([]);
      count = 0;
    }
    parts.at(-1)?.push(range);
    count += more;
  }
  return parts;
}

function ufwRule(action: string, opening: Opening, ports: string): string {
  const { protocol, from, fromPort, to, port, interface: device } = opening;
  const words = [action];
  if (device) words.push("in", "on", device);
  if (from || fromPort) words.push("from", from ? ufwAddress(from) : "any");
  if (fromPort) words.push("port", ports);
  if (to || port) words.push("to", to ? ufwAddress(to) : "any");
  if (port) words.push("port", ports);
  if (protocol && ufwKnows(protocol, from ?? to ?? "")) words.push("proto", protocol);
  return words.join(" ");
}

/** The spelling that ufw gives an address or a subnet, whatever it was told: 192.0.2.1/32 is 192.0.2.1. */
function ufwAddress(written: string): string {
  const [address = "", length] = written.split("/");
  const whole = checkedFamily(address) === "inet" ? "32" : "128";
  return length === undefined || length === whole
    ? canonical(address)
    : `${canonical(address)}/${length}`;
}

/** ufw has no word for VRRP over IPv6: all that the source sends there is let in then. */
function ufwKnows(protocol: NonNullable<Opening["protocol"]>, address: string): boolean {
  if (protocol === "vrrp") return checkedFamily(address) === "inet";
  return protocol === "tcp" || protocol === "udp";
}
