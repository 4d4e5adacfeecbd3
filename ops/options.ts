// Options that several commands have.
import { resolve } from "node:path";
import { type Command, InvalidArgumentError } from "commander";
import type { StackOptions } from "./pulumi";

export interface StackCommandOptions extends StackOptions {
  /** Seconds that a host has for its answer. */
  timeout: number;
}

/** A command that asks the stack's hosts. */
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

/** npm changes to the project's folder; its caller may have been elsewhere. */
function fromCaller(path: string): string {
  return resolve(process.env.INIT_CWD ?? process.cwd(), path);
}

/** Reads an option's whole number, with what it counts; anything else is a usage error. */
export function wholeNumber(least: number, most: number, what = ""): (text: string) => number {
  return (text) => {
    const value = Number(text);
    if (/^\d+$/.test(text) && value >= least && value <= most) return value;
    throw new InvalidArgumentError(`It is not a whole number${what} from ${least} to ${most}.`);
  };
}
