// The choice of faults, and of the tests that are asked about them. The faults themselves are tried by `npm run faults`.
import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { projectRoot } from "../../lab/paths";
import { type Fault, shellFaults, withFault } from "./faults";
import { touchedByTests } from "./related";

const files = ["components/rules/services.ts", "ops/words.ts", "templates/scripts/vip.sh"];

/** What would be tried; Stryker's modules are ES modules, which jest can't load. */
function list(seed: number, count: number): string {
  const { stdout, stderr } = spawnSync(
    process.execPath,
    [
      ...["--import", "tsx", "tests/faults/index.ts", "--list"],
      ...["--seed", String(seed), "--count", String(count), ...files],
    ],
    { cwd: projectRoot, encoding: "utf8" },
  );
  expect(stderr).toBe("");
  return stdout;
}

/** Where each fault of a list is. */
const places = (listed: string) =>
  [...listed.matchAll(/^(\S+):(\d+) \(/gm)].map(([, file = "", line = ""]) => ({
    file,
    line: Number(line),
  }));

test("the same seed chooses the same faults, another one others", () => {
  const chosen = list(7, 10);
  expect(places(chosen)).toHaveLength(10);
  expect(list(7, 10)).toBe(chosen);
  expect(list(8, 10)).not.toBe(chosen);
});

test("no fault is in a comment, and one at most in a line", () => {
  const all = places(list(1, 10_000));
  const lines = all.map(
    ({ file, line }) => readFileSync(file, "utf8").split("\n")[line - 1]?.trim() ?? "",
  );
  expect(new Set(all.map(({ file }) => file)).size).toBe(files.length);
  expect(lines.filter((line) => /^(#|\/\/|\/?\*|$)/.test(line))).toEqual([]);
  expect(new Set(all.map(({ file, line }) => `${file}:${line}`)).size).toBe(all.length);
});

const faultsOf = (line: string) => shellFaults("x.sh", line).map(({ became }) => became);

test.each<[string, string[]]>([
  ["own", [":"]],
  ["  put $file 0600", [":"]],
  ["if live; then", [":", "if ! live; then"]],
  ["elif ! live; then", [":", "elif live; then"]],
  ['[ "$a" = b ] || fail', [":", '[ "$a" != b ] || fail', '[ "$a" = b ] && fail']],
  ["[ -n x ] &&", [":", "[ -z x ] &&", "[ -n x ] ||"]],
  ["while [ 1 -lt 2 ]; do", [":", "while ! [ 1 -lt 2 ]; do", "while [ 1 -ge 2 ]; do"]],
  ["}", []],
  [":", []],
  ["", []],
  ["  # if [ -n x ] && y", []],
])("the line %j could have the faults %j", (line, expected) => {
  expect(faultsOf(line)).toEqual(expected);
});

test("a fault changes its own place and nothing else", () => {
  const text = "a\n  if b; then # b\n  b\n";
  const faults = shellFaults("x.sh", text).filter(({ line }) => line === 2);
  expect(faults.map((fault) => withFault(text, fault))).toEqual([
    "a\n  :\n  b\n",
    "a\n  if ! b; then # b\n  b\n",
  ]);
  const fault: Fault = { file: "x", line: 1, kind: "", was: "b", at: 1, became: "" };
  expect(withFault("abc", fault)).toBe("ac");
});

test("a file is touched by the tests that import it, start it, or run it on a pretended host", async () => {
  const touched = await touchedByTests(projectRoot);
  const touch = (test: string, file: string) => touched.get(test)?.has(file);
  expect(touch("tests/config.test.ts", "components/rules/names.ts")).toBe(true);
  expect(touch("tests/ops/cli.test.ts", "ops/status/command.ts")).toBe(true);
  expect(touch("tests/ops/report.test.ts", "ops/report.sh")).toBe(true);
  expect(touch("tests/scripts/drain.test.ts", "templates/scripts/drain.sh")).toBe(true);
  expect(touch("tests/components/loadConfig.test.ts", "components/loadConfig.ts")).toBe(true);
  expect(touch("tests/config.test.ts", "templates/scripts/drain.sh")).toBe(false);
  expect(touch("tests/scripts/drain.test.ts", "ops/status/command.ts")).toBe(false);
});
