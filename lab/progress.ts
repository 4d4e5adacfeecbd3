/**
 * Shows the progress of a long task: a list on a terminal, otherwise a line per step, with the time
 * of each step.
 */
import { Listr, type ListrTask, PRESET_TIMER } from "listr2";

import type { Report } from "./cache";

/** One step, or several that run at the same time. */
export type Step =
  | { title: string; run: (report: Report) => Promise<void> }
  | { title: string; together: readonly Step[] };

/** How long a step took. */
export interface StepTime {
  title: string;
  seconds: number;
}

/** Without a terminal, a step prints progress at most this often. */
const quietSeconds = 30;

/**
 * Runs the steps in turn and stops at the first failure.
 *
 * @returns the time of each step; parts come before their step
 */
export async function runSteps(steps: readonly Step[]): Promise<StepTime[]> {
  const times: StepTime[] = [];
  await new Listr(
    steps.map((step) => task(step, times)),
    {
      registerSignalListeners: false,
      rendererOptions: { timer: PRESET_TIMER, collapseSubtasks: false, collapseErrors: false },
      fallbackRendererOptions: { timer: PRESET_TIMER },
    },
  ).run();
  return times;
}

/** The times as a small table. */
export function timeTable(times: readonly StepTime[]): string {
  const width = Math.max(...times.map(({ title }) => title.length));
  return times
    .map(({ title, seconds }) => `  ${title.padEnd(width)}  ${seconds.toFixed(1).padStart(7)} s`)
    .join("\n");
}

function task(step: Step, times: StepTime[]): ListrTask {
  return {
    title: step.title,
    task: async (_context, self) => {
      const started = Date.now();
      const finish = () => {
        times.push({ title: step.title, seconds: (Date.now() - started) / 1000 });
      };
      if ("together" in step) {
        const parts = step.together.map((part) => task(part, times));
        // If one fails, let the others finish: their builds stay in the cache.
        await self.newListr(parts, { concurrent: true, exitOnError: true }).run(undefined);
        finish();
        return;
      }
      let lastSaid = 0;
      await step.run((line) => {
        const now = Date.now();
        if (!process.stdout.isTTY && now - lastSaid < quietSeconds * 1000 && lastSaid > 0) return;
        lastSaid = now;
        self.output = line;
      });
      finish();
    },
  };
}
