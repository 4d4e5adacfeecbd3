// What a Ctrl-C and its like do: they end the command, but not in the middle of what must not stay half done.
import { exitCodes, Interrupted } from "./exit";

const interruption = new AbortController();

/** Aborted by the first SIGINT, SIGTERM or SIGHUP. */
export const interrupted: AbortSignal = interruption.signal;

/** Whether there was one. */
export function isInterrupted(): boolean {
  return interrupted.aborted;
}

/** How much is under way that ends by itself. */
let underWay = 0;

/** From now on a signal ends the command: at once, or when {@link toItsEnd} is done. */
export function endOnSignals(): void {
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) {
    // More than once: npm passes a Ctrl-C on to a program that has had it from the terminal already.
    process.on(signal, () => {
      interruption.abort();
      // Keys and passwords in files go away with this process, whatever ends it.
      if (underWay === 0) process.exit(exitCodes.interrupted);
    });
  }
}

/**
 * Lets `work` come to its end although a signal asks for the command's: it asks {@link isInterrupted}, and leaves nothing half done.
 * @throws Interrupted afterwards, when one did
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

/** For a command that computes and holds nothing that must be put back: a signal ends it, even where it doesn't come up to listen. */
export function leaveToSignals(): void {
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) process.removeAllListeners(signal);
}
