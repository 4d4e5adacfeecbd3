/** The command line of the bench: `npm run bench -- COMMAND`. */
import { writeFileSync } from "node:fs";
import { Command, InvalidArgumentError, Option } from "commander";

import { exitOnSignals } from "../lab/run";
import { table } from "../lab/table";
import { measureEngine } from "./engine";
import { type JobFigures, measureJob } from "./job";
import { type PeerName, peerNames } from "./job/peers";
import { caseRows, jobRows, jobSummary } from "./jobPage";
import { type Figures, type Subject, busyWords, rows, subjects, summary, wasBusy } from "./figures";
import { type PacketFigures, measurePackets } from "./packets";
import { packetRows, packetSummary } from "./packetsPage";
import { page } from "./page";
import { plot } from "./plot";
import type { Size } from "./stack";

/** The sizes that are measured by default. */
const standardSizes: Size[] = [
  ...[5, 20, 50, 100].map((hosts) => ({ hosts, services: 1 })),
  { hosts: 20, services: 100 },
];

const program = new Command("npm run bench --").description("What the product costs, measured");

interface Options {
  hosts?: number[];
  services?: number[];
  only: Subject[];
  maxUnavailable?: number;
  bastion?: boolean;
  rounds: number;
  timeout: number;
  json?: string;
  plot?: string;
  page?: string;
}

program
  .command("engine")
  .description(
    "what the engine, the program and the plugins cost by number of hosts, on stub hosts that take every login and do nothing; as root",
  )
  .option(
    "--hosts <number...>",
    "two directors and real servers (default: 5 20 50 100, and 20 with 100 virtual servers)",
    integers(3, 1000),
  )
  .option("--services <number...>", "virtual servers", integers(1, 500))
  .addOption(
    new Option("--only <what...>", "of what is measured").choices(subjects).default([...subjects]),
  )
  .option(
    "--max-unavailable <number>",
    "real servers changed at a time (default: the config's)",
    integer(1, 1000),
  )
  .option("--bastion", "every login goes through one more stub host")
  .option("--rounds <number>", "all of it so often; the figures are medians", integer(1, 100), 1)
  .option("--timeout <seconds>", "for one run", integer(1, 86_400), 1800)
  .option("--json <file>", "writes the figures")
  .option("--plot <file>", "writes an SVG")
  .option("--page <file>", "writes Markdown, with the plot of --plot")
  .action(async (options: Options) => {
    const { hosts, services, only, rounds, timeout: timeoutSeconds } = options;
    const { maxUnavailable, bastion } = options;
    const sizes =
      hosts === undefined && services === undefined
        ? standardSizes
        : (hosts ?? [5, 20, 50, 100]).flatMap((count) =>
            (services ?? [1]).map((other) => ({ hosts: count, services: other })),
          );
    const command = ["npm run bench --", ...process.argv.slice(2)].join(" ");
    const request = {
      sizes: sizes.map((size) => ({ ...size, maxUnavailable, bastion })),
      only,
      rounds,
      timeoutSeconds,
      command,
    };
    let figures: Figures | undefined;
    try {
      await measureEngine(request, progress, (all) => {
        figures = all;
        if (options.json !== undefined) writeFileSync(options.json, json(all));
      });
    } finally {
      if (figures) console.log(table(rows(summary(figures.samples))));
    }
    if (!figures) throw new Error("nothing was measured");
    const { plot: plotFile, page: pageFile } = options;
    if (plotFile !== undefined) writeFileSync(plotFile, plot(figures));
    if (pageFile !== undefined) {
      writeFileSync(pageFile, page(figures, { page: pageFile, plot: plotFile }));
    }
    if (wasBusy(figures)) progress(busyWords(figures));
  });

program
  .command("packets")
  .description(
    "SYNs a second through a director's packet filter by number of services, in network namespaces; as root",
  )
  .option("--services <number...>", "virtual servers (default: 1 100 1000)", integers(1, 2000))
  .option("--seconds <number>", "for each table", integer(1, 60), 3)
  .option("--rounds <number>", "all of it so often; the figures are medians", integer(1, 100), 1)
  .option("--json <file>", "writes the figures; npm run docs makes the page of them")
  .action(async ({ services = [1, 100, 1000], seconds, rounds, json: file }: PacketCommand) => {
    const command = ["npm run bench --", ...process.argv.slice(2)].join(" ");
    const figures = await measurePackets(
      { services, rounds, seconds, command },
      progress,
      (all) => {
        if (file !== undefined) writeFileSync(file, json(all));
      },
    );
    console.log(table(packetRows(packetSummary(figures))));
    if (wasBusy(figures)) progress(busyWords(figures));
  });

program
  .command("job")
  .description(
    "what it takes to set up the lab's hosts, and to change and check them, beside Ansible, a naive Pulumi program and the floor; as root",
  )
  .addOption(
    new Option("--only <peer...>", "of the peers").choices(peerNames).default([...peerNames]),
  )
  .option("--rounds <number>", "all of it so often; the figures are medians", integer(1, 100), 1)
  .option("--seed <number>", "draws what is changed by hand", integer(0, 1_000_000), 1)
  .option("--json <file>", "writes the figures; npm run docs makes the page of them")
  .action(async ({ json: file, ...options }: JobCommand) => {
    const command = ["npm run bench --", ...process.argv.slice(2)].join(" ");
    let figures: JobFigures | undefined;
    try {
      await measureJob({ ...options, command }, progress, (all) => {
        figures = all;
        if (file !== undefined) writeFileSync(file, json(all));
      });
    } finally {
      if (figures) console.log(`${table(jobRows(jobSummary(figures)))}\n`);
      if (figures && figures.cases.length > 0) console.log(table(caseRows(figures.cases)));
    }
    if (figures && wasBusy(figures)) progress(busyWords(figures));
  });

interface JobCommand {
  only: PeerName[];
  rounds: number;
  seed: number;
  json?: string;
}

interface PacketCommand {
  services?: number[];
  seconds: number;
  rounds: number;
  json?: string;
}

function json(figures: Figures | PacketFigures | JobFigures): string {
  return `${JSON.stringify(figures, undefined, 2)}\n`;
}

/** Prints to standard error: standard output has only the tables. */
function progress(line: string): void {
  console.error(line);
}

function integer(min: number, max: number): (text: string) => number {
  return (text) => {
    const number = Number(text);
    if (Number.isInteger(number) && number >= min && number <= max) return number;
    throw new InvalidArgumentError(`It is not a whole number from ${min} to ${max}.`);
  };
}

/** Adds an integer to the list of an option that may be repeated. */
function integers(min: number, max: number): (text: string, before?: number[]) => number[] {
  return (text, before = []) => [...before, integer(min, max)(text)];
}

process.umask(0o022);
// On a signal, too, the scratch folder is removed.
exitOnSignals();

program.parseAsync().catch((error: unknown) => {
  console.error(`bench: ${error instanceof Error ? error.message : String(error)}`);
  process.exitCode = 1;
});
