// A question before something is changed.
import { once } from "node:events";
import { createInterface } from "node:readline/promises";
import { UsageError } from "./exit";
import { interrupted } from "./signals";
import { outputFor } from "./voice";

export interface ConfirmOptions {
  /** Said on the command line already. */
  yes?: boolean;
  /** Standard output is for a program. */
  json?: boolean;
}

/** @throws UsageError when there is neither a `--yes` nor a person to ask */
export function mustBeAskable({ yes }: ConfirmOptions): void {
  if (!yes && !process.stdin.isTTY) throw new UsageError("nobody is there to ask: say --yes");
}

/** Whether somebody says yes. */
export async function saysYes(question: string, options: ConfirmOptions): Promise<boolean> {
  mustBeAskable(options);
  if (options.yes) return true;
  const terminal = createInterface({ input: process.stdin, output: outputFor(options).stream });
  // A Ctrl-C, a Ctrl-D, a signal and a terminal that is gone are a no.
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

/** @throws UsageError unless somebody says yes */
export async function confirm(question: string, options: ConfirmOptions): Promise<void> {
  if (!(await saysYes(question, options))) throw new UsageError("nothing was changed");
}
