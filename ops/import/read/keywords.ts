// Reads blocks of keepalived.conf(5) by tables: a keyword, and how its line gets into the stack
// config.
import type { z } from "zod";
import {
  flagOf,
  integerOf,
  secondsOf,
  wordOf,
  type Codec,
} from "../../../components/keepalived/keywords/codec";
import { oneNameOf, repeatOf } from "../../../components/keepalived/keywords/repeats";
import type { Statement } from "../syntax/parse";
import { blockName, keepalivedLine } from "../../../components/schema/types";
import { Unfit, type Scribe } from "../report";

/** Reads a statement into a draft of the config. @throws Unfit when that is impossible */
export type Read<Draft> = (draft: Draft, statement: Statement, scribe: Scribe) => void;

/** A block's readers by keyword. */
export type Keywords<Draft> = Readonly<Record<string, Read<Draft>>>;

/**
 * Reads a block by its table. Statements that are unknown or unreadable are reported.
 * @param earlier lines of blocks that keepalived treats as one with this, such as several
 * global_defs
 */
export function readBlock<Draft>(
  of: Pick<Statement, "keyword" | "block">,
  keywords: Keywords<Draft>,
  draft: Draft,
  scribe: Scribe,
  earlier = new Map<string, Statement>(),
): Draft {
  for (const statement of of.block ?? []) {
    const read = Object.hasOwn(keywords, statement.keyword)
      ? keywords[statement.keyword]
      : undefined;
    if (!read) {
      scribe.unknown(statement, Object.keys(keywords));
      continue;
    }
    const name = oneNameOf(statement.keyword);
    const before = earlier.get(name);
    const repeat = repeatOf(of.keyword, statement.keyword);
    if (before && repeat === "first") {
      scribe.leftOut(
        statement,
        `is given on line ${before.line} already, and keepalived keeps that`,
      );
      continue;
    }
    try {
      read(draft, statement, scribe);
    } catch (error) {
      if (!(error instanceof Unfit)) throw error;
      scribe.inexpressible(statement, `${error.message}; now ${error.now}`);
      continue;
    }
    earlier.set(name, statement);
    if (before && repeat === "last" && saysElse(before, statement)) {
      scribe.leftOut(before, `is given again on line ${statement.line}, and the last counts`);
    }
  }
  return draft;
}

function saysElse(a: Statement, b: Statement): boolean {
  if (a.block || b.block) return false;
  return a.args.join(" ") !== b.args.join(" ") || (a.args.length === 0 && a.keyword !== b.keyword);
}

/** Reads a block of values, one per line. Lines that don't fit are reported. */
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

/** A part of the config while it is being written. */
export type Draft<Shape> = { -readonly [Key in keyof Shape]?: z.input<Shape[Key]> };

