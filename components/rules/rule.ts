// Building blocks for rules.
import { closest } from "fastest-levenshtein";
import type { SecretName, StackConfig } from "../schema";

type HasSecret = (name: SecretName) => boolean;

/** A condition between keys of the stack config, with the keys that it needs. */
export interface Rule<Found = string> {
  needs: (keyof StackConfig)[];
  /**
   * One line per violation: path, value, what is allowed. Empty if a key that the rule needs is
   * missing or invalid.
   */
  find: (config: Partial<StackConfig>, hasSecret: HasSecret) => Found[];
}

/** Makes a rule that sees only the keys it needs. */
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

/** Whether these keys are present; invalid keys are left out before. */
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

/** The names of a list's items with their places. */
export function named(list: string, items: { name: string }[]): { at: string; value: string }[] {
  return items.map(({ name }, i) => ({ at: `${list}[${i}].name`, value: name }));
}

/** An error for every value that an earlier entry already has. */
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

/** An error for every name that is not known. */
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
