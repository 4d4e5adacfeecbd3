/** Long-lived TCP streams through the virtual IP, and what becomes of them when the power of a director is cut. */
import { join } from "node:path";

import type { Lab } from "./instance";
import { inNamespace } from "./network";
import { projectRoot } from "./paths";
import { run } from "./run";

/** Streams to open. All times are milliseconds since the epoch. */
export interface StreamPlan {
  address: string;
  port: number;
  /** Each stream sends a byte this often, and the real server sends it back. */
  byteEveryMs: number;
  groups: readonly StreamGroup[];
  endAt: number;
  /** Before the end no more bytes are sent for so long: what is on its way can come back. */
  quietMs: number;
}

/** Streams that are opened evenly over a time. */
export interface StreamGroup {
  name: string;
  count: number;
  from: number;
  until: number;
}

/** What the client saw of one stream. */
export interface Stream {
  group: string;
  openedAt: number;
  connectedAt?: number;
  /** The real server, by the name it says. */
  server?: string;
  /** When each byte was sent. */
  sent: number[];
  /** When each came back. */
  received: number[];
  /** Every byte that came was the one that was expected. */
  inOrder: boolean;
  /** Why it isn't open any more. */
  end?: { at: number; reason: string };
}

/** What became of the streams of a group. */
export interface Survival {
  streams: number;
  /** Still open at the end, and every byte that was sent has come back in order. */
  alive: number;
  reset: number;
  /** Open at the end, but bytes are missing or wrong: a black hole. */
  stuck: number;
  /** Ended in other ways, or before the cut. */
  other: Record<string, number>;
  /** For each that is alive: from the cut to the first echo of a byte that was sent after it, in milliseconds. */
  firstByteMs: number[];
  /** Streams by real server. */
  byServer: Record<string, number>;
}

/**
 * Starts the client.
 *
 * @returns what became of each stream, once the plan's end has come
 * @throws Error when the client can't be started, or dies
 */
export async function runStreams({ namespaces }: Lab, plan: StreamPlan): Promise<Stream[]> {
  const program = ["--import", "tsx", join(projectRoot, "lab/streamClient.ts")];
  const [command, args] = inNamespace(namespaces.client, process.execPath, [
    ...program,
    JSON.stringify(plan),
  ]);
  const timeoutSeconds = (plan.endAt - Date.now()) / 1000 + 30;
  const { stdout, stderr, exitCode } = await run(command, args, {
    cwd: projectRoot,
    timeoutSeconds,
  });
  if (exitCode !== 0) throw new Error(`the stream client ended with ${exitCode}: ${stderr}`);
  return JSON.parse(stdout.replace("begun\n", "")) as Stream[];
}

/** Judges the streams of a group by what a cut did to them. */
export function survival(streams: readonly Stream[], cutAt: number): Survival {
  const result: Survival = {
    streams: streams.length,
    alive: 0,
    reset: 0,
    stuck: 0,
    other: {},
    firstByteMs: [],
    byServer: {},
  };
  for (const stream of streams) {
    const server = stream.server ?? "none";
    result.byServer[server] = (result.byServer[server] ?? 0) + 1;
    const firstSent = stream.sent.findIndex((at) => at >= cutAt);
    const firstByte = stream.received[firstSent];
    const whole = stream.inOrder && stream.received.length === stream.sent.length;
    if (stream.end?.reason === "ECONNRESET" && stream.end.at >= cutAt) {
      result.reset += 1;
    } else if (stream.end) {
      const reason = stream.end.at < cutAt ? "ended before the cut" : stream.end.reason;
      result.other[reason] = (result.other[reason] ?? 0) + 1;
    } else if (whole && firstByte !== undefined) {
      result.alive += 1;
      result.firstByteMs.push(firstByte - cutAt);
    } else {
      result.stuck += 1;
    }
  }
  return result;
}
