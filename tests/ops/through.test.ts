// Requests through a virtual address, to servers on this machine.
import { createServer as createHttpServer } from "node:http";
import { createServer, type AddressInfo, type Server } from "node:net";
import pc from "picocolors";
import { renderDirectorFirewall } from "../../components/firewall";
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
    stackOf(
      service("dns", "192.0.2.100 53", "", "UDP"),
      service("signals", "192.0.2.100 5060", "", "SCTP"),
      service("all", "fwmark 7", ""),
    ),
  );
  expect(answers.map(({ asked, problem }) => [asked, problem])).toEqual([
    ["not asked: UDP 192.0.2.100:53: UDP answers only who knows what to ask", null],
    ["not asked: SCTP 192.0.2.100:5060: SCTP can't be spoken from here", null],
    ["not asked: FWM 7: the state does not say what gets this mark", null],
  ]);
  expect(throughPicture(answers, pc.createColors(false))).toMatch(/^▲ dns {2}not asked: UDP /);
});

test("what a mark is given to is asked, as the directors' firewall has it", async () => {
  const port = await listen(createServer((socket) => socket.end()));
  const config = smallStack();
  config.virtualServers = [
    {
      name: "ftp",
      fwmark: 7,
      traffic: [
        { address: "192.0.2.100", ports: [port, "1-2"] },
        { address: "192.0.2.100", protocol: "UDP", ports: [53] },
      ],
    },
  ];
  const settings = settingsOf(config);
  const [director] = settings.directors;
  if (director === undefined) throw new Error("no director");
  const stack = stackOf(service("ftp", "fwmark 7", httpCheck), service("mail", "fwmark 8", ""));
  for (const step of stack.hosts.flatMap(({ steps }) => steps)) {
    if (step.script === "firewall.sh") {
      step.stdin = renderDirectorFirewall(settings, director).replaceAll(
        "192.0.2.100",
        "127.0.0.1",
      );
    }
  }
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
    ["FWM 8", "not asked: FWM 8: the state does not say what gets this mark", null, null],
  ]);
});

test("a machine without a route to the address has not asked, which is no problem", async () => {
  // Nobody has a route for TCP to this one.
  const [answer] = await throughAll(stackOf(service("web", "255.255.255.255 80", "")));
  expect(answer).toMatchObject({
    asked: "not asked: TCP 255.255.255.255:80: this machine has no route to 255.255.255.255",
    answer: null,
    problem: null,
  });
});
