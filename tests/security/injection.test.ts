// Hostile text in every string of the stack config is refused, or changes nothing but the word that it stands in.
// Not covered, because they are code by design: the texts under `scripts`, which run on directors as what they are, and `otherKeywords`,
// of which what they can't be has a test.
import { spawnSync } from "node:child_process";
import { z } from "zod";
import { LvsHaPair } from "../../components";
import { check } from "../../components/config";
import { renderDirectorFirewall, renderRealServerFirewall } from "../../components/firewall";
import { renderDirectorConfig } from "../../components/render/director";
import { renderKeepalived } from "../../components/render/keepalived";
import { renderDirectorKernel, renderRealServerKernel } from "../../components/render/kernel";
import { loopbackAddresses } from "../../components/render/loopback";
import { schema, secretSchema } from "../../components/schema";
import { keepalivedLine } from "../../components/schema/types";
import type { take, Taken as Args } from "../../components/inputs";
import type { Settings } from "../../components/settings";
import { childrenOf, unwrap } from "../support/features";
import { configTests, unpack, type Case } from "../support/keepalived";
import { insideSecret, register } from "../support/mocks";
import { argsOf, raw, settingsOf, smallStack } from "../support/stacks";
import { fullStacks } from "./fullStacks";
import { hostile } from "./hostile";

// Texts that no args can have.
const mockHostile = new Map<string, string[]>();
jest.mock("../../components/inputs", () => {
  const actual = jest.requireActual<{ take: typeof take }>("../../components/inputs");
  return {
    ...actual,
    take: (of: string, args: Parameters<typeof take>[1]) => {
      const taken = actual.take(of, args);
      const values = mockHostile.get(of);
      return values === undefined ? taken : withHostile(taken, values);
    },
  };
});

type Plain = Record<string, unknown>;
type Key = string | number;
type Type = z.core.$ZodType;

/** A string of a config: where it is, and which place of the schema that is. */
interface Leaf {
  stack: Plain;
  stackNumber: number;
  path: Key[];
  place: string;
  value: string;
  /** It is a key of a set, not a value. */
  isKey: boolean;
  /** What decides whether another text may stand there: its type, or the union that this is a branch of. */
  type: Type;
}

/** A hostile text that the config took. */
interface Taken {
  leaf: Leaf;
  text: string;
  /** One hostile text, or all that the type takes in a row. */
  how: "single" | "joined";
  after: Settings;
}

const code = "scripts{}";
/** Lines of keepalived.conf, which are keywords by design. */
const isLine = (place: string) => place.endsWith(".otherKeywords[]");
const leaves = onePerPlace(fullStacks().flatMap((stack, i) => leavesOf(stack, i)));
const tried = { texts: 0, refusedByType: 0, refusedByRules: 0 };
const taken: Taken[] = [];

beforeAll(() => {
  const accepted = new Map<unknown, string[]>();
  for (const leaf of leaves) {
    const known = accepted.get(leaf.type._zod.def);
    const texts = known ?? hostile.flatMap((value) => acceptedBy(leaf, value));
    accepted.set(leaf.type._zod.def, texts);
    // Each text at one place of a type; all of them in one at every place of that type.
    for (const text of known ? [] : texts) attempt(leaf, text, "single");
    const together = joined(leaf.type, texts);
    if (together !== "") attempt(leaf, together, "joined");
  }
}, 120_000);

test("the strings that are tried are all that the schema has", () => {
  const places = new Set([code, ...leaves.map(({ place }) => place)]);
  expect(stringPlaces().filter((place) => !places.has(place) && !isLine(place))).toEqual([]);
  expect(places.size).toBeGreaterThan(250);
});

test("a line of keepalived.conf is a keyword and plain words, and no secret, file or block gets in by it", () => {
  const taken = hostile.filter((text) => keepalivedLine.safeParse(text).success);
  expect(taken.filter((text) => !/^[a-z0-9_]+( [\w.:,/%+=-]+)*$/.test(text))).toEqual([]);
  const lines = ["include /etc/shadow", "auth_pass x", "real_server 192.0.2.9 80"];
  for (const line of [...lines, "include x", "authentication"]) {
    const stack = smallStack();
    const { settings } = check(
      raw({
        ...stack,
        daemon: { otherKeywords: [line] },
        vrrp: { otherKeywords: [line] },
        virtualServers: stack.virtualServers.map((service) => ({
          ...service,
          otherKeywords: [line],
        })),
      }),
    );
    expect([line, settings]).toEqual([line, undefined]);
  }
});

