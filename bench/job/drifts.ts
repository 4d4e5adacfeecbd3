/** What somebody does to a host by hand: each by a seed, for a drift check to find. */
import { asRoot } from "../../lab/experiments/asRoot";
import type { Lab } from "../../lab/instance";
import type { Job } from "./end";

const onDirectors: Record<string, (job: Job) => string> = {
  "a real server is taken out of IPVS": ({ vip, port, realServers: [first] }) =>
    `ipvsadm -d -t ${vip}:${port} -r ${first?.address ?? ""}:${port}`,
  "keepalived.conf is edited": () =>
    "sed -i 's/delay_loop .*/delay_loop 7/' /etc/keepalived/keepalived.conf",
  "keepalived is off at the next boot": () => "systemctl -q disable keepalived",
  "connections to a dead server are kept": () => "sysctl -qw net.ipv4.vs.expire_nodest_conn=0",
};

const onRealServers: Record<string, (job: Job) => string> = {
  "the virtual address is gone": ({ vip }) => `ip addr del ${vip}/32 dev lo`,
  "it answers ARP for the virtual address": () => "sysctl -qw net.ipv4.conf.all.arp_ignore=0",
  "the firewall is gone": () => "nft flush ruleset",
};

/** A drift: what it is, and the command that makes it. */
interface Drift {
  what: string;
  command: string;
}

/** One drift for each host, as a seed draws them, by host. */
export function driftKinds(job: Job, seed: number): Record<string, Drift> {
  const draw = (hosts: { name: string }[], table: typeof onDirectors) => {
    const kinds = Object.entries(table).map(([what, make]) => ({ what, command: make(job) }));
    return hosts.flatMap(({ name }, i) => {
      const kind = kinds[(seed + i) % kinds.length];
      return kind ? [[name, kind] as const] : [];
    });
  };
  return Object.fromEntries([
    ...draw(job.directors, onDirectors),
    ...draw(job.realServers, onRealServers),
  ]);
}

/** Makes them; what was done, by host. */
export async function driftHosts(
  lab: Lab,
  job: Job,
  seed: number,
): Promise<Record<string, string>> {
  const kinds = Object.entries(driftKinds(job, seed));
  for (const [name, { command }] of kinds) await asRoot(lab, name, command);
  return Object.fromEntries(kinds.map(([name, { what }]) => [name, what]));
}
