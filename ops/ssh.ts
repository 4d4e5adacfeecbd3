// Runs programs on the stack's hosts over SSH.
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
  /** @param hasBegun the host had printed something: the command may go on there */
  constructor(
    message: string,
    readonly hasBegun = false,
  ) {
    super(message);
  }
}

/** Open logins to some hosts, valid while {@link withSsh} runs. */
export class Ssh {
  constructor(
    private readonly opened: Logins,
    private readonly options: LoginOptions,
  ) {}

  /**
   * Runs a shell script on a host as root, in one connection. Returns its output.
   * @throws Unreachable when the login fails, the time is up, or the script fails
   */
  async script(target: Target, text: string, args: readonly string[]) {
    const { stdout, stderr, exitCode } = await this.result(target, text, args);
    if (exitCode === 0) return stdout;
    throw new Unreachable(whyFailed(exitCode, stderr));
  }

  /**
   * Like {@link script}, but a failing script is a result. `moreSeconds` is added to the time that
   * every host has.
   * @throws Unreachable when the login fails or the time is up
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

  /** Runs a program on a host as root. A failing program or login is a result. */
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

  /**
   * Runs a program on a host as root without a limit and passes on each line that it prints. A
   * failing program or login is a result.
   */
  async follow(
    { name, connection }: Target,
    words: readonly string[],
    onLine: (line: string) => void,
  ): Promise<Omit<RunResult, "stdout">> {
    const leave = await logins.enter();
    // The program may print nothing for days, so a line of our own reports the login first.
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

  /** A command line that forwards a connection through a host: a ProxyCommand for ssh_config(5). */
  forward(name: string): string {
    return this.opened.forward(name);
  }

  /** The environment in which `ssh` finds its passwords. */
  get env(): NodeJS.ProcessEnv {
    return this.opened.env;
  }
}

/** The line a host prints first after the login. */
const letIn = "lvs: let in";

/**
 * Limits logins in progress: a bastion's sshd drops some when ten connections haven't logged in yet
 * (MaxStartups of sshd_config(5), 10:30:100 by default). Neither sshd nor this limit counts
 * completed logins: a host that is followed, or waits for connections to end, blocks no other.
 */
const logins = new Semaphore(8);

/**
 * Runs OpenSSH's client when a login slot is free. Every start of `ssh` but {@link Ssh.follow}'s is
 * here. A failing exit status is a result.
 * @throws CouldNotLook when there is no `ssh`
 */
export async function runClient(
  args: readonly string[],
  options: Omit<RunOptions, "onOutput">,
): Promise<RunResult> {
  const leave = await logins.enter();
  try {
    // The first output means that the login is complete: free the slot.
    return await run("ssh", args, { ...options, onOutput: leave });
  } finally {
    leave();
  }
}

/** Opens logins for `work` and removes all traces of them afterwards: see {@link Logins}. */
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
