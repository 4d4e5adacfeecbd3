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

/** What `keepalived.sh` restarts keepalived for: the active director before and after. */
const moves: [string, Stack["vrrp"], Stack["vrrp"], string][] = [
  ["goes to another instance", twoInstances(false), twoInstances(true), second],
  ["leaves a VMAC", { vmac: {} }, {}, first],
  ["gets a VMAC of another name", { vmac: {} }, { vmac: { interface: "vmac7" } }, first],
];

function twoInstances(moved: boolean): Stack["vrrp"] {
  const [own, others] = moved ? [[second], []] : [[], [second]];
  const carried = (addresses: string[]) => addresses.map((address) => ({ address }));
  return {
    instances: [
      { name: "VI_1", virtualRouterId: 51, directors: {}, virtualAddresses: carried(own) },
      {
        name: "VI_2",
        virtualRouterId: 52,
        directors: {},
        virtualAddresses: carried(["192.0.2.103", ...others]),
      },
    ],
  };
}

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

  describe.each(moves)("an address that %s", (_, before, after, moved) => {
    const [old, fresh] = [before, after].map((vrrp) =>
      settingsOf({ ...withAddresses(first), vrrp }),
    );
    if (!old || !fresh) throw new Error("no settings");

    beforeEach(async () => {
      rig.director("lvs1").start(vrrpConfig(old, "lvs1"));
      await rig.holds("lvs1", moved);
      rig.director("lvs2").start(vrrpConfig(old, "lvs2"));
      await rig.director("lvs2").is("BACKUP");
      await rig.director("lvs2").stop();
      rig.director("lvs2").start(vrrpConfig(fresh, "lvs2"));
      await rig.director("lvs2").is("BACKUP");
    });

    test("is nobody's after a reload: where this fails, a restart isn't needed any more", async () => {
      rig.director("lvs1").reload(vrrpConfig(fresh, "lvs1"));
      await new Promise((resolve) => setTimeout(resolve, 4000));
      expect(rig.holders(moved)).toEqual([]);
    });

    test("is held by one director after a restart, and never by two", async () => {
      await rig.director("lvs1").stop();
      await rig.holds("lvs2", moved);
      rig.director("lvs1").start(vrrpConfig(fresh, "lvs1"));
      await rig.director("lvs1").is("BACKUP");
      expect([rig.holders(first), rig.holders(moved)]).toEqual([["lvs2"], ["lvs2"]]);
      expect([rig.doublyHeld(first), rig.doublyHeld(moved)]).toEqual([0, 0]);
    });
  });
});
