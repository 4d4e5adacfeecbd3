// The bench of a job beside its peers: what it asks for, and what it makes of figures. Runs are the lab's.
import { caseRows, jobPlot, jobRows, jobSection, jobSummary } from "../../bench/jobPage";
import { type JobFigures, type JobSample, tasks } from "../../bench/job";
import { driftKinds } from "../../bench/job/drifts";
import { jobOf, keepalivedConf, withWeight } from "../../bench/job/end";
import { peerNames } from "../../bench/job/peers";
import { performanceDocs } from "../../docs/generate/performance";
import { labOf } from "../../lab/instance";
import { findTopology } from "../../lab/topologies";
import { sampleFigures } from "./sample";

const job = jobOf(labOf(findTopology("dev")), 3);

const run = (sample: Partial<JobSample>): JobSample => ({
  ...{ peer: "floor", task: "cold", round: 1, wallSeconds: 10, cpuSeconds: 1, hostCpuSeconds: 20 },
  ...{ faults: [], load: 0.1 },
  ...sample,
});

const figures: JobFigures = {
  experiment: "job",
  measured: "2026-03-29T10:00:00.000Z",
  command: "npm run bench -- job",
  machine: sampleFigures().machine,
  engine: "3.245.0, built from its Go modules",
  load: 0.1,
  samples: [
    ...[10, 30, 12].map((wallSeconds) => run({ wallSeconds })),
    run({ peer: "lvs-ha", wallSeconds: 40 }),
    run({ peer: "ansible", task: "drift", faults: ["lvs1: keepalived is off at the next boot"] }),
    run({ peer: "lvs-ha", task: "drift" }),
  ],
  cases: [
    {
      ...{ peer: "naive", what: "bad config", round: 1, exitCode: 0, wallSeconds: 3, lost: 7 },
      ...{ sent: 150, faults: ["port 22 of 192.0.2.100 answers"] },
    },
  ],
};

test("figures are medians with their range, and each says how it was judged", () => {
  expect(jobRows(jobSummary(figures)).slice(1)).toEqual([
    [
      ...["first run, on hosts as freshly installed", "floor: `ssh HOST sh -s`, all at once"],
      ...["12.0", "10.0–30", "1.0", "20", "as it should be"],
    ],
    [
      ...["first run, on hosts as freshly installed", "this", "40", "40–40", "1.0", "20"],
      "as it should be",
    ],
    [
      ...["drift check, with a drift on each of the five hosts", "Ansible", "10.0", "10.0–10.0"],
      ...["1.0", "20", "doesn't name: lvs1: keepalived is off at the next boot"],
    ],
    [
      ...["drift check, with a drift on each of the five hosts", "this", "10.0", "10.0–10.0"],
      ...["1.0", "20", "names all five"],
    ],
  ]);
  expect(caseRows(figures.cases).slice(1)).toEqual([
    [
      "bad config",
      "naive Pulumi program",
      "0",
      "3.0",
      "7 of 150",
      "port 22 of 192.0.2.100 answers",
    ],
  ]);
});

test("the page has a section on them, and a picture with a bar for each", () => {
  const docs = performanceDocs(JSON.stringify(sampleFigures()), { job: JSON.stringify(figures) });
  expect(docs["docs/performance.md"]).toContain(jobSection(figures, "job.svg"));
  expect(docs["docs/job.svg"]).toBe(jobPlot(figures));
  expect(jobPlot(figures).match(/<rect/g)).toHaveLength(peerNames.length + 4);
  expect(jobPlot(figures)).not.toMatch(/NaN|Infinity|undefined/);
  expect(tasks).toHaveLength(5);
});

test("another weight is the first real server's alone", () => {
  expect(withWeight(job, 7).realServers.map(({ weight }) => weight)).toEqual([7, 1, 1]);
  expect(job.realServers.map(({ weight }) => weight)).toEqual([1, 1, 1]);
});

test("the directors' configs differ in who they are", () => {
  const [one = "", two = ""] = job.directors.map((director) => keepalivedConf(job, director));
  const lines = (text: string, other: string) =>
    text.split("\n").filter((line) => !other.includes(line));
  expect(lines(one, two)).toEqual([
    "    router_id lvs1",
    "    priority 100",
    "    unicast_src_ip 192.0.2.11",
    "        192.0.2.12",
  ]);
  expect(lines(two, one)).toEqual([
    "    router_id lvs2",
    "    priority 99",
    "    unicast_src_ip 192.0.2.12",
    "        192.0.2.11",
  ]);
});

test("each seed draws a drift for each host, and all kinds come", () => {
  const kinds = Array.from({ length: 12 }, (_, seed) => driftKinds(job, seed));
  for (const drawn of kinds)
    expect(Object.keys(drawn)).toEqual(["lvs1", "lvs2", "web1", "web2", "web3"]);
  const all = new Set(kinds.flatMap((drawn) => Object.values(drawn).map(({ what }) => what)));
  expect(all.size).toBe(7);
});
