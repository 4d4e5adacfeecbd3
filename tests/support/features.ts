// Lists what the schema offers and what a config uses, so that a test can check whether its cases
// cover everything.
import { z } from "zod";
import { compareVersions } from "../../components/os/versions";
import { schema } from "../../components/schema";
import type { Plain } from "./setRight";

type Type = z.core.$ZodType;

/**
 * The path of every key in the schema, every branch of its unions and every value of its
 * enumerations (`vrrp.version<0>=2`), as far as a version of keepalived knows them.
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

/** The features that a config uses. */
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

/** Whether a feature is at this place of the schema or below. */
export function isAtOrBelow(feature: string, place: string): boolean {
  return feature.startsWith(place) && /^($|[.[<{=])/.test(feature.slice(place.length));
}

/** The type below defaults, options and transforms: the type of the written value. */
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

/** The types below a type, with what each adds to the path. */
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

/** The values of a type with few values. */
export function valuesOf(type: Type): string[] {
  const bare = unwrap(type);
  if (bare instanceof z.ZodEnum) return bare.options.map(String);
  if (bare instanceof z.ZodLiteral) return [...bare.values].map(String);
  return bare instanceof z.ZodBoolean ? ["true", "false"] : [];
}

/** The name of a union's branch: the value of its `type`. */
function nameOfBranch(option: Type): string | undefined {
  const { type } = option instanceof z.ZodObject ? (option.shape as Record<string, Type>) : {};
  return type && valuesOf(type)[0];
}
