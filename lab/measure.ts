/** What the lab's kernels and wires say about the load balancer: measured, not judged. */
import { setTimeout as delay } from "node:timers/promises";

import { type LabHost, hosts, virtualIp } from "./hosts";
import { inClient, onHost, powerCut } from "./lab";
import { type LoadResult, startLoad } from "./load";
import { waitFor } from "./waitFor";

/** The lab's directors. */
export const directors = hosts.filter(({ role }) => role === "director");

/** The lab's real servers. */
export const realServers = hosts.filter(({ role }) => role === "web");

/** The port of the development stack's virtual server. */
const port = 80;

/** `ipvsadm -Ln` on a director: the check that the cookbook's README tells its users to make. */
export async function ipvsTable(director: string): Promise<string> {
  const { stdout, stderr, exitCode } = await onHost(director, "ipvsadm -Ln");
  if (exitCode !== 0) throw new Error(`ipvsadm -Ln on ${director}: ${stderr}`);
  return stdout.trimEnd();
}

/** The directors that hold the virtual IP: one, when all is well. Those that can't be reached hold nothing. */
export async function holders(): Promise<string[]> {
  const answers = await Promise.all(
    directors.map(async ({ name }) => {
      try {
        const { stdout } = await onHost(name, "ip -4 -o addr show dev eth1", {
          timeoutSeconds: 10,
        });
        return stdout.includes(` ${virtualIp.ipv4}/`) ? [name] : [];
      } catch {
        return [];
      }
    }),
  );
  return answers.flat();
}

/** The director that holds the virtual IP, once exactly one does. */
export function activeDirector(): Promise<string> {
  return waitFor(
    async () => {
      const found = await holders();
      if (found.length === 1) return found[0];
      throw new Error(`held by ${found.join(" and ") || "nobody"}`);
    },
    { what: `one director holds ${virtualIp.ipv4}`, timeoutSeconds: 30 },
  );
}

/** Requests to the virtual IP, evenly over some seconds. */
export async function requests(count: number, rate = 50): Promise<LoadResult> {
  const { result } = await startLoad({
    address: virtualIp.ipv4,
    port,
    rate,
    seconds: count / rate,
  });
  return result;
}

/** Who answers ARP for the virtual IP, asked afresh each time: names of hosts, with how often each did. */
export async function arpAnswers(rounds: number): Promise<Record<string, number>> {
  const answers: Record<string, number> = {};
  for (let round = 0; round < rounds; round++) {
    await inClient("ip", ["neigh", "flush", "to", virtualIp.ipv4]);
    await requests(1, 10);
    const { stdout } = await inClient("ip", ["neigh", "show", "to", virtualIp.ipv4]);
    const who = nameOfMac(/lladdr (\S+)/.exec(stdout)?.[1]);
    answers[who] = (answers[who] ?? 0) + 1;
  }
  return answers;
}

/** Whose MAC address the virtual IP's replies come from, counted in packets. */
export async function replySenders(count: number): Promise<Record<string, number>> {
  const filter = `src host ${virtualIp.ipv4} and tcp src port ${port}`;
  const capture = inClient("timeout", ["6", "tcpdump", "-n", "-e", "-l", "-i", "eth1", filter], {
    timeoutSeconds: 20,
  });
  // tcpdump has no sign of being ready that could be waited for without reading its output as it comes.
  await delay(1000);
  await requests(count);
  const { stdout } = await capture;
  const senders: Record<string, number> = {};
  for (const [, mac] of stdout.matchAll(/^\S+ ([0-9a-f:]{17}) > /gm)) {
    const who = nameOfMac(mac);
    senders[who] = (senders[who] ?? 0) + 1;
  }
  return senders;
}

/** A power cut of the active director while requests are coming. */
export async function powerCutUnderLoad(options: {
  rate: number;
  /** Length of the load. */
  seconds: number;
  /** When the power is cut. */
  cutAfterSeconds: number;
}): Promise<{ cut: string; active: string; load: LoadResult }> {
  const { rate, seconds, cutAfterSeconds } = options;
  const cut = await activeDirector();
  const { result } = await startLoad({ address: virtualIp.ipv4, port, rate, seconds });
  await delay(cutAfterSeconds * 1000);
  await powerCut(cut);
  const load = await result;
  return { cut, active: await activeDirector(), load };
}

function nameOfMac(mac: string | undefined): string {
  const owner = (host: LabHost) => host.interfaces.some((own) => own.mac === mac);
  return hosts.find(owner)?.name ?? mac ?? "nobody";
}
