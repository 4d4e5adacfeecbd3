// Asks hosts what they say of themselves (report.sh), all at once, in one connection each.
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { script as hostScript } from "../components/host/scripts";
import { type Ssh, type Target, Unreachable } from "./ssh";

/** One answer of a report. */
export interface Section {
  /** How the question's command ended: 0 is well. */
  status: number;
  text: string;
}

/** A host's answers, by question. */
export type Report = ReadonlyMap<string, Section>;

/** What became of asking a host. */
export type Answer = { report: Report } | { unreachable: string };

/**
 * Asks each host its questions; the answers by the host's name.
 * @param before lines of shell that answer first, in sections of their own. @default none
 */
export async function ask<T extends Target>(
  ssh: Ssh,
  targets: readonly T[],
  questions: (target: T) => readonly string[],
  before: (target: T) => string = () => "",
): Promise<Map<string, Answer>> {
  const answers = await Promise.all(
    targets.map(
      async (target) =>
        [target.name, await askOne(ssh, target, questions(target), before(target))] as const,
    ),
  );
  return new Map(answers);
}

/** What a host is fed: report.sh, behind the words of keepalived's log. */
export const reportScript =
  hostScript("vrrp.sh") + readFileSync(join(__dirname, "report.sh"), "utf8");

async function askOne(
  ssh: Ssh,
  target: Target,
  questions: readonly string[],
  before: string,
): Promise<Answer> {
  try {
    return { report: parseReport(await ssh.script(target, before + reportScript, questions)) };
  } catch (error) {
    if (error instanceof Unreachable) return { unreachable: error.message };
    throw error;
  }
}

/**
 * Takes a report apart.
 * @throws Unreachable when it is cut off, or a login's greeting is mixed into it
 */
export function parseReport(text: string): Report {
  const bytes = Buffer.from(text);
  const sections = new Map<string, Section>();
  let at = 0;
  while (at < bytes.length) {
    const newline = bytes.indexOf("\n", at);
    const head = bytes.toString("utf8", at, newline < 0 ? bytes.length : newline);
    const [, status, length, name] = /^(\d+) (\d+) (.+)$/.exec(head) ?? [];
    if (name === undefined) throw new Unreachable(`it said "${head}" instead of a report`);
    if (name === "end") return sections;
    const end = newline + 1 + Number(length);
    sections.set(name, {
      status: Number(status),
      text: bytes.toString("utf8", newline + 1, end),
    });
    at = end + 1;
  }
  throw new Unreachable("the report was cut off");
}

/** Whether the question was asked, and its command ended well: an empty text says nothing otherwise. */
export function isAnswered(report: Report, name: string): boolean {
  return report.get(name)?.status === 0;
}

/** An answer's text; empty when the question wasn't asked, or its command failed. */
export function textOf(report: Report, name: string): string {
  const section = report.get(name);
  return section?.status === 0 ? section.text : "";
}

/**
 * What an answer says, of its text: see {@link textOf}.
 * @throws Unreachable when that is not what the question's command prints: of a host that says so, nothing is believed
 */
export function parsed<T>(report: Report, name: string, parse: (text: string) => T): T {
  try {
    return parse(textOf(report, name));
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    throw new Unreachable(`its answer to "${name}" can't be read: ${why}`);
  }
}

/** What is made of a host's answers, or of the reason why one of them can't be read: see {@link parsed}. */
export function readable<T>(read: () => T, otherwise: (unreachable: string) => T): T {
  try {
    return read();
  } catch (error) {
    if (error instanceof Unreachable) return otherwise(error.message);
    throw error;
  }
}

/**
 * A whole number, as programs print it.
 * @throws Error when it is something else
 */
export function whole(text: string | undefined): number {
  if (text !== undefined && /^\d{1,15}$/.test(text)) return Number(text);
  throw new Error(`"${text ?? ""}" is not a number`);
}

/** The lines of a text, without empty ones. */
export function linesIn(text: string): string[] {
  return text.split("\n").filter((line) => line !== "");
}

/** An answer's lines, without empty ones. */
export function linesOf(report: Report, name: string): string[] {
  return linesIn(textOf(report, name));
}
