/** One job, done by this and by its peers, on the same hosts to the same end, and judged by one checker. */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

import type { Report } from "../../lab/cache";
import { asRoot } from "../../lab/experiments/asRoot";
import { machineLoad } from "../../lab/experiments/figures";
import { type Lab, labOf } from "../../lab/instance";
import { labDown, labUp, powerCut, powerOn, rememberedEngine, resetHost } from "../../lab/lab";
import { startLoad } from "../../lab/load";
import { findTopology } from "../../lab/topologies";
import { requireRoot } from "../farm";
import { type Machine, thisMachine } from "../machine";
import { type Run, measured } from "../measured";
import { faults, untilLive } from "./checker";
import { driftHosts } from "./drifts";
import { type Job, jobOf, withWeight } from "./end";
import { type Command, type Peer, type PeerName, newPeer, peerNames } from "./peers";

/** What is timed, in the order in which it is done. */
export const tasks = ["cold", "noop", "weight", "added", "drift"] as const;

export type Task = (typeof tasks)[number];

/** One run. */
export interface JobSample {
  peer: PeerName;
  task: Task;
  round: number;
  /** Of one weight: until both kernels have it. */
  wallSeconds: number;
  /** The operator's machine. */
  cpuSeconds: number;
  /** All hosts, by their own kernels' count. */
  hostCpuSeconds: number;
  /** What was not as it should be afterwards; for the drift check, who was changed by hand and isn't named. */
  faults: string[];
  /** The machine's load average of the last minute, before it. */
  load: number;
}

/** What a peer does where something is in its way. */
export interface JobCase {
  peer: PeerName;
  what: "under load" | "bad config" | "dead host";
  round: number;
  exitCode: number | null;
  wallSeconds: number;
  /** Requests of the client's that had no answer, and all of them. */
  lost: number;
  sent: number;
  /** Afterwards. */
  faults: string[];
}

/** All of a bench's figures: what docs/job.json holds. */
export interface JobFigures {
  experiment: "job";
  /** When it began: ISO 8601. */
  measured: string;
  command: string;
  machine: Machine;
  engine: string;
  load: number;
  samples: JobSample[];
  cases: JobCase[];
}

/** What to measure. */
export interface JobOptions {
  only: readonly PeerName[];
  rounds: number;
  seed: number;
  command: string;
}

/** The longest that one run may take. */
const timeoutSeconds = 580;

/**
 * Measures, in a lab of its own that is gone afterwards. Each round has every peer once, on hosts as freshly installed.
 *
 * @param keep called with all figures there are, each time there are more
 * @throws Error when the lab can't be had, or a peer can't bring fresh hosts to the job at all
 */
export async function measureJob(
  { only, rounds, seed, command }: JobOptions,
  report: Report,
  keep: (figures: JobFigures) => void,
): Promise<JobFigures> {
  requireRoot();
  const load = machineLoad();
  const lab = labOf(findTopology("dev"), { name: "job" });
  const folder = await mkdtemp(join(tmpdir(), "lvs-ha-job-"));
  try {
    // One that was killed has left its hosts.
    await labDown(lab);
    await labUp(lab);
    const { origin } = await rememberedEngine(lab);
    const figures: JobFigures = {
      experiment: "job",
      measured: new Date().toISOString(),
      command,
      machine: thisMachine(),
      engine: origin,
      load,
      samples: [],
      cases: [],
    };
    for (let round = 1; round <= rounds; round++) {
      for (const name of peerNames.filter((each) => only.includes(each))) {
        report(`round ${round}, ${name}: hosts as freshly installed`);
        await Promise.all(lab.topology.hosts.map((host) => resetHost(lab, host.name)));
        const peer = await newPeer(name, lab, join(folder, `${name}-${round}`), report);
        const own = new Measurement(lab, folder, { name, peer, round });
        const add = (sample: JobSample) => {
          figures.samples.push(sample);
          report(sampleWords(sample));
          keep(figures);
        };
        await own.tasks(add);
        await own.cases((one) => {
          figures.cases.push(one);
          report(caseWords(one));
          keep(figures);
        });
        await own.drift(seed + round, add);
      }
    }
    return figures;
  } finally {
    await labDown(lab);
    await rm(folder, { recursive: true, force: true });
  }
}

/** One peer in one round. */
class Measurement {
  private readonly all: Job;

  constructor(
    private readonly lab: Lab,
    private readonly folder: string,
    private readonly own: { name: PeerName; peer: Peer; round: number },
  ) {
    this.all = jobOf(lab, lab.topology.hosts.length);
  }

  async tasks(add: (sample: JobSample) => void): Promise<void> {
    const { peer } = this.own;
    const fewer = jobOf(this.lab, this.all.realServers.length - 1);
    const timed = async (task: Task, job: Job) => {
      const until = task === "weight" ? () => untilLive(this.lab, job, 60) : undefined;
      const { sample } = await this.sampled(task, await peer.apply(job), { until });
      add({ ...sample, faults: await faults(this.lab, job) });
    };
    await timed("cold", fewer);
    await timed("noop", fewer);
    await timed("weight", withWeight(fewer, 2));
    await timed("added", withWeight(this.all, 2));
  }

