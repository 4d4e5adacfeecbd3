// SSH to the stack's hosts: OpenSSH's own client, with the stack's pins and logins and nothing of the operator's settings.
import { spawnSync } from "node:child_process";
import { chmodSync, copyFileSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { quote } from "shell-quote";
import { program } from "../components/host/scripts";
import { follow, run, type RunOptions, type RunResult } from "./run";
import { Semaphore } from "./semaphore";
import type { Connection, Login } from "./stack";

/** What can be logged in to: its name in messages, and how. */
export interface Target {
  name: string;
  connection: Connection;
}

export interface SshOptions {
  /** Seconds until a host that doesn't answer is given up. */
  timeoutSeconds: number;
  /** Connections stay open between commands. @default false */
  keepOpen?: boolean;
}

/** Why a host could not be asked. */
export class Unreachable extends Error {
  /** @param hasBegun the host had said something by then: what it was told may go on there */
  constructor(
    message: string,
    readonly hasBegun = false,
  ) {
    super(message);
  }
}

/** Logins to some hosts, for as long as {@link withSsh} runs. */
export class Ssh {
  constructor(
    private readonly folder: string,
    private readonly options: SshOptions,
  ) {}

  /**
   * Runs a shell script on a host as root, in one connection; what it prints.
   * @throws Unreachable when it can't be logged in to, takes too long, or the script fails
   */
  async script(target: Target, text: string, args: readonly string[]) {
    const { stdout, stderr, exitCode } = await this.result(target, text, args);
    if (exitCode === 0) return stdout;
    throw new Unreachable(reason(exitCode, stderr));
  }

  /**
   * The same; how the script ended is a result. It has `moreSeconds` for its work beside the time that every host has.
   * @throws Unreachable when it can't be logged in to, or takes too long
   */
  async result(
    { name, connection }: Target,
    text: string,
    args: readonly string[],
    moreSeconds = 0,
  ): Promise<RunResult> {
    const timeoutSeconds = this.options.timeoutSeconds + moreSeconds;
    const result = await this.run({ name, connection }, ["sh", "-s", "--", ...args], {
      input: program(text),
      timeoutSeconds,
    });
    const hasBegun = result.stdout !== "";
    if (result.timedOut) throw new Unreachable(`no answer within ${timeoutSeconds} s`, hasBegun);
    if (result.exitCode === 255) throw new Unreachable(reason(255, result.stderr), hasBegun);
    return result;
  }

  /** Runs a program on a host as root; how that ended, the login too, is a result. */
  run(
    { name, connection }: Target,
    words: readonly string[],
    {
      input,
      timeoutSeconds = this.options.timeoutSeconds,
    }: Pick<RunOptions, "input" | "timeoutSeconds"> = {},
  ): Promise<RunResult> {
    return runClient(this.args(name, asRoot(connection, words)), {
      env: this.env,
      timeoutSeconds,
      ...(input === undefined ? {} : { input }),
    });
  }

  /** Runs a program on a host as root for as long as it wants, and gives each line that it prints; how that ended, the login too. */
  async follow(
    { name, connection }: Target,
    words: readonly string[],
    onLine: (line: string) => void,
  ): Promise<Omit<RunResult, "stdout">> {
    const leave = await logins.enter();
    // The program may have nothing to say for days: that the host has let us in, it says before.
    const remote = `echo ${quote([letIn])}; ${asRoot(connection, words)}`;
    const hear = (line: string) => {
      leave();
      if (line !== letIn) onLine(line);
    };
    try {
      return await follow("ssh", this.args(name, remote), hear, {
        env: this.env,
        firstLineSeconds: this.options.timeoutSeconds,
      });
    } finally {
      leave();
    }
  }

  /** The arguments of an `ssh` that runs this command line on the host. */
  private args(name: string, command: string): string[] {
    return ["-F", join(this.folder, "config"), name, "--", command];
  }

  /** A command line that passes a connection on through a host: a ProxyCommand of ssh_config(5). */
  forward(name: string): string {
    return `${quote(["ssh", "-F", join(this.folder, "config"), name])} -W [%h]:%p`;
  }

  /** The environment in which such an `ssh` finds its passwords. */
  get env(): NodeJS.ProcessEnv {
    const askpass = join(this.folder, "askpass");
    return { ...process.env, SSH_ASKPASS: askpass, SSH_ASKPASS_REQUIRE: "force" };
  }
}

/** What a host says first, once it has let us in. */
const letIn = "lvs: let in";

/**
 * Logins that are under way at the same time: a bastion's sshd drops some when ten connections haven't logged in yet (MaxStartups of
 * sshd_config(5), 10:30:100 by default). Those that have are not counted there, and not here: a host that is followed, or waits for
 * connections to end, keeps no other from being asked.
 */
const logins = new Semaphore(8);

/**
 * Runs OpenSSH's client, when few others are on their way: every start of it but {@link Ssh.follow}'s is here. How it ended is a result.
 * @throws CouldNotLook when there is none
 */
export async function runClient(
  args: readonly string[],
  options: Omit<RunOptions, "onOutput">,
): Promise<RunResult> {
  const leave = await logins.enter();
  try {
    // Who says something has let us in.
    return await run("ssh", args, { ...options, onOutput: leave });
  } finally {
    leave();
  }
}

/** A command line for the login's shell, by which the words run as root. */
function asRoot({ user }: Login, words: readonly string[]): string {
  return quote(user === "root" ? [...words] : ["sudo", "-n", ...words]);
}

/**
 * Opens the logins, and takes every trace of them away afterwards. Keys and passwords are in files that only this user
 * can read, in a folder of their own, in memory where the system has such a place.
 */
export async function withSsh<T>(
  targets: readonly Target[],
  options: SshOptions,
  work: (ssh: Ssh) => Promise<T>,
): Promise<T> {
  const folder = mkdtempSync(join(process.env.XDG_RUNTIME_DIR ?? tmpdir(), "lvs-ha-"));
  const close = () => {
    if (options.keepOpen) for (const { name } of targets) hangUp(folder, name);
    rmSync(folder, { recursive: true, force: true });
  };
  process.once("exit", close);
  try {
    prepare(folder, targets, options);
    return await work(new Ssh(folder, options));
  } finally {
    close();
    process.off("exit", close);
  }
}

function prepare(folder: string, targets: readonly Target[], options: SshOptions): void {
  const file = (name: string, text: string) => {
    writeFileSync(join(folder, name), text, { mode: 0o600 });
  };
  copyFileSync(join(__dirname, "askpass.sh"), join(folder, "askpass"));
  chmodSync(join(folder, "askpass"), 0o700);
  const known: string[] = [];
  const sections: string[] = [];
  const add = (alias: string, login: Login, more: string[] = []) => {
    known.push(`${alias} ${login.hostKey}`);
    sections.push(...section(folder, alias, login), ...more);
    if (login.privateKey) file(`${alias}.key`, `${login.privateKey.trimEnd()}\n`);
    if (login.privateKeyPassword) file(`${alias}.passphrase`, login.privateKeyPassword);
    if (login.password) file(`${alias}.password`, login.password);
  };
  for (const { name, connection } of targets) {
    const { proxy, ...login } = connection;
    if (proxy) add(`proxy-of-${name}`, proxy);
    add(name, login, [
      ...(proxy ? [`ProxyJump proxy-of-${name}`] : []),
      ...(options.keepOpen ? sharing(folder) : []),
    ]);
  }
  file("known_hosts", lines(known));
  file("config", lines([...sections, ...common(folder, options)]));
}

function section(folder: string, alias: string, login: Login): string[] {
  const { host, port, user, privateKey, privateKeyPassword, password, agentSocketPath } = login;
  return [
    `Host ${alias}`,
    `HostName ${host}`,
    `HostKeyAlias ${alias}`,
    `Port ${port}`,
    `User ${user}`,
    // A key of the stack's is the only one that is offered: an agent full of others would use up the host's patience.
    ...(privateKey
      ? [`IdentityFile ${join(folder, alias)}.key`, "IdentitiesOnly yes", "IdentityAgent none"]
      : ["IdentityFile none", `IdentityAgent ${agentSocketPath ?? "SSH_AUTH_SOCK"}`]),
    // Without a secret to type there is nothing to ask, and no prompt may wait for an answer.
    `BatchMode ${(password ?? privateKeyPassword) === undefined ? "yes" : "no"}`,
  ];
}

/** Later commands find the connection that the first one opened. */
function sharing(folder: string): string[] {
  return ["ControlMaster auto", `ControlPath ${join(folder, "%n")}`, "ControlPersist 60"];
}

function common(folder: string, { timeoutSeconds }: SshOptions): string[] {
  return [
    "Host *",
    `UserKnownHostsFile ${join(folder, "known_hosts")}`,
    "GlobalKnownHostsFile /dev/null",
    "StrictHostKeyChecking yes",
    "UpdateHostKeys no",
    "VerifyHostKeyDNS no",
    "PreferredAuthentications publickey,password,keyboard-interactive",
    "NumberOfPasswordPrompts 1",
    `ConnectTimeout ${timeoutSeconds}`,
    "ServerAliveInterval 5",
    "ServerAliveCountMax 3",
    "ClearAllForwardings yes",
    "RequestTTY no",
    "LogLevel ERROR",
    "ControlPath none",
  ];
}

/** At the end of a process there is no waiting for anything else. */
function hangUp(folder: string, name: string): void {
  spawnSync("ssh", ["-F", join(folder, "config"), "-O", "exit", name], { timeout: 5000 });
}

/** One line that says why: ssh's own status is 255, any other is the remote command's. */
function reason(exitCode: number, stderr: string): string {
  if (/REMOTE HOST IDENTIFICATION HAS CHANGED|host key is known for/.test(stderr)) {
    return "it shows another host key than the pinned one: lvs scan-host-keys";
  }
  // sshd counts each key that an agent offers: MaxAuthTries of sshd_config(5), 6 by default.
  if (stderr.includes("Too many authentication failures")) {
    return "the SSH agent offered more keys than the host tries (Too many authentication failures): ssh.agentSocketPath of an agent with the right key alone, or lvs-ha:sshPrivateKey";
  }
  const said = lastLine(stderr) ?? "not a word";
  return exitCode === 255 ? said : `the command ended with ${exitCode}: ${said}`;
}

/** What a program said last, if anything. */
export function lastLine(text: string): string | undefined {
  return text.split(/\r?\n/).findLast((line) => line.trim() !== "");
}

function lines(words: readonly string[]): string {
  return words.map((line) => `${line}\n`).join("");
}
