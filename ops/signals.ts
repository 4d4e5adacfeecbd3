// Handles Ctrl-C and similar signals: they end the command, but let work finish that must not stay
// half done.
import { exitCodes, Interrupted } from "./exit";

const interruption = new AbortController();

/** Aborted by the first SIGINT, SIGTERM or SIGHUP. */
export const interrupted: AbortSignal = interruption.signal;

/** Whether such a signal has come. */
export function isInterrupted(): boolean {
  return interrupted.aborted;
}

/** The number of {@link toItsEnd} calls that are running. */
let underWay = 0;

/** From now on a signal ends the command: at once, or after {@link toItsEnd}. */
export function endOnSignals(): void {
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) {
    // Not `once`: npm forwards a Ctrl-C that the program has already received from the terminal.
    process.on(signal, () => {
      interruption.abort();
      // Exiting removes the files with keys and passwords.
      if (underWay === 0) process.exit(exitCodes.interrupted);
    });
  }
}

/**
 * Lets `work` finish after a signal. `work` itself checks {@link isInterrupted} and leaves nothing
 * half done.
 * @throws Interrupted when `work` has finished, if a signal came
 */
export async function toItsEnd<T>(work: () => Promise<T>): Promise<T> {
  underWay += 1;
  try {
    const result = await work();
    if (isInterrupted()) throw new Interrupted("interrupted");
    return result;
  } finally {
    underWay -= 1;
  }
}

/**
 * Restores the default signal handling, for a command that computes without a pause and has nothing
 * to clean up.
 */
export function leaveToSignals(): void {
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) process.removeAllListeners(signal);
}
