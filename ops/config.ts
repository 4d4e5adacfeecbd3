// The stack's config, as the engine reads it.
import { z } from "zod";
import type { StackConfig } from "../components/schema";
import { pulumi, type StackOptions } from "./pulumi";

/** Config keys that list hosts. */
export const hostLists = ["directors", "realServers"] as const satisfies (keyof StackConfig)[];

/** The names of hosts in a config that may still be invalid. */
export const namedHosts = z.array(z.object({ name: z.string() }));

/** The config's values by key, without the namespace. `args` are more words for `pulumi config`. */
export async function configEntries(
  options: StackOptions,
  args: readonly string[] = [],
): Promise<Record<string, unknown>> {
  const printed = JSON.parse(await pulumi(["config", "--json", ...args], options)) as Record<
    string,
    { value?: string; objectValue?: unknown }
  >;
  return Object.fromEntries(
    Object.entries(printed).map(([key, { value, objectValue }]) => [
      key.replace(/^lvs-ha:/, ""),
      objectValue ?? value,
    ]),
  );
}
