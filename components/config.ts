// Turns stack config into validated plain settings, or all of its errors. No Pulumi, because the
// operator's command reads config, too.
import { z } from "zod";
import { nearest } from "./nearest";
import { meantKey, meantValue } from "./otherWords";
import { rules } from "./rules";
import { hasKeys } from "./rules/rule";
import { schema, secretSchema, type SecretName, type StackConfig } from "./schema";
import { resolve, type Settings } from "./settings";

/** Namespace of the stack config's keys: `lvs-ha:directors`. */
export const namespace = "lvs-ha";

/** Keys that hold secrets. */
export const secretNames = Object.keys(secretSchema) as SecretName[];

/** Config keys as the engine passes them: objects and lists are JSON text. */
export type RawConfig = Map<string, { text: string; secret: boolean }>;

/** Checks raw config. Returns the settings, or every error. */
export function check(raw: RawConfig): { settings?: Settings; errors: string[] } {
  const values = new Map(
    [...raw].flatMap(([key, { text, secret }]) => (secret ? [] : [[key, plainValue(text)]])),
  );
  const secrets = new Set([...raw].flatMap(([key, { secret }]) => (secret ? [key] : [])));
  const { config, errors } = parse(values, secrets);
  const found = [
    ...unknownKeys([...raw.keys()]),
    ...misplacedSecrets(raw),
    ...errors,
    ...secretNames.flatMap((name) => {
      const entry = raw.get(name);
      return entry?.secret ? secretErrors(name, entry.text) : [];
    }),
    ...breaches(config, (name) => raw.has(name)),
  ];
  if (found.length === 0) found.push(...unfilled(config, ""));
  return found.length > 0 || !hasKeys(config, settingNames)
    ? // Several instances report one wrong value of `vrrp`: say it once.
      { errors: [...new Set(found)] }
    : { settings: resolve(config), errors: [] };
}

/**
 * Checks each value against the schema. Returns the valid values, with defaults filled in, and errors for
 * the others.
 * @param unreadable keys that are given but not checked
 */
export function parse(
  values: ReadonlyMap<string, unknown>,
  unreadable: ReadonlySet<string> = new Set(),
): { config: Partial<StackConfig>; errors: string[] } {
  const config: Partial<StackConfig> = {};
  const errors: string[] = [];
  for (const key of settingNames) {
    if (unreadable.has(key)) continue;
    const result = schema[key].safeParse(values.get(key), { reportInput: true });
    if (result.success) Object.assign(config, { [key]: result.data });
    else errors.push(...result.error.issues.flatMap((issue) => describe(issue, [key])));
  }
  return { config, errors };
}

/** Errors for a secret; they don't show its value. */
export function secretErrors(name: SecretName, value: unknown): string[] {
  const { error } = secretSchema[name].safeParse(value);
  return (error?.issues ?? []).map(({ message }) => `${name}: (secret, not shown) ${message}`);
}

/** Thrown when a rule reads a value that is known only after another resource is created. */
export class NotYetKnown extends Error {}

/**
 * Errors of the rules between keys. A rule runs when the keys it needs are valid, whatever is wrong
 * elsewhere. A rule that reads a value that isn't known yet reports nothing.
 */
export function breaches(
  config: Partial<StackConfig>,
  hasSecret: (name: SecretName) => boolean,
): string[] {
  return rules.flatMap(({ find }) => {
    try {
      return find(config, hasSecret);
    } catch (error) {
      if (error instanceof NotYetKnown) return [];
      throw error;
    }
  });
}

/**
 * Whether a config key, with its namespace, belongs to this stack. A misspelt namespace is an error: nobody
 * would read the key, and the default would apply, the firewall's for instance.
 * @returns the key's name, or the error; undefined for a key of another program
 */
export function ownKey(whole: string): { key: string } | { error: string } | undefined {
  const [, space = "", key = ""] = /^([^:]*):(.*)$/.exec(whole) ?? [];
  if (space === namespace) return { key };
  const known = [...settingNames, ...secretNames] as string[];
  if (nearest(space.replace(/_/g, "-"), [namespace]) === undefined && !known.includes(key)) {
    return undefined;
  }
  return { error: `${whole}: is in another namespace; write ${namespace}:${key}` };
}

/**
 * Errors for strings that still contain FILL_IN, which an import writes for values that only a
 * person knows.
 */
export function unfilled(value: unknown, at: string): string[] {
  if (typeof value === "string") {
    return value.includes("FILL_IN")
      ? [`${at}: still says FILL_IN; put the value there that lvs import could not know`]
      : [];
  }
  if (typeof value !== "object" || value === null) return [];
  return Object.entries(value).flatMap(([key, inner]) =>
    unfilled(inner, path(at === "" ? [key] : [at, Array.isArray(value) ? Number(key) : key])),
  );
}

