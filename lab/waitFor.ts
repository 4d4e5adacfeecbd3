/** Waits for a condition with a limit. */
import { setTimeout as delay } from "node:timers/promises";

import { limitSignal, withLimit } from "./limit";

/** What to wait for, and how long. */
export interface WaitOptions {
  /** The condition in words, for the message: "lvs1 answers on SSH". */
  what: string;
  timeoutSeconds: number;
  /** Seconds between two looks. @default 0.2 */
  intervalSeconds?: number;
}

/**
 * Polls until the condition returns something other than `undefined` or `false`, and returns that.
 * An error thrown by the condition counts as "not yet". A look in progress ends when the time is
 * up.
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
