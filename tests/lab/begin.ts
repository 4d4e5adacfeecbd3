// The start of every test file of the lab: its hosts as they were after the first `pulumi up` of
// their stack, without anything that another file did.
import { basename } from "node:path";
import { activeOfWholePair } from "../../lab/experiments/powerCuts";
import { labPath, labOf } from "../../lab/instance";
import { labDown, labIsUp, labUp } from "../../lab/lab";
import { restoreSnapshot } from "../../lab/snapshot";
import { lab } from "./lab";
import { configure, tell, up } from "./stack";

const limitMs = 600_000;

beforeAll(async () => {
  const began = Date.now();
  configure();
  // setup.ts has brought up the first lab of the dev topology and taken a snapshot.
  if (lab.topology.name === "dev") {
    if (!labIsUp(lab)) await labUp(lab);
    await restoreSnapshot(lab, labPath(labOf(lab.topology), "snapshot"));
  } else {
    await labDown(lab);
    await labUp(lab);
    await up();
  }
  await activeOfWholePair(lab);
  const seconds = ((Date.now() - began) / 1000).toFixed(0);
  tell(`  ${basename(expect.getState().testPath ?? "")} began after ${seconds} s`);
}, limitMs);

afterAll(async () => {
  if (lab.topology.name !== "dev") await labDown(lab);
}, limitMs);
