// The status: from recorded answers of the lab's hosts, unchanged and with faults.
import { readFileSync } from "node:fs";
import { join } from "node:path";
import pc from "picocolors";
import { look, type Status } from "../../ops/status/look";
import { picture } from "../../ops/status/picture";
import { doesTwo, saysOfTwo } from "./twoInstances";
import {
  edit,
  giveAddress,
  type Sections,
  sampleAnswers,
  sampleStack,
  sampleTime,
  sectionsOf,
  stackWith,
  takeAddress,
} from "./sampleHosts";

const plain = pc.createColors(false);

function statusOf(change: (of: (name: string) => Sections, all: Map<string, Sections>) => void) {
  const answers = sampleAnswers((hosts) => {
    change((name) => sectionsOf(hosts, name), hosts);
  });
  return look(sampleStack(), answers, sampleTime());
}

function problems(...args: Parameters<typeof statusOf>): string[] {
  const status = statusOf(...args);
  expect(status.healthy).toBe(status.problems.length === 0);
  return status.problems.map(({ severity, text }) => `${severity}: ${text}`);
}

/** web2's row in a director's table. */
const row = / +-> 192\.0\.2\.22:80 +Route +1 .*\n/;

test("a real server that a change has drained and not put in again is a fault, and what becomes of it is told", () => {
  const of = (...names: string[]) =>
    problems((host) => {
      for (const name of ["lvs1", "lvs2"]) {
        edit(host(name), "ipvs", /(192\.0\.2\.22:80 +Route +)1/, (found) =>
          found.replace(/1$/, "0"),
        );
      }
      for (const name of names) {
        host(name).set("file /run/lvs-ha-drained-by-change", { status: 0, text: "192.0.2.22\n" });
      }
    });
  const how = "a change drained it; at its end it is put in again once its checks succeed";
  expect(of("lvs1", "lvs2")).toEqual([`fault: web2 is at weight 0 in the pool of web: ${how}`]);
  expect(of("lvs2")).toEqual([
    `fault: web2 is at weight 0 in the pool of web: ${how.replace(";", " on lvs2;")}`,
  ]);
  expect(of()).toEqual(["fault: web2 is at weight 0 in the pool of web"]);
});

test("what changed each host last is told, hosts of the same run together", () => {
  const by = (revision: string | null) =>
    JSON.stringify({ stack: "lvs-ha/dev", version: "0.1.0", revision });
  const began = sampleTime().getTime() / 1000;
  const told = statusOf((host) => {
    host("lvs1").set("changed", { status: 0, text: `${began - 120}\n${by("0123abc-dirty")}\n` });
    host("lvs2").set("changed", { status: 0, text: `${began - 130}\n${by("0123abc-dirty")}\n` });
    host("web1").set("changed", { status: 0, text: `${began - 7200}\n${by(null)}\n` });
    host("web2").set("changed", { status: 0, text: "" });
    host("web3").set("changed", { status: 0, text: "" });
  });
  expect(told.directors[0]?.changed).toEqual({
    ...{ at: new Date((began - 120) * 1000).toISOString(), stack: "lvs-ha/dev" },
    ...{ version: "0.1.0", revision: "0123abc-dirty" },
  });
  expect(told.realServers.map(({ changed }) => changed?.revision)).toEqual([
    null,
    undefined,
    undefined,
  ]);
  expect(picture(told, plain).split("\n").slice(-2)).toEqual([
    "changed 2 min ago by lvs-ha/dev, version 0.1.0, 0123abc-dirty: lvs1, lvs2",
    "changed 2 h ago by lvs-ha/dev, version 0.1.0: web1",
  ]);
});

test("a note of a change that can't be read is that host's fault alone", () => {
  const { realServers } = statusOf((host) =>
    host("web1").set("changed", { status: 0, text: "1\n{}\n" }),
  );
  expect(realServers.map(({ unreachable }) => unreachable)).toEqual([
    expect.stringContaining("changed") as string,
    null,
    null,
  ]);
});

