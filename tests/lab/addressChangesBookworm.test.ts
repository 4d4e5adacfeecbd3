/**
 * Virtual addresses that are added, removed and changed under load, as a seed draws them; both directors run Debian 12.
 *
 * @set slice 3
 * @topology bookworm
 * @budgetSeconds 240
 */
import { configureAddresses, first, held, makeChanges } from "./addresses";
import { up } from "./stack";

const seed = Number(process.env.SEED ?? Math.floor(Date.now() / 86_400_000));

beforeAll(async () => {
  configureAddresses(first);
  await up();
  await held(first);
});

const count = Number(process.env.CHANGES ?? 5);

test(`changes (${count}, SEED=${seed}): no two directors are active for an address, nothing is lost`, async () => {
  await makeChanges(count, seed);
});
