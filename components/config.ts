// Turns stack config into validated plain settings, or all of its errors. No Pulumi, because the
// operator's command reads config, too.
import { z } from "zod";
import { nearest } from "./nearest";
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
  const errors = [...unknownKeys(raw), ...misplacedSecrets(raw)];
  const parsed: Partial<StackConfig> = {};
  for (const key of settingNames) {
    const entry = raw.get(key);
    if (entry?.secret) continue;
    const value = entry === undefined ? undefined : plainValue(entry.text);
    const result = schema[key].safeParse(value, { reportInput: true });
    if (result.success) Object.assign(parsed, { [key]: result.data });
    else errors.push(...result.error.issues.flatMap((issue) => describe(issue, [key])));
  }
  for (const name of secretNames) {
    const entry = raw.get(name);
    if (!entry?.secret) continue;
    const result = secretSchema[name].safeParse(entry.text);
    if (!result.success) {
      errors.push(
        ...result.error.issues.map((issue) => `${name}: (secret, not shown) ${issue.message}`),
      );
    }
  }
  // A rule runs when the keys it needs are valid, whatever is wrong elsewhere.
  for (const { find } of rules) errors.push(...find(parsed, (name) => raw.has(name)));
  if (errors.length === 0) errors.push(...unfilled(parsed, ""));
  return errors.length > 0 || !hasKeys(parsed, settingNames)
    ? // Several instances report one wrong value of `vrrp`: say it once.
      { errors: [...new Set(errors)] }
    : { settings: resolve(parsed), errors };
}

/**
 * Errors for strings that still contain FILL_IN, which an import writes for values that only a
 * person knows.
 */
function unfilled(value: unknown, at: string): string[] {
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

const settingNames = Object.keys(schema) as (keyof typeof schema)[];

function unknownKeys(raw: RawConfig): string[] {
  const known = [...settingNames, ...secretNames];
  return [...raw.keys()]
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
function plainValue(text: string): unknown {
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
      (key) => `${path([...at, key])}: unknown key${hint(key, knownKeys(at, issue.input))}`,
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
        : `${path(at)}: ${show(value)} ${issue.message}`,
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
  return [`${path(at)}: ${show(issue.input)} ${issue.message}`];
}

function path(parts: PropertyKey[]): string {
  return parts
    .map((part, i) => (typeof part === "number" ? `[${part}]` : `${i ? "." : ""}${String(part)}`))
    .join("");
}

function show(value: unknown): string {
  const text = JSON.stringify(value);
  return text.length > 80 ? `${text.slice(0, 77)}…` : text;
}

function hint(word: string, known: string[]): string {
  if (known.length === 0) return "";
  const best = nearest(word, known);
  return `;${best === undefined ? "" : ` did you mean ${best}?`} known here: ${known.join(", ")}`;
}

/** The keys that the schema knows at a path. For a value with a `type`, only that type's keys. */
function knownKeys(at: PropertyKey[], value?: unknown): string[] {
  let here = [unwrap(z.object(schema))].flat();
  for (const part of at) {
    here = here.flatMap((type) => {
      if (typeof part === "number" && type instanceof z.ZodArray) return unwrap(type.element);
      if (type instanceof z.ZodRecord) return unwrap(type.valueType);
      if (type instanceof z.ZodObject) {
        return unwrap((type.shape as Record<string, unknown>)[String(part)]);
      }
      return [];
    });
  }
  const shapes = here.flatMap((type) =>
    type instanceof z.ZodObject ? [type.shape as Record<string, z.core.$ZodType>] : [],
  );
  const fitting = shapes.filter(
    ({ type }) => type === undefined || !isRecord(value) || z.safeParse(type, value.type).success,
  );
  return [...new Set(fitting.flatMap((shape) => Object.keys(shape)))];
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

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
