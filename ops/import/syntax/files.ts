// The files of a director's config, as `include` finds them: on the disk that was copied from it.
import { readFileSync, realpathSync, statSync } from "node:fs";
import { dirname, isAbsolute, join, relative, resolve } from "node:path";
import { globSync } from "glob";
import { notConfig, notText } from "./notConfig";

/** How a config's files are found and read. */
export interface ConfigFiles {
  /** The files that an include's pattern matches, seen from the including file's folder, in glob(3)'s order. */
  matches(pattern: string, folder: string): string[];
  /** A file's text, or why keepalived would not read it. */
  read(path: string): { text: string } | { why: string };
  /** The text of a script that the config names; undefined where it isn't at hand. */
  script(path: string): string | undefined;
}

/** For a config that is only text: whatever it includes is missing, and reported. */
export const noFiles: ConfigFiles = {
  matches: () => [],
  read: () => ({ why: "cannot be read" }),
  script: () => undefined,
};

/** Where keepalived's packages keep the config. */
const configFolder = "/etc/keepalived";

/**
 * Files on this machine: of what a config includes, only those below the imported file's folder, as the others are no config. What the config has below /etc/keepalived is looked for beside the imported file, so that a copy of
 * that folder will do; other absolute paths below `root`.
 * @param main the imported file
 * @param root the director's root folder, or a copy of it. @default none: this machine's own files are not the director's
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
        // keepalived skips these: a script that lies among the included files is none of them.
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

/** Links followed; as it is where there is no such folder. */
function realFolder(folder: string): string {
  try {
    return realpathSync(folder);
  } catch {
    return folder;
  }
}
