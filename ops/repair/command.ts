// `lvs repair`: repairs drift through Pulumi, and changes nothing else.
import type { Command } from "commander";
import { confirm } from "../confirm";
import { CouldNotLook, exitCodes, Interrupted, UsageError } from "../exit";
import { type StackCommandOptions, stackCommand } from "../options";
import { pulumi, pulumiOnTerminal } from "../pulumi";
import { isInterrupted, toItsEnd } from "../signals";
import { withSsh } from "../ssh";
import { readStack } from "../stack";
import { hasConfigChanged } from "../verify/command";
import { picture } from "../verify/picture";
import { type Verification, verify } from "../verify/verify";
import { complain, printJson, outputFor, type Output } from "../voice";
import { count } from "../words";
import { withMarks } from "./mark";

interface Options extends StackCommandOptions {
  yes?: boolean;
  json?: boolean;
}

/** Adds `lvs repair`. */
export function addRepair(program: Command): void {
  stackCommand(program, "repair")
    .description("mend what has drifted, by running again the commands that put it there")
    .option("-y, --yes", "don't ask")
    .option("--json", "print what was found and done as JSON")
    .addHelpText(
      "after",
      "\nExit code: 0 all is as the stack says, 1 something still isn't, 2 usage or a no, 3 nothing could be looked at.",
    )
    .action(async (options: Options) => {
      const output = outputFor(options);
      const before = await lookAgain(options, output);
      const urns = [
        ...new Set(before.hosts.flatMap(({ drifts }) => (drifts ?? []).map(({ urn }) => urn))),
      ];
      if (urns.length === 0) {
        if (options.json) printJson({ before, ranAgain: [], after: null });
        process.exitCode = before.clean ? exitCodes.fine : exitCodes.wrong;
        return;
      }
      // Change only what has drifted, not what waits in the config for a `pulumi up`.
      if (await hasConfigChanged(options)) {
        throw new UsageError("the config has changed since the last pulumi up: apply that first");
      }
      const ranAgain = resourcesOf(before);
      output.say(`pulumi up runs ${count(urns.length, "command")} again: ${ranAgain.join(", ")}`);
      await confirm("Mend it?", options);
      await toItsEnd(() => runAgain(urns, options, output));
      const after = await lookAgain(options, output);
      if (options.json) printJson({ before, ranAgain, after });
      process.exitCode = after.clean ? exitCodes.fine : exitCodes.wrong;
    });
}

async function lookAgain(options: Options, { say, colors }: Output): Promise<Verification> {
  const stack = await readStack(options);
  const found = await withSsh(stack.hosts, { timeoutSeconds: options.timeout }, (ssh) =>
    verify(ssh, stack),
  );
  say(`${picture(found, colors)}\n`);
  if (found.hosts.every(({ unreachable }) => unreachable !== null)) {
    throw new CouldNotLook("no host could be reached");
  }
  return found;
}

function resourcesOf({ hosts }: Verification): string[] {
  return [
    ...new Set(hosts.flatMap(({ drifts }) => (drifts ?? []).map(({ resource }) => resource))),
  ];
}

async function runAgain(urns: readonly string[], options: Options, output: Output): Promise<void> {
  // Export again: the question may have waited long. Pulumi doesn't lock the state across both
  // commands, so the state of another `up` that ends between them is lost.
  const state = await pulumi(["stack", "export"], options, { apart: true });
  if (isInterrupted()) return;
  await pulumi(["stack", "import"], options, { apart: true, input: withMarks(state, urns) });
  if (isInterrupted()) {
    throw new Interrupted("interrupted; what has drifted is marked: the next pulumi up mends it");
  }
  const targets = urns.flatMap((urn) => ["--target", urn]);
  const up = ["up", "--yes", "--skip-preview", ...targets];
  if ((await pulumiOnTerminal(up, options, output)) === 0) return;
  complain("lvs: pulumi up failed; what it has not done yet, the next pulumi up does");
}
