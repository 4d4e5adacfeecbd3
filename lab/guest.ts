/**
 * A guest: a virtual machine under a supervisor. What kind of machine runs it is behind {@link GuestKind}; power, reboots and the
 * console are the same for all kinds.
 */
import { existsSync, readFileSync } from "node:fs";
import { appendFile, mkdir, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";

import type { Report } from "./cache";
import { runningDaemon, startDaemon } from "./daemon";
import { type Lab, labPath } from "./instance";
import { inNamespace } from "./network";
import { lastLines, output, run } from "./run";
import type { LabHost } from "./topology";
import { waitFor } from "./waitFor";

/** A way to run guests: user-mode Linux, say, or QEMU. */
export interface GuestKind {
  name: string;
  /** Builds or finds the kernel. */
  kernel(report: Report): Promise<GuestKernel>;
  /**
   * The command that boots a guest and ends when the guest shuts down or reboots. It runs in the operator's namespace; the
   * guest's console is its standard output; it leads a process group that holds all of the guest's processes.
   */
  command(machine: Machine): readonly [file: string, ...args: string[]];
}

/** A kernel for guests. */
export interface GuestKernel {
  /** What it is, in a word or two: a version. */
  description: string;
  file: string;
  /** A folder to be `/usr/lib/modules` in the guest. @default the guest's image has what it needs */
  modules?: string;
}

/** A machine to boot. */
export interface Machine {
  host: LabHost;
  kernel: GuestKernel;
  /** A folder for the guest alone. */
  directory: string;
  /** The image to boot; guests share it and don't write to it. */
  image: string;
  /** The disk image with the guest's own files: `seed.ts`. */
  seed: string;
  /** What the guest may use at most; it costs the machine only what is used. */
  memoryMiB: number;
}

/** The power of one guest. */
export class Guest {
  /** Disk, seed, console log and process ids. */
  readonly directory: string;
  /** What it has written, over its image: a sparse file. */
  readonly disk: string;
  /** Everything the guest's kernel and init said, since `up`. */
  readonly consoleLog: string;

  constructor(
    readonly lab: Lab,
    readonly host: LabHost,
  ) {
    this.directory = labPath(lab, "guests", host.name);
    this.disk = join(this.directory, "disk.cow");
    this.consoleLog = join(this.directory, "console.log");
  }

  /** Switches it on; does nothing when it is on. The guest then boots, which takes its time. */
  async powerOn(kind: GuestKind, machine: Machine): Promise<void> {
    await mkdir(this.directory, { recursive: true });
    await rm(this.offMarker, { force: true });
    await appendFile(this.consoleLog, "");
    const { cpus, namespaces } = this.lab;
    const [command, args] = inNamespace(namespaces.operator, "sh", [
      join(__dirname, "supervise.sh"),
      this.directory,
      ...(cpus ? ["taskset", "-c", cpus.join()] : []),
      ...kind.command(machine),
    ]);
    await startDaemon(this.lab, {
      name: this.supervisor,
      command,
      args,
      // Nothing of the caller's: a TMPDIR, say, would put the guest's memory on a disk.
      env: { PATH: process.env.PATH },
    });
  }

  /** Cuts the power: all of the guest's processes die at one instant, and nothing gets to write its data. */
  async powerCut(): Promise<void> {
    if (!existsSync(this.directory)) return;
    await writeFile(this.offMarker, "");
    // Once more at each look: the supervisor may be just about to start the guest again.
    const dead = () => {
      const pid = this.pid;
      if (pid !== undefined) process.kill(-pid, "SIGKILL");
      return pid === undefined && runningDaemon(this.lab, this.supervisor) === undefined;
    };
    await waitFor(dead, {
      what: `the end of ${this.host.name}'s processes`,
      timeoutSeconds: 10,
      intervalSeconds: 0.02,
    });
    await rm(join(this.directory, "guest.pid"), { force: true });
  }

  /**
   * Has it run on these of the machine's CPUs, until its power goes off or it reboots.
   *
   * @throws Error when it is off
   */
  async useCpus(cpus: readonly number[]): Promise<void> {
    const leader = this.pid;
    if (leader === undefined) throw new Error(`${this.host.name} is off`);
    const pin = async (pid: string) => {
      const { exitCode, stderr } = await run("taskset", ["-a", "-p", "-c", cpus.join(), pid]);
      // A process of a program that has ended in the guest meanwhile needs no CPU.
      if (exitCode !== 0 && existsSync(`/proc/${pid}`)) throw new Error(stderr);
    };
    // The leader first: it starts the others, and what it starts from then on stays with it.
    await pin(String(leader));
    const group = await output("pgrep", ["-g", String(leader)]);
    for (const pid of group.trim().split("\n")) await pin(pid);
  }

  /** Whether its power is on: it may be booting, or hung. */
  get isOn(): boolean {
    return runningDaemon(this.lab, this.supervisor) !== undefined;
  }

  /** The process that leads the guest's group. */
  get pid(): number | undefined {
    const file = join(this.directory, "guest.pid");
    if (!existsSync(file)) return undefined;
    const pid = Number(readFileSync(file, "utf8"));
    // The supervisor waits for this process, so its id can't be another's while the supervisor lives; if it doesn't live, the
    // command line tells.
    return pid > 0 && commandLine(pid).includes(this.directory) ? pid : undefined;
  }

  /** The last of what the guest said. */
  async consoleTail(lines = 25): Promise<string> {
    return existsSync(this.consoleLog)
      ? lastLines(await readFile(this.consoleLog, "utf8"), lines)
      : "";
  }

  private get supervisor(): string {
    return `supervise-${this.host.name}`;
  }

  private get offMarker(): string {
    return join(this.directory, "off");
  }
}

function commandLine(pid: number): string {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, "utf8").replaceAll("\0", " ");
  } catch {
    return "";
  }
}
