/** Waiting for a condition, with a limit. */
import { setTimeout as delay } from "node:timers/promises";

import { limitSignal, withLimit } from "./limit";

/** What is waited for, and how long. */
export interface WaitOptions {
  /** What the condition means, for the message: "lvs1 answers on SSH". */
  what: string;
  timeoutSeconds: number;
  /** Between one look and the next. @default 0.2 */
  intervalSeconds?: number;
}

/**
 * Looks again and again until the condition gives something other than `undefined` or `false`, and gives that. An error thrown
 * by the condition counts as "not yet". A look that is under way when the time is over ends with it.
 *
 * @throws Error that says what was waited for and what was last seen
 */
export async function waitFor<T>(
  condition: () => T | Promise<T>,
  { what, timeoutSeconds, intervalSeconds = 0.2 }: WaitOptions,
): Promise<Exclude<T, undefined | false>> {
  let seen = "no answer yet";
  const message = () => `waited ${timeoutSeconds} s for this: ${what}. Last seen: ${seen}`;
  return withLimit(timeoutSeconds, message, async () => {
    for (;;) {
      limitSignal()?.throwIfAborted();
      try {
        const value = await condition();
        if (value !== undefined && value !== false) return value as Exclude<T, undefined | false>;
        seen = "not so yet";
      } catch (error) {
        seen = error instanceof Error ? error.message : String(error);
      }
      await delay(intervalSeconds * 1000);
    }
  });
}
