/** What a program costs, with everything that it starts: CPU time, wall time, memory. */
import { readFileSync, readdirSync } from "node:fs";
import { readFile, rm } from "node:fs/promises";
import { join } from "node:path";

import { OutOfTime, withLimit } from "../lab/limit";
import { type StartOptions, lastLines, start } from "../lab/run";

/** What a program and all that it started have cost. */
export interface Cost {
  wallSeconds: number;
  /** User and system, of every process; absent where it ran out of time. */
  cpuSeconds?: number;
  /** The most that its processes had resident at one time, shared pages counted for each; looked at every 0.1 s. */
  peakMemoryBytes: number;
}

/** How and where to run a program. */
export interface MeasureOptions extends StartOptions {
  /** The network namespace that it runs in: its file. */
  network: string;
  /** For a file of this. */
  folder: string;
  /** After this, it and all that it started are killed. */
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
 * Runs a program that has to succeed, in a process namespace of its own: every process of it is counted, and none is left behind. To run
 * out of time is a result.
 *
 * @throws Error when its status isn't 0, with the last of what it said
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
 * User and system seconds of the children, in what a shell's `times` has printed.
 *
 * @throws Error when it isn't that
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
    // Mounted there is the view of that namespace: its processes, and no others.
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
    return []; // it has ended meanwhile
  }
}

function parentOf(pid: string): number {
  return Number(/^PPid:\s*(\d+)$/m.exec(read(`/proc/${pid}/status`))?.[1]);
}

/** Empty when the process has ended meanwhile. */
function read(file: string): string {
  try {
    return readFileSync(file, "utf8");
  } catch {
    return "";
  }
}
