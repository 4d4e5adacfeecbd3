// What an import did with each line of the config: kept it, changed it, or could not express it.
import { nearest } from "../../components/nearest";
import type { Remark } from "./syntax/lines";
import type { Statement } from "./syntax/parse";

/** A line that is in the stack config as it was. */
export interface Kept {
  /** File and line. */
  where: string;
  text: string;
  /** Key of the stack config. */
  to: string;
}

export interface Changed {
  where: string;
  from: string;
  to: string;
  why: string;
}

export interface Inexpressible {
  where: string;
  text: string;
  why: string;
}

/** A value that the imported files don't hold. */
export interface ToFillIn {
  /** Key of the stack config. */
  at: string;
  what: string;
}

export interface Report {
  kept: Kept[];
  changed: Changed[];
  inexpressible: Inexpressible[];
  toFillIn: ToFillIn[];
}

export { Unfit } from "../../components/keepalived/keywords/codec";

/** What was said so far of the statements. */
interface Notes {
  seen: Set<Statement>;
  /** By place and text. */
  kept: Map<string, Kept[]>;
  /** Kept at first, and changed or not expressed by a later note. */
  dropped: Set<Kept>;
  /** Keys of the stack config. */
  toFillIn: Set<string>;
}

/** Writes the report, and sees to it that every statement gets into it. */
export class Scribe {
  private constructor(
    readonly report: Report,
    private readonly notes: Notes,
    /** Key of the stack config that the statements at hand are about. */
    private readonly path: string,
  ) {}

  static of(report: Report): Scribe {
    const notes = {
      seen: new Set<Statement>(),
      kept: new Map<string, Kept[]>(),
      dropped: new Set<Kept>(),
      toFillIn: new Set<string>(),
    };
    return new Scribe(report, notes, "");
  }

  /** For what lies below a key. */
  in(key: string): Scribe {
    return new Scribe(this.report, this.notes, this.at(key));
  }

  kept(statement: Statement, key = ""): void {
    const { seen, kept } = this.notes;
    if (seen.has(statement)) return;
    seen.add(statement);
    const entry = { ...placeOf(statement), to: this.at(key) };
    this.report.kept.push(entry);
    const place = `${entry.where} ${entry.text}`;
    const others = kept.get(place);
    if (others) others.push(entry);
    else kept.set(place, [entry]);
  }

  /** Also where a value is read: a second note of the same line is added to the first. */
  changed(statement: Statement, to: string, why: string): void {
    this.notes.seen.add(statement);
    this.drop(statement);
    const { where, text } = placeOf(statement);
    this.report.changed.push({ where, from: text, to, why });
  }

  /** What was said to be kept of a statement is so no more. */
  private drop(statement: Statement): void {
    const { where, text } = placeOf(statement);
    const known = this.notes.kept.get(`${where} ${text}`)?.shift();
    if (known) this.notes.dropped.add(known);
  }

  /** A statement that has no effect on keepalived, and so none on the stack. */
  leftOut(statement: Statement, why: string): void {
    for (const inner of allOf(statement.block ?? [])) {
      this.notes.seen.add(inner);
      this.drop(inner);
    }
    this.changed(statement, "nothing", why);
  }

  /** The statement, and its block if it has one. */
  inexpressible(statement: Statement, why: string): void {
    for (const inner of allOf([statement])) {
      this.notes.seen.add(inner);
      this.drop(inner);
    }
    this.report.inexpressible.push({ ...placeOf(statement), why });
  }

  /** A keyword that has no meaning where it stands. */
  unknown(statement: Statement, known: string[]): void {
    const near = nearest(statement.keyword, known);
    this.inexpressible(
      statement,
      `keepalived knows no ${statement.keyword} here${near ? `; was ${near} meant?` : ""}`,
    );
  }

