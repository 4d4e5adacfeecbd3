/**
 * Runs one command on a host over SSH. Logs in directly or through a bastion; every wait has a
 * limit.
 */
import { createPrivateKey } from "node:crypto";
import { once } from "node:events";
import { connect as connectSocket, type Socket } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import {
  Client,
  createAgent,
  utils,
  type AnyAuthMethod,
  type AuthenticationType,
  type ClientChannel,
  type ConnectConfig,
  type ServerHostKeyAlgorithm,
} from "ssh2";
import { opensshPrivateKey } from "./openssh";

/** A host and the ways to log in to it. Absent ways are not tried. */
export interface Host {
  host: string;
  port: number;
  user: string;
  password?: string;
  /** A private key's text: OpenSSH's format or any PEM. */
  privateKey?: string;
  privateKeyPassword?: string;
  agentSocketPath?: string;
  /**
   * The key that the host must have, as a line of authorized_keys. Without it, any key is accepted.
   */
  hostKey?: string;
  /** The number of further attempts after a failed one; negative: no limit. */
  dialErrorLimit: number;
  /** Seconds for one attempt, from the first packet until logged in; 0: no limit. */
  perDialTimeout: number;
  /** The bastion to connect through. */
  proxy?: Host;
}

/** A command's input, and the callback for its output. */
export interface Execution {
  stdin: string;
  /** Called for each piece of output. Reading continues only when the promise is fulfilled. */
  onOutput: (stream: "stdout" | "stderr", chunk: Buffer) => Promise<void>;
  /** When aborted, the command gets SIGTERM. */
  signal: AbortSignal;
}

/** Seconds that a command may keep running after it was told to end. Tests set a shorter time. */
const terminationSeconds = Number(process.env.LVS_HA_TERMINATION_SECONDS ?? 5);

/**
 * Logs in.
 * @param onRetry called for each failure that is followed by another attempt
 * @throws Error at once if a key can't be used or there is no agent; otherwise after the last
 * attempt, with its reason
 */
export async function dial(
  host: Host,
  signal: AbortSignal,
  onRetry: (message: string) => Promise<void>,
): Promise<Connection> {
  const login = await prepareLogin(host);
  if (host.proxy === undefined) {
    const client = await retrying("Dial", host.dialErrorLimit, signal, onRetry, async () =>
      logIn(
        host,
        login,
        () => connectSocket({ host: host.host, port: host.port, noDelay: true }),
        signal,
      ),
    );
    return new Connection([client], signal);
  }
  try {
    const proxy = await dial(host.proxy, signal, async (message) =>
      onRetry(message.replace("Dial", "Dial proxy")),
    );
    try {
      const limit = host.dialErrorLimit;
      const client = await retrying("Dial from proxy", limit, signal, onRetry, async () => {
        const channel = await proxy.openTunnel(host, signal);
        return logIn(host, login, () => channel, signal);
      });
      return proxy.with(client);
    } catch (error) {
      proxy.close();
      throw error;
    }
  } catch (error) {
    throw new Error(`proxy: ${text(error)}`, { cause: error });
  }
}

/** A login, including the bastions on the way. */
export class Connection {
  /**
   * @param clients the bastions in order, then the host
   * @param signal when aborted, the connection is cut {@link terminationSeconds} later
   */
  constructor(
    private readonly clients: Client[],
    private readonly signal: AbortSignal,
  ) {
    signal.addEventListener("abort", this.cutOff);
  }

  with(client: Client): Connection {
    this.signal.removeEventListener("abort", this.cutOff);
    return new Connection([...this.clients, client], this.signal);
  }

  /** Opens a session for one command. */
  async openSession(): Promise<Session> {
    return Session.open(this.last);
  }

  /** Opens a TCP connection from this host to another. */
  async openTunnel(to: Host, signal: AbortSignal): Promise<ClientChannel> {
    return limited(to.perDialTimeout, signal, async () =>
      callback<ClientChannel>((done) => {
        this.last.forwardOut("127.0.0.1", 0, to.host, to.port, done);
      }).catch((error: unknown) => {
        throw new Error(`no tunnel to ${to.host}:${to.port}: ${text(error)}`, { cause: error });
      }),
    );
  }

