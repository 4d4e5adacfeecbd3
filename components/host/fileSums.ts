// Digests of the files that the stack puts on a host: what metrics.sh finds drift by.
import { createHash } from "node:crypto";
import { parseFiles } from "../render/files";
import { scriptsHome, scriptTexts } from "./scripts";

/**
 * Lines of sha256sum(1), sorted by path, for the files of these texts (see `renderFiles`) and for the scripts themselves.
 * Secrets are in no such text, and have no business here: who can guess a short one can check it by its digest.
 */
export function fileSums(texts: string[]): string {
  const files = [
    ...texts.flatMap((text) => [...parseFiles(text)].map(([path, own]) => ({ path, text: own }))),
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
