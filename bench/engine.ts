/**
 * Measures what the engine, the program and the plugins cost by number of hosts. The hosts are
 * stubs, so the figures contain no work of theirs.
 */
import { mkdtemp, rm } from "node:fs/promises";
import { rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import type { Report } from "../lab/cache";
import { ensureEngine } from "../lab/engine";
import { machineLoad } from "../lab/experiments/figures";
import { type Farm, requireRoot, withFarm } from "./farm";
import { type Figures, type Logins, type Sample, type Subject, phases, seconds } from "./figures";
import { thisMachine } from "./machine";
import { type Cost, measured } from "./measured";
import { type Bench, BenchStack, type Size, change, stackOf } from "./stack";

/** What to measure. */
export interface EngineOptions {
  sizes: Size[];
  only: readonly Subject[];
  /** How many times to measure everything, one round after the other. */
  rounds: number;
  /** Seconds after which a run is ended; the runs that build on it are then left out. */
  timeoutSeconds: number;
  /** The command line, for readers of the figures. */
  command: string;
}

/**
 * Measures, then removes everything that this needed.
 * @param keep called with all figures so far whenever there are more, so that a bench that fails
 * late keeps some
 * @throws Error if this machine can't have stub hosts, or a run fails
 */
export async function measureEngine(
  options: EngineOptions,
  report: Report,
  keep: (figures: Figures) => void,
): Promise<Figures> {
  requireRoot();
  const engine = await ensureEngine(report);
  const figures: Figures = {
    experiment: "engine",
    measured: new Date().toISOString(),
    command: options.command,
    machine: thisMachine(),
    engine: engine.origin,
    plugins: engine.plugins,
    load: machineLoad(),
    timeoutSeconds: options.timeoutSeconds,
    samples: [],
  };
  const most = Math.max(...options.sizes.map(({ hosts, bastion }) => hosts + (bastion ? 1 : 0)));
  await withScratch(async (scratch) => {
    await withFarm(join(scratch, "farm"), most, report, async (farm) => {
      report(`${most} stub hosts listen`);
      const add = (sample: Sample) => {
        figures.samples.push(sample);
        report(told(sample));
        keep(figures);
      };
      for (let round = 1; round <= options.rounds; round++) {
        if (options.rounds > 1) report(`round ${round} of ${options.rounds}`);
        const temporary = await mkdtemp(join(scratch, "round-"));
        const { timeoutSeconds } = options;
        await measureRound({ farm, engine, temporary, timeoutSeconds }, options, add);
        await rm(temporary, { recursive: true });
      }
    });
  });
  return figures;
}

async function measureRound(
  bench: Bench,
  { sizes, only }: EngineOptions,
  add: (sample: Sample) => void,
): Promise<void> {
  await measureEmpty(bench, only, add);
  await measureCompiling(bench, sizes, only, add);
  for (const [i, size] of sizes.entries()) {
    // The floor is the same for every number of virtual servers.
    const isFirst = sizes.findIndex(({ hosts }) => hosts === size.hosts) === i;
    if (isFirst && only.includes("floor")) add(await measureFloor(bench, size));
    await measureStack(bench, size, only, add);
  }
}

/** The empty program: the cost of every use of the engine. */
async function measureEmpty(
  bench: Bench,
  only: readonly Subject[],
  add: (sample: Sample) => void,
): Promise<void> {
  if (!only.includes("emptyCold") && !only.includes("emptyNoop")) return;
  const stack = await BenchStack.empty(bench, await newFolder(bench));
  // This run compiles the program, so that later runs are measured without that, as for the
  // product.
  await stack.measure("preview");
  for (const subject of ["emptyCold", "emptyNoop"] as const) {
    const sample = await sampled(bench.farm, subject, { hosts: 0, services: 0 }, () =>
      stack.measure("up"),
    );
    if (only.includes(subject)) add(sample);
    if (sample.cpuSeconds === undefined) return;
  }
}

/**
 * Measures the first run after a change of the program, which compiles it; later runs find it
 * compiled. So this always runs, wanted or not.
 */
async function measureCompiling(
  bench: Bench,
  [size]: readonly Size[],
  only: readonly Subject[],
  add: (sample: Sample) => void,
): Promise<void> {
  if (!size || !phases.some((phase) => only.includes(phase) || only.includes("compile"))) return;
  const config = stackOf(size, bench.farm);
  const stack = await BenchStack.ofHosts(bench, await newFolder(bench), config);
  const sample = await sampled(bench.farm, "compile", size, () => stack.measure("preview"));
  if (only.includes("compile")) add(sample);
}

/** One login per host and nothing more: no tool can need less. */
async function measureFloor(bench: Bench, size: Size): Promise<Sample> {
  const { farm, timeoutSeconds } = bench;
  const hosts = farm.addresses.slice(0, size.hosts);
  const command = [process.execPath, join(__dirname, "floor.mjs"), farm.keyFile, ...hosts];
  const folder = await newFolder(bench);
  return sampled(farm, "floor", size, () =>
    measured(command, { network: farm.network, folder, timeoutSeconds }),
  );
}

/** The product's phases. A phase that wasn't asked for still runs if a later one needs it. */
async function measureStack(
  bench: Bench,
  size: Size,
  only: readonly Subject[],
  add: (sample: Sample) => void,
): Promise<void> {
  const last = phases.findLastIndex((phase) => only.includes(phase));
  if (last < 0) return;
  const config = stackOf(size, bench.farm);
  const stack = await BenchStack.ofHosts(bench, await newFolder(bench), config);
  for (const phase of phases.slice(0, last + 1)) {
    // No later phase needs these two.
    if ((phase === "preview" || phase === "noop") && !only.includes(phase)) continue;
    if (phase === "change") await stack.configure(change);
    const sample = await sampled(bench.farm, phase, size, () =>
      stack.measure(phase === "preview" ? "preview" : "up"),
    );
    if (phase !== "preview" && sample.cpuSeconds !== undefined) {
      sample.stateBytes = await stack.stateBytes();
    }
    if (only.includes(phase)) add(sample);
    // The next phase would find a half-made stack.
    if (sample.cpuSeconds === undefined) return;
  }
}

async function sampled(
  farm: Farm,
  subject: Subject,
  { hosts, services }: Size,
  run: () => Promise<Cost>,
): Promise<Sample> {
  const load = machineLoad();
  const before = await farm.logins();
  const cost = await run();
  const after = await farm.logins();
  const logins = loginsOf(
    after.map((count, i) => count - (before[i] ?? 0)),
    hosts,
  );
  return { subject, hosts, services, ...cost, logins, load };
}

/** The first two hosts are the directors. A bastion comes after the real servers. */
function loginsOf(counts: readonly number[], hosts: number): Logins {
  return {
    all: counts.reduce((sum, count) => sum + count, 0),
    aDirector: Math.max(0, ...counts.slice(0, 2)),
    aRealServer: Math.max(0, ...counts.slice(2, Math.max(2, hosts))),
  };
}

function newFolder({ temporary }: Bench): Promise<string> {
  return mkdtemp(join(temporary, "stack-"));
}

function told(sample: Sample): string {
  const { subject, hosts, services, wallSeconds, cpuSeconds, logins, load } = sample;
  const size = hosts === 0 ? "" : `${hosts} hosts, ${services} virtual servers: `;
  const cost =
    cpuSeconds === undefined
      ? `cut off after ${seconds(wallSeconds)} s`
      : `${seconds(cpuSeconds)} CPU s, ${seconds(wallSeconds)} s`;
  return `${size}${subject} ${cost}, ${logins.all} logins (load ${load.toFixed(1)})`;
}

/** Makes a folder that is removed at the end, also when this process is ended. */
async function withScratch(action: (folder: string) => Promise<void>): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), "lvs-ha-bench-"));
  // Processes killed with this one may write for another moment.
  const remove = () => {
    rmSync(folder, { recursive: true, force: true, maxRetries: 20, retryDelay: 50 });
  };
  process.once("exit", remove);
  try {
    await action(folder);
  } finally {
    process.off("exit", remove);
    remove();
  }
}
