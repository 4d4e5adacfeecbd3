// Texts whose mistakes would show only on a real host: systemd's units, reviewed by a person, and
// how each script begins.
// After a deliberate change: UPDATE_GOLDENS=1 npx jest tests/scripts/units --ci=false, then read
// the diff.
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { apply, parts, run } from "./parts";

/** The scripts' folder on a host. */
const home = "/usr/local/lib/lvs-ha";

const units = {
  "firewall.sh": ["lvs-ha-firewall.service"],
  "keepalived.sh": ["keepalived.service.d/lvs-ha.conf"],
  "metrics.sh": ["lvs-ha-metrics.service", "lvs-ha-metrics.timer"],
  "upgrades.sh": ["apt-daily-upgrade.service.d/lvs-ha.conf"],
  "vip.sh": ["lvs-ha-vip.service"],
};

const folder = join(__dirname, "../../templates/scripts");

/** The units that a script installs on a host. */
function made(script: string): Record<string, string> {
  const part = parts[script];
  const [change] = Object.values(part?.changes ?? {})[0] ?? [];
  if (!part || !change) throw new Error(`no ${script}`);
  const { files } = run(part, [], (host) => [
    apply(host, script, "lvs1", change),
    "cd /etc/systemd/system",
    `find . -type f | while read -r unit; do sed "s,$FOLDER/scripts,${home}," $unit >"$FOLDER/tmp/unit-$(echo "\${unit#./}" | tr / @)"; done`,
  ]);
  return Object.fromEntries(
    Object.entries(files)
      .filter(([name]) => name.startsWith("unit-"))
      .map(([name, text]) => [name.slice("unit-".length).replaceAll("@", "/"), text]),
  );
}

test.each(Object.entries(units))(
  "systemd reads of %s the units that are written down",
  (script, names) => {
    const found = made(script);
    expect(Object.keys(found).sort()).toEqual(names);
    for (const [name, text] of Object.entries(found)) {
      const golden = join(__dirname, "golden", name);
      if (process.env.UPDATE_GOLDENS) {
        mkdirSync(dirname(golden), { recursive: true });
        writeFileSync(golden, text);
      }
      expect(text).toBe(readFileSync(golden, "utf8"));
    }
  },
);

/** The unit that runs first at boot comes with the scripts. */
test("systemd reads of install.sh the unit that is written down", () => {
  const text = readFileSync(join(folder, "install.sh"), "utf8");
  const [, unit = ""] = /<<UNIT\n(.*?\n)UNIT\n/s.exec(text) ?? [];
  const golden = join(__dirname, "golden/lvs-ha-rollback.service");
  if (process.env.UPDATE_GOLDENS) writeFileSync(golden, unit.replace("$home", home));
  expect(unit.replace("$home", home)).toBe(readFileSync(golden, "utf8"));
});

test("every script with a unit has it written down", () => {
  const withUnits = readdirSync(folder).filter((name) =>
    /<<'?UNIT/.test(readFileSync(join(folder, name), "utf8")),
  );
  expect(withUnits.sort()).toEqual([...Object.keys(units), "install.sh"].sort());
});

test("every script ends at the first command that fails, and at a word that nothing has set", () => {
  const begins = readdirSync(folder).flatMap((name) => {
    const lines = readFileSync(join(folder, name), "utf8").split("\n");
    const first = lines.find((line) => line !== "" && !line.startsWith("#"));
    return lines[0] === "#!/bin/sh" ? [[name, first]] : [];
  });
  expect(begins.length).toBeGreaterThan(10);
  expect(begins.filter(([, first]) => first !== "set -eu")).toEqual([]);
});

test("keepalived waits for longer than a port by STP is deaf, and for less than systemd waits for it", () => {
  const seconds = (name: string, key: string) => {
    const text = readFileSync(join(__dirname, "../../templates/scripts", name), "utf8");
    return Number(new RegExp(`^${key}=(\\d+)$`, "m").exec(text)?.[1]);
  };
  const [addresses, neighbours] = ["for_addresses", "for_neighbours"].map((key) =>
    seconds("network.sh", key),
  );
  expect(neighbours).toBeGreaterThan(30);
  expect((addresses ?? NaN) + (neighbours ?? NaN) + 30).toBeLessThan(
    seconds("keepalived.sh", "TimeoutStartSec"),
  );
});
