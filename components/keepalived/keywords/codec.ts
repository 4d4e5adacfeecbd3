// Maps a key of the stack config to a line of keepalived.conf(5) and back. The renderers and the
// import use tables of such codecs.
import { call, type ScriptCall } from "../scriptCall";

/** Thrown for what can't be taken over from a keepalived.conf; the message says why. */
export class Unfit extends Error {
  constructor(
    message: string,
    /** The value that counts instead: `weight: 1`. */
    readonly now = "as if the line were not there",
  ) {
    super(message);
  }
}

/** A key's keyword. */
export interface Codec<Value> {
  /** The keyword to write first, then its synonyms. */
  names: readonly [string, ...string[]];
  /** The lines for a value; none if keepalived does the same by default. */
  write: (value: Value) => string[];
  /**
   * Reads a line's value in the form a user would write; the key's type checks it.
   * @param args the words after the keyword
   * @throws Unfit when the line has no readable value
   */
  read: (args: readonly string[], keyword: string) => unknown;
  /** How many words after the keyword have a meaning. */
  words: number;
}

/** The keyword of a script call. The import reads it itself, because it needs the script's file. */
export type Hook = Omit<Codec<ScriptCall>, "read"> & { read?: undefined };

/**
 * `structural`: the key has no keyword of its own, but a block, a part of several lines, or an
 * effect on them.
 */
export type Entry<Value> = Codec<Value> | Hook | "structural";

/** A keyword for each key of a part of the config. */
export type Table<Config> = { [Key in keyof Config]-?: Entry<NonNullable<Config[Key]>> };

type AnyTable = Readonly<Record<string, Entry<never>>>;

/** The values of a table's keys. */
export type ValuesOf<Keywords> = {
  [
    Key in keyof Keywords as Keywords[Key] extends "structural" ? never : Key
  ]?: Keywords[Key] extends { write: (value: infer Value) => string[] } ? Value : never;
};

type StructuralOf<Keywords> = {
  [Key in keyof Keywords]: Keywords[Key] extends "structural" ? Key : never;
}[keyof Keywords];

/**
 * The lines of a part of the config, in the table's order.
 * @param structural lines of keys without a keyword of their own
 */
export function linesOf<Keywords extends AnyTable>(
  table: Keywords,
  values: ValuesOf<Keywords>,
  structural: Partial<Record<StructuralOf<Keywords>, string[]>> = {},
): string[] {
  const given: Readonly<Record<string, unknown>> = values;
  const lines: Readonly<Record<string, string[] | undefined>> = structural;
  return Object.entries(table).flatMap(([key, entry]) => {
    if (entry === "structural") return lines[key] ?? [];
    return given[key] === undefined ? [] : entry.write(given[key] as never);
  });
}

type Names = [string, ...string[]];

/** A word: `scheduler: rr` is `lvs_sched rr`. */
export const text = (...names: Names) => plain<string>(names, ([first]) => wordOf(first));

/** A whole number. */
export const whole = (...names: Names) =>
  plain<number>(names, ([first]) => integerOf(wordOf(first)));

/** A decimal number of seconds. */
export const decimal = (...names: Names) =>
  plain<number>(names, ([first]) => secondsOf(wordOf(first)));

/** Several words on one line. */
export const list = (name: string, read: (word: string) => unknown = (word) => word) => ({
  ...plain<readonly (string | number)[]>([name], (args) => args.map((word) => read(word)), 128),
  write: (value: readonly (string | number)[]) => [`${name} ${value.join(" ")}`],
});

/** The keyword alone means true. */
export const on = (...names: Names): Codec<boolean> => ({
  names,
  write: (value) => (value ? [names[0]] : []),
  read: () => true,
  words: 0,
});

/** The keyword alone means false. */
export const off = (...names: Names): Codec<boolean> => ({
  names,
  write: (value) => (value ? [] : [names[0]]),
  read: () => false,
  words: 0,
});

/** Like `on`; when read, `on` or `off` may follow the keyword. */
export const flag = (...names: Names): Codec<boolean> => ({
  ...on(...names),
  read: ([first]) => flagOf(first),
  words: 1,
});

/** Writes both true and false. */
export const onOff = (...names: Names): Codec<boolean> => ({
  ...flag(...names),
  write: (value) => [`${names[0]} ${value ? "on" : "off"}`],
});

/** A script call. */
export const hook = (...names: Names): Hook => ({
  names,
  write: (value) => [`${names[0]} ${call(value)}`],
  words: 1,
});

/** Writes no line for keepalived's default. */
export const unless = <Value>(usual: NoInfer<Value>, codec: Codec<Value>): Codec<Value> => ({
  ...codec,
  write: (value) => (value === usual ? [] : codec.write(value)),
});

function plain<Value extends string | number | readonly (string | number)[]>(
  names: Names,
  read: (args: readonly string[]) => unknown,
  words = 1,
): Codec<Value> {
  return { names, write: (value) => [`${names[0]} ${String(value)}`], read, words };
}

/** The word. @throws Unfit when there is none */
export function wordOf(word: string | undefined): string {
  if (word === undefined) throw new Unfit("has no value");
  return word;
}

/** A whole number, as strtol(3) reads it. @throws Unfit for anything else */
export function integerOf(written: string): number {
  if (!/^[+-]?\d+$/.test(written.trim()))
    throw new Unfit(`${JSON.stringify(written)} is not a whole number`);
  return Number(written);
}

/** A decimal number of seconds. @throws Unfit for anything else */
export function secondsOf(written: string): number {
  if (!/^(\d+\.?\d*|\.\d+)$/.test(written))
    throw new Unfit(`${JSON.stringify(written)} is not a number`);
  return Number(written);
}

/** A boolean: on, true, yes or nothing; off, false, no. @throws Unfit for anything else */
export function flagOf(first = "on"): boolean {
  if (["on", "true", "yes"].includes(first)) return true;
  if (["off", "false", "no"].includes(first)) return false;
  throw new Unfit(`${JSON.stringify(first)} is neither on nor off`);
}
