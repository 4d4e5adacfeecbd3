// Where a command speaks, and in which colours: decided here, and only here is anything written. (picocolors by itself paints in CI's pipes too, and asks standard output alone.)
import pc from "picocolors";
import type { Colors } from "picocolors/types";
import { printable, printableJson } from "./printable";

/** A stream to paint for; a pipe and a file have no `isTTY`. */
export interface Painted {
  isTTY?: boolean;
}

/** Colours for what is written to this stream: NO_COLOR switches them off, FORCE_COLOR on; otherwise a terminal has them. */
export function colorsOn({ isTTY = false }: Painted, env = process.env): Colors {
  const { NO_COLOR, FORCE_COLOR, TERM } = env;
  if (NO_COLOR) return pc.createColors(false);
  if (FORCE_COLOR) return pc.createColors(FORCE_COLOR !== "0");
  return pc.createColors(isTTY && TERM !== "dumb");
}

/** How a command tells a person something. */
export interface Output {
  say: (text: string) => void;
  colors: Colors;
  /** Where questions are asked. */
  stream: NodeJS.WriteStream;
}

/** Standard output; with `--json` standard error, as the JSON is alone on the other. */
export function outputFor({ json = false }: { json?: boolean }): Output {
  const stream = json ? process.stderr : process.stdout;
  const say = (text: string) => {
    stream.write(`${painted(text)}\n`);
  };
  return { say, colors: colorsOn(stream), stream };
}

/** What a program reads. */
export function printJson(facts: unknown): void {
  process.stdout.write(`${printableJson(JSON.stringify(facts, null, 2))}\n`);
}

/** The same on one line. */
export function printJsonLine(facts: unknown): void {
  process.stdout.write(`${printableJson(JSON.stringify(facts))}\n`);
}

/** A file that is valid only as it stands: whoever made it has seen to it that nothing in it steers a terminal. */
export function printFile(text: string): void {
  process.stdout.write(text);
}

/** A line, or several, on standard output. */
export function print(text: string): void {
  process.stdout.write(`${painted(text)}\n`);
}

/** The same on standard error. */
export function complain(text: string): void {
  process.stderr.write(`${painted(text)}\n`);
}

/** Text in the place of what was on the terminal before, line by line: no flicker, as clearing it first would make. */
export function redraw(text: string): void {
  const lines = painted(text).replaceAll("\n", "\x1b[K\n");
  process.stdout.write(`\x1b[H${lines}\x1b[K\n\x1b[J`);
}

/** Printable text, in whose colours it may be. */
function painted(text: string): string {
  return text
    .split(color)
    .map((part, i) => (i % 2 === 0 ? printable(part) : part))
    .join("");
}

// eslint-disable-next-line no-control-regex -- picocolors' own
const color = /(\x1b\[\d+m)/;
