/**
 * One lab on this machine: its topology, and where its files are. Labs with different names can be
 * up at the same time.
 */
import { existsSync, readFileSync } from "node:fs";
import { mkdir } from "node:fs/promises";
import { join } from "node:path";

import { stateRoot } from "./paths";
import { replaceFile } from "./replaceFile";
import { findTopology } from "./topologies";
import type { Topology } from "./topology";

/** The description of a lab that every part gets. */
export interface Lab {
  name: string;
  topology: Topology;
  /**
   * The running lab's folder: disks, logs, process ids, keys, Pulumi's state. `down` removes it.
   */
  directory: string;
  /**
   * `operator` holds the bridges and runs the commands; `client` is a separate host on the public
   * network only.
   */
  namespaces: { operator: string; client: string };
  /** The machine's CPUs that the guests run on. @default all of them */
  cpus?: readonly number[];
}

/** Describes a lab without touching it. */
export function labOf(topology: Topology, options: Partial<Pick<Lab, "name" | "cpus">> = {}): Lab {
  const { name = topology.name, cpus } = options;
  if (!/^[a-zA-Z0-9-]{1,20}$/.test(name)) {
    throw new Error(`"${name}" is no name of a lab: letters, digits and dashes, 20 at most`);
  }
  return {
    name,
    topology,
    directory: join(stateRoot, name),
    namespaces: { operator: `lvs-lab-${name}`, client: `lvs-lab-${name}-client` },
    ...(cpus && { cpus }),
  };
}

/**
 * The lab with a name, as it was brought up; if it isn't up, the lab of the topology with that
 * name.
 *
 * @param topologyName the topology.
 * @default the one it was brought up with
 * @throws Error when it is up with another topology, or there is no such topology
 */
export function namedLab(name: string, topologyName?: string): Lab {
  const file = recordFile({ directory: join(stateRoot, name) });
  const record = existsSync(file)
    ? (JSON.parse(readFileSync(file, "utf8")) as { topology: string; cpus?: number[] })
    : undefined;
  if (record && topologyName !== undefined && record.topology !== topologyName) {
    throw new Error(
      `the lab "${name}" is up with the topology ${record.topology}, not ${topologyName}; take it down first`,
    );
  }
  const topology = findTopology(record?.topology ?? topologyName ?? name);
  return labOf(topology, { name, ...(record?.cpus && { cpus: record.cpus }) });
}

/** Records a lab's settings for {@link namedLab}. */
export async function recordLab({ directory, topology, cpus }: Lab): Promise<void> {
  await mkdir(directory, { recursive: true, mode: 0o700 });
  const record = { topology: topology.name, ...(cpus && { cpus }) };
  await replaceFile(recordFile({ directory }), JSON.stringify(record));
}

/** A path in the lab's folder. */
export function labPath({ directory }: Pick<Lab, "directory">, ...parts: string[]): string {
  return join(directory, ...parts);
}

function recordFile({ directory }: Pick<Lab, "directory">): string {
  return join(directory, "lab.json");
}
