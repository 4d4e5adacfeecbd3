// Weights of what is tracked, as keepalived.conf(5) takes them.
import type { Settings } from "../settings";

/** Where `tracking` defines things. */
type Definitions = keyof Settings["tracking"];

/** What holds of each where it is defined without a weight: a file's number counts once, all else is a fault. */
export const ownWeight: Record<Definitions, number> = {
  scripts: 0,
  processes: 0,
  files: 1,
  bfd: 0,
};

/** What holds of something defined where it is tracked without a weight. */
export function definedWeight(
  tracking: Settings["tracking"],
  list: Definitions,
  name: string,
): number {
  return tracking[list].find((one) => one.name === name)?.weight ?? ownWeight[list];
}

/** A weight and its sense; nothing where neither is said. keepalived takes no sense alone: `own` is the weight that holds then. */
export function weightOf(
  { weight, reverse }: { weight?: number; reverse?: boolean },
  own: number,
): string | undefined {
  if (weight === undefined && !reverse) return undefined;
  return `${weight ?? own}${reverse ? " reverse" : ""}`;
}
