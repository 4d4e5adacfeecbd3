// Blocks of keepalived.conf(5) as tables: a keyword, and how what stands behind it gets into the stack config.
import type { z } from "zod";
import type { Statement } from "../syntax/parse";
import { Unfit, type Scribe } from "../report";

/** Takes a statement over into a draft of the config. @throws Unfit when it can't be */
export type Read<Draft> = (draft: Draft, statement: Statement, scribe: Scribe) => void;

export type Keywords<Draft> = Readonly<Record<string, Read<Draft>>>;

/** Reads a block by its table; what the table doesn't know, or can't read, is reported. */
export function readBlock<Draft>(
  block: Statement[] | undefined,
  keywords: Keywords<Draft>,
  draft: Draft,
  scribe: Scribe,
): Draft {
  for (const statement of block ?? []) {
    const read = Object.hasOwn(keywords, statement.keyword)
      ? keywords[statement.keyword]
      : undefined;
    if (!read) {
      scribe.unknown(statement, Object.keys(keywords));
      continue;
    }
    try {
      read(draft, statement, scribe);
    } catch (error) {
      if (!(error instanceof Unfit)) throw error;
      scribe.inexpressible(statement, error.message);
    }
  }
  return draft;
}

/** Reads a block of values, a line each; a line that can't be taken over is reported. */
export function readLines<Value>(
  block: Statement[] | undefined,
  scribe: Scribe,
  read: (words: string[], line: Statement) => Value[],
): Value[] {
  return (block ?? []).flatMap((line) => {
    try {
      const values = read([line.keyword, ...line.args], line);
      scribe.kept(line);
      return values;
    } catch (error) {
      if (!(error instanceof Unfit)) throw error;
      scribe.inexpressible(line, error.message);
      return [];
    }
  });
}

/** An object of the config while it is being written. */
export type Draft<Shape> = { -readonly [Key in keyof Shape]?: z.input<Shape[Key]> };

/** Makes readers of a config object's keys: each value must be one that the key allows. */
export function keysOf<Shape extends Readonly<Record<string, z.ZodType>>>(shape: Shape) {
  return <Key extends keyof Shape & string>(
      key: Key,
      value: (statement: Statement) => z.input<Shape[Key]>,
      /** How many words of the statement have a meaning. */
      words = 1,
    ): Read<Partial<Record<Key, z.input<Shape[Key]>>>> =>
    (draft, statement, scribe) => {
      const read = value(statement);
      const error = typeOf(shape, key)?.safeParse(read).error;
      if (error) throw new Unfit(`${key}: ${JSON.stringify(read)} ${messageOf(error)}`);
      if (key in draft && JSON.stringify(draft[key]) !== JSON.stringify(read)) {
        scribe.changed(
          statement,
          `${key}: ${JSON.stringify(read)}`,
          "is given twice; the last counts",
        );
      }
      draft[key] = read;
      if (statement.args.length > words) {
        scribe.changed(
          statement,
          [statement.keyword, ...statement.args.slice(0, words)].join(" "),
          "keepalived does not read the words behind it",
        );
      }
      scribe.kept(statement, key);
    };
}

function typeOf(shape: Readonly<Record<string, z.ZodType>>, key: string): z.ZodType | undefined {
  return shape[key];
}

/** The same readers for what a draft is a part of. */
export function within<Outer, Inner>(
  part: (outer: Outer) => Inner,
  keywords: Keywords<Inner>,
  key = "",
): Keywords<Outer> {
  return Object.fromEntries(
    Object.entries(keywords).map(([keyword, read]) => [
      keyword,
      (outer: Outer, statement: Statement, scribe: Scribe) => {
        read(part(outer), statement, scribe.in(key));
      },
    ]),
  );
}

/** What a type says is wrong with a value. */
export function messageOf(error: z.ZodError): string {
  const [issue] = error.issues;
  return issue ? issue.message : "is not allowed";
}

/** A keyword that the stack config has no key for. */
export function cannot<Draft>(why = "the stack has no key for it"): Read<Draft> {
  return (_, statement, scribe) => {
    scribe.inexpressible(statement, why);
  };
}

/** A keyword that says what the stack says anyway. */
export function always<Draft>(what: string): Read<Draft> {
  return (_, statement, scribe) => {
    scribe.kept(statement, what);
  };
}

/** One entry of a table for each of the keywords. */
export function each<Value>(keywords: string, value: Value): Record<string, Value> {
  return Object.fromEntries(keywords.split(" ").map((keyword) => [keyword, value]));
}

/** The word behind the keyword. */
export function word({ args: [first] }: Statement): string {
  if (first === undefined) throw new Unfit("has no value");
  return first;
}

/** A whole number, as strtol(3) reads it. */
export function integer(statement: Statement): number {
  return integerOf(word(statement));
}

export function integerOf(text: string): number {
  if (!/^[+-]?\d+$/.test(text.trim()))
    throw new Unfit(`${JSON.stringify(text)} is not a whole number`);
  return Number(text);
}

/** A decimal number: a time in seconds. */
export function seconds(statement: Statement): number {
  return secondsOf(word(statement));
}

export function secondsOf(text: string): number {
  if (!/^(\d+\.?\d*|\.\d+)$/.test(text)) throw new Unfit(`${JSON.stringify(text)} is not a number`);
  return Number(text);
}

/** On, true, yes, or nothing; off, false, no. */
export function flag({ args: [first = "on"] }: Statement): boolean {
  if (["on", "true", "yes"].includes(first)) return true;
  if (["off", "false", "no"].includes(first)) return false;
  throw new Unfit(`${JSON.stringify(first)} is neither on nor off`);
}
