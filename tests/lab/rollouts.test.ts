/**
 * What an operator does with live traffic, under load: new connections at a steady rate, none tried again, lost = no answer in 4 s.
 * Changes of directors and of real servers.
 *
 * @set slice 5
 * @topology dev
 * @budgetSeconds 420
 */
import { cpSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { activeDirector, directors, hosts, ipvsTable, onHost, realServers } from "./lab";
import { conf, offer, pid, transitions } from "./keepalived";
import { configure, everywhere, lvs, nobodyAsks, pulumi, shell, tell, up } from "./stack";
import { noneOpen } from "./pools";
import { waitFor } from "../../lab/waitFor";
import { under } from "./underLoad";

const names = directors.map(({ name }) => name);

beforeAll(async () => {
  configure(nobodyAsks);
  await up();
});

test("20 config changes, one every 3 s, under 300 requests a second: no VRRP transition, nothing lost", async () => {
  const before = await everywhere(transitions);
  const began = Date.now();
  const sizes = new Set<string | undefined>();
  const result = await under(300, async () => {
    for (let i = 0; i < 20; i++) {
      // The next whole turn, a director each; how many a machine can do in a minute is not what is asked.
      await delay(Math.max(0, began + i * 3000 - Date.now()));
      const { exitCode, stderr } = await onHost(
        names[i % 2] ?? "",
        offer(`/web2/,/weight/s/weight [0-9]*/weight ${2 + i}/`),
      );
      expect([exitCode, exitCode === 0 ? "" : stderr]).toEqual([0, ""]);
      const [, size] = /\(size=(\d+)\)/.exec(await ipvsTable(await activeDirector())) ?? [];
      sizes.add(size);
    }
  });
  tell(`  20 changes in ${((Date.now() - began) / 1000).toFixed(0)} s`);
  expect(result).toMatchObject({ lost: 0 });
  // What was being scheduled anew while the connection table is resized could go astray.
  expect(sizes.size).toBe(1);
  for (const name of names) {
    expect(await shell(name, transitions)).toBe(before[name]);
    expect(await ipvsTable(name)).toMatch(/192\.0\.2\.22:80 +Route +(20|21) /);
  }
  // The hosts are not what the stack says now; a change of it brings both together.
  configure((stack) => {
    stack.realServers[1].weight = 2;
  });
  await up();
});

test("a real server is drained, removed, added again and reweighed: nothing lost", async () => {
  const result = await under(300, async () => {
    configure((stack) => {
      stack.maintenance = ["web2"];
    });
    await up();
    for (const name of names) expect(await ipvsTable(name)).toMatch(/192\.0\.2\.22:80 +Route +0 /);
    await noneOpen("web2");
    configure((stack) => {
      stack.realServers.splice(1, 1);
    });
    await up();
    configure();
    await up();
    configure((stack) => {
      stack.realServers[1].weight = 3;
    });
    await up();
  });
  expect(result).toMatchObject({ lost: 0 });
  expect(result.byServer.web2).toBeGreaterThan(0);
});

test("a change of the real servers goes through them one at a time, each drained: nothing lost", async () => {
  configure((stack) => {
    stack.kernel = { realServerSysctls: { "net.core.somaxconn": 5000 } };
  });
  const before = await everywhere("sysctl -n net.core.somaxconn");
  const result = await under(300, async () => {
    const said = await up();
    for (const { name: director } of directors) {
      const drains = drainsOn(said, director);
      // In any order, one after the other.
      const order = drains.flatMap((line) => /^(\S+): no/.exec(line)?.[1] ?? []);
      expect(order.toSorted()).toEqual(realServers.map(({ public: { ipv4 } }) => ipv4).toSorted());
      expect(drains).toEqual(
        order.flatMap((ipv4) => [`${ipv4}: no new connections`, `${ipv4}: in again`]),
      );
    }
  });
  expect(result).toMatchObject({ lost: 0 });
  const wanted = Object.keys(before).map((name) => [
    name,
    realServers.some((host) => host.name === name) ? "5000" : before[name],
  ]);
  expect(await everywhere("sysctl -n net.core.somaxconn")).toEqual(Object.fromEntries(wanted));
});

test("a new version of the program drains nobody for a comment, and each real server for code that sets its addresses: nothing lost", async () => {
  configure();
  await up();
  const program = programCopy();
  const script = join(program, "templates/scripts/vip.sh");
  const edit = (line: string) => {
    writeFileSync(script, readFileSync(script, "utf8").replace("set -eu\n", `set -eu\n${line}\n`));
  };
  const updated = (said: string) =>
    new Set([...said.matchAll(/remote:Command pair-(\S+) updated/g)].map(([, name = ""]) => name));
  const result = await under(300, async () => {
    edit("# A comment.");
    expect(updated(await up("--cwd", program))).toEqual(
      new Set(hosts.map(({ name }) => `${name}-prepare`)),
    );
    edit(":");
    const said = await up("--cwd", program);
    expect(updated(said)).toEqual(
      new Set([
        ...hosts.map(({ name }) => `${name}-prepare`),
        ...realServers.map(({ name }) => `${name}-system`),
      ]),
    );
    for (const director of names)
      expect(drainsOn(said, director)).toHaveLength(2 * realServers.length);
  });
  rmSync(program, { recursive: true });
  expect(result).toMatchObject({ lost: 0 });
  for (const { name } of realServers) {
    expect(await shell(name, "sed -n '/^set -eu/,+2p' /usr/local/lib/lvs-ha/vip.sh")).toBe(
      "set -eu\n:\n# A comment.",
    );
  }
});

/** What the engine runs, to be edited. */
function programCopy(): string {
  const folder = mkdtempSync(join(tmpdir(), "lvs-ha-program-"));
  const root = join(__dirname, "../..");
  const parts = [
    "Pulumi.yaml",
    "package.json",
    "tsconfig.json",
    "index.ts",
    "components",
    "templates",
  ];
  for (const part of parts) cpSync(join(root, part), join(folder, part), { recursive: true });
  symlinkSync(join(root, "node_modules"), join(folder, "node_modules"));
  return folder;
}

/** What drain.sh said on a director, in its order, each thing once: the engine shows a line while a command runs, and when it is done. */
function drainsOn(said: string, director: string): string[] {
  const lines = said.matchAll(/(\S+): drain: (\S+: (?:no new connections|in again))/g);
  const own = [...lines].filter(([, where]) => where === director);
  return [...new Set(own.map(([, , words = ""]) => words))];
}

test("a change that breaks real servers stops at the first one; whoever was taken out comes back by itself, once it is mended: nothing lost", async () => {
  configure();
  await up();
  const size = "sysctl -n net.core.somaxconn";
  const names = realServers.map(({ name }) => name);
  const sizes = async () => {
    const all = await everywhere(size);
    return names.map((name) => all[name]);
  };
  const [old] = await sizes();
  // Whatever the change is: the service is gone once it is there.
  const broken =
    "systemd-run --quiet --collect --unit=lab-break --path-property=PathChanged=/etc/sysctl.d/90-lvs-ha.conf";
  for (const name of names) await shell(name, `${broken} systemctl stop nginx`);
  const result = await under(300, async () => {
    configure((stack) => {
      stack.kernel = { realServerSysctls: { "net.core.somaxconn": 5100 } };
    });
    const { exitCode, stdout } = await pulumi("up", "--yes", "--skip-preview");
    expect(exitCode).not.toBe(0);
    expect(stdout).toMatch(/192\.0\.2\.2\d is out of .* its check fails/);
    expect(stdout).toMatch(/web\d is not changed: the change of web\d failed/);
    expect((await sizes()).toSorted()).toEqual(["5100", old, old].toSorted());
    for (const name of names) {
      await shell(name, "systemctl stop lab-break.path; systemctl start nginx");
    }
    // Nobody asks for it.
    for (const name of directors.map((director) => director.name)) {
      await waitFor(async () => !/Route +0 /.test(await ipvsTable(name)), {
        what: `every real server is in again on ${name}`,
        timeoutSeconds: 60,
      });
    }
    configure();
    await up();
  });
  expect(result).toMatchObject({ lost: 0 });
  expect(await sizes()).toEqual([old, old, old]);
});

test("a check that nobody passes stops at the standby, whose old one is back; the active director isn't touched: nothing lost", async () => {
  // Directors change by their priorities: the lower one is the standby, unless there was a failover since.
  const [active = ""] = names;
  const { exitCode: moved } = await lvs("failover", "--yes", "--to", active);
  expect(moved).toBe(0);
  const state = `${pid}; md5sum ${conf}`;
  const before = await everywhere(`if [ -e ${conf} ]; then ${state}; fi`);
  const result = await under(300, async () => {
    configure((stack) => {
      stack.virtualServers[0].checks = [{ type: "http", urls: [{ path: "/", status: [204] }] }];
    });
    const { exitCode, stdout } = await pulumi("up", "--yes", "--skip-preview");
    expect(exitCode).not.toBe(0);
    expect(stdout).toContain("every real server fails the checks that have changed");
    expect(await everywhere(`if [ -e ${conf} ]; then ${state}; fi`)).toEqual(before);
    configure();
    await up();
  });
  expect(result).toMatchObject({ lost: 0 });
  expect(await activeDirector()).toBe(active);
});
