/**
 * Processes that outlive the command that started them. A record file identifies each one, so that
 * it can be ended.
 */
import { spawn } from "node:child_process";
import { closeSync, existsSync, openSync, readFileSync } from "node:fs";
import { mkdir, rm } from "node:fs/promises";
import { join } from "node:path";

import { type Lab, labPath } from "./instance";
import { waitFor } from "./waitFor";

/** A process to start. */
export interface DaemonSpec {
  /** Names the record `NAME.pid` and the log `NAME.log` in the lab's folder. */
  name: string;
  command: string;
  args: readonly string[];
  /** @default the caller's */
  env?: NodeJS.ProcessEnv;
}

/** The record that `startRecorded.sh` writes, and explains. */
interface ProcessRecord {
  pid: number;
  startTicks: string;
  bootId: string;
}

/**
 * Starts a process in a session of its own, unless it is already running.
 *
 * @returns its process id
 */
export async function startDaemon(
  lab: Lab,
  { name, command, args, env }: DaemonSpec,
): Promise<number> {
  const running = runningDaemon(lab, name);
  if (running !== undefined) return running;
  await mkdir(lab.directory, { recursive: true, mode: 0o700 });
  await rm(recordFile(lab, name), { force: true });
  const log = openSync(daemonLog(lab, name), "a");
  try {
    const words = [join(__dirname, "startRecorded.sh"), recordFile(lab, name), command, ...args];
    const child = spawn("sh", words, { env, detached: true, stdio: ["ignore", log, log] });
    child.unref();
  } finally {
    closeSync(log);
  }
  await waitFor(() => existsSync(recordFile(lab, name)), {
    what: `the start of ${name} (its log: ${daemonLog(lab, name)})`,
    timeoutSeconds: 10,
    intervalSeconds: 0.005,
  });
  return readRecord(lab, name).pid;
}

/** The process id, if the recorded process still runs. */
export function runningDaemon(lab: Lab, name: string): number | undefined {
  if (!existsSync(recordFile(lab, name))) return undefined;
  const record = readRecord(lab, name);
  const same = record.bootId === currentBootId() && startTicksOf(record.pid) === record.startTicks;
  return same ? record.pid : undefined;
}

/**
 * Ends a process and its group with SIGTERM, or SIGKILL after 5 s. Does nothing if it isn't
 * running.
 *
 * @throws Error when it is still there after 10 s
 */
export async function stopDaemon(lab: Lab, name: string): Promise<void> {
  const pid = runningDaemon(lab, name);
  if (pid !== undefined) {
    process.kill(-pid, "SIGTERM");
    const gone = () => runningDaemon(lab, name) === undefined;
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
  await rm(recordFile(lab, name), { force: true });
}

/** The file with the process's output. */
export function daemonLog(lab: Lab, name: string): string {
  return labPath(lab, `${name}.log`);
}

function readRecord(lab: Lab, name: string): ProcessRecord {
  return JSON.parse(readFileSync(recordFile(lab, name), "utf8")) as ProcessRecord;
}

function recordFile(lab: Lab, name: string): string {
  return labPath(lab, `${name}.pid`);
}

/** Field 22 of proc_pid_stat(5); undefined if the process doesn't exist or is a zombie. */
function startTicksOf(pid: number): string | undefined {
  let stat: string;
  try {
    stat = readFileSync(`/proc/${pid}/stat`, "utf8");
  } catch {
    return undefined;
  }
  // The second field is the program's name in brackets, which may contain any character.
  const [state, ...fields] = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  return state === "Z" ? undefined : fields[18];
}

function currentBootId(): string {
  return readFileSync("/proc/sys/kernel/random/boot_id", "utf8").trim();
}
