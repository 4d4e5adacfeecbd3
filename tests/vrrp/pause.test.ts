// A director that stood still, as its machine does for a snapshot, and goes on.
import { setTimeout as delay } from "node:timers/promises";
import { settingsOf, smallStack } from "../support/stacks";
import { VrrpRig, vrrpConfig } from "../support/vrrpRig";

const vip = "192.0.2.100";

test("keepalived 2.3.3: the active director that stood still gives way to the one that took over meanwhile", async () => {
  const stack = smallStack();
  for (const director of stack.directors) director.os = "debian13";
  const settings = settingsOf(stack);
  const rig = await VrrpRig.build([
    { name: "lvs1", version: "2.3.3", addresses: { eth1: ["192.0.2.11/24"] } },
    { name: "lvs2", version: "2.3.3", addresses: { eth1: ["192.0.2.12/24"] } },
  ]);
  try {
    rig.director("lvs1").start(vrrpConfig(settings, "lvs1"));
    await rig.holds("lvs1", vip);
    rig.director("lvs2").start(vrrpConfig(settings, "lvs2"));
    await rig.director("lvs2").is("BACKUP");
    rig.director("lvs1").signalAll("SIGSTOP");
    await rig.director("lvs2").is("MASTER");
    rig.director("lvs1").signalAll("SIGCONT");
    await rig.holds("lvs2", vip);
    // It doesn't take it back.
    await delay(3000);
    expect(rig.holders(vip)).toEqual(["lvs2"]);
    expect(rig.history(vip).map(({ director }) => director)).toEqual(["lvs1", "lvs2"]);
  } finally {
    rig.remove();
  }
});
