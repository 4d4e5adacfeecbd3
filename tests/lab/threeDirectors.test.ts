/**
 * Three directors: two may fail.
 *
 * @set slice 2
 * @topology threeDirectors
 * @budgetSeconds 260
 */
import { waitFor } from "../../lab/waitFor";
import {
  activeDirector,
  directors,
  ipvsTable,
  powerCut,
  powerOn,
  realServers,
  requests,
} from "./lab";
import { done, healthy } from "./operatorCommands";

import { configure, nobodyAsks, pulumi, shell, tell, up } from "./stack";
import { under } from "./underLoad";
import type { Stack } from "../support/stacks";

const names = directors.map(({ name }) => name);

test("one director is active, two stand by, and all have every real server", async () => {
  await healthy();
  const active = await activeDirector();
  tell(`  active: ${active}`);
  for (const name of names) {
    const table = await ipvsTable(name);
    for (const { public: own } of realServers) expect(table).toContain(`-> ${own.ipv4}:80 `);
  }
});

test("the next in priority takes over, and then the third; nobody waits longer than 3 s", async () => {
  // The active one first, whichever that is since the first up; the others by priority, as the config has them.
  const first = await activeDirector();
  const left = [first, ...names.filter((name) => name !== first)];
  const result = await under(50, async () => {
    for (let cuts = 0; cuts < 2; cuts++) {
      const active = await activeDirector();
      expect(active).toBe(left.shift());
      await powerCut(active);
      await waitFor(async () => (await activeDirector()) === left[0], {
        what: `${left[0] ?? "nobody"} takes over`,
        timeoutSeconds: 20,
      });
    }
  });
  expect(result.longestGapMs).toBeLessThan(3000);
  expect(await requests()).toMatchObject({ lost: 0 });
  const [last = ""] = left;
  await Promise.all(names.filter((name) => name !== last).map((name) => powerOn(name)));
  await healthy();
  // Nobody preempts: connections stay where they are known.
  expect(await activeDirector()).toBe(last);
});

test("a failover goes to the one that is asked for; a standby in maintenance leaves one that stands by", async () => {
  const [first = "", , third = ""] = names;
  await done("failover", "--yes", "--to", first);
  expect(await activeDirector()).toBe(first);
  await done("maintenance", "on", third, "--yes");
  expect(await shell(third, "systemctl is-active keepalived || true")).toBe("inactive");
  await done("failover", "--yes");
  expect(await activeDirector()).toBe(names[1]);
  await done("maintenance", "off", third, "--yes");
  await healthy();
});

test("a standby that would take over isn't taken out of the config, nor is the active director; from maintenance it goes, and no request is lost", async () => {
  const active = await activeDirector();
  const left = names.filter((name) => name !== active);
  const [standby = ""] = left;
  const text = (name: string) => shell(name, "cat /etc/keepalived/keepalived.conf");
  const protectedWithout = (gone: string) => (stack: Stack) => {
    nobodyAsks(stack);
    stack.deletionProtection = true;
    stack.directors = stack.directors.filter(({ name }) => name !== gone) as never;
  };
  const without = protectedWithout(active);
  const before = await Promise.all(names.map(text));
  const result = await under(100, async () => {
    for (const [gone, says] of [
      [standby, /no longer in lvs-ha:directors may stand by/],
      [active, /is not in lvs-ha:directors is active, .* stands by/],
    ] as const) {
      configure(protectedWithout(gone));
      const { stdout, stderr, exitCode } = await pulumi("up", "--yes", "--skip-preview");
      expect(exitCode).not.toBe(0);
      expect(stdout + stderr).toMatch(says);
      expect(await Promise.all(names.map(text))).toEqual(before);
    }
    configure(nobodyAsks);
    await done("maintenance", "on", active, "--yes");
    configure(without);
    const next = await activeDirector();
    expect(left).toContain(next);
    await up();
    expect(await activeDirector()).toBe(next);
  });
  expect(result).toMatchObject({ lost: 0 });
  expect(await shell(active, "systemctl is-active keepalived || true")).toBe("inactive");
  await healthy();
});
