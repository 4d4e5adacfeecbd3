// report.sh, run here as it is run on a host, and what is made of its answers.
import { spawnSync } from "node:child_process";
import { chmodSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { parseReport, textOf } from "../../ops/report";
import { interfaceAddresses } from "../../ops/reportFacts";
import { Unreachable } from "../../ops/ssh";

const script = readFileSync(join(__dirname, "../../ops/report.sh"), "utf8");
const folder = mkdtempSync(join(tmpdir(), "lvs-ha-report-"));
const file = join(folder, "some file");

afterAll(() => {
  rmSync(folder, { recursive: true });
});

function ask(...questions: string[]) {
  return spawnSync("sh", ["-s", "--", ...questions], { input: script, encoding: "utf8" });
}

test("a host's facts are answered", () => {
  const report = parseReport(ask("host").stdout);
  expect(Number(textOf(report, "now"))).toBeGreaterThan(1.7e9);
  expect(textOf(report, "memory")).toMatch(/^MemTotal: +\d+ kB\nMemAvailable: +\d+ kB\n$/);
  expect(textOf(report, "arp").split("\n")[0]).toMatch(/^all\.arp_ignore \d$/);
  expect(interfaceAddresses(report)).toContainEqual({
    device: "lo",
    address: "127.0.0.1",
    isUp: true,
  });
});

test("a file arrives as it is, whatever is in it", () => {
  const anything = fc.oneof(
    fc.string({ unit: "binary" }),
    fc.constantFrom("", "\n", "no newline", "\n\n\n", "0 3 end\nabc", "0 0 end\n\n", "ü€𐍈\n"),
  );
  fc.assert(
    fc.property(
      // A shell's variables hold no NUL, and no file of the stack's does.
      anything.map((text) => text.replaceAll("\0", "")),
      (text) => {
        writeFileSync(file, text);
        expect(textOf(parseReport(ask(`file=${file}`).stdout), `file ${file}`)).toBe(text);
      },
    ),
    { numRuns: 25 },
  );
});

test("a file that isn't there is told from an empty one", () => {
  writeFileSync(file, "");
  chmodSync(file, 0o640);
  const report = parseReport(ask(`file=${file}`, `file=${file}2`).stdout);
  expect(report.get(`file ${file}`)).toEqual({ status: 0, text: "" });
  expect(textOf(report, `mode ${file}`)).toMatch(/^0640 \w+:\w+\n$/);
  expect(report.get(`file ${file}2`)?.status).not.toBe(0);
});

test("a folder's names come as they are, none of one that isn't there", () => {
  writeFileSync(file, "");
  const report = parseReport(ask(`folder=${folder}`, `folder=${folder}/none`).stdout);
  expect(textOf(report, `folder ${folder}`)).toBe("some file\n");
  expect(report.get(`folder ${folder}/none`)).toEqual({ status: 0, text: "" });
});

test("sysctls come by name, one that the kernel doesn't know with no value", () => {
  const report = parseReport(ask("sysctls=net.ipv4.ip_forward net.ipv4.no_such_thing").stdout);
  expect(textOf(report, "sysctls")).toMatch(
    /^net\.ipv4\.ip_forward = [01]\nnet\.ipv4\.no_such_thing = \n$/,
  );
});

test("a question that the script doesn't know ends it", () => {
  const { status, stderr } = ask("host", "nonsense");
  expect(status).toBe(64);
  expect(stderr).toContain("no such question: nonsense");
});

test("a report that is cut off is no report, wherever it was cut", () => {
  const whole = ask("host", `file=${file}`).stdout;
  const end = whole.lastIndexOf("0 0 end");
  fc.assert(
    fc.property(fc.integer({ min: 0, max: end }), (length) => {
      expect(() => parseReport(whole.slice(0, length))).toThrow(Unreachable);
    }),
  );
});

test("a login that greets is told as such", () => {
  expect(() => parseReport(`Welcome!\n${ask("host").stdout}`)).toThrow(
    'it said "Welcome!" instead of a report',
  );
});