test("a load balancer in which all is well is healthy", () => {
  expect(problems(() => undefined)).toEqual([]);
});

test("the active director is who has the address, since it says so in its log", () => {
  const { virtualAddresses, directors } = statusOf(() => undefined);
  expect(virtualAddresses).toEqual([
    {
      address: "192.0.2.100",
      instance: "VI_1",
      interface: "eth1",
      holders: ["lvs1"],
      since: expect.stringMatching(/^2026-11-23T06:12:3\d/) as string,
    },
  ]);
  expect(directors.map(({ name, instances }) => [name, instances[0]?.state])).toEqual([
    ["lvs1", "MASTER"],
    ["lvs2", "BACKUP"],
  ]);
});

test("figures are those of the active director", () => {
  const { virtualServers } = statusOf(() => undefined);
  expect(virtualServers[0]).toMatchObject({ name: "web", active: "lvs1" });
  expect(virtualServers[0]?.rates).toMatchObject({ connections: 4, inPackets: 18, inBytes: 1143 });
  expect(virtualServers[0]?.realServers[1]).toEqual({
    name: "web2",
    endpoint: "192.0.2.22:80",
    weight: 1,
    liveWeight: 1,
    activeConnections: 0,
    inactiveConnections: 313,
    heardConnections: { lvs2: 0 },
    rates: { connections: 1, inPackets: 6, outPackets: 0, inBytes: 382, outBytes: 0 },
    states: { lvs1: "in", lvs2: "in" },
    drainedByChange: [],
    outSince: null,
  });
});

/** Sets the number of active connections in web2's row of a report's IPVS table. */
function open(sections: Sections, count: number): void {
  edit(sections, "ipvs", /(192\.0\.2\.22:80 +Route +1 +)\d+ /, `$1${count} `);
}

test("connections that a standby was told of are shown apart, and are not the real server's", () => {
  const status = statusOf((of) => {
    open(of("lvs1"), 5);
    open(of("lvs2"), 99);
  });
  expect(status.virtualServers[0]?.realServers[1]).toMatchObject({
    activeConnections: 5,
    heardConnections: { lvs2: 99 },
  });
  expect(status.problems).toEqual([]);
  const [heading, , row] = picture(status, plain)
    .split("\n")
    .filter((line) => /^ {2}(REAL SERVER|web[12]) /.test(line));
  expect(heading).toMatch(/ WEIGHT +ACTIVE +STANDBY +INACTIVE /);
  expect(row).toMatch(/ in +1 +5 +99 +313 /);
});

test("after a failover it is the other way round, and a director in maintenance tells of none", () => {
  const status = statusOf((of) => {
    open(of("lvs1"), 5);
    open(of("lvs2"), 99);
    takeAddress(of("lvs1"));
    giveAddress(of("lvs2"));
  });
  expect(status.virtualServers[0]?.realServers[1]).toMatchObject({
    activeConnections: 99,
    heardConnections: { lvs1: 5 },
  });
  const alone = statusOf((of) => {
    edit(of("lvs2"), "service keepalived.service", "ActiveState=active", "ActiveState=inactive");
    open(of("lvs2"), 99);
  });
  expect(alone.virtualServers[0]?.realServers[1]?.heardConnections).toEqual({});
});

test("where nobody holds the address, every director's connections are hearsay", () => {
  const status = statusOf((of) => {
    open(of("lvs1"), 5);
    takeAddress(of("lvs1"));
  });
  expect(status.virtualServers[0]?.realServers[1]).toMatchObject({
    activeConnections: null,
    heardConnections: { lvs1: 5, lvs2: 0 },
  });
});

test("two directors with the address are a split brain", () => {
  expect(
    problems((of) => {
      giveAddress(of("lvs2"));
    }),
  ).toContain("outage: SPLIT BRAIN: lvs1 and lvs2 hold 192.0.2.100 (VI_1) at once");
});

