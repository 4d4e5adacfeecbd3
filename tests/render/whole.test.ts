// Every file and command argument made from a config, for stacks that set every key, compared with
// reviewed goldens.
// After a deliberate change: UPDATE_GOLDENS=1 npx jest tests/render, then read the diff.
import { join } from "node:path";
import { structuredPatch } from "diff";
import { z } from "zod";
import { LvsHaPair } from "../../components";
import { check } from "../../components/config";
import { osNames, osProfiles } from "../../components/os/profiles";
import {
  backendNames,
  firewallBackends,
  renderDirectorFirewall,
  renderRealServerFirewall,
} from "../../components/firewall";
import { renderDirectorConfig } from "../../components/render/director";
import { ipvsEntries } from "../../components/render/ipvs";
import { renderKeepalived, renderSecrets } from "../../components/render/keepalived";
import { renderDirectorKernel, renderRealServerKernel } from "../../components/render/kernel";
import { loopbackAddresses } from "../../components/render/loopback";
import { renderUpgrades } from "../../components/render/upgrades";
import { schema } from "../../components/schema";
import type { DirectorSettings, Settings } from "../../components/settings";
import { oneIn } from "../support/draws";
import { childrenOf, features, featuresOf, unwrap, valuesOf } from "../support/features";
import { expectGolden } from "../support/golden";
import { configTests, suites, unpack, type KeepalivedVersion } from "../support/keepalived";
import { register } from "../support/mocks";
import { argsOf, raw, settingsOf } from "../support/stacks";
import { wholeStacks } from "./wholeStacks";

interface Whole {
  name: string;
  stack: Record<string, unknown>;
  secrets: Record<string, string>;
  settings: Settings;
  texts: string[];
  /** All parts of the texts between spaces and quotes. */
  words: Set<string>;
  commands?: string;
}

