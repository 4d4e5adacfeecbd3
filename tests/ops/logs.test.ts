// The journals of several hosts merged into one.
import pc from "picocolors";
import {
  EntryReader,
  entriesOf,
  type Entry,
  factsOf,
  inOrder,
  lineOf,
} from "../../ops/logs/entries";

test("lines of several hosts come in the order of their times, further lines with their entry", () => {
  const entries = inOrder([
    ...entriesOf(
      "lvs1",
      "1795414349.075173 lvs1 Keepalived_vrrp[264]: b\n1795414351.5 lvs1 x: d\n",
    ),
    ...entriesOf(
      "web1",
      "1795414348.2 ip-10-0-0-7 systemd[1]: a\n1795414350.9 h y: c\n    more\n\n    and more\n",
    ),
  ]);
  expect(entries.map(({ host, text }) => [host, text])).toEqual([
    ["web1", "systemd[1]: a"],
    ["lvs1", "Keepalived_vrrp[264]: b"],
    ["web1", "y: c\n    more\n\n    and more"],
    ["lvs1", "x: d"],
  ]);
});

test("a line has the time to the millisecond, and the host's name in the stack", () => {
  const [entry] = entriesOf("lvs1", "1795414349.075173 h Keepalived[1]: Reload complete");
  if (entry === undefined) throw new Error("no entry");
  expect(lineOf(entry, 6, pc.createColors(false))).toMatch(
    /^2026-11-\d\d \d\d:\d\d:29\.075 {2}lvs1 {4}Keepalived\[1\]: Reload complete$/,
  );
});

test("a line that no entry is before is kept, without a time, before all others", () => {
  const entries = inOrder([
    ...entriesOf("lvs1", "1795414349.5 h x: b\n"),
    ...entriesOf("web1", "\nwithout a time\n  nor this\n1795414348.5 h x: a\n"),
  ]);
  expect(entries.map(({ at, text }) => [at, text])).toEqual([
    [null, "without a time\n  nor this"],
    [1795414348.5, "x: a"],
    [1795414349.5, "x: b"],
  ]);
  const [first] = entries;
  if (first === undefined) throw new Error("no entry");
  expect(factsOf(first)).toEqual({ host: "web1", at: null, text: "without a time\n  nor this" });
  expect(lineOf(first, 4, pc.createColors(false))).toBe(
    `${" ".repeat(23)}  web1  without a time\n  nor this`,
  );
});

test("a time that is none doesn't take the other lines with it", () => {
  const [entry] = entriesOf("lvs1", "99999999999999999999.5 h x: a\n");
  expect(entry).toEqual({ host: "lvs1", at: null, text: "99999999999999999999.5 h x: a" });
});

describe("of a journal that is followed", () => {
  function read(...lines: (string | undefined)[]): Entry[] {
    const given: Entry[] = [];
    const reader = new EntryReader("lvs1", (entry) => given.push(entry));
    for (const line of lines) {
      if (line === undefined) reader.end();
      else reader.line(line);
    }
    return given;
  }
  const first = "1795414349.5 h x: first";

  test("an entry is given with its further lines, once the next one begins or it is over", () => {
    expect(read(first, "    second line", "1795414350.5 h x: next")).toEqual([
      { host: "lvs1", at: 1795414349.5, text: "x: first\n    second line" },
    ]);
    expect(read(first, undefined, undefined)).toEqual([
      { host: "lvs1", at: 1795414349.5, text: "x: first" },
    ]);
  });

  test("a further line that comes late is an entry of its own, with the time of the one before", () => {
    expect(read(first, undefined, "    second line", undefined).slice(1)).toEqual([
      { host: "lvs1", at: 1795414349.5, text: "    second line" },
    ]);
  });
});
