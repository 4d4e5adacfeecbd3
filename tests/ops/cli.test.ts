// status, verify, repair and scan-host-keys as an operator runs them: output, actions and exit
// codes.
import { existsSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { createServer, type AddressInfo, type Server } from "node:net";
import type { Status } from "../../ops/status/look";
import type { Verification } from "../../ops/verify/verify";
import { sshKeyPair, startSshServer, type SshServer } from "../plugins/sshServer";
import { names, PretendStack } from "./pretendStack";
import { edit, finds, type Sections } from "./sampleHosts";

jest.setTimeout(60_000);

let stack: PretendStack;

beforeAll(async () => {
  stack = await PretendStack.start();
});

afterAll(async () => {
  await stack.stop();
});

beforeEach(() => {
  stack.reset();
});

afterEach(() => {
  // Keys and passwords were in these folders.
  expect(readdirSync(stack.file(".")).filter((name) => name.startsWith("lvs-ha-"))).toEqual([]);
});

const lvs = (...args: string[]) => stack.lvs(...args);
const looks = () => stack.calls().filter((call) => call.endsWith(" report"));
const connections = () => names.map((name) => stack.server(name).connections);

/** A sysctl of web1's that was changed by hand. */
const drifts = (sections: Sections) => {
  const sysctl = (value: number) => `net.ipv4.conf.all.arp_announce = ${value}\n`;
  finds(sections, "pair-web1-system", "sysctls", ["differs", sysctl(2), sysctl(0)]);
};
const difference = ["-net.ipv4.conf.all.arp_announce = 2", "+net.ipv4.conf.all.arp_announce = 0"];

describe("lvs status", () => {
  test("of a load balancer in which all is well ends with 0, as npm run lvs starts it", async () => {
    const bundled = await lvs("status");
    expect([bundled.exitCode, bundled.stderr]).toEqual([0, ""]);
    expect(bundled.stdout).toMatch(/^lvs-ha dev {2}\d\d:\d\d:\d\d {2}● healthy\n/);
    const program = ["node_modules/.bin/tsx", "ops/cli.ts"];
    const fromSource = await stack.lvsWith({ program }, "status");
    const timeless = (text: string) => text.replace(/\d\d:\d\d:\d\d/, "");
    expect([fromSource.exitCode, timeless(fromSource.stdout)]).toEqual([
      0,
      timeless(bundled.stdout),
    ]);
  });

  test("says what is wrong, and ends with 1", async () => {
    stack.says("lvs2", (sections) => {
      edit(sections, "service keepalived.service", "=active", "=failed");
    });
    stack.cannotReach("web1");
    const { exitCode, stdout } = await lvs("status");
    expect(exitCode).toBe(1);
    expect(stdout).toMatch(/ ● 2 problems\n {2}▲ lvs2: keepalived is not running\n/);
    expect(stdout).toMatch(/\n {2}▲ web1 can't be reached: .*Connection refused\n/);
  });

  test("as JSON can be read by a program, of the stack that is named", async () => {
    stack.says("lvs2", (sections) => {
      sections.set("file /run/lvs-ha-drained-by-change", { status: 0, text: "192.0.2.22\n" });
      edit(sections, "ipvs", /(192\.0\.2\.22:80 +Route) +1/, "$1 0");
    });
    const { exitCode, stdout } = await lvs("status", "--json", "--stack", "prod");
    const status = JSON.parse(stdout) as Status;
    expect([exitCode, status.healthy, status.stack]).toEqual([1, false, "dev"]);
    expect(status.virtualServers[0]?.realServers[1]).toMatchObject({
      states: { lvs1: "in", lvs2: "inhibited" },
      drainedByChange: ["lvs2"],
    });
    expect(stack.calls().filter((call) => !call.endsWith(" report"))).toEqual([
      "stack export --show-secrets --stack prod",
    ]);
  });

  test("with --watch looks again and again, over the connections that it has", async () => {
    const before = connections();
    const running = await stack.startLvs("status", "--watch", "0.5", "--json");
    await running.until('\n{"stack":"dev"');
    running.child.kill("SIGINT");
    const { exitCode, stdout } = await running.ended;
    expect([exitCode, stdout.split("\n")[0]]).toEqual([
      130,
      expect.stringContaining('"healthy":true') as string,
    ]);
    expect(connections().map((count, i) => count - (before[i] ?? 0))).toEqual([1, 1, 1, 1, 1]);
  });

  test("with --watch draws the picture anew", async () => {
    const running = await stack.startLvs("status", "--watch", "0.5");
    await running.until("\n\nlvs-ha dev");
    running.child.kill("SIGTERM");
    expect((await running.ended).exitCode).toBe(130);
  });
});

describe("lvs verify", () => {
  let server: Server;
  let port: number;

  beforeAll(async () => {
    server = createServer((socket) => socket.end());
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    ({ port } = server.address() as AddressInfo);
  });

  afterAll(() => {
    server.close();
  });

  beforeEach(() => {
    stack.servesHere(port);
  });

  test("of hosts as pulumi up left them, through an address that answers, ends with 0", async () => {
    const before = connections();
    const { exitCode, stdout, stderr } = await lvs("verify", "--preview");
    expect([exitCode, stderr]).toEqual([0, ""]);
    const said = stdout.split("\n");
    expect(said.slice(0, 5).map((line) => line.replace(/\d+ things/, "N things"))).toEqual(
      names.map((name) => `${name}  ● N things are as the stack says`),
    );
    expect(said.slice(5)).toEqual([
      "",
      "● every host is as the stack says",
      `● web  TCP connection to 127.0.0.1:${port}: connected`,
      "● the config is what the last pulumi up applied",
      "",
    ]);
    expect(connections().map((count, i) => count - (before[i] ?? 0))).toEqual([1, 1, 1, 1, 1]);
    const asJson = await lvs("verify", "--json", "--preview");
    expect([asJson.exitCode, JSON.parse(asJson.stdout)]).toMatchObject([
      0,
      { clean: true, configChanged: false, throughVip: [{ answer: "connected", problem: null }] },
    ]);
  });

  test("names what differs on a host, and ends with 1", async () => {
    stack.says("web1", drifts);
    const { exitCode, stdout } = await lvs("verify");
    expect(exitCode).toBe(1);
    expect(stdout).toContain("\n  ✘ sysctls (pair-web1-system)\n");
    for (const line of difference) expect(stdout).toContain(`\n      ${line}\n`);
    expect(stdout).toContain("\n1 thing on 1 host is not as the stack says\n● web  ");
    const asJson = await lvs("verify", "--json", "--no-through-vip");
    const { clean, hosts, throughVip } = JSON.parse(asJson.stdout) as Verification & {
      throughVip: object | null;
    };
    expect([asJson.exitCode, clean, throughVip]).toEqual([1, false, null]);
    expect(hosts.map(({ drifts: found }) => found?.map(({ resource }) => resource))).toEqual([
      ...[[], [], ["pair-web1-system"], [], []],
    ]);
  });

  test("ends with 1 when something could not be compared, which repair then leaves alone", async () => {
    stack.says("lvs1", (sections) => {
      finds(sections, "pair-lvs1-system", "ufw", ["unknown", "ufw says: locked\n"]);
      sections.set("verify pair-lvs1-system kernel.sh", { status: 2, text: "sh: Syntax error\n" });
    });
    const { exitCode, stdout } = await lvs("verify");
    expect(exitCode).toBe(1);
    expect(stdout).toMatch(/^lvs1 {2}2 of \d+ things could not be compared\n/);
    for (const line of [
      "  ? kernel.sh (pair-lvs1-system) could not be compared: sh: Syntax error",
      "  ? ufw (pair-lvs1-system) could not be compared: ufw says: locked",
      "2 things on 1 host could not be compared",
    ]) {
      expect(stdout).toContain(`\n${line}\n`);
    }
    expect(stdout).not.toContain("every host is as the stack says");
    const repair = await lvs("repair", "--yes");
    expect([repair.exitCode, stack.done()]).toEqual([1, []]);
  });

  test("ends with 3, and asks no host, when a newer version has run a script that isn't known", async () => {
    stack.changeResource("pair-web3-system", ({ inputs }) => {
      if (inputs?.stdin) inputs.stdin = inputs.stdin.replace(">>> vip.sh", ">>> newer.sh");
    });
    const { exitCode, stderr } = await lvs("verify");
    expect([exitCode, stderr]).toEqual([
      3,
      "lvs: pair-web3-system ran newer.sh, which this lvs doesn't know: the stack is of a newer version\n",
    ]);
    expect(looks()).toEqual([]);
  });

  test("ends with 1 when a host can't be asked, though the others are as they should be", async () => {
    stack.cannotReach("web3");
    const { exitCode, stdout } = await lvs("verify");
    expect(exitCode).toBe(1);
    expect(stdout).toMatch(/\nweb3 {2}unreachable: .*Connection refused\n\n1 host could not be/);
    const asJson = await lvs("verify", "--json");
    expect(JSON.parse(asJson.stdout)).toMatchObject({ clean: false });
  });

  test("ends with 1 when a virtual server does not answer, though every host is as it should be", async () => {
    stack.reset();
    stack.servesHere(1);
    const asked = "TCP connection to 127.0.0.1:1";
    const { exitCode, stdout } = await lvs("verify");
    expect([exitCode, stdout.split("\n").slice(-3)]).toEqual([
      1,
      [
        "● every host is as the stack says",
        `✘ web  ${asked}: connect ECONNREFUSED 127.0.0.1:1`,
        "",
      ],
    ]);
    const asJson = await lvs("verify", "--json");
    expect([asJson.exitCode, JSON.parse(asJson.stdout)]).toMatchObject([
      1,
      {
        clean: true,
        throughVip: [
          {
            name: "web",
            service: "TCP 127.0.0.1:1",
            asked,
            answer: null,
            problem: "connect ECONNREFUSED 127.0.0.1:1",
          },
        ],
      },
    ]);
    // Without the request, the problem doesn't show.
    expect((await lvs("verify", "--no-through-vip")).exitCode).toBe(0);
  });

  test("--preview ends with 1 when the config has changed since, with 3 when that can't be told", async () => {
    stack.editConfig();
    const changed = await lvs("verify", "--preview");
    expect([changed.exitCode, changed.stdout.split("\n").at(-2)]).toEqual([
      1,
      "the config has changed since the last pulumi up: pulumi preview --diff shows how",
    ]);
    // verify without --preview doesn't ask whether the config has changed.
    expect((await lvs("verify")).exitCode).toBe(0);
    writeFileSync(stack.file("changed"), "error: passphrase must be set\n");
    const untold = await lvs("verify", "--preview");
    expect([untold.exitCode, untold.stderr]).toEqual([
      3,
      "lvs: pulumi preview: error: passphrase must be set\n",
    ]);
  });
});

describe("lvs repair", () => {
  interface Told {
    before: Verification;
    ranAgain: string[];
    after: Verification | null;
  }

  test("of hosts as they should be does nothing, and ends with 0", async () => {
    const { exitCode, stdout } = await lvs("repair");
    expect([exitCode, stdout.split("\n").at(-3)]).toEqual([0, "● every host is as the stack says"]);
    expect(stack.done()).toEqual([]);
    const asJson = await lvs("repair", "--json");
    const { before, ranAgain, after } = JSON.parse(asJson.stdout) as Told;
    expect([asJson.exitCode, before.clean, ranAgain, after]).toEqual([0, true, [], null]);
  });

  test("ends with 1 when nothing has drifted where it could look, and a host could not be asked", async () => {
    stack.cannotReach("web3");
    const { exitCode, stdout } = await lvs("repair", "--yes");
    expect([exitCode, stdout.split("\n").at(-3)]).toEqual([1, "1 host could not be asked"]);
    expect(stack.done()).toEqual([]);
  });

  test("has the engine run again what has drifted, and nothing else; mended, it ends with 0", async () => {
    stack.says("web1", drifts);
    stack.says("web1", () => undefined, "after");
    const { exitCode, stdout, stderr } = await lvs("repair", "--yes");
    expect([exitCode, stderr]).toEqual([0, ""]);
    expect(stdout).toContain(
      "\npulumi up runs 1 command again: pair-web1-system\npulumi up was here\n",
    );
    expect(stdout.split("\n").at(-3)).toBe("● every host is as the stack says");
    const imported = JSON.parse(readFileSync(stack.file("imported.json"), "utf8")) as {
      deployment: { resources: { urn: string; inputs?: { create?: string } }[] };
    };
    const marked = imported.deployment.resources
      .filter(({ inputs }) => inputs?.create?.endsWith(" # drifted"))
      .map(({ urn }) => urn);
    expect(marked.map((urn) => urn.replace(/.*::/, ""))).toEqual(["pair-web1-system"]);
    expect(stack.done()).toEqual([
      "stack import",
      `up --yes --skip-preview --target ${marked.join(" --target ")}`,
    ]);
  });

  test("looks again: what is not mended ends it with 1", async () => {
    stack.says("web1", drifts);
    const { exitCode, stdout } = await lvs("repair", "--yes");
    expect([exitCode, stdout.split("\n").at(-3)]).toEqual([
      1,
      "1 thing on 1 host is not as the stack says",
    ]);
    expect(looks()).toHaveLength(2 * names.length);
  });

  test("an up that fails is told, and what it has left ends it with 1", async () => {
    stack.says("web1", drifts);
    writeFileSync(stack.file("fails"), "");
    const { exitCode, stderr } = await lvs("repair", "--yes");
    expect([exitCode, stderr]).toEqual([
      1,
      "lvs: pulumi up failed; what it has not done yet, the next pulumi up does\n",
    ]);
  });

  test("--json tells what it found, ran again and found then, alone on its stream", async () => {
    stack.says("web1", drifts);
    stack.says("web1", () => undefined, "after");
    const { exitCode, stdout, stderr } = await lvs("repair", "--yes", "--json");
    const { before, ranAgain, after } = JSON.parse(stdout) as Told;
    expect([exitCode, before.clean, ranAgain, after?.clean]).toEqual([
      ...[0, false, ["pair-web1-system"], true],
    ]);
    expect(stderr).toContain("pulumi up was here");
  });

  test("changes nothing when nobody says yes, or when the config has changed", async () => {
    stack.says("web1", drifts);
    const nobody = await lvs("repair");
    expect([nobody.exitCode, nobody.stderr]).toEqual([
      2,
      "lvs: nobody is there to ask: say --yes\n",
    ]);
    const typed = { cue: "Mend it? [y/N]", answer: "n\r" };
    const no = await stack.lvsOnTerminal(typed, "repair");
    expect([no.exitCode, no.stdout.trimEnd().split("\r\n").at(-1)]).toEqual([
      2,
      "lvs: nothing was changed",
    ]);
    stack.editConfig();
    const changed = await lvs("repair", "--yes");
    expect([changed.exitCode, changed.stderr]).toEqual([
      2,
      "lvs: the config has changed since the last pulumi up: apply that first\n",
    ]);
    expect(existsSync(stack.file("imported.json"))).toBe(false);
    expect(stack.done()).toEqual([]);
  });

  test("a signal waits until the engine has ended", async () => {
    stack.says("web1", drifts);
    stack.changeProgram(
      "bin/pulumi",
      'echo "pulumi up was here"',
      `echo "pulumi up is at it"; sleep 0.3; echo "up ended" >>"${stack.file("calls")}"`,
    );
    const running = await stack.startLvs("repair", "--yes");
    await running.until("is at it");
    running.child.kill("SIGTERM");
    // A second signal may follow, because npm forwards a signal that the terminal has already sent.
    running.child.kill("SIGINT");
    expect((await running.ended).exitCode).toBe(130);
    expect(stack.calls().at(-1)).toBe("up ended");
  });
});

describe("lvs scan-host-keys", () => {
  const shown = () => (stack.server("lvs1").hostKeys[0] ?? "").split(" ").slice(0, 2).join(" ");
  const host = (name: string, hostKey?: string, port = stack.server("lvs1").port) => ({
    name,
    host: "127.0.0.1",
    port,
    hostKey,
  });
  const configure = (...directors: object[]) => {
    const value = { value: "", objectValue: directors, secret: false };
    stack.setConfig({ "lvs-ha:directors": value });
  };
  const another = () => shown().replace(/.$/, "x");

  test("holds what hosts show against what the config pins; without a contradiction it ends with 0", async () => {
    configure(host("lvs1", `${shown()} root@lvs1`), host("lvs2"));
    const { exitCode, stdout } = await lvs("scan-host-keys");
    expect(exitCode).toBe(0);
    expect(stdout).toMatch(/^lvs1 +127\.0\.0\.1:\d+ +match +(SHA256:\S+) +\1$/m);
    expect(stdout).toMatch(/^lvs2 +127\.0\.0\.1:\d+ +not pinned +SHA256:\S+ +-$/m);
    expect(stdout).toContain(`lvs2 shows\n  hostKey: ${shown()}\n`);
    const asJson = JSON.parse((await lvs("scan-host-keys", "--json")).stdout) as {
      hosts: object[];
    };
    expect(asJson.hosts[0]).toEqual({
      name: "lvs1",
      host: "127.0.0.1",
      port: stack.server("lvs1").port,
      verdict: "match",
      hostKey: shown(),
      fingerprint: expect.stringMatching(/^SHA256:/) as string,
      pinned: `${shown()} root@lvs1`,
      problem: null,
    });
  });

  test("ends with 1 when a host shows another key, whatever the others do", async () => {
    configure(host("lvs1", another()), host("lvs2", shown(), 1), host("web1", shown()));
    const { exitCode, stdout } = await lvs("scan-host-keys");
    expect(exitCode).toBe(1);
    expect(stdout).toMatch(/^lvs1 +\S+ +MISMATCH /m);
    expect(stdout).toMatch(/^web1 +\S+ +match /m);
  });

  test("ends with 3 when a host gives no answer and none shows another key", async () => {
    configure(host("lvs1", shown()), host("lvs2", shown(), 1));
    const { exitCode, stdout } = await lvs("scan-host-keys");
    expect(exitCode).toBe(3);
    expect(stdout).toMatch(/^lvs2 +127\.0\.0\.1:1 +no answer +.*Connection refused +SHA256:\S+$/m);
    const asJson = await lvs("scan-host-keys", "--json");
    expect([asJson.exitCode, JSON.parse(asJson.stdout)]).toMatchObject([
      3,
      {
        hosts: [{}, { verdict: "no answer", hostKey: null, problem: expect.any(String) as string }],
      },
    ]);
  });

  test("goes through the config's bastion, which has its own secrets or the hosts'", async () => {
    const [own, hosts] = [sshKeyPair("ed25519", "open sesame"), sshKeyPair("ed25519")];
    const scanThrough = async (bastion: SshServer, secrets: Record<string, string>) => {
      const proxy = { host: "127.0.0.1", port: bastion.port, hostKey: bastion.hostKeys[0] };
      const { port } = stack.server("lvs1");
      const entry = (objectValue: object) => ({ value: "", objectValue, secret: false });
      stack.setConfig({
        "lvs-ha:directors": entry([
          { name: "lvs1", host: "127.0.0.1", hostKey: shown() },
          { name: "lvs2", host: "127.0.0.1", port: 1, managed: false },
          { name: "lvs3" },
        ]),
        "lvs-ha:ssh": entry({ port, proxy }),
        ...Object.fromEntries(
          Object.entries(secrets).map(([key, value]) => [`lvs-ha:${key}`, { value, secret: true }]),
        ),
      });
      const { exitCode, stdout } = await lvs("scan-host-keys");
      await bastion.stop();
      const rows = stdout.split("\n").filter((line) => line.startsWith("lvs"));
      expect(rows).toEqual([expect.stringMatching(/^lvs1 +127\.0\.0\.1:\d+ +match /)]);
      return [exitCode, bastion.logins, bastion.forwarded.map((to) => to === `127.0.0.1:${port}`)];
    };
    const byKey = await startSshServer({ authorizedKeys: [own.public], forwards: true });
    expect(
      await scanThrough(byKey, {
        sshPrivateKey: hosts.private,
        sshProxyPrivateKey: own.private,
        sshPrivateKeyPassphrase: "open sesame",
      }),
    ).toEqual([0, ["publickey"], [true]]);
    const byPassword = await startSshServer({ password: "bastion's", forwards: true });
    expect(
      await scanThrough(byPassword, { sshPassword: "host's", sshProxyPassword: "bastion's" }),
    ).toEqual([0, ["password"], [true]]);
    const likeHosts = await startSshServer({ password: "host's", forwards: true });
    expect(await scanThrough(likeHosts, { sshPassword: "host's" })).toEqual([
      ...[0, ["password"], [true]],
    ]);
  });

  test("ADDRESS prints the line for the config, without a stack", async () => {
    const { port } = stack.server("lvs1");
    const withoutPulumi = { env: { PATH: process.env.PATH } };
    const { exitCode, stdout } = await stack.lvsWith(
      withoutPulumi,
      ...["scan-host-keys", `127.0.0.1:${port}`],
    );
    expect(exitCode).toBe(0);
    expect(stdout).toContain(`\nhostKey: ${shown()}\n`);
    const asJson = await lvs("scan-host-keys", "--json", `127.0.0.1:${port}`);
    expect(JSON.parse(asJson.stdout)).toMatchObject({ hosts: [{ name: null, verdict: null }] });
  });

  test("ADDRESS ends with 3 when nobody answers there, with 2 when it is none", async () => {
    const { port } = stack.server("lvs1");
    const silent = await lvs("scan-host-keys", "127.0.0.1:1", `127.0.0.1:${port}`);
    expect([silent.exitCode, silent.stdout]).toEqual([
      3,
      expect.stringContaining(`\nhostKey: ${shown()}\n`) as string,
    ]);
    expect(silent.stderr).toMatch(/^lvs: 127\.0\.0\.1 port 1: .*Connection refused\r?\n$/);
    const wrong = await lvs("scan-host-keys", "127.0.0.1:99999");
    expect([wrong.exitCode, wrong.stderr]).toEqual([
      2,
      "lvs: 127.0.0.1:99999 is not HOST, HOST:PORT or [IPV6]:PORT\n",
    ]);
    for (const none of ["127.0.0.1:ssh", "[web1]:22", "web1:22:23", "-oProxyCommand=x"]) {
      const { exitCode, stderr } = await lvs("scan-host-keys", "--", none);
      expect([exitCode, stderr]).toEqual([
        2,
        `lvs: ${none} is not HOST, HOST:PORT or [IPV6]:PORT\n`,
      ]);
    }
    const noBastion = await lvs("scan-host-keys", "--proxy", `127.0.0.1:${port}`);
    expect([noBastion.exitCode, noBastion.stderr]).toEqual([
      2,
      "lvs: the stack config has no ssh.proxy\n",
    ]);
  });
});

/** Every command that connects to the stack's hosts. */
const commands: string[][] = [
  ["status"],
  ["verify"],
  ["repair", "--yes"],
  ["drain", "web2"],
  ["undrain", "web2"],
  ["failover", "--yes"],
  ["maintenance", "on", "web2", "--yes"],
  ["logs"],
];

test.each(commands)(
  "lvs %s ends with 3 when no host can be reached, and changes nothing",
  async (...args) => {
    stack.cannotReach(...names);
    const { exitCode, stderr } = await lvs(...args);
    expect(stderr).toMatch(/(^|\n)lvs: no (host|director) could be (asked|reached)\n$/);
    expect([exitCode, stack.done()]).toEqual([3, []]);
  },
);

test("without an engine, a stack, or a right command line, it says so and ends with 3 or 2", async () => {
  const none = await stack.lvsWith({ env: { PATH: "/nowhere" } }, "status");
  expect([none.exitCode, none.stderr]).toEqual([3, "lvs: there is no pulumi on PATH\n"]);
  writeFileSync(stack.file("state.json"), '{"version":3,"deployment":{}}');
  const empty = await lvs("verify");
  expect([empty.exitCode, empty.stderr]).toEqual([
    3,
    "lvs: the stack has no hosts yet: run pulumi up first\n",
  ]);
  const wrongs = [
    ["nonsense"],
    ["status", "--watch", "0.4"],
    ["verify", "--nonsense"],
    ["repair", "--timeout", "0"],
    ["undrain"],
    ["logs", "lvs1", "lvs2"],
    ["completion", "fish"],
    [],
    ...["abc", "-1", "1.5", "1e3", "", " 5", "1000001"].map((lines) => ["logs", "--lines", lines]),
    ...["1e1", "0x10", "3601"].map((seconds) => ["status", "--timeout", seconds]),
    ["drain", "web2", "--seconds", "0x10"],
    ["status", "--watch", "1e1"],
  ];
  for (const wrong of wrongs) {
    expect([wrong, (await lvs(...wrong)).exitCode]).toEqual([wrong, 2]);
  }
  expect(stack.done()).toEqual([]);
  expect((await lvs("logs", "--lines", "abc")).stderr).toMatch(
    /^error: option '-n, --lines <number>' argument 'abc' is invalid\. It is not a whole number from 0 to 1000000\.\n/,
  );
  expect((await lvs("status", "--help")).exitCode).toBe(0);
});
