/** The lab's command line: `npm run lab -- COMMAND`. */
import { Command, InvalidArgumentError, Option } from "commander";

import { detectionTable, measureDetection } from "./experiments/detection";
import { writeFigures } from "./experiments/figures";
import { measurePauses, pauseTable } from "./experiments/pauses";
import { measureResize, resizeTable } from "./experiments/resize";
import { measureSoak, soakTable } from "./experiments/soak";
import { configurations, measureStreams, streamTable } from "./experiments/streams";
import { type Lab, namedLab } from "./instance";
import { labDown, labEnv, labIsUp, labUp, powerCut, powerOn, resetHost } from "./lab";
import { inNamespace } from "./network";
import { projectRoot } from "./paths";
import { timeTable } from "./progress";
import { prove } from "./proof";
import { exitOnSignals, runOnTerminal } from "./run";
import { sshCommand } from "./ssh";
import { configWords } from "./stackConfig";
import { labStatus } from "./status";
import { topologyNames } from "./topologies";
import { findHost } from "./topology";

const program = new Command("npm run lab --")
  .description(
    "Real Linux hosts on this machine, for the development stack. Without a command: brings the lab up, applies the stack and proves " +
      "that it works.",
  )
  .enablePositionalOptions()
  .option(
    "--lab <name>",
    "which lab, where several are up (default: its topology's name, or $LVS_HA_LAB)",
  )
  .addOption(
    new Option("--topology <name>", "the hosts of a new lab (default: dev)").choices(topologyNames),
  )
  .action(async () => {
    await up();
    const apply = ["pulumi", "up", "--yes", "--non-interactive", ...configWords(lab())];
    const status = await inLab(apply as [string, ...string[]], projectRoot);
    if (status !== 0)
      throw new Error(`pulumi up failed with status ${status}; the lab is still up`);
    await prove(lab(), (line) => {
      console.log(line);
    });
    console.log(
      "\nThe lab is up. Look around: npm run lab -- status. Take it down: npm run lab -- down",
    );
  });

program.command("up").description("bring up what isn't up").action(up);

program
  .command("down")
  .description("end and remove the lab; what was built stays in the cache")
  .action(async () => {
    await labDown(lab());
    console.log("the lab is down");
  });

program
  .command("status")
  .description("hosts, engine and cache")
  .action(async () => {
    console.log(await labStatus(lab()));
  });

passThrough(program.command("ssh"))
  .description("log in to a host, or run a command on it")
  .argument("<host>", hostNames())
  .argument("[command...]")
  .action(async (name: string, command: string[]) => {
    requireUp();
    const [file, args] = sshCommand(
      lab(),
      findHost(lab().topology, name).name,
      command.length > 0 ? ["--", ...command] : [],
    );
    process.exitCode = await runOnTerminal(file, args);
  });

passThrough(program.command("exec"))
  .description(
    "run a program in the lab's network, with the lab's Pulumi and SSH agent: exec pulumi preview --diff",
  )
  .argument("<command...>")
  .action(async (command: [string, ...string[]]) => {
    requireUp();
    // npm changes to the project's folder, but the command runs in the caller's.
    process.exitCode = await inLab(command, process.env.INIT_CWD ?? process.cwd());
  });

program
  .command("power")
  .description("cut a host's power, or switch it on")
  .argument("<host>", hostNames())
  .argument("<state>", "off or on")
  .action(async (name: string, state: string) => {
    requireUp();
    const actions = new Map([
      ["off", powerCut],
      ["on", powerOn],
    ]);
    const action = actions.get(state);
    if (!action) throw new Error(`the power is "off" or "on", not "${state}"`);
    await action(lab(), name);
  });

program
  .command("reset")
  .description("give a host a new disk, as freshly installed")
  .argument("<host>", hostNames())
  .action(async (name: string) => {
    requireUp();
    await resetHost(lab(), name);
  });

const measure = program
  .command("measure")
  .description(
    "figures of the load balancer under faults; Pulumi.dev.yaml's stack is on the hosts again afterwards",
  );

measure
  .command("streams")
  .description(
    "which long-lived TCP streams outlive a power cut of the active director, by configuration",
  )
  .option("--streams <number>", "of each age", positive, 200)
  .option("--cuts <number>", "of each configuration", positive, 1)
  .addOption(
    new Option("--only <name...>", "these configurations").choices(
      configurations.map(({ name }) => name),
    ),
  )
  .option("--json <file>", "writes the figures")
  .action(
    async ({
      json,
      ...options
    }: {
      streams: number;
      cuts: number;
      only?: string[];
      json?: string;
    }) => {
      requireUp();
      const figures = await measureStreams(lab(), options, progress);
      console.log(streamTable(figures));
      if (json !== undefined) writeFigures(json, "streams", figures);
    },
  );

