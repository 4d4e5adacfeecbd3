/** The lab's stack under another config than its own, for as long as an experiment takes. */
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

import type { Lab } from "../instance";
import { guests, powerOn, runInLab } from "../lab";
import { type StackConfig, stackFile } from "../stackConfig";

export type { StackConfig } from "../stackConfig";

/** `pulumi up` with the stack's own config, changed. */
export type ApplyConfig = (change: (config: StackConfig) => void) => Promise<void>;

/**
 * Runs something that changes the stack's config, and puts its own back on the hosts afterwards. No file of the user's is touched.
 *
 * @throws Error with what the engine said when it fails
 */
export async function withStackConfig<T>(
  lab: Lab,
  action: (apply: ApplyConfig) => Promise<T>,
): Promise<T> {
  const folder = await mkdtemp(join(tmpdir(), "lvs-ha-experiment-"));
  const file = join(folder, "Pulumi.dev.yaml");
  const apply: ApplyConfig = async (change) => {
    // An experiment may have ended with a power cut, or in the middle of one.
    for (const { host, guest } of guests(lab)) if (!guest.isOn) await powerOn(lab, host.name);
    const text = stackFile(lab.topology, (config) => {
      // Nobody asks while it is put on: real servers needn't be drained one after the other.
      config.rollout = { drainSeconds: 0, maxUnavailable: lab.topology.hosts.length };
      // Some of its clients may not have heard yet that the last measurement is over.
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
    // The first error is the one to look into.
    await putBack().catch((second: unknown) => {
      console.error(`putting the stack's own config back failed, too: ${String(second)}`);
    });
    throw error;
  }
  await putBack();
  return result;
}
