// Requests through a virtual address, to servers on this machine.
import { createServer as createHttpServer } from "node:http";
import { createServer, type AddressInfo, type Server } from "node:net";
import pc from "picocolors";
import { throughAll, throughPicture } from "../../ops/verify/through";
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

/** The stack with these virtual servers in its directors' config. */
function stackOf(...virtualServers: string[]) {
  const stack = sampleStack();
  for (const step of stack.hosts.flatMap(({ steps }) => steps)) {
    if (step.script === "keepalived.sh") step.stdin = virtualServers.join("\n");
  }
  return stack;
}

const service = (name: string, address: string, check: string, protocol = "TCP") =>
  `# ${name}
virtual_server ${address} {
    protocol ${protocol}
    real_server 192.0.2.21 80 {
        ${check}
    }
}`;

const httpCheck = `HTTP_GET {
    virtualhost www.example.com
    url {
        path "/health?a=1"
        status_code 200 301-302
    }
}`;

test("where the check is HTTP, its first URL is asked for, by its host's name", async () => {
  const asked: string[] = [];
  const answers = [302, 500];
  const port = await listen(
    createHttpServer((request, response) => {
      asked.push(`${request.method} ${request.headers.host} ${request.url}`);
      response.writeHead(answers.shift() ?? 0).end("body");
    }),
  );
  const stack = stackOf(service("web", `127.0.0.1 ${port}`, httpCheck));
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
    stackOf(
      service("db", `127.0.0.1 ${port}`, "TCP_CHECK {" + "\n}"),
      service("gone", "127.0.0.1 1", ""),
    ),
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
    stackOf(service("dns", "192.0.2.100 53", "", "UDP"), service("all", "fwmark 7", "")),
  );
  expect(answers.map(({ asked, problem }) => [asked, problem])).toEqual([
    ["not asked: UDP 192.0.2.100:53 is not TCP", null],
    ["not asked: FWM 7 has no address", null],
  ]);
});
