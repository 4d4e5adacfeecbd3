// Describes a config key in words. The allowed values come from the key's own error messages: "is
// not a port (1–65535)".
import { stringify } from "yaml";
import { z } from "zod";
import { osProfiles } from "../../components/os/profiles";
import { compareVersions } from "../../components/os/versions";

/** A key of the schema without its defaults. */
export interface Key {
  type: z.ZodType;
  required: boolean;
  /** The default value; undefined without one, or if the key's own keys have defaults. */
  fallback: unknown;
  /** Its meaning, without a full stop. */
  meaning: string;
}

export function keyOf(type: z.ZodType): Key {
  let inner = type;
  let required = true;
  let fallback: unknown;
  let meaning: string | undefined;
  let since: unknown;
  let valuesSince: unknown;
  for (;;) {
    meaning ??= inner.description;
    since ??= z.globalRegistry.get(inner)?.since;
    valuesSince ??= z.globalRegistry.get(inner)?.valuesSince;
    if (inner instanceof z.ZodPipe) {
      inner = inner.in as z.ZodType;
    } else if (inner instanceof z.ZodDefault) {
      fallback ??= inner.def.defaultValue;
      required = false;
      inner = inner.unwrap() as z.ZodType;
    } else if (inner instanceof z.ZodPrefault || inner instanceof z.ZodOptional) {
      required = false;
      inner = inner.unwrap() as z.ZodType;
    } else {
      break;
    }
  }
  const versions = [
    ...(typeof since === "string" ? [sinceVersion(since)] : []),
    ...Object.entries(valuesSince ?? {}).map(
      ([values, version]) => `${values}: ${sinceVersion(String(version))}`,
    ),
  ];
  const known = versions.length > 0 ? ` (${versions.join("; ")})` : "";
  return { type: inner, required, fallback, meaning: (meaning ?? "") + known };
}

/** The values that a type allows, without a full stop: "a port (1–65535)". */
export function allowed(given: z.ZodType): string {
  const { type } = keyOf(given);
  if (type instanceof z.ZodEnum || type instanceof z.ZodLiteral) {
    const values = type instanceof z.ZodEnum ? type.options : [...type.values];
    return values.map((value) => `\`${written(value)}\``).join(", ");
  }
  if (type instanceof z.ZodBoolean) return "`true`, `false`";
  if (type instanceof z.ZodObject) return "object";
  if (type instanceof z.ZodUnion) return choice(type.options as z.ZodType[]);
  if (type instanceof z.ZodArray) return list(type);
  if (type instanceof z.ZodRecord) {
    return `object: each key ${allowed(type.keyType as z.ZodType)}, each value ${allowed(type.valueType as z.ZodType)}`;
  }
  const own = complaint(type.safeParse(Symbol("nothing that a config can hold")).error?.issues[0]);
  const further = complaintsOfChecks(type).filter((said) => said !== own);
  return [
    own?.replace(isNot, "") ?? (type instanceof z.ZodNumber ? "an integer" : "text"),
    ...(further.length > 0 ? [`refused if it ${further.join(", or ")}`] : []),
  ].join("; ");
}

/** A value in YAML form. In YAML, "1.1" is text only in quotes. */
export function written(value: unknown): string {
  return stringify(value, {
    collectionStyle: "flow",
    flowCollectionPadding: false,
    lineWidth: 0,
  }).trim();
}

function choice(options: z.ZodType[]): string {
  const words = [...new Set(options.map(allowed))];
  return words.every((word) => /^`[^`]*`$/.test(word)) ? words.join(", ") : words.join(", or ");
}

function list(type: z.ZodArray): string {
  const said = complaint(type.safeParse(undefined).error?.issues[0]);
  const { minItems, maxItems } = z.toJSONSchema(type, { io: "input" });
  const element = keyOf(type.element as z.ZodType).type;
  const each = allowed(element);
  return [
    said?.replace(isNot, "").replace(/^a /, "") ?? "list",
    ...(minItems === undefined ? [] : [`, ${minItems} or more`]),
    ...(maxItems === undefined ? [] : [`, ${maxItems} at most`]),
    // An object's keys have a table of their own.
    ...(element instanceof z.ZodObject || element instanceof z.ZodDiscriminatedUnion
      ? []
      : [`; each ${each.startsWith("`") ? "one of " : ""}${each}`]),
  ].join("");
}

const isNot = /^is not /;

/** The schema's own error text; undefined if zod's default applies. */
function complaint(issue: { message: string } | undefined): string | undefined {
  return issue?.message.startsWith("Invalid input") ? undefined : issue?.message;
}

function complaintsOfChecks(type: z.ZodType): string[] {
  const said = (type._zod.def.checks ?? []).map(({ _zod: { def } }) => {
    const { error } = def as { error?: z.core.$ZodErrorMap };
    const message = error?.({ code: "custom", input: undefined, path: [], message: "" });
    return typeof message === "string" ? message : message?.message;
  });
  return [...new Set(said)].filter((message) => message !== undefined);
}

function sinceVersion(since: string): string {
  const older = Object.entries(osProfiles)
    .filter(([, { keepalived }]) => compareVersions(keepalived.version, since) < 0)
    .map(([os]) => `\`${os}\``);
  const not = older.length > 0 ? `, so not on ${older.join(", ")}` : "";
  return `keepalived ${since} or later${not}`;
}
