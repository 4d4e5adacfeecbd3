// `npm run check -- FILE…`: formatting, lint, types, and the unit tests nearest to the files, for
// the edit-and-test loop.
import { existsSync } from "node:fs";
import { join, relative, resolve } from "node:path";
import { isCode, repositoryFiles, usesOf } from "./imports";
import { nearest } from "./nearest";
import { runParts, summary, type Part } from "./parts";
import * as programs from "./programs";
import { root } from "./sets";

async function main(): Promise<void> {
  const files = process.argv.slice(2).map((file) => relative(root, resolve(file)));
  const missing = files.find((file) => !existsSync(join(root, file)));
  if (files.length === 0 || missing !== undefined) {
    console.error(
      missing === undefined ? "usage: npm run check -- FILE…" : `${missing}: no such file`,
    );
    process.exitCode = 2;
    return;
  }
  const uses = usesOf(repositoryFiles());
  const { run, named, left } = nearest(files, uses);
  const tests: Part[] = [
    ...(run.length > 0 ? [programs.jest(["--runTestsByPath", ...run])] : []),
    ...named.map(({ command, file }) =>
      programs.jest(["--runTestsByPath", file, "--testNamePattern", `\\b${command}\\b`]),
    ),
  ];
  const code = files.filter(isCode);
  const ended = await runParts([
    tests,
    [programs.format(files), programs.types, ...(code.length > 0 ? [programs.lint(code)] : [])],
  ]);
  console.log(summary(ended));
  if (tests.length === 0) console.log("no unit test reads these files");
  if (left.length > 0) {
    console.log("left out, as they are further away or take long; npm test -- --all runs them:");
    for (const file of left) console.log(`  ${file}`);
  }
  process.exitCode = ended.every((part) => part.code === 0) ? 0 : 1;
}

void main();
