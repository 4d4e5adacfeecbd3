/**
 * Stub hosts: sshds that accept every login and run nothing, in a network namespace of their own.
 * The measured cost is then the client's alone.
 */
import { randomBytes } from "node:crypto";
import { existsSync, readFileSync, readlinkSync } from "node:fs";
import { mkdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";

import type { Report } from "../lab/cache";
import { opensshEd25519FromSeed } from "../tools/offline-engine/plugins/openssh";
import { type RunningProgram, lastLines, start } from "../lab/run";
import { waitFor } from "../lab/waitFor";
import { unpackPackage } from "../tests/support/packages";

/** The stub hosts while they run. */
export interface Farm {
  /** Their network namespace: its file. */
  network: string;
  addresses: readonly string[];
  /** The host key that all of them share: type and key. */
  hostKey: string;
  /** The private key for logging in as root: its text, and a file with it. */
  key: string;
  keyFile: string;
  /** The number of logins to each host, in the order of the addresses. */
  logins(): Promise<number[]>;
}

/** The prefix of the hosts' addresses, which exist only in their namespace. */
const network = "10.99";

/**
 * Runs stub hosts while an action runs. They also end with this process, however it ends.
 * @param folder an existing folder for their files
 * @throws Error if this machine can't have them, or if the action fails
 */
export async function withFarm<T>(
  folder: string,
  count: number,
  report: Report,
  action: (farm: Farm) => Promise<T>,
): Promise<T> {
  const sshd = await findSshd(report);
  const addresses = Array.from({ length: count }, (_, i) => hostAddress(i));
  const [host, client] = ["host", "client"].map((name) =>
    opensshEd25519FromSeed(randomBytes(32), name),
  ) as [KeyPair, KeyPair];
  const keyFile = join(folder, "client_key");
  await mkdir(folder, { recursive: true });
  await writeFile(join(folder, "host_key"), host.privateKey, { mode: 0o600 });
  await writeFile(keyFile, client.privateKey, { mode: 0o600 });
  await writeFile(join(folder, "authorized_keys"), `${client.publicKey}\n`);
  await writeFile(join(folder, "sshd_config"), sshdConfig(folder));
  // In a process namespace, everything ends with its first process, which ends with its input.
  const namespaces = ["--net", "--mount", "--mount-proc", "--pid", "--fork", "--kill-child"];
  const script = join(__dirname, "farm.sh");
  const outside = ["mnt", "net"].map((kind) => readlinkSync(`/proc/self/ns/${kind}`)).join(" ");
  const words = [...namespaces, "sh", script, folder, sshd, outside, ...addresses];
  const program = start("unshare", words, { input: "pipe" });
  const log = (address: string) => readFile(join(folder, `${address}.log`), "utf8");
  try {
    await waitFor(
      async () => {
        if (program.hasEnded()) return true;
        const logs = await Promise.all(addresses.map(log));
        const late = logs.find((text) => !text.includes("Server listening on"));
        if (late !== undefined) throw new Error(`an sshd says: ${lastLines(late, 3)}`);
        return true;
      },
      { what: `${count} sshds listen`, timeoutSeconds: 60, intervalSeconds: 0.05 },
    );
    if (program.hasEnded()) throw new Error(`the stub hosts ended: ${program.stderr().trim()}`);
    return await action({
      network: `/proc/${program.pid}/ns/net`,
      addresses,
      hostKey: host.publicKey.split(" ").slice(0, 2).join(" "),
      key: client.privateKey,
      keyFile,
      logins: async () => (await Promise.all(addresses.map(log))).map(countLogins),
    });
  } finally {
    await end(program);
  }
}

/**
 * Counts the logins in an sshd's log of level VERBOSE. A login by key causes several lines with
 * "Accepted": the key is accepted when it is offered and again when it has signed. Only one line
 * says "Accepted publickey".
 */
export function countLogins(log: string): number {
  return log.split("\n").filter((line) => /^(.*: )?Accepted publickey for /.test(line)).length;
}

type KeyPair = ReturnType<typeof opensshEd25519FromSeed>;

/** The address of host number `index`, counted from 0. */
function hostAddress(index: number): string {
  return `${network}.${1 + Math.floor(index / 250)}.${1 + (index % 250)}`;
}

/** Debian's stock settings except these. The forced command reads all input, as the scripts do. */
function sshdConfig(folder: string): string {
  return `HostKey ${folder}/host_key
AuthorizedKeysFile ${folder}/authorized_keys
StrictModes no
PermitRootLogin prohibit-password
PermitUserRC no
ForceCommand cat >/dev/null
LogLevel VERBOSE
PidFile none
`;
}

/**
 * Checks that this user may run stub hosts.
 * @throws Error if the user isn't root
 */
export function requireRoot(): void {
  if (process.getuid?.() === 0) return;
  throw new Error("the stub hosts have network namespaces and sshds: run it as root");
}

/**
 * The machine's sshd, or on Debian without one, the package's, unpacked into the cache. Installing
 * the package would open the machine to logins.
 * @throws Error on other machines without sshd
 */
async function findSshd(report: Report): Promise<string> {
  const own = "/usr/sbin/sshd";
  if (existsSync(own)) return own;
  const release = existsSync("/etc/os-release") ? readFileSync("/etc/os-release", "utf8") : "";
  const suite = /^VERSION_CODENAME=(bookworm|trixie)$/m.exec(release)?.[1];
  if (suite === undefined) {
    throw new Error(
      `the stub hosts need ${own}, which this machine lacks: install OpenSSH's server`,
    );
  }
  report(`no ${own} here: Debian's, unpacked`);
  return join(await unpackPackage(suite, "openssh-server"), own);
}

async function end(program: RunningProgram): Promise<void> {
  program.endInput();
  await waitFor(() => program.hasEnded(), {
    what: "the stub hosts' end",
    timeoutSeconds: 5,
    intervalSeconds: 0.02,
  }).catch(() => {
    program.signal("SIGKILL", "group");
  });
  await program.ended;
}
