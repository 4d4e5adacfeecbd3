// Options shared by several commands.
import { resolve } from "node:path";
import { type Command, InvalidArgumentError } from "commander";
import type { StackOptions } from "./pulumi";

/** Options of a command that asks the stack's hosts. */
export interface StackCommandOptions extends StackOptions {
  /** Seconds a host has to answer. */
  timeout: number;
}

/** Adds a command that asks the stack's hosts. */
export function stackCommand(program: Command, nameAndArgs: string): Command {
  return program
    .command(nameAndArgs)
    .option("-s, --stack <name>", "the stack (the selected one)")
    .option("--config-file <file>", "the stack's config file (Pulumi.STACK.yaml)", fromCaller)
    .option(
      "--timeout <seconds>",
      "time that a host has for its answer",
      wholeNumber(1, 3600, " of seconds"),
      20,
    );
}

/** Resolves a path against the caller's folder: npm changes to the project's folder. */
function fromCaller(path: string): string {
  return resolve(process.env.INIT_CWD ?? process.cwd(), path);
}

/** Parses an option's whole number. `what` names what is counted; other input is a usage error. */
export function wholeNumber(least: number, most: number, what = ""): (text: string) => number {
  return (text) => {
    const value = Number(text);
    if (/^\d+$/.test(text) && value >= least && value <= most) return value;
    throw new InvalidArgumentError(`It is not a whole number${what} from ${least} to ${most}.`);
  };
}
