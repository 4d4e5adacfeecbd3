// What every rule is made of.
import { closest } from "fastest-levenshtein";
import type { SecretName, StackConfig } from "../schema";

type HasSecret = (name: SecretName) => boolean;

/** Something that must hold between keys of the stack config; it names the keys that it compares. */
export interface Rule<Found = string> {
  needs: (keyof StackConfig)[];
  /** One line a breach: path, value, what is allowed. Nothing while a key that it needs is not right in itself. */
  find: (config: Partial<StackConfig>, hasSecret: HasSecret) => Found[];
}

/** A rule that sees the keys which it needs, and no others. */
export function rule<Key extends keyof StackConfig, Found>({
  needs,
  find,
}: {
  needs: Key[];
  find: (config: Pick<StackConfig, Key>, hasSecret: HasSecret) => Found[];
}): Rule<Found> {
  return {
    needs,
    find: (config, hasSecret) => (hasKeys(config, needs) ? find(config, hasSecret) : []),
  };
}

/** Whether these keys are there, and so right in themselves. */
export function hasKeys<Key extends keyof StackConfig>(
  config: Partial<StackConfig>,
  keys: Key[],
): config is Partial<StackConfig> & Pick<StackConfig, Key> {
  return keys.every((key) => key in config);
}

interface Entry {
  at: string;
  value: string | number | undefined;
}

/** The names of a list's items, and where they are. */
export function named(list: string, items: { name: string }[]): { at: string; value: string }[] {
  return items.map(({ name }, i) => ({ at: `${list}[${i}].name`, value: name }));
}

/** An error for every value that an earlier entry has already. */
export function repeated(what: string, entries: Entry[]): string[] {
  const first = new Map<string | number, string>();
  return entries.flatMap(({ at, value }) => {
    if (value === undefined) return [];
    const earlier = first.get(value);
    if (earlier === undefined) {
      first.set(value, at);
      return [];
    }
    return [`${at}: ${what} ${JSON.stringify(value)} is taken by ${earlier}; each must be unique`];
  });
}

/** An error for every name that is not among the known ones. */
export function unknown(what: string, entries: Entry[], known: string[]): string[] {
  return entries.flatMap(({ at, value }) => {
    if (value === undefined || known.includes(String(value))) return [];
    const hint =
      known.length === 0
        ? "there is none"
        : `did you mean ${closest(String(value), known)}? known: ${known.join(", ")}`;
    return [`${at}: ${JSON.stringify(value)} is no ${what}; ${hint}`];
  });
}
