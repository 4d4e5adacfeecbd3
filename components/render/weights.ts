// A tracked object's weight, as keepalived.conf(5) writes it.

/**
 * A weight and its sense; undefined if neither is set. keepalived takes no sense without a weight,
 * so `own`, the weight that holds then, is written.
 */
export function weightText(
  { weight, reverse }: { weight?: number; reverse?: boolean },
  own: number,
): string | undefined {
  if (weight === undefined && !reverse) return undefined;
  return `${weight ?? own}${reverse ? " reverse" : ""}`;
}
