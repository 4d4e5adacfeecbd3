/**
 * A guest: a virtual machine under a supervisor. {@link GuestKind} hides how the machine runs;
 * power, reboots and the console are the same for all kinds.
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

/** A way to run guests, such as user-mode Linux or QEMU. */
export interface GuestKind {
  name: string;
  /** Builds or finds the kernel. */
  kernel(report: Report): Promise<GuestKernel>;
  /**
   * The command that boots a guest and ends when the guest shuts down or reboots. It runs in the
   * operator's namespace with the guest's console on its standard output, and leads a process group
   * with all of the guest's processes.
   */
  command(machine: Machine): readonly [file: string, ...args: string[]];
}

/** A kernel for guests. */
export interface GuestKernel {
  /** A short description, such as a version. */
  description: string;
  file: string;
  /** The folder for `/usr/lib/modules` in the guest. @default the image has the modules */
  modules?: string;
}

/** A machine to boot. */
export interface Machine {
  host: LabHost;
  kernel: GuestKernel;
  /** The guest's own folder. */
  directory: string;
  /** The image to boot, shared by guests and never written. */
  image: string;
  /** The disk image with the guest's own files; `seed.ts` writes it. */
  seed: string;
  /** Upper limit of the guest's memory; the machine provides only what is used. */
  memoryMiB: number;
}

/** The power of one guest. */
export class Guest {
  /** Folder with disk, seed, console log and process ids. */
  readonly directory: string;
  /** What the guest has written over its image: a sparse file. */
  readonly disk: string;
  /** All output of the guest's kernel and init since `up`. */
  readonly consoleLog: string;

  constructor(
    readonly lab: Lab,
    readonly host: LabHost,
  ) {
    this.directory = labPath(lab, "guests", host.name);
    this.disk = join(this.directory, "disk.cow");
    this.consoleLog = join(this.directory, "console.log");
  }

  /** Switches the guest on and returns before it has booted. Does nothing if it is on. */
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
      // Not the caller's environment: a TMPDIR would put the guest's memory on a disk.
      env: { PATH: process.env.PATH },
    });
  }

  /** Cuts the power: all of the guest's processes die at once, without writing anything. */
  async powerCut(): Promise<void> {
    if (!existsSync(this.directory)) return;
    await writeFile(this.offMarker, "");
    // Kill again at each look: the supervisor may be about to restart the guest.
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
   * Limits the guest to these CPUs of the machine, until its power goes off or it reboots.
   *
   * @throws Error when the guest is off
   */
  async useCpus(cpus: readonly number[]): Promise<void> {
    const leader = this.pid;
    if (leader === undefined) throw new Error(`${this.host.name} is off`);
    const pin = async (pid: string) => {
      const { exitCode, stderr } = await run("taskset", ["-a", "-p", "-c", cpus.join(), pid]);
      // A process that ended in the guest in the meantime needs no CPU.
      if (exitCode !== 0 && existsSync(`/proc/${pid}`)) throw new Error(stderr);
    };
    // The leader first: processes that it starts from then on inherit the setting.
    await pin(String(leader));
    const group = await output("pgrep", ["-g", String(leader)]);
    for (const pid of group.trim().split("\n")) await pin(pid);
  }

  /** Whether the power is on; the guest may still be booting, or hang. */
  get isOn(): boolean {
    return runningDaemon(this.lab, this.supervisor) !== undefined;
  }

  /** The process that leads the guest's group. */
  get pid(): number | undefined {
    const file = join(this.directory, "guest.pid");
    if (!existsSync(file)) return undefined;
    const pid = Number(readFileSync(file, "utf8"));
    // While the supervisor lives, it waits for this process, so the id can't be reused. Otherwise
    // the command line shows whether it is the guest.
    return pid > 0 && commandLine(pid).includes(this.directory) ? pid : undefined;
  }

  /** The last lines on the guest's console. */
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
