/** SSH to the guests: the lab's own key, agent and client settings. Nothing of the user's is read or written. */
import { existsSync } from "node:fs";
import { mkdir, readFile, rm, writeFile } from "node:fs/promises";
import { quote } from "shell-quote";

import { daemonLog, runningDaemon, startDaemon, stopDaemon } from "./daemon";
import { findHost, hostKey, hosts, namespaces } from "./hosts";
import { withLock } from "./lock";
import { inNamespace } from "./network";
import { statePath } from "./paths";
import { type RunOptions, type RunResult, lastLines, output, run } from "./run";
import { waitFor } from "./waitFor";

/** What a lab's commands find in `SSH_AUTH_SOCK`. */
export const agentSocket = statePath("agent.sock");

/** Client settings that know the lab's hosts by name, for `ssh -F`. */
export const sshConfigFile = statePath("ssh_config");

const keyFile = statePath("bootstrap_key");
const knownHostsFile = statePath("known_hosts");
const agentName = "ssh-agent";

/**
 * Makes the bootstrap key (a new one for each life of the lab), puts it in an agent and writes the client's settings.
 *
 * @returns the public key, one line
 */
export async function prepareSsh(): Promise<string> {
  await mkdir(statePath(), { recursive: true, mode: 0o700 });
  if (!existsSync(`${keyFile}.pub`)) {
    await rm(keyFile, { force: true });
    await output("ssh-keygen", [
      "-q",
      "-t",
      "ed25519",
      "-N",
      "",
      "-C",
      "lvs-ha lab",
      "-f",
      keyFile,
    ]);
  }
  const knownHosts = hosts.flatMap(({ name, interfaces: [first] }) =>
    [name, first.ipv4, first.ipv6].map((known) => `${known} ${hostKey(name).publicKey}\n`),
  );
  await writeFile(knownHostsFile, knownHosts.join(""));
  await writeFile(sshConfigFile, clientSettings());
  await startAgent();
  return (await readFile(`${keyFile}.pub`, "utf8")).trim();
}

/** Ends the agent and the shared connections. */
export async function stopSsh(): Promise<void> {
  await Promise.all(hosts.map(({ name }) => closeConnection(name)));
  await stopDaemon(agentName);
  await rm(agentSocket, { force: true });
}

/** The command line of an ssh to a host, in the lab's network. */
export function sshCommand(name: string, args: readonly string[]): [string, string[]] {
  return inNamespace(namespaces.operator, "ssh", [
    "-F",
    sshConfigFile,
    findHost(name).name,
    ...args,
  ]);
}

/**
 * Runs a shell command on a guest, as its login user. Calls share one connection a host, so a call costs about what the command
 * costs. When its time is over, the command is ended on the guest, too.
 *
 * @throws Error when the guest can't be reached, or time is over; the command's own failure is a result
 */
export async function onHost(
  name: string,
  command: string,
  options: RunOptions = {},
): Promise<RunResult> {
  await openConnection(name);
  const { timeoutSeconds = 120 } = options;
  const ending = ["timeout", "--kill-after=5", String(timeoutSeconds), "bash", "-c", command];
  const result = await run(...sshCommand(name, ["--", quote(ending)]), options);
  if (result.exitCode === 255) {
    throw new Error(`SSH to ${name} failed: ${lastLines(result.stderr) || "no message"}`);
  }
  return result;
}

/** Forgets the shared connection: its host is gone, or about to be. */
export async function closeConnection(name: string): Promise<void> {
  await stopDaemon(connectionName(name));
  await rm(controlSocket(name), { force: true });
}

/** Opens the connection that the calls share, unless it is open. It ends by itself when the guest stops answering. */
async function openConnection(name: string): Promise<void> {
  if (connectionIsOpen(name)) return;
  await withLock(connectionName(name), { waitSeconds: 60 }, async () => {
    if (connectionIsOpen(name)) return;
    await closeConnection(name);
    const log = daemonLog(connectionName(name));
    await rm(log, { force: true });
    const [command, args] = sshCommand(name, ["-M", "-N"]);
    await startDaemon({ name: connectionName(name), command, args });
    const ended = () => runningDaemon(connectionName(name)) === undefined;
    await waitFor(() => connectionIsOpen(name) || ended(), {
      what: `SSH to ${name} is open or refused`,
      timeoutSeconds: 30,
      intervalSeconds: 0.02,
    });
    if (connectionIsOpen(name)) return;
    const said = lastLines(await readFile(log, "utf8"));
    throw new Error(`SSH to ${name} failed: ${said || "no message"}`);
  });
}

function connectionIsOpen(name: string): boolean {
  return existsSync(controlSocket(name)) && runningDaemon(connectionName(name)) !== undefined;
}

function connectionName(name: string): string {
  return `ssh-${name}`;
}

function controlSocket(name: string): string {
  return statePath(`ssh-${name}.sock`);
}

function clientSettings(): string {
  const common = `Host *
  UserKnownHostsFile ${knownHostsFile}
  GlobalKnownHostsFile /dev/null
  StrictHostKeyChecking yes
  IdentityAgent ${agentSocket}
  PreferredAuthentications publickey
  BatchMode yes
  ConnectTimeout 5
  ServerAliveInterval 2
  ServerAliveCountMax 3
  LogLevel ERROR
`;
  const perHost = hosts.map(
    ({ name, user, interfaces: [first] }) => `Host ${name}
  HostName ${first.ipv4}
  User ${user}
  ControlPath ${controlSocket(name)}
`,
  );
  return [...perHost, common].join("\n");
}

/** `ssh-agent -D` stays in the foreground, so that its process is the one that was started. */
async function startAgent(): Promise<void> {
  await startDaemon({ name: agentName, command: "ssh-agent", args: ["-D", "-a", agentSocket] });
  const env = { ...process.env, SSH_AUTH_SOCK: agentSocket };
  await waitFor(async () => (await run("ssh-add", ["-q", keyFile], { env })).exitCode === 0, {
    what: "the lab's SSH agent takes the key",
    timeoutSeconds: 10,
    intervalSeconds: 0.05,
  });
}
