// Joins several files into one text, so that one command carries them and a preview shows their
// lines; and marks the end of an input.

/**
 * The last line of a host script's input. A broken connection also ends the input: without this
 * line the text is incomplete, and `files.sh` changes nothing.
 */
const endLine = "==> end <==";

/**
 * Only headers and the end mark start like this; a similar line in a file gets one more = in front.
 */
const special = /^=*==> /gm;

/** Joins files into one text, each under a header line like tail(1)'s; `files.sh` splits it. */
export function renderFiles(files: Record<string, string[]>): string {
  return Object.entries(files)
    .map(([path, lines]) => {
      const text = lines.map((line) => `${line}\n`).join("");
      return `==> ${path} <==\n${text.replace(special, "=$&")}`;
    })
    .join("");
}

/** Splits such a text into files by path, in order; empty for a text without a header. */
export function parseFiles(text: string): Map<string, string> {
  const [, ...parts] = text.split(/^==> (.+) <==\n/m);
  const files = new Map<string, string>();
  for (let i = 0; i < parts.length; i += 2) {
    files.set(parts[i] ?? "", (parts[i + 1] ?? "").replace(/^=(?==*==> )/gm, ""));
  }
  return files;
}

/**
 * Joins the inputs of scripts that run one after the other into one text; `system.sh` splits it.
 */
export function renderSections(sections: { words: string[]; text: string }[]): string {
  return sections
    .map(({ words, text }) => {
      const lines = text === "" || text.endsWith("\n") ? text : `${text}\n`;
      return `>>> ${words.join(" ")} <<<\n${lines.replace(/^>>>/gm, ">>>>")}`;
    })
    .join("");
}

/** Splits such a text into its sections. */
export function parseSections(text: string): { words: string[]; text: string }[] {
  const [, ...parts] = text.split(/^>>> (.+) <<<\n/m);
  return Array.from({ length: parts.length / 2 }, (_, i) => ({
    words: (parts[2 * i] ?? "").split(" "),
    text: (parts[2 * i + 1] ?? "").replace(/^>>>>/gm, ">>>"),
  }));
}

/**
 * A script's whole input: the text and the end mark.
 * @throws Error when a line of the text could be taken for the end mark
 */
export function withEnd(text: string): string {
  if (text.split("\n").some((line) => line.startsWith(endLine))) {
    throw new Error(`an input of a script has the line that ends it: ${endLine}`);
  }
  return `${text}${text === "" || text.endsWith("\n") ? "" : "\n"}${endLine}\n`;
}

/** The text of a script's input without the end mark, which earlier versions didn't write. */
export function withoutEnd(input: string): string {
  return input.endsWith(`${endLine}\n`) ? input.slice(0, -endLine.length - 1) : input;
}
