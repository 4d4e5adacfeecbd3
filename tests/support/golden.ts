// Texts that a person has reviewed. For a deliberate change: UPDATE_GOLDENS=1, then read the diff.
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";

/** Expects a text to equal a file's; with UPDATE_GOLDENS=1, writes the file. */
export function expectGolden(file: string, text: string): void {
  if (process.env.UPDATE_GOLDENS) {
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, text);
  }
  expect(text).toBe(readFileSync(file, "utf8"));
}
