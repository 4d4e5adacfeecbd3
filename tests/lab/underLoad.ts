// What is done to the lab while requests come to the virtual address, and what became of these.
import { virtualIp } from "../../lab/hosts";
import { type LoadResult, startLoad, summary } from "../../lab/load";
import { tell } from "./stack";

/** Requests a second, and for how long at most: longer than the work may take. */
export interface Requests {
  rate: number;
  seconds: number;
}

/** Does something while requests come; they end with it. */
export async function underLoad(
  requests: Requests,
  work: () => Promise<void>,
): Promise<LoadResult> {
  const load = await startLoad({ address: virtualIp.ipv4, port: 80, ...requests });
  try {
    await work();
  } finally {
    const result = await load.end();
    tell(`  ${summary(result)}`);
    if (result.lost > 0) {
      tell(`  lost in second: ${JSON.stringify(result.lostInSecond)}`);
      tell(`  from the client's ports: ${result.lostPorts.join(", ")}`);
    }
  }
  return load.result;
}
