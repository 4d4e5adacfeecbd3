// Which files of the repository use which others: through an import, or through the name if a
// program or a test reads the file as text.
import { execFileSync } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { basename, dirname, extname, join } from "node:path";
import ts from "typescript";
import { root } from "./sets";

/** For each file, the files that it uses. Paths are relative to the root. */
export type Uses = Map<string, Set<string>>;

/** The repository's files, including those not committed yet. */
export function repositoryFiles(folder = root): string[] {
  const args = ["ls-files", "--cached", "--others", "--exclude-standard"];
  return execFileSync("git", args, { cwd: folder, encoding: "utf8" })
    .trim()
    .split("\n")
    .filter((file) => existsSync(join(folder, file)));
}

/** The imports among the code files. */
export function importsOf(files: string[], read: (file: string) => string = readText): Uses {
  const known = new Set(files);
  return new Map(
    files.filter(isCode).map((file) => {
      const imported = ts
        .preProcessFile(read(file), true, true)
        .importedFiles.filter(({ fileName }) => fileName.startsWith("."))
        .map(({ fileName }) => join(dirname(file), fileName))
        .flatMap(
          (path) => [path, `${path}.ts`, join(path, "index.ts")].find((at) => known.has(at)) ?? [],
        );
      return [file, new Set(imported)];
    }),
  );
}

/**
 * Imports, plus files mentioned by name: code by its path, any other file by its name, `*.sh` or
 * `${name}.mustache`.
 */
export function usesOf(files: string[], read: (file: string) => string = readText): Uses {
  const uses = importsOf(files, read);
  for (const [user, used] of uses) {
    // The files in tests/run name other files only to sort them, and read none.
    if (user.startsWith("tests/run/")) continue;
    const words = new Set(read(user).split(/[^\w.*/-]+/));
    for (const word of [...words]) words.add(basename(word));
    for (const file of files) {
      const end = extname(file);
      const names = isCode(file) ? [file] : [basename(file), `*${end}`, end];
      if (file !== user && names.some((name) => words.has(name))) used.add(file);
    }
  }
  return uses;
}

/** The file itself and all files that it uses, directly or indirectly. */
export function closureOf(file: string, uses: Uses): Set<string> {
  return new Set(distancesFrom(file, (at) => uses.get(at) ?? []).keys());
}

/** The files that use a file, directly (1) or through others (2 and more). */
export function usersOf(file: string, uses: Uses): Map<string, number> {
  const users = new Map<string, string[]>();
  for (const [user, used] of uses) {
    for (const each of used) users.set(each, [...(users.get(each) ?? []), user]);
  }
  return distancesFrom(file, (at) => users.get(at) ?? []);
}

function distancesFrom(file: string, next: (at: string) => Iterable<string>): Map<string, number> {
  const distances = new Map([[file, 0]]);
  // Iterating over a map also visits entries added meanwhile, so the nearest files come first.
  for (const [at, distance] of distances) {
    for (const each of next(at)) if (!distances.has(each)) distances.set(each, distance + 1);
  }
  return distances;
}

export function isCode(file: string): boolean {
  return /\.[cm]?[jt]s$/.test(file);
}

function readText(file: string): string {
  return readFileSync(join(root, file), "utf8");
}
