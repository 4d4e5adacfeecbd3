/** A load on the virtual IP, from the client on the public network. */
import { join } from "node:path";

import type { Lab } from "./instance";
import { inNamespace } from "./network";
import { projectRoot } from "./paths";
import { start } from "./run";
import { waitFor } from "./waitFor";

/** An open loop: requests are sent at their rate, whatever becomes of those before. */
export interface Load {
  address: string;
  port: number;
  /** Requests a second, each on a new connection. */
  rate: number;
  /** How long, unless it is ended before. */
  seconds: number;
  /**
   * A request with no whole answer by then is lost. Linux asks for a connection again after 1 s and after 3 s: a limit of 3 s would
   * cut off what is about to be answered.
   *
   * @default 4000
   */
  answerLimitMs?: number;
}

/** What became of the requests. */
export interface LoadResult {
  sent: number;
  answered: number;
  /** No whole answer within the limit, or refused, or cut: nothing was tried again. */
  lost: number;
  /** Answered, but after a second or more: a lost SYN costs one. */
  slow: number;
  /** The longest time without an answer, from the load's beginning on, in milliseconds. */
  longestGapMs: number;
  /** The slowest answer, in milliseconds. */
  worstMs: number;
  /** Answers by the name that the real server says. */
  byServer: Record<string, number>;
  /** Lost requests by reason. */
  errors: Record<string, number>;
  /** Lost requests by the second of the load in which they were sent. */
  lostInSecond: Record<string, number>;
  /** The client's ports of lost requests: what `ipvsadm -Lnc` and a capture know them by. */
  lostPorts: number[];
}

/** A load that has begun. */
export interface RunningLoad {
  /** What became of it, when its time is over. */
  result: Promise<LoadResult>;
  /** Ends it now, waits for the answers under way, and tells. */
  end(): Promise<LoadResult>;
}

/** A load with everything said that the client has to know. */
export function loadPlan(load: Load): Required<Load> {
  return { answerLimitMs: 4000, ...load };
}

/**
 * Starts a load and comes back when its first request is due.
 *
 * @throws Error when the client can't be started, or dies; and as {@link accounted}
 */
export async function startLoad({ namespaces }: Lab, load: Load): Promise<RunningLoad> {
  const plan = JSON.stringify(loadPlan(load));
  const program = ["--import", "tsx", join(projectRoot, "lab/loadClient.ts"), plan];
  const [command, args] = inNamespace(namespaces.client, process.execPath, program);
  const client = start(command, args, { cwd: projectRoot, input: "pipe" });
  // The last answers may take as long as their limit; a client that is still there long after that hangs.
  const limit = setTimeout(
    () => {
      client.signal("SIGKILL", "group");
    },
    (load.seconds + 30) * 1000,
  );
  const result = client.ended.then(({ stdout, stderr, exitCode }) => {
    clearTimeout(limit);
    if (exitCode !== 0) throw new Error(`the load client ended with ${exitCode}: ${stderr}`);
    return accounted(JSON.parse(stdout.replace("begun\n", "")) as LoadResult);
  });
  // Whoever ends the load hears of it then.
  result.catch(() => undefined);
  await waitFor(() => client.stdout().startsWith("begun\n") || client.hasEnded(), {
    what: "the load begins",
    timeoutSeconds: 60,
    intervalSeconds: 0.005,
  });
  return {
    result,
    end: () => {
      client.endInput();
      return result;
    },
  };
}

/**
 * A result, unless it forgets a request: what can't be counted can't be judged.
 *
 * @throws Error when not every request that was sent is answered or lost, or the details don't add up to these
 */
export function accounted(result: LoadResult): LoadResult {
  const { sent, answered, lost, byServer, errors, lostInSecond, lostPorts } = result;
  const sum = (counts: Record<string, number>) => Object.values(counts).reduce((a, b) => a + b, 0);
  const fits =
    sent === answered + lost &&
    answered === sum(byServer) &&
    [sum(errors), sum(lostInSecond), lostPorts.length].every((count) => count === lost);
  if (!fits) throw new Error(`the load client has lost count: ${JSON.stringify(result)}`);
  return result;
}

/** A line for people: `1400 sent, 1400 answered, 0 lost, longest gap 341 ms`. */
export function summary(result: LoadResult): string {
  const { sent, answered, lost, slow, worstMs, longestGapMs, errors, lostInSecond } = result;
  const reasons = Object.entries(errors).map(([reason, count]) => `${count} ${reason}`);
  if (lost > 0) reasons.push(`sent in seconds ${Object.keys(lostInSecond).join(", ")}`);
  return (
    `${sent} sent, ${answered} answered, ${lost} lost${reasons.length > 0 ? ` (${reasons.join(", ")})` : ""}, ` +
    `${slow} took 1 s or more, slowest ${worstMs} ms, longest gap ${longestGapMs} ms`
  );
}
