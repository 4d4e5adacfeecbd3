// OpenSSH's own client with servers of the tests: which server it talks to, with which key, and
// what it leaves behind.
// After a deliberate change of golden/ssh.txt: UPDATE_GOLDENS=1 npx jest tests/ops/ssh, then read
// the diff.
import { execFileSync } from "node:child_process";
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { waitFor } from "../../lab/waitFor";
import type { Connection, LoginOptions } from "../../components/host/openssh";
import { type Ssh, Unreachable, withSsh } from "../../ops/ssh";
import { fingerprint, scan } from "../../ops/hostKeys/scan";
import {
  sshKeyPair,
  startSshServer,
  type SshServer,
  type SshServerOptions,
} from "../plugins/sshServer";

const folder = mkdtempSync(join(tmpdir(), "lvs-ha-test-"));
const servers: SshServer[] = [];

beforeAll(() => {
  // The folder for keys and passwords; and no SSH agent of the user who runs the tests.
  process.env.XDG_RUNTIME_DIR = folder;
  delete process.env.SSH_AUTH_SOCK;
});

afterEach(async () => {
  await Promise.all(servers.splice(0).map((server) => server.stop()));
  expect(readdirSync(folder)).toEqual([]);
});

afterAll(() => {
  rmSync(folder, { recursive: true });
});

async function start(options: SshServerOptions): Promise<SshServer> {
  const server = await startSshServer(options);
  servers.push(server);
  return server;
}

function connectionTo(server: SshServer, login: Partial<Connection>): Connection {
  const hostKey = server.hostKeys[0] ?? "";
  return { host: "127.0.0.1", port: server.port, user: "root", hostKey, ...login };
}

const limits: LoginOptions = { timeoutSeconds: 10 };

/** Runs `echo` in a script on standard input and returns its output. */
function greet(connection: Connection, options = limits): Promise<string> {
  const target = { name: "web1", connection };
  return withSsh([target], options, (ssh) => ssh.script(target, 'echo "$1 $2"\n', ["it's", "me"]));
}

test("a script comes on standard input, its arguments as they are, in one connection", async () => {
  const key = sshKeyPair("ed25519");
  const server = await start({ authorizedKeys: [key.public] });
  expect(await greet(connectionTo(server, { privateKey: key.private }))).toBe("it's me\n");
  expect(server.connections).toBe(1);
  expect(server.commands).toEqual([`sh -s -- "it's" me`]);
});

test("a login other than root runs it by sudo, which may not ask", async () => {
  const key = sshKeyPair("ed25519");
  const server = await start({ authorizedKeys: [key.public], user: "ops" });
  const connection = connectionTo(server, { privateKey: key.private, user: "ops" });
  // The result doesn't matter: this machine may lack sudo.
  await greet(connection).catch(() => undefined);
  expect(server.commands).toEqual([`sudo -n sh -s -- "it's" me`]);
});

test("a host that shows another key than the pinned one is told nothing", async () => {
  const key = sshKeyPair("ed25519");
  const server = await start({ authorizedKeys: [key.public] });
  const other = sshKeyPair("ed25519").public;
  await expect(
    greet(connectionTo(server, { privateKey: key.private, hostKey: other })),
  ).rejects.toThrow("it shows another host key than the pinned one");
  expect([server.logins, server.commands]).toEqual([[], []]);
});

test("passwords, and keys with passphrases, are typed for the operator", async () => {
  const key = sshKeyPair("ed25519", "open sesame");
  const server = await start({ authorizedKeys: [key.public] });
  const byKey = { privateKey: key.private, privateKeyPassword: "open sesame" };
  expect(await greet(connectionTo(server, byKey))).toBe("it's me\n");
  const byPassword = await start({ password: "it's $ecret" });
  expect(await greet(connectionTo(byPassword, { password: "it's $ecret" }))).toBe("it's me\n");
  const byPrompt = await start({ keyboardInteractive: "it's $ecret" });
  expect(await greet(connectionTo(byPrompt, { password: "it's $ecret" }))).toBe("it's me\n");
});