test("what a string's own type refuses, the config's check refuses and names", () => {
  for (const leaf of leaves) {
    const text = `${leaf.value}\n}`;
    expect([leaf.place, z.safeParse(leaf.type, text).success]).toEqual([leaf.place, false]);
    const { errors, settings } = check(raw(withText(leaf, text)));
    expect([leaf.place, settings]).toEqual([leaf.place, undefined]);
    expect([leaf.place, errors.join("\n")]).toEqual([
      leaf.place,
      expect.stringContaining(String(leaf.path[0])),
    ]);
  }
}, 120_000);

test("hostile text in every string is refused, or taken as a word and nothing else", () => {
  console.log(
    `injection: ${JSON.stringify({ places: leaves.length, ...tried, taken: taken.length })}`,
  );
  // Some must get through: a schema that refuses everything would prove nothing.
  expect(taken.length).toBeGreaterThan(10);
  const old = new Map(fullStacks().map((_, i) => [i, rendered(settingsOf(fullStacks()[i] ?? {}))]));
  for (const { leaf, text, after } of taken) {
    const where = `${leaf.place} = ${JSON.stringify(text.slice(0, 60))}`;
    const files = old.get(leaf.stackNumber) ?? {};
    const now = rendered(after);
    expect([where, Object.keys(now)]).toEqual([where, Object.keys(files)]);
    for (const [file, all] of Object.entries(now)) {
      // What is needed of the network is a set: there is a line more or less where two words were one.
      const lines = all.filter((line) => !line.startsWith("=r "));
      const needs = all.filter((line) => line.startsWith("=r ") && !need.test(line));
      expect([where, needs]).toEqual([where, []]);
      const before = (files[file] ?? []).filter((line) => !line.startsWith("=r "));
      expect([where, file, lines.length]).toEqual([where, file, before.length]);
      const odd = lines.filter(
        (line, i) => line !== before[i] && shape(line) !== shape(before[i] ?? ""),
      );
      expect([where, file, odd]).toEqual([where, file, []]);
    }
  }
}, 300_000);

test.each(["2.2.7", "2.3.3"] as const)(
  "keepalived %s reads each config that has such a word as it reads the one without",
  async (version) => {
    const caseOf = (settings: Settings): Case => {
      const [director] = settings.directors;
      if (!director) throw new Error("no director");
      return {
        text: renderKeepalived(settings, director, false),
        scripts: settings.scripts,
        trackedFiles: settings.tracking.files.map(({ file }) => file),
      };
    };
    // Once a type: arguments of one script are read as those of another.
    const once = new Set<unknown>();
    const readable = taken.filter(({ leaf, how }) => {
      const { def } = leaf.type._zod;
      if (how === "single" || once.has(def) || needsTheHost.test(leaf.place)) return false;
      once.add(def);
      return true;
    });
    const verdicts = await configTests(await unpack(version), [
      ...fullStacks().map((stack) => caseOf(settingsOf(stack))),
      ...readable.map(({ after }) => caseOf(after)),
    ]);
    expect(verdicts.slice(0, 2)).toEqual([
      { code: 0, says: "" },
      { code: 0, says: "" },
    ]);
    expect(readable.length).toBeGreaterThan(10);
    readable.forEach(({ leaf, text }, i) => {
      const where = `${leaf.place} = ${JSON.stringify(text.slice(0, 60))}`;
      expect([where, verdicts[i + 2]]).toEqual([where, { code: 0, says: "" }]);
    });
  },
  120_000,
);

test("the shapes that are compared tell what is meant to be told", () => {
  const line = "        notify_up /x/y.sh root";
  for (const changed of [
    "        notify_up /x/y.sh root # x",
    "        notify_up /x/y.sh root ! x",
    "        notify_up /x/y.sh {",
    "        include /x/y.sh root",
    "        @lvs1 /x/y.sh root",
    "        notify_up /x/y.sh a b",
    "        notify_down /x/y.sh root",
    '        notify_up "/x/y.sh root',
    "        notify_up $X root",
    "        notify_up ~SEQ(x) root",
    "    notify_up /x/y.sh root",
  ]) {
    expect(shape(changed)).not.toBe(shape(line));
  }
  expect(shape('  regex "a # { b"')).toBe(shape('  regex "c"'));
});