/** Makes readers for a config object's keys. Each checks the value against the key's type. */
export function keysOf<Shape extends Readonly<Record<string, z.ZodType>>>(
  shape: Shape,
  /** keepalived's default by key, where it differs from the schema's. */
  usual: Readonly<Record<string, unknown>> = {},
) {
  return <Key extends keyof Shape & string>(
      key: Key,
      value: (statement: Statement) => z.input<Shape[Key]>,
      /** How many words of the statement have a meaning. */
      words = 1,
    ): Read<Partial<Record<Key, z.input<Shape[Key]>>>> =>
    (draft, statement, scribe) => {
      const read = orElse(
        () => {
          const given = value(statement);
          const error = typeOf(shape, key)?.safeParse(given).error;
          if (error) throw new Unfit(`${key}: ${JSON.stringify(given)} ${messageOf(error)}`);
          return given;
        },
        key,
        () => (key in draft ? draft[key] : key in usual ? usual[key] : defaultOf(shape, key)),
      );
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

/**
 * Makes readers from a table of keywords, without scripts and structural keys, which have readers
 * of their own.
 */
export function readersOf<Shape extends Readonly<Record<string, z.ZodType>>>(
  shape: Shape,
  table: Readonly<
    Record<
      string,
      (Pick<Codec<never>, "names" | "words"> & { read?: Codec<never>["read"] }) | "structural"
    >
  >,
  usual: Readonly<Record<string, unknown>> = {},
): Keywords<Draft<Shape>> {
  const key = keysOf(shape, usual);
  return Object.fromEntries(
    Object.entries(table).flatMap(([name, entry]) => {
      if (entry === "structural" || !entry.read || !(name in shape)) return [];
      const { names, read, words } = entry;
      const value = ({ args, keyword }: Statement) => read(args, keyword) as never;
      return names.map((keyword) => [keyword, key(name, value, words) as Read<Draft<Shape>>]);
    }),
  );
}

/** Runs `read`. If the value doesn't fit, the error names the value that counts instead. */
export function orElse<Value>(read: () => Value, key: string, instead: () => unknown): Value {
  try {
    return read();
  } catch (error) {
    if (!(error instanceof Unfit)) throw error;
    const value = instead();
    throw value === undefined
      ? error
      : new Unfit(error.message, `${key}: ${JSON.stringify(value)}`);
  }
}

function defaultOf(shape: Readonly<Record<string, z.ZodType>>, key: string): unknown {
  return typeOf(shape, key)?.safeParse(undefined).data;
}

function typeOf(shape: Readonly<Record<string, z.ZodType>>, key: string): z.ZodType | undefined {
  return shape[key];
}

/** Makes the readers of a part usable on the whole. */
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

/** The type's message about a value. */
export function messageOf(error: z.ZodError): string {
  const [issue] = error.issues;
  return issue ? issue.message : "is not allowed";
}

/** Reader for a keyword that the stack has no key for. */
export function cannot<Draft>(why = "the stack has no key for it"): Read<Draft> {
  return (_, statement, scribe) => {
    scribe.inexpressible(statement, why);
  };
}

/**
 * Reader for a keyword without a key that doesn't affect the rest of the stack: its line is passed
 * on as it is.
 */
export function passedOn<Draft extends { otherKeywords?: string[] }>(): Read<Draft> {
  return (draft, statement, scribe) => {
    const line = [statement.keyword, ...statement.args].join(" ");
    if (statement.block || !keepalivedLine.safeParse(line).success) {
      throw new Unfit("the stack has no key for it, and passes on plain words only");
    }
    (draft.otherKeywords ??= []).push(line);
    scribe.kept(statement, "otherKeywords");
  };
}

/** Reader for a keyword whose setting the stack always has. */
export function always<Draft>(what: string): Read<Draft> {
  return (_, statement, scribe) => {
    scribe.kept(statement, what);
  };
}

/** A table with the same entry for each keyword. */
export function each<Value>(keywords: string, value: Value): Record<string, Value> {
  return Object.fromEntries(keywords.split(" ").map((keyword) => [keyword, value]));
}

/** The nearest name that the stack allows for an instance, a group or a tracked object. */
export function blockNameOf(written: string): string {
  if (blockName.safeParse(written).success) return written;
  const clean = written
    .replace(/[^A-Za-z0-9_-]+/g, "_")
    .replace(/^[^A-Za-z]+/, "")
    .slice(0, 31);
  return blockName.safeParse(clean).success ? clean : written;
}

/** Reports what became of a block's name. */
export function keptName(statement: Statement, name: string, scribe: Scribe): void {
  if (name === statement.args[0]) scribe.kept(statement, "name");
  else {
    const why = "a name in the stack is of letters, digits, _ and -, 31 at most, a letter first";
    scribe.changed(statement, `name: ${name}`, why);
  }
}

/** The statement's first word after the keyword. */
export function word({ args: [first] }: Statement): string {
  return wordOf(first);
}

/** A whole number, as strtol(3) reads it. */
export function integer(statement: Statement): number {
  return integerOf(word(statement));
}

/** A decimal number of seconds. */
export function seconds(statement: Statement): number {
  return secondsOf(word(statement));
}

/** A boolean: on, true, yes or nothing; off, false, no. */
export function flag({ args: [first] }: Statement): boolean {
  return flagOf(first);
}

export { integerOf, secondsOf };
