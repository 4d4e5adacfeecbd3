// Which real servers are taken out of service for their change, when, and what becomes of the others.
import * as pulumi from "@pulumi/pulumi";
import type { Session } from "../../components/host/session";
import { type Drainable, Rollout } from "../../components/rollout";

jest.mock("node:timers/promises", () => ({ setTimeout: () => Promise.resolve() }));
jest.mock("@pulumi/pulumi", () => ({
  ...jest.requireActual<object>("@pulumi/pulumi"),
  log: { info: (line: string) => Promise.resolve(mockTold.push(line)) },
}));
const mockTold: string[] = [];

/** A director that answers as drain.sh does, and the requests to it, without the lease's name. */
class FakeDirector {
  readonly asked: string[] = [];
  serving = true;
  answer: (what: string) => string = (what) => (what.startsWith("suspend") ? "drained\n" : "");

  constructor(readonly name: string) {}

  async run(
    words: string[],
    { input = "", tell }: { input?: string; tell?: (line: string) => void } = {},
  ): Promise<string> {
    await Promise.resolve();
    if (words.includes("-s")) {
      this.asked.push("brought");
      return this.serving ? "serving\n" : "";
    }
    const [, , verb = "", lease = "", ...rest] = words;
    leases.add(lease);
    const what = [verb, ...rest].join(" ");
    this.asked.push(what);
    tell?.(`drain: ${what}`);
    if (verb === "restore") this.entries.push(input);
    return this.answer(what);
  }

  readonly entries: string[] = [];

  hold(words: string[]): Promise<void> {
    leases.add(words.at(-1) ?? "");
    this.asked.push("hold");
    return Promise.resolve();
  }
}

let leases: Set<string>;
let lvs1: FakeDirector;
let lvs2: FakeDirector;

beforeEach(() => {
  leases = new Set();
  [lvs1, lvs2] = [new FakeDirector("lvs1"), new FakeDirector("lvs2")];
  mockTold.length = 0;
});

const rollout = (maxUnavailable = 1) =>
  new Rollout({
    directors: [lvs1, lvs2] as unknown as Session[],
    ready: [],
    maxUnavailable,
    drainSeconds: 30,
  });

const resource = undefined as unknown as pulumi.ComponentResource;

const server = (number: number, more: Partial<Drainable> = {}): Drainable => ({
  name: `web${number}`,
  place: pulumi.output({
    addresses: [`192.0.2.2${number}`],
    entries: [`-a -t 192.0.2.100:80 -r 192.0.2.2${number}:80 -g`],
  }),
  inMaintenance: false,
  ...more,
});

/** Whether the change has ended by now. Its result is checked elsewhere. */
async function isOver(change: Promise<void>): Promise<boolean> {
  let over = false;
  change.then(
    () => (over = true),
    () => (over = true),
  );
  for (let i = 0; i < 100; i++) await Promise.resolve();
  return over;
}

test("a real server is drained on every director that serves, in their order, and put back with what it is to have", async () => {
  const all = rollout();
  await all.suspend(server(1), resource);
  await all.restore(server(1), resource);
  for (const director of [lvs1, lvs2]) {
    expect(director.asked).toEqual([
      "brought",
      "hold",
      "suspend 1 30 192.0.2.21",
      "restore 192.0.2.21",
    ]);
    expect(director.entries).toEqual(["-a -t 192.0.2.100:80 -r 192.0.2.21:80 -g\n==> end <==\n"]);
  }
  expect(leases.size).toBe(1);
  expect(mockTold).toContain("lvs2: drain: suspend 1 30 192.0.2.21");
});

test("directors that don't serve are asked once, and not for each real server", async () => {
  lvs1.serving = lvs2.serving = false;
  const all = rollout();
  for (const one of [1, 2, 3]) {
    await all.suspend(server(one), resource);
    await all.restore(server(one), resource);
  }
  expect([lvs1.asked, lvs2.asked]).toEqual([["brought"], ["brought"]]);
});

test("every director is asked to put it back, and all at once, though one of them finds it ill", async () => {
  const all = rollout();
  await all.suspend(server(1), resource);
  lvs1.answer = () => {
    throw new Error("its check fails");
  };
  await expect(all.restore(server(1), resource)).rejects.toThrow("its check fails");
  expect(lvs2.asked.at(-1)).toBe("restore 192.0.2.21");
});

test("a real server whose change isn't made is nobody's to put back, and no director is dialled", async () => {
  await rollout().restore(server(1), resource);
  expect(lvs1.asked).toEqual([]);
});

test("no more are away at once than may be; the next one goes when one has come back", async () => {
  const all = rollout(2);
  const changes = [1, 2, 3].map((one) => all.suspend(server(one), resource));
  expect(await Promise.all(changes.map(isOver))).toEqual([true, true, false]);
  await all.restore(server(2), resource);
  await changes[2];
  expect(lvs1.asked.filter((what) => what.startsWith("suspend"))).toHaveLength(3);
});

test("one that is in no pool yet has nobody wait, and isn't put back", async () => {
  lvs1.answer = lvs2.answer = () => "";
  const all = rollout();
  await all.suspend(server(1), resource);
  await all.suspend(server(2), resource);
  await all.restore(server(1), resource);
  expect(lvs1.asked.filter((what) => what.startsWith("restore"))).toEqual([]);
});

test("another run's real servers are waited for, as long as it takes", async () => {
  let left = 5;
  lvs2.answer = (what) => (what.startsWith("suspend") ? (left-- > 0 ? "busy\n" : "drained\n") : "");
  await rollout().suspend(server(1), resource);
  expect(lvs2.asked.filter((what) => what.startsWith("suspend"))).toHaveLength(6);
});

test("and not for ever", async () => {
  lvs1.answer = () => "busy\n";
  await expect(rollout().suspend(server(1), resource)).rejects.toThrow(
    "lvs1 has been waiting for 1800 s to take web1 out: another run changes real servers",
  );
});

test.each<[string, (all: Rollout) => Promise<void>]>([
  [
    "fails",
    (all) => {
      all.fail(server(1));
      return Promise.resolve();
    },
  ],
  [
    "is not found well",
    async (all) => {
      lvs2.answer = () => {
        throw new Error("its check fails");
      };
      await expect(all.restore(server(1), resource)).rejects.toThrow("its check fails");
    },
  ],
])("when the change of one %s, those that wait for it are not changed", async (_, act) => {
  const all = rollout();
  await all.suspend(server(1), resource);
  const next = [2, 3].map((one) => all.suspend(server(one), resource));
  expect(await Promise.all(next.map(isOver))).toEqual([false, false]);
  await act(all);
  for (const [i, change] of next.entries()) {
    await expect(change).rejects.toThrow(`web${i + 2} is not changed: the change of web1 failed`);
  }
});

test("one in maintenance may fail: the others are changed", async () => {
  const all = rollout();
  await all.suspend(server(1, { inMaintenance: true }), resource);
  const next = all.suspend(server(2), resource);
  all.fail(server(1, { inMaintenance: true }));
  await next;
});

test("a director that can't be asked keeps the real server from being changed", async () => {
  lvs2.run = () => Promise.reject(new Error("lvs2: No route to host"));
  await expect(rollout().suspend(server(1), resource)).rejects.toThrow("No route to host");
});
