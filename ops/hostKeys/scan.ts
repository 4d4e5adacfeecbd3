// Which host key a host shows: asked by OpenSSH's client, through the bastion where there is one, without logging in.
import { createHash } from "node:crypto";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { lastLine } from "../../components/host/openssh";
import { runClient, type Ssh } from "../ssh";

/** Key types that the stack takes, the preferred one first. */
const types = ["ssh-ed25519", "ecdsa-sha2-nistp256", "ecdsa-sha2-nistp384", "ecdsa-sha2-nistp521"];

/** Where a host is to be asked. */
export interface Place {
  host: string;
  port: number;
}

/** What it showed: `ssh-ed25519 AAAA…`, or why it showed nothing. */
export type Shown = { hostKey: string } | { why: string };

/**
 * Asks a host for its key.
 * @param pinned the key that it ought to show: its type is asked for first
 * @param through a login whose host passes the connection on
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
    // Keys are exchanged before anybody logs in, and nobody does.
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

/** Equal keys: the comment says nothing. */
export function isSameKey(one: string, other: string): boolean {
  const key = (text: string) => text.trim().split(/\s+/).slice(0, 2).join(" ");
  return key(one) === key(other);
}
