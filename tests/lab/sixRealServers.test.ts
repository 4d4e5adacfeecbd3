/**
 * Six real servers: shares by weight, and a rollout that has two of them away at a time.
 *
 * @set slice 3
 * @topology sixRealServers
 * @budgetSeconds 240
 */
import { setTimeout as delay } from "node:timers/promises";
import { activeDirector, directors, ipvsTable, realServers, requests } from "./lab";
import { waitFor } from "../../lab/waitFor";
import { saidBy, startUp } from "./disturb";
import { configure, everywhere, pulumi, up } from "./stack";
import { under } from "./underLoad";

const names = realServers.map(({ name }) => name);

test("requests are spread by weight over all of them", async () => {
  configure((stack) => {
    stack.realServers.forEach((realServer, i) => (realServer.weight = i < 2 ? 2 : 1));
  });
  await up();
  const { byServer, lost } = await requests({ count: 160, rate: 50 });
  expect(lost).toBe(0);
  expect(Object.keys(byServer).sort()).toEqual(names);
  for (const [name, count] of Object.entries(byServer)) {
    const share = names.indexOf(name) < 2 ? 40 : 20;
    expect(Math.abs(count - share)).toBeLessThanOrEqual(2);
  }
});

const awayOn = async (director: string) =>
  ((await ipvsTable(director)).match(/:80 +Route +0 /g) ?? []).length;

/** The most real servers that the active director has had at weight 0 meanwhile. */
async function mostAwayDuring(action: () => Promise<unknown>): Promise<number> {
  const active = await activeDirector();
  const watching = { done: false, most: 0 };
  const watch = (async () => {
    while (!watching.done) {
      watching.most = Math.max(watching.most, await awayOn(active));
      await delay(200);
    }
  })();
  try {
    await action();
  } finally {
    watching.done = true;
    await watch;
  }
  return watching.most;
}

test("one is away at a time; of a run that is killed, it comes back by itself, and the next run goes on, two at a time: nothing lost", async () => {
  configure((stack) => {
    stack.kernel = { realServerSysctls: { "net.core.somaxconn": 5000 } };
  });
  const result = await under(300, async () => {
    const first = await mostAwayDuring(async () => {
      const running = await startUp();
      const begun = () => saidBy(running).match(/\S+: no new connections; /g) ?? [];
      await waitFor(() => Promise.resolve(new Set(begun()).size >= 2), {
        what: "the second real server is away",
        timeoutSeconds: 180,
      });
      // The engine alone: the program that it has started ends by itself.
      running.signal("SIGKILL");
      await running.ended;
      await pulumi("cancel", "--yes");
    });
    expect(first).toBe(1);
    for (const { name } of directors) {
      await waitFor(async () => (await awayOn(name)) === 0, {
        what: `nobody is away any more on ${name}`,
        timeoutSeconds: 120,
      });
    }
    configure((stack) => {
      stack.rollout = { maxUnavailable: 2 };
      stack.kernel = { realServerSysctls: { "net.core.somaxconn": 5000 } };
    });
    expect(await mostAwayDuring(up)).toBe(2);
  });
  expect(result).toMatchObject({ lost: 0 });
  const values = await everywhere("sysctl -n net.core.somaxconn");
  for (const name of names) expect([name, values[name]]).toEqual([name, "5000"]);
});
