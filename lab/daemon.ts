/** Processes that outlive the command that started them: known by a record file, ended by it. */
import { spawn } from "node:child_process";
import { closeSync, existsSync, openSync, readFileSync } from "node:fs";
import { mkdir, rm } from "node:fs/promises";
import { join } from "node:path";

import { statePath } from "./paths";
import { waitFor } from "./waitFor";

/** A process to start. */
export interface DaemonSpec {
  /** The record is `NAME.pid`, the log `NAME.log`, in the state folder. */
  name: string;
  command: string;
  args: readonly string[];
  /** @default the caller's */
  env?: NodeJS.ProcessEnv;
}

/** What `startRecorded.sh` writes, and why. */
interface ProcessRecord {
  pid: number;
  startTicks: string;
  bootId: string;
}

/**
 * Starts a process in a session of its own, unless it is running already.
 *
 * @returns its process id
 */
export async function startDaemon({ name, command, args, env }: DaemonSpec): Promise<number> {
  const running = runningDaemon(name);
  if (running !== undefined) return running;
  await mkdir(statePath(), { recursive: true, mode: 0o700 });
  await rm(recordFile(name), { force: true });
  const log = openSync(daemonLog(name), "a");
  try {
    const words = [join(__dirname, "startRecorded.sh"), recordFile(name), command, ...args];
    const child = spawn("sh", words, { env, detached: true, stdio: ["ignore", log, log] });
    child.unref();
  } finally {
    closeSync(log);
  }
  await waitFor(() => existsSync(recordFile(name)), {
    what: `the start of ${name} (its log: ${daemonLog(name)})`,
    timeoutSeconds: 10,
    intervalSeconds: 0.005,
  });
  return readRecord(name).pid;
}

/** The process id, if the process is still that one and running. */
export function runningDaemon(name: string): number | undefined {
  if (!existsSync(recordFile(name))) return undefined;
  const record = readRecord(name);
  const same = record.bootId === currentBootId() && startTicksOf(record.pid) === record.startTicks;
  return same ? record.pid : undefined;
}

/**
 * Ends a process and its group: SIGTERM, and SIGKILL if that isn't enough. Nothing happens when it isn't running.
 *
 * @throws Error when it is there after 10 s all the same
 */
export async function stopDaemon(name: string): Promise<void> {
  const pid = runningDaemon(name);
  if (pid !== undefined) {
    process.kill(-pid, "SIGTERM");
    const gone = () => runningDaemon(name) === undefined;
    const wait = (timeoutSeconds: number) =>
      waitFor(gone, {
        what: `the end of ${name} (process ${pid})`,
        timeoutSeconds,
        intervalSeconds: 0.02,
      });
    try {
      await wait(5);
    } catch {
      process.kill(-pid, "SIGKILL");
      await wait(5);
    }
  }
  await rm(recordFile(name), { force: true });
}

/** Where its output goes. */
export function daemonLog(name: string): string {
  return statePath(`${name}.log`);
}

function readRecord(name: string): ProcessRecord {
  return JSON.parse(readFileSync(recordFile(name), "utf8")) as ProcessRecord;
}

function recordFile(name: string): string {
  return statePath(`${name}.pid`);
}

/** Field 22 of proc_pid_stat(5), or undefined when there is no such process or it is a zombie. */
function startTicksOf(pid: number): string | undefined {
  let stat: string;
  try {
    stat = readFileSync(`/proc/${pid}/stat`, "utf8");
  } catch {
    return undefined;
  }
  // The second field is the program's name in brackets, with whatever characters it has.
  const [state, ...fields] = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  return state === "Z" ? undefined : fields[18];
}

function currentBootId(): string {
  return readFileSync("/proc/sys/kernel/random/boot_id", "utf8").trim();
}
