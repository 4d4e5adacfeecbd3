// The lab's test files, with the set, topology and time budget in each file's head.
import { readFileSync, readdirSync } from "node:fs";
import { basename, join } from "node:path";
import { extract, parse } from "jest-docblock";
import { topologyNames } from "../../lab/topologies";

/** The number of slices. A file is in the core or in one of the slices, which take turns. */
export const sliceCount = 8;

/** The head of a test file. */
export interface Head {
  /** `core`, or the number of its slice. */
  set: "core" | number;
  topology: string;
  /** Seconds on the machine that `run.ts` is calibrated for. */
  budgetSeconds: number;
}

/** A test file of the lab. */
export interface LabFile extends Head {
  path: string;
  /** Without folder and extension. */
  name: string;
}

/**
 * Reads a test file's first comment, with lines such as `@set slice 3`, `@topology dev`,
 * `@budgetSeconds 240`.
 *
 * @throws Error that names the file and the line
 */
export function readHead(path: string): Head {
  const said = parse(extract(readFileSync(path, "utf8")));
  const one = (key: string) => {
    const value = said[key];
    if (typeof value === "string" && value !== "") return value;
    throw new Error(`${path}: its first comment needs one line @${key}`);
  };
  const set = one("set");
  const slice = /^slice (\d+)$/.exec(set)?.[1];
  if (set !== "core" && !(Number(slice) >= 1 && Number(slice) <= sliceCount)) {
    throw new Error(`${path}: @set is "core", or "slice 1" to "slice ${sliceCount}", not "${set}"`);
  }
  const topology = one("topology");
  if (!topologyNames.includes(topology)) {
    throw new Error(`${path}: @topology ${topology}: there are ${topologyNames.join(", ")}`);
  }
  const budgetSeconds = Number(one("budgetSeconds"));
  if (!(budgetSeconds > 0)) throw new Error(`${path}: @budgetSeconds is a number of seconds`);
  return { set: set === "core" ? "core" : Number(slice), topology, budgetSeconds };
}

/** All test files in the order of their names. */
export function labFiles(): LabFile[] {
  return readdirSync(__dirname)
    .filter((name) => name.endsWith(".test.ts"))
    .sort()
    .map((name) => {
      const path = join(__dirname, name);
      return { path, name: basename(name, ".test.ts"), ...readHead(path) };
    });
}

/** The slice of a day: each one runs every {@link sliceCount} days. */
export function sliceOfDay(date: Date): number {
  return (Math.floor(date.getTime() / 86_400_000) % sliceCount) + 1;
}

/**
 * The name of a jest worker's lab with a topology. When several files run at a time, each worker
 * has its own lab.
 */
export function labName(topology: string, worker: number): string {
  return worker === 1 ? topology : `${topology}-${worker}`;
}
