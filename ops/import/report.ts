// Reports what an import did with each line: kept it, changed it, or could not express it.
import { nearest } from "../../components/nearest";
import type { Remark } from "./syntax/lines";
import type { Statement } from "./syntax/parse";

/** A line that the stack config has unchanged. */
export interface Kept {
  /** `FILE:LINE`. */
  where: string;
  text: string;
  /** Key of the stack config. */
  to: string;
}

/** A line that the stack config has with a different meaning, or not at all. */
export interface Changed {
  where: string;
  from: string;
  to: string;
  why: string;
}

/** A line that the stack config can't express. */
export interface Inexpressible {
  where: string;
  text: string;
  why: string;
}

/** A value that the imported files don't contain. */
export interface ToFillIn {
  /** Key of the stack config. */
  at: string;
  what: string;
}

/** What became of each line of the imported files. */
export interface Report {
  kept: Kept[];
  changed: Changed[];
  inexpressible: Inexpressible[];
  toFillIn: ToFillIn[];
}

export { Unfit } from "../../components/keepalived/keywords/codec";

/** What has been reported so far. */
interface Notes {
  seen: Set<Statement>;
  /** By place and text. */
  kept: Map<string, Kept[]>;
  /** Lines first reported as kept, then as changed or not expressed. */
  dropped: Set<Kept>;
  /** Keys of the stack config. */
  toFillIn: Set<string>;
}

/** Writes the report and makes sure that every statement is in it. */
export class Scribe {
  private constructor(
    readonly report: Report,
    private readonly notes: Notes,
    /** Key of the stack config that the current statements belong to. */
    private readonly path: string,
  ) {}

  /** A scribe for the top level of the config. */
  static of(report: Report): Scribe {
    const notes = {
      seen: new Set<Statement>(),
      kept: new Map<string, Kept[]>(),
      dropped: new Set<Kept>(),
      toFillIn: new Set<string>(),
    };
    return new Scribe(report, notes, "");
  }

  /** A scribe for statements below a key. */
  in(key: string): Scribe {
    return new Scribe(this.report, this.notes, this.at(key));
  }

  /** Reports a statement as kept, once. */
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

  /** Reports a statement as changed. Further notes on the same line are added. */
  changed(statement: Statement, to: string, why: string): void {
    this.notes.seen.add(statement);
    this.drop(statement);
    const { where, text } = placeOf(statement);
    this.report.changed.push({ where, from: text, to, why });
  }

  /** Withdraws the note that a statement was kept. */
  private drop(statement: Statement): void {
    const { where, text } = placeOf(statement);
    const known = this.notes.kept.get(`${where} ${text}`)?.shift();
    if (known) this.notes.dropped.add(known);
  }

  /** Reports a statement that has no effect on keepalived, and so none on the stack. */
  leftOut(statement: Statement, why: string): void {
    for (const inner of allOf(statement.block ?? [])) {
      this.notes.seen.add(inner);
      this.drop(inner);
    }
    this.changed(statement, "nothing", why);
  }

  /** Reports a statement with its block as not expressible. */
  inexpressible(statement: Statement, why: string): void {
    for (const inner of allOf([statement])) {
      this.notes.seen.add(inner);
      this.drop(inner);
    }
    this.report.inexpressible.push({ ...placeOf(statement), why });
  }

  /** Reports a keyword that has no meaning in its place. */
  unknown(statement: Statement, known: string[]): void {
    const near = nearest(statement.keyword, known);
    this.inexpressible(
      statement,
      `keepalived knows no ${statement.keyword} here${near ? `; was ${near} meant?` : ""}`,
    );
  }

  /** Reports every statement without a note. */
  rest(statements: Statement[]): void {
    for (const statement of statements) {
      if (!this.notes.seen.has(statement)) {
        this.inexpressible(statement, "has no effect where it stands");
      } else if (statement.block) {
        this.rest(statement.block);
      }
    }
  }

  /** Reports remarks on lines as not expressible. */
  remarks(remarks: Remark[]): void {
    for (const { file, line, text, why } of remarks) {
      this.report.inexpressible.push({ where: `${file}:${line}`, text, why });
    }
  }

  /** Reports a value to fill in, once for each key. */
  fillIn(at: string, what: string): void {
    const key = this.at(at);
    if (this.notes.toFillIn.has(key)) return;
    this.notes.toFillIn.add(key);
    this.report.toFillIn.push({ at: key, what });
  }

  /**
   * The line that a key of the stack config comes from, or else that of the nearest enclosing key.
   */
  origin(key: string): { where: string; text: string } | undefined {
    const { kept } = this.report;
    const found =
      kept.find(({ to }) => to === key) ??
      (key.includes("[") ? kept.find(({ to }) => to.startsWith(`${key}.`)) : undefined);
    if (found) return found;
    const outer = key.replace(/(\.[^.[\]]+|\[[^\]]*\])$/, "");
    return outer === key ? undefined : this.origin(outer);
  }

  /** Renames keys in the report that have moved in the config. */
  moved(from: string, to: string): void {
    for (const kept of this.report.kept) {
      if (kept.to.startsWith(from)) kept.to = to + kept.to.slice(from.length);
    }
    for (const open of this.report.toFillIn) {
      if (open.at.startsWith(from)) open.at = to + open.at.slice(from.length);
    }
  }

  /** Sorts the report in the files' order and removes duplicates from several directors' files. */
  close(): void {
    const { report } = this;
    report.kept = once(report.kept.filter((entry) => !this.notes.dropped.has(entry)));
    report.changed = once(report.changed);
    report.inexpressible = once(report.inexpressible);
  }

  /** The full key: one that begins with `/` is not relative to the statement's place. */
  private at(key: string): string {
    if (key.startsWith("/")) return key.slice(1);
    if (this.path === "") return key;
    if (key === "") return this.path;
    return key.startsWith("[") ? `${this.path}${key}` : `${this.path}.${key}`;
  }
}

/** The report as text for a person. */
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

/** A statement's file, line and words. */
function placeOf({ file, line, text }: Statement): { where: string; text: string } {
  return { where: `${file}:${line}`, text };
}

function allOf(statements: Statement[]): Statement[] {
  return statements.flatMap((statement) => [statement, ...allOf(statement.block ?? [])]);
}
