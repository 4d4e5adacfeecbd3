// What the host scripts themselves find on a host: each step's script says to `verify` what of its work is no longer there (files.sh has
// the format). This version's scripts are brought to the host for that: those that are installed there may be what has changed.
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { quote } from "shell-quote";
import { scriptTexts, unpacked } from "../../components/host/scripts";
import { withEnd } from "../../components/render/files";
import { CouldNotLook } from "../exit";
import { parsed, type Report, whole } from "../report";
import { lastLine } from "../ssh";
import type { StackHost, Step } from "../stack";

/** One thing that a script has compared. */
export type Finding =
  | { verdict: "same" | "missing" | "secret"; title: string }
  | { verdict: "differs"; title: string; wanted: string; found: string }
  | { verdict: "unknown"; title: string; why: string }
  | { verdict: "note"; title: string; text: string };

const verdicts = ["same", "differs", "secret", "missing", "unknown", "note"] as const;

/**
 * The shell that has every step of a host verified, to be run before report.sh.
 * @throws CouldNotLook when a step ran a script that isn't known here
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
    // In memory, as secrets are among what is compared; and no full disk keeps a host from being asked.
    "TMPDIR=/run",
    "export TMPDIR",
    ...unpacked(),
    // A connection that breaks ends the shell, and leaves nothing behind.
    "trap 'exit 1' HUP INT PIPE TERM",
    readFileSync(join(__dirname, "verified.sh"), "utf8"),
    ...calls,
    "",
  ].join("\n");
}

/** Scripts that travel on standard input themselves, and read none. */
const brought = ["authorize.sh", "install.sh"];

/** A step's own words and input; the first word of most is what they do. */
function call({ name, script, args, stdin }: Step): string[] {
  const words = script === "install.sh" ? args : args.slice(1);
  const input = withEnd(brought.includes(script) ? "" : stdin);
  const lines = input.split("\n");
  let end = "END_OF_INPUT";
  while (lines.includes(end)) end += "_";
  return [`${quote(["verified", name, script, ...words])} <<'${end}'`, `${input}${end}`];
}

/**
 * What a step's script has found; the reason alone, where it could not look.
 * @throws Unreachable when it says something else
 */
export function findings({ name, script }: Step, report: Report): Finding[] {
  const section = `verify ${name}`;
  const answer = report.get(section);
  if (answer?.status === 0) return parsed(report, section, parseFindings);
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
 * Takes the records apart.
 * @throws Error when one is not as files.sh writes them, or the last is not there
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
    // A script that has run others has an end of each.
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
