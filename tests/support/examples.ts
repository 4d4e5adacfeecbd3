// The stacks in examples/, as a user copies them.
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { parse } from "yaml";
import { namespace } from "../../components/config";
import type { Stack } from "./stacks";

/** The folder of the examples. */
export const examplesFolder = join(__dirname, "../../examples");

/** Names of the examples: `examples/NAME.yaml`. */
export const exampleNames = readdirSync(examplesFolder)
  .filter((file) => file.endsWith(".yaml"))
  .map((file) => file.replace(/\.yaml$/, ""));

/** An example's stack config, without the namespace. */
export function example(name: string): Stack {
  const text = readFileSync(join(examplesFolder, `${name}.yaml`), "utf8");
  const { config } = parse(text) as { config: Record<string, unknown> };
  const prefix = `${namespace}:`;
  return Object.fromEntries(
    Object.entries(config).map(([key, value]) => {
      if (!key.startsWith(prefix)) throw new Error(`${name}.yaml: ${key} is not in ${namespace}`);
      return [key.slice(prefix.length), value];
    }),
  ) as Stack;
}
