// Which of the lab's test files run when, and what a test file has to say of itself.
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { labFiles, readHead, sliceCount, sliceOfDay } from "../lab/files";

const folder = mkdtempSync(join(tmpdir(), "lvs-ha-heads-"));
afterAll(() => {
  rmSync(folder, { recursive: true });
});

const fileWith = (...lines: string[]) => {
  const file = join(folder, "some.test.ts");
  writeFileSync(file, ["/**", ...lines.map((line) => ` * ${line}`), " */", "test();"].join("\n"));
  return file;
};

test("every test file of the lab names its set, its topology and its budget; no slice is empty", () => {
  const files = labFiles();
  const sets = new Set(files.map(({ set }) => set));
  const slices = Array.from({ length: sliceCount }, (_, i) => i + 1);
  expect([...sets].sort()).toEqual([...slices, "core"]);
});

test("what is budgeted for the core and any slice is done in half an hour, with the unit tests", () => {
  const files = labFiles();
  const budget = (wanted: unknown) =>
    files
      .filter(({ set }) => set === wanted)
      .reduce((sum, { budgetSeconds }) => sum + budgetSeconds, 0);
  for (let slice = 1; slice <= sliceCount; slice++) {
    expect(budget("core") + budget(slice)).toBeLessThan(27 * 60);
  }
});

test.each<[string, string[], RegExp]>([
  ["no set", ["@topology dev", "@budgetSeconds 5"], /needs one line @set/],
  [
    "another set",
    ["@set some", "@topology dev", "@budgetSeconds 5"],
    /@set is "core", or "slice 1"/,
  ],
  ["slice 0", ["@set slice 0", "@topology dev", "@budgetSeconds 5"], /not "slice 0"/],
  ["one slice more", ["@set slice 9", "@topology dev", "@budgetSeconds 5"], /not "slice 9"/],
  [
    "another topology",
    ["@set core", "@topology moon", "@budgetSeconds 5"],
    /@topology moon: there are dev,/,
  ],
  ["no budget", ["@set core", "@topology dev"], /needs one line @budgetSeconds/],
  [
    "a budget of nothing",
    ["@set core", "@topology dev", "@budgetSeconds 0"],
    /is a number of seconds/,
  ],
])("a file with %s is refused, by its name", (_, lines, message) => {
  const file = fileWith(...lines);
  expect(() => readHead(file)).toThrow(message);
  expect(() => readHead(file)).toThrow(file);
});

test("each slice has its turn within 14 days, whatever the day", () => {
  const day = 86_400_000;
  for (let start = 0; start < 30; start++) {
    const from = Date.UTC(2026, 11, 20) + start * day;
    const turns = Array.from({ length: 14 }, (_, i) => sliceOfDay(new Date(from + i * day)));
    expect(new Set(turns).size).toBe(sliceCount);
    expect(Math.min(...turns)).toBe(1);
    expect(Math.max(...turns)).toBe(sliceCount);
  }
});
