/** Waiting for a condition, with a limit. */
import { setTimeout as delay } from "node:timers/promises";

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
 * by the condition counts as "not yet".
 *
 * @throws Error that says what was waited for and what was last seen
 */
export async function waitFor<T>(
  condition: () => T | Promise<T>,
  { what, timeoutSeconds, intervalSeconds = 0.2 }: WaitOptions,
): Promise<Exclude<T, undefined | false>> {
  const deadline = Date.now() + timeoutSeconds * 1000;
  for (;;) {
    let seen: string;
    try {
      const value = await condition();
      if (value !== undefined && value !== false) return value as Exclude<T, undefined | false>;
      seen = "not so yet";
    } catch (error) {
      seen = error instanceof Error ? error.message : String(error);
    }
    if (Date.now() >= deadline) {
      throw new Error(`waited ${timeoutSeconds} s for this: ${what}. Last seen: ${seen}`);
    }
    await delay(intervalSeconds * 1000);
  }
}
