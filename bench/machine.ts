/** The machine that figures are of. */
import { cpus, release, totalmem } from "node:os";

/** What of it makes figures comparable. */
export interface Machine {
  cpu: string;
  cores: number;
  memoryBytes: number;
  kernel: string;
  node: string;
}

/** This one. */
export function thisMachine(): Machine {
  return {
    cpu: cpus()[0]?.model ?? "unknown",
    cores: cpus().length,
    memoryBytes: totalmem(),
    kernel: release(),
    node: process.versions.node,
  };
}

/** In words. */
export function machineWords({ cores, cpu, memoryBytes, kernel, node }: Machine): string {
  return `${cores} cores (${cpu}), ${(memoryBytes / 1e9).toFixed(0)} GB, Linux ${kernel}, Node ${node}`;
}
