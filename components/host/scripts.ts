// The scripts that run on hosts: templates/scripts/*.sh, brought there as one text and called by name.
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { packagePath } from "../package";
import { digest } from "./digest";
import { scriptDigests } from "./scriptUse";

const folder = packagePath("templates/scripts");

/** Where the scripts live on a host. */
export const scriptsHome = "/usr/local/lib/lvs-ha";

/** The text of one script. */
export function script(file: string): string {
  return readFileSync(join(folder, file), "utf8");
}

/** All of them, by name. */
export function scriptTexts(): Record<string, string> {
  texts ??= Object.fromEntries(
    readdirSync(folder)
      .sort()
      .map((file) => [file, script(file)]),
  );
  return texts;
}

let texts: Record<string, string> | undefined;

/**
 * A text for `sh -s`, which runs what it has read so far: in braces, nothing of it runs before its last line has come, as a connection
 * that breaks ends it, too. Nothing in it reads the rest of that input.
 */
export function program(text: string): string {
  return `{\n${text.replace(/\n*$/, "")}\n} </dev/null\n`;
}

/**
 * Where {@link bundle} puts the scripts of this version: in memory, for root alone. They run from there until `install.sh` has them in
 * their place, and while they are changed.
 */
export function scriptsInTransit(): string {
  version ??= digest(JSON.stringify(scriptTexts()));
  return `${transit}/${version}`;
}

let version: string | undefined;
const transit = "/run/lvs-ha";

/**
 * A shell program that brings every script to a host, all or none, and tells whether the host is a director that serves.
 * @param more lines that it runs, too @default none
 */
export function bundle(more: readonly string[] = []): string {
  const stage = scriptsInTransit();
  return program(
    [
      "set -eu",
      "export LC_ALL=C",
      `if [ ! -d ${stage} ]; then`,
      `mkdir -p -m 0700 ${transit}`,
      ...inScratch(`mktemp -d ${transit}/new.XXXXXX`),
      // Somebody else may have brought them meanwhile.
      `mv -T "$stage" ${stage} 2>/dev/null || [ -d ${stage} ]`,
      "fi",
      ...more,
      `sh ${stage}/drain.sh serves`,
    ].join("\n"),
  );
}

/** Lines of shell that unpack every script into a scratch folder, `$stage`, which goes when the shell ends. */
export function unpacked(): string[] {
  return ["set -eu", "export LC_ALL=C", ...inScratch("mktemp -d")];
}

function inScratch(make: string): string[] {
  return [
    `stage=$(${make})`,
    `trap 'rm -rf "$stage"' EXIT`,
    ...Object.entries(scriptTexts()).flatMap(([file, text]) => hereDocument(file, text)),
  ];
}

let digests: Record<string, string> | undefined;

/**
 * Changes when code of this script does, or of one that it uses: the commands that run it carry this, so that they run again. `prepare`
 * brings every other change, as that of a comment.
 */
export function scriptDigest(file: string): string {
  digests ??= scriptDigests(scriptTexts());
  const own = digests[file];
  if (own === undefined) throw new Error(`there is no script ${file}`);
  return own;
}

function hereDocument(file: string, text: string): string[] {
  const end = `END_OF_${file}`;
  if (text.split("\n").includes(end)) throw new Error(`${file} contains the line ${end}`);
  return [`cat >"$stage/${file}" <<'${end}'`, text.replace(/\n$/, ""), end];
}