  /** Logs out of the host and of its bastions. */
  close(): void {
    this.signal.removeEventListener("abort", this.cutOff);
    for (const client of this.clients.toReversed()) {
      client.end();
      // A peer that doesn't answer must not keep the plugin's socket open.
      setTimeout(() => client.destroy(), 5000).unref();
    }
  }

  private readonly cutOff = (): void => {
    setTimeout(() => {
      this.clients.forEach((client) => client.destroy());
    }, terminationSeconds * 1000);
  };

  private get last(): Client {
    const client = this.clients.at(-1);
    if (client === undefined) {
      throw new Error("a connection has at least one login");
    }
    return client;
  }
}

/**
 * One session of RFC 4254 section 6. ssh2's own `exec` doesn't ask for an answer to `env` requests,
 * and its channels can't send a signal once stdin is closed, so this class uses the protocol layer
 * below. ssh2 is pinned to the version that this was written for, and the conformance tests cover
 * it.
 */
export class Session {
  private constructor(
    private readonly client: Client & ClientInternals,
    private readonly channel: ClientChannel & ChannelInternals,
  ) {}

  static async open(client: Client): Promise<Session> {
    const internals = client as Client & ClientInternals;
    const channel = await callback<ClientChannel & ChannelInternals>((done) => {
      const opened = Object.assign(done, { type: "session" });
      internals._protocol.session(internals._chanMgr.add(opened), receiveWindow, packetSize);
    });
    channel.on("error", () => undefined); // then run() sees a session without an exit status
    return new Session(internals, channel);
  }

  /** Sets a variable for the command. Returns whether the server accepted it. */
  async setEnvironment(name: string, value: string): Promise<boolean> {
    const refused = await this.request(() => {
      this.client._protocol.env(this.channel.outgoing.id, name, value, true);
    });
    return !refused;
  }

  /**
   * Runs the command to its end.
   * @throws Error in the words of Go's x/crypto/ssh if the command didn't end with status 0, didn't
   * read all of its stdin (`EOF`), or never reported how it ended; the signal's reason if the
   * signal ended the command
   */
  async run(command: string, { stdin, onOutput, signal }: Execution): Promise<void> {
    const { channel } = this;
    let exit: Exit | undefined;
    channel.on("exit", (...values: Exit) => {
      exit = values;
    });
    const closed = Promise.all([
      new Promise((resolve) => channel.once("close", resolve)),
      forward(channel, async (chunk) => onOutput("stdout", chunk)),
      forward(channel.stderr, async (chunk) => onOutput("stderr", chunk)),
    ]);
    const refused = await this.request(() => {
      this.client._protocol.exec(channel.outgoing.id, command, true);
    });
    if (refused && exit === undefined) {
      throw new Error("ssh: the server refused to run the command, or hung up");
    }
    channel.end(stdin);
    const terminate = (): void => {
      this.client._protocol.signal(channel.outgoing.id, "TERM");
    };
    signal.addEventListener("abort", terminate);
    if (signal.aborted) {
      terminate();
    }
    try {
      await closed;
    } finally {
      signal.removeEventListener("abort", terminate);
    }
    // A command that succeeded in spite of the abort has done its work.
    if (exit?.[0] !== 0) {
      signal.throwIfAborted();
    }
    throwUnlessZero(exit);
    if (!channel.writableFinished) {
      throw new Error("EOF");
    }
  }

  /**
   * Sends a channel request and returns whether it was refused. Answers come in the order of the
   * requests.
   */
  private async request(send: () => void): Promise<boolean> {
    return new Promise((resolve) => {
      if (this.channel.outgoing.state !== "open") {
        resolve(true); // no answer will come
        return;
      }
      this.channel._callbacks.push((failure) => {
        resolve(failure !== undefined && failure !== false);
      });
      send();
    });
  }
}

