// The fault matrix: what was done to the pair, what it cost, and how it ended; printed when all the lab's tests are over.
import { appendFileSync, existsSync, mkdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { table } from "../../lab/table";

export interface FaultRow {
  fault: string;
  /** Requests sent and lost meanwhile; absent where no load ran. */
  sent?: number;
  lost?: number;
  ended: string;
}

/** A line a fault: files that run at the same time add theirs side by side. */
const file = join(tmpdir(), "lvs-ha-test", "faults.jsonl");

export function forgetFaults(): void {
  rmSync(file, { force: true });
}

export function noteFault(row: FaultRow): void {
  mkdirSync(dirname(file), { recursive: true });
  appendFileSync(file, `${JSON.stringify(row)}\n`);
}

/** The matrix as a table; empty while no fault has been tried. */
export function faultTable(): string {
  const rows = faultRows();
  if (rows.length === 0) return "";
  return table([
    ["FAULT", "REQUESTS", "LOST", "ENDED"],
    ...rows.map(({ fault, sent, lost, ended }) => [
      fault,
      sent === undefined ? "-" : String(sent),
      lost === undefined ? "-" : String(lost),
      ended,
    ]),
  ]);
}

function faultRows(): FaultRow[] {
  if (!existsSync(file)) return [];
  const lines = readFileSync(file, "utf8").trimEnd().split("\n");
  return lines.map((line) => JSON.parse(line) as FaultRow);
}
