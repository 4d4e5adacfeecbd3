/**
 * Listens on the wire to what directors tell each other and the public network about the virtual
 * IP.
 */
import type { Lab } from "./instance";
import { listen } from "./tcpdump";
import { type Topology, ownerOf } from "./topology";

/** A message on the wire. */
export interface Heard {
  /** Milliseconds since the epoch, with the capture's microseconds. */
  at: number;
  /** A VRRP advert, or a gratuitous ARP that claims the virtual IP. */
  kind: "advert" | "claim";
  /** The host whose MAC address sent it. */
  from: string;
  /** The priority in an advert. */
  priority?: number;
}

/** A running capture. */
export interface Capture {
  /** Ends the capture and returns what was heard. */
  end(): Promise<Heard[]>;
}

/**
 * Captures on the public network.
 *
 * @throws Error with tcpdump's output if it can't listen
 */
export async function startCapture(lab: Lab): Promise<Capture> {
  const { networks, virtualIp } = lab.topology;
  const filter = `vrrp or (arp and arp[14:4] = ${asNumber(virtualIp.ipv4)})`;
  const listening = await listen(lab, networks.public.bridge, [
    "--immediate-mode",
    "-tt",
    "-e",
    "-l",
    filter,
  ]);
  return {
    end: async () =>
      (await listening.end()).split("\n").flatMap((line) => heard(lab.topology, line) ?? []),
  };
}

/** Parses a line of `tcpdump -tt -n -e`: an advert, a claim, or undefined. */
export function heard(topology: Topology, line: string): Heard | undefined {
  const [, seconds, mac] = /^(\d+\.\d{6}) ([0-9a-f:]{17}) > /.exec(line) ?? [];
  if (seconds === undefined || mac === undefined) return undefined;
  const about = { at: Number(seconds) * 1000, from: ownerOf(topology, mac)?.name ?? mac };
  const priority = /VRRPv[23], Advertisement, .*\bprio (\d+)/.exec(line)?.[1];
  if (priority !== undefined) return { ...about, kind: "advert", priority: Number(priority) };
  const claims = `(?:tell|Reply) ${topology.virtualIp.ipv4.replaceAll(".", "\\.")}\\b`;
  return new RegExp(claims).test(line) ? { ...about, kind: "claim" } : undefined;
}

function asNumber(ipv4: string): number {
  return ipv4.split(".").reduce((number, part) => number * 256 + Number(part), 0);
}
