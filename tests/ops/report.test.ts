// ops/report.sh, run here as it is run on a host, and the parsing of its answers.
import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { parseReport, type Report, reportScript, type Section, textOf } from "../../ops/report";
import { interfaceAddresses } from "../../ops/reportFacts";
import { Unreachable } from "../../ops/ssh";
import { bareHost, fullHost, logs, reported, says } from "./reportedHosts";

const script = reportScript;
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
      // A shell variable can't hold NUL, and no file of the stack contains it.
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
  const report = parseReport(ask(`file=${file}`, `file=${file}2`).stdout);
  expect(report.get(`file ${file}`)).toEqual({ status: 0, text: "" });
  expect(report.get(`file ${file}2`)?.status).not.toBe(0);
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

const answer = (text: string): Section => ({ status: 0, text });
const lines = (...all: string[]) => answer(all.map((line) => `${line}\n`).join(""));
const none = answer("");
/** Any failure. */
const failed = (text = ""): Section => ({ status: 1, text });

const stateOf = (unit: string) =>
  [
    lines("LoadState=loaded", "ActiveState=active", `UnitFileState=${unit}`),
    lines("LoadState=not-found", "ActiveState=inactive", `UnitFileState=${unit}`),
  ] as const;
const loopback = answer(expect.stringContaining('"local":"127.0.0.1"') as string);

/** The question, the name of its answer, and the answers of a fully equipped and of a bare host. */
const table: [question: string, name: string, full: Section, bare: Section][] = [
  ["host", "now", lines("1795414372"), lines("1795414372")],
  ["host", "kernel", lines("6.1.0-18-amd64"), lines("6.1.0-18-amd64")],
  ["host", "system", ...twice(lines("Debian GNU/Linux 12 (bookworm)"))],
  ["host", "memory", ...twice(lines("MemTotal: 1020632 kB", "MemAvailable: 979280 kB"))],
  ["host", "conntrack", lines("34", "2000000"), failed()],
  ["host", "slabs", lines("ip_vs_conn 9 9 320", "nf_conntrack 5 6 256"), failed()],
  ["host", "addresses", loopback, loopback],
  [
    "host",
    "arp",
    lines("all.arp_ignore 1", "all.arp_announce 2", "lo.arp_ignore 3", "lo.arp_announce 4"),
    lines("all.arp_ignore ", "all.arp_announce ", "lo.arp_ignore ", "lo.arp_announce "),
  ],
  ["host", "changed", lines("1795414372", "{}"), none],
  ["host", "firewall", lines("back", "1795414372 203.0.113.9"), none],
  ["director", "keepalived", lines(says.keepalived), none],
  ["director", "service keepalived.service", ...stateOf("keepalived.service")],
  ["director", "ipvs", answer(says["ipvsadm -Ln"]), none],
  ["director", "ipvs-rates", answer(says["ipvsadm -Ln --rate --exact"]), none],
  ["director", "ipvs-daemons", answer(says["ipvsadm -L --daemon"]), none],
  ["director", "vrrp-states", lines(...logs.states), none],
  ["director", "vrrp-metrics", lines("backup VI_9"), none],
  ["director", "pool-log", lines(...logs.pool.slice(0, 2000)), failed()],
  ["ipvs-rules", "ipvs-rules", answer(says["ipvsadm -Sn"]), none],
  ["ipvs-rules", "ipvs-thresholds", answer(says["ipvsadm -Ln --thresholds"]), none],
  ["file=/etc/a file", "file /etc/a file", lines("text"), failed()],
  ["file=/etc/link", "file /etc/link", lines("text"), failed()],
];

function twice(section: Section): [Section, Section] {
  return [section, section];
}

describe("a host is asked", () => {
  const hosts = { full: fullHost, bare: bareHost };
  type Name = keyof typeof hosts;
  const reports = new Map<Name, Report>();
  const changes = new Map<Name, string[]>();

  beforeAll(() => {
    const questions = [...new Set(table.map(([question]) => question))];
    for (const [name, make] of Object.entries(hosts) as [Name, typeof fullHost][]) {
      const host = make();
      try {
        const result = reported(host, script, questions);
        expect(result.code).toBe(0);
        const sections = [...parseReport(result.stdout)].map(
          ([title, { status, text }]) => [title, { status: Math.min(status, 1), text }] as const,
        );
        reports.set(name, new Map(sections));
        changes.set(name, result.changes);
      } finally {
        host.remove();
      }
    }
  });

  test.each(table)("%s: %s", (_question, name, full, bare) => {
    expect(reports.get("full")?.get(name)).toEqual(full);
    expect(reports.get("bare")?.get(name)).toEqual(bare);
  });

  test("nothing besides", () => {
    for (const report of reports.values()) {
      expect([...report.keys()].sort()).toEqual(table.map(([, name]) => name).sort());
    }
  });

  test.each(Object.keys(hosts) as Name[])("and nothing on it is changed (%s)", (name) => {
    expect(changes.get(name)).toEqual([]);
  });
});
