// Finds the secrets in a keepalived.conf, however they are written, and hides them in everything
// that an import prints: the rest of a line after a word like auth_pass, and every value found
// there.
import { distance } from "fastest-levenshtein";
import type { Place } from "./syntax/lines";
import { isBlock, type Parsed, type Statement } from "./syntax/parse";
import type { Report } from "./report";

const hidden = "********";

/** keepalived's own keyword in any spelling: everything after it is the password. */
const authPass = /auth.?pas/i;

/** Words that announce a secret. In a path they are part of a file name. */
const telling = /pass(?!ive|thr)|passwd|pwd|secret|token|credential|api.?key|private.?key/i;

/** Secrets in a command line or a URL that no word announces. */
const unannounced = [
  /(?:^|\s)(?:-u|--user)[ =]+["']?[^\s:"']+:([^\s"']+)/g,
  /\/\/[^\s/:@]+:([^\s/@]+)@/g,
  /\bauthorization:\s*\w+\s+([^\s"']+)/gi,
  /\b(?:mysql\w*|mariadb\w*)\b.*?\s-p([^\s"']+)/g,
];

/** Words that are never secret. */
const harmless = new Set(["auth_type", "PASS", "AH", "auth_pass", "password", "#", "!", "{", "}"]);

/** Shorter values are hidden only on their own line: `auth_pass 1` would otherwise hide every 1. */
const leastEverywhere = 3;

/** Values of this length are hidden inside other words, too. */
const leastInside = 6;

/** The secrets in the configs of some directors. */
export class Secrets {
  private readonly values = new Set<string>();
  /** Variables with a secret value. */
  private readonly variables = new Set<string>();
  /** Lines with a secret: `FILE:LINE`. */
  private readonly places = new Set<string>();
  private readonly everywhere: RegExp | undefined;
  private readonly there: RegExp | undefined;

  constructor(configs: readonly Pick<Parsed, "raw" | "definitions" | "statements">[]) {
    for (const { raw, definitions, statements } of configs) {
      this.readLines(raw);
      this.readStatements(statements, false);
      // A variable used as a secret is secret, and so are the variables in its value.
      for (let known = -1; known !== this.variables.size;) {
        known = this.variables.size;
        for (const { name, value, ...place } of definitions) {
          if (this.variables.has(name)) this.add(value, place);
        }
      }
    }
    const values = [...this.values].filter((value) => !harmless.has(value));
    this.everywhere = anyOf(values.filter(({ length }) => length >= leastEverywhere));
    this.there = anyOf(values);
  }

  /** A config's line or comment with its secrets hidden. */
  line(text: string, where?: string): string {
    const lines = text.split("\n").map((line) => {
      const [found] = allTold(line);
      if (!found || onlyHarmless(line.slice(found.end))) return line;
      const [gap = ""] = /^[\s=:]*/.exec(line.slice(found.end)) ?? [];
      return `${line.slice(0, found.end)}${gap}${hidden}`;
    });
    return this.text(lines.join("\n"), where);
  }

  /** Text about a config with its secrets hidden. */
  text(text: string, where = "", instead = hidden): string {
    const values = this.places.has(where) ? this.there : this.everywhere;
    return values ? text.replace(values, instead) : text;
  }

  /** Text that quotes a line, with its secrets hidden. */
  private words(text: string, where: string): string {
    const quoted = text.replace(
      /"((?:[^"\\]|\\.)*)"/g,
      (_, part: string) => `"${this.line(part)}"`,
    );
    return this.text(quoted, where);
  }

  /** Hides the secrets in a whole report. */
  hideIn(report: Report): void {
    for (const entry of report.kept) entry.text = this.line(entry.text, entry.where);
    for (const entry of report.changed) {
      entry.from = this.line(entry.from, entry.where);
      entry.to = this.words(entry.to, entry.where);
      entry.why = this.words(entry.why, entry.where);
    }
    for (const entry of report.inexpressible) {
      entry.text = this.line(entry.text, entry.where);
      entry.why = this.words(entry.why, entry.where);
    }
    for (const entry of report.toFillIn) {
      // This entry contains nothing from the config, and the password may be a common word.
      if (entry.at !== "vrrpAuthPass") entry.what = this.text(entry.what);
    }
  }

  private readLines(lines: readonly (Place & { text: string })[]): void {
    // A password may be on the line after its keyword, or in a block of its own.
    let awaited = false;
    for (const { text, ...place } of lines) {
      if (awaited) {
        const [first = ""] = words(text);
        const isNext = first !== "" && !/^[#!{]/.test(first);
        if (isNext && !isBlock(first) && first !== "}" && first !== "auth_type") {
          this.add(beforeBrace(text), place);
        }
        if (isNext) awaited = false;
      }
      for (const pattern of unannounced) {
        for (const [, value = ""] of text.matchAll(pattern)) this.add(value, place);
      }
      // Covers `~LST(p, hush) auth_pass $p`, too, which is not expanded.
      const [, values = ""] = /~(?:LST|SEQ)x?\s*\((.*?)\)/.exec(text) ?? [];
      if (values !== "" && allTold(text).length > 0) this.add(values.replaceAll(",", " "), place);
      for (const { end, secret } of allTold(text)) {
        const rest = text.slice(end);
        if (secret === "all") this.add(beforeBrace(rest), place);
        if (secret === "next") this.add(firstValue(rest), place);
        this.places.add(`${place.file}:${place.line}`);
        awaited =
          (secret === "all" && /^[\s=:"'{\\]*$/.test(rest)) ||
          (secret === "next" && /^[\s=:"']*[{\\]\s*$/.test(rest));
      }
    }
  }

  private readStatements(statements: readonly Statement[], secured: boolean): void {
    for (const statement of statements) {
      const { keyword, args, text, block = [] } = statement;
      if (isSecretKeyword(keyword)) {
        this.add(
          [...args, text.slice(text.indexOf(keyword) + keyword.length)].join(" "),
          statement,
        );
        this.add(block.map((inner) => inner.text).join(" "), statement);
      } else if (secured && keyword !== "auth_type") {
        this.add(text, statement);
      }
      this.readStatements(block, keyword === "authentication");
    }
  }

  private add(text: string, { file, line }: Place): void {
    this.places.add(`${file}:${line}`);
    for (const [, name = ""] of text.matchAll(/\$\{?([A-Za-z_]\w*)/g)) this.variables.add(name);
    for (const word of text.split(/\s+/)) {
      for (const value of [
        word,
        ...word.split(/["'\\=#!{}();]+/),
        ...word.split(/["'\\=#!{}();$]+/),
      ]) {
        if (value !== "" && !/^["'\\=#!{}]+$/.test(value)) this.values.add(value);
      }
    }
  }
}

/** Whether a text announces a secret. */
export function tellsSecret(text: string): boolean {
  return allTold(text).length > 0;
}

interface Told {
  /** End of the word that announces the secret. */
  end: number;
  /** What is secret after the word: the rest of the line, the next value, or something unknown. */
  secret: "all" | "next" | "something";
}

/** The words of a line that announce a secret. */
function allTold(line: string): Told[] {
  // Read a variable's value as if it were the line.
  const [definition] = /^\s*(?:@\S+\s+)*\$\w+=\s*/.exec(line) ?? [];
  if (definition !== undefined && !telling.test(definition)) {
    return allTold(line.slice(definition.length)).map(({ end, secret }) => ({
      end: end + definition.length,
      secret,
    }));
  }
  const comment = line.search(/(?:^|\s)[#!]/);
  const found: Told[] = [];
  for (const { 0: word, index } of line.matchAll(/[^\s"'{}]+/g)) {
    const isFirst = /^[\s"'{}]*(?:@\S+\s+)*(?:~\w+\s*\([^)]*\)\s*)?["']?$/.test(
      line.slice(0, index),
    );
    if (word === "PASS" && !isFirst) continue;
    const own = authPass.exec(word);
    const [near = ""] = /^[\w-]*/.exec(word) ?? [];
    const at = own?.index ?? (isSecretKeyword(near) ? 0 : telling.exec(word)?.index);
    if (at === undefined) continue;
    const [name = ""] = /^[\w-]*/.exec(word.slice(at)) ?? [];
    const end = index + at + name.length;
    const isAssigned = /^[=:]/.test(line.slice(end));
    const inComment = comment >= 0 && index >= comment;
    const before = word.slice(0, at);
    // Skip a file's name, and a variable that stands for several lines.
    if (!own && before.includes("/") && !/[?&]/.test(before)) continue;
    if (isFirst && word.startsWith("$") && !isAssigned) continue;
    const isKeyword = own !== null || (isFirst && (isAssigned || /^[a-z_]+$/i.test(word)));
    if (isKeyword && !inComment) found.push({ end, secret: "all" });
    else if (own || isAssigned || word.startsWith("-") || (name === word && !inComment)) {
      found.push({ end, secret: "next" });
    } else found.push({ end: index + word.length, secret: "something" });
  }
  return found;
}

/** Whether a word is a keyword for a secret, with up to two letters wrong. */
function isSecretKeyword(word: string): boolean {
  const bare = word.replace(/^-+/, "");
  return bare.length > 6 && ["auth_pass", "password"].some((known) => distance(bare, known) <= 2);
}

/** The text up to a separate brace or a comment. */
function beforeBrace(text: string): string {
  return text.replace(/(?:^|\s)[}#!](?:\s.*)?$/s, "");
}

/** The word or quoted text after `--password`, `PASSWORD=` or `token:`. */
function firstValue(text: string): string {
  const [, double, single, plain] =
    /^["']?[\s=:{]*(?:"([^"]*)|'([^']*)|([^\s"'&;]+))/.exec(text) ?? [];
  return double ?? single ?? plain ?? "";
}

function onlyHarmless(rest: string): boolean {
  return words(rest).every((word) => /^[{}"'\\;,)]+$/.test(word));
}

function words(text: string): string[] {
  return text.split(/\s+/).filter((word) => word !== "");
}

/** A pattern that matches any of the values: long ones anywhere, short ones as a whole word. */
function anyOf(values: readonly string[]): RegExp | undefined {
  const longestFirst = values.toSorted((a, b) => b.length - a.length);
  const patterns = longestFirst.map((value) => {
    const plain = escaped(value);
    return value.length >= leastInside ? plain : `(?<![\\w.-])${plain}(?![\\w.-])`;
  });
  return patterns.length === 0 ? undefined : new RegExp(patterns.join("|"), "g");
}

function escaped(text: string): string {
  return text.replace(/[\\^$.*+?()[\]{}|/-]/g, "\\$&");
}
