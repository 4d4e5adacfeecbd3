// Logins by OpenSSH's own client, with the stack's pins and keys and nothing of the operator's settings.
import { spawnSync } from "node:child_process";
import { chmodSync, copyFileSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { quote } from "shell-quote";
import { packagePath } from "../package";

/** How a host is logged in to, but for the hosts between. */
export interface Login {
  host: string;
  port: number;
  user: string;
  /** The only one that is accepted: type and key. */
  hostKey: string;
  password?: string;
  privateKey?: string;
  /** The passphrase of `privateKey`. */
  privateKeyPassword?: string;
  /** @default SSH_AUTH_SOCK */
  agentSocketPath?: string;
}

/** The same, and the host through which it goes. */
export interface Connection extends Login {
  proxy?: Login;
}

/** What can be logged in to: its name in messages, and how. */
export interface Target {
  name: string;
  connection: Connection;
}

export interface LoginOptions {
  /** Seconds until a host that doesn't answer is given up. */
  timeoutSeconds: number;
  /** Connections stay open between commands. @default false */
  keepOpen?: boolean;
}

/** The logins whose folders are there. One listener serves all of them: Node warns of more than ten. */
const open = new Set<Logins>();

function closeAll(): void {
  for (const logins of open) logins.close();
}

/**
 * OpenSSH's client set up for some hosts. Keys and passwords are in files that only this user can read, in a folder of their own, in
 * memory where the system has such a place; it goes with {@link close}, and with this process.
 */
export class Logins {
  private readonly folder = mkdtempSync(join(process.env.XDG_RUNTIME_DIR ?? tmpdir(), "lvs-ha-"));

  constructor(
    private readonly targets: readonly Target[],
    private readonly options: LoginOptions,
  ) {
    if (open.size === 0) process.once("exit", closeAll);
    open.add(this);
    this.write();
  }

  /** Hangs up, and leaves no trace. */
  readonly close = (): void => {
    open.delete(this);
    if (open.size === 0) process.off("exit", closeAll);
    if (this.options.keepOpen) for (const { name } of this.targets) this.hangUp(name);
    rmSync(this.folder, { recursive: true, force: true });
  };

  /** The arguments of an `ssh` that runs this command line on a host. */
  args(name: string, command: string): string[] {
    return ["-F", join(this.folder, "config"), name, "--", command];
  }

  /** The arguments of an `ssh` that logs in to a host for later ones, and ends when it is in. */
  openArgs(name: string): string[] {
    return ["-F", join(this.folder, "config"), "-N", "-f", name];
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

  private write(): void {
    const file = (name: string, text: string) => {
      writeFileSync(join(this.folder, name), text, { mode: 0o600 });
    };
    copyFileSync(packagePath("components/host/askpass.sh"), join(this.folder, "askpass"));
    chmodSync(join(this.folder, "askpass"), 0o700);
    const known: string[] = [];
    const sections: string[] = [];
    const add = (alias: string, login: Login, more: string[] = []) => {
      known.push(`${alias} ${login.hostKey}`);
      sections.push(...section(this.folder, alias, login), ...more);
      if (login.privateKey) file(`${alias}.key`, `${login.privateKey.trimEnd()}\n`);
      if (login.privateKeyPassword) file(`${alias}.passphrase`, login.privateKeyPassword);
      if (login.password) file(`${alias}.password`, login.password);
    };
    for (const [i, { name, connection }] of this.targets.entries()) {
      const { proxy, ...login } = connection;
      if (proxy) add(`proxy-of-${name}`, proxy);
      add(name, login, [
        ...(proxy ? [`ProxyJump proxy-of-${name}`] : []),
        ...(this.options.keepOpen ? sharing(join(this.folder, `s${i}`)) : []),
      ]);
    }
    file("known_hosts", lines(known));
    file("config", lines([...sections, ...common(this.folder, this.options)]));
  }

  /** At the end of a process there is no waiting for anything else. */
  private hangUp(name: string): void {
    spawnSync("ssh", ["-F", join(this.folder, "config"), "-O", "exit", name], { timeout: 5000 });
  }
}

/** A command line for the login's shell, by which the words run as root. */
export function asRoot(user: string, words: readonly string[]): string {
  return quote(user === "root" ? [...words] : ["sudo", "-n", ...words]);
}

/** Why an `ssh` failed, in one line: its own status is 255, any other is the remote command's. */
export function whyFailed(exitCode: number, stderr: string): string {
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

/** Later commands find the connection that the first one opened. A socket's path is 104 characters at most: no host's name is in it. */
function sharing(socket: string): string[] {
  return ["ControlMaster auto", `ControlPath ${socket}`, "ControlPersist 60"];
}

function common(folder: string, { timeoutSeconds }: LoginOptions): string[] {
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

function lines(words: readonly string[]): string {
  return words.map((line) => `${line}\n`).join("");
}
