// README.md's tables name the schema's keys, all of them and no others, with their defaults and ranges.
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { z } from "zod";
import { schema, secretSchema } from "../components/schema";

/** The text between two headings of the README. */
function section(from: string, to: string): string {
  const readme = readFileSync(join(__dirname, "../README.md"), "utf8");
  return readme.split(`\n${from}\n`)[1]?.split(`\n${to}\n`)[0] ?? "";
}

/** Type and default of every key in the config tables. */
const rows = new Map(
  [
    ...section("## Configuration", "### Secrets").matchAll(
      /^\| `([^`]+)` +\| (.*?) +\| (.*?) +\|/gm,
    ),
  ].map(([, key = "", type = "", value = ""]) => [key, { type, value }] as const),
);

/** Every key below a type, by path: a list's items are written `key[].item`. */
function keysOf(type: unknown, path: string, fallback?: unknown): [string, unknown, unknown][] {
  let inner = type;
  while (
    inner instanceof z.ZodDefault ||
    inner instanceof z.ZodPrefault ||
    inner instanceof z.ZodOptional
  ) {
    if (inner instanceof z.ZodDefault) fallback = inner.def.defaultValue;
    inner = inner.unwrap();
  }
  if (inner instanceof z.ZodObject) {
    // A sorry server is one value of two parts.
    if (path.endsWith(".sorryServer")) return [[path, inner, fallback]];
    return Object.entries(inner.shape as Record<string, unknown>).flatMap(([key, below]) =>
      keysOf(below, `${path}.${key}`),
    );
  }
  if (inner instanceof z.ZodArray && inner.element instanceof z.ZodObject) {
    return [[path, inner, fallback], ...keysOf(inner.element, `${path}[]`)];
  }
  return [[path, inner, fallback]];
}

const keys = Object.entries(schema).flatMap(([key, type]) => keysOf(type, key));

test("the tables have the schema's keys, and no others", () => {
  expect([...rows.keys()].sort()).toEqual(keys.map(([path]) => path).sort());
});

test("the table of secrets has the schema's secrets", () => {
  const table = section("### Secrets", "### Coming from the Chef cookbooks");
  expect([...table.matchAll(/^\| `([^`]+)`/gm)].map(([, key]) => key).sort()).toEqual(
    Object.keys(secretSchema).sort(),
  );
});

test.each(keys.filter(([, , value]) => value !== undefined))(
  "%s: its default",
  (path, _, value) => {
    const said = typeof value === "string" ? value : JSON.stringify(value);
    const words = said === "{}" ? "none" : said.replaceAll('"', "").replaceAll(",", ", ");
    expect(rows.get(path)?.value.replaceAll("`", "")).toBe(words);
  },
);

test.each(keys.filter(([, type]) => type instanceof z.ZodNumber))("%s: its range", (path, type) => {
  const { minValue, maxValue } = type as z.ZodNumber;
  expect(rows.get(path)?.type.split(",")[0]).toBe(`${minValue}–${maxValue}`);
});

test.each(keys.filter(([, type]) => type instanceof z.ZodEnum))("%s: its values", (path, type) => {
  const written = rows.get(path)?.type;
  const values = (type as z.ZodEnum).options.map((value) => `\`${value}\``).join(", ");
  expect(written).toBe(written?.startsWith("as ") ? "as `os`" : values);
});
