/** The lab's stack under another config than Pulumi.dev.yaml's, for as long as an experiment takes. */
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parse, stringify } from "yaml";

import { hosts } from "../hosts";
import { guests, powerOn, runInLab } from "../lab";
import { projectRoot } from "../paths";

/** The stack's config, without its namespace. */
export interface StackConfig extends Record<string, unknown> {
  virtualServers: [Record<string, unknown>, ...Record<string, unknown>[]];
}

/** `pulumi up` with Pulumi.dev.yaml's config, changed. */
export type ApplyConfig = (change: (config: StackConfig) => void) => Promise<void>;

/**
 * Runs something that changes the stack's config, and puts Pulumi.dev.yaml's back on the hosts afterwards. The file itself isn't
 * touched.
 *
 * @throws Error with what the engine said when it fails
 */
export async function withStackConfig<T>(action: (apply: ApplyConfig) => Promise<T>): Promise<T> {
  const folder = await mkdtemp(join(tmpdir(), "lvs-ha-experiment-"));
  const file = join(folder, "Pulumi.dev.yaml");
  const apply: ApplyConfig = async (change) => {
    // An experiment may have ended with a power cut, or in the middle of one.
    for (const { host, guest } of guests()) if (!guest.isOn) await powerOn(host.name);
    await writeFile(
      file,
      changed(await readFile(join(projectRoot, "Pulumi.dev.yaml"), "utf8"), change),
    );
    const words = ["--yes", "--skip-preview", "--non-interactive", "--color=never"];
    await runInLab(["pulumi", "up", "--config-file", file, ...words]);
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
      console.error(`putting Pulumi.dev.yaml's config back failed, too: ${String(second)}`);
    });
    throw error;
  }
  await putBack();
  return result;
}

function changed(text: string, change: (config: StackConfig) => void): string {
  const prefix = "lvs-ha:";
  const file = parse(text) as { config: Record<string, unknown> };
  const config = Object.fromEntries(
    Object.entries(file.config).map(([key, value]) => [key.slice(prefix.length), value]),
  ) as StackConfig;
  // Nobody asks while it is put on: real servers needn't be drained one after the other.
  config.rollout = { drainSeconds: 0, maxUnavailable: hosts.length };
  change(config);
  file.config = Object.fromEntries(
    Object.entries(config).map(([key, value]) => [prefix + key, value]),
  );
  return stringify(file);
}
