// What a parser reads, told as keepalived tells it: each unknown keyword and each word behind include_check, with its line.
import type { ConfigFiles } from "../../../ops/import/syntax/files";
import { LineReader } from "../../../ops/import/syntax/lines";
import { splitWords } from "../../../ops/import/syntax/words";
import { suites, type KeepalivedVersion } from "../../support/keepalived";

/** Those that `lvs import` reads like: 2.1.5 has other words for what it reads, and reads some of it otherwise. */
export const readVersions = (Object.keys(suites) as KeepalivedVersion[]).filter(
  (version) => version !== "2.1.5",
);

/** Behind a config's text, it shows where keepalived's first pass ends: later ones read it again. */
export const lastLine = "\nthe-last-line\n";

/** keepalived's words about a config that ends in {@link lastLine}, by `--config-test`: those of its first pass, which reads all of global_defs. */
export function readByKeepalived(says: string): string[] {
  const lines = says.split("\n");
  const last = lines.findIndex((line) => line.endsWith(`'${lastLine.trim()}'`));
  return lines.slice(0, last + 1).flatMap((line) => {
    const [, file = "", place, unknown, type, duplicate] = said.exec(line) ?? [];
    const word = unknown ?? type ?? duplicate;
    return place === undefined || word === undefined ? [] : [`${file}${place}: ${word}`];
  });
}

const said =
  /^\((\S+: )?Line (\d+)\) (?:Unknown keyword '(.*)'|Unknown include_check type '(.*)' - ignoring|Duplicate include_check '(.*)' specified - ignoring)$/;

/** The same of our reader's lines. keepalived ignores a brace that it doesn't expect; the next `}` ends the block. */
export function readByUs(
  text: string,
  files: ConfigFiles,
  configId: string,
): { read: string[]; problems: string[] } {
  const main = "keepalived.conf";
  const reader = new LineReader({ file: main, text }, files, configId);
  const read: string[] = [];
  let inGlobals = false;
  for (let line = reader.next(); line; line = reader.next()) {
    const [keyword, ...args] = splitWords(line.text).words;
    const at = `${line.file === main ? "" : `${line.file}: `}${line.line}`;
    if (keyword === undefined || keyword === "{") continue;
    if (inGlobals && keyword === "}") inGlobals = false;
    else if (!inGlobals && keyword === "global_defs") inGlobals = true;
    else if (inGlobals && keyword === "include_check")
      // A sign in front is not told: it says to add or to remove.
      read.push(...args.map((arg) => `${at}: ${arg.replace(/^[+-]/, "")}`));
    else read.push(`${at}: ${keyword}`);
  }
  return { read, problems: reader.findings.problems.map(({ why }) => why) };
}
