/** An SSH server for tests: it really runs commands, with `sh -c`, and counts what happens to it. */
import { execFileSync, spawn, type ChildProcess } from "node:child_process";
import { generateKeyPairSync, randomBytes, timingSafeEqual } from "node:crypto";
import { once } from "node:events";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { connect, createServer, type AddressInfo, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import {
  Server,
  utils,
  type AuthContext,
  type Connection,
  type ParsedKey,
  type ServerChannel,
  type Session,
} from "ssh2";

/** How the server behaves. Who may log in: nobody, unless said. */
export interface SshServerOptions {
  /** Logs in by method `password`. */
  password?: string;
  /** Logs in by method `keyboard-interactive`, asked twice, as by PAM with two modules. */
  keyboardInteractive?: string;
  /** Lines of authorized_keys that log in. */
  authorizedKeys?: string[];
  /** The only user there is. @default "root" */
  user?: string;
  /** OpenSSH private keys of the host. @default a fresh ED25519 key */
  hostKeys?: string[];
  /** The variables that sshd_config's AcceptEnv would name. @default none */
  acceptEnv?: string[];
  /** Variables that commands find beside PATH and HOME. @default none */
  environment?: Record<string, string>;
  /** This many connections are closed as soon as they come. @default 0 */
  refuseFirst?: number;
  /** Connections are taken, and nothing is ever said. @default false */
  silent?: boolean;
  /** Opens direct-tcpip channels, as a bastion does. @default false */
  forwards?: boolean;
  /** Ends the whole connection when a command has run for this many milliseconds. @default never */
  dropAfterMilliseconds?: number;
  /** Closes the session without telling how the command ended. @default false */
  hidesExit?: boolean;
  /** What is printed in place of running a command that has had all of this input; undefined: it runs. @default nothing */
  answers?: (command: string, input: string) => string | undefined;
}

/** A running server and what it saw. */
export interface SshServer {
  port: number;
  /** The host's public keys as lines of authorized_keys. */
  hostKeys: string[];
  /** TCP connections that came. */
  connections: number;
  /** TCP connections that are open now. */
  openConnections: number;
  authFailures: number;
  /** The methods by which clients got in, in order. */
  logins: string[];
  /** Commands that were started, in order. */
  commands: string[];
  /** Commands that run now. */
  running: number;
  /** Signals that clients sent to their commands. */
  signals: string[];
  /** Variables that clients asked for, accepted or not, as NAME=value. */
  environment: string[];
  /** Targets of direct-tcpip channels. */
  forwarded: string[];
  stop(): Promise<void>;
}

/** Starts a server on a free port of 127.0.0.1. */
export async function startSshServer(options: SshServerOptions): Promise<SshServer> {
  const hostKeys = options.hostKeys ?? [sshKeyPair("ed25519").private];
  const sockets = new Set<Socket>();
  const children = new Set<ChildProcess>();
  const state: SshServer = {
    port: 0,
    hostKeys: hostKeys.map(publicLine),
    connections: 0,
    openConnections: 0,
    authFailures: 0,
    logins: [],
    commands: [],
    running: 0,
    signals: [],
    environment: [],
    forwarded: [],
    stop: async () => {
      sockets.forEach((socket) => socket.destroy());
      await Promise.all([...children].map(kill));
      await new Promise<void>((resolve) =>
        listener.close(() => {
          resolve();
        }),
      );
    },
  };
  const ssh = new Server({ hostKeys });
  // ssh2's server is not given the port: a connection is counted, refused or left in silence before it gets there.
  const listener = createServer({ noDelay: true }, (socket) => {
    state.connections += 1;
    state.openConnections += 1;
    sockets.add(socket);
    socket.on("error", () => undefined);
    socket.on("close", () => {
      sockets.delete(socket);
      state.openConnections -= 1;
    });
    if (state.connections <= (options.refuseFirst ?? 0)) {
      socket.destroy();
    } else if (options.silent === true) {
      socket.resume();
    } else {
      ssh.injectSocket(socket);
    }
  });
  ssh.on("connection", (connection) => {
    serve(connection, options, state, children);
  });
  await new Promise<void>((resolve) => listener.listen(0, "127.0.0.1", resolve));
  state.port = (listener.address() as AddressInfo).port;
  return state;
}

/**
 * A server that offers these algorithms for its host key, and then says no more: enough to see whether a client
 * would go on. (ssh2's own server always offers ssh-rsa for an RSA key.)
 */
export async function startServerOfHostKeyAlgorithms(
  algorithms: string[],
): Promise<{ port: number; stop: () => Promise<void> }> {
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on("error", () => undefined);
    socket.resume();
    socket.write("SSH-2.0-algorithms\r\n");
    socket.write(keyExchangeOffer(algorithms));
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    port: (server.address() as AddressInfo).port,
    stop: async () => {
      sockets.forEach((socket) => socket.destroy());
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

/** A packet of RFC 4253 section 7.1. */
function keyExchangeOffer(hostKeyAlgorithms: string[]): Buffer {
  const lists = [
    "curve25519-sha256",
    hostKeyAlgorithms.join(","),
    ...["aes128-ctr", "aes128-ctr", "hmac-sha2-256", "hmac-sha2-256", "none", "none", "", ""],
  ];
  const payload = Buffer.concat([
    Buffer.from([20]), // SSH_MSG_KEXINIT
    randomBytes(16),
    ...lists.flatMap((list) => [uint32(list.length), Buffer.from(list)]),
    Buffer.alloc(5), // no guess follows; reserved
  ]);
  const padding = 16 - ((5 + payload.length) % 8);
  return Buffer.concat([
    uint32(1 + payload.length + padding),
    Buffer.from([padding]),
    payload,
    Buffer.alloc(padding),
  ]);
}

function uint32(value: number): Buffer {
  const buffer = Buffer.alloc(4);
  buffer.writeUInt32BE(value);
  return buffer;
}

/**
 * A host or user key in OpenSSH's format, made by ssh-keygen. (ssh2 can make keys, too, but one ED25519 key in a
 * hundred comes out short.)
 */
export function sshKeyPair(
  type: "ed25519" | "ecdsa" | "rsa",
  passphrase = "",
): { private: string; public: string } {
  const folder = mkdtempSync(join(tmpdir(), "lvs-ha-key-"));
  try {
    const file = join(folder, "key");
    execFileSync("ssh-keygen", ["-q", "-t", type, "-N", passphrase, "-C", "", "-f", file]);
    return {
      private: readFileSync(file, "utf8"),
      public: readFileSync(`${file}.pub`, "utf8").trim(),
    };
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/** A user's key in the PEM of PKCS#8, as openssl and the tls plugin write it, with its authorized_keys line. */
export function pkcs8KeyPair(): { private: string; public: string } {
  const { privateKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
  return {
    private: privateKey.export({ type: "pkcs8", format: "pem" }).toString(),
    public: publicLine(privateKey.export({ type: "sec1", format: "pem" }).toString()),
  };
}

function publicLine(privateKey: string): string {
  const key = parse(privateKey);
  return `${key.type} ${key.getPublicSSH().toString("base64")}`;
}

function parse(key: string): ParsedKey {
  const parsed = utils.parseKey(key);
  if (parsed instanceof Error) {
    throw parsed;
  }
  return parsed;
}

/** Ends a command and all that it started, so that nothing outlives the test: a child keeps jest's worker from ending. */
async function kill(child: ChildProcess): Promise<void> {
  if (child.pid === undefined) return;
  const closed = once(child, "close");
  try {
    process.kill(-child.pid, "SIGKILL");
  } catch {
    // It has just ended.
  }
  await closed;
}

function serve(
  connection: Connection,
  options: SshServerOptions,
  state: SshServer,
  children: Set<ChildProcess>,
): void {
  connection.on("error", () => undefined);
  connection.on("authentication", (context) => {
    if (context.username === (options.user ?? "root") && admits(context, options)) {
      if (context.method !== "publickey" || context.signature !== undefined) {
        state.logins.push(context.method);
      }
      context.accept();
      return;
    }
    if (context.method === "keyboard-interactive" && options.keyboardInteractive !== undefined) {
      interrogate(context, options.keyboardInteractive, state);
      return;
    }
    if (context.method !== "none") {
      state.authFailures += 1;
    }
    context.reject(methods(options));
  });
  connection.on("ready", () => {
    connection.on("session", (accept) => {
      serveSession(accept(), connection, options, state, children);
    });
    connection.on("tcpip", (accept, reject, info) => {
      state.forwarded.push(`${info.destIP}:${info.destPort}`);
      if (options.forwards !== true) {
        reject();
        return;
      }
      const socket = connect(info.destPort, info.destIP);
      socket.once("error", () => {
        reject();
      });
      socket.once("connect", () => {
        const channel = accept();
        socket.on("error", () => {
          channel.close();
        });
        socket.pipe(channel).pipe(socket);
      });
    });
  });
}

function methods(options: SshServerOptions): ("password" | "publickey" | "keyboard-interactive")[] {
  return [
    ...(options.authorizedKeys === undefined ? [] : (["publickey"] as const)),
    ...(options.password === undefined ? [] : (["password"] as const)),
    ...(options.keyboardInteractive === undefined ? [] : (["keyboard-interactive"] as const)),
  ];
}

function admits(context: AuthContext, options: SshServerOptions): boolean {
  if (context.method === "password") {
    return options.password !== undefined && context.password === options.password;
  }
  if (context.method === "publickey") {
    const { key, blob, signature } = context;
    const known = (options.authorizedKeys ?? [])
      .map(parse)
      .find((candidate) => equal(candidate.getPublicSSH(), key.data));
    // Without a signature the client only asks whether the key would do.
    return (
      known !== undefined &&
      (signature === undefined ||
        blob === undefined ||
        known.verify(blob, signature, context.hashAlgo))
    );
  }
  return false;
}

function interrogate(
  context: Extract<AuthContext, { method: "keyboard-interactive" }>,
  password: string,
  state: SshServer,
): void {
  context.prompt([{ prompt: "Password: ", echo: false }], "", "", (first) => {
    context.prompt([{ prompt: "Again: ", echo: false }], "", "", (second) => {
      if (first[0] === password && second[0] === password) {
        state.logins.push(context.method);
        context.accept();
      } else {
        state.authFailures += 1;
        context.reject(["keyboard-interactive"]);
      }
    });
  });
}

function equal(a: Buffer, b: Buffer): boolean {
  return a.length === b.length && timingSafeEqual(a, b);
}

function serveSession(
  session: Session,
  connection: Connection,
  options: SshServerOptions,
  state: SshServer,
  children: Set<ChildProcess>,
): void {
  const environment: Record<string, string> = {};
  let kill = (): void => undefined;
  session.on("env", (accept, reject, { key, val }) => {
    state.environment.push(`${key}=${val}`);
    if (options.acceptEnv?.includes(key) === true) {
      environment[key] = val;
      (accept as (() => void) | undefined)?.();
    } else {
      (reject as (() => void) | undefined)?.();
    }
  });
  session.on("eof", () => {
    // ssh2's server takes no signal after the client's EOF; sshd does.
    Object.assign(session, { _ending: false });
  });
  session.on("signal", (accept, _reject, { name }) => {
    state.signals.push(name);
    kill();
    (accept as (() => void) | undefined)?.();
  });
  session.on("exec", (accept, _reject, { command }) => {
    const channel = accept();
    const start = (input?: Buffer) => {
      kill = run(channel, command, environment, connection, options, state, children, input);
    };
    if (options.answers === undefined) start();
    else answer(channel, command, options.answers, state, start);
  });
  connection.on("close", () => {
    kill();
  });
}

/** Reads all of a command's input, and answers in its place, or starts it with that. */
function answer(
  channel: ServerChannel,
  command: string,
  answers: NonNullable<SshServerOptions["answers"]>,
  state: SshServer,
  start: (input: Buffer) => void,
): void {
  const chunks: Buffer[] = [];
  channel.on("error", () => undefined);
  channel.on("data", (chunk: Buffer) => chunks.push(chunk));
  channel.once("end", () => {
    const input = Buffer.concat(chunks);
    const text = answers(command, input.toString());
    if (text === undefined) {
      start(input);
      return;
    }
    state.commands.push(command);
    channel.write(text, () => {
      channel.exit(0);
      channel.end();
    });
  });
}

function run(
  channel: ServerChannel,
  command: string,
  environment: Record<string, string>,
  connection: Connection,
  options: SshServerOptions,
  state: SshServer,
  children: Set<ChildProcess>,
  input?: Buffer,
): () => void {
  state.commands.push(command);
  state.running += 1;
  const { PATH, HOME } = process.env;
  const child = spawn("sh", ["-c", command], {
    env: { PATH, HOME, ...options.environment, ...environment },
    detached: true,
  });
  children.add(child);
  channel.on("error", () => undefined);
  child.stdin.on("error", () => undefined); // it may end before it has read everything
  if (input === undefined) channel.pipe(child.stdin);
  else child.stdin.end(input);
  child.stdout.pipe(channel, { end: false });
  child.stderr.pipe(channel.stderr, { end: false });
  const drop =
    options.dropAfterMilliseconds === undefined
      ? undefined
      : setTimeout(() => connection.end(), options.dropAfterMilliseconds);
  child.on("close", (code, signal) => {
    children.delete(child);
    state.running -= 1;
    clearTimeout(drop);
    // What is still to be sent on stderr would be lost by the end of stdout.
    channel.stderr.end(() => {
      if (options.hidesExit !== true) {
        if (signal === null) {
          channel.exit(code ?? 255);
        } else {
          channel.exit(signal, false, "");
        }
      }
      channel.end();
    });
  });
  return () => {
    if (child.pid !== undefined && child.exitCode === null && child.signalCode === null) {
      process.kill(-child.pid, "SIGTERM");
    }
  };
}
