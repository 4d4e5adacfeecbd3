// Requests through a virtual address, to servers on this machine.
import { createServer as createHttpServer } from "node:http";
import { createServer, type AddressInfo, type Server } from "node:net";
import pc from "picocolors";
import { directorModel, directorSchema } from "../../components/model";
import { throughAll, throughPicture } from "../../ops/verify/through";
import { settingsOf, smallStack } from "../support/stacks";
import { sampleStack } from "./sampleHosts";

const servers: Server[] = [];

afterEach(async () => {
  await Promise.all(
    servers.splice(0).map((server) => new Promise((resolve) => server.close(resolve))),
  );
});

function listen(server: Server): Promise<number> {
  servers.push(server);
  return new Promise((resolve) => {
    server.listen(0, "127.0.0.1", () => {
      resolve((server.address() as AddressInfo).port);
    });
  });
}

/** A stack with these virtual servers. Its address 192.0.2.100 is replaced by this machine's. */
function stackOf(...virtualServers: Record<string, unknown>[]) {
  const config = smallStack();
  const [first, ...more] = virtualServers;
  config.virtualServers = [first ?? {}, ...more];
  const settings = settingsOf(config);
  const stack = sampleStack();
  for (const host of stack.hosts.slice(0, 2)) {
    const own = settings.directors.find(({ name }) => name === host.name);
    if (own === undefined) throw new Error(`no ${host.name} in the config`);
    const text = JSON.stringify(directorModel(settings, own));
    host.director = directorSchema.parse(JSON.parse(text.replaceAll("192.0.2.100", "127.0.0.1")));
  }
  return stack;
}

const service = (name: string, port: number, more: Record<string, unknown> = {}) => ({
  name,
  address: "192.0.2.100",
  port,
  ...more,
});

const httpChecks = [
  {
    type: "http",
    virtualHost: "www.example.com",
    urls: [{ path: "/health?a=1", status: [200, "301-302"] }],
  },
];

test("where the check is HTTP, its first URL is asked for, by its host's name", async () => {
  const asked: string[] = [];
  const answers = [302, 500];
  const port = await listen(
    createHttpServer((request, response) => {
      asked.push(`${request.method} ${request.headers.host} ${request.url}`);
      response.writeHead(answers.shift() ?? 0).end("body");
    }),
  );
  const stack = stackOf(service("web", port, { checks: httpChecks }));
  expect(await throughAll(stack)).toEqual([
    {
      name: "web",
      service: `TCP 127.0.0.1:${port}`,
      asked: `GET http://127.0.0.1:${port}/health?a=1 (Host: www.example.com)`,
      answer: "302",
      problem: null,
    },
  ]);
  expect(asked).toEqual(["GET www.example.com /health?a=1"]);
  const [ill] = await throughAll(stack);
  expect(ill).toMatchObject({ answer: null, problem: "status 500 instead of 200, 301-302" });
});

test("otherwise a connection is opened; one that is refused is a problem", async () => {
  const port = await listen(createServer((socket) => socket.end()));
  const answers = await throughAll(
    stackOf(service("db", port), service("gone", 1, { checks: [] })),
  );
  expect(answers.map(({ name, answer, problem }) => [name, answer, problem])).toEqual([
    ["db", "connected", null],
    ["gone", null, "connect ECONNREFUSED 127.0.0.1:1"],
  ]);
  expect(throughPicture(answers, pc.createColors(false))).toBe(
    `● db  TCP connection to 127.0.0.1:${port}: connected\n` +
      "✘ gone  TCP connection to 127.0.0.1:1: connect ECONNREFUSED 127.0.0.1:1",
  );
});

test("what can't be asked in this way says so, and is no problem", async () => {
  const answers = await throughAll(
    stackOf(service("dns", 53, { protocol: "UDP" }), {
      name: "all",
      fwmark: 7,
      traffic: [{ address: "192.0.2.100" }],
      checks: [],
    }),
  );
  expect(answers.map(({ asked, problem }) => [asked, problem])).toEqual([
    ["not asked: UDP 127.0.0.1:53: UDP answers only who knows what to ask", null],
    ["not asked: FWM 7 by TCP 127.0.0.1: it has every port", null],
  ]);
  expect(throughPicture(answers, pc.createColors(false))).toMatch(/^▲ dns {2}not asked: UDP /);
});

test("what SCTP has to say is not asked either", async () => {
  const stack = stackOf(service("signals", 5060));
  for (const { director } of stack.hosts) {
    for (const { traffic } of director.services) for (const flow of traffic) flow.protocol = "SCTP";
  }
  const [answer] = await throughAll(stack);
  expect(answer?.asked).toMatch(/^not asked: .*: SCTP can't be spoken from here$/);
});

test("what a mark is given to is asked", async () => {
  const port = await listen(createServer((socket) => socket.end()));
  const stack = stackOf({
    name: "ftp",
    fwmark: 7,
    checks: httpChecks,
    traffic: [
      { address: "192.0.2.100", ports: [port, "1-2"] },
      { address: "192.0.2.100", protocol: "UDP", ports: [53] },
    ],
  });
  const answers = await throughAll(stack);
  expect(
    answers.map(({ service: named, asked, answer, problem }) => [named, asked, answer, problem]),
  ).toEqual([
    ["FWM 7", `TCP connection to 127.0.0.1:${port}`, "connected", null],
    ["FWM 7", "TCP connection to 127.0.0.1:1", null, "connect ECONNREFUSED 127.0.0.1:1"],
    [
      "FWM 7",
      "not asked: FWM 7 by UDP 127.0.0.1:53: UDP answers only who knows what to ask",
      null,
      null,
    ],
  ]);
});

test("a machine without a route to the address has not asked, which is no problem", async () => {
  const stack = stackOf(service("web", 80));
  for (const { director } of stack.hosts) {
    // No machine has a TCP route to this address.
    for (const { traffic } of director.services) {
      for (const flow of traffic) flow.address = "255.255.255.255";
    }
  }
  const [answer] = await throughAll(stack);
  expect(answer).toMatchObject({
    asked: "not asked: TCP 127.0.0.1:80: this machine has no route to 255.255.255.255",
    answer: null,
    problem: null,
  });
});