/** Keys that hold no secrets. */
export const settingNames = Object.keys(schema) as (keyof typeof schema)[];

/** Errors for keys that don't exist. */
export function unknownKeys(keys: string[]): string[] {
  const known = [...settingNames, ...secretNames];
  return keys
    .filter((key) => !known.includes(key as (typeof known)[number]))
    .map((key) => `${key}: unknown key${hint(key, known)}`);
}

function misplacedSecrets(raw: RawConfig): string[] {
  return [...raw].flatMap(([key, { secret }]) => {
    if (secret && (settingNames as string[]).includes(key)) {
      return [
        `${key}: is secret, but it decides the stack's shape and must be readable; secrets go to ${secretNames.join(", ")}`,
      ];
    }
    if (!secret && (secretNames as string[]).includes(key)) {
      return [
        `${key}: is in plain text; set it with: pulumi config set --secret ${namespace}:${key}`,
      ];
    }
    return [];
  });
}

/** The user's value: parsed if it is JSON, otherwise the text. */
export function plainValue(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return text;
  }
}

/**
 * Turns one of zod's issues into error lines: `virtualServers[1].port: 0 is not a port (1–65535)`.
 */
function describe(issue: z.core.$ZodIssue, parents: PropertyKey[]): string[] {
  const at = [...parents, ...issue.path];
  if (issue.code === "unrecognized_keys") {
    return issue.keys.map(
      (key) => `${path([...at, key])}: unknown key${hint(key, knownKeys(at, issue.input), at)}`,
    );
  }
  // In a discriminated union, the discriminator's value is wrong.
  if (
    issue.code === "invalid_union" &&
    issue.discriminator !== undefined &&
    isRecord(issue.input)
  ) {
    const value = issue.input[issue.discriminator];
    return [
      value === undefined
        ? `${path(at)}: is missing; it must be ${issue.message.replace(/^is not /, "")}`
        : `${path(at)}: ${show(value)} ${issue.message}${asideOf(value, issue, at)}`,
    ];
  }
  if (issue.code === "invalid_type" && issue.expected === "object" && issue.input !== undefined) {
    return [
      `${path(at)}: ${show(issue.input)} is not an object with keys of ${knownKeys(at).join(", ")}`,
    ];
  }
  // For a union of objects, report the branch that matched the furthest.
  if (issue.code === "invalid_union" && isRecord(issue.input)) {
    const deepest = issue.errors.find((branch) => branch.some((inner) => inner.path.length > 0));
    const strange = issue.errors.flat().find((inner) => inner.code === "unrecognized_keys");
    if (deepest) return deepest.flatMap((inner) => describe(inner, at));
    if (strange) return describe(strange, at);
  }
  // For other unions, a branch that the value's form fits gives a custom reason; the others only
  // say that the value is not theirs.
  if (issue.code === "invalid_union") {
    const closest = issue.errors.find((branch) =>
      branch.every(({ code, message }) => code === "custom" && !message.startsWith("is not ")),
    );
    if (closest) return closest.flatMap((inner) => describe(inner, at));
  }
  if (issue.code === "invalid_key") {
    return [`${path(at)}: ${issue.issues.map((inner) => inner.message).join("; ")}`];
  }
  if (issue.input === undefined) {
    return [`${path(at)}: is missing; it ${issue.message.replace(/^is not/, "must be")}`];
  }
  return [`${path(at)}: ${show(issue.input)} ${issue.message}${asideOf(issue.input, issue, at)}`];
}

/** A clause that says what a wrong text was probably meant to be. */
function asideOf(value: unknown, issue: z.core.$ZodIssue, at: PropertyKey[]): string {
  // A system that is refused is what its user meant.
  if (typeof value !== "string" || !issue.message.startsWith("is not ")) return "";
  const values =
    issue.code === "invalid_value"
      ? issue.values
      : issue.code === "invalid_union" && "options" in issue
        ? issue.options
        : undefined;
  const meant = meantValue(
    value,
    (values ?? []).filter((each) => typeof each === "string"),
  );
  if (meant !== undefined) return `; did you mean ${meant}?`;
  if (issue.code === "invalid_type" && /^(number|int)$/.test(issue.expected)) {
    if (/^-?\d+(\.\d+)?$/.test(value)) return "; write it without quotes";
    const seconds = secondsOf(value);
    if (seconds !== undefined && String(at.at(-1)).endsWith("Seconds")) {
      return `; write ${seconds}`;
    }
  }
  if (at.at(-1) === "host") {
    if (value.includes("@")) return "; the user has a key of its own";
    if (/^[^:]+:\d+$/.test(value)) return "; the port has a key of its own";
    if (/\/\d+$/.test(value)) return "; write it without its prefix";
  }
  return "";
}

