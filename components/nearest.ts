// What a misspelt word may have been meant for.
import { closest, distance } from "fastest-levenshtein";

/** The known word that is nearest to this one; undefined where none is near. */
export function nearest(word: string, known: readonly string[]): string | undefined {
  if (known.length === 0) return undefined;
  const best = closest(word, known);
  return distance(word, best) <= Math.max(2, word.length / 3) ? best : undefined;
}
