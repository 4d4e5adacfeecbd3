// A question before something is changed.
import { once } from "node:events";
import { createInterface } from "node:readline/promises";
import { UsageError } from "./exit";
import { interrupted } from "./signals";
import { outputFor } from "./voice";

/** How a question to the operator is answered and printed. */
export interface ConfirmOptions {
  /** Answer yes without asking (`--yes`). */
  yes?: boolean;
  /** Standard output carries JSON, so the question goes to standard error. */
  json?: boolean;
}

/** @throws UsageError without `--yes` when standard input is not a terminal */
export function mustBeAskable({ yes }: ConfirmOptions): void {
  if (!yes && !process.stdin.isTTY) throw new UsageError("nobody is there to ask: say --yes");
}

/** Asks the question; true when the answer is yes. */
export async function saysYes(question: string, options: ConfirmOptions): Promise<boolean> {
  mustBeAskable(options);
  if (options.yes) return true;
  const terminal = createInterface({ input: process.stdin, output: outputFor(options).stream });
  // Ctrl-C, Ctrl-D, a signal and a closed terminal count as "no".
  const answer = await Promise.race([
    terminal.question(`${question} [y/N] `, { signal: interrupted }).catch((error: unknown) => {
      if (error instanceof Error && error.name === "AbortError") return "";
      throw error;
    }),
    once(terminal, "close").then(() => ""),
  ]);
  terminal.close();
  return /^y(es)?$/i.test(answer.trim());
}

/** Asks the question. @throws UsageError when the answer is not yes */
export async function confirm(question: string, options: ConfirmOptions): Promise<void> {
  if (!(await saysYes(question, options))) throw new UsageError("nothing was changed");
}
