// The stack's config, as the engine reads it.
import { pulumi, type StackOptions } from "./pulumi";

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
