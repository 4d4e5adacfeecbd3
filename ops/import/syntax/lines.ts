// Reads keepalived.conf(5) as lines and resolves comments, @conditions, $definitions and includes,
// in keepalived's order. It does what lib/parser.c of keepalived 2.2.7 and 2.3.3 does; tests
// compare it with the real programs.
import { dirname } from "node:path";
import type { ConfigFiles } from "./files";

/** A place in a file of the config. */
export interface Place {
  file: string;
  line: number;
}

/** A line as keepalived's keywords see it: a statement, `{` or `}`. */
export interface Line extends Place {
  text: string;
  /** Comments on the lines directly above. */
  above: string[];
  /** The comment at the end of the line. */
  beside?: string;
}

/** A line that has no effect, or probably not the intended one. */
export interface Remark extends Place {
  text: string;
  why: string;
}

/** A `$NAME=TEXT`, which may span from `line` to `lastLine`. */
export interface Definition extends Place {
  name: string;
  value: string;
  lastLine: number;
  used: boolean;
}

/** An `include` and the files that it opened. */
export interface Include extends Place {
  pattern: string;
  files: string[];
}

/** What reading found besides the lines. */
export interface Findings {
  /** Errors, most of which keepalived reports, too. */
  problems: Remark[];
  /** Lines whose @condition is false for this host. */
  skipped: Remark[];
  definitions: Definition[];
  includes: Include[];
  /** Every line of every file as it is, with comments. */
  raw: (Place & { text: string })[];
}

/** keepalived reads lines of up to 1024 bytes (MAXBUF) and splits longer ones. */
const maxLineBytes = 1023;

/** Limit for nested includes and multiline definitions; deeper nesting means a loop. */
const maxDepth = 64;

/** For values that keepalived computes and hardly any config uses. */
const byHand = "expand it by hand";

/** More lines than any config needs. */
const maxLines = 50_000;

/**
 * Limit of characters in all files; a director with a thousand virtual servers has a quarter of it.
 */
const maxCharacters = 1 << 20;

/**
 * Limit of variables expanded from one line of a file: a multiline definition may refer to itself.
 */
const maxReplacements = 20_000;

interface Source {
  file: string;
  folder: string;
  lines: string[];
  /** Index of the next line. */
  next: number;
}

interface Defined {
  value: string;
  multiline: boolean;
  record?: Definition;
}

/** Reads a file and its includes. */
export class LineReader {
  readonly findings: Findings = {
    problems: [],
    skipped: [],
    definitions: [],
    includes: [],
    raw: [],
  };

  private readonly sources: Source[] = [];
  private readonly defined: Map<string, Defined>;
  /** The rest of a line after a brace. */
  private residue: string | undefined;
  /**
   * Remaining lines of the multiline definition being expanded; `outerExpansions` has those of the
   * definitions that contain it.
   */
  private expansion: string[] | undefined;
  private readonly outerExpansions: string[][] = [];
  private above: string[] = [];
  private beside: string | undefined;
  private count = 0;
  private characters = 0;
  private replacements = 0;
  /** Problems already reported. */
  private readonly told = new Set<string>();

  /**
   * @param main the config's main file
   * @param configId what `@NAME` is compared with: keepalived's `--config-id`, or the host's name
   * up to its first dot
   */
  constructor(
    main: { file: string; text: string },
    private readonly files: ConfigFiles,
    private readonly configId?: string,
  ) {
    this.defined = new Map([
      ["_PWD", { value: "", multiline: false }],
      ["_INSTANCE", { value: configId ?? "", multiline: false }],
      ["_HASH", { value: "#", multiline: false }],
      ["_BANG", { value: "!", multiline: false }],
    ]);
    this.open(main.file, main.text);
  }

  /** The next line, or undefined after the last. */
  next(): Line | undefined {
    for (;;) {
      const raw = this.nextRaw();
      if (raw === undefined) return undefined;
      if (++this.count > maxLines) {
        this.stop(raw, `the config comes to more than ${maxLines} lines here`);
        return undefined;
      }
      const text = this.expand(raw);
      if (text === undefined || text === "" || this.include(text, text !== raw)) {
        this.above = [];
        continue;
      }
      const line = { ...this.place(), text: this.splitAtBrace(text), above: this.above };
      this.above = [];
      const { beside } = this;
      this.beside = undefined;
      return beside === undefined ? line : { ...line, beside };
    }
  }

