// The lab's clients, which say what was lost: on loopback, against servers that do what servers do.
import { createServer, type Server, type Socket } from "node:net";
import type { AddressInfo } from "node:net";
import { accounted, type Load, loadPlan, type LoadResult, startLoad } from "../../lab/load";
import { runStreams, type Stream } from "../../lab/streams";
import * as network from "../../lab/network";
import { labOf } from "../../lab/instance";
import { dev } from "../../lab/topologies/dev";

// Without the lab there is no namespace to run a client in.
jest.mock("../../lab/network");
const inNamespace = jest.mocked(network.inNamespace);
beforeEach(() => {
  inNamespace.mockImplementation((_, command, args) => [command, [...args]]);
});

const lab = labOf(dev);

const servers: Server[] = [];
afterEach(() => {
  for (const server of servers.splice(0)) server.close();
});

/** A server on loopback that does this with each connection, numbered from 0; its port. */
async function serve(answer: (socket: Socket, index: number) => void): Promise<number> {
  let connections = 0;
  const server = createServer((socket) => {
    socket.on("error", () => undefined);
    answer(socket, connections++);
  });
  servers.push(server);
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return (server.address() as AddressInfo).port;
}

const http = (body: string) => `HTTP/1.1 200 OK\r\nContent-Length: ${body.length}\r\n\r\n${body}`;

const behaviour = {
  answers: (socket: Socket) => {
    socket.once("data", () => socket.end(http("web1\n")));
  },
  "answers slowly": (socket: Socket) => {
    socket.once("data", () => setTimeout(() => socket.end(http("web1\n")), 1100));
  },
  "says nothing": () => undefined,
  "stops half-way": (socket: Socket) => {
    socket.once("data", () => socket.write("HTTP/1.1 200 OK\r\n"));
  },
  "closes at once": (socket: Socket) => {
    socket.once("data", () => socket.end());
  },
  "closes half-way": (socket: Socket) => {
    socket.once("data", () => socket.end(http("web1\n").slice(0, -2)));
  },
  "closes before the body": (socket: Socket) => {
    socket.once("data", () => socket.end(http("web1\n").slice(0, -5)));
  },
  "closes within the header": (socket: Socket) => {
    socket.once("data", () => socket.end("HTTP/1.1 200 OK\r\n"));
  },
  resets: (socket: Socket) => {
    socket.once("data", () => socket.resetAndDestroy());
  },
  "resets half-way": (socket: Socket) => {
    socket.once("data", () => {
      socket.write(http("web1\n").slice(0, -2), () => socket.resetAndDestroy());
    });
  },
  "answers with an error": (socket: Socket) => {
    socket.once("data", () => socket.end(http("sorry\n").replace("200 OK", "503 No")));
  },
} satisfies Record<string, (socket: Socket) => void>;

const load = (port: number, change: Partial<Load> = {}): Load => ({
  ...{ address: "127.0.0.1", port, rate: 50, seconds: 0.2, answerLimitMs: 3000 },
  ...change,
});

async function outcome(plan: Load): Promise<LoadResult> {
  return (await startLoad(lab, plan)).result;
}

test("each answer counts for the server that gave it, and nothing is lost", async () => {
  const port = await serve((socket, index) => {
    socket.once("data", () => socket.end(http(index % 2 === 0 ? "web1\n" : "web2\n")));
  });
  expect(await outcome(load(port))).toMatchObject({
    ...{ sent: 10, answered: 10, lost: 0, slow: 0, byServer: { web1: 5, web2: 5 } },
    ...{ errors: {}, lostInSecond: {}, lostPorts: [] },
  });
});

