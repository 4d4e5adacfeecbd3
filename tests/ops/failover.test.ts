// Whether a failover, a drain or maintenance is a good idea now, from what the lab's hosts said once, and from that with something wrong.
import { addressesOf, lastIn } from "../../ops/drain/members";
import { planFailover, planGoodbye } from "../../ops/failover/plan";
import { troubleOf } from "../../ops/failover/command";
import { notBack, stillServes } from "../../ops/maintenance/command";
import { type Stack, stackOf } from "../../ops/stack";
import { look, type Status } from "../../ops/status/look";
import {
  edit,
  giveAddress,
  type Sections,
  sample,
  sampleAnswers,
  sampleStack,
  sampleTime,
  sectionsOf,
  takeAddress,
} from "./sampleHosts";

type Change = (of: (name: string) => Sections, all: Map<string, Sections>) => void;

function statusOf(change: Change = () => undefined, stack = sampleStack()): Status {
  const answers = sampleAnswers((hosts) => {
    change((name) => sectionsOf(hosts, name), hosts);
  });
  return look(stack, answers, sampleTime());
}

/** The sample's stack with another text in its directors' keepalived.conf. */
function stackWith(from: string, to: string): Stack {
  const state = sample("state.json");
  const changed = state.replaceAll(
    JSON.stringify(from).slice(1, -1),
    JSON.stringify(to).slice(1, -1),
  );
  expect(changed).not.toBe(state);
  return stackOf(changed);
}

const plan = (change?: Change, wishes = {}, stack = sampleStack()) =>
  planFailover(stack, statusOf(change, stack), wishes);

const gone = / +-> 192\.0\.2\.2\d:80 .*\n/g;

describe("a failover", () => {
  test("is from the director that has the address to the one that stands by", () => {
    expect(plan()).toEqual({
      from: "lvs1",
      moves: [{ instance: "VI_1", addresses: ["192.0.2.100"], to: "lvs2" }],
      warnings: [],
    });
    expect(plan(undefined, { instance: "VI_1", to: "lvs2" })).toEqual(plan());
  });

  test("to the director that is active is done already", () => {
    expect(plan(undefined, { to: "lvs1" })).toEqual({ already: "lvs1" });
  });

  test.each<[string, Change, string]>([
    [
      "can't be reached",
      (_, all) => all.delete("lvs2"),
      "nobody can take VI_1 over from lvs1: lvs2 can't be reached: No route to host",
    ],
    [
      "has stopped",
      (of) => {
        edit(of("lvs2"), "service keepalived.service", "ActiveState=active", "ActiveState=failed");
      },
      "nobody can take VI_1 over from lvs1: lvs2 has no keepalived running",
    ],
    [
      "is in FAULT",
      (of) => {
        edit(of("lvs2"), "vrrp-log", /Entering BACKUP STATE/, "Entering FAULT STATE");
      },
      "nobody can take VI_1 over from lvs1: lvs2 is in FAULT state",
    ],
    [
      "has nobody to send to",
      (of) => {
        edit(of("lvs2"), "ipvs", gone, "");
      },
      "lvs2 has no real server in its pool of web, where lvs1 has",
    ],
  ])("is refused when the standby %s", (_what, change, message) => {
    expect(() => plan(change)).toThrow(message);
  });

  test("is refused while two directors have the address, or none", () => {
    expect(() =>
      plan((of) => {
        giveAddress(of("lvs2"));
      }),
    ).toThrow("lvs1 and lvs2 hold 192.0.2.100");
    expect(() =>
      plan((of) => {
        takeAddress(of("lvs1"));
      }),
    ).toThrow("nobody holds 192.0.2.100");
  });

  test("is refused when the director would take the address back, and says what to do instead", () => {
    const preempts = stackWith("    nopreempt\n", "");
    expect(() => plan(undefined, {}, preempts)).toThrow(
      "lvs1 would take VI_1 back at once: it has priority 150, lvs2 has 140, and vrrp.preempt is true; " +
        "what lasts is lvs maintenance on lvs1",
    );
    // Maintenance may: keepalived doesn't run then.
    expect(planGoodbye(preempts, statusOf(undefined, preempts), "lvs1").moves).toHaveLength(1);
    // From the director of the lower priority there is no way back.
    const other: Change = (of) => {
      takeAddress(of("lvs1"));
      giveAddress(of("lvs2"));
      edit(of("lvs1"), "vrrp-log", /Entering MASTER STATE/, "Entering BACKUP STATE");
      edit(of("lvs2"), "vrrp-log", /Entering BACKUP STATE/, "Entering MASTER STATE");
    };
    expect(plan(other, {}, preempts)).toMatchObject({ from: "lvs2", moves: [{ to: "lvs1" }] });
  });

  test.each([
    [{ instance: "VI_9" }, "no VRRP instance VI_9; there are VI_1"],
    [{ to: "lvs9" }, "no director lvs9; there are lvs1, lvs2"],
  ])("of %j is a mistake that says what there is", (wishes, message) => {
    expect(() => plan(undefined, wishes)).toThrow(message);
  });

  test("tells when open connections will break", () => {
    expect(
      plan((of) => {
        edit(of("lvs2"), "ipvs-daemons", /^backup.*\n/m, "");
      }),
    ).toMatchObject({
      warnings: ["lvs2 knows no open connections (it has no backup sync daemon): they break"],
    });
    const unsynced = stackWith("    lvs_sync_daemon eth0 VI_1 id 51\n", "");
    expect(plan(undefined, {}, unsynced)).toMatchObject({
      warnings: ["lvs2 knows no open connections (vrrp.connectionSync is false): they break"],
    });
  });

  describe("is over when", () => {
    const moved = plan() as Exclude<ReturnType<typeof plan>, { already: string }>;
    const over: Change = (of) => {
      takeAddress(of("lvs1"));
      giveAddress(of("lvs2"));
      edit(of("lvs1"), "vrrp-log", /Entering MASTER STATE/, "Entering BACKUP STATE");
    };

    test("the other has the address and the first stands by", () => {
      expect(troubleOf(statusOf(over), moved)).toBeUndefined();
    });

    test.each<[string, Change, string]>([
      ["the first still has it", () => undefined, "lvs1 is in MASTER state for VI_1"],
      [
        "nobody has it",
        (of) => {
          takeAddress(of("lvs1"));
          edit(of("lvs1"), "vrrp-log", /Entering MASTER STATE/, "Entering BACKUP STATE");
        },
        "192.0.2.100 is on nobody",
      ],
      [
        "the first isn't running",
        (of, all) => {
          over(of, all);
          edit(of("lvs1"), "service keepalived.service", "=active", "=activating");
        },
        "lvs1: keepalived is not running",
      ],
      [
        "the first has nobody to send to",
        (of, all) => {
          over(of, all);
          edit(of("lvs1"), "ipvs", gone, "");
        },
        "lvs1 has no real server in its pool of web yet",
      ],
    ])("not while %s", (_what, change, trouble) => {
      expect(troubleOf(statusOf(change), moved)).toBe(trouble);
    });
  });
});