  /** The current place. While a definition is expanded, it is the line that uses it. */
  place(): Place {
    const source = this.sources.at(-1);
    return source ? { file: source.file, line: source.next } : this.last;
  }
  private last: Place = { file: "", line: 0 };

  /** Notes a problem, once for each place. */
  problem(text: string, why: string, { file, line }: Place = this.place()): void {
    const key = JSON.stringify([file, line, why]);
    if (this.told.has(key)) return;
    this.told.add(key);
    this.findings.problems.push({ file, line, text, why });
  }

  /** Stops reading a config that would never end. */
  stop(text: string, why: string): void {
    this.problem(text, `${why}; the rest is unread`);
    this.last = this.place();
    this.sources.length = 0;
    this.outerExpansions.length = 0;
    this.expansion = undefined;
  }

  private open(file: string, text: string): void {
    const lines = text.split("\n");
    if (lines.at(-1) === "") lines.pop();
    this.sources.push({ file, folder: dirname(file), lines, next: 0 });
    this.characters += text.length;
    if (this.characters > maxCharacters) {
      this.stop(file, `the files come to more than ${maxCharacters} characters here`);
    }
  }

  /** The next raw line: after a brace, from a multiline definition, or from the file. */
  private nextRaw(): string | undefined {
    if (this.residue !== undefined) {
      const { residue } = this;
      this.residue = undefined;
      return residue;
    }
    if (this.expansion) {
      const line = this.expansion.shift() ?? "";
      if (this.expansion.length === 0) {
        this.expansion = this.outerExpansions.pop();
      }
      return line;
    }
    return this.fileLine();
  }

  /** The file's next line that isn't empty, without its comment. */
  private fileLine(): string | undefined {
    for (;;) {
      const raw = this.physicalLine();
      if (raw === undefined) return undefined;
      if (raw === "") {
        this.above = [];
        continue;
      }
      const { text, comment } = this.decommented(raw);
      if (text === "") {
        if (comment !== undefined) this.above.push(comment);
        continue;
      }
      this.beside = comment;
      return text;
    }
  }

  private decommented(raw: string): { text: string; comment?: string } {
    const { unterminated, ...rest } = decomment(raw);
    if (unterminated) this.problem(raw, "a quote is opened and never closed");
    return rest;
  }

  private physicalLine(): string | undefined {
    for (;;) {
      const source = this.sources.at(-1);
      if (!source) return undefined;
      const raw = source.lines[source.next];
      if (raw === undefined) {
        this.last = { file: source.file, line: source.lines.length };
        this.sources.pop();
        continue;
      }
      source.next++;
      this.replacements = 0;
      const text = raw.replace(/\r+$/, "");
      this.findings.raw.push({ ...this.place(), text });
      if (Buffer.byteLength(text) >= maxLineBytes) {
        this.problem(
          `${text.slice(0, 60)}…`,
          `the line is longer than ${maxLineBytes - 1} bytes: keepalived takes what is behind them for a line of its own`,
        );
      }
      return text;
    }
  }

  /**
   * Resolves conditions, definitions, sequences and variables. Undefined if nothing is left of the
   * line.
   */
  private expand(raw: string): string | undefined {
    let text = raw;
    for (;;) {
      if (text.startsWith("@")) {
        const rest = this.underCondition(text);
        if (rest === undefined) return undefined;
        text = rest;
      }
      if (this.define(text)) return undefined;
      if (/^~(SEQ|LST)/.test(text)) {
        this.problem(text, byHand);
        return undefined;
      }
      if (text.startsWith("~") || !text.includes("$")) return text;
      const replaced = this.replaceVariables(text, true);
      if (!replaced.complete) return replaced.text;
      const { text: rest, comment } = this.decommented(replaced.text);
      if (comment !== undefined) {
        const why = "a variable brings a comment sign: what is behind it has no effect";
        this.problem(replaced.text, why);
      }
      text = rest;
      if (!text.startsWith("@") && !text.includes("$")) return text;
    }
  }

