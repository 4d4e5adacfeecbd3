// The only place that writes a command's output and chooses its colours. (picocolors alone would
// colour pipes in CI, too, and look only at standard output.)
import pc from "picocolors";
import type { Colors } from "picocolors/types";
import { printable, printableJson } from "./printable";

/** An output stream that may be a terminal; a pipe or a file has no `isTTY`. */
export interface Painted {
  isTTY?: boolean;
}

/**
 * Colours for this stream: NO_COLOR switches them off, FORCE_COLOR on; otherwise a terminal gets
 * them.
 */
export function colorsOn({ isTTY = false }: Painted, env = process.env): Colors {
  const { NO_COLOR, FORCE_COLOR, TERM } = env;
  if (NO_COLOR) return pc.createColors(false);
  if (FORCE_COLOR) return pc.createColors(FORCE_COLOR !== "0");
  return pc.createColors(isTTY && TERM !== "dumb");
}

/** Where a command talks to a person. */
export interface Output {
  say: (text: string) => void;
  colors: Colors;
  /** The stream that questions are asked on. */
  stream: NodeJS.WriteStream;
}

/**
 * Standard output. With `--json`, standard error, because standard output carries only the JSON.
 */
export function outputFor({ json = false }: { json?: boolean }): Output {
  const stream = json ? process.stderr : process.stdout;
  const say = (text: string) => {
    stream.write(`${painted(text)}\n`);
  };
  return { say, colors: colorsOn(stream), stream };
}

/** Prints JSON for a program. */
export function printJson(facts: unknown): void {
  process.stdout.write(`${printableJson(JSON.stringify(facts, null, 2))}\n`);
}

/** Prints JSON on one line. */
export function printJsonLine(facts: unknown): void {
  process.stdout.write(`${printableJson(JSON.stringify(facts))}\n`);
}

/**
 * Prints a file unchanged, because escaping would break it. The caller makes sure that its text
 * can't control a terminal.
 */
export function printFile(text: string): void {
  process.stdout.write(text);
}

/** Prints one or more lines on standard output. */
export function print(text: string): void {
  process.stdout.write(`${painted(text)}\n`);
}

/** Prints one or more lines on standard error. */
export function complain(text: string): void {
  process.stderr.write(`${painted(text)}\n`);
}

/** Overwrites the terminal's text line by line: clearing the terminal first would flicker. */
export function redraw(text: string): void {
  const lines = painted(text).replaceAll("\n", "\x1b[K\n");
  process.stdout.write(`\x1b[H${lines}\x1b[K\n\x1b[J`);
}

/** Makes text printable, except for its colour codes. */
function painted(text: string): string {
  return text
    .split(color)
    .map((part, i) => (i % 2 === 0 ? printable(part) : part))
    .join("");
}

// eslint-disable-next-line no-control-regex -- picocolors' own
const color = /(\x1b\[\d+m)/;
