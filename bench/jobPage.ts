/** What the job costs each peer, for people: a section of docs/performance.md, and its picture. */
import { spread } from "../lab/experiments/figures";
import { busyWords, seconds, wasBusy } from "./figures";
import { type JobCase, type JobFigures, type JobSample, type Task, tasks } from "./job";
import { type PeerName, ansibleVersion, peerNames, peerTitles } from "./job/peers";
import { machineWords } from "./machine";
import { markdownTable } from "./page";
import { round } from "./plot";

/** What each is, in a table. */
const taskTitles: Record<Task, string> = {
  cold: "first run, on hosts as freshly installed",
  noop: "nothing to do",
  weight: "one weight, until both kernels have it",
  added: "a real server more",
  drift: "drift check, with a drift on each of the five hosts",
};

/** Samples of one peer and task come to this. */
interface JobFigure {
  peer: PeerName;
  task: Task;
  runs: number;
  wall: { p50: number; min: number; max: number };
  cpuSeconds: number;
  hostCpuSeconds: number;
  /** Those of the run with the most. */
  faults: string[];
}

/** By task, then by peer. */
export function jobSummary({ samples }: Pick<JobFigures, "samples">): JobFigure[] {
  return tasks.flatMap((task) =>
    peerNames.flatMap((peer): JobFigure[] => {
      const own = samples.filter((one) => one.task === task && one.peer === peer);
      if (own.length === 0) return [];
      const of = (figure: (sample: JobSample) => number) => spread(own.map(figure));
      const [worst] = [...own].sort((a, b) => b.faults.length - a.faults.length);
      return [
        {
          ...{ peer, task, runs: own.length, wall: of(({ wallSeconds }) => wallSeconds) },
          cpuSeconds: of(({ cpuSeconds }) => cpuSeconds).p50,
          hostCpuSeconds: of(({ hostCpuSeconds }) => hostCpuSeconds).p50,
          faults: worst?.faults ?? [],
        },
      ];
    }),
  );
}

/** Header and rows, as words. */
export function jobRows(figures: readonly JobFigure[]): string[][] {
  return [
    ["task", "peer", "wall s", "range", "CPU s", "CPU s of the hosts", "judged"],
    ...figures.map(({ peer, task, wall, cpuSeconds, hostCpuSeconds, faults }) => [
      taskTitles[task],
      peerTitles[peer],
      seconds(wall.p50),
      `${seconds(wall.min)}–${seconds(wall.max)}`,
      seconds(cpuSeconds),
      seconds(hostCpuSeconds),
      judged(task, faults),
    ]),
  ];
}

function judged(task: Task, faults: string[]): string {
  if (task === "drift") {
    return faults.length === 0 ? "names all five" : `doesn't name: ${faults.join("; ")}`;
  }
  return faults.length === 0 ? "as it should be" : faults.join("; ");
}

/** Header and rows of what each does where something is in its way. */
export function caseRows(cases: readonly JobCase[]): string[][] {
  const kinds = ["under load", "bad config", "dead host"] as const;
  return [
    ["", "peer", "status", "wall s", "requests lost", "afterwards"],
    ...kinds.flatMap((what) =>
      peerNames.flatMap((peer) =>
        cases
          .filter((one) => one.what === what && one.peer === peer)
          .map(({ exitCode, wallSeconds, lost, sent, faults }) => [
            what,
            peerTitles[peer],
            exitCode === null ? "no end" : String(exitCode),
            seconds(wallSeconds),
            `${lost} of ${sent}`,
            faults.length === 0 ? "as it should be" : faults.join("; "),
          ]),
      ),
    ),
  ];
}