  /** The text after `@NAME` or `@^NAME`, if the condition holds. */
  private underCondition(text: string): string | undefined {
    const [, not, name, rest] = /^@(\^?)([^ \t]*)[ \t]+(.*)$/.exec(text) ?? [];
    if (name === undefined || rest === undefined) {
      this.problem(text, "a condition with nothing behind it");
      return undefined;
    }
    const holds = (name === this.configId) !== (not === "^");
    if (holds) return rest;
    this.findings.skipped.push({
      ...this.place(),
      text,
      why:
        this.configId === undefined
          ? `is for ${not ? "all but " : ""}${name}, and which director the file is of was not said`
          : `is for ${not ? "all but " : ""}${name}, and this is ${this.configId}`,
    });
    return undefined;
  }

  /** Reads `$NAME=TEXT` and its continuation lines, each after a `\`. */
  private define(text: string): boolean {
    const [, name, value] = /^\$([A-Za-z_]\w*)=[ \t]*(.*)$/s.exec(text) ?? [];
    if (name === undefined || value === undefined) return false;
    const { file, line } = this.place();
    const lines = [withoutBackslash(value)];
    let more = value.endsWith("\\");
    // A single line after a lone backslash is not a multiline definition.
    let multiline = more;
    while (more) {
      const next = this.definitionLine();
      more = next?.endsWith("\\") ?? false;
      if (!more) multiline = lines.some((line) => line !== "");
      if (next !== undefined) lines.push(withoutBackslash(next));
    }
    const record = {
      file,
      line,
      lastLine: this.place().line,
      name,
      value: lines.filter((line) => line !== "").join("\n"),
      used: false,
    };
    this.findings.definitions.push(record);
    this.defined.set(name, { value: record.value, multiline, record });
    return true;
  }

  /**
   * A definition's next line. An empty line ends the definition, a comment line doesn't. Inside
   * another definition, lines come from there.
   */
  private definitionLine(): string | undefined {
    if (this.residue !== undefined || this.expansion) return this.nextRaw();
    for (;;) {
      const raw = this.physicalLine();
      if (raw === undefined || raw === "") return undefined;
      const { text } = this.decommented(raw);
      if (text !== "") return text;
    }
  }

  /** Replaces variables. `complete` means that the line had variables and all were replaced. */
  private replaceVariables(
    line: string,
    allowMultiline: boolean,
  ): { text: string; complete: boolean } {
    let text = line;
    let at = 0;
    let complete = false;
    const { expansion } = this;
    while ((at = text.indexOf("$", at)) >= 0) {
      const reference = this.reference(text.slice(at), allowMultiline);
      if (!reference) {
        at++;
        continue;
      }
      const { length, variable } = reference;
      const [first = "", ...further] = variable.multiline
        ? variable.value.split("\n")
        : [variable.value];
      if (variable.multiline) {
        if (this.expansion) {
          this.outerExpansions.push([...this.expansion]);
        }
        this.expansion = further.length > 0 ? further : [""];
      }
      const longer = text.slice(0, at) + first + text.slice(at + length);
      if (Buffer.byteLength(longer) > maxLineBytes) {
        this.problem(line, "a variable makes the line too long: keepalived leaves it as it stands");
        this.expansion = expansion;
        return { text, complete: false };
      }
      text = longer;
      complete = true;
      if (this.outerExpansions.length > maxDepth) {
        this.stop(line, `a variable is defined by itself; ${byHand}`);
        return { text: line, complete: false };
      }
      if (++this.replacements > maxReplacements) {
        this.stop(line, `more than ${maxReplacements} variables in what one line stands for`);
        return { text: line, complete: false };
      }
      if (/^[ \t]*~/.test(variable.value)) break;
    }
    return { text, complete };
  }

