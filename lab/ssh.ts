/**
 * SSH to the guests, with the lab's own key, agent and client settings. Nothing of the user is read
 * or written.
 */
import { existsSync } from "node:fs";
import { mkdir, readFile, rm, writeFile } from "node:fs/promises";
import { quote } from "shell-quote";

import { daemonLog, runningDaemon, startDaemon, stopDaemon } from "./daemon";
import { type Lab, labPath } from "./instance";
import { withLock } from "./lock";
import { inNamespace } from "./network";
import { type RunOptions, type RunResult, lastLines, output, run } from "./run";
import { type LabHost, findHost, hostKey } from "./topology";
import { waitFor } from "./waitFor";

/** The agent's socket, `SSH_AUTH_SOCK` for the lab's commands. */
export const agentSocket = (lab: Lab) => labPath(lab, "agent.sock");

/** The private key that every guest accepts. */
export const keyFile = (lab: Lab) => labPath(lab, "bootstrap_key");

/** Client settings for `ssh -F` that know the lab's hosts by name. */
const sshConfigFile = (lab: Lab) => labPath(lab, "ssh_config");

const knownHostsFile = (lab: Lab) => labPath(lab, "known_hosts");
const agentName = "ssh-agent";

/**
 * Makes the bootstrap key (a new one each time the lab is created), loads it into an agent and
 * writes the client's settings.
 *
 * @returns the public key, as one line
 */
export async function prepareSsh(lab: Lab): Promise<string> {
  await mkdir(lab.directory, { recursive: true, mode: 0o700 });
  if (!existsSync(`${keyFile(lab)}.pub`)) {
    await rm(keyFile(lab), { force: true });
    await output("ssh-keygen", [
      "-q",
      "-t",
      "ed25519",
      "-N",
      "",
      "-C",
      "lvs-ha lab",
      "-f",
      keyFile(lab),
    ]);
  }
  const knownHosts = lab.topology.hosts.flatMap(({ name, login, private: { ipv4, ipv6 } }) =>
    [name, ipv4, ipv6].map((known) => {
      const place = login.port === 22 ? known : `[${known}]:${login.port}`;
      return `${place} ${hostKey(name).publicKey}\n`;
    }),
  );
  await writeFile(knownHostsFile(lab), knownHosts.join(""));
  await writeFile(sshConfigFile(lab), clientSettings(lab));
  await startAgent(lab);
  return (await readFile(`${keyFile(lab)}.pub`, "utf8")).trim();
}

/** Ends the agent and the shared connections. */
export async function stopSsh(lab: Lab): Promise<void> {
  await Promise.all(lab.topology.hosts.map(({ name }) => closeConnection(lab, name)));
  await stopDaemon(lab, agentName);
  await rm(agentSocket(lab), { force: true });
}

/** The command line for ssh to a host, in the lab's network. */
export function sshCommand(lab: Lab, name: string, args: readonly string[]): [string, string[]] {
  const words = ["-F", sshConfigFile(lab), findHost(lab.topology, name).name, ...args];
  return inNamespace(lab.namespaces.operator, "ssh", words);
}

/**
 * Runs a shell command on a guest as its login user. Calls share one connection per host, so a call
 * costs little more than the command. When the time is up, the command is ended on the guest, too.
 *
 * @throws Error when the guest can't be reached or the time is up; a failing command is a result
 */
export async function onHost(
  lab: Lab,
  name: string,
  command: string,
  options: RunOptions = {},
): Promise<RunResult> {
  await openConnection(lab, name);
  const { timeoutSeconds = 120 } = options;
  const ending = ["timeout", "--kill-after=5", String(timeoutSeconds), "bash", "-c", command];
  const result = await run(...sshCommand(lab, name, ["--", quote(ending)]), options);
  if (result.exitCode === 255) {
    throw new Error(`SSH to ${name} failed: ${lastLines(result.stderr) || "no message"}`);
  }
  return result;
}

/** Closes the shared connection to a host that is gone or about to be. */
export async function closeConnection(lab: Lab, name: string): Promise<void> {
  await stopDaemon(lab, connectionName(name));
  await rm(controlSocket(lab, name), { force: true });
}

/**
 * Opens the shared connection unless it is open. It ends by itself when the guest stops answering.
 */
async function openConnection(lab: Lab, name: string): Promise<void> {
  if (connectionIsOpen(lab, name)) return;
  await withLock(labPath(lab, connectionName(name)), { waitSeconds: 60 }, async () => {
    if (connectionIsOpen(lab, name)) return;
    await closeConnection(lab, name);
    const log = daemonLog(lab, connectionName(name));
    await rm(log, { force: true });
    const [command, args] = sshCommand(lab, name, ["-M", "-N"]);
    await startDaemon(lab, { name: connectionName(name), command, args });
    const ended = () => runningDaemon(lab, connectionName(name)) === undefined;
    await waitFor(() => connectionIsOpen(lab, name) || ended(), {
      what: `SSH to ${name} is open or refused`,
      timeoutSeconds: 30,
      intervalSeconds: 0.02,
    });
    if (connectionIsOpen(lab, name)) return;
    const said = lastLines(await readFile(log, "utf8"));
    throw new Error(`SSH to ${name} failed: ${said || "no message"}`);
  });
}

function connectionIsOpen(lab: Lab, name: string): boolean {
  return (
    existsSync(controlSocket(lab, name)) && runningDaemon(lab, connectionName(name)) !== undefined
  );
}

function connectionName(name: string): string {
  return `ssh-${name}`;
}

function controlSocket(lab: Lab, name: string): string {
  return labPath(lab, `ssh-${name}.sock`);
}

function clientSettings(lab: Lab): string {
  const common = `Host *
  UserKnownHostsFile ${knownHostsFile(lab)}
  GlobalKnownHostsFile /dev/null
  StrictHostKeyChecking yes
  IdentityAgent ${agentSocket(lab)}
  PreferredAuthentications publickey
  BatchMode yes
  ConnectTimeout 5
  ServerAliveInterval 2
  ServerAliveCountMax 3
  LogLevel ERROR
`;
  const perHost = lab.topology.hosts.map((host) => {
    const { name, login, private: own } = host;
    return `Host ${name}
  HostName ${own.ipv4}
  Port ${login.port}
  User ${login.user}
  ControlPath ${controlSocket(lab, name)}
${proxySetting(lab, host)}`;
  });
  return [...perHost, common].join("\n");
}

/** Uses a separate ssh to reach the bastion: the one that ProxyJump starts would not get `-F`. */
function proxySetting(lab: Lab, { login: { via } }: LabHost): string {
  if (via === undefined) return "";
  return `  ProxyCommand ssh -F ${sshConfigFile(lab)} -o ControlPath=none -W %h:%p ${via}\n`;
}

/** `ssh-agent -D` stays in the foreground, so it is the process that was started. */
async function startAgent(lab: Lab): Promise<void> {
  const args = ["-D", "-a", agentSocket(lab)];
  await startDaemon(lab, { name: agentName, command: "ssh-agent", args });
  const env = { ...process.env, SSH_AUTH_SOCK: agentSocket(lab) };
  await waitFor(async () => (await run("ssh-add", ["-q", keyFile(lab)], { env })).exitCode === 0, {
    what: "the lab's SSH agent takes the key",
    timeoutSeconds: 10,
    intervalSeconds: 0.05,
  });
}
