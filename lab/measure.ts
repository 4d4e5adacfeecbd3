/** Measurements of the load balancer, from the lab's kernels and wires. */
import { setTimeout as delay } from "node:timers/promises";

import type { Lab } from "./instance";
import { inClient, isOn, onHost, powerCut } from "./lab";
import { type LoadResult, startLoad } from "./load";
import { listen } from "./tcpdump";
import { hostsOf, ownerOf } from "./topology";
import { waitFor } from "./waitFor";

/** A lab's directors. */
export const directorsOf = ({ topology }: Lab) => hostsOf(topology, "director");

/** A lab's real servers. */
export const realServersOf = ({ topology }: Lab) => hostsOf(topology, "web");

/** The port of the development stack's virtual server. */
const port = 80;

/** `ipvsadm -Ln` on a director: the check that the cookbook's README recommends. */
export async function ipvsTable(lab: Lab, director: string): Promise<string> {
  const { stdout, stderr, exitCode } = await onHost(lab, director, "ipvsadm -Ln");
  if (exitCode !== 0) throw new Error(`ipvsadm -Ln on ${director}: ${stderr}`);
  return stdout.trimEnd();
}

/**
 * The directors that hold the virtual IP or another address: one, if all is well. Unreachable
 * directors hold nothing.
 */
export async function holders(lab: Lab, address = lab.topology.virtualIp.ipv4): Promise<string[]> {
  const answers = await Promise.all(
    directorsOf(lab).map(async ({ name }) => {
      if (!isOn(lab, name)) return [];
      try {
        const { stdout } = await onHost(lab, name, "ip -o addr show", { timeoutSeconds: 10 });
        return stdout.includes(` ${address}/`) ? [name] : [];
      } catch {
        return [];
      }
    }),
  );
  return answers.flat();
}

/** Waits until exactly one director holds the virtual IP, and returns it. */
export function activeDirector(lab: Lab): Promise<string> {
  return waitFor(
    async () => {
      const found = await holders(lab);
      if (found.length === 1) return found[0];
      throw new Error(`held by ${found.join(" and ") || "nobody"}`);
    },
    { what: `one director holds ${lab.topology.virtualIp.ipv4}`, timeoutSeconds: 30 },
  );
}

/** Sends requests to the virtual IP or another address, evenly over some seconds. */
export async function requests(
  lab: Lab,
  { count = 60, rate = 50, address = lab.topology.virtualIp.ipv4 } = {},
): Promise<LoadResult> {
  const { result } = await startLoad(lab, { address, port, rate, seconds: count / rate });
  return result;
}

/** Counts, by host, the ARP replies for the virtual IP. Each round asks anew. */
export async function arpAnswers(lab: Lab, rounds: number): Promise<Record<string, number>> {
  const { ipv4 } = lab.topology.virtualIp;
  const answers: Record<string, number> = {};
  for (let round = 0; round < rounds; round++) {
    await inClient(lab, "ip", ["neigh", "flush", "to", ipv4]);
    await requests(lab, { count: 1, rate: 10 });
    const { stdout } = await inClient(lab, "ip", ["neigh", "show", "to", ipv4]);
    const who = nameOfMac(lab, /lladdr (\S+)/.exec(stdout)?.[1]);
    answers[who] = (answers[who] ?? 0) + 1;
  }
  return answers;
}

/** Counts, by host, the packets of the virtual IP's replies, using their source MAC addresses. */
export async function replySenders(lab: Lab, count: number): Promise<Record<string, number>> {
  const { virtualIp, networks } = lab.topology;
  const filter = `src host ${virtualIp.ipv4} and tcp src port ${port}`;
  const listening = await listen(lab, networks.public.bridge, ["-e", "-l", filter]);
  await requests(lab, { count });
  const heard = await listening.end();
  const senders: Record<string, number> = {};
  for (const [, mac] of heard.matchAll(/^\S+ ([0-9a-f:]{17}) > /gm)) {
    const who = nameOfMac(lab, mac);
    senders[who] = (senders[who] ?? 0) + 1;
  }
  return senders;
}

/** Cuts the active director's power while requests are coming. */
export async function powerCutUnderLoad(
  lab: Lab,
  options: {
    rate: number;
    /** Length of the load. */
    seconds: number;
    /** When to cut the power, after the start of the load. */
    cutAfterSeconds: number;
  },
): Promise<{ cut: string; active: string; load: LoadResult }> {
  const { rate, seconds, cutAfterSeconds } = options;
  const cut = await activeDirector(lab);
  const { result } = await startLoad(lab, {
    address: lab.topology.virtualIp.ipv4,
    port,
    rate,
    seconds,
  });
  await delay(cutAfterSeconds * 1000);
  await powerCut(lab, cut);
  const load = await result;
  return { cut, active: await activeDirector(lab), load };
}

function nameOfMac({ topology }: Lab, mac: string | undefined): string {
  return ownerOf(topology, mac)?.name ?? mac ?? "nobody";
}
