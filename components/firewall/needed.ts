// What must come in, or the stack doesn't work: whichever packet filters the host has, firewall.sh looks whether one drops it.
import type { FirewallRules, Opening } from "./openings";
import { byPlace, portWords } from "./ports";

/** A line a place, as firewall-others.sh takes them. */
export function neededLines({
  services,
  peers,
  answers,
  forwarded,
  ipvs,
}: FirewallRules): string[] {
  // What conntrack leaves alone is of no connection that another packet filter knows.
  const state = ipvs ? "untracked" : "new";
  return [
    ...lines(state, services),
    ...lines("new", peers),
    ...lines(state, answers),
    ...lines("forwarded", forwarded),
  ];
}

function lines(state: string, openings: Opening[]): string[] {
  return byPlace(openings).map(({ opening, ports }) => {
    const { protocol, interface: device, from, to, fromPort, port } = opening;
    const list = ports.map((range) => portWords(range, "-")).join(",");
    return [
      state,
      protocol,
      ...(device ? ["in", device] : []),
      ...(from ? ["from", from] : []),
      ...(to ? ["to", to] : []),
      ...(fromPort ? ["sport", list] : []),
      ...(port ? ["dport", list] : []),
    ].join(" ");
  });
}
