// How a command ends, for whoever calls it from a script.

/** Exit codes of every command. */
export const exitCodes = {
  /** Healthy, as the stack says, done. */
  fine: 0,
  /** Something is wrong on a host, or differs from what the stack says; what was asked for would make it worse, or is not done. */
  wrong: 1,
  /** The command line is wrong, or a question was answered with no. */
  usage: 2,
  /** Nothing could be looked at: no stack, no engine, no host answered. */
  couldNotLook: 3,
  /** A signal ended it, as a shell has it of a Ctrl-C. */
  interrupted: 130,
} as const;

/** Ends the command with {@link exitCodes.couldNotLook}; the message says what was in the way. */
export class CouldNotLook extends Error {}

/** Ends the command with {@link exitCodes.wrong}: the load balancer is not in a state for it, and nothing was changed. */
export class Refused extends Error {}

/** Ends the command with {@link exitCodes.usage}. */
export class UsageError extends Error {}

/** Ends the command with {@link exitCodes.interrupted}; the message says what became of what was under way. */
export class Interrupted extends Error {}
