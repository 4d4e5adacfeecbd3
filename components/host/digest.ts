// A short sum of a text, for commands that run again when it changes.
import { createHash } from "node:crypto";

/** The first 8 hexadecimal digits of its SHA-256. */
export function digest(text: string): string {
  return createHash("sha256").update(text).digest("hex").slice(0, 8);
}
