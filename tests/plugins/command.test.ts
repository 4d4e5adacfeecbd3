/** What a `command` plugin must do: the same cases for the official one and the stand-in. */
import { spawn, spawnSync, type ChildProcess } from "node:child_process";
import { createHash } from "node:crypto";
import { once } from "node:events";
import { existsSync, mkdtempSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { status, type ServiceError } from "@grpc/grpc-js";
import { findPlugin, isUnknownSecret, Plugin, secret, unknown, type Properties } from "./plugin";
import {
  pkcs8KeyPair,
  sshKeyPair,
  startServerOfHostKeyAlgorithms,
  startSshServer,
  type SshServer,
  type SshServerOptions,
} from "./sshServer";

const underTest = findPlugin("command");
const token = "command:remote:Command";

/** Where the official plugin has a known fault, or has what the stand-in hasn't. */
const testStandIn = underTest.isStandIn ? test : test.skip;

/** As in `pulumi up`, one process does all; a test that ends it or changes it starts its own. */
let shared: Plugin;
let plugin: Plugin;
let cleanups: (() => Promise<void>)[];

beforeAll(async () => {
  shared = await Plugin.start(underTest);
});

afterAll(async () => {
  await shared.stop();
});

beforeEach(() => {
  cleanups = [];
  plugin = shared;
  plugin.logs.length = 0;
});

afterEach(async () => {
  for (const cleanup of cleanups) {
    await cleanup();
  }
});

describe(`the process (${underTest.description})`, () => {
  test("starts in less than a second and says its version", async () => {
    expect(plugin.startMilliseconds).toBeLessThan(1000);
    expect((await plugin.getPluginInfo()).getVersion()).toBe("1.2.1");
  });

  test("has a schema that says what remote.Command takes and gives", async () => {
    const schema = await plugin.getSchema();
    expect(schema).toMatchObject({
      name: "command",
      resources: {
        [token]: {
          requiredInputs: ["connection"],
          inputProperties: { create: { type: "string" }, environment: { type: "object" } },
          properties: { stdout: { type: "string" }, stderr: { type: "string" } },
        },
      },
    });
  });

  test("takes any configuration of the provider", async () => {
    const { failures, inputs } = await plugin.checkConfig({ version: "1.2.1" });
    expect(failures).toEqual([]);
    expect(inputs).toMatchObject({ version: "1.2.1" });
  });

  testStandIn.each(["command:local:Command", "command:remote:CopyToRemote"])(
    "says that %s is not in the stand-in",
    async (other) => {
      expect(await failureOf(plugin.check(other, {}))).toMatch(
        new RegExp(`${other} is not in this stand-in.*has ${token}`),
      );
    },
  );

  testStandIn("has no functions", async () => {
    expect(await failureOf(plugin.invoke("command:local:run"))).toMatch(
      "command:local:run is not in this stand-in",
    );
  });

  testStandIn("ends when its engine is gone", async () => {
    await startOwnPlugin();
    await plugin.loseEngine();
  });

  test("logs to the engine it is attached to", async () => {
    await startOwnPlugin();
    const server = await startServer();
    const logs = await plugin.attach();
    await create(server, { create: "echo hello" });
    expect(logs.map(({ message }) => message)).toEqual(["hello"]);
    expect(plugin.logs).toEqual([]);
  });

  test("reads back the state it is given, with no look at the host", async () => {
    const server = await startServer();
    const inputs = await checked(server, { create: "echo hello" });
    const outputs = { ...inputs, stdout: "before", stderr: "" };
    expect(await plugin.read(token, "id", outputs, inputs)).toEqual({ id: "id", outputs, inputs });
    expect(server.connections).toBe(0);
  });
});

describe("Check", () => {
  test("fills in the defaults of the connection and of its proxy", async () => {
    const { inputs } = await plugin.check(token, {
      create: "true",
      connection: { host: "a", proxy: { host: "b" } },
    });
    const defaults = { user: "root", port: 22, dialErrorLimit: 10, perDialTimeout: 15 };
    expect(inputs).toEqual({
      create: "true",
      connection: secret({ host: "a", ...defaults, proxy: { host: "b", ...defaults } }),
    });
  });

  test("keeps what the program says", async () => {
    const connection = {
      host: "a",
      user: "admin",
      port: 2222,
      dialErrorLimit: -1,
      perDialTimeout: 0,
      hostKey: "ssh-ed25519 AAAA",
      agentSocketPath: "/run/agent",
    };
    const inputs = {
      create: "a",
      update: "b",
      delete: "c",
      stdin: "d",
      logging: "stderr",
      triggers: ["e", 1, { f: [true] }],
      environment: { G: "h" },
      addPreviousOutputInEnv: false,
    };
    const { inputs: seen, failures } = await plugin.check(token, { ...inputs, connection });
    expect(failures).toEqual([]);
    expect(seen).toEqual({ ...inputs, connection: secret(connection) });
  });

  test("makes the connection, its passwords and its keys secret, and keeps other secrets", async () => {
    const { inputs } = await plugin.check(token, {
      stdin: secret("text"),
      environment: { A: secret("b") },
      triggers: [secret("c")],
      connection: {
        host: "a",
        password: "x",
        privateKey: secret("y"),
        privateKeyPassword: "z",
        proxy: secret({ host: "b", password: "w" }),
      },
    });
    expect(inputs).toMatchObject({
      stdin: secret("text"),
      environment: { A: secret("b") },
      triggers: [secret("c")],
      connection: secret({
        host: "a",
        password: secret("x"),
        privateKey: secret("y"),
        privateKeyPassword: secret("z"),
        proxy: secret({ host: "b", password: secret("w") }),
      }),
    });
  });

  test("lets pass what preview doesn't know yet", async () => {
    const { inputs, failures } = await plugin.check(token, {
      create: unknown,
      environment: { A: unknown },
      connection: { host: unknown, port: 2222 },
    });
    expect(failures).toEqual([]);
    expect(inputs).toMatchObject({
      create: unknown,
      environment: { A: unknown },
      connection: secret({ host: unknown, port: 2222, user: "root" }),
    });
    const whole = await plugin.check(token, { create: unknown, connection: unknown });
    expect(whole.failures).toEqual([]);
    expect(isUnknownSecret(whole.inputs.connection ?? {})).toBe(true);
  });

  test("takes null for absent", async () => {
    const { inputs, failures } = await plugin.check(token, {
      create: "a",
      update: null,
      connection: { host: "a", password: null, port: null },
    });
    expect(failures).toEqual([]);
    expect(inputs).toMatchObject({ connection: secret({ host: "a", port: 22 }) });
    expect(Object.keys(inputs)).not.toContain("update");
  });

  const host = { host: "a" };
  test.each([
    ["no connection", { create: "a" }, /^connection/, /missing required .*connection/i],
    ["no host", { connection: {} }, /^connection/, /missing required .*host/i],
    ["no proxy host", { connection: { ...host, proxy: {} } }, /^connection/, /required .*host/i],
    ["an unknown name", { connection: host, creat: "a" }, /^creat$/, /unrecognized .*creat/i],
    [
      "an unknown name in the connection",
      { connection: { ...host, hostkey: "a" } },
      /^connection/,
      /unrecognized .*hostkey/i,
    ],
    ["a number for a string", { connection: host, stdin: 1 }, /^stdin$/, /must be a.*string/],
    ["a string for a port", { connection: { ...host, port: "22" } }, /^connection/, /must be a/],
    ["a string for triggers", { connection: host, triggers: "a" }, /^triggers$/, /must be a/],
    ["a string for the connection", { connection: "a" }, /^connection$/, /must be a/],
    [
      "a number in the environment",
      { connection: host, environment: { A: 1 } },
      /^environment.*A/,
      /must be a.*string/,
    ],
    [
      "a string for a flag",
      { connection: host, addPreviousOutputInEnv: "no" },
      /^addPreviousOutputInEnv$/,
      /must be a/,
    ],
  ])("refuses %s", async (_case, inputs, property, reason) => {
    const { failures } = await plugin.check(token, inputs);
    expect(failures).toHaveLength(1);
    expect(failures[0]?.property).toMatch(property);
    expect(failures[0]?.reason).toMatch(reason);
  });

  test("names everything that is wrong at once, and no value", async () => {
    const { failures, inputs } = await plugin.check(token, {
      creat: "VALUE-1",
      stdin: secret(["VALUE-2"]),
      connection: { hostt: "VALUE-3", password: 7654321, privatekey: "VALUE-4" },
    });
    const said = failures.map(({ property, reason }) => `${property}: ${reason}`).join("\n");
    for (const name of ["creat", "stdin", "host", "hostt", "password", "privatekey"]) {
      expect(said).toMatch(name);
    }
    expect(said).not.toMatch(/VALUE|7654321/);
    // The engine prints the inputs of a failed check.
    expect(inputs).toMatchObject({ connection: secret({ hostt: "VALUE-3" }) });
  });
});

describe("Diff", () => {
  const old = {
    create: "a",
    connection: secret({ host: "a", user: "root" }),
    environment: { A: "1", B: "2" },
    triggers: ["a", { b: 1 }],
  };

  async function diff(news: Properties, ignoreChanges?: string[]): ReturnType<Plugin["diff"]> {
    const olds = { ...old, stdout: "out", stderr: "" };
    return plugin.diff(token, { oldInputs: old, olds, news }, ignoreChanges);
  }

  test.each<[string, Properties, Record<string, string>]>([
    ["a changed command", { create: "b" }, { create: "UPDATE" }],
    ["a new property", { stdin: secret("a") }, { stdin: "ADD" }],
    ["a property that is gone", { environment: null }, { environment: "DELETE" }],
    [
      "variables",
      { environment: { A: "2", C: "3", "D.E": "4" } },
      {
        "environment.A": "UPDATE",
        "environment.B": "DELETE",
        "environment.C": "ADD",
        'environment["D.E"]': "ADD",
      },
    ],
    [
      "a connection, being secret, as a whole",
      { connection: secret({ host: "b", user: "root" }) },
      { connection: "UPDATE" },
    ],
    [
      "a connection that isn't secret any more",
      { connection: { host: "a", user: "root" } },
      { connection: "UPDATE" },
    ],
    ["a command that isn't known yet", { create: unknown }, { create: "UPDATE" }],
    // The SDK's replaceOnChanges makes replacements of these.
    ["a changed trigger", { triggers: ["b", { b: 1 }] }, { "triggers[0]": "UPDATE" }],
    ["a change inside a trigger", { triggers: ["a", { b: 2 }] }, { "triggers[1].b": "UPDATE" }],
    ["one more trigger", { triggers: ["a", { b: 1 }, "c"] }, { "triggers[2]": "ADD" }],
    ["one trigger less", { triggers: ["a"] }, { "triggers[1]": "DELETE" }],
  ])("updates in place for %s", async (_case, change, detailed) => {
    const diffs = Object.keys(change);
    expect(await diff({ ...old, ...change })).toEqual({
      changes: true,
      diffs,
      replaces: [],
      detailed,
    });
  });

  test("replaces when triggers come, go, or become secret", async () => {
    expect(await diff({ ...old, triggers: null })).toEqual({
      changes: true,
      diffs: ["triggers"],
      replaces: ["triggers"],
      detailed: { triggers: "DELETE_REPLACE" },
    });
    expect(await diff({ ...old, triggers: secret(old.triggers) })).toMatchObject({
      detailed: { triggers: "UPDATE_REPLACE" },
    });
    const { triggers, ...without } = old;
    const added = await plugin.diff(token, {
      oldInputs: without,
      olds: without,
      news: { ...without, triggers },
    });
    expect(added.detailed).toEqual({ triggers: "ADD_REPLACE" });
  });

  test("sees no change where there is none, nor in what isn't an input", async () => {
    const none = { changes: false, diffs: [], replaces: [], detailed: {} };
    expect(await diff(old)).toEqual(none);
    expect(await diff({ ...old, version: "9", __internal: true })).toEqual(none);
  });

  test("leaves out what the program ignores", async () => {
    const { detailed } = await diff({ ...old, create: "b", stdin: "c" }, ["create"]);
    expect(detailed).toEqual({ stdin: "ADD" });
  });

  test("takes a connection that isn't known yet for the same", async () => {
    const { inputs } = await plugin.check(token, { ...old, connection: unknown });
    expect(await diff(inputs)).toMatchObject({ changes: false });
  });
});

describe("preview", () => {
  test("of a new resource dials nobody and leaves the output open", async () => {
    const server = await startServer();
    const inputs = await checked(server, { create: unknown, stdin: secret("a") });
    const { outputs } = await plugin.create(token, inputs, { preview: true });
    expect(outputs).toMatchObject({
      create: unknown,
      stdin: secret("a"),
      stdout: unknown,
      stderr: unknown,
    });
    expect(server.connections).toBe(0);
  });

  test.each([
    ["changes", { create: "echo b" }, unknown],
    ["isn't known", { create: unknown }, unknown],
    ["is gone", { create: null }, unknown],
    ["is new", { create: "echo a", stdin: "b" }, "before"],
    ["stays", { create: "echo a" }, "before"],
  ])("of an update, when an input %s, says so of the output", async (_case, change, stdout) => {
    const server = await startServer();
    const olds = { ...(await checked(server, { create: "echo a" })), stdout: "before", stderr: "" };
    const news = await checked(server, change);
    const outputs = await plugin.update(token, { olds, news }, { preview: true });
    expect(outputs.stdout).toBe(stdout);
    expect(server.connections).toBe(0);
  });
});

describe("a command", () => {
  test("runs on create, with what it writes as outputs, less one newline", async () => {
    const server = await startServer();
    const { id, outputs } = await create(server, { create: "printf 'a\\n\\n'; echo b >&2" });
    expect(id).toMatch(/^resource[0-9a-f]{8}$/);
    expect(outputs).toMatchObject({ stdout: "a\n", stderr: "b" });
    expect(server.commands).toHaveLength(1);
  });

  test("runs as update on update", async () => {
    const server = await startServer();
    const outputs = await update(server, { create: "echo created", update: "echo updated" });
    expect(outputs).toMatchObject({ update: "echo updated", stdout: "updated" });
  });

  test("runs as create on update when there is no update", async () => {
    const server = await startServer();
    expect(await update(server, { create: "echo created" })).toMatchObject({ stdout: "created" });
  });

  test("runs as delete on delete", async () => {
    const server = await startServer();
    await remove(server, { create: "echo created", delete: "echo deleted" });
    expect(server.commands).toEqual(["echo deleted"]);
  });

  test("that isn't there is not run, and nobody is dialled", async () => {
    const server = await startServer();
    expect((await create(server, {})).outputs).toMatchObject({ stdout: "", stderr: "" });
    expect(await update(server, {})).toMatchObject({ stdout: "before", stderr: "warned" });
    await remove(server, { create: "echo created" });
    expect(server.connections).toBe(0);
  });

  test("echoes its inputs, secrets as secrets; its own output is not one", async () => {
    const server = await startServer({ acceptEnv: ["A"] });
    const inputs = {
      create: secret("cat; echo $A"),
      stdin: secret("b\n"),
      environment: { A: secret("c") },
      triggers: [secret("d"), "e"],
      logging: "none",
    };
    const { outputs } = await create(server, inputs);
    const connection = (await checked(server, {})).connection;
    expect(outputs).toEqual({ ...inputs, connection, stdout: "b\nc", stderr: "" });
  });

  test("that fails says how, itself, and what it wrote", async () => {
    const server = await startServer();
    const command = `echo "out"; sleep 0.1; printf 'é\\t' >&2; exit 3`;
    await expect(create(server, { create: command })).rejects.toMatchObject({
      code: status.UNKNOWN,
      details: `Process exited with status 3: running "echo \\"out\\"; sleep 0.1; printf 'é\\\\t' >&2; exit 3":\nout\né\t`,
    });
  });

  test.each([
    ["KILL", 137],
    ["TERM", 143],
    ["SEGV", 139],
  ])("killed by SIG%s says so", async (signal, code) => {
    const server = await startServer();
    await expect(create(server, { create: `kill -${signal} $$` })).rejects.toMatchObject({
      details: `Process exited with status ${code} from signal ${signal}: running "kill -${signal} $$":\n`,
    });
  });

  test("whose connection breaks fails with what it wrote so far", async () => {
    const server = await startServer({ dropAfterMilliseconds: 200 });
    expect(await failureOf(create(server, { create: "echo a; sleep 9" }))).toMatch(
      /without exit status or exit signal: running "echo a; sleep 9":\na\n/,
    );
  });

  test("whose end isn't told fails", async () => {
    const server = await startServer({ hidesExit: true });
    expect(await failureOf(create(server, { create: "echo a" }))).toMatch(
      /without exit status or exit signal/,
    );
  });

  test("runs beside others of the same plugin", async () => {
    const server = await startServer();
    const all = await Promise.all(
      [...Array(8).keys()].map(async (n) => create(server, { create: `sleep 0.2; echo ${n}` })),
    );
    expect(all.map(({ outputs }) => outputs.stdout)).toEqual([0, 1, 2, 3, 4, 5, 6, 7].map(String));
  });

  testStandIn("leaves no connection open", async () => {
    const proxy = await startServer({ forwards: true });
    const server = await startServer();
    await create(server, { create: "true" }, { proxy: login(proxy) });
    await expect(create(server, { create: "false" })).rejects.toThrow();
    await eventually(
      () => server.openConnections + proxy.openConnections === 0,
      () => `${server.openConnections} and ${proxy.openConnections} connections are open`,
    );
    expect(server.connections).toBe(2);
  });
});

describe("stdin", () => {
  test("reaches the command whole, whatever its size", async () => {
    const server = await startServer();
    const stdin = "é\0\r\n".repeat(700_000);
    const { outputs } = await create(server, { create: "sleep 0.3; sha256sum", stdin });
    expect(outputs.stdout).toMatch(createHash("sha256").update(stdin).digest("hex"));
  });

  test("is empty, not open, when there is none", async () => {
    const server = await startServer();
    const { outputs } = await create(server, { create: "wc -c" });
    expect(outputs.stdout).toMatch(/^\s*0$/);
  });

  test("may be left unread if it is small", async () => {
    const server = await startServer();
    const { outputs } = await create(server, { create: "echo a", stdin: "b\n".repeat(1000) });
    expect(outputs.stdout).toBe("a");
  });

  test("left unread fails the command if it is large", async () => {
    const server = await startServer();
    const stdin = "a".repeat(8 * 2 ** 20);
    await expect(create(server, { create: "head -c 3", stdin })).rejects.toMatchObject({
      details: 'EOF: running "head -c 3":\naaa',
    });
  });
});

describe("output", () => {
  // One at a time: ssh2's server stalls when both streams wait for the client.
  test.each([
    ["stdout", ""],
    ["stderr", ">&2"],
  ])("is kept whole when there is much of it on %s", async (stream, redirection) => {
    const server = await startServer();
    const { outputs } = await create(server, {
      create: `head -c 6000000 /dev/zero | tr '\\0' x ${redirection}`,
      logging: "none",
    });
    const text = outputs[stream] as string; // too long to be shown when it differs
    const whole = text === "x".repeat(6_000_000);
    expect({ whole, length: text.length }).toEqual({ whole: true, length: 6_000_000 });
  });

  test("may hold NUL and any other character, wherever packets end", async () => {
    const server = await startServer();
    const text = "aé€😀\0\u001b\r\n".repeat(50_000);
    const { outputs } = await create(server, { create: "cat", stdin: text, logging: "none" });
    expect(outputs.stdout).toBe(text.replace(/\n$/, ""));
  });

  test("that isn't UTF-8 fails the command, since state can't hold it", async () => {
    const server = await startServer();
    expect(await failureOf(create(server, { create: "printf '\\377'" }))).toMatch(/UTF-8/);
  });

  testStandIn("is cut in the middle where an error has no room for it", async () => {
    const server = await startServer();
    const command = "echo first; seq 100000; echo last; exit 1";
    expect(await failureOf(create(server, { create: command, logging: "none" }))).toMatch(
      /^Process exited with status 1: [^]*first\n1\n[^]*\n\[\.\.\. \d+ characters left out \.\.\.\]\n[^]*\nlast\n$/,
    );
  });
});

describe("logging", () => {
  const command = "echo out; sleep 0.1; echo err >&2";
  test.each([
    ["both by default", {}, ["out", "err"]],
    ["both", { logging: "stdoutAndStderr" }, ["out", "err"]],
    ["stdout", { logging: "stdout" }, ["out"]],
    ["stderr", { logging: "stderr" }, ["err"]],
    ["nothing", { logging: "none" }, []],
  ])("shows %s", async (_case, inputs, messages) => {
    const server = await startServer();
    const { outputs } = await create(server, { create: command, ...inputs });
    expect(plugin.logs.map(({ message }) => message)).toEqual(messages);
    expect(outputs).toMatchObject({ stdout: "out", stderr: "err" });
  });

  test("shows a status line for each line, the last one too if it is unfinished", async () => {
    const server = await startServer();
    await create(server, { create: "printf 'a\\r\\n\\nb'" });
    const entry = {
      severity: "info",
      ephemeral: true,
      urn: `urn:pulumi:stack::project::${token}::resource`,
    };
    expect(plugin.logs).toEqual([
      { ...entry, message: "a" },
      { ...entry, message: "" },
      { ...entry, message: "b" },
    ]);
  });

  test("shows a character whole that comes in two packets", async () => {
    const server = await startServer();
    await create(server, { create: "printf '\\303'; sleep 0.2; printf '\\251\\n'" });
    expect(plugin.logs.map(({ message }) => message)).toEqual(["é"]);
  });

  test("shows lines while the command runs", async () => {
    const server = await startServer();
    const running = create(server, { create: "echo early; cat >/dev/null; sleep 1; echo late" });
    await eventually(
      () => plugin.logs.some(({ message }) => message === "early"),
      () => `the log has ${JSON.stringify(plugin.logs)}`,
    );
    expect(server.running).toBe(1);
    await running;
  });

  test("shows many lines in their order", async () => {
    const server = await startServer();
    await create(server, { create: "seq 1000" });
    expect(plugin.logs.map(({ message }) => Number(message))).toEqual(
      [...Array(1000).keys()].map((n) => n + 1),
    );
  });

  testStandIn("shows a line of any length", async () => {
    const server = await startServer();
    const { outputs } = await create(server, { create: "head -c 200000 /dev/zero | tr '\\0' x" });
    expect(outputs.stdout).toHaveLength(200_000);
    expect(plugin.logs.map(({ message }) => message.length)).toEqual([200_000]);
  });
});

describe("the environment", () => {
  test("reaches the command", async () => {
    const server = await startServer({ acceptEnv: ["A", "B"] });
    const { outputs } = await create(server, {
      create: 'echo "$A-$B"',
      environment: { A: "it's", B: "b\nc" },
    });
    expect(outputs.stdout).toBe("it's-b\nc");
  });

  test("refused by the server fails the command before it runs", async () => {
    const server = await startServer({ acceptEnv: ["LANG"] });
    await expect(
      create(server, { create: "echo a", environment: { SETTING: "b" } }),
    ).rejects.toMatchObject({
      details: 'could not set environment variable "SETTING": ssh: setenv failed',
    });
    expect(server.commands).toEqual([]);
    expect(plugin.logs).toMatchObject([{ severity: "error", ephemeral: false }]);
    expect(plugin.logs[0]?.message).toMatch(/^Unable to set 'SETTING'\.[^]*AcceptEnv/);
  });

  const command = 'echo "$PULUMI_COMMAND_STDOUT-$PULUMI_COMMAND_STDERR"';
  const previous = ["PULUMI_COMMAND_STDOUT", "PULUMI_COMMAND_STDERR"];

  test("has the previous output on update and delete", async () => {
    const server = await startServer({ acceptEnv: previous });
    expect(await update(server, { create: command })).toMatchObject({ stdout: "before-warned" });
    await remove(server, { delete: command });
    expect(plugin.logs.at(-1)?.message).toBe("before-warned");
  });

  test("without the previous output, being refused, runs the command with a warning", async () => {
    const server = await startServer({ acceptEnv: ["PULUMI_COMMAND_STDOUT"] });
    expect(await update(server, { create: command })).toMatchObject({ stdout: "before-" });
    const warnings = plugin.logs.filter(({ severity }) => severity === "warning");
    expect(warnings).toHaveLength(1);
    expect(warnings[0]?.message).toMatch(/^Unable to set 'PULUMI_COMMAND_STDERR'\./);
  });

  test("has no previous output when there is none, or none is wanted", async () => {
    const server = await startServer();
    await create(server, { create: command });
    await update(server, { create: command, addPreviousOutputInEnv: false });
    expect(server.environment).toEqual([]);
    expect(plugin.logs.filter(({ severity }) => severity === "warning")).toEqual([]);
  });
});

describe("logging in", () => {
  test("as another user", async () => {
    const server = await startServer({ user: "admin" });
    await create(server, { create: "true" }, { user: "admin" });
    await expect(create(server, { create: "true" }, { dialErrorLimit: 0 })).rejects.toThrow();
    expect(server.logins).toEqual(["password"]);
  });

  test("by keyboard-interactive, with the password for every question", async () => {
    const server = await startServer({ password: undefined, keyboardInteractive: password });
    await create(server, { create: "true" });
    expect(server.logins).toEqual(["keyboard-interactive"]);
  });

  test.each([
    ["an ED25519 key", sshKeyPair("ed25519")],
    ["an ECDSA key", sshKeyPair("ecdsa")],
    ["an RSA key", sshKeyPair("rsa")],
    ["a PKCS#8 key", pkcs8KeyPair()],
  ])("by %s", async (_case, key) => {
    const server = await startServer({ password: undefined, authorizedKeys: [key.public] });
    await create(server, { create: "true" }, { password: null, privateKey: key.private });
    expect(server.logins).toEqual(["publickey"]);
  });

  test("by an encrypted key and its password", async () => {
    const key = sshKeyPair("ed25519", "pass phrase");
    const server = await startServer({ authorizedKeys: [key.public] });
    await create(
      server,
      { create: "true" },
      { privateKey: key.private, privateKeyPassword: "pass phrase" },
    );
    expect(server.logins).toEqual(["publickey"]);
  });

  test("by the password when the server doesn't know the key", async () => {
    const server = await startServer({ authorizedKeys: [sshKeyPair("ed25519").public] });
    await create(server, { create: "true" }, { privateKey: sshKeyPair("ed25519").private });
    expect(server.logins).toEqual(["password"]);
    expect(server.authFailures).toBe(1);
  });

  const encrypted = sshKeyPair("ed25519", "pass phrase").private;
  test.each([
    ["a key that is none", { privateKey: "nonsense" }, /no key found/],
    ["an encrypted key without its password", { privateKey: encrypted }, /passphrase/i],
    [
      "an encrypted key with a wrong password",
      { privateKey: encrypted, privateKeyPassword: "SECRET" },
      /incorrect|bad/,
    ],
    [
      "a password for a key that isn't encrypted",
      { privateKey: sshKeyPair("ed25519").private, privateKeyPassword: "SECRET" },
      /not password protected/,
    ],
    ["no agent", { agentSocketPath: "/nowhere/agent" }, /\/nowhere\/agent/],
    ["a host key that is none", { hostKey: "nonsense" }, /failed to parse host key/],
  ])("with %s fails before anybody is dialled", async (_case, connection, reason) => {
    const server = await startServer();
    const said = await failureOf(create(server, { create: "true" }, connection));
    expect(said).toMatch(reason);
    expect(said).not.toMatch(/SECRET/);
    expect(server.connections).toBe(0);
  });

  test("with a wrong password is tried as often as any dial, and runs nothing", async () => {
    const server = await startServer();
    expect(
      await failureOf(create(server, { create: "true" }, { password: "wrong", dialErrorLimit: 1 })),
    ).toMatch(
      /^after 1 failed attempts: .*unable to authenticate.*attempted methods \[none password\]/,
    );
    expect(server).toMatchObject({ connections: 2, authFailures: 2, logins: [], commands: [] });
  });

  describe("by an agent", () => {
    const key = sshKeyPair("ed25519");

    test("at the path of the connection", async () => {
      const agent = await startAgent(key.private);
      const server = await startServer({ password: undefined, authorizedKeys: [key.public] });
      await create(server, { create: "true" }, { password: null, agentSocketPath: agent });
      expect(server.logins).toEqual(["publickey"]);
    });

    test("of the environment", async () => {
      await startOwnPlugin({ SSH_AUTH_SOCK: await startAgent(key.private) });
      const server = await startServer({ password: undefined, authorizedKeys: [key.public] });
      await create(server, { create: "true" }, { password: null });
      expect(server.logins).toEqual(["publickey"]);
    });
  });
});

describe("the host key", () => {
  const dialOnce = { dialErrorLimit: 0 };

  test.each(["ed25519", "ecdsa", "rsa"] as const)("of type %s is recognized", async (type) => {
    const keys = [sshKeyPair("rsa"), sshKeyPair("ecdsa"), sshKeyPair("ed25519")];
    const key = sshKeyPair(type);
    const others = keys.filter(
      ({ public: line }) => line.split(" ")[0] !== key.public.split(" ")[0],
    );
    const server = await startServer({
      hostKeys: [...others, key].map(({ private: text }) => text),
    });
    await create(server, { create: "true" }, { ...dialOnce, hostKey: key.public });
    expect(server.commands).toEqual(["true"]);
  });

  test("is found in a line with a name before it and a comment behind", async () => {
    const server = await startServer();
    await create(
      server,
      { create: "true" },
      { hostKey: `# a\nweb1 ${hostKey(server)} root@web1\n` },
    );
  });

  test("that isn't the expected one ends it all before anybody logs in", async () => {
    const server = await startServer();
    expect(
      await failureOf(
        create(server, { create: "true" }, { ...dialOnce, hostKey: sshKeyPair("ed25519").public }),
      ),
    ).toMatch(/host key mismatch/);
    expect(server).toMatchObject({ logins: [], authFailures: 0, commands: [] });
  });

  test("of a type that the host hasn't ends it all", async () => {
    const server = await startServer();
    expect(
      await failureOf(
        create(server, { create: "true" }, { ...dialOnce, hostKey: sshKeyPair("ecdsa").public }),
      ),
    ).toMatch(/no common algorithm for host key.*ecdsa-sha2-nistp256/);
    expect(server.commands).toEqual([]);
  });

  // The client asks for the key's type as the signature's algorithm, and OpenSSH 8.8 dropped ssh-rsa.
  test("of type RSA can't be used with a server that signs by SHA-2 only", async () => {
    const port = await startSha2Server();
    const connection = { host: "127.0.0.1", port, password, hostKey: sshKeyPair("rsa").public };
    const { inputs } = await plugin.check(token, {
      create: "true",
      connection: { ...connection, ...dialOnce },
    });
    expect(await failureOf(plugin.create(token, inputs))).toMatch(
      /no common algorithm for host key/,
    );
  });
});

describe("dialling", () => {
  test("goes on after failures, with longer and longer pauses, and says so", async () => {
    const server = await startServer({ refuseFirst: 3 });
    await create(server, { create: "true" });
    expect(plugin.logs).toMatchObject(
      [1, 2, 3].map((n) => ({
        severity: "info",
        ephemeral: true,
        message: `Dial ${n}/10 failed: retrying`,
      })),
    );
    const pauses = server.arrivals.slice(1).map((at, n) => at - (server.arrivals[n] ?? at));
    const least = [100, 150, 225];
    expect(pauses).toHaveLength(least.length);
    least.forEach((milliseconds, n) => {
      expect(pauses[n]).toBeGreaterThanOrEqual(milliseconds - 5);
      expect(pauses[n]).toBeLessThan(milliseconds + 400);
    });
  });

  test.each([0, 2])("ends after dialErrorLimit %d and one more", async (dialErrorLimit) => {
    const server = await startServer({ refuseFirst: 99 });
    expect(await failureOf(create(server, { create: "true" }, { dialErrorLimit }))).toMatch(
      new RegExp(`^after ${dialErrorLimit} failed attempts: `),
    );
    expect(server.connections).toBe(dialErrorLimit + 1);
  });

  test("a port where nobody listens says so", async () => {
    const server = await startServer();
    await server.stop();
    expect(await failureOf(create(server, { create: "true" }, { dialErrorLimit: 0 }))).toMatch(
      /refused/i,
    );
  });

  test("without a limit goes on until the time of the resource is over", async () => {
    const server = await startServer({ refuseFirst: 99 });
    const inputs = await checked(server, { create: "true" }, { dialErrorLimit: -1 });
    const error = await errorOf(plugin.create(token, inputs, { timeoutSeconds: 1 }));
    expect(error).toMatchObject({ code: status.DEADLINE_EXCEEDED });
    expect(error.details).toMatch(/deadline exceeded/);
    expect(server.connections).toBeGreaterThan(3);
    expect(plugin.logs[0]?.message).toBe("Dial 1/inf failed: retrying");
  });

  test("ends when the user cancels", async () => {
    await startOwnPlugin();
    const server = await startServer({ refuseFirst: 99 });
    const running = create(server, { create: "true" }, { dialErrorLimit: -1 });
    const error = errorOf(running);
    await eventually(
      () => server.connections > 1,
      () => `${server.connections} connections came`,
    );
    await plugin.cancel();
    expect((await error).code).toBe(status.CANCELLED);
  });

  test("without perDialTimeout works", async () => {
    const server = await startServer();
    await create(server, { create: "true" }, { perDialTimeout: 0 });
  });

  testStandIn("gives up an attempt after perDialTimeout", async () => {
    const server = await startServer({ silent: true });
    expect(
      await failureOf(create(server, { create: "true" }, { perDialTimeout: 1, dialErrorLimit: 0 })),
    ).toMatch(/no login within 1 s/);
    await eventually(
      () => server.openConnections === 0,
      () => `${server.openConnections} connections are open`,
    );
  });
});

describe("a proxy", () => {
  test("is logged in to by itself, and the host is reached through it", async () => {
    const key = sshKeyPair("ed25519");
    const proxy = await startServer({
      user: "jump",
      password: undefined,
      authorizedKeys: [key.public],
      forwards: true,
    });
    const server = await startServer();
    const { outputs } = await create(
      server,
      { create: "echo through" },
      {
        hostKey: hostKey(server),
        proxy: {
          host: "127.0.0.1",
          port: proxy.port,
          user: "jump",
          privateKey: key.private,
          hostKey: hostKey(proxy),
        },
      },
    );
    expect(outputs.stdout).toBe("through");
    expect(proxy).toMatchObject({ logins: ["publickey"], commands: [] });
    expect(proxy.forwarded).toEqual([`127.0.0.1:${server.port}`]);
    expect(server).toMatchObject({ connections: 1, logins: ["password"] });
  });

  test("with another host key than expected is not logged in to", async () => {
    const proxy = await startServer({ forwards: true });
    const server = await startServer();
    const wrong = { ...login(proxy), dialErrorLimit: 0, hostKey: hostKey(server) };
    expect(await failureOf(create(server, { create: "true" }, { proxy: wrong }))).toMatch(
      /^proxy: .*host key mismatch/,
    );
    expect(proxy.logins).toEqual([]);
    expect(server.connections).toBe(0);
  });

  test("doesn't stand in the way of the host's own key", async () => {
    const proxy = await startServer({ forwards: true });
    const server = await startServer();
    expect(
      await failureOf(
        create(
          server,
          { create: "true" },
          { dialErrorLimit: 0, hostKey: hostKey(proxy), proxy: login(proxy) },
        ),
      ),
    ).toMatch(/^proxy: .*host key mismatch/);
    expect(server.commands).toEqual([]);
  });

  test("that doesn't let in is tried its own number of times", async () => {
    const proxy = await startServer({ forwards: true });
    const server = await startServer();
    const wrong = { ...login(proxy), password: "wrong", dialErrorLimit: 1 };
    expect(await failureOf(create(server, { create: "true" }, { proxy: wrong }))).toMatch(
      /^proxy: after 1 failed attempts: .*unable to authenticate/,
    );
    expect(plugin.logs.map(({ message }) => message)).toEqual(["Dial proxy 1/1 failed: retrying"]);
  });

  test("that can't reach the host is asked again", async () => {
    const proxy = await startServer({ forwards: true });
    const server = await startServer();
    await server.stop();
    expect(
      await failureOf(
        create(server, { create: "true" }, { dialErrorLimit: 1, proxy: login(proxy) }),
      ),
    ).toMatch(/^proxy: after 1 failed attempts: /);
    expect(proxy.forwarded).toHaveLength(2);
    expect(plugin.logs.map(({ message }) => message)).toEqual([
      "Dial from proxy 1/1 failed: retrying",
    ]);
  });

  testStandIn("stays while the host behind it comes up", async () => {
    const proxy = await startServer({ forwards: true });
    const server = await startServer({ refuseFirst: 2 });
    await create(server, { create: "true" }, { proxy: login(proxy) });
    expect(proxy.connections).toBe(1);
    expect(server.connections).toBe(3);
  });
});

describe("a running command", () => {
  testStandIn("is told to end when the user cancels", async () => {
    await startOwnPlugin();
    const server = await startServer();
    const running = create(server, {
      create: "trap 'echo bye; exit 1' TERM; echo on; sleep 9 & wait",
    });
    const error = errorOf(running);
    await eventually(
      () => plugin.logs.length > 0,
      () => "the command wrote nothing",
    );
    await plugin.cancel();
    expect((await error).code).toBe(status.CANCELLED);
    expect((await error).details).toMatch(/^context canceled[^]*:\non\nbye\n$/);
    expect(server.signals).toEqual(["TERM"]);
    await expect(create(server, { create: "true" })).rejects.toMatchObject({
      code: status.CANCELLED,
    });
  });

  testStandIn("that doesn't end when it is told to is cut off", async () => {
    await startOwnPlugin();
    const server = await startServer();
    const error = errorOf(create(server, { create: "trap '' TERM; echo on; sleep 9; echo done" }));
    await eventually(
      () => plugin.logs.length > 0,
      () => "the command wrote nothing",
    );
    const cancelled = performance.now();
    await plugin.cancel();
    expect((await error).code).toBe(status.CANCELLED);
    expect(performance.now() - cancelled).toBeLessThan(7000);
  });

  test("that ends well after the user cancelled has done its work", async () => {
    await startOwnPlugin();
    const server = await startServer();
    const running = create(server, { create: "trap '' TERM; echo on; sleep 1; echo done" });
    await eventually(
      () => plugin.logs.length > 0,
      () => "the command wrote nothing",
    );
    await plugin.cancel();
    expect((await running).outputs).toMatchObject({ stdout: "on\ndone" });
  });

  testStandIn("is told to end when the engine gives up the call", async () => {
    const server = await startServer();
    const inputs = await checked(server, { create: "sleep 9" });
    const error = await errorOf(plugin.create(token, inputs, { callSeconds: 1 }));
    expect(error.code).toBe(status.DEADLINE_EXCEEDED);
    await eventually(
      () => server.running === 0,
      () => `${server.running} commands run`,
    );
    expect(server.signals).toEqual(["TERM"]);
  });

  testStandIn("is told to end when the time of the resource is over", async () => {
    const server = await startServer();
    const inputs = await checked(server, { create: "echo on; sleep 9" });
    const error = await errorOf(plugin.create(token, inputs, { timeoutSeconds: 1 }));
    expect(error.code).toBe(status.DEADLINE_EXCEEDED);
    expect(error.details).toMatch(/deadline exceeded: not done within 1 s[^]*:\non\n$/);
    expect(server.signals).toEqual(["TERM"]);
  });
});

const password = "the password";

/** A connection's properties that log in to a server by password. */
function login(server: SshServer): Properties {
  return { host: "127.0.0.1", port: server.port, password };
}

function hostKey(server: SshServer): string {
  return server.hostKeys[0] ?? "";
}

/** Starts a plugin for this test alone. */
async function startOwnPlugin(environment?: Record<string, string>): Promise<void> {
  const own = await Plugin.start(underTest, environment);
  plugin = own;
  cleanups.push(async () => own.stop());
}

async function startServer(options: SshServerOptions = {}): Promise<SshServer> {
  const server = await startSshServer({ password, ...options });
  cleanups.push(async () => server.stop());
  return server;
}

async function startSha2Server(): Promise<number> {
  const { port, stop } = await startServerOfHostKeyAlgorithms(["rsa-sha2-512", "rsa-sha2-256"]);
  cleanups.push(stop);
  return port;
}

/** A real ssh-agent that has one key; the path of its socket. */
async function startAgent(privateKey: string): Promise<string> {
  const folder = mkdtempSync(join(tmpdir(), "lvs-ha-agent-"));
  const [socket, keyFile] = [join(folder, "agent"), join(folder, "key")];
  const agent: ChildProcess = spawn("ssh-agent", ["-D", "-a", socket], { stdio: "ignore" });
  cleanups.push(async () => {
    agent.kill();
    await once(agent, "exit");
  });
  await eventually(
    () => existsSync(socket),
    () => `ssh-agent made no socket ${socket}`,
  );
  writeFileSync(keyFile, privateKey, { mode: 0o600 });
  const added = spawnSync("ssh-add", [keyFile], { env: { ...process.env, SSH_AUTH_SOCK: socket } });
  expect(added.status).toBe(0);
  return socket;
}

/** The inputs of a command on a server as Check leaves them. */
async function checked(
  server: SshServer,
  inputs: Properties,
  connection: Properties = {},
): Promise<Properties> {
  const news = { ...inputs, connection: { ...login(server), ...connection } };
  const result = await plugin.check(token, news);
  expect(result.failures).toEqual([]);
  return result.inputs;
}

/** The error of a call that must fail. */
async function errorOf(call: Promise<unknown>): Promise<ServiceError> {
  return call.then(
    (result) => {
      throw new Error(`it should have failed, and gave ${JSON.stringify(result)}`);
    },
    (error: unknown) => error as ServiceError,
  );
}

/** What a call that must fail says. */
async function failureOf(call: Promise<unknown>): Promise<string> {
  return (await errorOf(call)).details;
}

async function create(
  server: SshServer,
  inputs: Properties,
  connection?: Properties,
): ReturnType<Plugin["create"]> {
  return plugin.create(token, await checked(server, inputs, connection));
}

/** Updates a resource whose last command wrote `before` and, as an error, `warned`. */
async function update(server: SshServer, inputs: Properties): Promise<Properties> {
  const olds = { ...(await checked(server, { create: "true" })), ...previousOutput };
  return plugin.update(token, { olds, news: await checked(server, inputs) });
}

async function remove(server: SshServer, inputs: Properties): Promise<void> {
  await plugin.delete(token, { ...(await checked(server, inputs)), ...previousOutput });
}

const previousOutput = { stdout: "before", stderr: "warned" };

async function eventually(condition: () => boolean, seen: () => string): Promise<void> {
  const limit = performance.now() + 3000;
  while (!condition()) {
    if (performance.now() > limit) {
      throw new Error(`not within 3 s: ${seen()}`);
    }
    await sleep(20);
  }
}
