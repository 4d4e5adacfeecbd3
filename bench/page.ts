/** The page with the figures: docs/performance.md. */
import { dirname, relative } from "node:path";

import {
  type Figure,
  type Figures,
  type Subject,
  busyWords,
  rows,
  seconds,
  summary,
  wasBusy,
} from "./figures";
import { machineWords } from "./machine";

/** The paths of the page and its plot. */
export interface PagePaths {
  page: string;
  /** @default the page has no plot */
  plot?: string;
}

/** The page's text, in Markdown. */
export function page(figures: Figures, { page: file, plot }: PagePaths): string {
  const all = summary(figures.samples);
  const blocks = [
    "<!-- Made from the figures by `npm run bench -- engine` and `npm run docs`: edit bench/page.ts, not this. -->",
    "# What the engine costs",
    "CPU time, wall time, logins, state and memory of Pulumi's engine, the program and its plugins, by number of hosts. The hosts are " +
      "stubs that take every login and do nothing, so no host's work is in it: it is the least that an `up` takes, whatever the hosts are.",
    ...(wasBusy(figures) ? [`**${busyWords(figures)}**`] : []),
    conditions(figures, all),
    ...(plot === undefined
      ? []
      : [`![CPU seconds and wall seconds by number of hosts](${relative(dirname(file), plot)})`]),
    markdownTable(rows(all)),
    "## What it means",
    meaning(all).join(" "),
    "## How it is measured",
    method(figures),
  ];
  return `${blocks.join("\n\n")}\n`;
}

/** A table's lines, with padded columns. */
export function markdownTable([header = [], ...body]: readonly string[][]): string {
  const widths = header.map((_, i) =>
    Math.max(3, ...[header, ...body].map((row) => (row[i] ?? "").length)),
  );
  const line = (row: readonly string[]) =>
    `| ${widths.map((width, i) => (row[i] ?? "").padEnd(width)).join(" | ")} |`;
  return [header, widths.map((width) => "-".repeat(width)), ...body].map(line).join("\n");
}

/** Sentences about the figures. A sentence that the figures don't support is left out. */
export function meaning(all: readonly Figure[]): string[] {
  const fewest = Math.min(...all.map(({ services }) => services || Infinity));
  const of = (subject: Subject) =>
    all.filter((one) => one.subject === subject && one.services === fewest && !one.isCutOff);
  const ends = (subject: Subject) => [of(subject)[0], of(subject).at(-1)] as const;
  const cpu = ({ cpuSeconds = NaN }: Figure) => cpuSeconds;
  const times = (number: number) => `${Number(number.toPrecision(2))} times`;
  const sentences: string[] = [];

  const [few, many] = ends("cold");
  if (few && many && few !== many) {
    sentences.push(
      `A first \`up\` takes ${seconds(cpu(few))} CPU s for ${few.hosts} hosts and ${seconds(cpu(many))} for ${many.hosts}: ` +
        `${times(many.hosts / few.hosts)} the hosts cost ${times(cpu(many) / cpu(few))} the CPU time.`,
    );
  }
  const [idleFew, idleMany] = ends("noop");
  const empty = all.find(({ subject, isCutOff }) => subject === "emptyNoop" && !isCutOff);
  if (idleFew && idleMany && empty) {
    const ratio = (one: Figure) => `${times(cpu(one) / cpu(empty))} with ${one.hosts} hosts`;
    const both = idleFew === idleMany ? [idleFew] : [idleFew, idleMany];
    const { all: logins } = idleMany.logins;
    sentences.push(
      `With nothing to do, an \`up\` logs in ${logins === 0 ? "nowhere" : `${logins} times`}; ` +
        `it takes an empty program's CPU time ${both.map(ratio).join(" and ")}.`,
    );
  }
  const floor = of("floor").find(({ hosts }) => hosts === many?.hosts);
  if (many && floor) {
    const { aDirector, aRealServer } = many.logins;
    sentences.push(
      `A first \`up\` of ${many.hosts} hosts logs in ${aDirector} times to a director and ${aRealServer} times to a real server; ` +
        `one login to each host and nothing else takes ${seconds(cpu(floor))} CPU s, and that \`up\` ${times(cpu(many) / cpu(floor))} as much.`,
    );
  }
  return sentences;
}

function conditions(
  { measured, command, machine, load, samples, ...from }: Figures,
  all: Figure[],
): string {
  const runs = Math.max(...all.map((figure) => figure.runs));
  return markdownTable([
    ["", ""],
    ["measured", measured.slice(0, 10)],
    ["command", `\`${command}\``],
    ["runs", runs === 1 ? "one of each" : `${runs} of each, the figures are medians`],
    ["machine", machineWords(machine)],
    [
      "load average",
      `${load.toFixed(1)} when it began, ${Math.max(...samples.map((sample) => sample.load)).toFixed(1)} before a run at most`,
    ],
    ["engine", from.engine],
    ...Object.entries(from.plugins).map(([name, origin]) => [`plugin ${name}`, origin]),
  ]);
}

function method({ timeoutSeconds }: Figures): string {
  return `- **Hosts**: an sshd each, on addresses of their own in one network namespace, with stock settings but for
  \`ForceCommand cat >/dev/null\`: input is read, and nothing is run or answered. Two are directors, the others real servers of every virtual
  server. All else in the config is as it is by default. A stub needs no answer: an \`up\` with nothing to do finds nothing to do after it.
- **CPU s**: user and system time of all processes that the run has started, by the kernel's count of ended children: the run has a process
  namespace, whose first process becomes the parent of those that lose theirs, and waits for each. The sshds are not in it.
- **Wall s** has the sshds' work in it, on the same cores. \`> \` means that a run was ended after ${timeoutSeconds} s; its other figures are those
  until then.
- **Logins**: lines "Accepted publickey" in the sshds' logs; of one director and one real server, the most.
- **State a host**: the state file after the run, divided by the hosts.
- **Peak memory**: the most that all processes of the run had resident at one time, by a look every 0.1 s. Pages that several share count
  for each.
- \`preview\` and \`up --skip-preview\` are runs of their own. The first run of a changed program compiles it; the others find it compiled.
- **Floor**: one Node program logs in to all hosts at once and runs \`sh -s\` on each, with the library that the lab's stand-in of the plugin
  \`command\` uses.`;
}
