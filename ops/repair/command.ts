// `lvs repair`: mends what has drifted, and nothing else, by the engine.
import type { Command } from "commander";
import pc from "picocolors";
import { confirm } from "../confirm";
import { CouldNotLook, exitCodes, UsageError } from "../exit";
import { type StackCommandOptions, stackCommand } from "../options";
import { pulumi, pulumiOnTerminal } from "../pulumi";
import { withSsh } from "../ssh";
import { readStack } from "../stack";
import { hasConfigChanged } from "../verify/command";
import { picture } from "../verify/picture";
import { type Verification, verify } from "../verify/verify";
import { count } from "../words";
import { withMarks } from "./mark";

interface Options extends StackCommandOptions {
  yes?: boolean;
}

export function addRepair(program: Command): void {
  stackCommand(program, "repair")
    .description("mend what has drifted, by running again the commands that put it there")
    .option("-y, --yes", "don't ask")
    .addHelpText(
      "after",
      "\nExit code: 0 all is as the stack says, 1 something still isn't, 2 usage or a no, 3 nothing could be looked at.",
    )
    .action(async (options: Options) => {
      const before = await lookAgain(options);
      const urns = [...new Set(before.hosts.flatMap(({ drifts }) => drifts.map(({ urn }) => urn)))];
      if (urns.length === 0) {
        process.exitCode = before.clean ? exitCodes.fine : exitCodes.wrong;
        return;
      }
      // Only what has drifted may change: not what somebody has written into the config since.
      if (await hasConfigChanged(options)) {
        throw new UsageError("the config has changed since the last pulumi up: apply that first");
      }
      announce(before, urns);
      await confirm("Mend it?", options);
      await runAgain(urns, options);
      const after = await lookAgain(options);
      process.exitCode = after.clean ? exitCodes.fine : exitCodes.wrong;
    });
}

async function lookAgain(options: Options): Promise<Verification> {
  const stack = await readStack(options);
  const found = await withSsh(stack.hosts, { timeoutSeconds: options.timeout }, (ssh) =>
    verify(ssh, stack),
  );
  console.log(`${picture(found, pc)}\n`);
  if (found.hosts.every(({ unreachable }) => unreachable !== null)) {
    throw new CouldNotLook("no host could be reached");
  }
  return found;
}

function announce({ hosts }: Verification, urns: readonly string[]): void {
  const resources = new Set(
    hosts.flatMap(({ drifts }) =>
      drifts.filter(({ urn }) => urns.includes(urn)).map(({ resource }) => resource),
    ),
  );
  console.log(
    `pulumi up runs ${count(urns.length, "command")} again: ${[...resources].join(", ")}`,
  );
}

async function runAgain(urns: readonly string[], options: Options): Promise<void> {
  // Exported anew: nothing of what somebody else did since may be lost.
  const state = await pulumi(["stack", "export"], options);
  await pulumi(["stack", "import"], options, withMarks(state, urns));
  const targets = urns.flatMap((urn) => ["--target", urn]);
  const status = await pulumiOnTerminal(["up", "--yes", "--skip-preview", ...targets], options);
  if (status === 0) return;
  console.error("lvs: pulumi up failed; what it has not done yet, the next pulumi up does");
}