/** ssh2's `exit` event: the status, or null and the signal that killed the command. */
type Exit = [status: number | null, signal?: string, dumped?: boolean, description?: string];

interface ClientInternals {
  _chanMgr: { add(opened: (error: Error | undefined, channel: never) => void): number };
  _protocol: {
    session(channel: number, window: number, packetSize: number): void;
    env(channel: number, name: string, value: string, wantReply: true): void;
    exec(channel: number, command: string, wantReply: true): void;
    signal(channel: number, name: string): void;
  };
}

interface ChannelInternals {
  outgoing: { id: number; state: string };
  _callbacks: ((failure?: boolean | Error) => void)[];
}

// The values that ssh2's Channel assumes for every channel.
const receiveWindow = 2 * 1024 * 1024;
const packetSize = 32 * 1024;

/** The parts of a login that can be checked without connecting. */
interface Login {
  methods: AnyAuthMethod[];
  /** The key the host must have, in SSH's wire format. */
  hostKey: { type: string; blob: Buffer } | undefined;
}

async function prepareLogin(host: Host): Promise<Login> {
  const { user: username, password, privateKey, agentSocketPath } = host;
  const methods: AnyAuthMethod[] = [];
  if (privateKey !== undefined) {
    const { key, passphrase } = usableKey(privateKey, host.privateKeyPassword);
    methods.push({ type: "publickey", username, key, passphrase });
  }
  if (password !== undefined) {
    methods.push({ type: "password", username, password });
    methods.push({
      type: "keyboard-interactive",
      username,
      prompt: (_name, _instructions, _language, prompts, finish) => {
        finish(prompts.map(() => password));
      },
    });
  }
  if (agentSocketPath !== undefined) {
    await reachAgent(agentSocketPath);
    methods.push({ type: "agent", username, agent: createAgent(agentSocketPath) });
  }
  return {
    methods,
    hostKey: host.hostKey === undefined ? undefined : parseHostKey(host.hostKey),
  };
}

/** The key in a form that ssh2 reads, and its passphrase if that is still needed. */
function usableKey(
  privateKey: string,
  passphrase: string | undefined,
): { key: string; passphrase?: string } {
  const kind = /-----BEGIN ([A-Z ]*)PRIVATE KEY-----/.exec(privateKey)?.[1];
  if (kind === undefined) {
    throw new Error("privateKey: no key found; there is no line -----BEGIN … PRIVATE KEY-----");
  }
  if (kind === "ENCRYPTED ") {
    throw new Error(
      "privateKey: encrypted PKCS#8 can't be read, here or by the official plugin; ssh-keygen -p -f FILE makes an OpenSSH key of it",
    );
  }
  const load = kind === "OPENSSH " ? loadOpenssh : loadPem;
  if (passphrase !== undefined && !(load(privateKey) instanceof Error)) {
    throw new Error("privateKeyPassword: the private key is not password protected");
  }
  const loaded = load(privateKey, passphrase);
  if (loaded instanceof Error) {
    throw new Error(`privateKey: ${loaded.message}`, { cause: loaded });
  }
  return loaded;
}

function loadOpenssh(
  key: string,
  passphrase?: string,
): Error | { key: string; passphrase?: string } {
  const parsed = utils.parseKey(key, passphrase);
  return parsed instanceof Error ? parsed : { key, passphrase };
}

/**
 * Converts a key from PKCS#8, which ssh2 doesn't read, to OpenSSH's format. The tls plugin writes
 * ED25519 keys as PKCS#8.
 */
function loadPem(key: string, passphrase?: string): Error | { key: string } {
  try {
    return { key: opensshPrivateKey(createPrivateKey({ key, passphrase })) };
  } catch (error) {
    return error instanceof Error ? error : new Error(String(error));
  }
}

async function reachAgent(path: string): Promise<void> {
  const socket = connectSocket(path);
  try {
    await once(socket, "connect");
  } catch (error) {
    throw new Error(`no SSH agent at ${path}: ${text(error)}`, { cause: error });
  } finally {
    socket.destroy();
  }
}