test("an address that nobody has is an outage", () => {
  const found = problems((of) => {
    takeAddress(of("lvs1"));
  });
  expect(found).toContain("outage: NOBODY holds 192.0.2.100 (VI_1)");
});

test("unless a director that can't be asked has it", () => {
  const found = problems((_, all) => all.delete("lvs1"));
  expect(found).toEqual([
    "unknown: nobody knows whether 192.0.2.100 (VI_1) is held: lvs2 doesn't have it, lvs1 can't be asked",
    "fault: lvs1 can't be reached: No route to host",
  ]);
});

describe("while no director can be asked", () => {
  const offline = () =>
    statusOf((_, all) => {
      all.clear();
    });

  test("nobody says that there is an outage, but where to look first", () => {
    expect(offline().problems.map(({ severity, text }) => `${severity}: ${text}`)).toEqual([
      "unknown: no director can be asked: is this machine's way to the hosts up?",
      ...["lvs1", "lvs2", "web1", "web2", "web3"].map(
        (name) => `fault: ${name} can't be reached: No route to host`,
      ),
    ]);
    const text = picture(offline(), plain);
    expect(text.split("\n").slice(0, 2)).toEqual([
      expect.stringMatching(/ UNKNOWN {2}● 6 problems$/) as string,
      "  ? no director can be asked: is this machine's way to the hosts up?",
    ]);
    expect(text).toMatch(/^192\.0\.2\.100 +UNKNOWN +- /m);
    expect(text).toContain("which director is active is not known");
    expect(text).toMatch(/^ {2}web1 +192\.0\.2\.21:80 +\? +1 +- +- +- +- +- +-$/m);
    expect(text).not.toMatch(/OUTAGE|NOBODY|no director is active/);
  });

  test("every value that is not known is null", () => {
    const { healthy, virtualAddresses, virtualServers, directors, realServers } = offline();
    expect(healthy).toBe(false);
    expect(virtualAddresses[0]).toMatchObject({ holders: null, since: null });
    expect(virtualServers[0]).toMatchObject({ active: null, rates: null, sorryServer: null });
    expect(virtualServers[0]?.realServers[0]).toEqual({
      ...{ name: "web1", endpoint: "192.0.2.21:80", weight: 1, states: {}, heardConnections: {} },
      ...{ liveWeight: null, activeConnections: null, inactiveConnections: null },
      ...{ rates: null, drainedByChange: null, outSince: null },
    });
    const unknown = { system: null, kernel: null, changed: null, unconfirmedFirewall: null };
    const host = { unreachable: "No route to host", ...unknown };
    expect(directors[0]).toEqual({
      ...{ ...host, name: "lvs1", conntrack: null, memory: null, inMaintenance: false },
      keepalived: { version: null, running: null, enabled: null, withdrawn: null },
      instances: [{ name: "VI_1", state: "unknown", since: null, priority: 150 }],
      ...{ syncDaemons: null, ipvsConnections: null },
    });
    expect(realServers[0]).toEqual({
      ...{ ...host, name: "web1", conntrack: null, memory: null },
      virtualAddresses: [{ address: "192.0.2.100", interface: "lo", present: null }],
      arp: { quiet: null, sysctls: null },
    });
  });
});

describe.each(["lvs1", "lvs2"] as const)("%s, whose answer is a failure,", (name) => {
  test.each<[question: string, told: string[]]>([
    [
      "addresses",
      name === "lvs1"
        ? [
            "unknown: nobody knows whether 192.0.2.100 (VI_1) is held: lvs2 doesn't have it, lvs1 can't be asked",
            "fault: lvs1 doesn't say its addresses",
          ]
        : ["fault: lvs2 doesn't say its addresses"],
    ],
    [
      "service keepalived.service",
      [
        `fault: ${name} doesn't say whether keepalived runs`,
        expect.stringContaining(`${name}: the state of VI_1 is not known`) as string,
      ],
    ],
    ["ipvs", [`fault: ${name} doesn't say its IPVS table`]],
    ["ipvs-daemons", [`fault: ${name} doesn't say its sync daemons`]],
  ])("to %s, doesn't say it, and nothing is made of that", (question, told) => {
    expect(
      problems((of) => {
        of(name).set(question, { status: 1, text: "" });
      }),
    ).toEqual(told);
  });
});

