// Random faults: which there could be in a file, and the choice of some by a seed. Nothing is written here.
import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import fc from "fast-check";
import { isIgnored } from "./ignored";

/** A fault in one place of one file. */
export interface Fault {
  /** Relative to the project's root. */
  file: string;
  /** Counted from 1. */
  line: number;
  /** A mutator of Stryker's, or one of {@link shellFaults}. */
  kind: string;
  /** The text in its place, and where in the file it begins. */
  was: string;
  at: number;
  became: string;
}

/** A file's text with a fault in it. */
export function withFault(text: string, { at, was, became }: Fault): string {
  return text.slice(0, at) + became + text.slice(at + was.length);
}

/**
 * Chooses faults, one to a line. The same seed chooses the same faults in the same files. Each line is as likely as another, however
 * many faults it could have.
 */
export async function choose(
  root: string,
  files: readonly string[],
  seed: number,
  count: number,
): Promise<Fault[]> {
  const byLine = new Map<string, Fault[]>();
  for (const fault of await possibleFaults(root, files)) {
    const line = `${fault.file}:${fault.line}`;
    byLine.set(line, [...(byLine.get(line) ?? []), fault]);
  }
  const chosen: Fault[] = [];
  for (const faults of shuffled([...byLine.values()], seed)) {
    if (chosen.length === count) break;
    const fault = shuffled(faults, seed).find((one) => canRun(root, one));
    if (fault) chosen.push(fault);
  }
  return chosen;
}

async function possibleFaults(root: string, files: readonly string[]): Promise<Fault[]> {
  const texts = files.map((file) => ({ file, text: readFileSync(join(root, file), "utf8") }));
  const [scripts, modules] = [true, false].map((wanted) =>
    texts.filter(({ file }) => file.endsWith(".sh") === wanted),
  );
  const faults = [
    ...(scripts ?? []).flatMap(({ file, text }) => shellFaults(file, text)),
    ...(await typescriptFaults(modules ?? [])),
  ];
  return faults.filter((fault) => !isIgnored(fault));
}

function shuffled<T>(items: readonly T[], seed: number): T[] {
  const all = { minLength: items.length, maxLength: items.length };
  return fc.sample(fc.shuffledSubarray([...items], all), { seed, numRuns: 1 })[0] ?? [];
}

/** A script that can't even be read would tell nothing about the tests. Stryker's faults are always well-formed. */
function canRun(root: string, fault: Fault): boolean {
  if (!fault.file.endsWith(".sh")) return true;
  const input = withFault(readFileSync(join(root, fault.file), "utf8"), fault);
  return spawnSync("sh", ["-n"], { input }).status === 0;
}

/** What can be wrong with a line of shell: what a pattern finds is replaced. */
const shellKinds: Record<string, [RegExp, string][]> = {
  "line removed": [[/^.*\w.*$/, ":"]],
  "condition negated": [
    [/^(if|elif|while|until) ! /, "$1 "],
    [/^(if|elif|while|until) (?!! )/, "$1 ! "],
    [/(\[ [^\]]*) = /, "$1 != "],
    [/(\[ [^\]]*) != /, "$1 = "],
    [/(\[ [^\]]*) -eq /, "$1 -ne "],
    [/(\[ [^\]]*) -lt /, "$1 -ge "],
    [/(\[ [^\]]*) -gt /, "$1 -le "],
    [/(\[ [^\]]*) -le /, "$1 -gt "],
    [/(\[ [^\]]*) -ge /, "$1 -lt "],
    [/\[ -z /, "[ -n "],
    [/\[ -n /, "[ -z "],
  ],
  "and/or swapped": [
    [/ &&( |$)/, " ||$1"],
    [/ \|\|( |$)/, " &&$1"],
  ],
};

/** The faults that a shell script could have: none in a comment. */
export function shellFaults(file: string, text: string): Fault[] {
  const starts = lineStarts(text);
  return text.split("\n").flatMap((line, index) => {
    const was = line.trim();
    if (was.startsWith("#")) return [];
    const at = (starts[index] ?? 0) + line.indexOf(was);
    return Object.entries(shellKinds).flatMap(([kind, changes]) =>
      changes
        .map(([pattern, replacement]) => was.replace(pattern, replacement))
        .filter((became) => became !== was)
        .map((became) => ({ file, line: index + 1, kind, was, at, became })),
    );
  });
}

/** The faults that TypeScript modules could have: those that Stryker knows. */
async function typescriptFaults(
  files: readonly { file: string; text: string }[],
): Promise<Fault[]> {
  const { Instrumenter } = await import("@stryker-mutator/instrumenter");
  const [quiet, off] = [() => undefined, () => false];
  const instrumenter = new Instrumenter({
    ...{ trace: quiet, debug: quiet, info: quiet, warn: quiet, error: quiet, fatal: quiet },
    ...{ isTraceEnabled: off, isDebugEnabled: off, isInfoEnabled: off },
    ...{ isWarnEnabled: off, isErrorEnabled: off, isFatalEnabled: off },
  });
  const { mutants } = await instrumenter.instrument(
    files.map(({ file, text }) => ({ name: file, content: text, mutate: true })),
    { plugins: null, ignorers: [], excludedMutations: [] },
  );
  const texts = new Map(files.map(({ file, text }) => [file, { text, starts: lineStarts(text) }]));
  return mutants.flatMap(({ fileName, location: { start, end }, mutatorName, replacement }) => {
    const { text, starts } = texts.get(fileName) ?? { text: "", starts: [] };
    const at = (starts[start.line] ?? 0) + start.column;
    const was = text.slice(at, (starts[end.line] ?? 0) + end.column);
    // `a && b ?? c` isn't JavaScript.
    const became = mutatorName === "LogicalOperator" ? `(${replacement})` : replacement;
    return { file: fileName, line: start.line + 1, kind: mutatorName, was, at, became };
  });
}

function lineStarts(text: string): number[] {
  return [0, ...[...text.matchAll(/\n/g)].map(({ index }) => index + 1)];
}