function parseHostKey(line: string): { type: string; blob: Buffer } {
  const match = /(?:^|\s)((?:ssh|ecdsa|sk)-\S+)\s+([A-Za-z0-9+/]+=*)/m.exec(line);
  const [, type, base64] = match ?? [];
  const key = utils.parseKey(`${type ?? ""} ${base64 ?? ""}`);
  if (type === undefined || base64 === undefined || key instanceof Error) {
    throw new Error(
      `failed to parse host key: no key found; hostKey is a line such as "ssh-ed25519 AAAA…"`,
    );
  }
  return { type, blob: Buffer.from(base64, "base64") };
}

async function logIn(
  host: Host,
  login: Login,
  open: () => Socket | ClientChannel,
  signal: AbortSignal,
): Promise<Client> {
  const client = new Client();
  // ssh2 reports some failures only by closing, and some only after another failure. The first one
  // counts.
  let failure: Error | undefined;
  const fail = (error: Error): void => {
    failure ??= error;
  };
  client.on("error", fail);
  const sock = open();
  try {
    await limited(host.perDialTimeout, signal, async () => {
      const ready = new Promise<void>((resolve, reject) => {
        client.once("ready", resolve);
        client.once("error", () => {
          reject(failure ?? new Error("unknown"));
        });
        client.once("close", () => {
          reject(failure ?? new Error("ssh: handshake failed: the server closed the connection"));
        });
      });
      client.connect({
        ...fixedSettings,
        username: host.user,
        sock,
        ...(login.hostKey === undefined
          ? {}
          : { algorithms: { serverHostKey: [login.hostKey.type as ServerHostKeyAlgorithm] } }),
        hostVerifier: (shown: Buffer) => {
          const matches = login.hostKey === undefined || login.hostKey.blob.equals(shown);
          if (!matches) {
            fail(new Error("ssh: handshake failed: ssh: host key mismatch"));
          }
          return matches;
        },
        authHandler: nextMethod(host.user, login.methods, fail),
      });
      await ready;
    });
    return client;
  } catch (error) {
    client.destroy();
    sock.destroy(); // ssh2 leaves the socket alone while it is still connecting
    throw explained(error, login);
  }
}

const fixedSettings: ConnectConfig = {
  readyTimeout: 0, // perDialTimeout is enforced here, not by ssh2
  // A host that loses power sends nothing more: without keepalives its command would run forever.
  keepaliveInterval: 15_000,
  keepaliveCountMax: 4,
};

/**
 * Chooses authentication methods as OpenSSH and Go do: in order, each SSH method once, and only
 * those that the server still accepts.
 */
function nextMethod(
  username: string,
  methods: AnyAuthMethod[],
  fail: (error: Error) => void,
): NonNullable<ConnectConfig["authHandler"]> {
  const tried: string[] = [];
  return (left, partialSuccess, next) => {
    const offered = left as AuthenticationType[] | null;
    if (offered === null) {
      tried.push("none");
      next({ type: "none", username });
      return;
    }
    const method = methods.find(
      (candidate) =>
        offered.includes(sshName(candidate)) &&
        (partialSuccess || !tried.includes(sshName(candidate))),
    );
    if (method === undefined) {
      fail(
        new Error(
          `ssh: handshake failed: ssh: unable to authenticate as ${username}, attempted methods [${tried.join(" ")}], ` +
            `no supported methods remain: the server takes [${offered.join(" ")}]`,
        ),
      );
      next(false as never); // ssh2 takes false for "no more"; its types don't say so
      return;
    }
    tried.push(sshName(method));
    next(method);
  };
}

function sshName(method: AnyAuthMethod): AuthenticationType {
  return method.type === "agent" ? "publickey" : method.type;
}

function explained(error: unknown, login: Login): Error {
  if (text(error).includes("no matching host key format") && login.hostKey !== undefined) {
    const advice =
      login.hostKey.type === "ssh-rsa"
        ? "; like the official plugin, this one then asks for ssh-rsa signatures, which OpenSSH 8.8 and later refuse: use the host's ED25519 or ECDSA key"
        : "; use the key that the host has";
    return new Error(
      `ssh: handshake failed: ssh: no common algorithm for host key; hostKey is of type ${login.hostKey.type}${advice}`,
      { cause: error },
    );
  }
  return error instanceof Error ? error : new Error(String(error));
}

