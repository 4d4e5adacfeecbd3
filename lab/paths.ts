/** The folders of the lab. */
import { homedir } from "node:os";
import { dirname, join } from "node:path";

/** The folder with package.json and Pulumi.yaml. */
export const projectRoot = dirname(__dirname);

/** Running labs, a folder for each. */
export const stateRoot = "/var/lib/lvs-ha-lab";

/**
 * Builds and downloads for later runs: kernel, images, engine, packages. It may be deleted whenever
 * the lab is down. `LVS_HA_LAB_CACHE` sets another place.
 */
export function cacheDirectory(): string {
  const { LVS_HA_LAB_CACHE: own, XDG_CACHE_HOME: user } = process.env;
  return own ?? join(user ?? join(homedir(), ".cache"), "lvs-ha-lab");
}
