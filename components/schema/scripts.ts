// Scripts that the stack ships to the directors, and calls of them.
import { z } from "zod";
import { integer, matching, userName, words } from "./types";

export const scriptName = matching(
  /^[a-z][a-z0-9_-]{0,30}(\.[a-z]{1,5})?$/,
  "a script's name (lower-case letters, digits, _ and -, an ending of 5 letters at most)",
);

/** A script by name, its arguments, and who runs it. */
export const scriptCall = z.strictObject({
  script: scriptName.describe("Name in `scripts`"),
  args: words(200, "an argument", "arguments").optional().describe("Its arguments"),
  user: userName.optional().describe("Who runs it; `daemon.scriptUser` where it is left out"),
});

export type ScriptCall = z.output<typeof scriptCall>;

const timedCall = z.strictObject({
  ...scriptCall.shape,
  // systemd gives keepalived 90 s to start, and as many to stop.
  timeoutSeconds: integer(1, 60, "a number of seconds")
    .optional()
    .describe("Seconds after which it is killed; 10 where it is left out"),
});

/** A script's name alone, or with arguments and a user. */
export const hook = z.union(
  [scriptName.transform((script): ScriptCall => ({ script })), scriptCall],
  {
    error: "is neither a script's name nor { script, args?, user? }",
  },
);

/** The same of a script that is killed when it takes too long. */
export const timedHook = z.union(
  [scriptName.transform((script): z.output<typeof timedCall> => ({ script })), timedCall],
  {
    error: "is neither a script's name nor { script, args?, user?, timeoutSeconds? }",
  },
);

// The text travels in one stream with other files, each under a line like this: see render/files.ts.
const fileHeader = /^==> .* <==$/m;

/** Texts of scripts by name. */
export const scripts = z
  .record(
    scriptName,
    z
      .string({ error: "is not a script's text" })
      .max(262144, { error: "is longer than 256 KiB" })
      .regex(/^#!\/[^\n]+\n/, { error: 'does not begin with "#!" and an interpreter\'s path' })
      .refine((text) => !fileHeader.test(text) && !text.includes("\0"), {
        error: 'has a line of the form "==> … <==", or a NUL character',
      }),
    { error: "is not a set of scripts, name to text" },
  )
  .default({})
  .describe(
    "Scripts by name, for checks, tracking and notifications: put on every director, owned by root, mode 0755",
  );
