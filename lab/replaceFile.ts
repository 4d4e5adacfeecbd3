/** Files that are always complete, even if the writing process is killed. */
import { rename, writeFile } from "node:fs/promises";

/** Writes beside the file, then renames over it. */
export async function replaceFile(file: string, text: string): Promise<void> {
  await writeFile(`${file}.new`, text);
  await rename(`${file}.new`, file);
}
