// Whether a failover, a drain or maintenance is safe now: on recorded answers of the lab's hosts,
// unchanged and with faults.
import type { DirectorOutput } from "../../components/model";
import { realServerAddresses, lastIn } from "../../ops/drain/members";
import { planFailover, planDeparture } from "../../ops/failover/plan";
import { troubleOf } from "../../ops/failover/command";
import { notBack, stillServes } from "../../ops/maintenance/command";
import { type Stack, stackOf } from "../../ops/stack";
import { look, type Status } from "../../ops/status/look";
import {
  edit,
  giveAddress,
  type Sections,
  sampleAnswers,
  sampleStack,
  sampleTime,
  sectionsOf,
  stackWith,
  stateOfThree,
  takeAddress,
  virtualAddress,
  withModels,
} from "./sampleHosts";

type Change = (of: (name: string) => Sections, all: Map<string, Sections>) => void;

function statusOf(change: Change = () => undefined, stack = sampleStack()): Status {
  const answers = sampleAnswers((hosts) => {
    change((name) => sectionsOf(hosts, name), hosts);
  }, stack);
  return look(stack, answers, sampleTime());
}

const plan = (change?: Change, wishes = {}, stack = sampleStack()) =>
  planFailover(stack, statusOf(change, stack), wishes);

const second = virtualAddress.replace("192.0.2.100", "192.0.2.101");

const gone = / +-> 192\.0\.2\.2\d:80 .*\n/g;

/** Every director takes over from one with a lower priority. */
const preempting = ({ instances }: DirectorOutput) => {
  for (const instance of instances) instance.preempt = true;
};

