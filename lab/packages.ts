/** Installs the Debian packages that the lab needs. */
import { existsSync, readFileSync } from "node:fs";

import type { Report } from "./cache";
import { output, run } from "./run";

/** Packages by purpose. */
const needed = {
  networks: ["iproute2", "procps", "util-linux", "openssh-client", "tcpdump"],
  images: ["mmdebstrap", "e2fsprogs", "debian-archive-keyring"],
  kernel: ["gcc", "make", "flex", "bison", "bc", "libelf-dev", "libc6-dev", "xz-utils", "kmod"],
  downloads: ["ca-certificates", "curl", "tar", "gzip"],
} as const;

/** Debian 12's first keyring lacks the keys for Debian 13; this file came with them. */
const trixieKey = "/usr/share/keyrings/debian-archive-trixie-stable";

/**
 * Installs missing packages without questions, and leaves installed ones as they are.
 *
 * @throws Error when this isn't Debian 12 or 13, or the installation fails
 */
export async function ensurePackages(report: Report): Promise<void> {
  const missing = await missingPackages();
  if (missing.length === 0) return;
  requireDebian(missing);
  report(`installing ${missing.join(" ")}`);
  const apt = async (...args: string[]) => {
    await output("apt-get", ["-q", "-o", "DPkg::Lock::Timeout=300", ...args], {
      env: { ...process.env, DEBIAN_FRONTEND: "noninteractive" },
      timeoutSeconds: 900,
      onLine: report,
    });
  };
  await apt("update");
  await apt("install", "-y", "--no-install-recommends", ...missing);
}

async function missingPackages(): Promise<string[]> {
  const wanted = Object.values(needed).flat();
  // dpkg-query prints a line for each known package; it exits with 1 if one is unknown.
  const { stdout } = await run("dpkg-query", [
    "-W",
    "-f=${binary:Package} ${db:Status-Abbrev}\n",
    ...wanted,
  ]);
  const installed = new Set(
    stdout
      .split("\n")
      .filter((line) => line.endsWith(" ii ") || line.endsWith(" hi "))
      .map((line) => line.split(/[: ]/)[0]),
  );
  const oldKeyring = !existsSync(`${trixieKey}.gpg`) && !existsSync(`${trixieKey}.pgp`);
  return wanted.filter(
    (name) => !installed.has(name) || (name === "debian-archive-keyring" && oldKeyring),
  );
}

function requireDebian(missing: readonly string[]): void {
  const release = existsSync("/etc/os-release") ? readFileSync("/etc/os-release", "utf8") : "";
  const value = (key: string) => new RegExp(`^${key}="?([^"\n]*)`, "m").exec(release)?.[1];
  const [id, version] = [value("ID"), value("VERSION_ID")];
  if (id === "debian" && (version === "12" || version === "13")) return;
  throw new Error(
    `the lab needs these Debian packages: ${missing.join(" ")}. It installs them itself on Debian 12 and 13 only; ` +
      `this is ${value("PRETTY_NAME") ?? "an unknown system"}. Install them, or run the lab in a Debian virtual machine.`,
  );
}
