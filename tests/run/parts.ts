// Runs programs side by side, each to its end even if another fails, and reports the failures at
// the end.
import { spawn, type ChildProcess } from "node:child_process";
import { root } from "./sets";

/** A program of the run. */
export interface Part {
  name: string;
  command: string[];
  env?: Record<string, string>;
  /**
   * Prints the program's output at once. Otherwise the output is printed at the end, if the part
   * fails.
   */
  live?: boolean;
}

/** The result of a part. */
export interface Ended {
  part: Part;
  code: number;
  seconds: number;
  output: string;
}

const running = new Set<ChildProcess>();

for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) {
  process.once(signal, () => {
    for (const child of running) child.kill(signal);
    process.kill(process.pid, signal);
  });
}

/** Runs the lanes side by side, and the parts of a lane one after the other. */
export async function runParts(lanes: Part[][]): Promise<Ended[]> {
  const all = lanes.map(async (lane) => {
    const ended: Ended[] = [];
    for (const part of lane) ended.push(await run(part));
    return ended;
  });
  return (await Promise.all(all)).flat();
}

/** The output of the failed parts, then a line for each part. */
export function summary(ended: Ended[]): string {
  const failed = ended.filter(({ code, part }) => code !== 0 && part.live !== true);
  return [
    ...failed.map(
      ({ part, output }) => `\n--- ${part.name}: ${part.command.join(" ")}\n${output.trim()}`,
    ),
    "",
    ...ended.map(
      ({ part, code, seconds }) =>
        `${code === 0 ? "ok    " : "FAILED"} ${part.name.padEnd(8)} ${seconds.toFixed(1).padStart(6)} s`,
    ),
  ].join("\n");
}

function run(part: Part): Promise<Ended> {
  const [program = "", ...args] = part.command;
  const started = performance.now();
  return new Promise((resolve) => {
    const child = spawn(program, args, {
      cwd: root,
      env: { ...process.env, ...part.env },
      stdio: part.live ? "inherit" : ["ignore", "pipe", "pipe"],
    });
    running.add(child);
    let output = "";
    child.stdout?.on("data", (data) => (output += String(data)));
    child.stderr?.on("data", (data) => (output += String(data)));
    const end = (code: number) => {
      running.delete(child);
      resolve({ part, code, seconds: (performance.now() - started) / 1000, output });
    };
    child.on("error", (error) => {
      output += String(error);
      end(1);
    });
    child.on("close", (code) => {
      end(code ?? 1);
    });
  });
}