  /**
   * The variable at the start of a text: `$NAME` before a space, comma, `)` or the end; `${NAME}`
   * anywhere.
   */
  private reference(
    text: string,
    allowMultiline: boolean,
  ): { length: number; variable: Defined } | undefined {
    const match =
      /^\$\{([A-Za-z_]\w*)((?: +\d+)*)\}/.exec(text) ?? /^\$([A-Za-z_]\w*)(?=[ \t,)]|$)/.exec(text);
    const [whole = "", name = "", parameters = ""] = match ?? [];
    const variable = this.defined.get(name);
    if (!match) return undefined;
    if (name === "_RANDOM") {
      this.problem(text, `$_RANDOM is another number at each start: ${byHand}`);
      return undefined;
    }
    if (!variable) {
      this.problem(text, `$${name} is not defined here; keepalived leaves it as it stands`);
      return undefined;
    }
    if (parameters !== "") return undefined;
    if (variable.multiline && (!allowMultiline || whole.length < text.length)) {
      this.problem(text, `$${name} has several lines, so it can only end a line`);
      return undefined;
    }
    if (variable.record) variable.record.used = true;
    if (name === "_PWD") variable.value = this.sources.at(-1)?.folder ?? "";
    if (name === "_INSTANCE" && this.configId === undefined) {
      this.problem(text, "$_INSTANCE is the host's name, which was not said");
    }
    return { length: whole.length, variable };
  }

  /**
   * Handles `include`, `includer`, `includem`, `includew`, `includeb` and `includea`: opens the
   * matching files.
   */
  private include(text: string, changed: boolean): boolean {
    const [, rest] = /^include[rmwba]?\s[ \t]*(.*)$/.exec(text) ?? [];
    if (rest === undefined) return false;
    const place = this.place();
    if (changed) {
      this.problem(text, "keepalived does not support an include with a condition or a variable");
    }
    const { folder = "." } = this.sources.at(-1) ?? {};
    const matches = this.files.matches(rest, folder);
    const files: string[] = [];
    this.findings.includes.push({ ...place, pattern: rest, files });
    if (matches.length === 0) {
      this.problem(
        text,
        /["']/.test(rest)
          ? "no such file: keepalived takes the quotes for a part of its name"
          : "no such file: what it holds is missing here",
      );
    }
    if (this.sources.length >= maxDepth) {
      this.stop(text, "the includes go round in circles");
      return true;
    }
    // The file opened last is read first.
    for (const path of matches.toReversed()) {
      const read = this.files.read(path);
      if ("why" in read) {
        this.problem(path, `${path} ${read.why}`, place);
        continue;
      }
      files.unshift(path);
      this.open(path, read.text);
    }
    return true;
  }

  /** The line up to its first brace. A brace is a line of its own; the rest is kept for later. */
  private splitAtBrace(text: string): string {
    const at = braceAt(text);
    if (at === undefined) return text.replace(/[ \t]+$/, "");
    const [head, rest] =
      at === 0 ? [text.slice(0, 1), text.slice(1)] : [text.slice(0, at), text.slice(at)];
    if (rest.trim() !== "") this.residue = rest.replace(/^[ \t]+|[ \t]+$/g, "");
    return head.replace(/[ \t]+$/, "");
  }
}

/** A line without its comment and surrounding space; a final `\` stays. */
function decomment(raw: string): { text: string; comment?: string; unterminated: boolean } {
  let line = raw.replace(/^[ \t]+/, "");
  let quoted = false;
  let comment: number | undefined;
  let continued = false;
  for (let i = 0; i < line.length; i++) {
    const char = line[i];
    if (char === "\\") {
      const next = line[i + 1];
      if (next === undefined) {
        line = line.slice(0, i);
        continued = true;
      } else if (!quoted && (next === "#" || next === "!")) {
        line = line.slice(0, i) + line.slice(i + 1);
      } else {
        i++;
      }
    } else if (comment === undefined) {
      if (char === '"') quoted = !quoted;
      else if (!quoted && (char === "#" || char === "!")) comment = i;
    }
  }
  const text = line.slice(0, comment).replace(/[ \t]+$/, "") + (continued ? "\\" : "");
  const found =
    comment === undefined
      ? undefined
      : line
          .slice(comment)
          .replace(/^[#!\s]+/, "")
          .trimEnd();
  return { text, ...(found === undefined ? {} : { comment: found }), unterminated: quoted };
}

function withoutBackslash(line: string): string {
  return line.replace(/[ \t]*\\$/, "");
}

/** Position of the first brace outside quotes. */
function braceAt(text: string): number | undefined {
  if (/^[{}]/.test(text)) return 0;
  let at = 0;
  for (;;) {
    const found = text.slice(at).search(/[{}"]/);
    if (found < 0) return undefined;
    at += found;
    if (text[at] !== '"') return at;
    const close = text.indexOf('"', at + 1);
    if (close < 0) return undefined;
    at = close + 1;
  }
}