const wholes: Whole[] = Object.entries(wholeStacks).map(([name, { stack, authPass }]) => {
  const secrets: Record<string, string> = authPass === undefined ? {} : { vrrpAuthPass: authPass };
  const settings = settingsOf(stack, secrets);
  const texts = [...textsOf(settings)];
  const words = new Set(texts.join("\n").split(/[\s"]+/));
  return { name, stack, secrets, settings, texts, words };
});

describe.each(wholes)("$name", ({ name, settings, secrets }) => {
  const [first, ...others] = settings.directors;
  if (!first) throw new Error("no director");
  const own = filesOf(first);

  test.each(Object.entries(own))(`${first.name}'s %s is as reviewed`, (file, text) => {
    golden(`${first.name}-${file}`, text);
  });

  test.each(others)(`what is different on $name is as reviewed`, (director) => {
    const changes = Object.entries(filesOf(director)).map(([file, text]) =>
      diffOf(file, own[file] ?? "", text),
    );
    golden(`${director.name}.diff`, changes.join(""));
  });

  test.each(settings.realServers)("what $name gets is as reviewed", (realServer) => {
    golden(
      realServer.name,
      [
        ...backends(settings).map(
          ([backend, its]) =>
            `# firewall: ${backend}\n${renderRealServerFirewall(its, realServer.name)}`,
        ),
        "# virtual addresses\n",
        ...loopbackAddresses(settings, realServer.name).map(
          ({ address, interface: device }) => `${address} ${device}\n`,
        ),
        "# in IPVS\n",
        ...ipvsEntries(settings, realServer.name).map((entry) => `${entry}\n`),
      ].join(""),
    );
  });

  test("the real servers' kernel settings are as reviewed", () => {
    golden("real-server-kernel", renderRealServerKernel(settings));
  });

  function golden(file: string, text: string): void {
    expectGolden(join(__dirname, "golden", first?.os ?? "", name, file), text);
  }

  function filesOf(director: DirectorSettings): Record<string, string> {
    return {
      keepalived: renderDirectorConfig(settings, director, "vrrpAuthPass" in secrets),
      kernel: renderDirectorKernel(settings),
      upgrades: renderUpgrades(settings, director),
      ...Object.fromEntries(
        backends(settings).map(([backend, its]) => [
          `firewall-${backend}`,
          renderDirectorFirewall(its, director),
        ]),
      ),
    };
  }
});

describe.each(Object.keys(suites) as KeepalivedVersion[])("keepalived %s", (version) => {
  // Those that all of its directors could have.
  const os = osNames.find((name) => osProfiles[name].keepalived.version === version);
  const mine = wholes.flatMap(({ stack, secrets }) => {
    const directors = (stack.directors as object[]).map((director) => ({ ...director, os }));
    const { settings } = check(
      raw({ ...stack, directors, firewall: { backend: "nftables" } }, secrets),
    );
    return settings ? [{ settings, secrets }] : [];
  });

  test("takes them without a word", async () => {
    expect(mine.length).toBeGreaterThan(0);
    const verdicts = await configTests(
      await unpack(version),
      mine.flatMap(({ settings, secrets }) =>
        settings.directors.slice(0, 1).map((director) => ({
          text: renderKeepalived(settings, director, "vrrpAuthPass" in secrets),
          secrets: renderSecrets(secrets.vrrpAuthPass ?? ""),
          scripts: settings.scripts,
          trackedFiles: settings.tracking.files.map(({ file }) => file),
        })),
      ),
    );
    expect(verdicts).toEqual(mine.map(() => ({ code: 0, says: "" })));
  }, 300_000);
});

const places = placesOf();

test("each key of the schema is set in one of these stacks", () => {
  const known = [...features("99")].map(withoutBranch).filter((place) => !place.includes("="));
  const set = new Set(wholes.flatMap(({ stack }) => [...featuresOf(stack)].map(withoutBranch)));
  expect(known.length).toBeGreaterThan(400);
  expect(known.filter((place) => !set.has(place))).toEqual([]);
});

test("no two keys have the same number, so that one in the place of another shows", () => {
  const first = new Map<unknown, string>();
  const repeated = [...places].flatMap(([place, leaves]) =>
    leaves.flatMap(({ value, whole }) => {
      if (typeof value !== "number" || whole.name !== "full" || mayRepeat.test(place)) return [];
      const earlier = first.get(value);
      first.set(value, place);
      return earlier === undefined || earlier === place ? [] : [`${value}: ${earlier}, ${place}`];
    }),
  );
  expect(first.size).toBeGreaterThan(250);
  expect(repeated).toEqual([]);
});

test("each key's value is in what hosts get; a key that is left out changes it, or is asked for", async () => {
  const idle: string[] = [];
  for (const [place, leaves] of oneIn(3, places)) {
    // A real server's own checks have the same types as its virtual server's.
    if (place.startsWith("virtualServers[].realServers[].checks[]")) continue;
    // Directors get these only when a real server changes: see tests/components/rollout.test.ts.
    if (place.startsWith("rollout.")) continue;
    let tells = leaves.some(shows);
    // Small stacks come first to save time.
    for (const leaf of leaves.toReversed()) tells ||= await changesSomething(leaf);
    if (!tells) idle.push(place);
  }
  expect(idle).toEqual([]);
}, 120_000);

test("two stacks that differ in one word or switch differ in what hosts get, or in what is wrong with them", async () => {
  const alike: string[] = [];
  for (const [place, leaves] of oneIn(3, places)) {
    if (place.startsWith("virtualServers[].realServers[].checks[]")) continue;
    const [leaf] = leaves;
    if (leaf === undefined) continue;
    const { type, path, value } = leaf;
    // `type` selects the branch of a union: with another value, other keys become invalid.
    for (const other of valuesOf(type)) {
      if (other === String(value) || path.at(-1) === "type") continue;
      const word =
        typeof value === "boolean" ? !value : typeof value === "number" ? Number(other) : other;
      if (!(await tellsApart(word, leaves))) alike.push(`${place}=${other}`);
    }
  }
  expect(alike).toEqual([]);
}, 240_000);

/** The same settings with each back end that supports all of their protocols. */
function backends(settings: Settings): [name: string, settings: Settings][] {
  const flows = settings.virtualServers.flatMap((service) => service.flows);
  return backendNames
    .filter((backend) => flows.every(({ protocol }) => firewallBackends[backend].speaks(protocol)))
    .map((backend) => [backend, { ...settings, firewall: { ...settings.firewall, backend } }]);
}

function diffOf(file: string, before: string, after: string): string {
  const { hunks } = structuredPatch(file, file, before, after, "", "", { context: 0 });
  return [`${file}\n`, ...hunks.flatMap(({ lines }) => lines.map((line) => `  ${line}\n`))].join(
    "",
  );
}

/** Numbers that repeat for a reason: DR and TUN don't change ports. */
const mayRepeat = /\.version$|^virtualServers\[\]\.realServers\[\]\.port$/;

/** The place of a value in a config. */
interface Leaf {
  whole: Whole;
  path: (string | number)[];
  value: unknown;
  type: z.core.$ZodType;
}

/** Every value in the stacks, by its place in the schema. */
function placesOf(): Map<string, Leaf[]> {
  const found = new Map<string, Leaf[]>();
  const visit = (type: z.core.$ZodType, leaf: Leaf, place: string): void => {
    const { whole, path, value } = leaf;
    if (value === undefined) return;
    const bare = unwrap(type);
    const below = childrenOf(type);
    if (typeof value !== "object" || value === null) {
      const at = withoutBranch(place);
      found.set(at, [...(found.get(at) ?? []), leaf]);
    } else if (bare instanceof z.ZodUnion) {
      const branch = below.find(([option]) => z.safeParse(option, value).success);
      if (branch) visit(branch[0], leaf, place + branch[1]);
    } else if (bare instanceof z.ZodObject) {
      for (const [own, suffix] of below) {
        const key = suffix.slice(1);
        const inner = (value as Record<string, unknown>)[key];
        visit(own, { whole, path: [...path, key], value: inner, type: own }, place + suffix);
      }
    } else {
      for (const [key, inner] of Object.entries(value)) {
        for (const [own, suffix] of below) {
          visit(own, { whole, path: [...path, key], value: inner, type: own }, place + suffix);
        }
      }
    }
  };
  for (const whole of wholes) {
    for (const [key, type] of Object.entries(schema)) {
      visit(type, { whole, path: [key], value: whole.stack[key], type }, key);
    }
  }
  return found;
}

/** Branches of a union without a name are different notations of the same thing. */
function withoutBranch(place: string): string {
  return place.replace(/<\d+>/g, "");
}

/**
 * Whether the value is in the texts. Only values that occur nowhere else in the config can be found
 * in this way.
 */
function shows({ whole, value }: Leaf): boolean {
  const isOwn =
    typeof value === "number"
      ? !Number.isInteger(value) || value >= 100
      : typeof value === "string" &&
        JSON.stringify(whole.stack).split(JSON.stringify(value)).length === 2;
  return isOwn && whole.words.has(String(value));
}

function changesSomething({ whole, path }: Leaf): Promise<boolean> {
  return differs(whole, without(whole.stack, path));
}

/** Whether the value changes something in one of the places that have the key. */
async function tellsApart(value: unknown, leaves: Leaf[]): Promise<boolean> {
  // Small stacks come first to save time.
  for (const { whole, path } of leaves.toReversed()) {
    if (await differs(whole, withValue(whole.stack, path, value))) return true;
  }
  return false;
}

/** Whether another stack is invalid, or gives hosts something else. */
async function differs(whole: Whole, stack: Record<string, unknown>): Promise<boolean> {
  const { settings } = check(raw(stack, whole.secrets));
  if (settings === undefined) return true;
  let i = 0;
  for (const text of textsOf(settings)) if (text !== whole.texts[i++]) return true;
  whole.commands ??= await commandsOf(whole.stack, whole.secrets);
  return whole.commands !== (await commandsOf(stack, whole.secrets));
}

/** The hosts' texts, one by one: most changes show in the first. */
function* textsOf(settings: Settings): Generator<string, undefined> {
  for (const director of settings.directors) {
    yield renderDirectorConfig(settings, director, true);
    yield renderDirectorFirewall(settings, director);
  }
  yield renderDirectorKernel(settings);
  yield renderRealServerKernel(settings);
  for (const { name } of settings.realServers) {
    yield renderRealServerFirewall(settings, name);
    yield JSON.stringify(loopbackAddresses(settings, name));
  }
}

function without(stack: Record<string, unknown>, path: Leaf["path"]): Record<string, unknown> {
  const copy = structuredClone(stack);
  const last = path.at(-1) ?? "";
  const parent = path
    .slice(0, -1)
    .reduce((value, key) => value[key] as Record<string, unknown>, copy);
  if (Array.isArray(parent)) parent.splice(Number(last), 1);
  else Reflect.deleteProperty(parent, last);
  return copy;
}

function withValue(
  stack: Record<string, unknown>,
  path: Leaf["path"],
  value: unknown,
): Record<string, unknown> {
  const copy = structuredClone(stack);
  const last = path.at(-1) ?? "";
  const parent = path
    .slice(0, -1)
    .reduce((holder, key) => holder[key] as Record<string, unknown>, copy);
  parent[last] = value;
  return copy;
}

async function commandsOf(
  stack: Record<string, unknown>,
  secrets: Record<string, string>,
): Promise<string> {
  const seen = await register(() => {
    new LvsHaPair("pair", argsOf(stack, secrets));
  });
  return JSON.stringify([...seen.values()].sort((a, b) => (a.name < b.name ? -1 : 1)));
}
