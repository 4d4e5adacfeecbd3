/** What a `command` plugin must say to the engine: the same cases for the official one and the stand-in. */
import { readFileSync } from "node:fs";
import {
  checked,
  create,
  failureOf,
  plugin,
  startOwnPlugin,
  startServer,
  testStandIn,
  token,
  underTest,
} from "./commandPlugin";
import { isUnknownSecret, type Plugin, secret, unknown, type Properties } from "./plugin";

describe(`the process (${underTest.description})`, () => {
  test("says its version", async () => {
    expect((await plugin().getPluginInfo()).getVersion()).toBe("1.2.1");
  });

  testStandIn(
    "has of the SDK the messages alone, since the rest takes longer than a command",
    () => {
      const program = readFileSync(underTest.executable, "utf8");
      const parts = program.matchAll(/^ *\/\/ node_modules\/@pulumi\/pulumi\/([^/\s]+)/gm);
      expect([...new Set([...parts].map(([, part]) => part))]).toEqual(["proto"]);
    },
  );

  test("has a schema that says what remote.Command takes and gives", async () => {
    const schema = await plugin().getSchema();
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
    const { failures, inputs } = await plugin().checkConfig({ version: "1.2.1" });
    expect(failures).toEqual([]);
    expect(inputs).toMatchObject({ version: "1.2.1" });
  });

  testStandIn.each(["command:local:Command", "command:remote:CopyToRemote"])(
    "says that %s is not in the stand-in",
    async (other) => {
      expect(await failureOf(plugin().check(other, {}))).toMatch(
        new RegExp(`${other} is not in this stand-in.*has ${token}`),
      );
    },
  );

  testStandIn("has no functions", async () => {
    expect(await failureOf(plugin().invoke("command:local:run"))).toMatch(
      "command:local:run is not in this stand-in",
    );
  });

  testStandIn("ends when its engine is gone", async () => {
    await startOwnPlugin();
    await plugin().loseEngine();
  });

  test("logs to the engine it is attached to", async () => {
    await startOwnPlugin();
    const server = await startServer();
    const logs = await plugin().attach();
    await create(server, { create: "echo hello" });
    expect(logs.map(({ message }) => message)).toEqual(["hello"]);
    expect(plugin().logs).toEqual([]);
  });

  test("reads back the state it is given, with no look at the host", async () => {
    const server = await startServer();
    const inputs = await checked(server, { create: "echo hello" });
    const outputs = { ...inputs, stdout: "before", stderr: "" };
    expect(await plugin().read(token, "id", outputs, inputs)).toEqual({
      id: "id",
      outputs,
      inputs,
    });
    expect(server.connections).toBe(0);
  });
});

describe("Check", () => {
  test("fills in the defaults of the connection and of its proxy", async () => {
    const { inputs } = await plugin().check(token, {
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
    const { inputs: seen, failures } = await plugin().check(token, { ...inputs, connection });
    expect(failures).toEqual([]);
    expect(seen).toEqual({ ...inputs, connection: secret(connection) });
  });

  test("makes the connection, its passwords and its keys secret, and keeps other secrets", async () => {
    const { inputs } = await plugin().check(token, {
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
    const { inputs, failures } = await plugin().check(token, {
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
    const whole = await plugin().check(token, { create: unknown, connection: unknown });
    expect(whole.failures).toEqual([]);
    expect(isUnknownSecret(whole.inputs.connection ?? {})).toBe(true);
  });

  test("takes null for absent", async () => {
    const { inputs, failures } = await plugin().check(token, {
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
    const { failures } = await plugin().check(token, inputs);
    expect(failures).toHaveLength(1);
    expect(failures[0]?.property).toMatch(property);
    expect(failures[0]?.reason).toMatch(reason);
  });

  test("names everything that is wrong at once, and no value", async () => {
    const { failures, inputs } = await plugin().check(token, {
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
    return plugin().diff(token, { oldInputs: old, olds, news }, ignoreChanges);
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
    const added = await plugin().diff(token, {
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
    const { inputs } = await plugin().check(token, { ...old, connection: unknown });
    expect(await diff(inputs)).toMatchObject({ changes: false });
  });
});

describe("preview", () => {
  test("of a new resource dials nobody and leaves the output open", async () => {
    const server = await startServer();
    const inputs = await checked(server, { create: unknown, stdin: secret("a") });
    const { outputs } = await plugin().create(token, inputs, { preview: true });
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
    const outputs = await plugin().update(token, { olds, news }, { preview: true });
    expect(outputs.stdout).toBe(stdout);
    expect(server.connections).toBe(0);
  });
});
