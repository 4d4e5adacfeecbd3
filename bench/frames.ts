/** Builds Ethernet frames for frames.pl: packets from any address to any other. */
import { isIPv4 } from "node:net";

/** The content of a frame. */
export interface Packet {
  from: string;
  to: string;
  protocol: "tcp" | "udp" | "sctp" | "vrrp";
  fromPort: number;
  port: number;
  /** TCP flags. @default a SYN */
  flags?: number;
  /**
   * Up to 65535. Written to the seventh and eighth byte after the IP header, where no protocol here
   * has a field that packet filters read: half of TCP's sequence number or SCTP's tag, and
   * checksums.
   */
  id?: number;
}

/** TCP's flags: RFC 9293 section 3.1. */
export const tcpFlags = { fin: 0x01, syn: 0x02, rst: 0x04, ack: 0x10 };

/** IANA's protocol numbers. */
const numbers = { tcp: 6, udp: 17, sctp: 132, vrrp: 112 };

/** Destination and source of every frame: locally administered addresses (IEEE 802 section 8.4). */
export const macs = { receiver: "02:00:00:00:00:01", sender: "02:00:00:00:00:02" };

/** A frame as hexadecimal digits. */
export function frame(packet: Packet): string {
  const type = isIPv4(packet.from) ? 0x0800 : 0x86dd;
  const ethernet = [macs.receiver, macs.sender].map((mac) => mac.replaceAll(":", "")).join("");
  const payload = transport(packet);
  return [ethernet, hex(type, 2), network(packet, payload.length / 2), payload].join("");
}

function network({ from, to, protocol }: Packet, length: number): string {
  const addresses = bytes(from) + bytes(to);
  const number = hex(numbers[protocol], 1);
  if (!isIPv4(from)) return `60000000${hex(length, 2)}${number}ff${addresses}`;
  const header = (checksum: number) =>
    `4500${hex(20 + length, 2)}00000000ff${number}${hex(checksum, 2)}${addresses}`;
  return header(checksumOf(header(0)));
}

function transport({ protocol, fromPort, port, flags = tcpFlags.syn, id = 0 }: Packet): string {
  const ports = hex(fromPort, 2) + hex(port, 2);
  switch (protocol) {
    case "tcp":
      return `${ports}0000${hex(id, 2)}0000000050${hex(flags, 1)}ffff00000000`;
    case "udp":
      return `${ports}${hex(8, 2)}${hex(id, 2)}`;
    case "sctp":
      return `${ports}0000${hex(id, 2)}00000000`;
    case "vrrp":
      return `310164010064${hex(id, 2)}`;
  }
}

/** The IPv4 header's checksum: RFC 791 section 3.1. */
function checksumOf(header: string): number {
  const words = (header.match(/.{4}/g) ?? []).map((word) => parseInt(word, 16));
  let sum = words.reduce((all, word) => all + word, 0);
  while (sum > 0xffff) sum = (sum & 0xffff) + (sum >> 16);
  return ~sum & 0xffff;
}

/** An address in its wire form. */
function bytes(address: string): string {
  if (isIPv4(address)) {
    return address
      .split(".")
      .map((byte) => hex(Number(byte), 1))
      .join("");
  }
  const [head = [], tail = []] = address
    .split("::")
    .map((side) => side.split(":").filter((group) => group !== ""));
  const zeros = Array.from({ length: 8 - head.length - tail.length }, () => "0");
  return [...head, ...zeros, ...tail].map((group) => group.padStart(4, "0")).join("");
}

function hex(number: number, length: number): string {
  return number.toString(16).padStart(2 * length, "0");
}
