// `npm run test:lab`: chooses the lab's test files, runs them with jest, and prints each file's
// time beside its budget.
import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Command, InvalidArgumentError } from "commander";
import { labOf } from "../../lab/instance";
import { labDown } from "../../lab/lab";
import { projectRoot } from "../../lab/paths";
import { runOnTerminal } from "../../lab/run";
import { table } from "../../lab/table";
import { dev } from "../../lab/topologies/dev";
import { faultTable } from "./faultMatrix";
import { type LabFile, labFiles, labName, sliceCount, sliceOfDay } from "./files";

interface Options {
  all?: boolean;
  slice?: number;
  labs: number;
  reverse?: boolean;
  failSlow?: boolean;
  outputFile?: string;
}

/**
 * After this many minutes of the CI run no test of a slice starts, so that the run can end within
 * 90 minutes.
 */
const sliceMinutes = 60;

/** Seconds that {@link calibrate} takes on the machine of the budgets: 2 cores, 2026. */
const referenceSeconds = 1.3;

const program = new Command("npm run test:lab --")
  .description("End to end on the lab's hosts. Without options or names: the core.")
  .argument("[name...]", "test files, by name: pair, production …")
  .option("--all", "every file")
  .option(
    "--slice <n>",
    `the core and a slice of the rest, 1 to ${sliceCount}, or the one whose turn it is "today"`,
    slice,
  )
  .option("--labs <n>", "so many files at a time, each on a lab and a CPU of its own", Number, 1)
  .option("--reverse", "files in the order of their names, from the end")
  .option("--fail-slow", "a file that takes half as long again as its budget is a failure")
  .option("--output-file <file>", "jest's results as JSON, too")
  .action(async (names: string[], options: Options) => {
    process.exitCode = await runTests(chosen(names, options), options);
  });

void program.parseAsync();

function slice(text: string): number {
  const number = text === "today" ? sliceOfDay(new Date()) : Number(text);
  if (Number.isInteger(number) && number >= 1 && number <= sliceCount) return number;
  throw new InvalidArgumentError(`It is "today", or a number from 1 to ${sliceCount}.`);
}

function chosen(names: readonly string[], options: Options): LabFile[] {
  const files = labFiles();
  for (const name of names) {
    if (files.some((file) => file.name === name)) continue;
    throw new Error(
      `there is no test file "${name}"; there are ${files.map((file) => file.name).join(", ")}`,
    );
  }
  if (names.length > 0) return files.filter(({ name }) => names.includes(name));
  if (options.all) return files;
  return files.filter(({ set }) => set === "core" || set === options.slice);
}

async function runTests(files: readonly LabFile[], options: Options): Promise<number> {
  console.error(
    `slice ${options.slice ?? "none"}; files: ${files.map(({ name }) => name).join(", ")}`,
  );
  const scale = calibrate();
  const folder = mkdtempSync(join(tmpdir(), "lvs-ha-test-lab-"));
  const results = options.outputFile ?? join(folder, "results.json");
  const began = Number(process.env.LVS_HA_CI_BEGAN ?? Date.now() / 1000);
  const status = await runOnTerminal(
    process.execPath,
    [
      join(projectRoot, "node_modules/jest/bin/jest.js"),
      ...["--config", "tests/lab/jest.config.mjs", "--runInBand", "--verbose"].filter(
        (word) => options.labs === 1 || word !== "--runInBand",
      ),
      ...(options.labs > 1 ? [`--maxWorkers=${options.labs}`] : []),
      ...["--json", `--outputFile=${results}`, "--runTestsByPath"],
      ...files.map(({ path }) => path),
    ],
    {
      cwd: projectRoot,
      env: {
        ...process.env,
        ...(options.all ? {} : { LVS_HA_SLICE_UNTIL: String(began + sliceMinutes * 60) }),
        ...(options.labs > 1 && { LVS_HA_LABS: String(options.labs) }),
        ...(options.reverse && { LVS_HA_TEST_REVERSE: "1" }),
        ...(files.every(({ topology }) => topology !== "dev") && { LVS_HA_TEST_NO_DEV: "1" }),
      },
    },
  );
  for (let worker = 2; worker <= options.labs; worker++) {
    await labDown(labOf(dev, { name: labName(dev.name, worker) }));
  }
  const faults = faultTable();
  if (faults) console.error(`\nWhat was done to the pair, and how it ended:\n${faults}\n`);
  const slow = tellTimes(files, results, scale);
  rmSync(folder, { recursive: true });
  if (slow.length > 0) console.error(`over budget by half or more: ${slow.join(", ")}`);
  return status !== 0 ? status : slow.length > 0 && options.failSlow ? 1 : 0;
}

interface JestResults {
  testResults: {
    name: string;
    startTime: number;
    endTime: number;
    assertionResults: { status: string; duration?: number | null }[];
  }[];
}

/**
 * Prints the files' times beside their budgets. Returns the names of files that took more than 1.5
 * times their budget.
 */
function tellTimes(files: readonly LabFile[], results: string, scale: number): string[] {
  const { testResults } = JSON.parse(readFileSync(results, "utf8")) as JestResults;
  const slow: string[] = [];
  const rows = files.map(({ path, name, set, topology, budgetSeconds }) => {
    const own = testResults.find((result) => result.name === path);
    const budget = budgetSeconds * scale;
    if (!own) return [name, String(set), topology, "-", budget.toFixed(0), "did not run"];
    const seconds = (own.endTime - own.startTime) / 1000;
    const over = seconds > 1.5 * budget;
    if (over) slow.push(name);
    const count = (status: string) =>
      own.assertionResults.filter((result) => result.status === status).length;
    const [passed, failed, skipped] = ["passed", "failed", "pending"].map(count);
    const words = `${passed} passed, ${failed} failed, ${skipped} skipped`;
    return [name, String(set), topology, seconds.toFixed(0), budget.toFixed(0), words];
  });
  const header = ["FILE", "SET", "TOPOLOGY", "SECONDS", "BUDGET", "TESTS"];
  console.error(
    `\nTimes; budgets are scaled by ${scale.toFixed(2)}:\n${table([header, ...rows])}\n`,
  );
  return slow;
}

/**
 * How much slower this machine is now than the machine of the budgets, at least 1. Measured with
 * hashing and starting processes, which tests do a lot.
 */
function calibrate(): number {
  const began = performance.now();
  const block = Buffer.alloc(1 << 20);
  for (let i = 0; i < 400; i++) createHash("sha256").update(block).digest();
  for (let i = 0; i < 200; i++) spawnSync("true");
  const seconds = (performance.now() - began) / 1000;
  const scale = Math.max(1, seconds / referenceSeconds);
  console.error(
    `calibration: ${seconds.toFixed(2)} s (${referenceSeconds} s where budgets are from)`,
  );
  return scale;
}
