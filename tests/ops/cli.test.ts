// The command as an operator runs it, with a pulumi of the test's and this machine as each of the hosts: how it ends, and what it runs.
import { spawn } from "node:child_process";
import {
  chmodSync,
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import type { Status } from "../../ops/status/look";
import type { Verification } from "../../ops/verify/verify";
import { startSshServer, type SshServer } from "../plugins/sshServer";
import { sample } from "./sampleHosts";

const folder = mkdtempSync(join(tmpdir(), "lvs-ha-cli-"));
const file = (name: string) => join(folder, name);
const project = join(__dirname, "../..");
let server: SshServer;

/** Says what a test put into files, and notes what it was asked. */
const pulumi = `#!/bin/sh
printf '%s\\n' "$*" >>"${file("calls")}"
case "$1 $2" in
"stack export") cat "${file("state.json")}" ;;
"stack import") cat >"${file("imported.json")}" ;;
"preview "*) cat "${file("preview")}" && [ ! -s "${file("preview")}" ] ;;
"up "*) echo "pulumi up was here" ;;
"config "*) cat "${file("config.json")}" ;;
*) exit 64 ;;
esac
`;

beforeAll(async () => {
  server = await startSshServer({ password: "secret" });
  writeFileSync(file("pulumi"), pulumi);
  chmodSync(file("pulumi"), 0o755);
});

beforeEach(() => {
  for (const name of ["calls", "imported.json"]) rmSync(file(name), { force: true });
  writeFileSync(file("preview"), "");
  writeFileSync(file("state.json"), stateOn(server.port));
});

afterAll(async () => {
  await server.stop();
  rmSync(folder, { recursive: true });
});

/** The sample's state, with every host on a port of this machine. */
function stateOn(port: number): string {
  const connection = {
    host: "127.0.0.1",
    port,
    user: "root",
    password: "secret",
    hostKey: server.hostKeys[0],
  };
  const state = JSON.parse(sample("state.json")) as {
    deployment: { resources: { inputs?: { connection?: { plaintext: string } } }[] };
  };
  for (const { inputs } of state.deployment.resources) {
    if (inputs?.connection) inputs.connection.plaintext = JSON.stringify(connection);
  }
  return JSON.stringify(state).replaceAll("sudo -n ", "");
}

interface Ended {
  exitCode: number | null;
  stdout: string;
  stderr: string;
}

function lvs(args: string[], path = `${folder}${delimiter}${process.env.PATH}`): Promise<Ended> {
  return new Promise((resolve) => {
    const child = spawn(process.execPath, ["--import", "tsx", "ops/cli.ts", ...args], {
      cwd: project,
      env: { ...process.env, PATH: path, NO_COLOR: "1", XDG_RUNTIME_DIR: folder },
      stdio: ["ignore", "pipe", "pipe"],
    });
    const ended: Ended = { exitCode: null, stdout: "", stderr: "" };
    child.stdout.on("data", (text: Buffer) => (ended.stdout += text.toString()));
    child.stderr.on("data", (text: Buffer) => (ended.stderr += text.toString()));
    child.once("close", (exitCode) => {
      resolve({ ...ended, exitCode });
    });
  });
}

const calls = () => readFileSync(file("calls"), "utf8").trim().split("\n");

afterEach(() => {
  expect(readdirSync(folder).filter((name) => name.startsWith("lvs-ha-"))).toEqual([]);
});

test("status of hosts that balance nothing ends with 1, and says what is wrong", async () => {
  const { exitCode, stdout } = await lvs(["status"]);
  expect(exitCode).toBe(1);
  expect(stdout).toContain("✘ NOBODY holds 192.0.2.100 (VI_1)");
  expect(stdout).toContain("web1 does not have 192.0.2.100 on lo");
}, 60_000);

test("as JSON it can be read by a program", async () => {
  const { exitCode, stdout } = await lvs(["status", "--json", "--stack", "prod"]);
  const status = JSON.parse(stdout) as Status;
  expect([exitCode, status.healthy, status.stack]).toEqual([1, false, "dev"]);
  expect(status.directors.map(({ name, unreachable }) => [name, unreachable])).toEqual([
    ["lvs1", null],
    ["lvs2", null],
  ]);
  expect(calls()).toEqual(["stack export --show-secrets --non-interactive --stack prod"]);
}, 60_000);

test("with --watch it looks again and again, over the connections that it has", async () => {
  const before = server.connections;
  const child = spawn(
    process.execPath,
    ["--import", "tsx", "ops/cli.ts", "status", "--json", "--watch", "0.5"],
    {
      cwd: project,
      env: {
        ...process.env,
        PATH: `${folder}${delimiter}${process.env.PATH}`,
        XDG_RUNTIME_DIR: folder,
      },
      stdio: ["ignore", "pipe", "inherit"],
    },
  );
  let lines = 0;
  await new Promise<void>((resolve) => {
    child.stdout.on("data", (text: Buffer) => {
      lines += text.toString().split("\n").length - 1;
      if (lines >= 3) resolve();
    });
  });
  const ended = new Promise((resolve) => child.once("close", resolve));
  child.kill("SIGINT");
  expect(await ended).toBe(130);
  expect(server.connections - before).toBe(5);
}, 60_000);

test("when no host can be reached, it ends with 3", async () => {
  writeFileSync(file("state.json"), stateOn(1));
  const { exitCode, stdout, stderr } = await lvs(["status", "--timeout", "3"]);
  expect(exitCode).toBe(3);
  expect(stdout).toContain("lvs1 can't be reached:");
  expect(stderr).toBe("lvs: no host could be reached\n");
}, 60_000);

test("without an engine, a stack, or a right command line, it says so and ends with 3 or 2", async () => {
  const none = await lvs(["status"], "/nowhere");
  expect([none.exitCode, none.stderr]).toEqual([3, "lvs: there is no pulumi on PATH\n"]);
  writeFileSync(file("state.json"), '{"version":3,"deployment":{}}');
  const empty = await lvs(["verify"]);
  expect([empty.exitCode, empty.stderr]).toEqual([
    3,
    "lvs: the stack has no hosts yet: run pulumi up first\n",
  ]);
  for (const wrong of [["nonsense"], ["status", "--watch", "never"], ["status", "--nonsense"]]) {
    expect((await lvs(wrong)).exitCode).toBe(2);
  }
  expect((await lvs(["status", "--help"])).exitCode).toBe(0);
}, 120_000);

test("verify names what differs on every host, in one connection each", async () => {
  const before = server.connections;
  const { exitCode, stdout } = await lvs(["verify", "--json", "--no-through-vip"]);
  const { hosts, clean, throughVip } = JSON.parse(stdout) as Verification & { throughVip?: object };
  expect([exitCode, clean, throughVip]).toEqual([1, false, undefined]);
  expect(server.connections - before).toBe(5);
  expect(hosts.map(({ name, drifts }) => [name, drifts.length > 10])).toEqual(
    ["lvs1", "lvs2", "web1", "web2", "web3"].map((name) => [name, true]),
  );
}, 60_000);

test("verify asks each virtual server, too", async () => {
  // The sample's is of this machine, at a port where nobody listens.
  const state = stateOn(server.port).replaceAll(
    "virtual_server 192.0.2.100 80",
    "virtual_server 127.0.0.1 1",
  );
  writeFileSync(file("state.json"), state);
  const { stdout } = await lvs(["verify", "--json"]);
  expect(JSON.parse(stdout)).toMatchObject({
    throughVip: [{ name: "web", service: "TCP 127.0.0.1:1", answer: null }],
  });
}, 60_000);

test("verify --preview tells of a config that has changed since", async () => {
  expect((await lvs(["verify", "--preview", "--no-through-vip"])).stdout).toContain(
    "● the config is what the last pulumi up applied",
  );
  writeFileSync(file("preview"), "error: no changes were expected but changes were proposed\n");
  expect((await lvs(["verify", "--preview", "--no-through-vip"])).stdout).toContain(
    "the config has changed since",
  );
  writeFileSync(file("preview"), "error: passphrase must be set\n");
  const { exitCode, stderr } = await lvs(["verify", "--preview", "--no-through-vip"]);
  expect(exitCode).toBe(3);
  expect(stderr).toContain("passphrase must be set");
}, 120_000);

test("repair has the engine run again what drifted, and nothing else", async () => {
  const { exitCode, stdout } = await lvs(["repair", "--yes"]);
  const imported = JSON.parse(readFileSync(file("imported.json"), "utf8")) as {
    deployment: { resources: { urn: string; inputs?: { create?: string } }[] };
  };
  const marked = imported.deployment.resources
    .filter(({ inputs }) => inputs?.create?.endsWith(" # drifted"))
    .map(({ urn }) => urn);
  expect(marked.length).toBeGreaterThan(10);
  const [up = ""] = calls().filter((call) => call.startsWith("up "));
  const targets = [...up.matchAll(/--target (\S+)/g)].map(([, urn]) => urn);
  expect(targets.toSorted()).toEqual(marked.toSorted());
  expect(up).toMatch(/^up --yes --skip-preview /);
  expect(stdout).toContain("pulumi up was here");
  // This machine was not mended, and repair has looked again.
  expect(exitCode).toBe(1);
}, 120_000);

test("repair --json tells what it found, ran again and found then, alone on its stream", async () => {
  const { exitCode, stdout, stderr } = await lvs(["repair", "--yes", "--json"]);
  const told = JSON.parse(stdout) as {
    before: Verification;
    ranAgain: string[];
    after: Verification;
  };
  expect([exitCode, told.before.clean, told.after.clean]).toEqual([1, false, false]);
  expect(told.ranAgain).toContain("pair-web1-vip");
  expect(stderr).toContain("pulumi up was here");
}, 120_000);

test("a signal in repair waits until the engine has ended", async () => {
  writeFileSync(
    file("pulumi"),
    pulumi.replace(
      'echo "pulumi up was here"',
      `echo "pulumi up is at it"; sleep 1; echo "up ended" >>"${file("calls")}"`,
    ),
  );
  const child = spawn(process.execPath, ["--import", "tsx", "ops/cli.ts", "repair", "--yes"], {
    cwd: project,
    env: {
      ...process.env,
      PATH: `${folder}${delimiter}${process.env.PATH}`,
      XDG_RUNTIME_DIR: folder,
    },
    stdio: ["ignore", "pipe", "ignore"],
  });
  const ended = new Promise((resolve) => child.once("close", resolve));
  await new Promise<void>((resolve) => {
    child.stdout.on("data", (text: Buffer) => {
      if (text.toString().includes("is at it")) resolve();
    });
  });
  child.kill("SIGTERM");
  // npm passes on what the terminal has sent already.
  child.kill("SIGINT");
  expect(await ended).toBe(130);
  expect(calls().at(-1)).toBe("up ended");
  writeFileSync(file("pulumi"), pulumi);
}, 60_000);

test("repair changes nothing when nobody says yes, or when the config has changed", async () => {
  const nobody = await lvs(["repair"]);
  expect([nobody.exitCode, nobody.stderr]).toEqual([2, "lvs: nobody is there to ask: say --yes\n"]);
  writeFileSync(file("preview"), "error: no changes were expected but changes were proposed\n");
  const changed = await lvs(["repair", "--yes"]);
  expect([changed.exitCode, changed.stderr]).toEqual([
    2,
    "lvs: the config has changed since the last pulumi up: apply that first\n",
  ]);
  expect(existsSync(file("imported.json"))).toBe(false);
  expect(calls().some((call) => call.startsWith("up "))).toBe(false);
}, 120_000);

test("scan-host-keys holds what hosts show against what the config pins", async () => {
  const [type = "", blob = ""] = server.hostKeys[0]?.split(" ") ?? [];
  const shown = `${type} ${blob}`;
  const host = (name: string, hostKey?: string) => ({
    name,
    host: "127.0.0.1",
    port: server.port,
    hostKey,
  });
  const configure = (...directors: object[]) => {
    const value = { value: "", objectValue: directors, secret: false };
    writeFileSync(file("config.json"), JSON.stringify({ "lvs-ha:directors": value }));
  };
  configure(host("lvs1", `${shown} root@lvs1`), host("lvs2"));
  const well = await lvs(["scan-host-keys"]);
  expect(well.exitCode).toBe(0);
  expect(well.stdout).toMatch(/^lvs1 +127\.0\.0\.1:\d+ +match +(SHA256:\S+) +\1$/m);
  expect(well.stdout).toMatch(/^lvs2 +127\.0\.0\.1:\d+ +not pinned +SHA256:\S+ +-$/m);
  expect(well.stdout).toContain(`lvs2 shows\n  hostKey: ${shown}\n`);
  const asJson = JSON.parse((await lvs(["scan-host-keys", "--json"])).stdout) as {
    hosts: object[];
  };
  expect(asJson.hosts[0]).toEqual({
    name: "lvs1",
    host: "127.0.0.1",
    port: server.port,
    verdict: "match",
    hostKey: shown,
    fingerprint: expect.stringMatching(/^SHA256:/) as string,
    pinned: `${shown} root@lvs1`,
    problem: null,
  });
  configure(host("lvs1", `${type} ${blob.replace(/.$/, "x")}`));
  const ill = await lvs(["scan-host-keys"]);
  expect([ill.exitCode, ill.stdout.includes("MISMATCH")]).toEqual([1, true]);
}, 120_000);

test("scan-host-keys ADDRESS prints the line for the config, without a stack", async () => {
  const { exitCode, stdout } = await lvs(
    ["scan-host-keys", `127.0.0.1:${server.port}`],
    process.env.PATH,
  );
  const [key = ""] = server.hostKeys;
  expect(exitCode).toBe(0);
  expect(stdout).toContain(`\nhostKey: ${key.split(" ").slice(0, 2).join(" ")}\n`);
  const asJson = await lvs(["scan-host-keys", "--json", `127.0.0.1:${server.port}`]);
  expect(JSON.parse(asJson.stdout)).toMatchObject({ hosts: [{ name: null, verdict: null }] });
  expect((await lvs(["scan-host-keys", "127.0.0.1:99999"])).exitCode).toBe(2);
}, 60_000);
