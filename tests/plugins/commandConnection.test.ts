/** How a `command` plugin must reach a host: the same cases for the official one and the stand-in. */
import { spawn, spawnSync, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { status } from "@grpc/grpc-js";
import {
  checked,
  cleanup,
  create,
  errorOf,
  eventually,
  failureOf,
  hostKey,
  login,
  password,
  plugin,
  startOwnPlugin,
  startServer,
  testStandIn,
  token,
} from "./commandPlugin";
import { pkcs8KeyPair, sshKeyPair, startServerOfHostKeyAlgorithms } from "./sshServer";

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
  const types = ["ed25519", "ecdsa", "rsa"] as const;
  let keys: Record<(typeof types)[number], ReturnType<typeof sshKeyPair>>;

  beforeAll(() => {
    keys = {
      ed25519: sshKeyPair("ed25519"),
      ecdsa: sshKeyPair("ecdsa"),
      rsa: sshKeyPair("rsa"),
    };
  });

  test.each(types)("of type %s is recognized", async (type) => {
    const key = keys[type];
    const others = types.filter((other) => other !== type).map((other) => keys[other]);
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
    const { inputs } = await plugin().check(token, {
      create: "true",
      connection: { ...connection, ...dialOnce },
    });
    expect(await failureOf(plugin().create(token, inputs))).toMatch(
      /no common algorithm for host key/,
    );
  });
});

describe("dialling", () => {
  test("goes on after failures, with longer and longer pauses, and says so", async () => {
    const server = await startServer({ refuseFirst: 3 });
    const started = performance.now();
    await create(server, { create: "true" });
    // 100, 150 and 225 ms.
    expect(performance.now() - started).toBeGreaterThanOrEqual(475 - 5);
    expect(server.connections).toBe(4);
    expect(plugin().logs).toMatchObject(
      [1, 2, 3].map((n) => ({
        severity: "info",
        ephemeral: true,
        message: `Dial ${n}/10 failed: retrying`,
      })),
    );
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
    const error = await errorOf(plugin().create(token, inputs, { timeoutSeconds: 1 }));
    expect(error).toMatchObject({ code: status.DEADLINE_EXCEEDED });
    expect(error.details).toMatch(/deadline exceeded/);
    expect(server.connections).toBeGreaterThan(2);
    expect(plugin().logs[0]?.message).toBe("Dial 1/inf failed: retrying");
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
    await plugin().cancel();
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
    expect(plugin().logs.map(({ message }) => message)).toEqual([
      "Dial proxy 1/1 failed: retrying",
    ]);
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
    expect(plugin().logs.map(({ message }) => message)).toEqual([
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

async function startSha2Server(): Promise<number> {
  const { port, stop } = await startServerOfHostKeyAlgorithms(["rsa-sha2-512", "rsa-sha2-256"]);
  cleanup(stop);
  return port;
}

/** A real ssh-agent that has one key; the path of its socket. */
async function startAgent(privateKey: string): Promise<string> {
  const folder = mkdtempSync(join(tmpdir(), "lvs-ha-agent-"));
  const [socket, keyFile] = [join(folder, "agent"), join(folder, "key")];
  const agent: ChildProcess = spawn("ssh-agent", ["-D", "-a", socket], { stdio: "ignore" });
  cleanup(async () => {
    agent.kill();
    await once(agent, "exit");
    rmSync(folder, { recursive: true });
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