// What the schema lets through is not the only guard: whatever came, it would be one word of one command.
test("in a command line, any text is a part of one word", async () => {
  // What the kernel hands to a program has no NUL.
  const values = hostile.filter((value) => !value.includes("\0"));
  // Several at once, for time: each stack takes some seconds.
  const groups = [["x"]];
  while (values.length > 0) groups.push(values.splice(0, 12));
  const seen = await register(() => {
    groups.forEach((group, i) => {
      mockHostile.set(`LvsHaPair "p${i}"`, group);
      new LvsHaPair(`p${i}`, argsOf({ ...smallStack(), metrics: { enabled: true } }));
    });
  });
  const words = groups.map((_, i) => {
    const lines = new Map<string, string>();
    for (const { name, type, inputs } of seen.values()) {
      if (!type.startsWith("command:") || !name.startsWith(`p${i}-`)) continue;
      for (const verb of ["create", "delete"] as const) {
        const line = inputs[verb];
        if (typeof line === "string") lines.set(`${verb} ${name.replace(/^p\d+-/, "")}`, line);
      }
    }
    const split = wordsOf([...lines.values()]);
    return new Map([...lines.keys()].map((at, j) => [at, split[j] ?? []]));
  });
  const [plain = new Map<string, string[]>(), ...others] = words;
  expect(plain.size).toBeGreaterThan(20);
  others.forEach((those, i) => {
    expect([...those.keys()]).toEqual([...plain.keys()]);
    for (const [at, line] of those) {
      expect([i, at, line.length]).toEqual([i, at, plain.get(at)?.length]);
    }
    for (const value of groups[i + 1] ?? []) {
      for (const at of ["create lvs1-prepare", "create web1-prepare"]) {
        const has = those.get(at)?.some((word) => word.includes(`a${value}b`));
        expect([value.slice(0, 40), at, has]).toEqual([value.slice(0, 40), at, true]);
      }
    }
  });
}, 120_000);

describe("secrets", () => {
  const passwords = ["sshPassword", "sshPrivateKey", "sshPrivateKeyPassphrase"] as const;

  test("of any text go into the connection, and nowhere else", async () => {
    const text = "\"\n$(id) `id` {{x}} #!'";
    const secrets = Object.fromEntries(passwords.map((name) => [name, text]));
    const seen = await register(() => {
      new LvsHaPair("p", argsOf(smallStack(), secrets));
    });
    for (const { name, type, inputs } of seen.values()) {
      if (!type.startsWith("command:")) continue;
      const { connection, ...rest } = inputs;
      expect(JSON.stringify(insideSecret(connection))).toContain(JSON.stringify(text).slice(1, -1));
      expect([name, JSON.stringify(rest)]).not.toEqual([name, expect.stringContaining("$(id)")]);
    }
  });

  test("that keepalived reads take none of the hostile texts but plain words", () => {
    const accepted = hostile
      .flatMap((value) => [value, `pass${value}`.slice(0, 8), `${value}ab`.slice(0, 8)])
      .filter((text) => secretSchema.vrrpAuthPass.safeParse(text).success);
    for (const text of accepted) {
      const at = `auth_pass ${text}`;
      expect([text, shape(at)]).toEqual([text, shape("auth_pass grr02")]);
    }
  });
});

/** Places whose values the director must have: a user, an interface, a script. There, keepalived's no is the answer. */
const needsTheHost = /\.user$|[iI]nterface|\.device$|scriptUser/;

/** A hostile text as a type takes it: alone, else before a right value, else after one. */
function acceptedBy({ type, value }: Leaf, text: string): string[] {
  const accepted = [text, text + value, value + text].find((whole) => {
    const { success } = z.safeParse(type, whole);
    tried.texts++;
    if (!success) tried.refusedByType++;
    return success;
  });
  return accepted === undefined ? [] : [accepted];
}

/** As many of the texts in a row as a type takes. */
function joined(type: Type, texts: string[]): string {
  return texts.reduce(
    (sum, text) => (z.safeParse(type, sum + text).success ? sum + text : sum),
    "",
  );
}

