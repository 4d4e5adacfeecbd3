/**
 * What an operator does with live traffic, under load: new connections at a steady rate, none tried again, lost = no answer in 4 s.
 * Reboots of every host.
 *
 * @set slice 6
 * @topology dev
 * @budgetSeconds 330
 */
import { setTimeout as delay } from "node:timers/promises";
import { directors, powerCut, powerOn, realServers } from "./lab";
import { configure, nobodyAsks, shell, tell, up } from "./stack";
import { lossless } from "./stack";
import { noneOpen } from "./pools";
import { under } from "./underLoad";

const names = directors.map(({ name }) => name);

beforeAll(async () => {
  configure(nobodyAsks);
  await up();
});

test("every host is rebooted in maintenance: nothing lost", async () => {
  const hosts = [...realServers, ...directors].map(({ name }) => name);
  const inMaintenance = (maintenance: string[]) => {
    configure((stack) => {
      lossless(stack);
      stack.maintenance = maintenance;
    });
  };
  inMaintenance([]);
  await up();
  const began = Date.now();
  const result = await under(300, async () => {
    for (const name of hosts) {
      inMaintenance([name]);
      await up();
      if (names.includes(name)) {
        expect(await shell(name, "systemctl is-active keepalived || true")).toBe("inactive");
      } else {
        await delay(3000);
        await noneOpen(name);
      }
      await powerCut(name);
      await powerOn(name);
      inMaintenance([]);
      await up();
      tell(
        `  ${name} has been away; ${((Date.now() - began) / 1000).toFixed(0)} s since the beginning`,
      );
    }
  });
  expect(result).toMatchObject({ lost: 0 });
  for (const name of names) {
    expect(
      await shell(name, "systemctl is-active keepalived; systemctl is-enabled keepalived"),
    ).toBe("active\nenabled");
  }
}, 1_200_000);
