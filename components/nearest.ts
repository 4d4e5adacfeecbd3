// Suggests the known word for a misspelt one.
import { closest, distance } from "fastest-levenshtein";

/** The nearest known word; undefined if none is near. */
export function nearest(word: string, known: readonly string[]): string | undefined {
  if (known.length === 0) return undefined;
  const best = closest(word, known);
  return distance(word, best) <= Math.max(2, word.length / 3) ? best : undefined;
}
