// Pulumi.yaml's `config:` block, by which the engine knows types and defaults before the program runs.
import { parseDocument } from "yaml";
import { z } from "zod";
import { namespace } from "../../components/config";
import { schema } from "../../components/schema";
import { keyOf } from "./words";

/** Pulumi.yaml with its config block made anew; the rest stays. */
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
      // An object's defaults are those of its keys; the engine is told that none need be given.
      const value = fallback ?? (given instanceof z.ZodPrefault ? {} : undefined);
      // The engine asks for whatever is declared without a default.
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
  // The engine refuses a default that is of another type; a value it takes as text, too, as `pulumi config set` writes it.
  if (type instanceof z.ZodBoolean) return { type: "boolean" };
  return { type: type instanceof z.ZodObject || type instanceof z.ZodRecord ? "object" : "string" };
}
