// Which script uses which: what a step does changes with these, and with no others.
import { digest } from "./digest";
import { shellCode } from "./shellCode";

/** Digests of scripts, by name: each of the code of the script and of all that it uses. A comment changes none. */
export function scriptDigests(texts: Record<string, string>): Record<string, string> {
  const code = mapValues(texts, shellCode);
  return mapValues(texts, (_, file) =>
    digest(JSON.stringify(used(file, code).map((name) => [name, code[name]]))),
  );
}

/** The script itself, those that it sources or runs, and those that these do, sorted. */
export function usedScripts(file: string, texts: Record<string, string>): string[] {
  return used(file, mapValues(texts, shellCode));
}

function used(file: string, code: Record<string, string>): string[] {
  const found = new Set([file]);
  // What is added meanwhile has its turn, too.
  for (const name of found)
    for (const other of named(code[name] ?? "")) if (other in code) found.add(other);
  return [...found].sort();
}

/** Scripts that are named by their path: `. "${0%/*}/files.sh"`, `"$here/packages.sh" …`. */
function named(code: string): string[] {
  return [...code.matchAll(/\/([\w-]+\.sh)\b/g)].map(([, name = ""]) => name);
}

function mapValues(
  record: Record<string, string>,
  value: (text: string, key: string) => string,
): Record<string, string> {
  return Object.fromEntries(Object.entries(record).map(([key, text]) => [key, value(text, key)]));
}