test.each<[keyof typeof behaviour, string | RegExp]>([
  ["says nothing", "no answer in 0.3 s"],
  ["stops half-way", "half an answer in 0.3 s"],
  ["closes at once", "not an answer"],
  ["closes half-way", "half an answer"],
  ["closes before the body", "half an answer"],
  ["closes within the header", "not an answer"],
  ["resets", "ECONNRESET"],
  // Linux may tell the reader of the end first, or of the reset.
  ["resets half-way", /^(half an answer|ECONNRESET)$/],
  ["answers with an error", "not an answer"],
])("every request to a server that %s is lost", async (what, error) => {
  const ports: (number | undefined)[] = [];
  const port = await serve((socket) => {
    ports.push(socket.remotePort);
    behaviour[what](socket);
  });
  const result = await outcome(load(port, { answerLimitMs: 300 }));
  expect(result).toMatchObject({
    ...{ sent: 10, answered: 0, lost: 10, byServer: {} },
  });
  for (const reason of Object.keys(result.errors)) expect(reason).toMatch(error);
  expect(result.lostPorts.sort()).toEqual(ports.sort());
});

test("a request that nobody takes is lost", async () => {
  const port = await serve(behaviour.answers);
  servers.pop()?.close();
  expect(await outcome(load(port))).toMatchObject({
    ...{ sent: 10, answered: 0, lost: 10, errors: { ECONNREFUSED: 10 } },
  });
});

test("of good and bad answers, the bad ones are lost, and none is tried again", async () => {
  const kinds = Object.values(behaviour).filter((kind) => kind !== behaviour["resets half-way"]);
  let connections = 0;
  const port = await serve((socket, index) => {
    connections += 1;
    kinds[index % kinds.length]?.(socket);
  });
  const seconds = kinds.length / 50;
  expect(await outcome(load(port, { seconds, answerLimitMs: 1500 }))).toMatchObject({
    ...{ sent: kinds.length, answered: 2, lost: kinds.length - 2, slow: 1, byServer: { web1: 2 } },
    errors: {
      ...{ "no answer in 1.5 s": 1, "half an answer in 1.5 s": 1 },
      ...{ "not an answer": 3, "half an answer": 2, ECONNRESET: 1 },
    },
  });
  expect(connections).toBe(kinds.length);
});

test("an answer that comes after the limit is lost", async () => {
  const port = await serve(behaviour["answers slowly"]);
  expect(await outcome(load(port, { answerLimitMs: 300 }))).toMatchObject({
    answered: 0,
    lost: 10,
  });
});

test("a second without an answer is a gap, and the answers after it are slow", async () => {
  const { slow, longestGapMs, worstMs } = await outcome(
    load(await serve(behaviour["answers slowly"])),
  );
  expect(slow).toBe(10);
  expect(longestGapMs).toBeGreaterThanOrEqual(1100);
  expect(worstMs).toBeGreaterThanOrEqual(1100);
});

test("a load that is ended waits for the requests under way", async () => {
  const held: Socket[] = [];
  const port = await serve((socket) => {
    held.push(socket);
    socket.once("data", () => socket.end(http("web1\n")));
  });
  const running = await startLoad(lab, load(port, { seconds: 600 }));
  const result = await running.end();
  expect(result.sent).toBeLessThan(50 * 600);
  expect(result).toMatchObject({ answered: result.sent, lost: 0 });
  expect(held).toHaveLength(result.sent);
});

test("a request has 4 s for its answer, unless the load says otherwise", () => {
  const asked = { address: "192.0.2.100", port: 80, rate: 1, seconds: 1 };
  expect(loadPlan(asked).answerLimitMs).toBe(4000);
  expect(loadPlan({ ...asked, answerLimitMs: 100 }).answerLimitMs).toBe(100);
});

const counted: LoadResult = {
  ...{ sent: 5, answered: 3, lost: 2, slow: 0, longestGapMs: 0, worstMs: 0 },
  ...{ byServer: { web1: 2, web2: 1 }, errors: { ECONNRESET: 2 } },
  ...{ lostInSecond: { 0: 1, 7: 1 }, lostPorts: [40001, 40002] },
};

test("a result in which every request is answered or lost is taken", () => {
  expect(accounted(counted)).toBe(counted);
});

