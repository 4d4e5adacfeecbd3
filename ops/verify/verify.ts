// Compares every host with the stack, all at once.
import { structuredPatch } from "diff";
import { type Answer, ask, isAnswered, readable, type Report } from "../report";
import type { Ssh } from "../ssh";
import type { Stack, StackHost, Step } from "../stack";
import { type Expectation, expectations } from "./expect";
import { type Finding, findings, verifying } from "./scripts";

/** The result: the output of `verify --json`. */
export interface Verification {
  stack: string;
  /** ISO 8601 */
  at: string;
  clean: boolean;
  hosts: VerifiedHost[];
}

/** A host's result. */
export interface VerifiedHost {
  name: string;
  role: StackHost["role"];
  /** Why the host could not be asked; null when it answered. */
  unreachable: string | null;
  /**
   * How many things were compared. null where the host could not be asked, as are the fields below.
   */
  checked: number | null;
  drifts: Drift[] | null;
  /** Things that could not be compared, so that nothing is known about them. */
  unknown: Unknown[] | null;
  /** Facts worth showing that are not drift. */
  notes: string[] | null;
}

/** Something that is not as the stack says. */
export interface Drift {
  /** The resource that put it there. */
  resource: string;
  urn: string;
  /** A file's path, or a description. */
  title: string;
  /** A unified diff from the stack to the host; for a secret, a line that doesn't show it. */
  diff: string[];
}

/** Something that could not be compared. */
export interface Unknown {
  /** The resource that put it there. */
  resource: string;
  /** A file's path, a description, or the script that could not look at all. */
  title: string;
  why: string;
}

/** Asks every host, in one connection each, and compares. */
export async function verify(ssh: Ssh, stack: Stack): Promise<Verification> {
  const expected = new Map(stack.hosts.map((host) => [host.name, expectations(host)]));
  // Before any host is asked: a stack with unknown scripts is an error.
  const programs = new Map(stack.hosts.map((host) => [host.name, verifying(host)]));
  const answers = await ask(
    ssh,
    stack.hosts,
    ({ name }) => [...new Set(expected.get(name)?.flatMap(({ questions }) => questions))],
    ({ name }) => programs.get(name) ?? "",
  );
  const hosts = stack.hosts.map((host) =>
    verified(host, expected.get(host.name) ?? [], answers.get(host.name)),
  );
  return {
    stack: stack.name,
    at: new Date().toISOString(),
    clean: hosts.every(({ drifts, unknown }) => drifts?.length === 0 && unknown?.length === 0),
    hosts,
  };
}

/** Compares one host's answers with what is expected of it. */
export function verified(
  { name, role, steps }: StackHost,
  expected: readonly Expectation[],
  answer: Answer | undefined,
): VerifiedHost {
  const nothing = (unreachable: string): VerifiedHost => ({
    ...{ name, role, unreachable },
    ...{ checked: null, drifts: null, unknown: null, notes: null },
  });
  if (answer === undefined) return nothing("not asked");
  if ("unreachable" in answer) return nothing(answer.unreachable);
  const { report } = answer;
  return readable(() => {
    const found = steps.flatMap((step) =>
      findings(step, report).map((finding) => ({ step, finding })),
    );
    const compared = expected.filter((expectation) => lacks(expectation, report) === undefined);
    return {
      ...{ name, role, unreachable: null },
      checked: found.filter(({ finding }) => finding.verdict !== "note").length + expected.length,
      drifts: [
        ...found.flatMap(({ step, finding }) => driftFound(step, finding)),
        ...compared.flatMap((expectation) => driftOf(expectation, report)),
      ],
      unknown: [
        ...found.flatMap(({ step, finding }) =>
          finding.verdict === "unknown"
            ? [{ resource: step.name, title: finding.title, why: finding.why }]
            : [],
        ),
        ...expected.flatMap((expectation) => unknownOf(expectation, report)),
      ],
      notes: [
        ...found.flatMap(({ finding }) => (finding.verdict === "note" ? [finding.text] : [])),
        ...compared.flatMap(({ notes }) => notes?.(report) ?? []),
      ],
    };
  }, nothing);
}

function driftFound(step: Step, finding: Finding): Drift[] {
  const { verdict, title } = finding;
  const drift = (lines: string[]): Drift[] => [
    { resource: step.name, urn: step.urn, title, diff: lines },
  ];
  if (verdict === "missing") return drift(["it is not there"]);
  // A file's mode doesn't reveal a secret text.
  const isShown = !step.secret || title.startsWith("mode of ");
  if (verdict === "differs" && isShown) return drift(diff(finding.wanted, finding.found));
  if (verdict === "differs" || verdict === "secret") {
    return drift(["it differs (secret, not shown)"]);
  }
  return [];
}

/** The first answer that the expectation needs and the report lacks. */
function lacks({ needs }: Expectation, report: Report): string | undefined {
  return needs.find((name) => !isAnswered(report, name));
}

function unknownOf(expectation: Expectation, report: Report): Unknown[] {
  const { step, title } = expectation;
  const lacking = lacks(expectation, report);
  if (lacking === undefined) return [];
  return [{ resource: step.name, title, why: `the host has no answer to "${lacking}"` }];
}

function driftOf({ step, title, want, have }: Expectation, report: Report): Drift[] {
  const wanted = want(report);
  const found = have(report);
  if (found === wanted) return [];
  return [{ resource: step.name, urn: step.urn, title, diff: diff(wanted, found) }];
}

function diff(wanted: string, found: string): string[] {
  const { hunks } = structuredPatch("stack", "host", wanted, found, "", "", { context: 1 });
  const lines = hunks.flatMap((hunk, i) => [...(i > 0 ? ["…"] : []), ...hunk.lines]);
  return lines.length > 0 ? lines : ["it differs in bytes that are no text"];
}
