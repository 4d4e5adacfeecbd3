// Asks each step's script on a host to `verify` what is left of its work (files.sh has the format).
// It runs this version's scripts, because the installed ones may be what has changed.
import { readFileSync } from "node:fs";
import { quote } from "shell-quote";
import { scriptTexts, unpacked } from "../../components/host/scripts";
import { packagePath } from "../../components/package";
import { withEnd } from "../../components/render/files";
import { CouldNotLook } from "../exit";
import { parsed, type Report, whole } from "../report";
import { lastLine } from "../../components/host/openssh";
import type { StackHost, Step } from "../stack";

/** One result of a script's comparison. */
export type Finding =
  | { verdict: "same" | "missing" | "secret"; title: string }
  | { verdict: "differs"; title: string; wanted: string; found: string }
  | { verdict: "unknown"; title: string; why: string }
  | { verdict: "note"; title: string; text: string };

const verdicts = ["same", "differs", "secret", "missing", "unknown", "note"] as const;

/**
 * The shell text that verifies every step of a host, to run before report.sh.
 * @throws CouldNotLook when a step ran a script that this version doesn't have
 */
export function verifying({ steps }: StackHost): string {
  const known = scriptTexts();
  const calls = steps.flatMap((step) => {
    if (!(step.script in known)) {
      throw new CouldNotLook(
        `${step.name} ran ${step.script}, which this lvs doesn't know: the stack is of a newer version`,
      );
    }
    return call(step);
  });
  return [
    // In memory: the compared texts contain secrets, and a full disk must not prevent the check.
    "TMPDIR=/run",
    "export TMPDIR",
    ...unpacked(),
    // A broken connection ends the shell, which removes its files.
    "trap 'exit 1' HUP INT PIPE TERM",
    readFileSync(packagePath("ops/verify/verified.sh"), "utf8"),
    ...calls,
    "",
  ].join("\n");
}

/** Scripts that arrive on standard input themselves, and read no other input. */
const brought = ["authorize.sh", "install.sh"];

/** The shell lines that verify one step, with the step's own words and input. */
function call({ name, script, args, stdin }: Step): string[] {
  // The first word is the verb, which `verify` replaces.
  const input = withEnd(brought.includes(script) ? "" : stdin);
  const lines = input.split("\n");
  let end = "END_OF_INPUT";
  while (lines.includes(end)) end += "_";
  return [
    `${quote(["verified", section({ name, script }), script, ...args.slice(1)])} <<'${end}'`,
    `${input}${end}`,
  ];
}

/** Names a step's section; a resource may run several scripts. */
function section({ name, script }: Pick<Step, "name" | "script">): string {
  return `${name} ${script}`;
}

/**
 * What a step's script has found, or only the reason if it could not look.
 * @throws Unreachable when its output can't be parsed
 */
export function findings({ name, script }: Step, report: Report): Finding[] {
  const title = `verify ${section({ name, script })}`;
  const answer = report.get(title);
  if (answer?.status === 0) return parsed(report, title, parseFindings);
  const why = answer === undefined ? "it was not asked" : lastLine(answer.text);
  return [
    {
      verdict: "unknown",
      title: script,
      why: why ?? `it ended with ${String(answer?.status)}, without a word`,
    },
  ];
}

/**
 * Parses the records.
 * @throws Error when a record is not in files.sh's format, or the last one is missing
 */
export function parseFindings(text: string): Finding[] {
  const bytes = Buffer.from(text);
  const all: Finding[] = [];
  let at = 0;
  const line = () => {
    const end = bytes.indexOf("\n", at);
    if (end < 0) throw new Error("it is cut off");
    const words = bytes.toString("utf8", at, end);
    at = end + 1;
    return words;
  };
  const block = (length: number) => {
    const end = at + length;
    if (bytes[end] !== 10) throw new Error("a text is not as long as its record says");
    const words = bytes.toString("utf8", at, end);
    at = end + 1;
    return words;
  };
  let hasEnded = false;
  while (at < bytes.length) {
    const head = line();
    const [, verdict = "", ...rest] = /^(\w+) (\d+) (\d+) (.+)$/.exec(head) ?? [];
    const [one, other, title = ""] = rest;
    const [first, second] = [block(whole(one)), block(whole(other))];
    // A script that has run other scripts prints an `end` record for each.
    hasEnded = verdict === "end";
    if (!hasEnded) all.push(finding(verdict, title, first, second, head));
  }
  if (!hasEnded) throw new Error("it is cut off");
  return all;
}

function finding(
  verdict: string,
  title: string,
  first: string,
  second: string,
  head: string,
): Finding {
  const known = verdicts.find((one) => one === verdict);
  const isRight =
    known === "differs" || (second === "" && (known === "unknown" || known === "note" || !first));
  if (known === undefined || !isRight) throw new Error(`"${head}" is no record`);
  if (known === "differs") return { verdict: known, title, wanted: first, found: second };
  if (known === "unknown") return { verdict: known, title, why: first.trimEnd() };
  if (known === "note") return { verdict: known, title, text: first.trimEnd() };
  return { verdict: known, title };
}
