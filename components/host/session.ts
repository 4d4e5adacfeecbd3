// A login of the program's own to a host, while the engine runs: for what is done around a resource's change, by its hooks.
import { spawn } from "node:child_process";
import { createInterface } from "node:readline";
import { setTimeout as sleep } from "node:timers/promises";
import type { types } from "@pulumi/command";
import * as pulumi from "@pulumi/pulumi";
import { asRoot, type Connection, Logins, whyFailed } from "./openssh";
import { Semaphore } from "./semaphore";
import { valueOf } from "./valueOf";

export interface SessionOptions {
  /** It takes several commands, and stays open until the program ends. @default false */
  keepOpen?: boolean;
}

export interface RunOptions {
  /** The program's standard input. @default nothing */
  input?: string;
  /** Called with each line of its standard error. */
  tell?: (line: string) => void;
  /** How often a login is tried that fails before the host has said anything. @default 10 */
  attempts?: number;
  /** Nobody waits for it any more: it fails then. @default never */
  signal?: AbortSignal;
}

/**
 * Logins that are under way at the same time; the engine's own are beside them. sshd drops some when ten haven't logged in yet
 * (MaxStartups of sshd_config(5), 10:30:100 by default), a bastion's, too.
 */
const loggingIn = new Semaphore(4);

/** A connection takes ten commands at once (MaxSessions of sshd_config(5)), one of them held. */
const channels = 8;

/** How often a login is tried that fails before the host has said anything, and the seconds between. */
const patience = 10;
const pauseSeconds = 2;

const timeoutSeconds = 15;

/** A login to one host. Nothing is dialled before the first command. */
export class Session {
  private opening?: { attempts: number; opened: Promise<Opened> };
  private readonly busy = new Semaphore(channels);

  /** @param name the host's in the stack */
  constructor(
    readonly name: string,
    private readonly connection: pulumi.Input<types.input.remote.ConnectionArgs>,
    private readonly options: SessionOptions = {},
  ) {}

  /**
   * Runs a program on the host as root; what it printed on standard output. It tells what it does on standard error.
   * @throws pulumi.RunError when the host can't be logged in to, or the program fails
   */
  async run(
    words: readonly string[],
    { input = "", tell, attempts = patience, signal }: RunOptions = {},
  ): Promise<string> {
    const { logins, user } = await this.open(attempts);
    const leave = await this.busy.enter();
    try {
      const args = logins.args(this.name, asRoot(user, words));
      const isLoggedIn = this.options.keepOpen;
      const options = { env: logins.env, input, tell, signal };
      return await this.attempt(args, options, { attempts, isLoggedIn });
    } finally {
      leave();
    }
  }

  /**
   * Runs a program on the host as root until this process ends, however it does: its standard input has a dot every few seconds, and
   * ends then. Of a machine that is gone there are no more dots.
   */
  async hold(words: readonly string[]): Promise<void> {
    const { logins, user } = await this.open();
    const child = spawn("ssh", logins.args(this.name, asRoot(user, words)), {
      env: logins.env,
      stdio: ["pipe", "ignore", "ignore"],
    });
    const beat = setInterval(() => {
      child.stdin.write(".");
      // Of an engine that is gone, this finds out: see `endWithEngine`.
      void pulumi.log.debug(`${this.name}: ${words.at(-1) ?? ""} is held`);
    }, 5000);
    child.on("error", () => undefined);
    child.once("close", () => {
      clearInterval(beat);
    });
    child.stdin.on("error", () => undefined);
    // The program doesn't stay for them.
    beat.unref();
    child.unref();
    (child.stdin as unknown as { unref(): void }).unref();
  }

  /** Whoever comes while it is being opened waits for that; one with more patience tries it again. */
  private async open(attempts = patience): Promise<Opened> {
    for (;;) {
      const opening = (this.opening ??= { attempts, opened: this.logIn(attempts) });
      try {
        return await opening.opened;
      } catch (error) {
        if (this.opening === opening) this.opening = undefined;
        if (opening.attempts >= attempts) throw error;
      }
    }
  }

