// Holds every host against what the stack says, all at once.
import { structuredPatch } from "diff";
import { type Answer, ask, readable, type Report } from "../report";
import type { Ssh } from "../ssh";
import type { Stack, StackHost } from "../stack";
import { type Expectation, expectations } from "./expect";

/** What was found: the output of `verify --json`. */
export interface Verification {
  stack: string;
  /** ISO 8601 */
  at: string;
  clean: boolean;
  hosts: VerifiedHost[];
}

export interface VerifiedHost {
  name: string;
  role: StackHost["role"];
  /** Why it could not be asked; null when it was. */
  unreachable: string | null;
  /** How many things were compared; null, as the rest, where it could not be asked. */
  checked: number | null;
  drifts: Drift[] | null;
  /** What is worth knowing, and is no drift. */
  notes: string[] | null;
}

/** Something that is not as the stack says. */
export interface Drift {
  /** The resource that put it there. */
  resource: string;
  urn: string;
  /** A file's path, or what it is. */
  title: string;
  /** Lines of a unified diff, from what the stack says to what is there; none where it is secret. */
  diff: string[];
}

/** Asks every host, in one connection each, and compares. */
export async function verify(ssh: Ssh, stack: Stack): Promise<Verification> {
  const expected = new Map(stack.hosts.map((host) => [host.name, expectations(host)]));
  const answers = await ask(ssh, stack.hosts, ({ name }) => [
    ...new Set(expected.get(name)?.flatMap(({ questions }) => questions)),
  ]);
  const hosts = stack.hosts.map((host) =>
    verified(host, expected.get(host.name) ?? [], answers.get(host.name)),
  );
  return {
    stack: stack.name,
    at: new Date().toISOString(),
    clean: hosts.every(({ drifts }) => drifts?.length === 0),
    hosts,
  };
}

/** One host's answers against what must be so on it. */
export function verified(
  { name, role }: StackHost,
  expected: readonly Expectation[],
  answer: Answer | undefined,
): VerifiedHost {
  const nothing = (unreachable: string): VerifiedHost => ({
    ...{ name, role, unreachable },
    ...{ checked: null, drifts: null, notes: null },
  });
  if (answer === undefined) return nothing("not asked");
  if ("unreachable" in answer) return nothing(answer.unreachable);
  const { report } = answer;
  return readable(
    () => ({
      name,
      role,
      unreachable: null,
      checked: expected.length,
      drifts: expected.flatMap((expectation) => driftOf(expectation, report)),
      notes: expected.flatMap(({ notes }) => notes?.(report) ?? []),
    }),
    nothing,
  );
}

function driftOf({ step, title, want, have, secret }: Expectation, report: Report): Drift[] {
  const wanted = want(report);
  const found = have(report);
  if (found === wanted) return [];
  const about = { resource: step.name, urn: step.urn, title };
  if (found === undefined) return [{ ...about, diff: ["it is not there"] }];
  return [{ ...about, diff: secret ? ["it differs (secret, not shown)"] : diff(wanted, found) }];
}

function diff(wanted: string, found: string): string[] {
  const { hunks } = structuredPatch("stack", "host", wanted, found, "", "", { context: 1 });
  return hunks.flatMap(({ lines }, i) => [...(i > 0 ? ["…"] : []), ...lines]);
}