/**
 * Makes attempts with the pauses of sdk/go/common/util/retry: 100 ms, then half as long again each
 * time, up to 5 s.
 */
async function retrying<Result>(
  what: string,
  limit: number,
  signal: AbortSignal,
  onRetry: (message: string) => Promise<void>,
  attempt: () => Promise<Result>,
): Promise<Result> {
  let pause = 100;
  for (let failures = 0; ; failures += 1) {
    try {
      signal.throwIfAborted();
      return await attempt();
    } catch (error) {
      signal.throwIfAborted();
      if (limit >= 0 && failures >= limit) {
        throw new Error(`after ${failures} failed attempts: ${text(error)}`, { cause: error });
      }
      const allowed = limit < 0 ? "inf" : String(limit);
      await onRetry(`${what} ${failures + 1}/${allowed} failed: retrying`);
      await sleep(pause, undefined, { signal }).catch(() => {
        throw new Error(`${text(signal.reason)}; the last attempt failed: ${text(error)}`, {
          cause: signal.reason,
        });
      });
      pause = Math.min(pause * 1.5, 5000);
    }
  }
}

/** Rejects when work takes too long or is aborted. The caller must clean up the work itself. */
async function limited<Result>(
  seconds: number,
  signal: AbortSignal,
  work: () => Promise<Result>,
): Promise<Result> {
  let giveUp: ((error: Error) => void) | undefined;
  const given = new Promise<never>((_resolve, reject) => {
    giveUp = reject;
  });
  const onAbort = (): void => giveUp?.(signal.reason as Error);
  const onTimeout = (): void =>
    giveUp?.(new Error(`no login within ${seconds} s (perDialTimeout)`));
  const timer = seconds > 0 ? setTimeout(onTimeout, seconds * 1000) : undefined;
  signal.addEventListener("abort", onAbort, { once: true });
  try {
    return await Promise.race([work(), given]);
  } finally {
    clearTimeout(timer);
    signal.removeEventListener("abort", onAbort);
  }
}

/** Passes on a stream piece by piece; resolves at its end. */
async function forward(
  stream: NodeJS.ReadableStream,
  take: (chunk: Buffer) => Promise<void>,
): Promise<void> {
  return new Promise((resolve, reject) => {
    stream.on("data", (chunk: Buffer) => {
      stream.pause();
      take(chunk).then(() => stream.resume(), reject);
    });
    stream.once("end", resolve);
  });
}

function throwUnlessZero(exit: Exit | undefined): void {
  if (exit === undefined) {
    throw new Error("wait: remote command exited without exit status or exit signal");
  }
  const [status, signal, , description] = exit;
  if (status === 0) {
    return;
  }
  if (status !== null) {
    throw new Error(`Process exited with status ${status}`);
  }
  const name = signal?.replace(/^SIG/, "") ?? "unknown";
  const reason = description ? `. Reason was: ${description}` : "";
  throw new Error(
    `Process exited with status ${128 + (signalNumbers[name] ?? 0)} from signal ${name}${reason}`,
  );
}

// RFC 4254 section 6.10's signals, by their POSIX numbers.
const signalNumbers: Partial<Record<string, number>> = {
  ABRT: 6,
  ALRM: 14,
  FPE: 8,
  HUP: 1,
  ILL: 4,
  INT: 2,
  KILL: 9,
  PIPE: 13,
  QUIT: 3,
  SEGV: 11,
  TERM: 15,
};

async function callback<Result>(
  start: (done: (error: Error | undefined, result: Result) => void) => void,
): Promise<Result> {
  return new Promise((resolve, reject) => {
    start((error, result) => {
      if (error) {
        reject(error);
      } else {
        resolve(result);
      }
    });
  });
}

function text(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
