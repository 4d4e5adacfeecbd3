// What the program itself does around the engine's commands: it brings scripts, takes real servers
// out, and tells hosts who changes them.
import * as pulumi from "@pulumi/pulumi";
import { LvsHaPair } from "../../components";
import { DeletionProtection } from "../../components/deletionProtection";
import { Confirmation } from "../../components/host/confirmation";
import { type Around, Hooks } from "../../components/host/hooks";
import { Session } from "../../components/host/session";
import { Rollout } from "../../components/rollout";
import { register } from "../support/mocks";
import { argsOf, smallStack } from "../support/stacks";

/** The requests to the hosts. */
let asked: { host: string; words: readonly string[]; input: string }[];
let around: Map<string, Around>;
let suspended: string[];
let failed: string[];
/** Beginnings and ends of what looks whether a host waits for another login. */
let watched: string[] = [];
let unreachable: boolean;

beforeAll(() => {
  jest.spyOn(Session.prototype, "run").mockImplementation(function (
    this: Session,
    words,
    { input = "" } = {},
  ) {
    asked.push({ host: this.name, words, input });
    return unreachable ? Promise.reject(new Error("No route to host")) : Promise.resolve("");
  });
  jest.spyOn(Rollout.prototype, "suspend").mockImplementation(({ name }, resource) => {
    expect(pulumi.CustomResource.isInstance(resource)).toBe(false);
    suspended.push(name);
    return Promise.resolve();
  });
  jest.spyOn(Rollout.prototype, "fail").mockImplementation(({ name }) => {
    failed.push(name);
  });
  for (const name of ["begin", "end"] as const) {
    jest.spyOn(Confirmation.prototype, name).mockImplementation(() => {
      watched.push(name);
    });
  }
  // A message beside a resource waits for its URN, and all later messages wait for this one. A command's comes when its change has ended.
  jest.spyOn(pulumi.log, "warn").mockImplementation((text, resource) => {
    expect(pulumi.CustomResource.isInstance(resource)).toBe(false);
    warned.push(text);
    return resource ? new Promise(() => undefined) : Promise.resolve();
  });
});
let warned: string[];

beforeEach(async () => {
  [asked, suspended, failed, warned, unreachable] = [[], [], [], [], false];
  around = new Map();
  const of = jest.spyOn(Hooks.prototype, "of").mockImplementation((name, one) => {
    around.set(name, one);
    return {};
  });
  await register(() => {
    new LvsHaPair("p", argsOf(smallStack()));
  });
  of.mockRestore();
  // Under mocks, every command has ended by now.
  watched = [];
});

const change = { before: { create: "old", stdin: "" }, now: { create: "new", stdin: "" } };
const before = (name: string, of: Parameters<Around["before"]>[0] = change) =>
  around.get(name)?.before(of);

test("nothing is asked of a host whose commands don't change", () => {
  expect([asked, suspended]).toEqual([[], []]);
});

test("a host that is prepared gets the scripts, and hears in the same login who changes it, once", async () => {
  await before("p-web1-prepare");
  await before("p-web1-system");
  expect(asked.map(({ host, words }) => [host, ...words])).toEqual([["web1", "sh", "-s"]]);
  const [{ input } = { input: "" }] = asked;
  expect(input).toContain("END_OF_kernel.sh");
  const [, told = ""] = /printf '%s\\n' '(.*)' >/.exec(input) ?? [];
  const { revision, ...rest } = JSON.parse(told.replaceAll("\\", "")) as Record<string, unknown>;
  expect(rest).toEqual({
    stack: "lvs-ha/test",
    version: expect.stringMatching(/^\d+\.\d+\.\d+/) as string,
  });
  // The tests may run outside a git repository.
  expect(revision ?? "0123abc-dirty").toMatch(/^\S*[0-9a-f]{7,}(-dirty)?$/);
});

test("any other change of a host tells it, too, without the scripts; that it can't be told stops nothing", async () => {
  unreachable = true;
  await before("p-lvs1-keepalived");
  await before("p-lvs1-system");
  expect(asked.map(({ host }) => host)).toEqual(["lvs1"]);
  expect(asked[0]?.input).not.toContain("END_OF_kernel.sh");
  expect(warned).toEqual(["lvs1: not told who changes it: Error: No route to host"]);
});

test("a host that can't be brought the scripts isn't prepared", async () => {
  unreachable = true;
  await expect(before("p-web1-prepare")).rejects.toThrow("No route to host");
});

