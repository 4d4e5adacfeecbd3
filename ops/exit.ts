// Exit codes, for scripts that call a command.

/** Exit codes of every command. */
export const exitCodes = {
  /** Healthy, as the stack says, or done. */
  fine: 0,
  /** A host is wrong or differs from the stack; or the request was refused, or not completed. */
  wrong: 1,
  /** The command line is wrong, or the operator answered "no". */
  usage: 2,
  /** Nothing could be checked: no stack, no engine, or no host answered. */
  couldNotLook: 3,
  /** A signal ended the command. 130 is what a shell reports after Ctrl-C. */
  interrupted: 130,
} as const;

/** Ends the command with {@link exitCodes.couldNotLook}; the message names the obstacle. */
export class CouldNotLook extends Error {}

/**
 * Ends the command with {@link exitCodes.wrong}: the request would make things worse; nothing was
 * changed.
 */
export class Refused extends Error {}

/** Ends the command with {@link exitCodes.usage}. */
export class UsageError extends Error {}

/**
 * Ends the command with {@link exitCodes.interrupted}; the message says what happened to unfinished
 * work.
 */
export class Interrupted extends Error {}
