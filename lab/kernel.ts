/**
 * The guests' kernel: user-mode Linux, built from the kernel source that Debian packages.
 *
 * Debian's own `user-mode-linux` has no netfilter families that a firewall could use, and on Debian 12 and 13 it is older than
 * 6.16, where seccomp mode came: the one that makes a guest fast enough to be taken for a server.
 */
import { existsSync } from "node:fs";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";

import { downloadPackage } from "./debianArchive";
import { type Report, cachePath, cached } from "./cache";
import type { GuestKernel } from "./guest";
import { output } from "./run";

/** Trixie itself has 6.12, too old for seccomp mode. */
const suite = "trixie-backports";

/** What the lab is tested with. When backports has moved on, what its `linux-source` stands for is taken. */
const packages = ["linux-source-7.2", "linux-source"];

const recipe = join(__dirname, "kernel.sh");
const config = join(__dirname, "kernel.config");

/** In its folder in the cache: the first two are the recipe's. */
const files = { kernel: "linux", modules: "modules", version: "version" };

/** The kernel, from the cache or built now: about 7 minutes on 2 cores, and 3 GB of disk for the while. */
export async function builtKernel(report: Report): Promise<GuestKernel> {
  const directory = await cached(await item(), report);
  return {
    description: (await readFile(join(directory, files.version), "utf8")).trim(),
    file: join(directory, files.kernel),
    modules: join(directory, files.modules),
  };
}

/** Whether it is built already. */
export async function kernelIsBuilt(): Promise<boolean> {
  return existsSync(cachePath(await item()));
}

async function item() {
  const texts = [recipe, config].map((file) => readFile(file, "utf8"));
  return { name: "kernel", ingredients: await Promise.all(texts), build };
}

async function build(directory: string, report: Report): Promise<void> {
  const download = await mkdtemp(join(directory, "download."));
  const { file, version } = await downloadPackage({ suite, packages, directory: download }, report);
  await output("sh", [recipe, file, config, directory], {
    timeoutSeconds: 3000,
    onLine: report,
    logFile: join(directory, "build.log"),
  });
  await writeFile(join(directory, files.version), `${version}\n`);
  await rm(download, { recursive: true });
}
