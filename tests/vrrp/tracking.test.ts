// How long what VRRP tracks takes to fail after a reload: no longer than keepalived.sh watches a change for, by each release's keepalived.
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { PretendHost } from "../scripts/host";
import { settingsOf, smallStack } from "../support/stacks";
import type { KeepalivedVersion } from "../support/keepalived";
import { isRoot, VrrpRig, vrrpConfig } from "../support/vrrpRig";

jest.setTimeout(120_000);

/** A script in the one language that is there in the packages' files. */
const perl = (line: string) => `#!/usr/bin/perl\n${line};\n`;

const script = (text: string, keys: Record<string, unknown>) => ({
  scripts: { check: perl(text) },
  tracking: { scripts: [{ name: "check", script: "check", ...keys }] },
  vrrp: { trackScripts: [{ name: "check" }] },
});

const scripts = {
  "a script that fails late": {
    stack: script("sleep 3; exit 1", { intervalSeconds: 5, timeoutSeconds: 4 }),
    least: 3,
  },
  "a script that hangs": {
    stack: script("sleep 60", { intervalSeconds: 2, timeoutSeconds: 2 }),
    least: 2,
  },
  "a script that fails three times": {
    stack: script("exit 1", { intervalSeconds: 2, fall: 3 }),
    least: 0,
  },
};

/** What is added to a director's config, and how many seconds it takes to fail. */
const changes: Record<string, { stack: Record<string, unknown>; least: number }> = {
  ...(isRoot && scripts),
  "a BFD session that nobody answers": {
    stack: {
      tracking: {
        bfd: [
          {
            name: "gateway",
            neighbor: "192.0.2.1",
            source: { lvs1: "192.0.2.11", lvs2: "192.0.2.12" },
          },
        ],
      },
      vrrp: { trackBfd: [{ name: "gateway" }] },
    },
    least: 0,
  },
  "an interface that is down": {
    stack: { vrrp: { trackInterfaces: [{ name: "eth0" }] } },
    least: 0,
  },
};

describe.each<KeepalivedVersion>(["2.2.7", "2.3.3"])("keepalived %s", (version) => {
  let rig: VrrpRig;
  let host: PretendHost;
  beforeEach(() => {
    host = new PretendHost();
  });
  afterEach(() => {
    rig.remove();
    host.remove();
  });

  /** The seconds that keepalived.sh gives a config. */
  function watched(config: string): number {
    host.write("/etc/tracked.conf", config);
    const { code, stdout } = host.script("keepalived.sh", ["told_of", "t", "/etc/tracked.conf"]);
    expect(code).toBe(0);
    return Math.max(3, ...stdout.split("\n").map((line) => Number.parseInt(line, 10) || 0));
  }

  test("whatever fails does so while the change is watched", async () => {
    const names = Object.keys(changes).map((_, i) => `d${i}`);
    const addresses = { eth0: [], eth1: ["192.0.2.11/24"] };
    rig = await VrrpRig.build(names.map((name) => ({ name, version, addresses })));
    const failed = Object.entries(changes).map(async ([what, { stack, least }], i) => {
      const director = rig.director(`d${i}`);
      // Each is alone.
      director.block("eth1");
      director.ip("link set eth0 down");
      director.start(vrrpConfig(settingsOf(smallStack()), "lvs1"));
      await director.is("MASTER");
      const settings = settingsOf({ ...smallStack(), ...stack });
      for (const [name, text] of Object.entries(settings.scripts)) {
        writeFileSync(join(director.etc, "lvs-ha-scripts", name), text, { mode: 0o755 });
      }
      const config = vrrpConfig(settings, "lvs1");
      const limit = watched(config);
      const begun = Date.now();
      director.reload(config);
      await director.is("FAULT", "", 30);
      const seconds = (Date.now() - begun) / 1000;
      return { what, isInTime: seconds >= least && seconds < limit + 1, seconds, limit };
    });
    const all = await Promise.all(failed);
    expect(all.filter(({ isInTime }) => !isInTime)).toEqual([]);
  });
});
