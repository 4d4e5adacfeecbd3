/** Long-lived TCP streams through the virtual IP, and their fate when a director's power is cut. */
import { join } from "node:path";

import type { Lab } from "./instance";
import { inNamespace } from "./network";
import { projectRoot } from "./paths";
import { run } from "./run";

/** The streams to open. All times are milliseconds since the epoch. */
export interface StreamPlan {
  address: string;
  port: number;
  /** Each stream sends a byte this often, and the real server echoes it. */
  byteEveryMs: number;
  groups: readonly StreamGroup[];
  endAt: number;
  /** No bytes are sent in this time before the end, so that bytes under way can come back. */
  quietMs: number;
}

/** Streams that are opened evenly over a time. */
export interface StreamGroup {
  name: string;
  count: number;
  from: number;
  until: number;
}

/** The client's record of one stream. */
export interface Stream {
  group: string;
  openedAt: number;
  connectedAt?: number;
  /** The real server, by the name it sent. */
  server?: string;
  /** When each byte was sent. */
  sent: number[];
  /** When each byte came back. */
  received: number[];
  /** Every received byte was the expected one. */
  inOrder: boolean;
  /** Why the stream is no longer open. */
  end?: { at: number; reason: string };
}

/** The fate of a group's streams. */
export interface Survival {
  streams: number;
  /** Still open at the end, with every byte back in order. */
  alive: number;
  reset: number;
  /** Open at the end, but with missing or wrong bytes: a black hole. */
  stuck: number;
  /** Ended in other ways, or before the cut, by reason. */
  other: Record<string, number>;
  /** For each stream alive, milliseconds from the cut to the first echo of a byte sent after it. */
  firstByteMs: number[];
  /** Streams by real server. */
  byServer: Record<string, number>;
}

/**
 * Starts the client.
 *
 * @returns the record of each stream, at the plan's end
 * @throws Error when the client can't be started or dies
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

/** Classifies a group's streams by what a cut did to them. */
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