describe("a real server", () => {
  test("is known by the addresses that the directors forward to", () => {
    expect(addressesOf(sampleStack(), "web2")).toEqual(["192.0.2.22"]);
    expect(() => addressesOf(sampleStack(), "web9")).toThrow(
      "no virtual server has a real server web9; they have web1, web2, web3",
    );
  });

  test("is the last one where the others are out, or drained, on whichever director", () => {
    expect(lastIn(statusOf(), "web3")).toEqual([]);
    const others: Change = (of) => {
      edit(of("lvs2"), "ipvs", / +-> 192\.0\.2\.21:80 .*\n/, "");
      edit(of("lvs2"), "ipvs", /(192\.0\.2\.22:80 +Route +)1/, (found) => found.replace(/1$/, "0"));
    };
    expect(lastIn(statusOf(others), "web3")).toEqual(["web on lvs2"]);
    expect(lastIn(statusOf(others), "web2")).toEqual([]);
  });

  test("in maintenance serves as long as a director has it in a pool, and is back when all have", () => {
    const drained: Change = (of) => {
      for (const name of ["lvs1", "lvs2"]) {
        edit(of(name), "ipvs", /192\.0\.2\.22:80 +Route +1/, (found) => found.replace(/1$/, "0"));
      }
    };
    expect(stillServes("web2", statusOf())).toBe("web2 is still in the pool of web");
    expect(stillServes("web2", statusOf(drained))).toBeUndefined();
    expect(notBack("web2", statusOf(drained))).toMatch(
      /^web2 is inhibited in the pool of web on lvs1/,
    );
    expect(notBack("web2", statusOf())).toBeUndefined();
  });
});

describe("a director in maintenance", () => {
  test("serves as long as it has an address, and the others must have it", () => {
    expect(stillServes("lvs1", statusOf())).toBe("lvs1 still has 192.0.2.100");
    const lost: Change = (of) => {
      takeAddress(of("lvs1"));
    };
    expect(stillServes("lvs1", statusOf(lost))).toBe("nobody holds 192.0.2.100: lvs status");
    expect(stillServes("lvs2", statusOf())).toBeUndefined();
  });

  test("is back when it stands by, with everybody in its pools", () => {
    expect(notBack("lvs2", statusOf())).toBeUndefined();
    expect(
      notBack(
        "lvs2",
        statusOf((of) => {
          edit(of("lvs2"), "ipvs", gone, "");
        }),
      ),
    ).toBe("lvs2 has no real server in its pool of web");
    expect(
      notBack(
        "lvs2",
        statusOf((_, all) => all.delete("lvs2")),
      ),
    ).toBe("lvs2 can't be reached: No route to host");
    const fault: Change = (of) => {
      edit(of("lvs2"), "vrrp-log", /Entering BACKUP STATE/, "Entering FAULT STATE");
    };
    expect(notBack("lvs2", statusOf(fault))).toBe("lvs2 is in FAULT state for VI_1");
  });
});
