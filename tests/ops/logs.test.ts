// Journals of several hosts in one.
import pc from "picocolors";
import { entriesOf, inOrder, lineOf } from "../../ops/logs/entries";

test("lines of several hosts come in the order of their times, further lines with their entry", () => {
  const entries = inOrder([
    ...entriesOf(
      "lvs1",
      "1795414349.075173 lvs1 Keepalived_vrrp[264]: b\n1795414351.5 lvs1 x: d\n",
    ),
    ...entriesOf(
      "web1",
      "-- Boot --\n1795414348.2 ip-10-0-0-7 systemd[1]: a\n1795414350.9 h y: c\n    more\n",
    ),
  ]);
  expect(entries.map(({ host, text }) => [host, text])).toEqual([
    ["web1", "systemd[1]: a"],
    ["lvs1", "Keepalived_vrrp[264]: b"],
    ["web1", "y: c\n    more"],
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
