/** Measures the cost of a program and of everything that it starts: CPU time, wall time, memory. */
import { readFileSync, readdirSync } from "node:fs";
import { readFile, rm } from "node:fs/promises";
import { join } from "node:path";

import { OutOfTime, withLimit } from "../lab/limit";
import { type StartOptions, lastLines, start } from "../lab/run";

/** The cost of a program and of everything that it has started. */
export interface Cost {
  wallSeconds: number;
  /** User and system time of all processes; absent if the program ran out of time. */
  cpuSeconds?: number;
  /**
   * The peak of the processes' total resident memory, with shared pages counted for each process.
   * Sampled every 0.1 s.
   */
  peakMemoryBytes: number;
}

/** How and where to run a program. */
export interface MeasureOptions extends StartOptions {
  /** The network namespace that it runs in: its file. */
  network: string;
  /** For a file of this. */
  folder: string;
  /** After this time, the program and everything that it started are killed. */
  timeoutSeconds: number;
  /** Whether its status may be other than 0. @default false */
  mayFail?: boolean;
}

/** What a program has cost, and how it ended. */
export interface Run extends Cost {
  /** Absent where it ran out of time. */
  exitCode?: number;
  /** Both of its outputs. */
  said: string;
}

const sampleMilliseconds = 100;

/**
 * Runs a program that must succeed, in a process namespace of its own, so that all its processes
 * are counted and none is left behind. Running out of time is a result, not an error.
 * @throws Error if the exit status isn't 0, with the last lines of output
 */
export async function measured(
  command: readonly string[],
  { network, folder, timeoutSeconds, mayFail = false, ...options }: MeasureOptions,
): Promise<Run> {
  const file = join(folder, "times");
  await rm(file, { force: true });
  const words = [
    // It ends with this process, though that is killed.
    ...["--pdeathsig", "KILL", "nsenter", `--net=${network}`],
    ...["unshare", "--pid", "--fork", "--kill-child", "--mount-proc"],
    ...["sh", join(__dirname, "measured.sh"), file, ...command],
  ];
  let peakMemoryBytes = 0;
  let watch: NodeJS.Timeout | undefined;
  try {
    const message = `${command.join(" ")} was not done after ${timeoutSeconds} s`;
    const ended = await withLimit(timeoutSeconds, message, () => {
      const program = start("setpriv", words, options);
      const memory = memoryBelow(program.pid);
      watch = setInterval(() => {
        peakMemoryBytes = Math.max(peakMemoryBytes, memory());
      }, sampleMilliseconds);
      return program.ended;
    });
    const said = ended.stdout + ended.stderr;
    if (ended.exitCode !== 0 && !mayFail) {
      throw new Error(
        `${command.join(" ")} ended with status ${ended.exitCode}:\n${lastLines(said)}`,
      );
    }
    const times = await readFile(file, "utf8");
    return {
      wallSeconds: aliveSeconds(times),
      cpuSeconds: childrenSeconds(times),
      peakMemoryBytes,
      exitCode: ended.exitCode,
      said,
    };
  } catch (error) {
    if (!(error instanceof OutOfTime)) throw error;
    return { wallSeconds: timeoutSeconds, peakMemoryBytes, said: "" };
  } finally {
    clearInterval(watch);
  }
}

/**
 * The children's user and system seconds in the output of a shell's `times`.
 * @throws Error if the text isn't such output
 */
export function childrenSeconds(text: string): number {
  const [user, system] = [...(text.split("\n")[1] ?? "").matchAll(/(\d+)m([\d.]+)s/g)].map(
    ([, minutes, seconds]) => Number(minutes) * 60 + Number(seconds),
  );
  if (user !== undefined && system !== undefined) return user + system;
  throw new Error(`no times of children in ${JSON.stringify(text)}`);
}

/** From the program's start to its end, without what it has left running. */
function aliveSeconds(text: string): number {
  const [began, ended] = (text.split("\n")[2] ?? "").split(" ").map(Number);
  if (began !== undefined && ended !== undefined && ended >= began) return ended - began;
  throw new Error(`no beginning and end in ${JSON.stringify(text)}`);
}

/** What all processes have resident in the process namespace that a process has made for its child. */
function memoryBelow(unshare: number): () => number {
  let first: string | undefined;
  return () => {
    first ??= processesIn("/proc").find((pid) => parentOf(pid) === unshare);
    if (first === undefined) return 0;
    // This /proc is mounted inside the namespace, so it shows only the namespace's processes.
    const proc = `/proc/${first}/root/proc`;
    return processesIn(proc)
      .map((pid) => Number(/^VmRSS:\s*(\d+) kB$/m.exec(read(`${proc}/${pid}/status`))?.[1] ?? 0))
      .reduce((sum, kilobytes) => sum + kilobytes * 1024, 0);
  };
}

function processesIn(proc: string): string[] {
  try {
    return readdirSync(proc).filter((name) => /^\d+$/.test(name));
  } catch {
    return []; // the process has ended meanwhile
  }
}

function parentOf(pid: string): number {
  return Number(/^PPid:\s*(\d+)$/m.exec(read(`/proc/${pid}/status`))?.[1]);
}

/** The file's text; empty if the process has ended meanwhile. */
function read(file: string): string {
  try {
    return readFileSync(file, "utf8");
  } catch {
    return "";
  }
}
