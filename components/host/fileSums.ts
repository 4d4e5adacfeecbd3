// Digests of the files that the stack puts on a host: what metrics.sh finds drift by.
import { createHash } from "node:crypto";
import { scriptsHome, scriptTexts } from "./scripts";

/**
 * Lines of sha256sum(1), sorted by path, for the files of these texts (see `renderFiles`) and for the scripts themselves.
 * Secrets are in no such text, and have no business here: who can guess a short one can check it by its digest.
 */
export function fileSums(texts: string[]): string {
  const files = [
    ...texts.flatMap(split),
    ...Object.entries(scriptTexts()).map(([file, text]) => ({
      path: `${scriptsHome}/${file}`,
      text,
    })),
  ];
  return files
    .filter(({ path }) => path.startsWith("/"))
    .map(({ path, text }) => ({ path, sum: createHash("sha256").update(text).digest("hex") }))
    .sort((a, b) => (a.path < b.path ? -1 : 1))
    .map(({ path, sum }) => `${sum}  ${path}\n`)
    .join("");
}

/** Takes "==> PATH <==" sections apart, as `split_files` does on the host. */
function split(sections: string): { path: string; text: string }[] {
  const [, ...parts] = sections.split(/^==> (.*) <==\n/m);
  return parts.flatMap((path, i) => (i % 2 === 0 ? [{ path, text: parts[i + 1] ?? "" }] : []));
}
