/**
 * A guest's seed disk, which turns the shared image of a release into one host. In the guest,
 * `guest/usr/lib/lvs-ha-lab/apply-seed` reads it at boot; it describes the disk's layout.
 */
import { chmod, cp, mkdir, mkdtemp, rename, rm, symlink, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";

import type { GuestKernel } from "./guest";
import { output } from "./run";
import {
  type GuestInterface,
  type HostRole,
  type LabHost,
  type Topology,
  findHost,
  hostKey,
} from "./topology";

/** Further contents of the disk. */
export interface SeedOptions {
  kernel: GuestKernel;
  /** The public key that may log in, as one line. */
  authorizedKey: string;
}

interface SeedFile {
  text: string;
  /** @default 0o644 */
  mode?: number;
}

/** What a role adds to a host. */
interface RoleSeed {
  files: (host: LabHost) => Record<string, SeedFile>;
  /** Systemd units that run from the first boot on. */
  units: readonly string[];
}

const roles: Record<HostRole, RoleSeed> = {
  bastion: { files: () => ({}), units: [] },
  director: { files: () => ({}), units: [] },
  web: {
    files: ({ name }) => ({
      "etc/nginx/sites-enabled/default": { text: siteThatSaysItsName(name) },
    }),
    units: ["nginx.service"],
  },
};

/** Writes the seed disk of a host. */
export async function writeSeed(
  file: string,
  topology: Topology,
  host: LabHost,
  options: SeedOptions,
): Promise<void> {
  await mkdir(dirname(file), { recursive: true });
  const folder = await mkdtemp(`${file}.`);
  try {
    const { files, units } = roles[host.role];
    const lines = (items: readonly string[]) => items.map((item) => `${item}\n`).join("");
    await writeTree(folder, {
      interfaces: { text: lines(host.interfaces.map(({ mac, name }) => `${mac} ${name}`)) },
      users: { text: lines(host.login.user === "root" ? [] : [host.login.user]) },
      start: { text: lines(units) },
    });
    const root = join(folder, "root");
    await writeTree(root, { ...hostFiles(topology, host, options.authorizedKey), ...files(host) });
    // apply-seed copies folder modes, too: only its owner may read a home.
    await chmod(join(root, homeOf(host)), 0o700);
    await chmod(join(root, homeOf(host), ".ssh"), 0o700);
    for (const unit of units) await enableUnit(root, unit);
    if (options.kernel.modules !== undefined) {
      await cp(options.kernel.modules, join(root, "usr/lib/modules"), { recursive: true });
    }
    await output("mke2fs", [
      ...["-q", "-t", "ext4", "-O", "^has_journal", "-L", "lab-seed"],
      ...["-d", folder, `${file}.new`, "16M"],
    ]);
    await rename(`${file}.new`, file);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** The files of every host. */
function hostFiles(
  topology: Topology,
  host: LabHost,
  authorizedKey: string,
): Record<string, SeedFile> {
  const { user } = host.login;
  const key = hostKey(host.name);
  const files: Record<string, SeedFile> = {
    "etc/hostname": { text: `${host.name}\n` },
    "etc/hosts": { text: hostsFile(topology) },
    "etc/network/interfaces": { text: interfacesFile(host.interfaces) },
    "etc/ssh/ssh_host_ed25519_key": { text: key.privateKey, mode: 0o600 },
    "etc/ssh/ssh_host_ed25519_key.pub": { text: `${key.publicKey}\n` },
    [`${homeOf(host)}/.ssh/authorized_keys`]: { text: `${authorizedKey}\n`, mode: 0o600 },
  };
  if (user !== "root") {
    files[`etc/sudoers.d/${user}`] = {
      text: `${user} ALL=(ALL) NOPASSWD: ALL\n`,
      mode: 0o440,
    };
    files["etc/ssh/sshd_config.d/no-root.conf"] = { text: "PermitRootLogin no\n" };
  }
  const sshd = sshdSettings(topology, host);
  if (sshd.length > 0) {
    files["etc/ssh/sshd_config.d/login.conf"] = { text: `${sshd.join("\n")}\n` };
  }
  return files;
}

/** sshd settings for another port than 22, and for logins through a bastion only. */
function sshdSettings(topology: Topology, { login: { port, via, user } }: LabHost): string[] {
  const from = via === undefined ? undefined : findHost(topology, via).private;
  return [
    ...(port === 22 ? [] : [`Port ${port}`]),
    ...(from ? [`AllowUsers ${user}@${from.ipv4} ${user}@${from.ipv6}`] : []),
  ];
}

function homeOf({ login: { user } }: LabHost): string {
  return user === "root" ? "root" : `home/${user}`;
}

function hostsFile({ hosts }: Topology): string {
  const names = hosts.flatMap(({ name, private: { ipv4, ipv6 } }) => [
    `${ipv4} ${name}`,
    `${ipv6} ${name}`,
  ]);
  return ["127.0.0.1 localhost", "::1 localhost ip6-localhost ip6-loopback", ...names, ""].join(
    "\n",
  );
}

function interfacesFile(interfaces: readonly GuestInterface[]): string {
  const stanzas = interfaces.map(({ name, network, ipv4, ipv6 }) => {
    const { prefixLength, prefixLength6 } = network;
    return [
      `auto ${name}`,
      `iface ${name} inet static`,
      `\taddress ${ipv4}/${prefixLength}`,
      `iface ${name} inet6 static`,
      `\taddress ${ipv6}/${prefixLength6}`,
      // Duplicate address detection makes an address unusable for a second, and boot waits for it.
      "\tdad-attempts 0",
      "\taccept_ra 0",
    ].join("\n");
  });
  return [
    "source /etc/network/interfaces.d/*",
    "auto lo\niface lo inet loopback",
    ...stanzas,
    "",
  ].join("\n\n");
}

/**
 * Answers every request with the host's name and keeps connections open as long as the client
 * likes.
 */
function siteThatSaysItsName(name: string): string {
  return `server {
	listen 80 default_server;
	listen [::]:80 default_server;
	access_log off;
	keepalive_requests 1000000000;
	keepalive_timeout 1d;
	default_type text/plain;
	location / {
		return 200 "${name}\\n";
	}
}
`;
}

async function enableUnit(root: string, unit: string): Promise<void> {
  const link = join(root, "etc/systemd/system/multi-user.target.wants", unit);
  await mkdir(dirname(link), { recursive: true });
  await symlink(`/lib/systemd/system/${unit}`, link);
}

async function writeTree(root: string, files: Record<string, SeedFile>): Promise<void> {
  for (const [path, { text, mode = 0o644 }] of Object.entries(files)) {
    const file = join(root, path);
    await mkdir(dirname(file), { recursive: true });
    await writeFile(file, text, { mode });
  }
}