test.each<[claim: string, of: Parameters<Around["before"]>[0], expected: string[]]>([
  ["is made", { now: { create: "x", stdin: "" } }, ["web1"]],
  [
    "has other texts",
    { before: { create: "x", stdin: "a" }, now: { create: "x", stdin: "b" } },
    ["web1"],
  ],
  ["has other scripts", change, ["web1"]],
  ["is only logged in to in another way", { before: change.now, now: change.now }, []],
])("a real server whose system %s is taken out first: %j", async (_, of, expected) => {
  await before("p-web1-system", of);
  expect(suspended).toEqual(expected);
});

test.each(["p-lvs1-system", "p-web1-system"])(
  "whether %s waits for another login is looked at while it runs, and not when it has failed",
  async (name) => {
    await before(name, { before: change.now, now: change.now });
    expect(watched).toEqual(["begin"]);
    around.get(name)?.failed?.();
    expect(watched).toEqual(["begin", "end"]);
  },
);

test("no other command of a host changes its firewall", async () => {
  for (const name of ["p-web1-prepare", "p-lvs1-keepalived"]) await before(name);
  expect(watched).toEqual([]);
});

test("directors are taken out of nothing, and neither is a real server that is prepared", async () => {
  await before("p-lvs1-system");
  await before("p-web1-prepare");
  expect(suspended).toEqual([]);
});

test("a real server whose change fails is known to", () => {
  around.get("p-web1-system")?.failed?.();
  expect(failed).toEqual(["web1"]);
});

test("what is to be done around a resource's change is found by its name, and a failed one isn't tried again", async () => {
  type Callback = (args: object) => Promise<unknown>;
  const made = new Map<string, Callback>();
  const seen: unknown[] = [];
  const hook = (name: string, callback: Callback) => made.set(name, callback);
  const resourceHook = jest.spyOn(pulumi, "ResourceHook").mockImplementation(hook as never);
  const errorHook = jest.spyOn(pulumi, "ErrorHook").mockImplementation(hook as never);
  const hooks = new Hooks("own", (of) => Promise.resolve(void seen.push(of)));
  resourceHook.mockRestore();
  errorHook.mockRestore();
  const binding = hooks.of("one", {
    before: (of) => Promise.resolve(void seen.push(of)),
    failed: () => seen.push("failed"),
  });
  expect(Object.keys(binding)).toEqual(["beforeCreate", "beforeUpdate", "onError"]);
  expect(Object.keys(hooks.of("other", { before: () => Promise.resolve() }))).toEqual([
    "beforeCreate",
    "beforeUpdate",
  ]);
  await made.get("own-before")?.({ name: "one", oldInputs: change.before, newInputs: change.now });
  expect(await made.get("own-failed")?.({ name: "one" })).toBe(false);
  await made.get("own-before")?.({ name: "none", newInputs: change.now });
  expect(seen).toEqual([{ isNew: false }, change, "failed", { isNew: true }]);
});

test.each([true, false])(
  "directors are asked before each change of a command what it takes from clients (protected: %s)",
  async (isOn) => {
    type Callback = (args: object) => Promise<unknown>;
    const made = new Map<string, Callback>();
    const hooked: string[] = [];
    const spies = [
      jest
        .spyOn(pulumi, "ResourceHook")
        .mockImplementation(
          ((name: string, callback: Callback) => void made.set(name, callback)) as never,
        ),
      jest.spyOn(pulumi, "ErrorHook").mockImplementation((() => undefined) as never),
      jest.spyOn(Hooks.prototype, "of").mockImplementation((name) => {
        hooked.push(name);
        return {};
      }),
    ];
    const check = jest
      .spyOn(DeletionProtection.prototype, "check")
      .mockRejectedValue(new Error("clients would lose web"));
    const seen = await register(() => {
      new LvsHaPair("p", argsOf({ ...smallStack(), deletionProtection: isOn }));
    });
    for (const spy of spies) spy.mockRestore();
    const commands = [...seen.values()].filter(({ type }) => type.startsWith("command:"));
    expect(hooked.sort()).toEqual(commands.map(({ name }) => name).sort());
    const asked = made.get("p-before")?.({ name: "p-web1-prepare", newInputs: {} });
    if (isOn) await expect(asked).rejects.toThrow("clients would lose web");
    else await asked;
    expect(check).toHaveBeenCalledTimes(isOn ? 1 : 0);
    check.mockRestore();
  },
);
