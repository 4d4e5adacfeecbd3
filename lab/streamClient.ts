/**
 * The client of long-lived streams: connections that each send a byte at intervals and expect it
 * back. `streams.ts` starts it in the client's namespace. It prints a line when it has begun, and
 * every stream's record at the end.
 */
import { connect } from "node:net";
import type { Stream, StreamPlan } from "./streams";

/** How often each stream's clock is checked. */
const tickMs = 5;

const plan = JSON.parse(process.argv[2] ?? "") as StreamPlan;
const { address, port, byteEveryMs, groups, endAt } = plan;
const streams: Stream[] = [];
const due: { at: number; action: () => void }[] = groups.flatMap(({ name, count, from, until }) =>
  Array.from({ length: count }, (_, index) => ({
    at: from + ((until - from) * index) / count,
    action: () => {
      open(name);
    },
  })),
);
due.sort((a, b) => a.at - b.at);

const timer = setInterval(() => {
  const now = Date.now();
  while (due[0] && due[0].at <= now) due.shift()?.action();
  for (const send of senders) send(now);
  if (now >= endAt) finish();
}, tickMs);
/** For each open stream, a function that sends the next byte when it is due. */
const senders = new Set<(now: number) => void>();
process.stdout.write("begun\n");

function open(group: string): void {
  const stream: Stream = { group, openedAt: Date.now(), sent: [], received: [], inOrder: true };
  streams.push(stream);
  const socket = connect({ host: address, port });
  socket.setNoDelay(true);
  let greeting = "";
  const send = (now: number) => {
    const last = stream.sent.at(-1) ?? stream.openedAt;
    if (now < last + byteEveryMs || now > endAt - plan.quietMs) return;
    socket.write(Uint8Array.of(stream.sent.length % 256));
    stream.sent.push(now);
  };
  const end = (reason: string) => {
    senders.delete(send);
    stream.end ??= { at: Date.now(), reason };
  };
  socket.on("connect", () => {
    stream.connectedAt = Date.now();
    senders.add(send);
  });
  socket.on("data", (chunk: Buffer) => {
    let bytes = chunk;
    if (stream.server === undefined) {
      greeting += chunk.toString("latin1");
      const line = greeting.indexOf("\n");
      if (line < 0) return;
      stream.server = greeting.slice(0, line);
      bytes = Buffer.from(greeting.slice(line + 1), "latin1");
    }
    const now = Date.now();
    for (const byte of bytes) {
      if (byte !== stream.received.length % 256) stream.inOrder = false;
      stream.received.push(now);
    }
  });
  socket.on("error", (error: NodeJS.ErrnoException) => {
    end(error.code ?? error.message);
  });
  socket.on("close", () => {
    end("closed by the other side");
  });
}

function finish(): void {
  clearInterval(timer);
  process.stdout.write(`${JSON.stringify(streams)}\n`, () => process.exit(0));
}