function attempt(leaf: Leaf, text: string, how: Taken["how"]): void {
  // A name must be changed wherever it is named, or the rules refuse it for that.
  const everywhere = () =>
    changed(leaf.stack, (_path, value) => (value === leaf.value ? text : value));
  const after = check(raw(withText(leaf, text))).settings ?? check(raw(everywhere())).settings;
  if (after === undefined) tried.refusedByRules++;
  else taken.push({ leaf, text, how, after });
}

function withText({ stack, path, isKey }: Leaf, text: string): Plain {
  return changed(stack, (at, value, itsKey) =>
    itsKey === isKey && samePath(at, path) ? text : value,
  );
}

/** A config with some strings changed, values and keys of sets. */
function changed(
  stack: Plain,
  change: (path: Key[], value: string, isKey: boolean) => string,
): Plain {
  const visit = (value: unknown, path: Key[]): unknown => {
    if (typeof value === "string") return change(path, value, false);
    if (Array.isArray(value)) return value.map((item, i) => visit(item, [...path, i]));
    if (typeof value !== "object" || value === null) return value;
    return Object.fromEntries(
      Object.entries(value).map(([key, item]) => {
        const at = [...path, key];
        return [path.length === 0 ? key : change(at, key, true), visit(item, at)];
      }),
    );
  };
  return visit(stack, []) as Plain;
}

function samePath(a: Key[], b: Key[]): boolean {
  return a.length === b.length && a.every((key, i) => key === b[i]);
}

/** Alike places are tried once; the texts of scripts are code. */
function onePerPlace(all: Leaf[]): Leaf[] {
  const first = new Map<string, Leaf>();
  for (const leaf of all) {
    if (leaf.place !== code && !first.has(leaf.place)) first.set(leaf.place, leaf);
  }
  return [...first.values()];
}

/** The strings of a config, each with its place in the schema. */
function leavesOf(stack: Plain, stackNumber: number): Leaf[] {
  const found: Leaf[] = [];
  const visit = (type: Type, value: unknown, path: Key[], place: string, union?: Type): void => {
    if (value === undefined) return;
    const bare = unwrap(type);
    if (typeof value === "string" && childrenOf(type).length === 0) {
      found.push({ stack, stackNumber, path, place, value, isKey: false, type: union ?? type });
    }
    if (bare instanceof z.ZodUnion) {
      const [branch] = childrenOf(type).filter(([below]) => z.safeParse(below, value).success);
      if (branch) visit(branch[0], value, path, place + branch[1], union ?? type);
      return;
    }
    for (const [below, suffix] of childrenOf(type)) {
      if (bare instanceof z.ZodObject) {
        const key = suffix.slice(1);
        visit(below, (value as Plain)[key], [...path, key], place + suffix);
        continue;
      }
      for (const [key, item] of Object.entries(value as object)) {
        const at = [...path, Array.isArray(value) ? Number(key) : key];
        if (bare instanceof z.ZodRecord) {
          const common = { stack, stackNumber, path: at, place: `${place}{key}`, value: key };
          found.push({ ...common, isKey: true, type: bare.keyType });
        }
        visit(below, item, at, place + suffix);
      }
    }
  };
  for (const [key, type] of Object.entries(schema)) visit(type, stack[key], [key], key);
  return found;
}

/** The schema's places that hold a string, or a set's key. */
function stringPlaces(): string[] {
  const found: string[] = [];
  const visit = (type: Type, place: string): void => {
    const bare = unwrap(type);
    const isWord =
      bare instanceof z.ZodLiteral && [...bare.values].every((value) => typeof value === "string");
    if (bare instanceof z.ZodString || bare instanceof z.ZodEnum || isWord) found.push(place);
    if (bare instanceof z.ZodRecord) found.push(`${place}{key}`);
    for (const [below, suffix] of childrenOf(type)) visit(below, place + suffix);
  };
  for (const [key, type] of Object.entries(schema)) visit(type, key);
  return found;
}

/** Every text that goes to a host, as lines. */
const need = /^=r (on|link|peer|server)( [\w.:-]+){1,2}$/;

