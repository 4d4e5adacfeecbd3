// `npm test`: formatting, lint, types, the core unit tests and a slice of the rest;
// `npm test -- --all`: all of them. Other arguments are passed to jest.
import { existsSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { runParts, summary } from "./parts";
import * as programs from "./programs";
import { days, leftOutOn, root } from "./sets";

/** The part of jest's results that is used. */
interface Results {
  numPassedTests: number;
  numFailedTests: number;
  numPendingTests: number;
  testResults: {
    name: string;
    status: string;
    message: string;
    assertionResults: { status: string; fullName: string }[];
  }[];
}

async function main(): Promise<void> {
  const args = process.argv.slice(2).filter((arg) => arg !== "--all");
  const all = process.argv.includes("--all");
  const day = process.env.SLICE ?? new Date().toISOString().slice(0, 10);
  // Files named in the arguments run, whatever their set.
  const skipped = all || args.some((arg) => arg.startsWith("tests/")) ? [] : leftOutOn(day);
  const [given] = args.flatMap((arg) => /^--outputFile=(.*)/.exec(arg)?.[1] ?? []);
  const file = given ?? join(root, "node_modules/.cache/lvs-ha/tests.json");
  rmSync(file, { force: true });
  const tests = programs.jest(
    [...args, ...(given === undefined ? ["--json", `--outputFile=${file}`] : [])],
    { SKIPPED_TEST_FILES: skipped.join(":"), ...(all ? { ALL_TESTS: "1" } : {}) },
  );
  const ended = await runParts([[tests], [programs.format(), programs.types, programs.lint()]]);
  console.log(summary(ended));
  const results = existsSync(file)
    ? (JSON.parse(readFileSync(file, "utf8")) as Results)
    : undefined;
  if (results) console.log(tell(results));
  if (skipped.length > 0) {
    console.log(
      `skipped: of the rest, what is not in the slice of ${day} (one in ${days}; SLICE=${day} npm test runs the same, npm test -- --all runs all):`,
    );
    for (const each of skipped) console.log(`  ${each}`);
  }
  const isFine = ended.every(({ code }) => code === 0);
  if (!isFine) console.log(`what was drawn, was drawn with SEED=${process.env.SEED ?? "1"}`);
  process.exitCode = isFine ? 0 : 1;
}

/** Lists the failed tests and counts all. */
function tell({ testResults, ...count }: Results): string {
  const failed = testResults
    .filter(({ status }) => status === "failed")
    .flatMap(({ name, message, assertionResults }) => {
      const file = name.slice(root.length + 1);
      const tests = assertionResults.filter(({ status }) => status === "failed");
      // A file that could not be loaded has no tests.
      return tests.length > 0
        ? tests.map(({ fullName }) => `FAILED ${file}: ${fullName}`)
        : [`FAILED ${file}: ${message.trim().split("\n")[0] ?? ""}`];
    });
  const { numPassedTests, numFailedTests, numPendingTests } = count;
  return [
    ...failed,
    `${numPassedTests} passed, ${numFailedTests} failed, ${numPendingTests} skipped`,
  ].join("\n");
}

void main();
