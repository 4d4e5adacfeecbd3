// The unit tests that tell most about some files in little time: those that use the files, nearest
// first.
import { readFileSync } from "node:fs";
import { basename, dirname, extname, join } from "node:path";
import { usersOf, type Uses } from "./imports";
import { placeOf, root } from "./sets";

/** The time limit, by the seconds in sets.json. Two files run at a time. */
const budgetSeconds = 10;

/** The chosen tests for some files. */
export interface Choice {
  /** Files whose tests all run. */
  run: string[];
  /** Files that start the operator's command. Only the tests named after the command run. */
  named: { command: string; file: string }[];
  /** Other tests that use the files, left out. */
  left: string[];
}

/** The nearest tests that fit into the time limit. The first always runs. */
export function nearest(files: string[], uses: Uses): Choice {
  const distances = new Map<string, number>();
  for (const file of files) {
    for (const [user, distance] of usersOf(file, uses)) {
      if (isTest(user)) distances.set(user, Math.min(distance, distances.get(user) ?? Infinity));
    }
  }
  const tests = [...distances.keys()];
  const command = commandOf(files);
  const startsCli = (test: string) =>
    ["ops/cli.ts", "tests/support/lvs.ts"].some((file) => uses.get(test)?.has(file) === true);
  const named =
    command === undefined
      ? []
      : tests
          .filter((test) => startsCli(test) && !files.includes(test) && names(test, command))
          .map((file) => ({ command, file }));
  const distance = (test: string) => distances.get(test) ?? 0;
  // Prefers tests/scripts/vip.test.ts for templates/scripts/vip.sh over tests/scripts.test.ts, and
  // that over tests/ops.
  const kinship = (test: string) =>
    Math.max(
      ...files.map(
        (file) =>
          Number(test.includes(`/${basename(dirname(file))}`)) +
          Number(test.endsWith(`/${basename(file, extname(file))}.test.ts`)),
      ),
    );
  const seconds = (test: string) => placeOf(test)?.seconds ?? 0;
  const candidates = tests
    .filter((test) => command === undefined || !startsCli(test))
    .sort(
      (a, b) => distance(a) - distance(b) || kinship(b) - kinship(a) || seconds(a) - seconds(b),
    );
  const run: string[] = [];
  let sum = 0;
  for (const test of candidates) {
    const [first = test] = candidates;
    const isFar = distance(test) > distance(first) + 1;
    if (
      test === first ||
      files.includes(test) ||
      (!isFar && sum + seconds(test) <= budgetSeconds)
    ) {
      run.push(test);
      // However long the first one is, a short one still fits beside it.
      sum += Math.min(seconds(test), budgetSeconds / 4);
    }
  }
  const isRun = (test: string) => run.includes(test) || named.some(({ file }) => file === test);
  return { run, named, left: tests.filter((test) => !isRun(test)) };
}

function names(test: string, command: string): boolean {
  return new RegExp(`"[a-z-]*${command}"`).test(readFileSync(join(root, test), "utf8"));
}

/** The operator's command whose folder contains the files: `drain` for ops/drain/command.ts. */
function commandOf(files: string[]): string | undefined {
  const [folder] = files.flatMap((file) => /^ops\/([a-zA-Z]+)\//.exec(file)?.[1] ?? []);
  return folder?.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
}

function isTest(file: string): boolean {
  return /^tests\/(?!lab\/).*\.test\.ts$/.test(file);
}