  async cases(add: (one: JobCase) => void): Promise<void> {
    const { peer } = this.own;
    const under = async (what: JobCase["what"], wanted: Job, end: Job) => {
      const { vip, port } = wanted;
      const load = await startLoad(this.lab, {
        address: vip,
        port,
        rate: what === "under load" ? 300 : 50,
        seconds: timeoutSeconds,
      });
      const run = await this.run(await peer.apply(wanted), { mayFail: true });
      const { lost, sent } = await load.end();
      const { name, round } = this.own;
      const { exitCode = null, wallSeconds } = run;
      add({
        ...{ peer: name, what, round, exitCode, wallSeconds, lost, sent },
        faults: await faults(this.lab, end),
      });
    };
    await under("under load", withWeight(this.all, 3), withWeight(this.all, 3));
    // No scheduler has this name. The pair should go on as it is.
    await under("bad config", { ...this.all, scheduler: "nosuch" }, withWeight(this.all, 3));
    await this.run(await peer.apply(withWeight(this.all, 3)), { mayFail: true });
    const [dead = ""] = this.all.realServers.slice(-1).map(({ name }) => name);
    await powerCut(this.lab, dead);
    try {
      const without = { ...this.all, realServers: this.all.realServers.slice(0, -1) };
      // The directors should have the new weight all the same.
      await under("dead host", withWeight(this.all, 4), withWeight(without, 4));
    } finally {
      await powerOn(this.lab, dead);
    }
  }

  /** Comes last, because not every peer mends what somebody has changed by hand. */
  async drift(seed: number, add: (sample: JobSample) => void): Promise<void> {
    const { peer } = this.own;
    if (!peer.drift || !peer.drifted) return;
    const job = withWeight(this.all, 4);
    await this.run(await peer.apply(job), { mayFail: true });
    const drifts = await driftHosts(this.lab, job, seed);
    const names = this.lab.topology.hosts.map(({ name }) => name);
    // A check that finds drift may end with another status than 0.
    const check = await this.sampled("drift", await peer.drift(job), { mayFail: true });
    const found = peer.drifted(check.run.said, names);
    add({
      ...check.sample,
      faults: Object.entries(drifts)
        .filter(([name]) => !found.includes(name))
        .map(([name, what]) => `${name}: ${what}`),
    });
  }

  private async sampled(
    task: Task,
    command: Command,
    { until, mayFail }: { until?: (() => Promise<number>) | undefined; mayFail?: boolean } = {},
  ): Promise<{ sample: Omit<JobSample, "faults">; run: Run }> {
    const load = machineLoad();
    const before = await this.hostCpuSeconds();
    const run = await this.run(command, { mayFail });
    const wallSeconds = run.wallSeconds + ((await until?.()) ?? 0);
    const hostCpuSeconds = (await this.hostCpuSeconds()) - before;
    const { name: peer, round } = this.own;
    const { cpuSeconds = NaN } = run;
    return { sample: { peer, task, round, wallSeconds, cpuSeconds, hostCpuSeconds, load }, run };
  }

  private run(
    { words, ...where }: Command,
    options: { mayFail?: boolean | undefined } = {},
  ): Promise<Run> {
    const network = `/run/netns/${this.lab.namespaces.operator}`;
    return measured(words, { ...where, ...options, network, folder: this.folder, timeoutSeconds });
  }

  /** Since they booted. */
  private async hostCpuSeconds(): Promise<number> {
    const used = await Promise.all(
      this.lab.topology.hosts.map(async ({ name }) => {
        const [user, nice, system] = (await asRoot(this.lab, name, "head -n 1 /proc/stat"))
          .split(/\s+/)
          .slice(1)
          .map(Number);
        return ((user ?? NaN) + (nice ?? NaN) + (system ?? NaN)) / 100;
      }),
    );
    return used.reduce((sum, seconds) => sum + seconds, 0);
  }
}

function sampleWords({ task, wallSeconds, cpuSeconds, faults: found }: JobSample): string {
  const outcome = found.length === 0 ? "" : `; ${found.join("; ")}`;
  return `  ${task}: ${wallSeconds.toFixed(1)} s, ${cpuSeconds.toFixed(1)} CPU s${outcome}`;
}

function caseWords({ what, exitCode, wallSeconds, lost, sent, faults: found }: JobCase): string {
  const status = exitCode === null ? "no end" : `status ${exitCode}`;
  const outcome = found.length === 0 ? "" : `; ${found.join("; ")}`;
  return `  ${what}: ${status} after ${wallSeconds.toFixed(1)} s, ${lost} of ${sent} requests lost${outcome}`;
}
