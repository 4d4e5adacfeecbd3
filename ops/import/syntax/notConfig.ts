// Judges whether a file can be a keepalived config. Other files are never quoted, as they may hold
// anything.
import { familyOf } from "../../../components/schema";

/** Why a text can't be a config or part of one; undefined if it can. */
export function notConfig(text: string): string | undefined {
  const lines = text.split("\n").map(trimmed).filter(Boolean);
  const strange = lines.filter((line) => !mayBeStatement(line)).length;
  return 2 * strange > lines.length
    ? `${strange} of its ${lines.length} lines begin with nothing that keepalived has a keyword for`
    : undefined;
}

/** Why a file is not text; undefined if it is. */
export function notText(bytes: Buffer): string | undefined {
  const [first, second] = bytes;
  if ((first === 0xff && second === 0xfe) || (first === 0xfe && second === 0xff)) {
    return "it is in UTF-16: save it as UTF-8";
  }
  return bytes.includes(0) ? "it is binary" : undefined;
}

/**
 * Whether a line begins like a comment, a brace, a definition, a condition, a keyword, or a value
 * such as an address or a script.
 */
function mayBeStatement(line: string): boolean {
  const [first = ""] = line.split(/[\s{]/);
  return (
    /^[#!{}$@~"'/]/.test(line) ||
    /^[A-Za-z_][\w.-]*$/.test(first) ||
    familyOf(first.replace(/[-/].*$/, "")) !== undefined
  );
}

/** The line without surrounding space and byte order mark. */
function trimmed(line: string): string {
  return line.replace(/^\ufeff/, "").trim();
}
