// The days of a director's unattended upgrades: no other director has them.
import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { renderUpgrades } from "../../components/render/upgrades";
import type { Settings } from "../../components/settings";
import { settingsOf, smallStack } from "../support/stacks";
import { PretendHost } from "./host";

const dropIn = "/etc/systemd/system/apt-daily-upgrade.service.d/lvs-ha.conf";
const owner = "p-lvs1-system/10.10.0.11";

let host: PretendHost;
beforeEach(() => {
  host = new PretendHost();
  host.write("/systemd/lib/apt-daily-upgrade.service", "[Service]\n");
});
afterEach(() => {
  host.remove();
});

function withDirectors(count: number): Settings {
  const stack = smallStack();
  const [first] = stack.directors;
  const others = Array.from({ length: count }, (_, i) => ({
    ...first,
    name: `lvs${i + 1}`,
    host: `10.10.0.${i + 1}`,
    vrrpAddress: `192.0.2.${i + 1}/24`,
  }));
  return settingsOf({ ...stack, directors: others });
}

/** The drop-in that a director gets. */
function dropInOf(line: string): string {
  const { code, stderr } = host.script("upgrades.sh", ["apply", owner], line);
  expect([code, stderr]).toEqual([0, `upgrades: wrote ${dropIn}\n`]);
  return host.read(dropIn) ?? "";
}

/** The days, out of a series that starts at `from`, on which the drop-in lets the service run. */
function runsOn(text: string, days: number, from = "2026-12-20"): number[] {
  const [, quoted = ""] = /^ExecCondition=\/bin\/sh -c '(.*)'$/m.exec(text) ?? [];
  // Unescaped as systemd.service(5) and systemd.unit(5) describe.
  const condition = quoted.replaceAll("$$", "$").replaceAll("%%", "%");
  expect(condition).not.toBe("");
  const { stdout } = spawnSync(
    "sh",
    [
      "-c",
      [
        `date() { if [ "$*" = +%F ]; then echo "$today"; else command date "$@"; fi; }`,
        `for n in $(seq 0 ${days - 1}); do`,
        `today=$(command date -u -d "${from} + $n days" +%F)`,
        `if ${condition}; then echo $n; fi`,
        "done",
      ].join("\n"),
    ],
    { encoding: "utf8", env: { ...process.env, TZ: "Pacific/Auckland" } },
  );
  return stdout.split("\n").filter(Boolean).map(Number);
}

test.each([2, 3, 5])(
  "no two of %d directors are upgraded within a day of each other, whatever month ends, and each has its turn",
  (count) => {
    const settings = withDirectors(count);
    const turns = settings.directors.map((director) =>
      runsOn(dropInOf(renderUpgrades(settings, director)), 4 * count),
    );
    for (const days of turns) expect(days).toHaveLength(2);
    const all = turns.flat().toSorted((a, b) => a - b);
    expect(all.slice(1).map((day, i) => day - (all[i] ?? 0))).toEqual(all.slice(1).map(() => 2));
  },
);

test("a day is the host's own, from midnight to midnight", () => {
  expect(runsOn(dropInOf("0 4\n"), 4, "1970-01-01")).toEqual([0]);
});

test("a systemd that is there understands it", () => {
  const folder = mkdtempSync(join(tmpdir(), "lvs-ha-unit-"));
  try {
    const file = join(folder, "lvs-ha-test.service");
    writeFileSync(file, `${dropInOf("2 4\n")}Type=oneshot\nExecStart=/bin/true\n`);
    const { status, stderr, error } = spawnSync("systemd-analyze", ["verify", file], {
      encoding: "utf8",
    });
    if (error) return;
    expect([status, stderr]).toEqual([0, ""]);
  } finally {
    rmSync(folder, { recursive: true });
  }
});

const nothing = [undefined, ""];

test("a host without such upgrades gets nothing", () => {
  rmSync(host.at("/systemd/lib/apt-daily-upgrade.service"));
  const { code, stderr } = host.script("upgrades.sh", ["apply", owner], "0 4\n");
  expect([host.read(dropIn), stderr, code]).toEqual([...nothing, 0]);
});

test("with staggeredUpgrades false, the host's own days come back, and systemd reads them", () => {
  const settings = { ...withDirectors(2), staggeredUpgrades: false };
  const [director] = settings.directors;
  dropInOf("0 4\n");
  const line = director && renderUpgrades(settings, director);
  expect(line).toBe("");
  expect(host.script("upgrades.sh", ["apply", owner], line).code).toBe(0);
  expect(host.read(dropIn)).toBeUndefined();
  expect(host.read("/systemd/loaded/apt-daily-upgrade.service.d/lvs-ha.conf")).toBeUndefined();
  const again = host.script("upgrades.sh", ["apply", owner], line);
  expect([again.code, again.stderr]).toEqual([0, ""]);
});