test("nor of a real server's that doesn't say its addresses, or its sysctls", () => {
  expect(
    problems((of) => {
      of("web1").set("addresses", { status: 1, text: "" });
      of("web2").set("arp", { status: 1, text: "" });
    }),
  ).toEqual([
    "fault: web1 doesn't say its addresses",
    "fault: web2 doesn't say its ARP sysctls (arp_ignore, arp_announce)",
  ]);
});

describe("the state of an instance", () => {
  type Said = Record<"vrrp-states" | "vrrp-metrics", string>;
  const of = (
    name: "lvs1" | "lvs2",
    said: Partial<Said>,
    change?: (sections: Sections) => void,
  ) => {
    const { directors, problems: found } = statusOf((sections) => {
      for (const [question, text] of Object.entries(said)) {
        sections(name).set(question, { status: 0, text });
      }
      change?.(sections(name));
    });
    return {
      state: directors.find((director) => director.name === name)?.instances[0]?.state,
      told: found.some(({ text }) => text.startsWith(`${name}: the state of VI_1 is not known`)),
    };
  };
  const at = "1795414361.8";
  const unknown = { state: "unknown", told: true };

  test.each<[claim: string, said: Partial<Said>, state: object]>([
    [
      "what keepalived says",
      { "vrrp-states": `${at} FAULT VI_1\n` },
      { state: "FAULT", told: false },
    ],
    [
      "not known when it has said nothing since its start",
      { "vrrp-states": `${at} started\n` },
      unknown,
    ],
    ["not known when the journal no longer has its word", { "vrrp-states": "" }, unknown],
    [
      "what the metrics remember then",
      { "vrrp-states": "", "vrrp-metrics": "backup VI_1\n" },
      { state: "BACKUP", told: false },
    ],
    [
      "a fault that the metrics remember",
      { "vrrp-states": "", "vrrp-metrics": "fault VI_1\n" },
      { state: "FAULT", told: false },
    ],
    [
      "not what the metrics remember of a time before keepalived's start",
      { "vrrp-states": `${at} started\n`, "vrrp-metrics": "backup VI_1\n" },
      unknown,
    ],
    [
      "not known of one that says it is active and lacks the address",
      { "vrrp-states": `${at} MASTER VI_1\n` },
      unknown,
    ],
  ])("is %s", (_, said, state) => {
    expect(of("lvs2", said)).toEqual(state);
  });

  test("is active with the address, whatever the log has forgotten, but for a fault", () => {
    expect(of("lvs1", { "vrrp-states": "" })).toEqual({ state: "MASTER", told: false });
    expect(of("lvs1", { "vrrp-states": `${at} FAULT VI_1\n` }).state).toBe("FAULT");
  });
});

test("a host that can't be reached is shown, and the others are too", () => {
  const status = statusOf((_, all) => all.delete("web2"));
  expect(status.problems).toEqual([
    { severity: "fault", text: "web2 can't be reached: No route to host" },
  ]);
  expect(status.realServers.map(({ unreachable }) => unreachable)).toEqual([
    null,
    "No route to host",
    null,
  ]);
});

test("a real server that both directors have taken out is out, since the first did", () => {
  const remove = (at: number) =>
    `${at}.5 lvs Keepalived_healthcheckers[9]: Removing service [192.0.2.22]:tcp:80 from VS [192.0.2.100]:tcp:80\n`;
  const now = sampleTime().getTime() / 1000;
  const status = statusOf((of) => {
    for (const [name, ago] of [
      ["lvs1", 60],
      ["lvs2", 90],
    ] as const) {
      edit(of(name), "ipvs", row, "");
      edit(of(name), "pool-log", /^/, remove(now - ago));
    }
  });
  expect(status.problems).toEqual([{ severity: "fault", text: "web2 is out of the pool of web" }]);
  const since = status.virtualServers[0]?.realServers[1]?.outSince ?? "";
  expect((Date.parse(status.at) - Date.parse(since)) / 1000).toBeGreaterThan(80);
});

