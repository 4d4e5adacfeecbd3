// The programs that a run consists of. Each one remembers in node_modules/.cache what it has found
// clean.
import type { Part } from "./parts";

const cache = "node_modules/.cache/lvs-ha";

/**
 * Prettier on everything, or on some files. The cache goes by content, because a checkout changes
 * the times of unchanged files.
 */
export function format(files = ["."]): Part {
  const caching = [
    "--cache",
    "--cache-strategy",
    "content",
    "--cache-location",
    `${cache}/prettier`,
  ];
  return {
    name: "format",
    command: [
      "prettier",
      "--check",
      "--ignore-unknown",
      "--log-level",
      "warn",
      ...caching,
      ...files,
    ],
  };
}

/** The compiler, always on everything. tsconfig.json says where its cache is. */
export const types: Part = { name: "types", command: ["tsc"] };

/** ESLint on everything that may have changed, or on some files. */
export function lint(files?: string[]): Part {
  return { name: "lint", command: files ? ["eslint", ...files] : ["tsx", "tests/run/lint.ts"] };
}

export function jest(args: string[], env: Record<string, string> = {}): Part {
  return { name: "tests", command: ["jest", ...args], env, live: true };
}