function rendered(settings: Settings): Record<string, string[]> {
  const texts: Record<string, string> = {
    directorKernel: renderDirectorKernel(settings),
    realServerKernel: renderRealServerKernel(settings),
  };
  settings.directors.forEach((director, i) => {
    texts[`config ${i}`] = renderDirectorConfig({ ...settings, scripts: {} }, director, true);
    texts[`firewall of director ${i}`] = renderDirectorFirewall(settings, director);
  });
  settings.realServers.forEach(({ name }, i) => {
    texts[`firewall of real server ${i}`] = renderRealServerFirewall(settings, name);
    texts[`addresses of real server ${i}`] = loopbackAddresses(settings, name)
      .map(({ address, interface: device }) => `${address} ${device}`)
      .join("\n");
  });
  return Object.fromEntries(Object.entries(texts).map(([name, text]) => [name, text.split("\n")]));
}

/**
 * What a line is, whatever its words are: its indentation, its keyword, how many words follow, quoted or not, where blocks and
 * comments begin and end, and whether it is one of keepalived's own directives.
 */
function shape(line: string): string {
  const [, indent = "", rest = ""] = /^(\s*)(.*)$/su.exec(line) ?? [];
  const tokens = rest.match(/"(?:[^"\\]|\\.)*"|[^\s"]+|\s+|"/gsu) ?? [];
  const words = tokens.map((token, i) => {
    if (/^"(?:[^"\\]|\\.)+"$|^""$/su.test(token)) return /[\n\r\0]/.test(token) ? "“\\n”" : "“”";
    if (/^\s+$/u.test(token)) return token === " " ? " " : JSON.stringify(token);
    if (i === 0 && keywords.has(token)) return token;
    // An address or a number is a value, wherever it stands.
    const special = token.match(/["#!{}$;\\`'\p{C}\p{Z}]|^@|^~(?:SEQ|LST)/gu) ?? [];
    // A directive only where a line begins.
    if (i === 0 && /^include[rmwba]?$/.test(token)) return token;
    return `_${special.join("")}`;
  });
  return indent + words.join("");
}

/** First words of the lines of the full stacks, so far as they are no values of theirs. */
const keywords = keywordsOf();

function keywordsOf(): Set<string> {
  const values = new Set(leaves.map(({ value }) => value.split(/[/ ]/)[0]));
  const words = fullStacks().flatMap((stack) => {
    const settings = settingsOf(stack);
    return settings.directors.flatMap((director) => [
      ...renderKeepalived(settings, director, true).split("\n"),
      ...renderDirectorFirewall(settings, director).split("\n"),
    ]);
  });
  const first = words.flatMap((line) => /^\s*([a-zA-Z_]+)(?:\s|$)/.exec(line)?.[1] ?? []);
  return new Set(first.filter((word) => !values.has(word)));
}

/** Settings as no config could make them: hostile texts where they would come to a command line. */
function withHostile({ shape, settings, secrets }: Args, values: string[]): Args {
  const together = values.join("");
  const packages = values.map((value) => `a${value}b`);
  const [director, ...others] = shape.directors;
  if (!director) throw new Error("no director");
  return {
    secrets,
    shape: { ...shape, packages, directors: [{ ...director, user: "ops" }, ...others] },
    settings: settings.apply(({ directors: [first, ...rest], vrrp, realServers, ...all }) => ({
      ...all,
      packages,
      vrrp: { ...vrrp, syncInterface: `eth0${together}` },
      directors: first ? [{ ...first, user: "ops", host: `10.10.0.11${together}` }, ...rest] : [],
      realServers: realServers.map((realServer, i) => ({
        ...realServer,
        addresses: { inet: `192.0.2.2${i}${together}` },
      })),
    })),
  };
}

/** The words of each command line, as a shell takes them. */
function wordsOf(lines: string[]): string[][] {
  const program = lines.map((line) => `set -- ${line}\nprintf '%s\\0' "$@" END-OF-LINE\n`);
  const { stdout, stderr, status } = spawnSync("/bin/sh", ["-s"], {
    input: `set -f\n${program.join("")}`,
    encoding: "utf8",
    maxBuffer: 2 ** 28,
    env: { PATH: "/nowhere", SSH_CONNECTION: "10.0.0.9 50000 10.0.0.1 22" },
  });
  if (status !== 0 || stderr !== "") throw new Error(`sh says: ${stderr.slice(0, 500)}`);
  return stdout
    .split("END-OF-LINE\0")
    .slice(0, -1)
    .map((words) => words.split("\0").slice(0, -1));
}