test("one that is out on one director only is told so: its checks fail from there", () => {
  expect(
    problems((of) => {
      edit(of("lvs2"), "ipvs", row, "");
    }),
  ).toEqual(["fault: web2 is out of the pool of web on lvs2"]);
});

test("one that is kept at weight 0 is told from one that is out", () => {
  expect(
    problems((of) => {
      for (const name of ["lvs1", "lvs2"]) {
        edit(of(name), "ipvs", /(192\.0\.2\.22:80 +Route) +1/, "$1 0");
      }
    }),
  ).toEqual(["fault: web2 is at weight 0 in the pool of web"]);
});

test("an empty pool is an outage", () => {
  expect(
    problems((of) => {
      edit(of("lvs1"), "ipvs", / +-> 192[^\n]*\n/g, "");
    })[0],
  ).toBe("outage: web has no real server in its pool");
});

test("a keepalived that doesn't run is one problem, not one for each of its services", () => {
  expect(
    problems((of) => {
      edit(of("lvs2"), "service keepalived.service", "ActiveState=active", "ActiveState=failed");
      edit(of("lvs2"), "ipvs", /TCP[^]*/, "");
      edit(of("lvs2"), "ipvs-daemons", /[^]+/, "");
    }),
  ).toEqual(["fault: lvs2: keepalived is not running"]);
});

test("a director in maintenance is no problem while its keepalived is stopped", () => {
  const stack = sampleStack();
  for (const { name, director } of stack.hosts) director.inMaintenance = name === "lvs2";
  const stopped = sampleAnswers((hosts) => {
    const sections = sectionsOf(hosts, "lvs2");
    edit(sections, "service keepalived.service", "ActiveState=active", "ActiveState=inactive");
    edit(sections, "ipvs", /TCP[^]*/, "");
  });
  const status = look(stack, stopped, sampleTime());
  expect(status.problems).toEqual([]);
  expect(picture(status, plain)).toMatch(/^lvs2 +in maintenance /m);
  expect(look(stack, sampleAnswers(), sampleTime()).problems.map(({ text }) => text)).toEqual([
    "lvs2: keepalived runs, though the stack has it in maintenance",
  ]);
});

test("a service that is missing from a director's kernel is told", () => {
  expect(
    problems((of) => {
      edit(of("lvs2"), "ipvs", /TCP[^]*/, "");
    }),
  ).toContain("fault: lvs2 lacks TCP 192.0.2.100:80 in its kernel");
});

test("the active director has to tell its connections, the standby to listen", () => {
  expect(
    problems((of) => {
      edit(of("lvs1"), "ipvs-daemons", /^master.*\n/m, "");
      edit(of("lvs2"), "ipvs-daemons", /[^]+/, "");
    }),
  ).toEqual([
    "fault: lvs1: connections aren't synchronised: the master daemon is missing, backup runs",
    "fault: lvs2: connections aren't synchronised: the master daemon is missing",
    "fault: lvs2: connections aren't synchronised: the backup daemon is missing",
  ]);
});

