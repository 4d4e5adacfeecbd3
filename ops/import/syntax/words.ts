// Splits a line of keepalived.conf(5) into words: most keywords one way, scripts and other free
// text another.

/**
 * Words separated by white space; double quotes may contain white space. Quotes also end a word:
 * a"b c" is two.
 */
export function splitWords(text: string): { words: string[]; unmatched?: string } {
  const words: string[] = [];
  const word = /"([^"]*)"|"(.*)$|([^ \t\f\n\r\v"]+)/gs;
  for (const [, quoted, unmatched, plain] of text.matchAll(word)) {
    if (unmatched !== undefined) return { words, unmatched };
    words.push(quoted ?? plain ?? "");
  }
  return { words };
}

/**
 * Splits words as keepalived's script and free text keywords do: single and double quotes anywhere
 * in a word, and escapes as in a shell's $'…' (keepalived.conf(5), Quoted strings). Undefined when
 * a quote or an escape is left open.
 * @param escapes "keep" leaves `\n` and so on for the next reader of the words
 */
export function quotedWords(text: string, escapes: "read" | "keep" = "read"): string[] | undefined {
  const words: string[] = [];
  let word: string | undefined;
  let quote = "";
  for (let i = 0; i < text.length; i++) {
    const char = text[i] ?? "";
    if (char === "\\") {
      const { char: escaped, length } =
        escapes === "read"
          ? escape(text.slice(i + 1))
          : { char: text.slice(i, i + 2), length: text.slice(i + 1, i + 2).length };
      if (length === 0) return undefined;
      word = (word ?? "") + escaped;
      i += length;
    } else if (quote !== "") {
      if (char === quote) quote = "";
      else word = (word ?? "") + char;
    } else if (char === '"' || char === "'") {
      quote = char;
      word ??= "";
    } else if (/[ \t\f\n\r\v]/.test(char)) {
      if (word !== undefined) words.push(word);
      word = undefined;
    } else {
      word = (word ?? "") + char;
    }
  }
  if (quote !== "") return undefined;
  return word === undefined ? words : [...words, word];
}

/**
 * Splits a script's command line into the command's words and the words after it. keepalived reads
 * the command twice: as one word of the line, then on its own. Undefined if it can't be read.
 */
export function scriptWords(text: string): { command: string[]; rest: string[] } | undefined {
  const [, quoted, ...rest] = quotedWords(text, "keep") ?? [];
  const command = quoted === undefined ? undefined : quotedWords(quoted);
  return command && command.length > 0 ? { command, rest } : undefined;
}

const letters: Record<string, string> = {
  a: "\x07",
  b: "\b",
  E: "\x1b",
  f: "\f",
  n: "\n",
  r: "\r",
  t: "\t",
  v: "\v",
};

/**
 * The character that an escape stands for and the escape's length without the backslash; 0 if
 * nothing follows.
 */
function escape(text: string): { char: string; length: number } {
  const [number, hex, octal] = /^(?:x([0-9a-fA-F]{1,2})|([0-7]{1,3}))/.exec(text) ?? [];
  if (number !== undefined) {
    const code = hex === undefined ? parseInt(octal ?? "", 8) : parseInt(hex, 16);
    return { char: String.fromCharCode(code & 0xff), length: number.length };
  }
  const [first = "", second] = text;
  if (first === "c" && second !== undefined) {
    return { char: String.fromCharCode(second.charCodeAt(0) & 0x1f), length: 2 };
  }
  return { char: letters[first] ?? first, length: first.length };
}
