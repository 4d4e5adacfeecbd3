// The fault matrix: what was done to the pair, what it cost, and how it ended; printed when all the lab's tests are over.
import { mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";

export interface FaultRow {
  fault: string;
  /** Requests sent and lost meanwhile; absent where no load ran. */
  sent?: number;
  lost?: number;
  ended: string;
}

const file = join(tmpdir(), "lvs-ha-test", "faults.json");

export function forgetFaults(): void {
  rmSync(file, { force: true });
}

export function noteFault(row: FaultRow): void {
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, JSON.stringify([...faultRows(), row]));
}

/** The matrix as a table; empty while no fault has been tried. */
export function faultTable(): string {
  const rows = faultRows();
  if (rows.length === 0) return "";
  const cells = [
    ["FAULT", "REQUESTS", "LOST", "ENDED"],
    ...rows.map(({ fault, sent, lost, ended }) => [
      fault,
      sent === undefined ? "-" : String(sent),
      lost === undefined ? "-" : String(lost),
      ended,
    ]),
  ];
  const widths = [0, 1, 2].map((column) =>
    Math.max(...cells.map((row) => row[column]?.length ?? 0)),
  );
  return cells
    .map((row) => row.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join("  "))
    .join("\n");
}

function faultRows(): FaultRow[] {
  try {
    return JSON.parse(readFileSync(file, "utf8")) as FaultRow[];
  } catch {
    return [];
  }
}
