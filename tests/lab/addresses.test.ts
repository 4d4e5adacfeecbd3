/**
 * Changes of what directors tell each other, under load: virtual addresses, and what they must have alike.
 *
 * @set core
 * @topology dev
 * @budgetSeconds 180
 */
import { configureAddresses, first, held, withoutTwoActive, type Addresses } from "./addresses";
import { virtualIp } from "./lab";
import { up } from "./stack";
import type { Stack } from "../support/stacks";

const more: Addresses = { ...first, ipv4: ["192.0.2.101", virtualIp.ipv4] };

beforeAll(async () => {
  configureAddresses(first);
  await up();
  await held(first);
});

test.each([
  ["a virtual address comes, before the first one", first, more],
  ["and goes", more, first],
])("%s: no two directors are active, nothing is lost", async (_, before, after) => {
  configureAddresses(after);
  await withoutTwoActive({ before, after }, async () => {
    await up();
    await held(after);
  });
});

const vrrp = (change: object) => (stack: Stack) => {
  stack.vrrp = { ...(stack.vrrp as object), ...change };
};

test.each([
  ["the way that adverts travel", vrrp({ unicast: false })],
  [
    "every virtual router's ID",
    vrrp({
      instances: [
        { name: "VI_1", virtualRouterId: 61 },
        { name: "VI_6", virtualRouterId: 66 },
      ],
    }),
  ],
])("another value of %s: no two directors are active, nothing is lost", async (_, change) => {
  configureAddresses(first, change);
  await withoutTwoActive({ before: first, after: first }, async () => {
    await up();
    await held(first);
  });
});
