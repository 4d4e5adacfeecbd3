/**
 * The guests' kernel: user-mode Linux, built from Debian's kernel source package.
 *
 * Debian's own `user-mode-linux` lacks the netfilter families that a firewall needs, and on Debian
 * 12 and 13 it is older than 6.16, which brought seccomp mode: only that makes a guest fast enough
 * to act as a server.
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

/**
 * The version that the lab is tested with; if backports has dropped it, the current `linux-source`.
 */
const packages = ["linux-source-7.2", "linux-source"];

const recipe = join(__dirname, "kernel.sh");
const config = join(__dirname, "kernel.config");

/** File names in the kernel's cache folder; the recipe writes the first two. */
const files = { kernel: "linux", modules: "modules", version: "version" };

/**
 * The kernel, from the cache or built now: about 7 minutes on 2 cores, and 3 GB of disk meanwhile.
 */
export async function builtKernel(report: Report): Promise<GuestKernel> {
  const directory = await cached(await item(), report);
  return {
    description: (await readFile(join(directory, files.version), "utf8")).trim(),
    file: join(directory, files.kernel),
    modules: join(directory, files.modules),
  };
}

/** Whether the kernel is already built. */
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
