// The stack's config, as the engine reads it.
import { z } from "zod";
import type { StackConfig } from "../components/schema";
import { pulumi, type StackOptions } from "./pulumi";

/** Keys that hold hosts. */
export const hostLists = ["directors", "realServers"] as const satisfies (keyof StackConfig)[];

/** Hosts of a config that may not be right yet, by their names. */
export const namedHosts = z.array(z.object({ name: z.string() }));

/** The config's values by their keys, without the namespace; `args` are further words for `pulumi config`. */
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
