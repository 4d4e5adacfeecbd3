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
    .option("--timeout <seconds>", "time that a host has for its answer", timeoutSeconds, 20);
}

/** npm changes to the project's folder; its caller may have been elsewhere. */
function fromCaller(path: string): string {
  return resolve(process.env.INIT_CWD ?? process.cwd(), path);
}

function timeoutSeconds(text: string): number {
  const value = Number(text);
  if (Number.isInteger(value) && value >= 1 && value <= 3600) return value;
  throw new InvalidArgumentError("It is not a whole number of seconds from 1 to 3600.");
}
