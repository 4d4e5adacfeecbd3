// `lvs verify`: checks whether every host is as the last `pulumi up` left it.
import type { Command } from "commander";
import type { Colors } from "picocolors/types";
import { CouldNotLook, exitCodes } from "../exit";
import { type StackCommandOptions, stackCommand } from "../options";
import { pulumiResult } from "../pulumi";
import { withSsh } from "../ssh";
import { readStack } from "../stack";
import { colorsOn, print, printJson } from "../voice";
import { picture } from "./picture";
import { throughAll, throughPicture } from "./through";
import { verify } from "./verify";

interface Options extends StackCommandOptions {
  json?: boolean;
  throughVip: boolean;
  preview?: boolean;
}

/** Adds `lvs verify`. */
export function addVerify(program: Command): void {
  stackCommand(program, "verify")
    .description("compare every host with what the last pulumi up put there")
    .option("--no-through-vip", "don't ask each virtual server something, from this machine")
    .option("--preview", "also say whether the config has changed since (pulumi preview)")
    .option("--json", "print it as JSON")
    .addHelpText(
      "after",
      "\nA diff's - lines are what the stack says, its + lines what is on the host." +
        "\nExit code: 0 all is as the stack says, 1 something is not, 2 usage, 3 nothing could be looked at.",
    )
    .action(async (options: Options) => {
      const stack = await readStack(options);
      const found = await withSsh(stack.hosts, { timeoutSeconds: options.timeout }, (ssh) =>
        verify(ssh, stack),
      );
      const through = options.throughVip ? await throughAll(stack) : undefined;
      const configChanged = options.preview ? await hasConfigChanged(options) : undefined;
      if (options.json) {
        printJson({
          ...found,
          throughVip: through ?? null,
          configChanged: configChanged ?? null,
        });
      } else {
        const colors = colorsOn(process.stdout);
        print(picture(found, colors));
        if (through) print(throughPicture(through, colors));
        if (configChanged !== undefined) print(previewLine(configChanged, colors));
      }
      if (found.hosts.every(({ unreachable }) => unreachable !== null)) {
        throw new CouldNotLook("no host could be reached");
      }
      const answered = through?.every(({ problem }) => problem === null) ?? true;
      process.exitCode =
        found.clean && answered && !configChanged ? exitCodes.fine : exitCodes.wrong;
    });
}

/**
 * Whether `pulumi up` would change something.
 * @throws CouldNotLook when the preview fails for another reason
 */
export async function hasConfigChanged(options: StackCommandOptions): Promise<boolean> {
  const { exitCode, said } = await pulumiResult(["preview", "--expect-no-changes"], options);
  if (exitCode === 0) return false;
  if (said.includes("no changes were expected but changes were proposed")) return true;
  throw new CouldNotLook(`pulumi preview: ${said.trim()}`);
}

function previewLine(changed: boolean, colors: Colors): string {
  return changed
    ? colors.red("the config has changed since the last pulumi up: pulumi preview --diff shows how")
    : colors.green("● the config is what the last pulumi up applied");
}
