/** Where the lab keeps things. */
import { homedir } from "node:os";
import { dirname, join } from "node:path";

/** The folder of package.json and Pulumi.yaml. */
export const projectRoot = dirname(__dirname);

/** The labs that run, a folder each. */
export const stateRoot = "/var/lib/lvs-ha-lab";

/**
 * What was built or downloaded and may be used again: kernel, images, engine, packages. It may be deleted at any time while the
 * lab is down; `LVS_HA_LAB_CACHE` puts it elsewhere.
 */
export function cacheDirectory(): string {
  const { LVS_HA_LAB_CACHE: own, XDG_CACHE_HOME: user } = process.env;
  return own ?? join(user ?? join(homedir(), ".cache"), "lvs-ha-lab");
}