test("an agent with more keys than the host tries is told as that, and what to do", async () => {
  const bin = mkdtempSync(join(tmpdir(), "lvs-ha-bin-"));
  const says = "Received disconnect from 10.10.0.11 port 22:2: Too many authentication failures";
  // A server with this limit, as OpenSSH's client reports it.
  writeFileSync(
    join(bin, "ssh"),
    `#!/bin/sh\necho '${says}' >&2\necho 'Disconnected' >&2\nexit 255\n`,
    {
      mode: 0o755,
    },
  );
  const { PATH } = process.env;
  process.env.PATH = `${bin}:${PATH}`;
  try {
    await expect(greet(connectionTo(await start({}), {}))).rejects.toThrow(
      /^the SSH agent offered more keys than the host tries .*ssh\.agentSocketPath/,
    );
  } finally {
    process.env.PATH = PATH;
    rmSync(bin, { recursive: true });
  }
});

test("a login that is refused says so, and nobody waits for a password", async () => {
  const server = await start({ password: "right" });
  await expect(greet(connectionTo(server, { password: "wrong" }))).rejects.toThrow(
    /Permission denied/,
  );
  await expect(greet(connectionTo(server, {}))).rejects.toThrow(/Permission denied/);
});

test("a bastion passes the connection on, pinned and logged in to by itself", async () => {
  const key = sshKeyPair("ed25519");
  const server = await start({ authorizedKeys: [key.public] });
  const bastion = await start({ password: "bastion's", forwards: true, user: "jump" });
  const { hostKey, ...login } = connectionTo(bastion, { password: "bastion's", user: "jump" });
  const through = (proxyKey: string) =>
    greet(
      connectionTo(server, { privateKey: key.private, proxy: { ...login, hostKey: proxyKey } }),
    );
  expect(await through(hostKey)).toBe("it's me\n");
  expect(bastion.forwarded).toEqual([`127.0.0.1:${server.port}`]);
  await expect(through(sshKeyPair("ed25519").public)).rejects.toThrow(Unreachable);
  expect(server.logins).toHaveLength(1);
});

test("a host that says nothing is given up when its time is over", async () => {
  const server = await start({ silent: true });
  await expect(greet(connectionTo(server, {}), { timeoutSeconds: 1 })).rejects.toThrow(
    /^no answer within 1 s$|timed out/,
  );
});

test("a host that shows a key of another type than the pinned one is told nothing", async () => {
  const key = sshKeyPair("ed25519");
  const server = await start({
    authorizedKeys: [key.public],
    hostKeys: [sshKeyPair("ecdsa").private],
  });
  const pinned = sshKeyPair("ed25519").public;
  await expect(
    greet(connectionTo(server, { privateKey: key.private, hostKey: pinned })),
  ).rejects.toThrow("it shows another host key than the pinned one");
  expect([server.logins, server.commands]).toEqual([[], []]);
});

test("ssh is told everything that matters, and finds nothing of the operator's settings", async () => {
  const login = { host: "10.10.0.11", port: 2222, user: "ops", hostKey: "ssh-ed25519 AAAAhost" };
  const proxy = { ...login, host: "192.0.2.1", user: "jump", hostKey: "ssh-ed25519 AAAAbastion" };
  const targets = [
    { name: "byKey", connection: { ...login, privateKey: "KEY" } },
    { name: "byLockedKey", connection: { ...login, privateKey: "KEY", privateKeyPassword: "p" } },
    { name: "byPassword", connection: { ...login, password: "p", proxy } },
    { name: "byAgent", connection: { ...login, agentSocketPath: "/run/agent" } },
    { name: "byWhatThereIs", connection: { ...login, user: "root" } },
  ];
  const files = await withSsh(targets, { timeoutSeconds: 7, keepOpen: true }, () => {
    const own = join(folder, readdirSync(folder)[0] ?? "");
    const read = (name: string) => readFileSync(join(own, name), "utf8").replaceAll(own, "FOLDER");
    return Promise.resolve(["config", "known_hosts"].map((name) => `${name}:\n${read(name)}`));
  });
  const golden = join(__dirname, "golden/ssh.txt");
  if (process.env.UPDATE_GOLDENS) writeFileSync(golden, files.join("\n"));
  expect(files.join("\n")).toBe(readFileSync(golden, "utf8"));
});

test("a script that fails is no answer, whatever it printed", async () => {
  const key = sshKeyPair("ed25519");
  const server = await start({ authorizedKeys: [key.public] });
  const target = { name: "web1", connection: connectionTo(server, { privateKey: key.private }) };
  const script = "echo so far; echo no space left >&2; exit 3\n";
  await expect(withSsh([target], limits, (ssh) => ssh.script(target, script, []))).rejects.toThrow(
    "the command ended with 3: no space left",
  );
});

