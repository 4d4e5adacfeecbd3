/**
 * Splits the machine's CPUs, so that directors don't wait for a CPU that a real server uses, as on
 * separate hosts.
 */
import { cpus } from "node:os";

import type { Lab } from "../instance";
import { guests } from "../lab";

/** The CPUs of the directors, and those of the real servers. */
export interface CpuShares {
  directors: number[];
  realServers: number[];
}

/**
 * Runs the directors on half of the CPUs and the real servers on the other half during an action.
 *
 * @throws Error when the machine has only one CPU
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
