/**
 * The client of a load: an open loop of HTTP requests, each on a new connection and without
 * retries. `load.ts` starts it in the client's namespace. It prints a line when it has begun and
 * its result at the end.
 */
import { connect } from "node:net";
import type { Load, LoadResult } from "./load";

const load = JSON.parse(process.argv[2] ?? "") as Required<Load>;
const result: LoadResult = {
  sent: 0,
  answered: 0,
  lost: 0,
  slow: 0,
  longestGapMs: 0,
  worstMs: 0,
  byServer: {},
  errors: {},
  lostInSecond: {},
  lostPorts: [],
};
let underWay = 0;
let ending = false;

const begun = performance.now();
let lastAnswer = begun;
// Count what is due by the clock: a late timer catches up, and a slow answer delays nothing.
const timer = setInterval(() => {
  const elapsed = Math.min((performance.now() - begun) / 1000, load.seconds);
  const due = Math.round(elapsed * load.rate);
  while (!ending && result.sent < due) request();
  if (elapsed === load.seconds) ending = true;
  if (ending && underWay === 0) finish();
}, 5);
// The parent closes standard input to end the load early.
process.stdin.on("end", () => (ending = true)).resume();
process.stdout.write("begun\n");

function request(): void {
  result.sent += 1;
  underWay += 1;
  const start = performance.now();
  let text = "";
  let over = false;
  let port = 0;
  const socket = connect({ host: load.address, port: load.port });
  const end = (outcome: (() => void) | string) => {
    if (over) return;
    over = true;
    underWay -= 1;
    clearTimeout(limit);
    socket.destroy();
    if (typeof outcome === "function") {
      outcome();
    } else {
      result.lost += 1;
      result.errors[outcome] = (result.errors[outcome] ?? 0) + 1;
      const second = Math.floor((start - begun) / 1000);
      result.lostInSecond[second] = (result.lostInSecond[second] ?? 0) + 1;
      result.lostPorts.push(port);
    }
  };
  const limit = setTimeout(() => {
    const reached = socket.connecting
      ? "no connection"
      : text === ""
        ? "no answer"
        : "half an answer";
    end(`${reached} in ${load.answerLimitMs / 1000} s`);
  }, load.answerLimitMs);
  // The port is known from now on, and no longer after the connection is cut.
  setImmediate(() => (port = socket.localPort ?? 0));
  socket.setEncoding("latin1");
  socket.on("connect", () => {
    socket.write(`GET / HTTP/1.1\r\nHost: ${load.address}\r\nConnection: close\r\n\r\n`);
  });
  socket.on("data", (chunk: string) => (text += chunk));
  socket.on("error", (error: NodeJS.ErrnoException) => {
    end(error.code ?? error.message);
  });
  socket.on("end", () => {
    const [, head = "", body = ""] = /^HTTP\/1\.1 200 ([^]*?\r\n)\r\n([^]*)$/.exec(text) ?? [];
    const length = /^Content-Length: (\d+)\r$/im.exec(head)?.[1];
    if (length === undefined) end("not an answer");
    else if (body.length < Number(length)) end("half an answer");
    else {
      end(() => {
        answered(start, body.trim());
      });
    }
  });
}

function answered(start: number, server: string): void {
  const now = performance.now();
  const took = now - start;
  result.answered += 1;
  result.byServer[server] = (result.byServer[server] ?? 0) + 1;
  result.worstMs = Math.max(result.worstMs, Math.round(took));
  if (took >= 1000) result.slow += 1;
  result.longestGapMs = Math.max(result.longestGapMs, Math.round(now - lastAnswer));
  lastAnswer = now;
}

function finish(): void {
  clearInterval(timer);
  process.stdout.write(`${JSON.stringify(result)}\n`);
  process.exit(0);
}