test("with an instance each, both directors are active: a service's figures are its own director's", () => {
  const stack = stackWith(({ instances, services }) => {
    const address = "192.0.2.101";
    instances.push(...instances.map((one) => ({ ...one, name: "VI_2", addresses: [address] })));
    services.push(
      ...services.map((one) => ({
        ...{ ...one, name: "mail", service: `TCP ${address}:80`, vrrpInstance: "VI_2" },
        traffic: [{ protocol: "TCP", address, port: 80 }],
      })),
    );
  });
  const answers = sampleAnswers((hosts) => {
    for (const name of ["lvs1", "lvs2"]) {
      const sections = sectionsOf(hosts, name);
      edit(sections, "ipvs", /^TCP[^]*/m, (text) => text + text.replace("0.2.100", "0.2.101"));
      edit(
        sections,
        "vrrp-states",
        /^/,
        `1795414400.5 ${name === "lvs2" ? "MASTER" : "BACKUP"} VI_2\n`,
      );
    }
    edit(sectionsOf(hosts, "lvs2"), "ipvs", /(2\.101[^]*)Route {3}1 {6}0 /, "$1Route   1      9 ");
    edit(
      sectionsOf(hosts, "lvs2"),
      "addresses",
      '"local":"192.0.2.12"',
      `"local":"192.0.2.101"},{"local":"192.0.2.12"`,
    );
  });
  const status = look(stack, answers, sampleTime());
  expect(status.problems).toEqual([]);
  expect(status.virtualAddresses.map(({ instance, holders }) => [instance, holders])).toEqual([
    ["VI_1", ["lvs1"]],
    ["VI_2", ["lvs2"]],
  ]);
  expect(status.virtualServers.map(({ name, active }) => [name, active])).toEqual([
    ["web", "lvs1"],
    ["mail", "lvs2"],
  ]);
  expect(status.virtualServers[1]?.realServers.map((member) => member.activeConnections)).toEqual([
    0, 0, 9,
  ]);
  expect(picture(status, plain)).toMatch(/^lvs2 +VI_1 BACKUP \d+ \w+ .*\n +VI_2 MASTER \d+ \w+$/m);
});

describe("of a firewall mark, whose service names no address,", () => {
  const statusOfTwo = (
    change: (of: (name: string) => Sections, all: Map<string, Sections>) => void = () => undefined,
  ) => {
    const answers = sampleAnswers((hosts) => {
      saysOfTwo("lvs1", sectionsOf(hosts, "lvs1"), 3);
      saysOfTwo("lvs2", sectionsOf(hosts, "lvs2"), 500);
      change((name) => sectionsOf(hosts, name), hosts);
    });
    return look(stackWith(doesTwo), answers, sampleTime());
  };
  const ftp = ({ virtualServers }: Status) => virtualServers.find(({ name }) => name === "ftp");

  test("figures are those of the director that is active for its VRRP instance", () => {
    const status = statusOfTwo();
    expect(status.problems).toEqual([]);
    expect(ftp(status)).toMatchObject({ service: "FWM 7", instance: "VI_2", active: "lvs2" });
    expect(ftp(status)?.realServers[1]).toMatchObject({
      activeConnections: 500,
      heardConnections: { lvs1: 3 },
    });
    expect(picture(status, plain)).toMatch(/^ftp {2}FWM 7 {2}wrr {2}as lvs2 has it/m);
  });

  test("an empty pool there is an outage, one on the other director a fault", () => {
    const found = (name: string) =>
      statusOfTwo((of) => {
        edit(of(name), "ipvs", /(FWM[^\n]*\n)[^]*/, "$1");
      }).problems.map(({ severity, text }) => `${severity}: ${text}`);
    expect(found("lvs2")[0]).toBe("outage: ftp has no real server in its pool");
    expect(found("lvs1").filter((text) => text.startsWith("outage"))).toEqual([]);
  });

  test("nobody is said to be active while nobody knows who has the addresses of its instance", () => {
    const status = statusOfTwo((_, all) => all.delete("lvs2"));
    expect(ftp(status)).toMatchObject({ active: null });
    expect(ftp(status)?.realServers[1]).toMatchObject({
      activeConnections: null,
      heardConnections: { lvs1: 3 },
    });
    expect(picture(status, plain)).toMatch(/^ftp .* which director is active is not known/m);
    expect(picture(status, plain)).toMatch(/^web .* as lvs1 has it/m);
  });
});

test("a director in FAULT state is told", () => {
  expect(
    problems((of) => {
      edit(of("lvs2"), "vrrp-states", "BACKUP VI_1", "FAULT VI_1");
    }),
  ).toEqual(["fault: lvs2 is in FAULT state for VI_1"]);
});

