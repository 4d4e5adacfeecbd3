/** Runs the lab's stack with a changed config during an experiment. */
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

import type { Lab } from "../instance";
import { guests, powerOn, runInLab } from "../lab";
import { type StackConfig, stackFile } from "../stackConfig";

export type { StackConfig } from "../stackConfig";

/** Runs `pulumi up` with the stack's own config and a change. */
export type ApplyConfig = (change: (config: StackConfig) => void) => Promise<void>;

/**
 * Runs an experiment that changes the stack's config, and restores the config on the hosts
 * afterwards. No file of the user is touched.
 *
 * @throws Error with the engine's output when it fails
 */
export async function withStackConfig<T>(
  lab: Lab,
  action: (apply: ApplyConfig) => Promise<T>,
): Promise<T> {
  const folder = await mkdtemp(join(tmpdir(), "lvs-ha-experiment-"));
  const file = join(folder, "Pulumi.dev.yaml");
  const apply: ApplyConfig = async (change) => {
    // An earlier experiment may have ended during a power cut.
    for (const { host, guest } of guests(lab)) if (!guest.isOn) await powerOn(lab, host.name);
    const text = stackFile(lab.topology, (config) => {
      // No requests are sent during the change, so real servers need not be drained one after the
      // other.
      config.rollout = { drainSeconds: 0, maxUnavailable: lab.topology.hosts.length };
      // The last measurement's clients may still hold connections.
      config.deletionProtection = false;
      change(config);
    });
    await writeFile(file, text);
    const words = ["--yes", "--skip-preview", "--non-interactive", "--color=never"];
    await runInLab(lab, ["pulumi", "up", "--config-file", file, ...words]);
  };
  const putBack = async () => {
    await apply(() => undefined);
    await rm(folder, { recursive: true });
  };
  let result: T;
  try {
    result = await action(apply);
  } catch (error) {
    // Only log a second error: the first one is the cause to look into.
    await putBack().catch((second: unknown) => {
      console.error(`putting the stack's own config back failed, too: ${String(second)}`);
    });
    throw error;
  }
  await putBack();
  return result;
}
