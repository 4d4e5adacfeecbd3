// Runs actions while requests come to the virtual address, and reports what happened to these.
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type LoadResult, summary } from "../../lab/load";
import { listen, networks, startLoad, virtualIp } from "./lab";
import { output } from "../../lab/run";
import { tell } from "./stack";

/** Requests per second, and the maximum time in seconds, which must be longer than the action. */
export interface Requests {
  rate: number;
  seconds: number;
}

/**
 * Runs an action while requests come; they end with it. Prints the packets of some lost requests.
 */
export async function underLoad(
  requests: Requests,
  work: () => Promise<void>,
): Promise<LoadResult> {
  const folder = await mkdtemp(join(tmpdir(), "lvs-ha-wire-"));
  const wire = join(folder, "wire.pcap");
  // Headers only: 100 MB are four minutes of 300 requests per second.
  const headers = ["-s", "100", "-B", "16384", "-w", wire, "tcp port 80"];
  const listening = await listen(networks.public.bridge, headers);
  try {
    const began = Date.now() / 1000;
    const load = await startLoad({ address: virtualIp.ipv4, port: 80, ...requests });
    try {
      await work();
    } finally {
      const result = await load.end();
      tell(`  ${summary(result)}`);
      await listening.end();
      if (result.lost > 0) tell(await packetsOfLost(wire, began, result));
    }
    return await load.result;
  } finally {
    await listening.end();
    await rm(folder, { recursive: true });
  }
}

/** {@link underLoad} at a given rate, for an action that takes less than 20 minutes. */
export const under = (rate: number, work: () => Promise<void>) =>
  underLoad({ rate, seconds: 1180 }, work);

/**
 * The packets of some lost requests, with MAC addresses, starting before the client used their
 * ports.
 */
async function packetsOfLost(wire: string, began: number, lost: LoadResult): Promise<string> {
  const seconds = Object.keys(lost.lostInSecond).map(Number);
  const ofPort = async (port: number) => {
    const words = ["-tt", "-nn", "-e", "-r", wire, `tcp port ${port}`];
    return (await output("tcpdump", words)).split("\n").filter((line) => {
      const second = Number.parseFloat(line) - began;
      return seconds.some((one) => one - 16 < second && second < one + 8);
    });
  };
  const found = await Promise.all(lost.lostPorts.slice(0, 4).map(ofPort));
  return [
    `  lost in second: ${JSON.stringify(lost.lostInSecond)}`,
    `  from the client's ports: ${lost.lostPorts.join(", ")}`,
    `  on the wire, of ${found.length} of them; the load began at ${began.toFixed(3)}:`,
    ...found.flatMap((lines) => lines.slice(-40)),
  ].join("\n");
}
