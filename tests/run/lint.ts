// `eslint .`, without the files found clean in their current state. The rules know types, so a
// file's imports count as part of it. eslint's own cache looks only at the file and would miss a
// type changed elsewhere.
import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { closureOf, importsOf, isCode, repositoryFiles } from "./imports";
import { root } from "./sets";

/** Files that every result depends on. */
const settings = ["eslint.config.mjs", "tsconfig.json", "package-lock.json"];

const cache = join(root, "node_modules/.cache/lvs-ha/lint.json");

/** A digest for each code file, of its text and everything that it imports. */
export function digestsOf(files: string[], read: (file: string) => string): Record<string, string> {
  const imports = importsOf(files, read);
  const own = new Map(files.map((file) => [file, sha256(read(file))]));
  const common = settings.map((file) => own.get(file) ?? "");
  return Object.fromEntries(
    files.filter(isCode).map((file) => {
      const parts = [...closureOf(file, imports)]
        .sort()
        .map((used) => `${used} ${own.get(used) ?? ""}`);
      return [file, sha256([process.version, ...common, ...parts].join("\n"))];
    }),
  );
}

function lint(): number {
  const files = repositoryFiles().filter((file) => isCode(file) || file.endsWith(".json"));
  const digests = digestsOf(files, (file) => readFileSync(join(root, file), "utf8"));
  const clean = read(cache);
  const due = Object.keys(digests).filter((file) => clean[file] !== digests[file]);
  if (due.length === 0) return 0;
  const { status } = spawnSync("eslint", ["--no-warn-ignored", ...due], {
    cwd: root,
    stdio: "inherit",
  });
  if (status === 0) {
    mkdirSync(dirname(cache), { recursive: true });
    writeFileSync(cache, JSON.stringify(digests));
  }
  return status ?? 1;
}

function read(file: string): Record<string, string> {
  try {
    return JSON.parse(readFileSync(file, "utf8")) as Record<string, string>;
  } catch {
    return {};
  }
}

function sha256(text: string): string {
  return createHash("sha256").update(text).digest("hex");
}

if (require.main === module) process.exitCode = lint();
