// The program's own logins to hosts with OpenSSH's client. The servers belong to the tests.
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readdirSync, rmSync, statSync } from "node:fs";
import { type AddressInfo, connect, createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { waitFor } from "../../lab/waitFor";
import { Session, type SessionOptions } from "../../components/host/session";
import {
  sshKeyPair,
  startSshServer,
  type SshServer,
  type SshServerOptions,
} from "../plugins/sshServer";

const folder = mkdtempSync(join(tmpdir(), "lvs-ha-test-"));
const key = sshKeyPair("ed25519");
const servers: SshServer[] = [];

beforeAll(() => {
  process.env.XDG_RUNTIME_DIR = folder;
});

afterEach(async () => {
  await Promise.all(servers.splice(0).map((server) => server.stop()));
});

afterAll(() => {
  rmSync(folder, { recursive: true });
});

async function sessionTo(
  options: SshServerOptions = {},
  login: SessionOptions & { user?: string; hostKey?: string } = {},
): Promise<{ server: SshServer; session: Session }> {
  const server = await startSshServer({ authorizedKeys: [key.public], ...options });
  servers.push(server);
  const { user = "root", hostKey = server.hostKeys[0] ?? "", ...rest } = login;
  const connection = {
    host: "127.0.0.1",
    port: server.port,
    user,
    hostKey,
    privateKey: key.private,
  };
  return { server, session: new Session("lvs1", connection, rest) };
}

test("a program runs as root with its input, and what it tells is told as it comes", async () => {
  const { session } = await sessionTo();
  const told: string[] = [];
  const said = await session.run(["sh", "-c", 'cat; echo "drain: waits" >&2'], {
    input: "one\ntwo\n",
    tell: (line) => told.push(line),
  });
  expect([said, told]).toEqual(["one\ntwo\n", ["drain: waits"]]);
});

test("a program that nobody waits for any more is left, and no other login is tried for it", async () => {
  const { server, session } = await sessionTo();
  const gone = new AbortController();
  const run = session.run(["sh", "-c", "echo in >&2; exec sleep 30"], {
    tell: () => {
      gone.abort();
    },
    signal: gone.signal,
  });
  await expect(run).rejects.toThrow("lvs1: in");
  await expect(session.run(["true"], { signal: gone.signal })).rejects.toThrow("lvs1");
  expect(server.connections).toBe(1);
});

test("nobody is dialled before there is something to do", async () => {
  const { server } = await sessionTo();
  expect(server.connections).toBe(0);
});

test("a login other than root goes through sudo, which must not ask", async () => {
  const { server, session } = await sessionTo({ user: "ops" }, { user: "ops" });
  // The result doesn't matter: this machine may lack sudo.
  await session.run(["true"]).catch(() => undefined);
  expect(server.commands).toEqual(["sudo -n true"]);
});

test("a host that is off is tried as often as the command asks for, also by one that stays open", async () => {
  const { server, session } = await sessionTo({}, { keepOpen: true });
  await server.stop();
  const began = Date.now();
  await expect(session.run(["true"], { attempts: 1 })).rejects.toThrow("Connection refused");
  // There are 2 s between two attempts.
  expect(Date.now() - began).toBeLessThan(2000);
  // A command with more attempts left must not get the failure of one with fewer.
  const [hasty, patient] = await Promise.allSettled([
    session.run(["true"], { attempts: 1 }),
    session.run(["true"], { attempts: 2 }),
  ]);
  expect([hasty.status, patient.status]).toEqual(["rejected", "rejected"]);
  expect(Date.now() - began).toBeGreaterThan(2000);
});

test("one that stays open logs in once, however many commands begin at the same time", async () => {
  const { server, session } = await sessionTo({}, { keepOpen: true });
  const words = Array.from({ length: 12 }, (_, i) => String(i));
  expect(await Promise.all(words.map((word) => session.run(["echo", word])))).toEqual(
    words.map((word) => `${word}\n`),
  );
  expect(server.connections).toBe(1);
});

test("a command that has nothing to say for long keeps no other host from being logged in to", async () => {
  const { session } = await sessionTo({}, { keepOpen: true });
  const { session: other } = await sessionTo();
  await session.run(["true"]);
  // More commands than there may be logins at a time.
  const slow = Array.from({ length: 6 }, () => session.run(["sleep", "3"]));
  const began = Date.now();
  expect(await other.run(["echo", "in"])).toBe("in\n");
  expect(Date.now() - began).toBeLessThan(2500);
  await Promise.all(slow);
});

test("a program whose engine is gone ends, and leaves nothing behind", async () => {
  const { server } = await sessionTo();
  const own = mkdtempSync(join(folder, "own-"));
  const login = { user: "root", hostKey: server.hostKeys[0], privateKey: key.private };
  const connection = { host: "127.0.0.1", port: server.port, ...login };
  // Like the SDK, this program reports every error, including the error that its output has no
  // reader.
  const program = `
    const { Session } = require("./components/host/session.ts");
    process.on("uncaughtException", (error) => console.error("failed with", error));
    new Session("lvs1", ${JSON.stringify(connection)}, { keepOpen: true }).run(["true"]).then(() => {
      console.log("in");
      setInterval(() => console.error("."), 50);
    });`;
  const running = spawn(process.execPath, ["--import", "tsx", "-e", program], {
    cwd: join(__dirname, "../.."),
    env: { ...process.env, XDG_RUNTIME_DIR: own },
  });
  const ended = once(running, "exit");
  try {
    await once(running.stdout, "data");
    expect(readdirSync(own)).toHaveLength(1);
    running.stdout.destroy();
    running.stderr.destroy();
    const [code] = (await Promise.race([ended, delay(10_000, ["it goes on"])])) as unknown[];
    expect(code).toBe(1);
    expect(readdirSync(own)).toEqual([]);
  } finally {
    running.kill("SIGKILL");
  }
});

test("however long the host's name is, and the folder's", async () => {
  const { server } = await sessionTo();
  const login = { user: "root", hostKey: server.hostKeys[0] ?? "", privateKey: key.private };
  const connection = { host: "127.0.0.1", port: server.port, ...login };
  const session = new Session("h".repeat(63), connection, { keepOpen: true });
  expect(await session.run(["echo", "in"])).toBe("in\n");
  expect(await session.run(["echo", "in"])).toBe("in\n");
  expect(server.connections).toBe(1);
});

test("what is held has a sign of life at once and ends when the program does", async () => {
  const { server, session } = await sessionTo({}, { keepOpen: true });
  await session.hold(["sh", "-c", "cat >/dev/null"]);
  await waitFor(() => Promise.resolve(server.commands.length === 1), {
    what: "it is held",
    timeoutSeconds: 10,
  });
});

test.each<[string, SshServerOptions, { hostKey?: string }, RegExp]>([
  [
    "shows another key than the pinned one",
    {},
    { hostKey: sshKeyPair("ed25519").public },
    /^lvs1: it shows another host key than the pinned one/,
  ],
  [
    "doesn't let this key in",
    { authorizedKeys: [sshKeyPair("ed25519").public] },
    {},
    /^lvs1: .*Permission denied/,
  ],
])("a host that %s is an error at once", async (_, server, login, error) => {
  const { session } = await sessionTo(server, login);
  await expect(session.run(["true"])).rejects.toThrow(error);
});

test("a program that fails is an error in its own words", async () => {
  const { session } = await sessionTo();
  await expect(
    session.run(["sh", "-c", "echo 'drain: its check fails' >&2; exit 1"]),
  ).rejects.toThrow("lvs1: the command ended with 1: drain: its check fails");
});

test("a host that lets nobody in at the moment is asked again", async () => {
  const { server } = await sessionTo();
  // The first connection is dropped, as sshd does when too many log in at once.
  let connections = 0;
  const crowded = createServer((socket) => {
    if (connections++ === 0) socket.destroy();
    else socket.pipe(connect(server.port, "127.0.0.1")).pipe(socket);
  }).listen(0, "127.0.0.1");
  await once(crowded, "listening");
  const { port } = crowded.address() as AddressInfo;
  const login = { user: "root", hostKey: server.hostKeys[0] ?? "", privateKey: key.private };
  const session = new Session("lvs1", { host: "127.0.0.1", port, ...login });
  expect(await session.run(["echo", "in"])).toBe("in\n");
  expect(connections).toBe(2);
  crowded.close();
});

test("keys are in files of this user alone", async () => {
  const { session } = await sessionTo();
  const before = new Set(readdirSync(folder));
  await session.run(["true"]);
  const [own = ""] = readdirSync(folder).filter((name) => !before.has(name));
  const mode = (...path: string[]) =>
    (statSync(join(folder, own, ...path)).mode & 0o777).toString(8);
  expect([mode(), mode("lvs1.key")]).toEqual(["700", "600"]);
});

test("many sessions add one listener to the process: Node warns of more than ten", async () => {
  const before = process.listenerCount("exit");
  const { server } = await sessionTo();
  const connection = {
    host: "127.0.0.1",
    port: server.port,
    user: "root",
    hostKey: server.hostKeys[0] ?? "",
    privateKey: key.private,
  };
  for (let i = 0; i < 12; i++) await new Session("lvs1", connection).run(["true"]);
  expect(process.listenerCount("exit") - before).toBeLessThanOrEqual(1);
});
