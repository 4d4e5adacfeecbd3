/** The machine's CPUs, shared out: directors that don't wait for a CPU that a real server is using, as on hosts of their own. */
import { cpus } from "node:os";

import type { Lab } from "../instance";
import { guests } from "../lab";

/** Which of the machine's CPUs the directors run on, and which the real servers. */
export interface CpuShares {
  directors: number[];
  realServers: number[];
}

/**
 * Half of the CPUs for the directors, the other half for the real servers, as long as something takes.
 *
 * @throws Error when the machine has only one
 */
export async function withDirectorsOnTheirOwnCpus<T>(
  lab: Lab,
  action: (shares: CpuShares) => Promise<T>,
): Promise<T> {
  const all = cpus().map((_, cpu) => cpu);
  const shares = shareOut(all);
  await runOn(lab, shares);
  try {
    return await action(shares);
  } finally {
    await runOn(lab, { directors: all, realServers: all });
  }
}

function shareOut(all: readonly number[]): CpuShares {
  const half = all.length >> 1;
  if (half === 0) throw new Error("directors on CPUs of their own: this machine has only one");
  return { directors: all.slice(0, half), realServers: all.slice(half) };
}

async function runOn(lab: Lab, shares: CpuShares): Promise<void> {
  for (const { host, guest } of guests(lab)) {
    await guest.useCpus(host.role === "director" ? shares.directors : shares.realServers);
  }
}
