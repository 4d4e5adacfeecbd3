/** Disk images that guests boot from, one for each Debian release; `image.sh` is the recipe. */
import { readFile, readdir } from "node:fs/promises";
import { join, relative } from "node:path";

import { type Report, cached } from "./cache";
import { debianArchive, machineAptProxy } from "./debianArchive";
import { output } from "./run";
import { type DebianRelease, debianReleases } from "./topology";

const recipe = join(__dirname, "image.sh");
const guestFiles = join(__dirname, "guest");

/** The image of a release, from the cache or built now (about 30 s). */
export async function builtImage(release: DebianRelease, report: Report): Promise<string> {
  return join(await cached(await item(release), report), "disk.ext4");
}

async function item(release: DebianRelease) {
  const codeName = debianReleases[release];
  return {
    name: "image",
    ingredients: [codeName, await readFile(recipe, "utf8"), ...(await fileTexts(guestFiles))],
    build: async (directory: string, report: Report) => {
      report(`installing Debian ${release} (${codeName})`);
      const proxy = await machineAptProxy();
      const { main, security } = debianArchive;
      await output(
        "sh",
        [
          ...[recipe, codeName, join(directory, "disk.ext4"), main, security, guestFiles],
          ...(proxy === undefined ? [] : [`Acquire::http::Proxy "${proxy}"`]),
        ],
        { timeoutSeconds: 1200, onLine: report, logFile: join(directory, "build.log") },
      );
    },
  };
}

async function fileTexts(folder: string): Promise<string[]> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  const files = entries
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name))
    .sort();
  return Promise.all(
    files.map(async (file) => `${relative(folder, file)}\n${await readFile(file, "utf8")}`),
  );
}
