// One fault: done to the lab while requests come to the virtual address; its cost and its end go into the matrix.
import { summary } from "../../lab/load";
import { startLoad, virtualIp } from "./lab";
import { noteFault } from "./faultMatrix";
import { tell } from "./stack";

/**
 * Does it, and notes how it ended in the words that come back from it.
 * @throws Error when more requests were lost than are allowed, whatever the work says
 */
export async function fault(name: string, work: () => Promise<string>, allowed = 0): Promise<void> {
  const load = await startLoad({ address: virtualIp.ipv4, port: 80, rate: 100, seconds: 880 });
  let ended = "FAILED";
  try {
    ended = await work();
  } finally {
    const result = await load.end();
    tell(`${name}: ${summary(result)}`);
    if (result.lost > allowed) ended = `FAILED: ${allowed} may be lost; ${ended}`;
    noteFault({ fault: name, sent: result.sent, lost: result.lost, ended });
  }
  const { lost } = await load.result;
  if (lost > allowed) throw new Error(`${name}: ${lost} requests were lost; ${allowed} may be`);
}