test("a real server without the virtual address is a black hole, one that answers ARP an outage", () => {
  expect(
    problems((of) => {
      edit(of("web1"), "addresses", '"local":"192.0.2.100"', '"local":"192.0.2.101"');
      edit(of("web3"), "arp", "all.arp_ignore 1", "all.arp_ignore 0");
    }),
  ).toEqual([
    "outage: web3 answers ARP for virtual addresses (arp_ignore, arp_announce): it takes them from the active director",
    "fault: web1 does not have 192.0.2.100 on lo: what it is sent for it is lost",
  ]);
});

test("a conntrack table that is nearly full, and memory that is, are told before they are", () => {
  expect(
    problems((of) => {
      edit(of("web1"), "conntrack", /^\d+/, "800001");
      edit(of("lvs2"), "memory", /MemAvailable: +\d+/, "MemAvailable: 40960");
    }),
  ).toEqual([
    "fault: lvs2: only 40 MiB of memory are left",
    "fault: web1: conntrack is full to 800001 of 1000000",
  ]);
});

test("a host whose clock is wrong is since as long in its state as by its own clock", () => {
  const sinceOf = ({ virtualAddresses: [first], at }: Status) =>
    Date.parse(at) - Date.parse(first?.since ?? "");
  const wrong = statusOf((of) => {
    for (const question of ["now", "vrrp-states"]) {
      edit(of("lvs1"), question, /^1795414/gm, "1795400");
    }
  });
  expect(sinceOf(wrong)).toBe(sinceOf(statusOf(() => undefined)));
});

test("the picture says at a glance who is active, who is in the pool, and that all is well", () => {
  const text = picture(
    statusOf(() => undefined),
    plain,
  );
  expect(text.split("\n")[0]).toMatch(/^lvs-ha dev .* ● healthy$/);
  expect(text).toMatch(/^192\.0\.2\.100 +lvs1 +\d+ \w+ +VI_1 +eth1$/m);
  expect(text).toMatch(/^web {2}TCP 192\.0\.2\.100:80 {2}wrr {2}as lvs1 has it/m);
  expect(text).toMatch(/^ {2}web2 +192\.0\.2\.22:80 +in +1 /m);
  expect(text).toMatch(/^lvs2 +BACKUP \d+ \w+ +master, backup +\d/m);
  expect(text).toMatch(/^web3 +192\.0\.2\.100 on lo +quiet /m);
});

test("what is wrong comes first, an outage loudest", () => {
  const status = statusOf((of, all) => {
    all.delete("web1");
    takeAddress(of("lvs1"));
  });
  const lines = picture(status, plain).split("\n");
  expect(lines[0]).toMatch(/ OUTAGE {2}● \d problems$/);
  expect(lines[1]).toBe("  ✘ NOBODY holds 192.0.2.100 (VI_1)");
  expect(lines.join("\n")).toContain("▲ web1 can't be reached: No route to host");
  expect(lines.join("\n")).toMatch(/^192\.0\.2\.100 +NOBODY /m);
  expect(lines.join("\n")).toMatch(/^web1 +unreachable: No route to host$/m);
});

test("the documentation shows the picture as it is", () => {
  const docs = readFileSync(join(__dirname, "../../docs/lvs.md"), "utf8");
  const [, shown] = /<!-- status output -->\n\n```text\n([^]*?)```/.exec(docs) ?? [];
  const timeless = (text: string) => text.replace(/\d\d:\d\d:\d\d/, "TIME");
  const drawn = picture(
    statusOf(() => undefined),
    plain,
  );
  expect(timeless(shown ?? "")).toBe(timeless(`${drawn}\n`));
});

test.each([
  [true, /healthy$/],
  [false, /healthy {2}deletion protection: off$/],
  [null, /healthy$/],
])("the picture says so where nothing protects the stack from a destroy (%s)", (is, headline) => {
  const status = { ...statusOf(() => undefined), deletionProtection: is };
  expect(picture(status, plain).split("\n")[0]).toMatch(headline);
});
