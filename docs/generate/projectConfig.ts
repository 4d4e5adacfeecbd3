// Pulumi.yaml's `config:` block, which tells the engine types and defaults before the program runs.
import { parseDocument } from "yaml";
import { z } from "zod";
import { namespace } from "../../components/config";
import { schema } from "../../components/schema";
import { keyOf } from "./words";

/** Pulumi.yaml with a new config block and everything else unchanged. */
export function projectFile(text: string): string {
  const document = parseDocument(text);
  const config = document.createNode(declarations());
  config.commentBefore = " Made by `npm run docs`; docs/config.md has every key.";
  document.set("config", config);
  return document.toString({ lineWidth: 0 });
}

function declarations(): Record<string, object> {
  return Object.fromEntries(
    Object.entries(schema).flatMap(([name, given]) => {
      const { type, required, fallback, meaning } = keyOf(given);
      // An object's keys have defaults of their own; for the engine, the default {} says that none
      // is required.
      const value = fallback ?? (given instanceof z.ZodPrefault ? {} : undefined);
      // The engine asks for every declared value without a default.
      if (!required && value === undefined) return [];
      const declaration = {
        ...engineType(type),
        ...(value === undefined ? {} : { default: value }),
        description: meaning,
      };
      return [[`${namespace}:${name}`, declaration]];
    }),
  );
}

function engineType(type: z.ZodType): { type: string; items?: object } {
  if (type instanceof z.ZodArray) {
    return { type: "array", items: engineType(keyOf(type.element as z.ZodType).type) };
  }
  // The engine refuses a default of another type than declared. It accepts a value as text, which
  // is how `pulumi config set` writes it.
  if (type instanceof z.ZodBoolean) return { type: "boolean" };
  return { type: type instanceof z.ZodObject || type instanceof z.ZodRecord ? "object" : "string" };
}