  /** Every statement of which nothing was said yet. */
  rest(statements: Statement[]): void {
    for (const statement of statements) {
      if (!this.notes.seen.has(statement)) {
        this.inexpressible(statement, "has no effect where it stands");
      } else if (statement.block) {
        this.rest(statement.block);
      }
    }
  }

  remarks(remarks: Remark[]): void {
    for (const { file, line, text, why } of remarks) {
      this.report.inexpressible.push({ where: `${file}:${line}`, text, why });
    }
  }

  fillIn(at: string, what: string): void {
    const key = this.at(at);
    if (this.notes.toFillIn.has(key)) return;
    this.notes.toFillIn.add(key);
    this.report.toFillIn.push({ at: key, what });
  }

  /** The line that a key of the stack config came of, or else what the key is a part of. */
  origin(key: string): { where: string; text: string } | undefined {
    const { kept } = this.report;
    const found =
      kept.find(({ to }) => to === key) ??
      (key.includes("[") ? kept.find(({ to }) => to.startsWith(`${key}.`)) : undefined);
    if (found) return found;
    const outer = key.replace(/(\.[^.[\]]+|\[[^\]]*\])$/, "");
    return outer === key ? undefined : this.origin(outer);
  }

  /** Keys that got another place in the end. */
  moved(from: string, to: string): void {
    for (const kept of this.report.kept) {
      if (kept.to.startsWith(from)) kept.to = to + kept.to.slice(from.length);
    }
    for (const open of this.report.toFillIn) {
      if (open.at.startsWith(from)) open.at = to + open.at.slice(from.length);
    }
  }

  /** Puts the report in the files' order; what two directors' files have in common is there once. */
  close(): void {
    const { report } = this;
    report.kept = once(report.kept.filter((entry) => !this.notes.dropped.has(entry)));
    report.changed = once(report.changed);
    report.inexpressible = once(report.inexpressible);
  }

  /** A key in full: one that begins with `/` is not below the statement's place. */
  private at(key: string): string {
    if (key.startsWith("/")) return key.slice(1);
    if (this.path === "") return key;
    if (key === "") return this.path;
    return key.startsWith("[") ? `${this.path}${key}` : `${this.path}.${key}`;
  }
}

/** The report, as text for a person. */
export function renderReport(report: Report, options: { all?: boolean } = {}): string {
  const { kept, changed, inexpressible, toFillIn } = report;
  const lines = [
    `kept: ${kept.length} lines`,
    ...(options.all ? kept.map(({ where, text, to }) => `  ${where}: ${text} -> ${to}`) : []),
    `changed: ${changed.length}`,
    ...changed.flatMap(({ where, from, to, why }) => [
      `  ${where}: ${from}`,
      `    now ${to}: ${why}`,
    ]),
    `not expressed: ${inexpressible.length}`,
    ...inexpressible.flatMap(({ where, text, why }) => [`  ${where}: ${text}`, `    ${why}`]),
    `to be filled in: ${toFillIn.length}`,
    ...toFillIn.map(({ at, what }) => `  ${at}: ${what}`),
  ];
  return `${lines.join("\n")}\n`;
}

function once<Entry extends { where: string }>(entries: Entry[]): Entry[] {
  const key = (where: string) => {
    const [, file = "", line = "0"] = /^(.*):(\d+)$/.exec(where) ?? [undefined, where];
    return { file, line: Number(line) };
  };
  const unique = new Map(entries.map((entry) => [JSON.stringify(entry), entry]));
  return [...unique.values()].sort((a, b) => {
    const [x, y] = [key(a.where), key(b.where)];
    return x.file === y.file ? x.line - y.line : x.file < y.file ? -1 : 1;
  });
}

/** File and line of a statement, and its words. */
function placeOf({ file, line, text }: Statement): { where: string; text: string } {
  return { where: `${file}:${line}`, text };
}

function allOf(statements: Statement[]): Statement[] {
  return statements.flatMap((statement) => [statement, ...allOf(statement.block ?? [])]);
}
