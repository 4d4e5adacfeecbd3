/**
 * Six real servers: shares by weight, and a rollout that has two of them away at a time.
 *
 * @set slice 7
 * @topology sixRealServers
 * @budgetSeconds 420
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

test.each(["group", "alone"] as const)(
  "one at a time, by default; of a run that is killed (%s), the one that is away comes back by itself, and another run goes on: nothing lost",
  async (whom) => {
    configure((stack) => {
      stack.rollout = { drainSeconds: 5 };
      stack.kernel = {
        realServerSysctls: { "net.core.somaxconn": whom === "group" ? 4001 : 4002 },
      };
    });
    let mostAway = 0;
    const result = await under(300, async () => {
      mostAway = await mostAwayDuring(async () => {
        const running = await startUp();
        await waitFor(() => Promise.resolve(saidBy(running).includes(': no new connections; ')), {
          what: "a real server is away",
          timeoutSeconds: 120,
        });
        // With the program that the engine runs, or without.
        running.signal("SIGKILL", whom === "group" ? "group" : undefined);
        await running.ended;
        await pulumi("cancel", "--yes");
        for (const { name } of directors) {
          await waitFor(async () => (await awayOn(name)) === 0, {
            what: `nobody is away any more on ${name}`,
            timeoutSeconds: 120,
          });
        }
        await up();
      });
    });
    expect(result).toMatchObject({ lost: 0 });
    expect(mostAway).toBe(1);
  },
);

test("a change goes through them with two away at a time, and no more: nothing lost", async () => {
  configure((stack) => {
    stack.rollout = { maxUnavailable: 2 };
    stack.kernel = { realServerSysctls: { "net.core.somaxconn": 5000 } };
  });
  let mostAway = 0;
  const result = await under(200, async () => {
    mostAway = await mostAwayDuring(up);
  });
  expect(result).toMatchObject({ lost: 0 });
  expect(mostAway).toBe(2);
  const values = await everywhere("sysctl -n net.core.somaxconn");
  for (const name of names) expect([name, values[name]]).toEqual([name, "5000"]);
});