measure
  .command("detection")
  .description(
    "how long a dead director goes unnoticed, over power cuts at adverts of 0.1 s and, half as many, 0.3 s",
  )
  .option("--cuts <number>", "at 0.1 s", positive, 20)
  .option("--json <file>", "writes the figures")
  .action(async ({ cuts, json }: { cuts: number; json?: string }) => {
    requireUp();
    const series = [
      { advertIntervalSeconds: 0.1, cuts },
      { advertIntervalSeconds: 0.3, cuts: Math.ceil(cuts / 2) },
    ];
    const figures = await measureDetection(lab(), series, progress);
    console.log(detectionTable(figures));
    if (json !== undefined) writeFigures(json, "detection", figures);
  });

measure
  .command("soak")
  .description("whether a short advert interval holds while every host installs packages")
  .option("--minutes <number>", "how long", positive, 10)
  .option("--advert <seconds>", "advert interval", positive, 0.1)
  .option("--json <file>", "writes the figures")
  .action(async (options: { minutes: number; advert: number; json?: string }) => {
    requireUp();
    const { minutes, advert, json } = options;
    const figures = await measureSoak(lab(), { minutes, advertIntervalSeconds: advert }, progress);
    console.log(soakTable(figures));
    if (json !== undefined) writeFigures(json, "soak", figures);
  });

measure
  .command("resize")
  .description("what is lost from a drained real server while IPVS's connection table is resized")
  .option("--drains <number>", "of each kind", positive, 10)
  .option("--json <file>", "writes the figures")
  .action(async ({ drains, json }: { drains: number; json?: string }) => {
    requireUp();
    const figures = await measureResize(lab(), { drains }, progress);
    console.log(resizeTable(figures));
    if (json !== undefined) writeFigures(json, "resize", figures);
  });

measure
  .command("pauses")
  .description(
    "for how long two directors are active after the active one stood still for a moment",
  )
  .option("--seconds <number...>", "how long it stands still", positives, [0.5, 1, 2, 5])
  .option("--mh", "with a scheduler by which both directors choose alike, and sloppy_tcp")
  .option("--times <number>", "of each length", positive, 5)
  .option("--json <file>", "writes the figures")
  .action(async (options: { seconds: number[]; times: number; mh?: boolean; json?: string }) => {
    requireUp();
    const figures = await measurePauses(lab(), options, progress);
    console.log(pauseTable(figures));
    if (options.json !== undefined) writeFigures(options.json, "pauses", figures);
  });

/** Leaves options after the first argument to the command being run. */
function passThrough(command: Command): Command {
  return command.passThroughOptions();
}

function hostNames(): string {
  return "one of the lab's; npm run lab -- status lists them";
}

/** The lab that the command line selects. */
function lab(): Lab {
  const { topology, ...options } = program.opts<{ lab?: string; topology?: string }>();
  const name = options.lab ?? process.env.LVS_HA_LAB ?? topology ?? "dev";
  return namedLab(name, topology);
}

async function up(): Promise<void> {
  const times = await labUp(lab());
  console.log(`\n${timeTable(times)}\n`);
}

/** Progress goes to standard error: standard output has only the table. */
function progress(line: string): void {
  console.error(line);
}

function positive(text: string): number {
  const number = Number(text);
  if (number > 0) return number;
  throw new InvalidArgumentError("It is not a number greater than 0.");
}

/** Adds a number to a list option. The first number replaces the default. */
function positives(text: string, before: number[] & { given?: true }): number[] {
  const numbers: typeof before = [...(before.given ? before : []), positive(text)];
  numbers.given = true;
  return numbers;
}

async function inLab(
  [command, ...args]: readonly [string, ...string[]],
  cwd: string,
): Promise<number> {
  const [file, words] = inNamespace(lab().namespaces.operator, command, args);
  return runOnTerminal(file, words, { cwd, env: await labEnv(lab()) });
}

function requireUp(): void {
  if (!labIsUp(lab())) throw new Error("the lab is not up; bring it up with: npm run lab -- up");
}

process.umask(0o022);
exitOnSignals();

program.parseAsync().catch((error: unknown) => {
  console.error(`lab: ${error instanceof Error ? error.message : String(error)}`);
  process.exitCode = 1;
});
