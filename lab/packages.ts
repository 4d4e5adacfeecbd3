/** The Debian packages that the lab itself needs, and their installation. */
import { existsSync, readFileSync } from "node:fs";

import type { Report } from "./cache";
import { output, run } from "./run";

/** By what they are needed for. */
const needed = {
  networks: ["iproute2", "procps", "util-linux", "openssh-client", "tcpdump"],
  images: ["mmdebstrap", "e2fsprogs", "debian-archive-keyring"],
  kernel: ["gcc", "make", "flex", "bison", "bc", "libelf-dev", "libc6-dev", "xz-utils", "kmod"],
  downloads: ["ca-certificates", "curl", "tar", "gzip"],
} as const;

/** The first keyring of Debian 12 has no keys for Debian 13 yet; this file came with them. */
const trixieKey = "/usr/share/keyrings/debian-archive-trixie-stable";

/**
 * Installs what is missing. It asks nothing, and leaves what is there as it is.
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
  // One line for each package that is known; its status is 1 when one of them isn't.
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
