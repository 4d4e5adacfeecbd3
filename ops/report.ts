// Asks all hosts about themselves with report.sh, at once, in one connection each.
import { readFileSync } from "node:fs";
import { script as hostScript } from "../components/host/scripts";
import type { Target } from "../components/host/openssh";
import { packagePath } from "../components/package";
import { type Ssh, Unreachable } from "./ssh";

/** One answer of a report. */
export interface Section {
  /** Exit status of the question's command: 0 is success. */
  status: number;
  text: string;
}

/** A host's answers, by question. */
export type Report = ReadonlyMap<string, Section>;

/** A host's report, or why it could not be asked. */
export type Answer = { report: Report } | { unreachable: string };

/**
 * Asks each host its questions. Returns the answers by the host's name.
 * @param before lines of shell that run first and print sections of their own.
 * @default none
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

/** The script for a host: vrrp.sh, which reads keepalived's log, then report.sh. */
export const reportScript =
  hostScript("vrrp.sh") + readFileSync(packagePath("ops/report.sh"), "utf8");

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
 * Parses a report.
 * @throws Unreachable when it is cut off, or mixed with a login's greeting
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

/**
 * Whether the question was asked and its command succeeded: only then does an empty text mean
 * "nothing".
 */
export function isAnswered(report: Report, name: string): boolean {
  return report.get(name)?.status === 0;
}

/** An answer's text; empty when the question wasn't asked, or its command failed. */
export function textOf(report: Report, name: string): string {
  const section = report.get(name);
  return section?.status === 0 ? section.text : "";
}

/**
 * Parses an answer's text: see {@link textOf}.
 * @throws Unreachable when the text can't be parsed: the host's report is not trusted then
 */
export function parsed<T>(report: Report, name: string, parse: (text: string) => T): T {
  try {
    return parse(textOf(report, name));
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    throw new Unreachable(`its answer to "${name}" can't be read: ${why}`);
  }
}

/**
 * Runs `read`; if an answer can't be read, returns `otherwise` of the reason: see {@link parsed}.
 */
export function readable<T>(read: () => T, otherwise: (unreachable: string) => T): T {
  try {
    return read();
  } catch (error) {
    if (error instanceof Unreachable) return otherwise(error.message);
    throw error;
  }
}

/**
 * Parses a whole number, as programs print it.
 * @throws Error for any other text
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
