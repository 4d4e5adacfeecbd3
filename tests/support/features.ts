// What the schema offers, and what of it a stack config uses: so that a test can ask whether its cases cover the whole.
import { z } from "zod";
import { compareVersions } from "../../components/os/versions";
import { schema } from "../../components/schema";
import type { Plain } from "./setRight";

type Type = z.core.$ZodType;

/**
 * Every key of the schema by its path, every branch of its unions, every value of its enumerations: `vrrp.version<0>=2`; of those
 * that a version of keepalived knows.
 */
export function features(version: string): Set<string> {
  const found = new Set<string>();
  const visit = (type: Type, at: string): void => {
    const since = z.globalRegistry.get(type)?.since;
    if (typeof since === "string" && compareVersions(version, since) < 0) return;
    found.add(at);
    for (const value of valuesOf(type)) found.add(`${at}=${value}`);
    for (const [below, suffix] of childrenOf(type)) visit(below, at + suffix);
  };
  for (const [key, type] of Object.entries(schema)) visit(type, key);
  return found;
}

/** The features that a config has. */
export function featuresOf(stack: Plain): Set<string> {
  const found = new Set<string>();
  const visit = (type: Type, value: unknown, at: string): void => {
    if (value === undefined) return;
    found.add(at);
    if (valuesOf(type).length > 0) found.add(`${at}=${value as string | number}`);
    const bare = unwrap(type);
    for (const [below, suffix] of childrenOf(type)) {
      if (bare instanceof z.ZodUnion) {
        if (z.safeParse(below, value).success) {
          visit(below, value, at + suffix);
          return;
        }
      } else if (bare instanceof z.ZodObject) {
        visit(below, (value as Plain)[suffix.slice(1)], at + suffix);
      } else {
        for (const item of Object.values(value as object)) visit(below, item, at + suffix);
      }
    }
  };
  for (const [key, type] of Object.entries(schema)) visit(type, stack[key], key);
  return found;
}

/** True when a feature is what is at this place of the schema, or within. */
export function isAtOrBelow(feature: string, place: string): boolean {
  return feature.startsWith(place) && /^($|[.[<{=])/.test(feature.slice(place.length));
}

/** The type under defaults, options and transforms: of what is written in a config. */
export function unwrap(type: Type): Type {
  if (
    type instanceof z.ZodDefault ||
    type instanceof z.ZodPrefault ||
    type instanceof z.ZodOptional
  ) {
    return unwrap(type.unwrap());
  }
  return type instanceof z.ZodPipe ? unwrap(type.in) : type;
}

/** The types below a type, and what each adds to the place. */
export function childrenOf(type: Type): [below: Type, suffix: string][] {
  const bare = unwrap(type);
  if (bare instanceof z.ZodUnion) {
    return bare.options.map((option, i) => [option, `<${nameOfBranch(option) ?? i}>`]);
  }
  if (bare instanceof z.ZodArray) return [[bare.element, "[]"]];
  if (bare instanceof z.ZodRecord) return [[bare.valueType, "{}"]];
  if (bare instanceof z.ZodObject) {
    return Object.entries(bare.shape as Record<string, Type>).map(([key, below]) => [
      below,
      `.${key}`,
    ]);
  }
  return [];
}

/** The values of a type that has few of them. */
export function valuesOf(type: Type): string[] {
  const bare = unwrap(type);
  if (bare instanceof z.ZodEnum) return bare.options.map(String);
  if (bare instanceof z.ZodLiteral) return [...bare.values].map(String);
  return bare instanceof z.ZodBoolean ? ["true", "false"] : [];
}

/** The branches of a discriminated union are told apart by their `type`. */
function nameOfBranch(option: Type): string | undefined {
  const { type } = option instanceof z.ZodObject ? (option.shape as Record<string, Type>) : {};
  return type && valuesOf(type)[0];
}
