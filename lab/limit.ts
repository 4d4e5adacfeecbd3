/**
 * Limits of time that hold. What runs out of time ends then, whatever is still open, and takes with it what it started: programs
 * that were started inside a limit are killed with it, and what goes on running in JavaScript can start nothing any more.
 */
import { AsyncLocalStorage } from "node:async_hooks";

/** A limit has passed. Its message says which. */
export class OutOfTime extends Error {
  override name = "OutOfTime";
}

type Scopes = AsyncLocalStorage<AbortSignal>;

const key = Symbol.for("lvs-ha lab limits");

/** What ends what runs inside a limit; of whoever loaded this file for us, where they share theirs. */
const scopes =
  ((globalThis as Record<symbol, unknown>)[key] as Scopes | undefined) ?? new AsyncLocalStorage();

/** Limits that are set here hold there, too: in another realm's global object, before it loads this file. */
export function shareLimits(global: object): void {
  (global as Record<symbol, unknown>)[key] = scopes;
}

/** The signal of the limit that the caller runs inside, if there is one. */
export function limitSignal(): AbortSignal | undefined {
  return scopes.getStore();
}

/**
 * Does something for so long at most, inside the limits that are set already. Programs that it started and left running are
 * killed when it is over, however it ends.
 *
 * @param message what the error says when the time is over
 * @throws OutOfTime at that moment, even if the action goes on; and as the action
 */
export async function withLimit<T>(
  seconds: number,
  message: string | (() => string),
  action: () => T | Promise<T>,
): Promise<T> {
  const outer = limitSignal();
  outer?.throwIfAborted();
  const own = new AbortController();
  const end = (reason: unknown) => {
    own.abort(reason);
  };
  const endWithOuter = () => {
    end(outer?.reason);
  };
  outer?.addEventListener("abort", endWithOuter);
  const timer = setTimeout(() => {
    end(new OutOfTime(typeof message === "string" ? message : message()));
  }, seconds * 1000);
  try {
    return await Promise.race([
      rejection(own.signal),
      scopes.run(own.signal, async () => action()),
    ]);
  } finally {
    clearTimeout(timer);
    outer?.removeEventListener("abort", endWithOuter);
    end(new OutOfTime("what this was started for is over"));
  }
}

/** Never resolves; rejects with the signal's reason when it is aborted. */
function rejection(signal: AbortSignal): Promise<never> {
  return new Promise((_, reject) => {
    const fail = () => {
      reject(signal.reason as Error);
    };
    if (signal.aborted) fail();
    else signal.addEventListener("abort", fail, { once: true });
  });
}
