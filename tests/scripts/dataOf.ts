// The data that come with a test's config.
import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

/**
 * The data are what foreign.sh reads in the config. directorData.test.ts checks that the renderer
 * writes the same.
 */
export function dataOf(lines: string[]): string[] {
  const text = lines.map((line) => `${line}\n`).join("");
  const known = data.get(text) ?? readData(text);
  data.set(text, known);
  return known;
}

const data = new Map<string, string[]>();

function readData(text: string): string[] {
  const reader = join(__dirname, "../../templates/scripts/foreign.sh");
  const own = mkdtempSync(join(tmpdir(), "lvs-ha-data-"));
  const path = join(own, "keepalived.conf");
  writeFileSync(path, text);
  const { stdout, stderr } = spawnSync("sh", ["-c", '. "$1"; foreign "$2"', "sh", reader, path], {
    encoding: "utf8",
    env: { ...process.env, LC_ALL: "C" },
  });
  rmSync(own, { recursive: true });
  if (stderr !== "") throw new Error(stderr);
  const sum = createHash("sha256").update(text).digest("hex");
  return [`=conf ${sum}`, ...stdout.trimEnd().split("\n")];
}
