// The scripts that run on hosts: templates/scripts/*.sh, brought there as one text and called by name.
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { scriptDigests } from "./scriptUse";

const folder = join(__dirname, "../../templates/scripts");

/** Where the scripts live on a host. */
export const scriptsHome = "/usr/local/lib/lvs-ha";

/** The text of one script. */
export function script(file: string): string {
  return readFileSync(join(folder, file), "utf8");
}

/** All of them, by name. */
export function scriptTexts(): Record<string, string> {
  const files = readdirSync(folder).sort();
  return Object.fromEntries(files.map((file) => [file, script(file)]));
}

/**
 * A text for `sh -s`, which runs what it has read so far: in braces, nothing of it runs before its last line has come, as a connection
 * that breaks ends it, too. Nothing in it reads the rest of that input.
 */
export function program(text: string): string {
  return `{\n${text.replace(/\n*$/, "")}\n} </dev/null\n`;
}

/**
 * A shell program that unpacks every script into a scratch folder and hands over to install.sh with its own arguments.
 * It is fed to `sh -s`, so a changed script shows in a preview as the changed lines.
 */
export function bundle(): string {
  return program([...unpacked(), 'sh "$stage/install.sh" apply "$stage" "$@"'].join("\n"));
}

/** Lines of shell that unpack every script into a scratch folder, `$stage`, which goes when the shell ends. */
export function unpacked(): string[] {
  return [
    "set -eu",
    "export LC_ALL=C",
    "stage=$(mktemp -d)",
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
