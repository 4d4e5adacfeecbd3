/**
 * The Debian archive: its addresses, and downloads of single packages of any suite with their
 * signatures checked.
 */
import { mkdir, readdir, writeFile } from "node:fs/promises";
import { join } from "node:path";

import type { Report } from "./cache";
import { output, run } from "./run";

/** Debian's archive, the only source of packages for guests and lab. */
export const debianArchive = {
  main: "http://deb.debian.org/debian",
  security: "http://deb.debian.org/debian-security",
  keyring: "/usr/share/keyrings/debian-archive-keyring.gpg",
} as const;

/** A package to download. */
export interface PackageRequest {
  suite: string;
  /** Names in order of preference: the first that the suite has is downloaded. */
  packages: readonly string[];
  /** Folder for the package file and apt's own files. */
  directory: string;
}

/**
 * Downloads a package file without its dependencies, using separate apt settings: the machine's
 * sources and lists are neither used nor changed. apt checks the archive's signature and the file's
 * digest.
 *
 * @throws Error when the suite has none of the packages or apt fails
 */
export async function downloadPackage(
  { suite, packages, directory }: PackageRequest,
  report: Report,
): Promise<{ file: string; version: string }> {
  const apt = join(directory, "apt");
  for (const folder of ["lists/partial", "cache/archives/partial", "parts"]) {
    await mkdir(join(apt, folder), { recursive: true });
  }
  await writeFile(join(apt, "status"), "");
  const { main, keyring } = debianArchive;
  await writeFile(join(apt, "sources.list"), `deb [signed-by=${keyring}] ${main} ${suite} main\n`);
  const settings = [
    `Dir::Etc::SourceList=${apt}/sources.list`,
    `Dir::Etc::SourceParts=${apt}/parts`,
    `Dir::Etc::Preferences=/dev/null`,
    `Dir::Etc::PreferencesParts=${apt}/parts`,
    `Dir::State=${apt}`,
    `Dir::State::status=${apt}/status`,
    `Dir::Cache=${apt}/cache`,
    "APT::Architecture=amd64",
    // apt's unprivileged user can't reach a folder below /root.
    "APT::Sandbox::User=root",
  ].flatMap((setting) => ["-o", setting]);

  report(`reading the package list of ${suite}`);
  await output("apt-get", [...settings, "-q", "update"], { timeoutSeconds: 300 });
  for (const name of packages) {
    const { stdout } = await run("apt-cache", [...settings, "show", "--no-all-versions", name]);
    const version = /^Version: (.*)$/m.exec(stdout)?.[1];
    if (version === undefined) continue;
    // A metapackage that only depends on the current version.
    const current = /^Depends: (linux-source-[\d.]+)/m.exec(stdout)?.[1];
    if (current !== undefined && current !== name) {
      return downloadPackage({ suite, packages: [current], directory }, report);
    }
    report(`downloading ${name} ${version}`);
    await output("apt-get", [...settings, "-q", "download", name], {
      cwd: directory,
      timeoutSeconds: 1200,
    });
    const file = (await readdir(directory)).find((entry) => entry.endsWith(".deb"));
    if (file === undefined)
      throw new Error(`apt-get download ${name} left no package in ${directory}`);
    return { file: join(directory, file), version: `${name} ${version}` };
  }
  throw new Error(
    `Debian's ${suite} has none of the packages ${packages.join(", ")}; name one that it has in lab/kernel.ts`,
  );
}

/** The proxy in the settings of the machine's own apt, if any. */
export async function machineAptProxy(): Promise<string | undefined> {
  const line = await output("apt-config", ["shell", "PROXY", "Acquire::http::Proxy"]);
  const proxy = /^PROXY='(.*)'$/m.exec(line)?.[1];
  return proxy === undefined || proxy === "" || proxy === "DIRECT" ? undefined : proxy;
}
