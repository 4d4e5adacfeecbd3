// Gets the key that a host shows, with OpenSSH's client and without logging in, through the bastion
// if there is one.
import { createHash } from "node:crypto";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { lastLine } from "../../components/host/openssh";
import { runClient, type Ssh } from "../ssh";

/** Key types that the stack accepts, preferred first. */
const types = ["ssh-ed25519", "ecdsa-sha2-nistp256", "ecdsa-sha2-nistp384", "ecdsa-sha2-nistp521"];

/** The address to ask for a host key. */
export interface Place {
  host: string;
  port: number;
}

/** The key that the host showed, `ssh-ed25519 AAAA…`, or why it showed none. */
export type Shown = { hostKey: string } | { why: string };

/**
 * Asks a host for its key.
 * @param pinned the expected key: the scan asks for its type first
 * @param through a logged-in host that forwards the connection
 */
export async function scan(
  { host, port }: Place,
  timeoutSeconds: number,
  pinned?: string,
  through?: { ssh: Ssh; name: string },
): Promise<Shown> {
  const folder = mkdtempSync(join(tmpdir(), "lvs-ha-scan-"));
  const found = join(folder, "known_hosts");
  writeFileSync(found, "");
  const own = pinned?.split(" ")[0];
  const wanted = own === undefined ? types : [own, ...types.filter((type) => type !== own)];
  const options = [
    "StrictHostKeyChecking=accept-new",
    `UserKnownHostsFile=${found}`,
    "GlobalKnownHostsFile=/dev/null",
    "HashKnownHosts=no",
    "CheckHostIP=no",
    "HostKeyAlias=scanned",
    `HostKeyAlgorithms=${wanted.join(",")}`,
    // Keys are exchanged before authentication, which is not wanted here.
    "PreferredAuthentications=none",
    "BatchMode=yes",
    `ConnectTimeout=${timeoutSeconds}`,
    "LogLevel=ERROR",
    ...(through ? [`ProxyCommand=${through.ssh.forward(through.name)}`] : []),
  ];
  try {
    const { stderr, timedOut } = await runClient(
      ["-F", "none", ...options.flatMap((option) => ["-o", option]), "-p", String(port), host],
      { timeoutSeconds: timeoutSeconds + 5, env: through?.ssh.env },
    );
    const [, hostKey] = /^scanned (\S+ \S+)/m.exec(readFileSync(found, "utf8")) ?? [];
    if (hostKey !== undefined) return { hostKey };
    if (timedOut) return { why: `no answer in ${timeoutSeconds} s` };
    return { why: lastLine(stderr) ?? "it showed no key" };
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/** `SHA256:…`, as `ssh-keygen -l` prints it and a host's console shows it. */
export function fingerprint(hostKey: string): string {
  const blob = Buffer.from(hostKey.split(" ")[1] ?? "", "base64");
  return `SHA256:${createHash("sha256").update(blob).digest("base64").replace(/=+$/, "")}`;
}

/** Whether two keys are equal, ignoring their comments. */
export function isSameKey(one: string, other: string): boolean {
  const key = (text: string) => text.trim().split(/\s+/).slice(0, 2).join(" ");
  return key(one) === key(other);
}