/** The section's text: Markdown. */
export function jobSection(figures: JobFigures, plot: string): string {
  const all = jobSummary(figures);
  const runs = Math.max(...all.map((one) => one.runs));
  return [
    "## What a job takes, beside its peers",
    "A pair of directors in front of three real servers by direct routing, with its firewall and kernel values, on the lab's hosts. Each peer " +
      "brings them to the same end, which one checker judges that belongs to none of them.",
    ...(wasBusy(figures) ? [`**${busyWords(figures)}**`] : []),
    markdownTable([
      ["", ""],
      ["measured", figures.measured.slice(0, 10)],
      ["command", `\`${figures.command}\``],
      [
        "runs",
        runs === 1
          ? "one of each"
          : `${runs} of each, one peer after the other; the figures are medians`,
      ],
      ["machine", machineWords(figures.machine)],
      ["load average", `${figures.load.toFixed(1)} when it began`],
      ["engine", figures.engine],
      ["Ansible", `ansible-core ${ansibleVersion}`],
    ]),
    `![Wall seconds by task and peer](${plot})`,
    markdownTable(jobRows(all)),
    ...(figures.cases.length === 0
      ? []
      : [
          "Where something is in the way: one weight under 300 requests a second; a scheduler that there is not; one weight with a real server's " +
            "power cut. The last two under 50 requests a second.",
          markdownTable(caseRows(figures.cases)),
        ]),
    `- **Floor**: one \`ssh HOST sh -s\` a host, all at once: [bench/job/hosts](../bench/job/hosts). **Ansible**: one playbook with modules, handlers,
  \`validate\`, directors one by one, a fork for each host, pipelining, ControlPersist: [bench/job/ansible](../bench/job/ansible). **Naive Pulumi
  program**: one remote command a step: [bench/job/naive](../bench/job/naive).
- **The end**, as the checker asks for it: packages, services now and at boot, the IPVS table of both directors, the virtual address on one director and
  on each real server's loopback, the ARP and IPVS sysctls, files that a boot reads, a firewall by which port 22 of the virtual address doesn't
  answer, and 200 requests of which none is lost.
- **CPU s**: of the operator's machine, children of children included. **Of the hosts**: user and system time of all hosts, by their own kernels.
- Packages come through the lab's proxy, which has them already after the first run.`,
  ].join("\n\n");
}

const picture = { width: 800, left: 320, right: 60, bar: 14, gap: 12, top: 34 };

/** Bars: wall seconds by task and peer, an SVG for light and dark pages. */
export function jobPlot({ samples }: Pick<JobFigures, "samples">): string {
  const all = jobSummary({ samples });
  const longest = Math.max(...all.map(({ wall }) => wall.p50));
  const { width, left, right, bar, gap, top } = picture;
  const long = (value: number) => ((width - left - right) * value) / longest;
  let y = top;
  let task: Task | undefined;
  const bars = all.map((one) => {
    const heading = one.task === task ? "" : taskTitles[one.task];
    if (heading !== "") y += gap;
    task = one.task;
    const line = [
      heading && `<text x="0" y="${y + bar - 3}">${heading}</text>`,
      `<rect class="${one.peer}" x="${left}" y="${y}" width="${round(Math.max(1, long(one.wall.p50)))}" height="${bar - 2}"/>`,
      `<text x="${round(left + long(one.wall.p50) + 6)}" y="${y + bar - 3}">${seconds(one.wall.p50)}</text>`,
    ].join("");
    y += bar;
    return line;
  });
  const legend = peerNames.map((peer, i) => {
    const x = left + i * 120;
    return `<rect class="${peer}" x="${x}" y="6" width="12" height="12"/><text x="${x + 18}" y="16">${peer}</text>`;
  });
  const height = y + gap;
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" width="${width}" height="${height}" role="img" aria-label="Wall seconds by task and peer">
<style>
  text { font: 12px system-ui, sans-serif; fill: #24292f; }
  .floor { fill: #5f5f5f; } .ansible { fill: #c04a00; } .naive { fill: #7b4fa3; } .lvs-ha { fill: #0072b2; }
  @media (prefers-color-scheme: dark) {
    text { fill: #e6edf3; }
    .floor { fill: #b0b0b0; } .ansible { fill: #ff9e4a; } .naive { fill: #c9a6ec; } .lvs-ha { fill: #56b4e9; }
  }
</style>
<text x="0" y="16" font-weight="bold">wall seconds</text>
${[...legend, ...bars].join("\n")}
</svg>
`;
}
