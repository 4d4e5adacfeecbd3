// The data that a director gets with its config equal what the scripts read in keepalived.conf: the
// scripts can use either.
import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { check } from "../../components/config";
import { directorData } from "../../components/render/director";
import { renderKeepalived } from "../../components/render/keepalived";
import type { Settings } from "../../components/settings";
import { wholeStacks } from "../render/wholeStacks";
import { stackArb } from "../support/arbitraries";
import { runs, seed } from "../support/draws";
import { raw, settingsOf } from "../support/stacks";

const foreign = join(__dirname, "../../templates/scripts/foreign.sh");
const folder = mkdtempSync(join(tmpdir(), "lvs-ha-data-"));

afterAll(() => {
  rmSync(folder, { recursive: true });
});

/** What foreign.sh reads in a config. */
function read(conf: string): string[] {
  const path = join(folder, "keepalived.conf");
  writeFileSync(path, conf);
  const { stdout, stderr, status } = spawnSync(
    "sh",
    ["-c", '. "$1"; foreign "$2"', "sh", foreign, path],
    {
      encoding: "utf8",
      env: { ...process.env, LC_ALL: "C" },
    },
  );
  expect([status, stderr]).toEqual([0, ""]);
  return comparable(stdout.trimEnd().split("\n"));
}

/**
 * Sorted, and without the text that distinguishes checks, which is different when read from the
 * config.
 */
function comparable(lines: string[]): string[] {
  return lines.map((line) => line.replace(/^(=c .* -r \S+ \d+) .*/, "$1")).sort();
}

function expectAlike(settings: Settings): void {
  for (const director of settings.directors.slice(0, 1)) {
    const data = directorData(settings, director).filter((line) => !/^=[np] /.test(line));
    expect(comparable(data)).toEqual(read(renderKeepalived(settings, director, true)));
  }
}

test.each(Object.entries(wholeStacks))("of the stack %s", (_, { stack, authPass }) => {
  expectAlike(settingsOf(stack, authPass === undefined ? {} : { vrrpAuthPass: authPass }));
});

test("of any stack", () => {
  fc.assert(
    fc.property(stackArb(), (stack) => {
      const { settings } = check(raw(stack));
      fc.pre(settings !== undefined);
      // The reader leaves an IPv4 address inside an IPv6 address as it is written.
      fc.pre(!/:\d+\.\d+\.\d+\.\d+/.test(JSON.stringify(stack)));
      expectAlike(settings);
    }),
    { seed, numRuns: runs(30, 300), endOnFailure: true },
  );
});