  private async logIn(attempts: number): Promise<Opened> {
    endWithEngine();
    const connection = (await valueOf(this.connection)) as Connection;
    const { keepOpen = false } = this.options;
    const logins = new Logins([{ name: this.name, connection }], { timeoutSeconds, keepOpen });
    // Two commands that begin at once would log in twice.
    if (keepOpen) {
      const options = { env: logins.env, input: "" };
      await this.attempt(logins.openArgs(this.name), options, { attempts }).catch(
        (error: unknown) => {
          logins.close();
          throw error;
        },
      );
    }
    return { logins, user: connection.user };
  }

  private async attempt(
    args: string[],
    options: Omit<ClientOptions, "said">,
    { attempts = patience, isLoggedIn = false } = {},
  ): Promise<string> {
    for (let left = attempts - 1; ; left -= 1) {
      // What is logged in already waits for nobody, and nobody for it: it may have nothing to say for minutes.
      const leave = isLoggedIn ? () => undefined : await loggingIn.enter();
      const { exitCode, stdout, stderr } = await ssh(args, {
        ...options,
        said: leave,
      }).finally(leave);
      if (exitCode === 0) return stdout;
      const isRefused = exitCode === 255 && stdout === "" && isPassing(stderr);
      if (!isRefused || left === 0 || options.signal?.aborted) {
        throw new pulumi.RunError(`${this.name}: ${whyFailed(exitCode, stderr)}`);
      }
      await sleep(pauseSeconds * 1000);
    }
  }
}

let endsWithEngine = false;

/**
 * Ends this process when nobody reads what it says any more: the engine was killed. The SDK would say so, to nobody, without end; what is
 * held on hosts would be held as long.
 */
function endWithEngine(): void {
  if (endsWithEngine) return;
  endsWithEngine = true;
  for (const stream of [process.stdout, process.stderr]) {
    stream.on("error", (error: NodeJS.ErrnoException) => {
      if (error.code === "EPIPE") process.exit(1);
    });
  }
}

interface Opened {
  logins: Logins;
  user: string;
}

/** A host that boots, or lets nobody else in at the moment: not one that refuses this login. */
function isPassing(stderr: string): boolean {
  return /Connection (closed|reset|refused|timed out)|kex_exchange_identification|No route to host/i.test(
    stderr,
  );
}

interface Result {
  exitCode: number;
  stdout: string;
  stderr: string;
}

interface ClientOptions {
  env: NodeJS.ProcessEnv;
  input: string;
  /** Called with each line of standard error. */
  tell?: (line: string) => void;
  signal?: AbortSignal;
  /** Called when something has been printed: the host has let us in. */
  said: () => void;
}

/** Runs OpenSSH's client. */
function ssh(
  args: readonly string[],
  { env, input, tell, signal, said }: ClientOptions,
): Promise<Result> {
  return new Promise((resolve, reject) => {
    const child = spawn("ssh", args, { env, signal });
    const result = { stdout: "", stderr: "" };
    for (const name of ["stdout", "stderr"] as const) {
      child[name].setEncoding("utf8").on("data", (text: string) => {
        said();
        result[name] += text;
      });
    }
    if (tell) createInterface({ input: child.stderr }).on("line", tell);
    child.once("error", (error) => {
      if (signal?.aborted) resolve({ ...result, exitCode: 255 });
      reject(
        new pulumi.RunError(`ssh can't be started: ${error.message}; install OpenSSH's client`),
      );
    });
    child.once("close", (code) => {
      resolve({ ...result, exitCode: code ?? 255 });
    });
    // A program may end without having read all of it: its status tells then, not the broken pipe.
    child.stdin.on("error", () => undefined);
    child.stdin.end(input);
  });
}
