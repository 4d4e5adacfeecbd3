// ufw: openings as its rules, and the table of our own for what IPVS needs.
import { canonical, checkedFamily } from "../schema";
import { packetTable } from "./nftables";
import type { FirewallBackend, Opening } from "./openings";

export const ufw: FirewallBackend = {
  packages: ["ufw"],
  render: (rules) => ({ ufw: rules.openings.map(ufwRule), ...packetTable(rules) }),
  // ufw has no word for SCTP.
  speaks: (protocol) => protocol !== "SCTP",
};

/** A rule as ufw(8) takes it after `ufw`, and as `ufw show added` prints it back. */
function ufwRule(opening: Opening): string {
  const { protocol, from, fromPort, to, port, interface: device, forwarded } = opening;
  const words = [...(forwarded ? ["route"] : []), "allow"];
  if (device) words.push("in", "on", device);
  if (from || fromPort) words.push("from", from ? ufwAddress(from) : "any");
  if (fromPort) words.push("port", String(fromPort));
  if (to || port) words.push("to", to ? ufwAddress(to) : "any");
  if (port) words.push("port", String(port).replace("-", ":"));
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
