// Where a command speaks, and in which colours: decided here. (picocolors by itself paints in CI's pipes too, and asks standard output alone.)
import pc from "picocolors";
import type { Colors } from "picocolors/types";

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
export interface Voice {
  say: (text: string) => void;
  colors: Colors;
  /** Where questions are asked. */
  stream: NodeJS.WriteStream;
}

/** Standard output; with `--json` standard error, as the JSON is alone on the other. */
export function voice({ json = false }: { json?: boolean }): Voice {
  const stream = json ? process.stderr : process.stdout;
  const say = (text: string) => {
    stream.write(`${text}\n`);
  };
  return { say, colors: colorsOn(stream), stream };
}

/** What a program reads. */
export function printJson(facts: unknown): void {
  console.log(JSON.stringify(facts, null, 2));
}
