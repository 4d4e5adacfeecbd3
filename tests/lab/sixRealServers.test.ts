/**
 * Six real servers: shares by weight, and a rollout that has two of them away at a time.
 *
 * @set slice 7
 * @topology sixRealServers
 * @budgetSeconds 240
 */
import { setTimeout as delay } from "node:timers/promises";
import { activeDirector, ipvsTable, realServers, requests } from "./lab";

import { configure, everywhere, up } from "./stack";
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

test("a change goes through them with two away at a time, and no more: nothing lost", async () => {
  configure((stack) => {
    stack.rollout = { maxUnavailable: 2 };
    stack.kernel = { realServerSysctls: { "net.core.somaxconn": 5000 } };
  });
  let mostAway = 0;
  const watching = { done: false };
  const result = await under(200, async () => {
    const active = await activeDirector();
    const watch = (async () => {
      while (!watching.done) {
        const away = (await ipvsTable(active)).match(/:80 +Route +0 /g) ?? [];
        mostAway = Math.max(mostAway, away.length);
        await delay(200);
      }
    })();
    try {
      await up();
    } finally {
      watching.done = true;
      await watch;
    }
  });
  expect(result).toMatchObject({ lost: 0 });
  expect(mostAway).toBe(2);
  const values = await everywhere("sysctl -n net.core.somaxconn");
  for (const name of names) expect([name, values[name]]).toEqual([name, "5000"]);
});
