/** Files that are whole whenever they are there, whatever ends the process that writes them. */
import { rename, writeFile } from "node:fs/promises";

/** Writes beside the file and renames over it. */
export async function replaceFile(file: string, text: string): Promise<void> {
  await writeFile(`${file}.new`, text);
  await rename(`${file}.new`, file);
}
