// Tries the tests: random small faults, one at a time, in a copy of the tree. A fault that no test notices survives.
import { availableParallelism } from "node:os";
import { Command, InvalidArgumentError } from "commander";
import { globSync } from "glob";
import { table } from "../../lab/table";
import { projectRoot } from "../../lab/paths";
import { choose, type Fault } from "./faults";
import { touchedByTests } from "./related";
import { type Outcome, Sandbox, type Unhurt } from "./sandbox";

const everyFile = [
  "index.ts",
  "components/**/*.ts",
  "ops/**/*.ts",
  "ops/report.sh",
  "ops/verify/verified.sh",
  "templates/scripts/*.sh",
];

interface Options {
  seed: number;
  count: number;
  allow: number;
  workers: number;
  list: boolean;
}

const number = (text: string) => {
  if (!/^\d+$/.test(text)) throw new InvalidArgumentError("It is a whole number.");
  return Number(text);
};

new Command("faults")
  .description("Tries the tests with random small faults in a copy of the tree.")
  .argument("[files...]", "where the faults are: paths or globs (default: the product)")
  .option("--seed <n>", "the same seed gives the same faults in the same files", number, 1)
  .option("--count <n>", "how many faults", number, 50)
  .option("--allow <n>", "of 50 faults, so many may survive: more, and the status is 1", number, 2)
  .option("--workers <n>", "faults at the same time", number, Math.min(2, availableParallelism()))
  .option("--list", "only say which faults they are", false)
  .action(tryFaults)
  .parseAsync()
  .catch((error: unknown) => {
    console.error(error instanceof Error ? error.message : error);
    process.exitCode = 2;
  });

// A signal ends what runs, and removes the copies, as any other end does.
for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) {
  process.once(signal, () => process.exit(130));
}

async function tryFaults(
  globs: string[],
  { seed, count, allow, workers, list }: Options,
): Promise<void> {
  const begun = performance.now();
  const files = globSync(globs.length > 0 ? globs : everyFile, { cwd: projectRoot }).sort();
  const faults = await choose(projectRoot, files, seed, count);
  if (list) {
    for (const fault of faults) console.log(described(fault));
    return;
  }

  const tests = await testsOf(faults);
  const asked = [...new Set([...tests.values()].flat())];
  const sandboxes = await Promise.all(
    Array.from({ length: workers }, () => Sandbox.of(projectRoot)),
  );
  console.log(
    `seed ${seed}, ${faults.length} faults; first ${asked.length} test files without one`,
  );
  const [sandbox] = sandboxes;
  if (sandbox === undefined) throw new Error("--workers 0 would try nothing");
  const unhurt = await sandbox.unhurt(asked, workers);
  const failing = () => asked.filter((test) => unhurt.get(test)?.passed !== true);
  // On a busy machine a test may run out of its own time.
  if (failing().length > 0) {
    for (const [test, again] of await sandbox.unhurt(failing(), 1)) unhurt.set(test, again);
  }
  const leftOut = failing();
  for (const test of leftOut) {
    console.log(`LEFT OUT, as it fails without a fault: ${test}`);
    console.log(unhurt.get(test)?.message.split("\n").slice(0, 25).join("\n"));
  }
  console.log(`they are done (${minutes(begun)})`);

  const found: { fault: Fault; outcome: Outcome }[] = [];
  const left = [...faults];
  await Promise.all(
    sandboxes.map(async (own) => {
      for (let fault = left.shift(); fault !== undefined; fault = left.shift()) {
        const { order, limitSeconds } = plan(tests.get(fault.file) ?? [], unhurt);
        const outcome: Outcome =
          order.length === 0 ? { outcome: "survived" } : await own.hurt(fault, order, limitSeconds);
        found.push({ fault, outcome });
        console.log(`${found.length}. ${verdict(outcome)}: ${described(fault)}`);
      }
    }),
  );

  const survivors = found.filter(({ outcome }) => outcome.outcome === "survived");
  const hung = found.filter(({ outcome }) => outcome.outcome === "hung").length;
  if (survivors.length > 0) {
    const rows = survivors.map(({ fault: { file, line, was, became } }) => [
      ...[`${file}:${line}`, short(was), short(became)],
    ]);
    console.log(`\n${table([["survived", "was", "became"], ...rows])}`);
  }
  console.log(
    `\nseed ${seed}: ${faults.length} faults, ${faults.length - survivors.length} killed ` +
      `(${hung} by a hang), ${survivors.length} survived; ${minutes(begun)}`,
  );
  if (leftOut.length > 0 || survivors.length * 50 > allow * faults.length) process.exitCode = 1;
}

/** For each file with a fault, the tests that touch it. */
async function testsOf(faults: readonly Fault[]): Promise<Map<string, string[]>> {
  const touched = await touchedByTests(projectRoot);
  return new Map(
    faults.map(({ file }) => [
      file,
      [...touched].filter(([, files]) => files.has(file)).map(([test]) => test),
    ]),
  );
}

/** The quick ones first. The limit leaves room for a machine that is busier than it was. */
function plan(
  tests: readonly string[],
  unhurt: ReadonlyMap<string, Unhurt>,
): { order: string[]; limitSeconds: number } {
  const seconds = (test: string) => unhurt.get(test)?.seconds ?? 0;
  const order = tests
    .filter((test) => unhurt.get(test)?.passed)
    .sort((a, b) => seconds(a) - seconds(b));
  return {
    order,
    limitSeconds: Math.ceil(60 + 4 * order.reduce((sum, test) => sum + seconds(test), 0)),
  };
}

function verdict(found: Outcome): string {
  switch (found.outcome) {
    case "survived":
      return "SURVIVED";
    case "killed":
      return `killed by ${found.file} (${found.test})`;
    case "hung":
      return "killed (the tests hang)";
    case "crashed":
      return "killed (jest dies)";
  }
}

function described({ file, line, kind, was, became }: Fault): string {
  return `${file}:${line} (${kind})\n     was: ${short(was)}\n  became: ${short(became)}`;
}

function short(code: string): string {
  const line = code.replace(/\s+/g, " ");
  return line.length > 100 ? `${line.slice(0, 99)}…` : line;
}

function minutes(since: number): string {
  return `${((performance.now() - since) / 60_000).toFixed(1)} min`;
}
