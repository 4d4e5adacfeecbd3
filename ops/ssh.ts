// What the operator's command runs on the stack's hosts, over SSH.
import { quote } from "shell-quote";
import {
  asRoot,
  type LoginOptions,
  Logins,
  type Target,
  whyFailed,
} from "../components/host/openssh";
import { program } from "../components/host/scripts";
import { Semaphore } from "../components/host/semaphore";
import { follow, run, type RunOptions, type RunResult } from "./run";

/** Why a host could not be asked. */
export class Unreachable extends Error {
  /** @param hasBegun the host had said something by then: what it was told may go on there */
  constructor(
    message: string,
    readonly hasBegun = false,
  ) {
    super(message);
  }
}

/** Logins to some hosts, for as long as {@link withSsh} runs. */
export class Ssh {
  constructor(
    private readonly opened: Logins,
    private readonly options: LoginOptions,
  ) {}

  /**
   * Runs a shell script on a host as root, in one connection; what it prints.
   * @throws Unreachable when it can't be logged in to, takes too long, or the script fails
   */
  async script(target: Target, text: string, args: readonly string[]) {
    const { stdout, stderr, exitCode } = await this.result(target, text, args);
    if (exitCode === 0) return stdout;
    throw new Unreachable(whyFailed(exitCode, stderr));
  }

  /**
   * The same; how the script ended is a result. It has `moreSeconds` for its work beside the time that every host has.
   * @throws Unreachable when it can't be logged in to, or takes too long
   */
  async result(
    { name, connection }: Target,
    text: string,
    args: readonly string[],
    moreSeconds = 0,
  ): Promise<RunResult> {
    const timeoutSeconds = this.options.timeoutSeconds + moreSeconds;
    const result = await this.run({ name, connection }, ["sh", "-s", "--", ...args], {
      input: program(text),
      timeoutSeconds,
    });
    const hasBegun = result.stdout !== "";
    if (result.timedOut) throw new Unreachable(`no answer within ${timeoutSeconds} s`, hasBegun);
    if (result.exitCode === 255) throw new Unreachable(whyFailed(255, result.stderr), hasBegun);
    return result;
  }

  /** Runs a program on a host as root; how that ended, the login too, is a result. */
  run(
    { name, connection }: Target,
    words: readonly string[],
    {
      input,
      timeoutSeconds = this.options.timeoutSeconds,
    }: Pick<RunOptions, "input" | "timeoutSeconds"> = {},
  ): Promise<RunResult> {
    return runClient(this.opened.args(name, asRoot(connection.user, words)), {
      env: this.env,
      timeoutSeconds,
      ...(input === undefined ? {} : { input }),
    });
  }

  /** Runs a program on a host as root for as long as it wants, and gives each line that it prints; how that ended, the login too. */
  async follow(
    { name, connection }: Target,
    words: readonly string[],
    onLine: (line: string) => void,
  ): Promise<Omit<RunResult, "stdout">> {
    const leave = await logins.enter();
    // The program may have nothing to say for days: that the host has let us in, it says before.
    const remote = `echo ${quote([letIn])}; ${asRoot(connection.user, words)}`;
    const hear = (line: string) => {
      leave();
      if (line !== letIn) onLine(line);
    };
    try {
      return await follow("ssh", this.opened.args(name, remote), hear, {
        env: this.env,
        firstLineSeconds: this.options.timeoutSeconds,
      });
    } finally {
      leave();
    }
  }

  /** A command line that passes a connection on through a host: a ProxyCommand of ssh_config(5). */
  forward(name: string): string {
    return this.opened.forward(name);
  }

  /** The environment in which an `ssh` of this kind finds its passwords. */
  get env(): NodeJS.ProcessEnv {
    return this.opened.env;
  }
}

/** What a host says first, once it has let us in. */
const letIn = "lvs: let in";

/**
 * Logins that are under way at the same time: a bastion's sshd drops some when ten connections haven't logged in yet (MaxStartups of
 * sshd_config(5), 10:30:100 by default). Those that have are not counted there, and not here: a host that is followed, or waits for
 * connections to end, keeps no other from being asked.
 */
const logins = new Semaphore(8);

/**
 * Runs OpenSSH's client, when few others are on their way: every start of it but {@link Ssh.follow}'s is here. How it ended is a result.
 * @throws CouldNotLook when there is none
 */
export async function runClient(
  args: readonly string[],
  options: Omit<RunOptions, "onOutput">,
): Promise<RunResult> {
  const leave = await logins.enter();
  try {
    // Who says something has let us in.
    return await run("ssh", args, { ...options, onOutput: leave });
  } finally {
    leave();
  }
}

/** Opens the logins, and takes every trace of them away afterwards: see {@link Logins}. */
export async function withSsh<T>(
  targets: readonly Target[],
  options: LoginOptions,
  work: (ssh: Ssh) => Promise<T>,
): Promise<T> {
  const opened = new Logins(targets, options);
  try {
    return await work(new Ssh(opened, options));
  } finally {
    opened.close();
  }
}