test("with --watch the connection stays open between looks, and is closed at the end", async () => {
  const key = sshKeyPair("ed25519");
  const server = await start({ authorizedKeys: [key.public] });
  const target = { name: "web1", connection: connectionTo(server, { privateKey: key.private }) };
  const look = (ssh: Ssh) => ssh.script(target, "echo hello\n", []);
  await withSsh([target], { ...limits, keepOpen: true }, async (ssh) => {
    for (let i = 0; i < 3; i++) expect(await look(ssh)).toBe("hello\n");
  });
  expect([server.connections, server.commands.length]).toEqual([1, 3]);
  await waitFor(() => server.openConnections === 0, {
    what: "the connection is closed",
    timeoutSeconds: 5,
  });
});

test("a scan prints the key that a host shows, and logs in nowhere", async () => {
  const server = await start({});
  const shown = await scan({ host: "127.0.0.1", port: server.port }, 5);
  const [type, blob] = server.hostKeys[0]?.split(" ") ?? [];
  expect(shown).toEqual({ hostKey: `${type} ${blob}` });
  expect([server.logins, server.commands]).toEqual([[], []]);
});

test("of several keys it asks for the one of the pinned type", async () => {
  const ecdsa = sshKeyPair("ecdsa");
  const server = await start({ hostKeys: [sshKeyPair("ed25519").private, ecdsa.private] });
  const place = { host: "127.0.0.1", port: server.port };
  const [type, blob] = ecdsa.public.split(" ");
  expect(await scan(place, 5, ecdsa.public)).toEqual({ hostKey: `${type} ${blob}` });
  expect(await scan(place, 5)).toEqual({
    hostKey: server.hostKeys[0]?.split(" ").slice(0, 2).join(" "),
  });
});

test("a scan goes through the bastion where there is one, and says why when it finds nothing", async () => {
  const server = await start({});
  const bastion = await start({ password: "bastion's", forwards: true });
  const target = {
    name: "bastion",
    connection: connectionTo(bastion, { password: "bastion's" }),
  };
  const shown = await withSsh([target], limits, async (ssh) => [
    await scan({ host: "127.0.0.1", port: server.port }, 5, undefined, { ssh, name: "bastion" }),
    await scan({ host: "127.0.0.1", port: 1 }, 5, undefined, { ssh, name: "bastion" }),
  ]);
  expect(shown[0]).toEqual({ hostKey: server.hostKeys[0]?.split(" ").slice(0, 2).join(" ") });
  expect(shown[1]).toHaveProperty("why");
  expect(bastion.forwarded[0]).toBe(`127.0.0.1:${server.port}`);
});

test("fingerprints are ssh-keygen's", () => {
  const file = join(folder, "key.pub");
  const key = sshKeyPair("ed25519").public;
  writeFileSync(file, `${key}\n`);
  const printed = execFileSync("ssh-keygen", ["-l", "-f", file], { encoding: "utf8" });
  rmSync(file);
  expect(printed.split(" ")[1]).toBe(fingerprint(key));
});

test("the client is started in one file alone, which sees to it that few logins are under way at once", () => {
  const ops = join(__dirname, "../../ops");
  const files = readdirSync(ops, { recursive: true, encoding: "utf8" });
  const starts = /\b(?:run|follow|spawn\w*|exec\w*)\(\s*"ssh"/;
  const own = files.filter(
    (name) => name.endsWith(".ts") && starts.test(readFileSync(join(ops, name), "utf8")),
  );
  expect(own).toEqual(["ssh.ts"]);
});

test("a host that is followed and doesn't let anybody in is given up when its time is over", async () => {
  const server = await start({ silent: true });
  const target = { name: "web1", connection: connectionTo(server, {}) };
  const ended = await withSsh([target], { timeoutSeconds: 1 }, (ssh) =>
    ssh.follow(target, ["sleep", "60"], () => undefined),
  );
  expect(ended.exitCode).not.toBe(0);
});

test("of one that says nothing for long, once it has let us in, the lines are given as they come", async () => {
  const key = sshKeyPair("ed25519");
  const server = await start({ authorizedKeys: [key.public] });
  const target = { name: "web1", connection: connectionTo(server, { privateKey: key.private }) };
  const heard: string[] = [];
  const { exitCode } = await withSsh([target], { timeoutSeconds: 2 }, (ssh) =>
    ssh.follow(target, ["sh", "-c", 'sleep 3; echo "$1"; echo b', "sh", "it's a"], (line) =>
      heard.push(line),
    ),
  );
  expect([exitCode, heard]).toEqual([0, ["it's a", "b"]]);
});
