// Finds the files that a director's config includes, on disk.
import { readFileSync, realpathSync, statSync } from "node:fs";
import { dirname, isAbsolute, join, relative, resolve } from "node:path";
import { globSync } from "glob";
import { notConfig, notText } from "./notConfig";

/** Finds and reads a config's files. */
export interface ConfigFiles {
  /**
   * The files that match an include's pattern, relative to the including file's folder, in
   * glob(3)'s order.
   */
  matches(pattern: string, folder: string): string[];
  /** A file's text, or why keepalived would not read it. */
  read(path: string): { text: string } | { why: string };
  /** The text of a script that the config names; undefined if not available. */
  script(path: string): string | undefined;
}

/** For a config without files: each include is reported as missing. */
export const noFiles: ConfigFiles = {
  matches: () => [],
  read: () => ({ why: "cannot be read" }),
  script: () => undefined,
};

/** Where keepalived's packages keep the config. */
const configFolder = "/etc/keepalived";

/**
 * Finds files on this machine. Includes are read only below the imported file's folder; anything
 * else is not config. Paths below /etc/keepalived are looked up beside the imported file, so a copy
 * of that folder is enough; other absolute paths below `root`.
 * @param main the imported file
 * @param root the director's root folder, or a copy of it.
 * @default none: this machine's files are not the director's
 */
export function diskFiles(main: string, root?: string): ConfigFiles {
  const beside = dirname(resolve(main));
  const placeOf = (path: string): string | undefined => {
    const below = relative(configFolder, path);
    if (!below.startsWith("..")) return join(beside, below);
    return root === undefined ? undefined : join(root, path);
  };
  const folders = [beside, join(root ?? "/", configFolder)];
  const isOutside = (path: string) =>
    folders.every((folder) => !isBelow(realpathSync(path), realFolder(folder)));
  return {
    matches(pattern, folder) {
      const seen = isAbsolute(pattern) ? placeOf(pattern) : join(folder, pattern);
      return seen === undefined ? [] : globSync(seen, { noglobstar: true }).sort();
    },
    read(path) {
      try {
        if (isOutside(path)) {
          return {
            why: `is not below ${beside}, so it is not read: copy it there if it is config`,
          };
        }
        const stat = statSync(path);
        // keepalived skips executable files: scripts may lie among the included files.
        if (!stat.isFile() || (stat.mode & 0o111) !== 0) {
          return {
            why: "is not a regular file without execute permission, so keepalived skips it",
          };
        }
        const bytes = readFileSync(path);
        const text = bytes.toString("utf8");
        const why = notText(bytes) ?? notConfig(text);
        if (why !== undefined) return { why: `is no keepalived config, so it is not read: ${why}` };
        return { text };
      } catch (error) {
        return { why: `cannot be read: ${(error as Error).message}` };
      }
    },
    script(path) {
      const place = placeOf(path);
      if (place === undefined || !statSync(place, { throwIfNoEntry: false })?.isFile()) {
        return undefined;
      }
      return readFileSync(place, "utf8");
    },
  };
}

function isBelow(path: string, folder: string): boolean {
  const way = relative(folder, path);
  return way !== "" && !way.startsWith("..") && !isAbsolute(way);
}

/** The folder with links followed, or unchanged if it doesn't exist. */
function realFolder(folder: string): string {
  try {
    return realpathSync(folder);
  } catch {
    return folder;
  }
}
