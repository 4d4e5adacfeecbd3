// The fault matrix: faults, what they cost and how they ended. Printed after all of the lab's
// tests.
import { appendFileSync, existsSync, mkdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { table } from "../../lab/table";

/** A row of the fault matrix. */
export interface FaultRow {
  fault: string;
  /** Requests sent meanwhile, and how many were lost; absent if no load ran. */
  sent?: number;
  lost?: number;
  ended: string;
}

/** One fault per line, because test files that run in parallel add theirs. */
const file = join(tmpdir(), "lvs-ha-test", "faults.jsonl");

/** Empties the matrix. */
export function forgetFaults(): void {
  rmSync(file, { force: true });
}

/** Adds a row to the matrix. */
export function noteFault(row: FaultRow): void {
  mkdirSync(dirname(file), { recursive: true });
  appendFileSync(file, `${JSON.stringify(row)}\n`);
}

/** The matrix as a table; empty if no fault was tried. */
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