const miscounts: [string, Partial<LoadResult>][] = [
  ["a request that is neither answered nor lost", { sent: 6 }],
  ["a request too many", { sent: 4 }],
  ["a lost request that isn't counted", { lost: 1 }],
  ["an answer that isn't counted", { answered: 2 }],
  ["an answer of no server", { byServer: { web1: 2 } }],
  ["a loss without a reason", { errors: {} }],
  ["a loss without a time", { lostInSecond: { 0: 1 } }],
  ["a loss without a port", { lostPorts: [40001] }],
];

test.each(miscounts)("a result with %s is no result", (_, change) => {
  expect(() => accounted({ ...counted, ...change })).toThrow("the load client has lost count");
});

test("a load whose client has lost count tells no result, at its time or before", async () => {
  const said = `begun\n${JSON.stringify({ ...counted, sent: 6 })}`;
  inNamespace.mockReturnValue(["printf", ["%s\n", said]]);
  const running = await startLoad(lab, load(1));
  await expect(running.result).rejects.toThrow("the load client has lost count");
  await expect(running.end()).rejects.toThrow("the load client has lost count");
});

test("a load whose client dies tells no result", async () => {
  inNamespace.mockReturnValue(["sh", ["-c", "echo begun; echo no memory >&2; exit 3"]]);
  await expect(outcome(load(1))).rejects.toThrow("the load client ended with 3: no memory");
});

const echo = (socket: Socket) => {
  socket.write("web1\n");
  socket.on("data", (bytes) => socket.write(bytes));
};

/** What a server does with a stream, and what the client is to say of it. */
const streamBehaviour: Record<string, [(socket: Socket) => void, object]> = {
  "echoed is open, whole and in order": [echo, { server: "web1", inOrder: true }],
  "reset says so": [
    (socket) => socket.once("data", () => socket.resetAndDestroy()),
    { received: [], end: { reason: "ECONNRESET" } },
  ],
  "closed says so": [
    (socket) => socket.once("data", () => socket.end()),
    { received: [], end: { reason: "closed by the other side" } },
  ],
  "answered with other bytes is out of order": [
    (socket) => {
      socket.write("web1\n");
      socket.on("data", (bytes: Buffer) => socket.write(bytes.map((byte) => byte + 1)));
    },
    { server: "web1", inOrder: false },
  ],
  "not answered has received nothing": [() => undefined, { received: [] }],
};

describe("a stream that is", () => {
  let seen: Stream[];
  let refused: Stream[];

  beforeAll(async () => {
    inNamespace.mockImplementation((_, command, args) => [command, [...args]]);
    const answers = Object.values(streamBehaviour).map(([answer]) => answer);
    const port = await serve((socket, index) => {
      answers[index]?.(socket);
    });
    const nobody = await serve(echo);
    servers.pop()?.close();
    // The client has to start, and then has a second at least on a busy machine.
    const endAt = Date.now() + 8000;
    const plan = { address: "127.0.0.1", byteEveryMs: 20, quietMs: 2000, endAt };
    const groups = Object.keys(streamBehaviour).map((name, index) => {
      const from = endAt - 4000 + index * 50;
      return { name, count: 1, from, until: from };
    });
    [seen, refused] = await Promise.all([
      runStreams(lab, { ...plan, port, groups }),
      runStreams(lab, { ...plan, port: nobody, groups: groups.slice(0, 1) }),
    ]);
  });

  test.each(Object.entries(streamBehaviour))("%s", (name, [, expected]) => {
    const stream = seen.find(({ group }) => group === name);
    expect(stream).toMatchObject(expected);
    expect(stream !== undefined && "end" in stream).toBe("end" in expected);
    expect(stream?.sent.length).toBeGreaterThan(0);
  });

  test("echoed has received a byte for each that it sent", () => {
    expect(seen[0]?.received).toHaveLength(seen[0]?.sent.length ?? NaN);
  });

  test("refused says so", () => {
    expect(refused).toMatchObject([{ sent: [], received: [], end: { reason: "ECONNREFUSED" } }]);
  });
});
