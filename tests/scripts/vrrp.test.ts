// vrrp.sh on what keepalived 2.1.5 to 2.3.4 really logged, each in a network namespace: interfaces that are down at its start, that go
// down and come back, an address that is missing, a sync group, reloads, and ends. A line "-- WHAT" is what was done then.
import { spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

const versions = ["2.1.5", "2.2.7", "2.3.3", "2.3.4"] as const;
const folder = mkdtempSync(join(tmpdir(), "lvs-ha-vrrp-"));
const data = join(folder, "director");
const script = join(__dirname, "../../templates/scripts/vrrp.sh");

beforeAll(() => {
  writeFileSync(data, "=i VI_1\n=g VG_1 VI_1\n=g VG_1 VI_2\n");
});

afterAll(() => {
  rmSync(folder, { recursive: true });
});

/**
 * A case's lines, oldest first: all of them, or from the start through n actions, without the end.
 */
function logged(version: string, name: string, things = Infinity): string[] {
  const text = readFileSync(join(__dirname, `samples/keepalived-${version}.log`), "utf8");
  const [, lines = ""] = new RegExp(`^== ${name}\n([^]*?)(?=^== |$(?![^]))`, "m").exec(text) ?? [];
  const parts = lines.split(/^-- .*\n/m);
  if (lines === "" || (things !== Infinity && parts.length <= things)) {
    throw new Error(`no ${name} with ${things} in the sample of ${version}`);
  }
  const kept = parts
    .slice(0, things + 1)
    .join("")
    .trimEnd()
    .split("\n");
  const end = kept.findIndex((line) => line.endsWith(": Stopping"));
  return things === Infinity || end < 0 ? kept : kept.slice(0, end);
}

/** The script's result, without the times. */
function read(lines: string[], shell = "sh", path = process.env.PATH): string[] {
  const { stdout, stderr, status } = spawnSync(
    shell,
    ["-c", '. "$1"; vrrp_states "$2"', "sh", script, data],
    {
      input: lines
        .toReversed()
        .map((line) => `${line}\n`)
        .join(""),
      encoding: "utf8",
      env: { ...process.env, PATH: path },
    },
  );
  expect([status, stderr]).toEqual([0, ""]);
  return stdout
    .split("\n")
    .filter((line) => line !== "")
    .map((line) => line.replace(/^\d+\.\d+ /, ""));
}

describe.each(versions)("keepalived %s", (version) => {
  test.each<[claim: string, name: string, things: number, states: string[]]>([
    ["begins with its interface down", "down-then-up", 0, ["FAULT VI_1"]],
    ["has its interface back", "down-then-up", 1, ["MASTER VI_1"]],
    ["is alone", "life", 0, ["MASTER VI_1"]],
    ["has lost its interface", "life", 1, ["FAULT VI_1"]],
    ["has lost an interface of a sync group", "group", 1, ["FAULT VI_1", "FAULT VI_2"]],
    ["has it back", "group", 2, ["MASTER VI_1", "MASTER VI_2"]],
    ["has lost it as the active one", "group", 3, ["FAULT VI_1", "FAULT VI_2"]],
    ["has lost its VRRP process, and begun another", "killed", 1, ["MASTER VI_1"]],
    ["has ended", "life", Infinity, []],
  ])("%s", (_, name, things, states) => {
    const said = read(logged(version, name, things));
    // The members of a group speak in the order of the event.
    expect([...said.slice(0, -1).sort(), said.at(-1)]).toEqual([...states, "started"]);
  });

  test("says no more than that it was started, when the first line after that is not yet there", () => {
    const lines = logged(version, "life", 0).filter((line) => !line.includes("(VI_1)"));
    expect(read(lines)).toEqual(["started"]);
  });

  test("has no state that is known where the journal doesn't go back to it", () => {
    const lines = logged(version, "life", 1);
    expect(read(lines.slice(-1))).toEqual(["FAULT VI_1"]);
    expect(read(lines.slice(-1).filter((line) => !line.includes("FAULT")))).toEqual([]);
  });
});

test.each([
  ["2.1.5", "FAULT"],
  ["2.2.7", "FAULT"],
  ["2.3.3", "MASTER"],
  ["2.3.4", "MASTER"],
])("%s without its address is in the state %s until a reload", (version, state) => {
  expect(read(logged(version, "no-address", 1))).toEqual([`${state} VI_1`, "started"]);
});

test("the journal goes back to the start when it has the line of it, whatever came before", () => {
  const lines = logged("2.3.3", "life", 0);
  const begun = lines.findIndex((line) => line.includes("Starting VRRP child process"));
  expect(read(lines.slice(begun))).toEqual(["MASTER VI_1", "started"]);
  expect(read(lines.slice(begun, begun + 1))).toEqual(["started"]);
});

test("a reload in a fault leaves it so, though the log tells the reason alone", () => {
  const [first = "", ...rest] = logged("2.2.7", "down-then-up", 0);
  const again = rest.filter((line) => line.includes("(VI_1): entering FAULT state"));
  expect(again).toHaveLength(1);
  expect(read([first, ...rest.filter((line) => !line.includes("FAULT")), ...again])).toEqual([
    "FAULT VI_1",
    "started",
  ]);
});

test("the VRRP process may speak before its parent has said that it was started", () => {
  const lines = logged("2.2.7", "killed", 0);
  const begun = lines.findIndex((line) => line.includes("Starting VRRP child process"));
  expect(lines.findIndex((line) => line.includes("(init)"))).toBeLessThan(begun);
  expect(read(lines.slice(0, -1))).toEqual(["BACKUP VI_1", "started"]);
});

test("what another VRRP process has said doesn't count", () => {
  const before = logged("2.2.7", "killed", 0);
  const [died = "", begun = ""] = logged("2.2.7", "killed", 1).slice(before.length);
  expect(read([...before, died, begun])).toEqual(["started"]);
  // The journal lacks its end.
  expect(read([...before, begun])).toEqual(["started"]);
});

test.each(
  ["mawk", "gawk"].flatMap((awk) => ["dash", "bash"].map((shell) => [awk, shell] as const)),
)("%s and %s read alike", (awk, shell) => {
  const program = ["/usr/bin", "/bin"].map((at) => join(at, awk)).find((file) => existsSync(file));
  if (program === undefined) {
    console.log(`skipped: this machine has no ${awk}`);
    return;
  }
  const programs = mkdtempSync(join(folder, "awk-"));
  symlinkSync(program, join(programs, "awk"));
  expect(read(logged("2.3.3", "group", 1), shell, `${programs}:${process.env.PATH ?? ""}`)).toEqual(
    ["FAULT VI_1", "FAULT VI_2", "started"],
  );
});
