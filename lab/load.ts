/** Load on the virtual IP, sent by the client on the public network. */
import { join } from "node:path";

import type { Lab } from "./instance";
import { inNamespace } from "./network";
import { projectRoot } from "./paths";
import { start } from "./run";
import { waitFor } from "./waitFor";

/** An open loop: requests are sent at a fixed rate, whatever becomes of earlier ones. */
export interface Load {
  address: string;
  port: number;
  /** Requests per second, each on a new connection. */
  rate: number;
  /** The load's length, unless it is ended before. */
  seconds: number;
  /**
   * A request without a complete answer after this time is lost. Linux retries a connection after 1
   * s and 3 s, so a limit of 3 s would cut off a request that is about to be answered.
   *
   * @default 4000
   */
  answerLimitMs?: number;
}

/** The requests' results. */
export interface LoadResult {
  sent: number;
  answered: number;
  /** No complete answer within the limit, refused, or cut off. Nothing is retried. */
  lost: number;
  /** Answered after a second or more: the cost of a lost SYN. */
  slow: number;
  /** The longest time without an answer, counted from the start of the load, in milliseconds. */
  longestGapMs: number;
  /** The slowest answer, in milliseconds. */
  worstMs: number;
  /** Answers by the real server's name in them. */
  byServer: Record<string, number>;
  /** Lost requests by reason. */
  errors: Record<string, number>;
  /** Lost requests by the second in which they were sent. */
  lostInSecond: Record<string, number>;
  /** Client ports of lost requests, for a search in `ipvsadm -Lnc` or a capture. */
  lostPorts: number[];
}

/** A running load. */
export interface RunningLoad {
  /** The result at the load's end. */
  result: Promise<LoadResult>;
  /** Ends the load now, waits for outstanding answers, and returns the result. */
  end(): Promise<LoadResult>;
}

/** A load with every setting filled in. */
export function loadPlan(load: Load): Required<Load> {
  return { answerLimitMs: 4000, ...load };
}

/**
 * Starts a load and returns when its first request is due.
 *
 * @throws Error when the client can't be started or dies; and as {@link accounted}
 */
export async function startLoad({ namespaces }: Lab, load: Load): Promise<RunningLoad> {
  const plan = JSON.stringify(loadPlan(load));
  const program = ["--import", "tsx", join(projectRoot, "lab/loadClient.ts"), plan];
  const [command, args] = inNamespace(namespaces.client, process.execPath, program);
  const client = start(command, args, { cwd: projectRoot, input: "pipe" });
  // The last answers may take their full limit; a client still running long after that hangs.
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
  // Avoid an unhandled rejection: callers see the error when they await the result.
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
 * Checks that a result accounts for every request.
 *
 * @throws Error when sent requests are neither answered nor lost, or the details don't add up
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

/** A one-line summary: `1400 sent, 1400 answered, 0 lost, longest gap 341 ms`. */
export function summary(result: LoadResult): string {
  const { sent, answered, lost, slow, worstMs, longestGapMs, errors, lostInSecond } = result;
  const reasons = Object.entries(errors).map(([reason, count]) => `${count} ${reason}`);
  if (lost > 0) reasons.push(`sent in seconds ${Object.keys(lostInSecond).join(", ")}`);
  return (
    `${sent} sent, ${answered} answered, ${lost} lost${reasons.length > 0 ? ` (${reasons.join(", ")})` : ""}, ` +
    `${slow} took 1 s or more, slowest ${worstMs} ms, longest gap ${longestGapMs} ms`
  );
}