const secondsIn: Record<string, number> = { ms: 0.001, s: 1, sec: 1, m: 60, min: 60, h: 3600 };

/** The seconds in a duration with a unit: 300ms, 5s. */
function secondsOf(text: string): number | undefined {
  const [, number, unit = ""] = /^(\d+(?:\.\d+)?)\s?([a-z]+)$/.exec(text) ?? [];
  const seconds = secondsIn[unit];
  return seconds === undefined ? undefined : Number((Number(number) * seconds).toFixed(3));
}

/** A path as errors show it: `virtualServers[1].port`. */
export function path(parts: PropertyKey[]): string {
  return parts
    .map((part, i) => (typeof part === "number" ? `[${part}]` : `${i ? "." : ""}${String(part)}`))
    .join("");
}

function show(value: unknown): string {
  const text = JSON.stringify(value);
  return text.length > 80 ? `${text.slice(0, 77)}…` : text;
}

function hint(word: string, known: string[], at: PropertyKey[] = []): string {
  if (known.length === 0) return "";
  const meant = meantKey(word, known) ?? placesOf(word, at);
  const lead = meant === undefined ? "" : ` ${meant}${meant.endsWith("?") ? "" : ";"}`;
  return `;${lead} known here: ${known.join(", ")}`;
}

/** The keys that the schema knows at a path. For a value with a `type`, only that type's keys. */
function knownKeys(at: PropertyKey[], value?: unknown): string[] {
  const shapes = typesAt(at).flatMap((type) =>
    type instanceof z.ZodObject ? [type.shape as Record<string, z.core.$ZodType>] : [],
  );
  const fitting = shapes.filter(
    ({ type }) => type === undefined || !isRecord(value) || z.safeParse(type, value.type).success,
  );
  return [...new Set(fitting.flatMap((shape) => Object.keys(shape)))];
}

/** A clause with the places that have a key of this name: those whose path is most like this one, if they are few. */
function placesOf(word: string, at: PropertyKey[]): string | undefined {
  const own = parts([...at, word]);
  const others = keysBelow(z.object(schema), [])
    .filter((place) => place.at(-1) === word)
    .map((place) => ({ place, alike: commonEnd(place, own) }));
  // It is a key of this place, but for another type of value.
  if (others.some(({ place }) => placeText(place) === placeText(own))) return undefined;
  const most = Math.max(...others.map(({ alike }) => alike));
  const best = new Set(
    others.filter(({ alike }) => alike === most).map(({ place }) => placeText(place)),
  );
  return best.size === 0 || best.size > 2
    ? undefined
    : `it is a key elsewhere: ${[...best].join(", ")}`;
}

/** A path with `[]` for each index, so that it stands for every element of a list. */
function parts(at: PropertyKey[]): string[] {
  return at.map((part) => (typeof part === "number" ? "[]" : String(part)));
}

function placeText(place: string[]): string {
  const text = place.join(".").replaceAll(".[]", "[]");
  return place.length === 1 ? `${namespace}:${text}` : text;
}

function commonEnd(one: string[], other: string[]): number {
  const [a, b] = [one, other].map((place) => place.filter((part) => part !== "[]").reverse());
  const end = a?.findIndex((part, i) => part !== b?.[i]) ?? -1;
  return end < 0 ? (a?.length ?? 0) : end;
}

/** The path of every key below a type, at any depth. */
function keysBelow(type: unknown, place: string[]): string[][] {
  return unwrap(type).flatMap((each) => {
    if (each instanceof z.ZodArray) return keysBelow(each.element, [...place, "[]"]);
    if (!(each instanceof z.ZodObject)) return [];
    return Object.entries(each.shape as Record<string, unknown>).flatMap(([key, inner]) => [
      [...place, key],
      ...keysBelow(inner, [...place, key]),
    ]);
  });
}

/** The types that the schema allows at a path; several below a union. */
export function typesAt(at: PropertyKey[]): unknown[] {
  let here: unknown[] = unwrap(z.object(schema));
  for (const part of at) {
    here = here.flatMap((type) => {
      if (typeof part === "number" && type instanceof z.ZodArray) return unwrap(type.element);
      if (type instanceof z.ZodRecord) return unwrap(type.valueType);
      if (type instanceof z.ZodObject) {
        const { [String(part)]: below } = type.shape as Record<string, unknown>;
        return below === undefined ? [] : unwrap(below);
      }
      return [];
    });
  }
  return here;
}

/** The types below a type's defaults; for a union, those of its branches. */
function unwrap(type: unknown): unknown[] {
  while (
    type instanceof z.ZodDefault ||
    type instanceof z.ZodPrefault ||
    type instanceof z.ZodOptional
  ) {
    type = type.unwrap();
  }
  return type instanceof z.ZodUnion ? type.options.flatMap(unwrap) : [type];
}

/** True for an object that isn't a list. */
export function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
