// Corrects a stack config like a user would: follows what the errors say, and otherwise removes
// what they are about.
import { check } from "../../components/config";
import { raw } from "./stacks";

/** A plain object, such as a stack config. */
export type Plain = Record<string, unknown>;

/** More rounds than any config needs: each round removes or renames something. */
const limit = 40;

/** The config with its errors corrected. It may still be invalid if too little is left. */
export function setRight(stack: Plain): Plain {
  const config = structuredClone(stack);
  for (let round = 0; round < limit; round++) {
    const { errors } = check(raw(config));
    const before = JSON.stringify(config);
    // A wrong name causes further errors, so names come first.
    const wrongNames = errors.filter((error) => error.includes(" known: "));
    for (const error of wrongNames.length > 0 ? wrongNames : errors) {
      const [, at, words] = /^([^:]+): (.*)$/su.exec(error) ?? [];
      if (at === undefined || words === undefined) throw new Error(`no error of ours: ${error}`);
      amend(config, keysOf(at), words);
    }
    dropHoles(config);
    if (JSON.stringify(config) === before) break;
  }
  return config;
}

type Holder = Record<string | number, unknown>;
interface Place {
  holder: Holder;
  key: string | number;
}

/** Splits `virtualServers[0].realServers[1].name` into keys. */
function keysOf(at: string): (string | number)[] {
  return [...at.matchAll(/\[(\d+)\]|([^.[\]]+)/g)].map(([, index, key]) =>
    index === undefined ? (key ?? "") : Number(index),
  );
}

function amend(config: Plain, keys: (string | number)[], words: string): void {
  const there = whatIsThere(config, keys);
  const { holder, key } = there.at(-1) ?? { holder: { config }, key: "config" };
  const value = holder[key];
  if (value === hole) return;
  const [missing, ...below] = keys.slice(there.length);
  const [, prefixed] = /give it its own prefix \("([^"]+)"\)/.exec(words) ?? [];
  const [, wrong] = /^"([^"]*)" is no /.exec(words) ?? [];
  const known = / known: (.*)$/.exec(words)?.[1]?.split(", ");
  if (missing !== undefined && words.startsWith("true ") && isHolder(value)) {
    // A default that is wrong here: set the other value.
    value[missing] = below.reduceRight<unknown>((inner, name) => ({ [name]: inner }), false);
  } else if (prefixed !== undefined && typeof value === "string") {
    holder[key] = prefixed;
  } else if (wrong !== undefined && known) {
    holder[key] = renamed(value, wrong, known);
  } else if (missing === undefined && Array.isArray(value) && value.length > 0) {
    value.pop();
  } else if (Array.isArray(holder)) {
    holder[Number(key)] = hole;
  } else {
    Reflect.deleteProperty(holder, key);
  }
}

/** Replaces a wrong name by a known one: the value itself, a value in it or a key in it. */
function renamed(value: unknown, wrong: string, known: string[]): unknown {
  if (!isHolder(value)) return chosen(known, wrong);
  const free = known.filter((name) => !Object.hasOwn(value, name));
  return Object.fromEntries(
    Object.entries(value).flatMap(([key, inner]) => {
      if (key === wrong) return free.length > 0 ? [[chosen(free, wrong), inner]] : [];
      return [[key, inner === wrong ? chosen(known, wrong) : inner]];
    }),
  );
}

/** The places along a path, as far as it exists. */
function whatIsThere(config: Plain, keys: (string | number)[]): Place[] {
  const places: Place[] = [];
  let holder: unknown = config;
  for (const key of keys) {
    if (!isHolder(holder) || !Object.hasOwn(holder, key)) break;
    places.push({ holder, key });
    holder = holder[key];
  }
  return places;
}

function isHolder(value: unknown): value is Holder {
  return typeof value === "object" && value !== null;
}

/** Always the same name for the same wrong one, so that shrinking works. */
function chosen(names: string[], wrong: string): string {
  const sum = Array.from(wrong).reduce((total, letter) => total + (letter.codePointAt(0) ?? 0), 0);
  return names[sum % names.length] ?? "";
}

/** Marks a removed item until the end of the round, because the errors refer to items by index. */
const hole = Symbol("hole");

function dropHoles(value: unknown): void {
  if (!isHolder(value)) return;
  if (Array.isArray(value)) {
    const kept: unknown[] = value.filter((item) => item !== hole);
    value.splice(0, value.length, ...kept);
  }
  for (const below of Object.values(value)) dropHoles(below);
}
