/**
 * Time limits that hold. When the time is up, programs started inside the limit are killed, and
 * JavaScript that keeps running can't start new ones.
 */
import { AsyncLocalStorage } from "node:async_hooks";

/** Thrown when a limit has passed; the message says which one. */
export class OutOfTime extends Error {
  override name = "OutOfTime";
}

type Scopes = AsyncLocalStorage<AbortSignal>;

const key = Symbol.for("lvs-ha lab limits");

/**
 * The signal of the current limit. If another copy of this module has shared its limits, they are
 * used.
 */
const scopes =
  ((globalThis as Record<symbol, unknown>)[key] as Scopes | undefined) ?? new AsyncLocalStorage();

/**
 * Makes limits set here hold in another realm, too. Call it with that realm's global object before
 * this file is loaded there.
 */
export function shareLimits(global: object): void {
  (global as Record<symbol, unknown>)[key] = scopes;
}

/** The signal of the limit around the caller, if any. */
export function limitSignal(): AbortSignal | undefined {
  return scopes.getStore();
}

/**
 * Runs an action with a time limit, inside the limits already set. Programs that the action left
 * running are killed when it ends, however it ends.
 *
 * @param message the error's message when the time is up
 * @throws OutOfTime when the time is up, even if the action goes on; otherwise the action's error
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
