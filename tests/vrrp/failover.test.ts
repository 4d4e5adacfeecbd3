// VRRP as the stack configures it, spoken by the real keepalived of each release.
import { settingsOf, smallStack } from "../support/stacks";
import type { KeepalivedVersion } from "../support/keepalived";
import { VrrpRig, vrrpConfig } from "../support/vrrpRig";

const vip = "192.0.2.100";
const settings = settingsOf(smallStack());

const pairs: [KeepalivedVersion, KeepalivedVersion][] = [
  ["2.2.7", "2.2.7"],
  ["2.3.3", "2.3.3"],
  ["2.3.3", "2.2.7"],
  ["2.1.5", "2.1.5"],
  ["2.2.7", "2.1.5"],
  ["2.3.4", "2.3.4"],
  ["2.3.4", "2.3.3"],
];

describe.each(pairs)("keepalived %s and %s", (first, second) => {
  let rig: VrrpRig;
  beforeEach(async () => {
    rig = await VrrpRig.build([
      { name: "lvs1", version: first, addresses: { eth1: ["192.0.2.11/24"] } },
      { name: "lvs2", version: second, addresses: { eth1: ["192.0.2.12/24"] } },
    ]);
  });
  afterEach(() => {
    rig.remove();
  });

  test("one director holds the virtual address, and the other takes it over when that one dies", async () => {
    rig.director("lvs1").start(vrrpConfig(settings, "lvs1"));
    await rig.holds("lvs1", vip);
    rig.director("lvs2").start(vrrpConfig(settings, "lvs2"));
    await rig.director("lvs2").is("BACKUP");
    const killed = rig.director("lvs1").kill();
    // A keepalived that is killed leaves its addresses: a host that dies doesn't.
    rig.director("lvs1").removeAddress(`${vip}/32`, "eth1");
    await killed;
    await rig.holds("lvs2", vip);
    expect(rig.history(vip).map(({ director }) => director)).toEqual(["lvs1", "lvs2"]);
    expect(rig.unheld(vip)).toBeGreaterThan(0);
    expect(rig.doublyHeld(vip)).toBe(0);
  });

  test("two directors hold the virtual address while they don't hear each other, and it is counted", async () => {
    for (const name of ["lvs1", "lvs2"]) {
      rig.director(name).block("eth1");
      rig.director(name).start(vrrpConfig(settings, name));
      await rig.director(name).is("MASTER");
    }
    expect(rig.holders(vip)).toEqual(["lvs1", "lvs2"]);
    for (const name of ["lvs1", "lvs2"]) rig.director(name).unblock("eth1");
    await rig.holds("lvs1", vip);
    const counted = rig.doublyHeld(vip);
    expect(counted).toBeGreaterThan(0);
    await rig.director("lvs1").stop();
    await rig.holds("lvs2", vip);
    expect(rig.doublyHeld(vip)).toBe(counted);
  });
});
