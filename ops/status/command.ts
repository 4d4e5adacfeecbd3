// `lvs status`: the load balancer at a glance.
import { setTimeout as delay } from "node:timers/promises";
import { type Command, InvalidArgumentError } from "commander";
import { CouldNotLook, exitCodes } from "../exit";
import { type StackCommandOptions, stackCommand } from "../options";
import { type Ssh, withSsh } from "../ssh";
import { readStack, type Stack } from "../stack";
import { colorsOn, print, printJson, printJsonLine, redraw } from "../voice";
import { picture } from "./picture";
import { see } from "./see";

interface Options extends StackCommandOptions {
  json?: boolean;
  watch?: number | true;
}

/** Adds `lvs status`. */
export function addStatus(program: Command): void {
  stackCommand(program, "status")
    .description("who is active, who is in each pool, and what is wrong")
    .option(
      "-w, --watch [seconds]",
      "look again and again, until Ctrl-C (every 2 seconds)",
      seconds,
    )
    .option("--json", "print it as JSON; with --watch, one line each time")
    .addHelpText(
      "after",
      "\nExit code: 0 healthy, 1 something is wrong, 2 usage, 3 nothing could be looked at.",
    )
    .action(async (options: Options) => {
      const stack = await readStack(options);
      const { watch } = options;
      const ssh = { timeoutSeconds: options.timeout, keepOpen: watch !== undefined };
      await withSsh(stack.hosts, ssh, async (open) => {
        if (watch === undefined) return once(open, stack, options);
        for (;;) {
          await again(open, stack, options);
          await delay((watch === true ? 2 : watch) * 1000);
        }
      });
    });
}

const colors = colorsOn(process.stdout);

async function once(ssh: Ssh, stack: Stack, { json }: Options): Promise<void> {
  const status = await see(ssh, stack);
  if (json) printJson(status);
  else print(picture(status, colors));
  const hosts = [...status.directors, ...status.realServers];
  if (hosts.every(({ unreachable }) => unreachable !== null)) {
    throw new CouldNotLook("no host could be reached");
  }
  process.exitCode = status.healthy ? exitCodes.fine : exitCodes.wrong;
}

async function again(ssh: Ssh, stack: Stack, { json }: Options): Promise<void> {
  const status = await see(ssh, stack);
  if (json) printJsonLine(status);
  else if (process.stdout.isTTY) redraw(picture(status, colors));
  else print(`${picture(status, colors)}\n`);
}

function seconds(text: string): number {
  const value = Number(text);
  if (/^\d+(\.\d+)?$/.test(text) && value >= 0.5 && value <= 3600) return value;
  throw new InvalidArgumentError("It is not a number of seconds from 0.5 to 3600.");
}
