// README.md's tables name existing keys with their defaults; docs/config.md has all keys.
import { readFileSync } from "node:fs";
import { join } from "node:path";
import type { z } from "zod";
import { schema, secretSchema } from "../components/schema";
import { keyOf, written } from "../docs/generate/words";
import { childrenOf } from "./support/features";

const readme = readFileSync(join(__dirname, "../README.md"), "utf8");

/** The text of the section "Configuration". */
const configuration = readme.split("\n## Configuration\n")[1]?.split("\n## ")[0] ?? "";

/** The key and default in every row of the tables. */
const rows = [...configuration.matchAll(/^\| `([^`]+)` +\| (.*?) *\| /gm)].map(
  ([, key = "", said = ""]) => [key, said] as const,
);

test("the tables have rows, and together they name most areas", () => {
  expect(rows.length).toBeGreaterThan(30);
  expect(Object.keys(schema).filter((key) => !configuration.includes(key))).toEqual([]);
});

test.each(rows)("%s is a key, and its default is %s", (key, said) => {
  const { required, fallback } = keyOf(typeAt(key));
  const truth = fallback === undefined ? (required ? "required" : "") : `\`${written(fallback)}\``;
  expect(said).toBe(truth);
});

test("Coming from the Chef cookbooks names keys that there are", () => {
  const table = configuration.split("\n### Coming from the Chef cookbooks\n")[1] ?? "";
  const keys = [...table.matchAll(/\| `(\w+(?:\[\])?\.\w+)`/g)].map(([, key = ""]) => key);
  expect(keys).toHaveLength(6);
  for (const key of keys) expect(() => typeAt(key)).not.toThrow();
});

test("secrets are set by names that there are", () => {
  const names = [...readme.matchAll(/config set --secret lvs-ha:(\w+)/g)].map(([, name]) => name);
  expect(names.filter((name) => name !== "NAME")).not.toEqual([]);
  expect([...Object.keys(secretSchema), "NAME"]).toEqual(expect.arrayContaining(names));
});

/** The schema's type at a path: `virtualServers[].address`. */
function typeAt(path: string): z.ZodType {
  const [first = "", ...rest] = path.match(/\w+|\[\]/g) ?? [];
  const start = (schema as Record<string, z.ZodType>)[first];
  return rest.reduce<z.ZodType>(
    (type, part) => {
      const suffix = part === "[]" ? part : `.${part}`;
      const [below] = childrenOf(type).find(([, its]) => its === suffix) ?? [];
      if (below === undefined) throw new Error(`${path} is no key`);
      return below as z.ZodType;
    },
    start ?? fail(path),
  );
}

function fail(path: string): never {
  throw new Error(`${path} is no key`);
}
