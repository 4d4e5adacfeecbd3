// Several files as one text, so that one command carries them and a preview shows their lines; and how the end of an input is told.

/**
 * Last line of what a host script reads. A connection that breaks ends the input, too: a text without this line is not whole, and
 * `files.sh` changes nothing by it.
 */
const endLine = "==> end <==";

/** What only headers and the end begin with; a file's own line of that kind has one more = before it. */
const special = /^=*==> /gm;

/** Several files in one text, each under a header line as tail(1) prints it; `files.sh` takes it apart. */
export function renderFiles(files: Record<string, string[]>): string {
  return Object.entries(files)
    .map(([path, lines]) => {
      const text = lines.map((line) => `${line}\n`).join("");
      return `==> ${path} <==\n${text.replace(special, "=$&")}`;
    })
    .join("");
}

/** The files of such a text, by path, in their order; none of a text without a header. */
export function parseFiles(text: string): Map<string, string> {
  const [, ...parts] = text.split(/^==> (.+) <==\n/m);
  const files = new Map<string, string>();
  for (let i = 0; i < parts.length; i += 2) {
    files.set(parts[i] ?? "", (parts[i + 1] ?? "").replace(/^=(?==*==> )/gm, ""));
  }
  return files;
}

/** What scripts are given, one after the other, in one text: `system.sh` takes it apart. */
export function renderSections(sections: { words: string[]; text: string }[]): string {
  return sections
    .map(({ words, text }) => {
      const lines = text === "" || text.endsWith("\n") ? text : `${text}\n`;
      return `>>> ${words.join(" ")} <<<\n${lines.replace(/^>>>/gm, ">>>>")}`;
    })
    .join("");
}

/** The sections of such a text. */
export function parseSections(text: string): { words: string[]; text: string }[] {
  const [, ...parts] = text.split(/^>>> (.+) <<<\n/m);
  return Array.from({ length: parts.length / 2 }, (_, i) => ({
    words: (parts[2 * i] ?? "").split(" "),
    text: (parts[2 * i + 1] ?? "").replace(/^>>>>/gm, ">>>"),
  }));
}

/**
 * A script's whole input: the text and the line that ends it.
 * @throws Error when the text has a line that could be taken for the end
 */
export function withEnd(text: string): string {
  if (text.split("\n").some((line) => line.startsWith(endLine))) {
    throw new Error(`an input of a script has the line that ends it: ${endLine}`);
  }
  return `${text}${text === "" || text.endsWith("\n") ? "" : "\n"}${endLine}\n`;
}

/** The text of a script's input; one of an earlier version has no end. */
export function withoutEnd(input: string): string {
  return input.endsWith(`${endLine}\n`) ? input.slice(0, -endLine.length - 1) : input;
}
