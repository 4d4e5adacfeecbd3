// One fault in the lab while requests come to the virtual address. Its cost and result are added to
// the matrix.
import { summary } from "../../lab/load";
import { startLoad, virtualIp } from "./lab";
import { noteFault } from "./faultMatrix";
import { tell } from "./stack";

/**
 * Runs the fault and records how it ended, in the words that `work` returns.
 * @throws Error when more than the allowed number of requests were lost, whatever `work` returns
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
