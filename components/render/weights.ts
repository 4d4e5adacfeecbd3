// A weight of what is tracked, as keepalived.conf(5) takes it.

/** A weight and its sense; nothing where neither is said. keepalived takes no sense alone: `own` is the weight that holds then. */
export function weightText(
  { weight, reverse }: { weight?: number; reverse?: boolean },
  own: number,
): string | undefined {
  if (weight === undefined && !reverse) return undefined;
  return `${weight ?? own}${reverse ? " reverse" : ""}`;
}