/** A stack with lvs3 added, and with these directors in maintenance. */
function three(state: string, ...inMaintenance: string[]): Stack {
  return stackOf(withModels((model) => (model.inMaintenance = true), state, inMaintenance));
}

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
        edit(of("lvs2"), "vrrp-states", "BACKUP VI_1", "FAULT VI_1");
      },
      "nobody can take VI_1 over from lvs1: lvs2 is in FAULT state",
    ],
    [
      "is in a state that nobody knows",
      (of) => {
        of("lvs2").set("vrrp-states", { status: 0, text: "1795414361.8 started\n" });
      },
      "nobody can take VI_1 over from lvs1: lvs2 is in a state that is not known: see lvs status",
    ],
    [
      "doesn't say whether its keepalived runs",
      (of) => {
        of("lvs2").set("service keepalived.service", { status: 1, text: "" });
      },
      "nobody can take VI_1 over from lvs1: lvs2 doesn't say whether its keepalived runs",
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

  test("is refused while nobody knows who has the address", () => {
    expect(() =>
      plan((_, all) => {
        all.delete("lvs1");
      }),
    ).toThrow("which director holds 192.0.2.100 is not known; see lvs status");
  });

  test("for maintenance leaves nobody alone with a director that isn't known to be fit", () => {
    const without = (name: string, change: Change) => () =>
      planDeparture(sampleStack(), statusOf(change), name).moves.length;
    const fault: Change = (of) => {
      takeAddress(of("lvs1"));
      edit(of("lvs1"), "vrrp-states", "MASTER VI_1", "FAULT VI_1");
    };
    expect(without("lvs2", fault)).toThrow(
      "without lvs2, nobody is known to be fit for VI_1: lvs1 is in FAULT state",
    );
    expect(without("lvs2", (_, all) => all.delete("lvs1"))).toThrow(
      "without lvs2, nobody is known to be fit for VI_1: lvs1 can't be reached: No route to host",
    );
    expect(
      without("lvs2", (of) => {
        takeAddress(of("lvs1"));
      }),
    ).toThrow("lvs1 is in a state that is not known");
    // The director in the fault may leave, and so may a standby beside the active director.
    expect(without("lvs1", fault)()).toBe(0);
    expect(without("lvs2", () => undefined)()).toBe(0);
  });

  test("is refused when the director would take the address back, and says what to do instead", () => {
    const preempts = stackWith(preempting);
    expect(() => plan(undefined, {}, preempts)).toThrow(
      "lvs1 would take VI_1 back at once: it has priority 150, lvs2 has 140, and vrrp.preempt is true; " +
        "what lasts is lvs maintenance on lvs1",
    );
    // Maintenance is allowed, because keepalived doesn't run then.
    expect(planDeparture(preempts, statusOf(undefined, preempts), "lvs1").moves).toHaveLength(1);
    // In the other direction it is allowed: the director with the lower priority doesn't take the
    // address back.
    const other: Change = (of) => {
      takeAddress(of("lvs1"));
      giveAddress(of("lvs2"));
      edit(of("lvs1"), "vrrp-states", "MASTER VI_1", "BACKUP VI_1");
      edit(of("lvs2"), "vrrp-states", "BACKUP VI_1", "MASTER VI_1");
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
    const unsynced = stackWith((model) => delete model.syncDaemon);
    expect(plan(undefined, {}, unsynced)).toMatchObject({
      warnings: ["lvs2 knows no open connections (vrrp.connectionSync is false): they break"],
    });
  });

  describe("of three directors", () => {
    const [lvs2, lvs3] = ["lvs2", "lvs3"].map((to) => ({
      from: "lvs1",
      moves: [{ instance: "VI_1", addresses: ["192.0.2.100"], to }],
      warnings: [],
    }));

    test.each<[claim: string, stack: Stack, change: Change | undefined, moves: object | undefined]>(
      [
        ["goes to the standby of the higher priority", three(stateOfThree(130)), undefined, lvs2],
        ["whichever that is", three(stateOfThree(145)), undefined, lvs3],
        [
          "not to one in maintenance, though its keepalived runs",
          three(stateOfThree(130), "lvs2"),
          undefined,
          lvs3,
        ],
        [
          "not to one in FAULT state",
          three(stateOfThree(130)),
          (of) => {
            edit(of("lvs2"), "vrrp-states", "BACKUP VI_1", "FAULT VI_1");
          },
          lvs3,
        ],
        [
          "not to one that can't be reached",
          three(stateOfThree(145)),
          (_, all) => all.delete("lvs3"),
          lvs2,
        ],
      ],
    )("%s", (_, stack, change, moves) => {
      expect(plan(change, {}, stack)).toEqual(moves);
      expect(planDeparture(stack, statusOf(change, stack), "lvs1")).toEqual(moves);
    });

    test("is refused when none of the others can take over, and says why of each", () => {
      const change: Change = (of) => {
        edit(of("lvs3"), "service keepalived.service", "=active", "=failed");
      };
      const stack = three(stateOfThree(130), "lvs2");
      expect(() => plan(change, {}, stack)).toThrow(
        "nobody can take VI_1 over from lvs1: lvs2 is in maintenance; lvs3 has no keepalived running",
      );
    });

    test("--to names who is expected: another successor is a reason not to", () => {
      const stack = three(stateOfThree(130));
      expect(plan(undefined, { to: "lvs2" }, stack)).toEqual(lvs2);
      for (const wishes of [{ to: "lvs3" }, { to: "lvs3", instance: "VI_1" }]) {
        expect(() => plan(undefined, wishes, stack)).toThrow(
          "lvs2 takes VI_1 over, not lvs3: it has the highest priority of those that stand by",
        );
      }
      expect(() => plan(undefined, { to: "lvs9" }, stack)).toThrow(
        "no director lvs9; there are lvs1, lvs2, lvs3",
      );
    });

    test("is no failover back where the successor's priority is as high: it would keep the address", () => {
      const third = (priority: number) => stackWith(preempting, stateOfThree(priority));
      expect(plan(undefined, {}, third(150))).toEqual(lvs3);
      expect(plan(undefined, {}, third(151))).toEqual(lvs3);
      expect(() => plan(undefined, {}, third(149))).toThrow(
        "lvs1 would take VI_1 back at once: it has priority 150, lvs3 has 149, and vrrp.preempt is true",
      );
    });
  });

  describe("with an instance each on two directors", () => {
    const stack = stackWith(({ instances }) => {
      instances.push(
        ...instances.map((one) => ({ ...one, name: "VI_2", addresses: ["192.0.2.101"] })),
      );
    });
    const each: Change = (of) => {
      for (const [name, state] of [
        ["lvs1", "BACKUP"],
        ["lvs2", "MASTER"],
      ] as const) {
        edit(of(name), "vrrp-states", /^/, `1795414400.5 ${state} VI_2\n`);
      }
      giveAddress(of("lvs2"));
      edit(of("lvs2"), "addresses", "192.0.2.100", "192.0.2.101");
    };

    test("it has to be said which one is meant, and that one's director gives up all it has", () => {
      expect(() => plan(each, {}, stack)).toThrow(
        "several directors are active (lvs1 for VI_1, lvs2 for VI_2): say --instance",
      );
      expect(plan(each, { instance: "VI_2" }, stack)).toMatchObject({
        from: "lvs2",
        moves: [{ instance: "VI_2", addresses: ["192.0.2.101"], to: "lvs1" }],
      });
      const both: Change = (of) => {
        edit(of("lvs1"), "addresses", virtualAddress, `${virtualAddress},${second}`);
        for (const name of ["lvs1", "lvs2"]) {
          const state = name === "lvs1" ? "MASTER" : "BACKUP";
          edit(of(name), "vrrp-states", /^/, `1795414400.5 ${state} VI_2\n`);
        }
      };
      expect(plan(both, { instance: "VI_1" }, stack)).toMatchObject({
        from: "lvs1",
        moves: [
          { instance: "VI_1", addresses: ["192.0.2.100"], to: "lvs2" },
          { instance: "VI_2", addresses: ["192.0.2.101"], to: "lvs2" },
        ],
      });
    });
  });

  describe("is over when", () => {
    const moved = plan() as Exclude<ReturnType<typeof plan>, { already: string }>;
    const over: Change = (of) => {
      takeAddress(of("lvs1"));
      giveAddress(of("lvs2"));
      edit(of("lvs1"), "vrrp-states", "MASTER VI_1", "BACKUP VI_1");
    };

    test("the other has the address and the first stands by", () => {
      expect(troubleOf(statusOf(over), moved)).toBeUndefined();
      // One real server in the pool is enough. If the pool is empty on all directors, the new one
      // is no worse.
      for (const empty of [/ +-> 192\.0\.2\.2[12]:80 .*\n/g, gone]) {
        const change: Change = (of, all) => {
          over(of, all);
          for (const name of ["lvs1", "lvs2"]) edit(of(name), "ipvs", empty, "");
        };
        expect(troubleOf(statusOf(change), moved)).toBeUndefined();
      }
    });

    test.each<[string, Change, string]>([
      ["the first still has it", () => undefined, "lvs1 is in MASTER state for VI_1"],
      [
        "nobody has it",
        (of) => {
          takeAddress(of("lvs1"));
          edit(of("lvs1"), "vrrp-states", "MASTER VI_1", "BACKUP VI_1");
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
      [
        "the first can't be reached",
        (of, all) => {
          over(of, all);
          all.delete("lvs1");
        },
        "lvs1 can't be reached: No route to host",
      ],
      [
        "the first is in FAULT state",
        (of, all) => {
          over(of, all);
          edit(of("lvs1"), "vrrp-states", "BACKUP VI_1", "FAULT VI_1");
        },
        "lvs1 is in FAULT state for VI_1",
      ],
    ])("not while %s", (_what, change, trouble) => {
      expect(troubleOf(statusOf(change), moved)).toBe(trouble);
    });
  });
});

describe("a real server", () => {
  test("is known by the addresses that the directors forward to", () => {
    expect(realServerAddresses(sampleStack(), "web2")).toEqual(["192.0.2.22"]);
    expect(() => realServerAddresses(sampleStack(), "web9")).toThrow(
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

test("whether a real server has left, or is back, is not known while a director can't be asked", () => {
  const silent: Change = (_, all) => all.delete("lvs2");
  const why = "lvs2 can't be reached: No route to host";
  expect(stillServes("web2", statusOf(silent))).toBe(why);
  expect(notBack("web2", statusOf(silent))).toBe(why);
  // A director in maintenance may be off: it sends clients nowhere.
  const drained: Change = (of, all) => {
    silent(of, all);
    edit(of("lvs1"), "ipvs", /192\.0\.2\.22:80 +Route +1/, (found) => found.replace(/1$/, "0"));
  };
  const stack = sampleStack();
  for (const { name, director } of stack.hosts) director.inMaintenance = name === "lvs2";
  expect(stillServes("web2", statusOf(drained, stack))).toBeUndefined();
  expect(notBack("web2", statusOf(silent, stack))).toBeUndefined();
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
      edit(of("lvs2"), "vrrp-states", "BACKUP VI_1", "FAULT VI_1");
    };
    expect(notBack("lvs2", statusOf(fault))).toBe("lvs2 is in FAULT state for VI_1");
    const idle: Change = (of) => {
      edit(of("lvs2"), "service keepalived.service", "=active", "=failed");
    };
    expect(notBack("lvs2", statusOf(idle))).toBe("lvs2: keepalived is not running");
  });

  test("is back with one real server in its pool, and with none where nobody has one", () => {
    const without = (rows: RegExp, ...names: string[]) =>
      statusOf((of) => {
        for (const name of names) edit(of(name), "ipvs", rows, "");
      });
    expect(notBack("lvs2", without(/ +-> 192\.0\.2\.2[12]:80 .*\n/g, "lvs2"))).toBeUndefined();
    expect(notBack("lvs2", without(gone, "lvs1", "lvs2"))).toBeUndefined();
    const onlyOne = statusOf((of) => {
      edit(of("lvs1"), "ipvs", / +-> 192\.0\.2\.2[12]:80 .*\n/g, "");
      edit(of("lvs2"), "ipvs", gone, "");
    });
    expect(notBack("lvs2", onlyOne)).toBe("lvs2 has no real server in its pool of web");
    // The director itself is active.
    expect(notBack("lvs1", statusOf())).toBeUndefined();
  });
});
