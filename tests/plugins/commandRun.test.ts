/** What a `command` plugin must do with a command: the same cases for the official one and the stand-in. */
import { createHash } from "node:crypto";
import { status } from "@grpc/grpc-js";
import {
  checked,
  create,
  errorOf,
  eventually,
  failureOf,
  gate,
  login,
  plugin,
  remove,
  startOwnPlugin,
  startServer,
  testStandIn,
  token,
  update,
} from "./commandPlugin";
import { secret } from "./plugin";

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
    const stdin = "é\0\r\n".repeat(500_000);
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
    // More than a busy server takes between the end of the command and that of the channel.
    const stdin = "a".repeat(16 * 2 ** 20);
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
    expect(plugin().logs.map(({ message }) => message)).toEqual(messages);
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
    expect(plugin().logs).toEqual([
      { ...entry, message: "a" },
      { ...entry, message: "" },
      { ...entry, message: "b" },
    ]);
  });

  test("shows a character whole that comes in two packets", async () => {
    const server = await startServer();
    await create(server, { create: "printf '\\303'; sleep 0.2; printf '\\251\\n'" });
    expect(plugin().logs.map(({ message }) => message)).toEqual(["é"]);
  });

  test("shows lines while the command runs", async () => {
    const server = await startServer();
    const { wait, open } = gate();
    const running = create(server, { create: `echo early; cat >/dev/null; ${wait}; echo late` });
    await eventually(
      () => plugin().logs.some(({ message }) => message === "early"),
      () => `the log has ${JSON.stringify(plugin().logs)}`,
    );
    expect(server.running).toBe(1);
    open();
    await running;
  });

  test("shows many lines in their order", async () => {
    const server = await startServer();
    await create(server, { create: "seq 1000" });
    expect(plugin().logs.map(({ message }) => Number(message))).toEqual(
      [...Array(1000).keys()].map((n) => n + 1),
    );
  });

  testStandIn("shows a line of any length", async () => {
    const server = await startServer();
    const { outputs } = await create(server, { create: "head -c 200000 /dev/zero | tr '\\0' x" });
    expect(outputs.stdout).toHaveLength(200_000);
    expect(plugin().logs.map(({ message }) => message.length)).toEqual([200_000]);
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
    expect(plugin().logs).toMatchObject([{ severity: "error", ephemeral: false }]);
    expect(plugin().logs[0]?.message).toMatch(/^Unable to set 'SETTING'\.[^]*AcceptEnv/);
  });

  const command = 'echo "$PULUMI_COMMAND_STDOUT-$PULUMI_COMMAND_STDERR"';
  const previous = ["PULUMI_COMMAND_STDOUT", "PULUMI_COMMAND_STDERR"];

  test("has the previous output on update and delete", async () => {
    const server = await startServer({ acceptEnv: previous });
    expect(await update(server, { create: command })).toMatchObject({ stdout: "before-warned" });
    await remove(server, { delete: command });
    expect(plugin().logs.at(-1)?.message).toBe("before-warned");
  });

  test("without the previous output, being refused, runs the command with a warning", async () => {
    const server = await startServer({ acceptEnv: ["PULUMI_COMMAND_STDOUT"] });
    expect(await update(server, { create: command })).toMatchObject({ stdout: "before-" });
    const warnings = plugin().logs.filter(({ severity }) => severity === "warning");
    expect(warnings).toHaveLength(1);
    expect(warnings[0]?.message).toMatch(/^Unable to set 'PULUMI_COMMAND_STDERR'\./);
  });

  test("has no previous output when there is none, or none is wanted", async () => {
    const server = await startServer();
    await create(server, { create: command });
    await update(server, { create: command, addPreviousOutputInEnv: false });
    expect(server.environment).toEqual([]);
    expect(plugin().logs.filter(({ severity }) => severity === "warning")).toEqual([]);
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
      () => plugin().logs.length > 0,
      () => "the command wrote nothing",
    );
    await plugin().cancel();
    expect((await error).code).toBe(status.CANCELLED);
    expect((await error).details).toMatch(/^context canceled[^]*:\non\nbye\n$/);
    expect(server.signals).toEqual(["TERM"]);
    await expect(create(server, { create: "true" })).rejects.toMatchObject({
      code: status.CANCELLED,
    });
  });

  testStandIn("that doesn't end when it is told to is cut off", async () => {
    await startOwnPlugin({ LVS_HA_TERMINATION_SECONDS: "0.5" });
    const server = await startServer();
    const error = errorOf(create(server, { create: "trap '' TERM; echo on; sleep 60; echo done" }));
    await eventually(
      () => plugin().logs.length > 0,
      () => "the command wrote nothing",
    );
    await plugin().cancel();
    expect((await error).code).toBe(status.CANCELLED);
    // It is still there: what ended is the connection.
    expect(server).toMatchObject({ signals: ["TERM"], running: 1 });
  });

  test("that ends well after the user cancelled has done its work", async () => {
    await startOwnPlugin();
    const server = await startServer();
    const { wait, open } = gate();
    const running = create(server, { create: `trap '' TERM; echo on; ${wait}; echo done` });
    await eventually(
      () => plugin().logs.length > 0,
      () => "the command wrote nothing",
    );
    await plugin().cancel();
    open();
    expect((await running).outputs).toMatchObject({ stdout: "on\ndone" });
  });

  testStandIn("is told to end when the engine gives up the call", async () => {
    const server = await startServer();
    const inputs = await checked(server, { create: "sleep 9" });
    const engine = new AbortController();
    const error = errorOf(plugin().create(token, inputs, { giveUp: engine.signal }));
    await eventually(
      () => server.running === 1,
      () => `${server.running} commands run`,
    );
    engine.abort();
    expect((await error).code).toBe(status.CANCELLED);
    await eventually(
      () => server.running === 0,
      () => `${server.running} commands run`,
    );
    expect(server.signals).toEqual(["TERM"]);
  });

  testStandIn("is told to end when the time of the resource is over", async () => {
    const server = await startServer();
    const inputs = await checked(server, { create: "echo on; sleep 9" });
    const error = await errorOf(plugin().create(token, inputs, { timeoutSeconds: 1 }));
    expect(error.code).toBe(status.DEADLINE_EXCEEDED);
    expect(error.details).toMatch(/deadline exceeded: not done within 1 s[^]*:\non\n$/);
    expect(server.signals).toEqual(["TERM"]);
  });
});
