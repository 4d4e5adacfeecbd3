/** The topologies by name. A new one is a file and a row here. */
import type { Topology } from "../topology";
import { bastion } from "./bastion";
import { bookworm } from "./bookworm";
import { bullseye } from "./bullseye";
import { dev } from "./dev";
import { forky } from "./forky";
import { oneInterface } from "./oneInterface";
import { sixRealServers } from "./sixRealServers";
import { threeDirectors } from "./threeDirectors";

const all = [dev, bookworm, threeDirectors, bastion, oneInterface, sixRealServers, bullseye, forky];

/** The topologies' names. */
export const topologyNames: readonly string[] = all.map(({ name }) => name);

/**
 * The topology with a name.
 *
 * @throws Error that lists the known names
 */
export function findTopology(name: string): Topology {
  const found = all.find((topology) => topology.name === name);
  if (found) return found;
  throw new Error(`there is no topology "${name}"; there are ${topologyNames.join(", ")}`);
}
