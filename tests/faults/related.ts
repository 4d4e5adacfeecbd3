// Which tests touch a file: those that import it, start it as a program, or run it on a pretended host.
import { readFileSync } from "node:fs";
import { basename, join } from "node:path";
import { build } from "esbuild";
import { globSync } from "glob";

/** End-to-end tests, this folder's own, and a linter. */
const notAsked = ["tests/lab/**", "tests/faults/**", "tests/scripts.test.ts"];

/** For each test file, every file that it touches. Paths are relative to the root. */
export async function touchedByTests(root: string): Promise<Map<string, Set<string>>> {
  const tests = globSync("tests/**/*.test.ts", { cwd: root, ignore: notAsked });
  const { metafile } = await build({
    entryPoints: [...tests, "ops/cli.ts", "index.ts"],
    absWorkingDir: root,
    bundle: true,
    metafile: true,
    write: false,
    outdir: "unused",
    platform: "node",
    packages: "external",
  });
  const scripts = globSync("templates/scripts/*.sh", { cwd: root });
  const fed = globSync("ops/**/*.sh", { cwd: root });
  const uses = new Map(
    Object.entries(metafile.inputs).map(([file, { imports }]) => {
      const text = readFileSync(join(root, file), "utf8");
      const imported = imports.filter(({ external }) => !external).map(({ path }) => path);
      const started = [
        ...(text.includes("ops/cli.ts") ? ["ops/cli.ts"] : []),
        // Run by jest's own require, anew for each test.
        ...(/requireActual<.*>\("..\/..\/index"\)/.test(text) ? ["index.ts"] : []),
        ...fed.filter((script) => text.includes(basename(script))),
        ...(file === "tests/scripts/host.ts" ? scripts : []),
      ];
      return [file, [...imported, ...started]];
    }),
  );
  return new Map(
    tests.map((test) => {
      const touched = new Set([test]);
      for (const file of touched) for (const used of uses.get(file) ?? []) touched.add(used);
      return [test, touched];
    }),
  );
}
