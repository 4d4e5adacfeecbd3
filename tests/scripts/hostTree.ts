// All files of a pretend host, for claims like "changes nothing" and "leaves what was there
// before".
import { lstatSync, readdirSync, readFileSync, readlinkSync } from "node:fs";
import { join } from "node:path";
import type { PretendHost } from "./host";

/** Files and folders by path: the mode, and the text or a link's target. */
export type Tree = Record<string, string>;

/**
 * @param times include each modification time, which shows files that were written and removed
 * again
 */
export function hostTree(host: PretendHost, { times = false } = {}): Tree {
  const paths = readdirSync(host.folder, { recursive: true, encoding: "utf8" })
    // The machine's own file, not readable as text.
    .filter((path) => path !== "etc/ld.so.cache")
    .sort();
  return Object.fromEntries(
    paths.map((path) => {
      const file = join(host.folder, path);
      const stats = lstatSync(file);
      const content = stats.isSymbolicLink()
        ? readlinkSync(file)
        : stats.isFile()
          ? readFileSync(file, "utf8")
          : "a folder";
      const mode = (stats.mode & 0o7777).toString(8);
      return [`/${path}`, [mode, ...(times ? [stats.mtimeMs] : []), content].join(" ")];
    }),
  );
}

/** The paths at which two trees differ. */
export function differences(before: Tree, after: Tree): string[] {
  const paths = new Set([...Object.keys(before), ...Object.keys(after)]);
  return [...paths].filter((path) => before[path] !== after[path]).sort();
}
