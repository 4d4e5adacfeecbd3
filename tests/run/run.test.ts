// `npm test` and `npm run check`: what they run, leave out and print.
import { spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { repositoryFiles, usesOf } from "./imports";
import { digestsOf } from "./lint";
import { nearest } from "./nearest";
import { runParts, summary } from "./parts";
import { days, leftOutOn, paths, placeOf, root, testFiles } from "./sets";

describe("the sets", () => {
  test("have every test file", () => {
    expect(testFiles().length).toBeGreaterThan(50);
    expect(testFiles().filter((file) => placeOf(file) === undefined)).toEqual([]);
  });

  test("name no file or folder that isn't there, and none twice", () => {
    expect(paths.filter((path) => !existsSync(join(root, path)))).toEqual([]);
    expect(new Set(paths).size).toBe(paths.length);
  });

  test("run the core every day, and each file of the rest once in its turn", () => {
    const rest = testFiles().filter((file) => placeOf(file)?.set === "rest");
    // Past the end of a month.
    const begin = Date.parse("2026-02-26");
    const turns = Array.from({ length: days }, (_, i) =>
      leftOutOn(new Date(begin + i * 86_400_000).toISOString().slice(0, 10)),
    );
    for (const left of turns) {
      expect(left.length).toBeLessThan(rest.length);
      expect(rest).toEqual(expect.arrayContaining(left));
    }
    for (const file of rest) {
      expect(turns.filter((left) => !left.includes(file))).toHaveLength(1);
    }
  });

  test("a day that is none is refused, as it would leave out all or nothing", () => {
    expect(() => leftOutOn("tomorrow")).toThrow("tomorrow is not a day, such as 2026-03-29");
  });

  test("the tests of a file that is left out are counted as skipped, and nothing is left of it", () => {
    const folder = mkdtempSync(join(tmpdir(), "lvs-ha-run-"));
    const file = join(folder, "results.json");
    try {
      const args = ["--json", `--outputFile=${file}`, "tests/ops/operate.test.ts"];
      const { status } = spawnSync("npx", ["jest", ...args], {
        cwd: root,
        env: {
          ...process.env,
          SKIPPED_TEST_FILES: "tests/readme.test.ts:tests/ops/operate.test.ts",
          TMPDIR: folder,
        },
      });
      const results = JSON.parse(readFileSync(file, "utf8")) as Record<string, number>;
      expect(status).toBe(0);
      expect(results.numPassedTests).toBe(0);
      expect(results.numPendingTests).toBeGreaterThan(10);
      expect(results.numPendingTests).toBe(results.numTotalTests);
      // Jest keeps its cache in this folder.
      expect(readdirSync(folder).filter((name) => name.startsWith("lvs-ha-"))).toEqual([]);
    } finally {
      rmSync(folder, { recursive: true });
    }
  });
});

describe("the parts of a run", () => {
  const node = (script: string) => [process.execPath, "-e", script];

  test("all run to their end, whatever fails, and what failed is said last", async () => {
    const ended = await runParts([
      [{ name: "lint", command: node("console.log('a comma'); process.exitCode = 1") }],
      [
        { name: "types", command: ["no-such-program"] },
        { name: "format", command: node("console.log('quiet')") },
      ],
    ]);
    expect(ended.map(({ part, code }) => [part.name, code])).toEqual([
      ["lint", 1],
      ["types", 1],
      ["format", 0],
    ]);
    const text = summary(ended);
    expect(text).toMatch(/--- lint: .*\na comma\n/);
    expect(text).toMatch(/ENOENT/);
    expect(text).not.toContain("quiet");
    expect(text.trim().split("\n").slice(-3).join("\n")).toMatch(
      /^FAILED lint .* s\nFAILED types .* s\nok {5}format .* s$/,
    );
  });
});

describe("lint", () => {
  const texts: Record<string, string> = {
    "eslint.config.mjs": "",
    "tsconfig.json": "{}",
    "package-lock.json": "{}",
    "a.ts": 'import { b } from "./b";',
    "b.ts": 'export { c as b } from "./c/index";',
    "c/index.ts": 'import data from "./data.json"; export const c = data;',
    "c/data.json": "1",
    "other.ts": "",
  };
  const due = (change: Record<string, string>) => {
    const digests = (of: Record<string, string>) =>
      digestsOf(Object.keys(of), (file) => of[file] ?? "");
    const before = digests(texts);
    return Object.entries(digests({ ...texts, ...change }))
      .filter(([file, digest]) => before[file] !== digest)
      .map(([file]) => file);
  };

  test.each<[changed: string, again: string[]]>([
    ["other.ts", ["other.ts"]],
    ["a.ts", ["a.ts"]],
    ["c/index.ts", ["a.ts", "b.ts", "c/index.ts"]],
    ["c/data.json", ["a.ts", "b.ts", "c/index.ts"]],
    ["package-lock.json", ["eslint.config.mjs", "a.ts", "b.ts", "c/index.ts", "other.ts"]],
  ])("a change of %s has what it may have changed the types of linted again", (changed, again) => {
    expect(due({ [changed]: "// changed" })).toEqual(again);
  });
});

describe("a check", () => {
  const uses = usesOf(repositoryFiles());

  test.each<[file: string, runs: string]>([
    ["components/render/kernel.ts", "tests/render/render.test.ts"],
    ["components/rules/vrrp.ts", "tests/config.test.ts"],
    ["templates/scripts/vip.sh", "tests/scripts/vip.test.ts"],
    ["templates/scripts/vip.sh", "tests/scripts.test.ts"],
    ["templates/scripts/keepalived.sh", "tests/scripts/keepalived.test.ts"],
    ["templates/scripts/keepalived.sh", "tests/scripts.test.ts"],
    ["templates/keepalived.conf.mustache", "tests/render/render.test.ts"],
    ["monitoring/rules.yml", "tests/monitoring/prometheus.test.ts"],
    ["tests/ops/operate.test.ts", "tests/ops/operate.test.ts"],
    ["ops/report.sh", "tests/ops/report.test.ts"],
  ])("of %s runs %s", (file, runs) => {
    expect(nearest([file], uses).run).toContain(runs);
  });

  test("of an operator's command runs the tests with its name in the files that start it", () => {
    const { run, named } = nearest(["ops/drain/command.ts"], uses);
    expect(named).toContainEqual({ command: "drain", file: "tests/ops/operate.test.ts" });
    expect(run).not.toContain("tests/ops/operate.test.ts");
  });

  test("leaves nothing out unsaid", () => {
    const { run, named, left } = nearest(["components/schema/index.ts"], uses);
    const told = [...run, ...named.map(({ file }) => file), ...left];
    expect(told.length).toBeGreaterThan(20);
    expect(new Set(told).size).toBe(told.length);
  });
});
