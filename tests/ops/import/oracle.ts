// What a parser reads, in the form of keepalived's messages: each unknown keyword and each word
// after include_check, with its line.
import type { ConfigFiles } from "../../../ops/import/syntax/files";
import { LineReader } from "../../../ops/import/syntax/lines";
import { splitWords } from "../../../ops/import/syntax/words";
import { suites, type KeepalivedVersion } from "../../support/keepalived";

/** Those that `lvs import` reads like: 2.1.5 has other words for what it reads, and reads some of it otherwise. */
export const readVersions = (Object.keys(suites) as KeepalivedVersion[]).filter(
  (version) => version !== "2.1.5",
);

/**
 * Appended to a config, this shows where keepalived's first pass ends. Later passes read the config
 * again.
 */
export const lastLine = "\nthe-last-line\n";

/**
 * What keepalived reads in a config that ends with {@link lastLine}, from the messages of
 * `--config-test`. Only the first pass counts, which reads all of global_defs.
 */
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

/**
 * What our reader reads, in the same form. keepalived ignores an unexpected brace; the next `}`
 * ends the block.
 */
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
      // keepalived doesn't print the sign in front, which says whether to add or remove.
      read.push(...args.map((arg) => `${at}: ${arg.replace(/^[+-]/, "")}`));
    else read.push(`${at}: ${keyword}`);
  }
  return { read, problems: reader.findings.problems.map(({ why }) => why) };
}
