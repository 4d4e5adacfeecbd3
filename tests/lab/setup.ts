// Runs before the lab's test files: brings up a new lab of the dev topology, puts its stack on it,
// and takes a snapshot that each file starts from.
import { writeFileSync } from "node:fs";
import { labOf, labPath } from "../../lab/instance";
import { labDown, labUp, runInLab } from "../../lab/lab";
import { takeSnapshot } from "../../lab/snapshot";
import { dev } from "../../lab/topologies/dev";
import { forgetFaults } from "./faultMatrix";
import { footprints } from "./footprint";
import { stackText } from "./stackText";

/** Called by jest once, before all test files. */
export default async function setup(): Promise<void> {
  forgetFaults();
  if (process.env.LVS_HA_TEST_NO_DEV !== undefined) return;
  const lab = labOf(dev);
  await labDown(lab);
  await labUp(lab);
  writeFileSync(labPath(lab, "untouched.json"), JSON.stringify(await footprints(lab)));
  const config = labPath(lab, "first.yaml");
  writeFileSync(config, stackText(dev));
  const began = Date.now();
  const quiet = ["--yes", "--skip-preview", "--non-interactive", "--color=never"];
  await runInLab(lab, ["pulumi", "up", ...quiet, "--config-file", config]);
  const seconds = ((Date.now() - began) / 1000).toFixed(0);
  process.stderr.write(`pulumi up on new hosts: ${seconds} s\n`);
  await takeSnapshot(lab, labPath(lab, "snapshot"));
}
