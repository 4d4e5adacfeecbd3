/** Figures of an experiment: their spread, the machine's load, and the file for them. */
import { writeFileSync } from "node:fs";
import { loadavg } from "node:os";

/** The spread of figures of one kind. */
export interface Spread {
  count: number;
  min: number;
  p50: number;
  p95: number;
  max: number;
}

/**
 * Nearest-rank percentiles: each one is one of the figures.
 *
 * @throws Error when there are no figures
 */
export function spread(figures: readonly number[]): Spread {
  const sorted = [...figures].sort((a, b) => a - b);
  const at = (percent: number) => {
    const figure = sorted[Math.max(0, Math.ceil((percent / 100) * sorted.length) - 1)];
    if (figure === undefined) throw new Error("no figures, so no percentiles");
    return figure;
  };
  return { count: sorted.length, min: at(0), p50: at(50), p95: at(95), max: at(100) };
}

/** `312 / 340 / 344`: median, 95th percentile and maximum, rounded. */
export function spreadText(figures: readonly number[]): string {
  if (figures.length === 0) return "-";
  const { p50, p95, max } = spread(figures);
  return [p50, p95, max].map(Math.round).join(" / ");
}

/** The machine's load average of the last minute, which influences the figures. */
export function machineLoad(): number {
  return loadavg()[0] ?? 0;
}

/** Writes an experiment's figures as JSON. */
export function writeFigures(file: string, experiment: string, figures: unknown): void {
  const measured = new Date().toISOString();
  writeFileSync(file, `${JSON.stringify({ experiment, measured, figures }, undefined, 2)}\n`);
}
