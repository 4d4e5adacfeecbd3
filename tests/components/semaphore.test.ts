// A limit on how many tasks run at once.
import { Semaphore } from "../../components/host/semaphore";

/** The names that have entered so far, out of those that want to. */
async function crowd(semaphore: Semaphore, names: string[]) {
  const inside = new Map<string, () => void>();
  const all = names.map((name) => semaphore.enter().then((leave) => inside.set(name, leave)));
  await new Promise(setImmediate);
  return { inside, all: Promise.all(all) };
}

test("some come in, the others wait, and come in in their order as places get free", async () => {
  const { inside, all } = await crowd(new Semaphore(2), ["a", "b", "c", "d"]);
  expect([...inside.keys()]).toEqual(["a", "b"]);
  inside.get("b")?.();
  await new Promise(setImmediate);
  expect([...inside.keys()]).toEqual(["a", "b", "c"]);
  inside.get("a")?.();
  await all;
  expect([...inside.keys()]).toEqual(["a", "b", "c", "d"]);
});

test("a place that is given back twice is one place", async () => {
  const semaphore = new Semaphore(1);
  const leave = await semaphore.enter();
  leave();
  leave();
  const { inside } = await crowd(semaphore, ["a", "b"]);
  expect([...inside.keys()]).toEqual(["a"]);
});

test("a place that was given back while nobody waited is there for who comes later", async () => {
  const semaphore = new Semaphore(1);
  (await semaphore.enter())();
  const { inside } = await crowd(semaphore, ["a"]);
  expect([...inside.keys()]).toEqual(["a"]);
});
