// The unit tests' sets, by file, from sets.json. A folder stands for those of its files that have
// no entry of their own. The core always runs; the rest runs in slices, one a day, and completely
// with `npm test -- --all`.
import { globSync } from "glob";
import { join } from "node:path";
import sets from "./sets.json";

export const root = join(__dirname, "../..");

/**
 * A file's set, and its approximate duration on a quiet machine with two CPUs. The longest files
 * start first.
 */
export interface Place {
  set: keyof typeof sets;
  seconds: number;
}

const entries = Object.entries(sets).flatMap(([set, files]) =>
  Object.entries(files).map(([path, seconds]) => ({
    set: set as keyof typeof sets,
    path,
    seconds,
  })),
);

/** The entries of sets.json, as paths. */
export const paths = entries.map(({ path }) => path);

/** The number of days in which all of the rest has run. */
export const days = 14;

/** The unit test files. Paths are relative to the root. */
export function testFiles(): string[] {
  return globSync("tests/**/*.test.ts", { cwd: root, ignore: "tests/lab/**", posix: true }).sort();
}

/** A test file's set; undefined if it has none. */
export function placeOf(file: string): Place | undefined {
  const [own] = entries
    .filter(({ path }) => path === file || (path.endsWith("/") && file.startsWith(path)))
    .sort((a, b) => b.path.length - a.path.length);
  return own && { set: own.set, seconds: own.seconds };
}

/**
 * The files of the rest that don't run on a day, such as 2026-03-29. All slices take about the same
 * time.
 */
export function leftOutOn(day: string): string[] {
  const number = Date.parse(day) / 86_400_000;
  if (!Number.isInteger(number)) throw new Error(`${day} is not a day, such as 2026-03-29`);
  const rest = testFiles().filter((file) => placeOf(file)?.set === "rest");
  const seconds = (file: string) => placeOf(file)?.seconds ?? 0;
  return rest
    .sort((a, b) => seconds(b) - seconds(a) || a.localeCompare(b))
    .filter((_, i) => i % days !== number % days);
}
