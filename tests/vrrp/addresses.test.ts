// Virtual addresses that come, go and change while the pair serves: its directors get the new config one after the other.
import type { KeepalivedVersion } from "../support/keepalived";
import { settingsOf, smallStack, type Stack } from "../support/stacks";
import { VrrpRig, vrrpConfig } from "../support/vrrpRig";

const [first, second] = ["192.0.2.100", "192.0.2.101"];

const withAddresses = (...addresses: string[]): Stack => {
  const stack = smallStack();
  const [service] = stack.virtualServers;
  const [head, ...rest] = addresses.map((address, i) => ({ ...service, name: `web${i}`, address }));
  if (head === undefined) throw new Error("a stack has a virtual address");
  stack.virtualServers = [head, ...rest];
  return stack;
};

const pairs: [KeepalivedVersion, KeepalivedVersion][] = [
  ["2.2.7", "2.2.7"],
  ["2.3.3", "2.2.7"],
];

const changes: [string, string[], string[]][] = [
  ["one more", [first], [first, second]],
  ["one more, before the first", [second], [first, second]],
  ["the last one less", [first, second], [first]],
  ["the first one less", [first, second], [second]],
  ["another one", [first], [second]],
];

describe.each(pairs)("keepalived %s active, %s standing by", (active, standby) => {
  let rig: VrrpRig;
  beforeEach(async () => {
    rig = await VrrpRig.build([
      { name: "lvs1", version: active, addresses: { eth1: ["192.0.2.11/24"] } },
      { name: "lvs2", version: standby, addresses: { eth1: ["192.0.2.12/24"] } },
    ]);
  });
  afterEach(() => {
    rig.remove();
  });

  test.each(changes)("%s: no address is ever held twice", async (_, before, after) => {
    const [old, fresh] = [before, after].map((each) => settingsOf(withAddresses(...each)));
    if (!old || !fresh) throw new Error("no settings");
    rig.director("lvs1").start(vrrpConfig(old, "lvs1"));
    await rig.holds("lvs1", before[0] ?? "");
    rig.director("lvs2").start(vrrpConfig(old, "lvs2"));
    await rig.director("lvs2").is("BACKUP");
    // The standby first, and long before the other: this one's change may fail.
    rig.director("lvs2").reload(vrrpConfig(fresh, "lvs2"));
    await new Promise((resolve) => setTimeout(resolve, 3000));
    expect(rig.holders(before[0] ?? "")).toEqual(["lvs1"]);
    rig.director("lvs1").reload(vrrpConfig(fresh, "lvs1"));
    for (const address of after) await rig.holds("lvs1", address);
    for (const address of [first, second])
      expect([address, rig.doublyHeld(address)]).toEqual([address, 0]);
    for (const address of before.filter((one) => after.includes(one))) {
      expect([address, rig.unheld(address)]).toEqual([address, 0]);
    }
  });
});
