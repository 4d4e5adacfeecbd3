// The sets of the unit tests, by file; sets.json has them. A folder stands for the files in it that have no entry of their own.
// core runs always; the rest in slices, one a day, and whole with `npm test -- --all`.
import { globSync } from "glob";
import { join } from "node:path";
import sets from "./sets.json";

export const root = join(__dirname, "../..");

/** A file's set, and about how long it takes on a quiet machine of two CPUs: the longest start first. */
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

/** How many days it takes until all of the rest has run. */
export const days = 14;

/** The unit tests' files, as paths from the root. */
export function testFiles(): string[] {
  return globSync("tests/**/*.test.ts", { cwd: root, ignore: "tests/lab/**", posix: true }).sort();
}

/** The set of a test file; undefined for one that has none. */
export function placeOf(file: string): Place | undefined {
  const [own] = entries
    .filter(({ path }) => path === file || (path.endsWith("/") && file.startsWith(path)))
    .sort((a, b) => b.path.length - a.path.length);
  return own && { set: own.set, seconds: own.seconds };
}

/** The files of the rest that are not run on a day, such as 2026-03-29: each slice takes about as long as the others. */
export function leftOutOn(day: string): string[] {
  const number = Date.parse(day) / 86_400_000;
  if (!Number.isInteger(number)) throw new Error(`${day} is not a day, such as 2026-03-29`);
  const rest = testFiles().filter((file) => placeOf(file)?.set === "rest");
  const seconds = (file: string) => placeOf(file)?.seconds ?? 0;
  return rest
    .sort((a, b) => seconds(b) - seconds(a) || a.localeCompare(b))
    .filter((_, i) => i % days !== number % days);
}
