// Whether a file may be a keepalived config at all: what isn't is never quoted, as it may be anything.
import { familyOf } from "../../../components/schema";

/** Why a text is none; undefined for what may be one, or a part of one. */
export function notConfig(text: string): string | undefined {
  const lines = text.split("\n").map(trimmed).filter(Boolean);
  const strange = lines.filter((line) => !mayBeStatement(line)).length;
  return 2 * strange > lines.length
    ? `${strange} of its ${lines.length} lines begin with nothing that keepalived has a keyword for`
    : undefined;
}

/** Why a file is no text; undefined for text. */
export function notText(bytes: Buffer): string | undefined {
  const [first, second] = bytes;
  if ((first === 0xff && second === 0xfe) || (first === 0xfe && second === 0xff)) {
    return "it is in UTF-16: save it as UTF-8";
  }
  return bytes.includes(0) ? "it is binary" : undefined;
}

/** A comment, a brace, a definition, a condition, a keyword, or what stands in a block of values: an address, a script. */
function mayBeStatement(line: string): boolean {
  const [first = ""] = line.split(/[\s{]/);
  return (
    /^[#!{}$@~"'/]/.test(line) ||
    /^[A-Za-z_][\w.-]*$/.test(first) ||
    familyOf(first.replace(/[-/].*$/, "")) !== undefined
  );
}

/** Without the space around it, and a byte order mark. */
function trimmed(line: string): string {
  return line.replace(/^\ufeff/, "").trim();
}
