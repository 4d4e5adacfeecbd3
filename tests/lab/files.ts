// The lab's test files, and what the head of each says: its set, its topology, and how long it may take.
import { readFileSync, readdirSync } from "node:fs";
import { basename, join } from "node:path";
import { extract, parse } from "jest-docblock";
import { topologyNames } from "../../lab/topologies";

/** Files are in the core, or in one of so many slices of the rest, which take turns. */
export const sliceCount = 9;

export interface Head {
  /** `core`, or the number of its slice. */
  set: "core" | number;
  topology: string;
  /** On the machine that the calibration of `run.ts` is of. */
  budgetSeconds: number;
}

export interface LabFile extends Head {
  path: string;
  /** Without folder and ending. */
  name: string;
}

/**
 * What a test file's first comment says, in lines such as `@set slice 3`, `@topology dev`, `@budgetSeconds 240`.
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

/** All of them, in the order of their names; the one that takes the lab down at the end. */
export function labFiles(): LabFile[] {
  return readdirSync(__dirname)
    .filter((name) => name.endsWith(".test.ts"))
    .sort()
    .map((name) => {
      const path = join(__dirname, name);
      return { path, name: basename(name, ".test.ts"), ...readHead(path) };
    });
}

/** Which slice's turn it is: each comes round every {@link sliceCount} days. */
export function sliceOfDay(date: Date): number {
  return (Math.floor(date.getTime() / 86_400_000) % sliceCount) + 1;
}

/** The lab that a worker of jest's has, of a topology: where several files run at a time, each has one of its own. */
export function labName(topology: string, worker: number): string {
  return worker === 1 ? topology : `${topology}-${worker}`;
}
