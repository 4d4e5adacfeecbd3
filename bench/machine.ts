/** The machine that figures come from. */
import { cpus, release, totalmem } from "node:os";

/** The properties of a machine that matter when figures are compared. */
export interface Machine {
  cpu: string;
  cores: number;
  memoryBytes: number;
  kernel: string;
  node: string;
}

/** The machine that this program runs on. */
export function thisMachine(): Machine {
  return {
    cpu: cpus()[0]?.model ?? "unknown",
    cores: cpus().length,
    memoryBytes: totalmem(),
    kernel: release(),
    node: process.versions.node,
  };
}

/** The machine as text. */
export function machineWords({ cores, cpu, memoryBytes, kernel, node }: Machine): string {
  return `${cores} cores (${cpu}), ${(memoryBytes / 1e9).toFixed(0)} GB, Linux ${kernel}, Node ${node}`;
}
