// Every problem that lvs status reports: provoked exactly at its limit, and just below it.
import type { Stack, StackHost } from "../../ops/stack";
import { look, withdrawnFile } from "../../ops/status/look";
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
  virtualAddress,
} from "./sampleHosts";

type Change = (of: (name: string) => Sections, all: Map<string, Sections>) => void;

function problems(change: Change, stack: Stack): string[] {
  const answers = sampleAnswers((hosts) => {
    change((name) => sectionsOf(hosts, name), hosts);
  });
  const status = look(stack, answers, sampleTime());
  expect(status.healthy).toBe(status.problems.length === 0);
  return status.problems.map(({ severity, text }) => `${severity}: ${text}`);
}

const second = "192.0.2.101";
const secondAddress = virtualAddress.replace("192.0.2.100", second);

/** A stack in which VI_1 has a second address. */
const two = () =>
  stackWith(({ instances }) => {
    for (const { addresses } of instances) addresses.push(second);
  });

const withSorryServer = () =>
  stackWith(({ services }) => {
    for (const service of services) service.sorryServer = "192.0.2.99:80";
  });

/** A stack in which web2's weight is 0. */
const withWeight0 = () =>
  stackWith(({ pools }) => {
    for (const member of pools.flat()) if (member.name === "web2") member.weight = 0;
  });

const unsynced = () => stackWith((model) => delete model.syncDaemon);

/** The sample's stack with one host changed. */
function stackOf(host: string, change: (of: StackHost) => void) {
  const stack = sampleStack();
  for (const one of stack.hosts) if (one.name === host) change(one);
  return stack;
}

/** A stack with lvs2 in maintenance. */
const stopped = () =>
  stackOf("lvs2", ({ director }) => {
    director.inMaintenance = true;
  });
const isInactive = (sections: Sections) => {
  edit(sections, "service keepalived.service", "ActiveState=active", "ActiveState=inactive");
};

/** A stack in which web1's virtual address is on a tunnel. */
const tunneled = () =>
  stackOf("web1", (host) => {
    host.loopback = [{ address: "192.0.2.100", interface: "tunl0" }];
  });
const tunnel = (...flags: string[]) =>
  `[{"ifname":"tunl0","flags":${JSON.stringify(flags)},"addr_info":[{"local":"192.0.2.100"}]},`;

/** A stack in which web1 has only an IPv6 address. */
const ipv6 = () =>
  stackOf("web1", (host) => {
    host.loopback = [{ address: "2001:db8::100", interface: "lo" }];
  });

const rows = / +-> 192\.0\.2\.2\d:80 .*\n/g;
const row = / +-> 192\.0\.2\.22:80 +Route +1 .*\n/;
const sorryRow = (weight: number) =>
  `  -> 192.0.2.99:80                Route   ${weight}      0          0\n`;

const memory = (available: number) => (sections: Sections) => {
  edit(
    sections,
    "memory",
    /[^]+/,
    `MemTotal:        1000000 kB\nMemAvailable:     ${available} kB\n`,
  );
};

test.each<[claim: string, stack: () => Stack, change: Change, found: string[]]>([
  [
    "an address that only a standby that can't be asked, too, might have",
    sampleStack,
    (_, all) => {
      all.delete("lvs1");
      all.delete("lvs2");
    },
    [
      "unknown: no director can be asked: is this machine's way to the hosts up?",
      "fault: lvs1 can't be reached: No route to host",
      "fault: lvs2 can't be reached: No route to host",
    ],
  ],
  [
    "a change of a host's firewall that waits for a login, or went back without one",
    sampleStack,
    (of) => {
      const text = "\n1795414372 203.0.113.9\n";
      of("lvs2").set("firewall", { status: 0, text: `waits${text}` });
      of("web1").set("firewall", { status: 0, text: `back${text}` });
    },
    [
      "fault: lvs2: a change of its firewall waits for another login, and goes back without one",
      "fault: web1: a change of its firewall went back, at 2026-11-23T06:12:52.000Z: no other login came through, after the one from 203.0.113.9. Add where logins come from to firewall.sshFrom; the next pulumi up tries again",
    ],
  ],
  [
    "one address of two that a director lacks",
    two,
    () => undefined,
    [
      "outage: NOBODY holds 192.0.2.101 (VI_1)",
      "fault: lvs1 is active for VI_1 but does not have 192.0.2.101",
    ],
  ],
  [
    "one of two that another director has",
    two,
    (of) => {
      giveAddress(of("lvs2"));
      edit(of("lvs2"), "addresses", "192.0.2.100", second);
    },
    [
      "fault: lvs1 is active for VI_1 but does not have 192.0.2.101",
      "fault: lvs2 is active for VI_1 but does not have 192.0.2.100",
    ],
  ],
  [
    "nothing of two addresses on one director",
    two,
    (of) => {
      edit(of("lvs1"), "addresses", virtualAddress, `${virtualAddress},${secondAddress}`);
    },
    [],
  ],
  [
    "an empty pool, by what answers in its place",
    withSorryServer,
    (of) => {
      for (const name of ["lvs1", "lvs2"]) edit(of(name), "ipvs", rows, "");
      edit(of("lvs1"), "ipvs", /$/, sorryRow(1));
    },
    [
      "outage: web has no real server in its pool: the sorry server 192.0.2.99:80 answers",
      ...["web1", "web2", "web3"].map((name) => `fault: ${name} is out of the pool of web`),
    ],
  ],
  [
    "an empty pool whose sorry server does not answer either",
    withSorryServer,
    (of) => {
      for (const name of ["lvs1", "lvs2"]) edit(of(name), "ipvs", rows, "");
      edit(of("lvs1"), "ipvs", /$/, sorryRow(0));
    },
    [
      "outage: web has no real server in its pool",
      ...["web1", "web2", "web3"].map((name) => `fault: ${name} is out of the pool of web`),
    ],
  ],
  ["nothing of a sorry server that is not needed", withSorryServer, () => undefined, []],
  [
    "a pool with one real server left by those that are missing",
    sampleStack,
    (of) => {
      for (const name of ["lvs1", "lvs2"]) {
        edit(of(name), "ipvs", / +-> 192\.0\.2\.2[12]:80 .*\n/g, "");
      }
    },
    ["fault: web1 is out of the pool of web", "fault: web2 is out of the pool of web"],
  ],
  [
    "a standby's empty pool by its real servers, which is no outage",
    sampleStack,
    (of) => {
      edit(of("lvs2"), "ipvs", rows, "");
    },
    ["web1", "web2", "web3"].map((name) => `fault: ${name} is out of the pool of web on lvs2`),
  ],
  [
    "nothing of a real server whose weight is 0 in the config",
    withWeight0,
    (of) => {
      for (const name of ["lvs1", "lvs2"]) {
        edit(of(name), "ipvs", /(192\.0\.2\.22:80 +Route) +1/, "$1 0");
      }
    },
    [],
  ],
  [
    "one whose weight is 0 in the config, and that is gone",
    withWeight0,
    (of) => {
      for (const name of ["lvs1", "lvs2"]) edit(of(name), "ipvs", row, "");
    },
    ["fault: web2 is out of the pool of web"],
  ],
  [
    "out on one director and at weight 0 on the other as two things",
    sampleStack,
    (of) => {
      edit(of("lvs1"), "ipvs", row, "");
      edit(of("lvs2"), "ipvs", /(192\.0\.2\.22:80 +Route) +1/, "$1 0");
    },
    [
      "fault: web2 is out of the pool of web on lvs1",
      "fault: web2 is at weight 0 in the pool of web on lvs2",
    ],
  ],
  [
    "a keepalived that a reboot would not start",
    sampleStack,
    (of) => {
      edit(of("lvs2"), "service keepalived.service", "=enabled", "=disabled");
    },
    ["fault: lvs2: keepalived is not started at boot"],
  ],
  [
    "a keepalived that is only being started",
    sampleStack,
    (of) => {
      edit(of("lvs2"), "service keepalived.service", "=active", "=activating");
    },
    ["fault: lvs2: keepalived is not running"],
  ],
  [
    "a keepalived that a change has stopped, and that was cut off before it could start it",
    sampleStack,
    (of) => {
      isInactive(of("lvs2"));
      of("lvs2").set(`file ${withdrawnFile}`, { status: 0, text: "1764346000.1\n" });
    },
    [
      "fault: lvs2: keepalived is stopped until every director has the config: a change was cut off, or is under way; the next pulumi up starts it",
    ],
  ],
  [
    "of a director in maintenance that it is full",
    stopped,
    (of) => {
      isInactive(of("lvs2"));
      memory(1)(of("lvs2"));
    },
    ["fault: lvs2: only 0 MiB of memory are left"],
  ],
  [
    "of a director in maintenance that it can't be reached",
    stopped,
    (_, all) => all.delete("lvs2"),
    ["fault: lvs2 can't be reached: No route to host"],
  ],
  [
    "nothing of daemons where connections aren't told",
    unsynced,
    (of) => {
      for (const name of ["lvs1", "lvs2"]) edit(of(name), "ipvs-daemons", /[^]+/, "");
    },
    [],
  ],
  [
    "a daemon that is missing: both are to run",
    sampleStack,
    (of) => {
      edit(of("lvs1"), "ipvs-daemons", /^backup.*\n/m, "");
      edit(of("lvs2"), "ipvs-daemons", /^master.*\n/m, "");
    },
    [
      "fault: lvs1: connections aren't synchronised: the backup daemon is missing, master runs",
      "fault: lvs2: connections aren't synchronised: the master daemon is missing, backup runs",
    ],
  ],
  [
    "an address on a tunnel whose link is down",
    tunneled,
    (of) => {
      edit(of("web1"), "addresses", /^\[/, tunnel("NOARP"));
    },
    [
      "fault: web1 does not have 192.0.2.100 on tunl0, or that is down: what it is sent for it is lost",
    ],
  ],
  [
    "nothing of one whose link is up, whatever ARP says: a tunnel has none",
    tunneled,
    (of) => {
      edit(of("web1"), "addresses", /^\[/, tunnel("NOARP", "UP"));
      edit(of("web1"), "arp", /1/g, "0");
    },
    [],
  ],
  [
    "nothing of ARP where all addresses are IPv6",
    ipv6,
    (of) => {
      edit(of("web1"), "addresses", '"local":"192.0.2.100"', '"local":"2001:db8::100"');
      edit(of("web1"), "arp", /[12]/g, "0");
    },
    [],
  ],
  ...[
    ["all.arp_ignore 1", "all.arp_ignore 0"],
    ["all.arp_announce 2", "all.arp_announce 1"],
  ].map(([from = "", to = ""]): [string, () => Stack, Change, string[]] => [
    `${to}, as it makes the host answer`,
    sampleStack,
    (of) => {
      edit(of("web1"), "arp", from, to);
    },
    [
      "outage: web1 answers ARP for virtual addresses (arp_ignore, arp_announce): it takes them from the active director",
    ],
  ]),
  // A missing value is not known to be right.
  ...["all.arp_ignore 1", "all.arp_announce 2"].map(
    (line): [string, () => Stack, Change, string[]] => [
      `that it isn't known, without ${line}`,
      sampleStack,
      (of) => {
        edit(of("web1"), "arp", line, "all.arp_filter 1");
      },
      ["fault: web1 doesn't say its ARP sysctls (arp_ignore, arp_announce)"],
    ],
  ),
  [
    "nothing of sysctls that keep it quieter than need be",
    sampleStack,
    (of) => {
      edit(of("web1"), "arp", "all.arp_ignore 1", "all.arp_ignore 2");
    },
    [],
  ],
  ...["lvs1", "web1"].flatMap((name): [string, () => Stack, Change, string[]][] => [
    [
      `nothing of ${name}'s memory while a twentieth is left`,
      sampleStack,
      (of) => {
        memory(50001)(of(name));
      },
      [],
    ],
    [
      `${name}'s memory from there on`,
      sampleStack,
      (of) => {
        memory(50000)(of(name));
      },
      [`fault: ${name}: only 49 MiB of memory are left`],
    ],
    [
      `nothing of ${name}'s conntrack up to four fifths`,
      sampleStack,
      (of) => {
        edit(of(name), "conntrack", /[^]+/, "800000\n1000000\n");
      },
      [],
    ],
    [
      `${name}'s conntrack from there on`,
      sampleStack,
      (of) => {
        edit(of(name), "conntrack", /[^]+/, "800001\n1000000\n");
      },
      [`fault: ${name}: conntrack is full to 800001 of 1000000`],
    ],
    [
      `nothing of what ${name} does not say`,
      sampleStack,
      (of) => {
        for (const question of ["conntrack", "memory"]) {
          of(name).set(question, { status: 1, text: "" });
        }
      },
      [],
    ],
  ]),
  [
    "outages before faults",
    sampleStack,
    (of) => {
      edit(of("lvs1"), "service keepalived.service", "=enabled", "=disabled");
      edit(of("web1"), "arp", "all.arp_ignore 1", "all.arp_ignore 0");
      takeAddress(of("lvs1"));
    },
    [
      "outage: NOBODY holds 192.0.2.100 (VI_1)",
      "outage: web1 answers ARP for virtual addresses (arp_ignore, arp_announce): it takes them from the active director",
      "fault: lvs1: keepalived is not started at boot",
      "fault: lvs1: the state of VI_1 is not known: neither keepalived's log nor the addresses tell it. It counts as unfit; where another director is active, a restart of this keepalived brings it to light",
    ],
  ],
  ...[
    ["mcast=eth0", "mcast=eth9", "eth9 with id 51, group 224.0.0.81, port 8848, TTL 1"],
    ["syncid=51", "syncid=0", "eth0 with id 0, group 224.0.0.81, port 8848, TTL 1"],
    [
      "group=224.0.0.81, port=8848",
      "group=224.0.0.99, port=9999",
      "eth0 with id 51, group 224.0.0.99, port 9999, TTL 1",
    ],
    ["ttl=1", "ttl=9", "eth0 with id 51, group 224.0.0.81, port 8848, TTL 9"],
  ].map(([from = "", to = "", where = ""]): [string, () => Stack, Change, string[]] => [
    `a sync daemon of another owner, with ${to}`,
    sampleStack,
    (of) => {
      edit(of("lvs2"), "ipvs-daemons", new RegExp(`(backup.*)${from}`), `$1${to}`);
    },
    [
      `fault: lvs2: connections aren't synchronised: the backup daemon is not the stack's: it is on ${where}, not on eth0 with id 51, group 224.0.0.81, port 8848, TTL 1; lvs repair replaces it`,
    ],
  ]),
])("lvs status tells %s", (_, stack, change, found) => {
  expect(problems(change, stack())).toEqual(found);
});

describe("a standby that hears of no connection", () => {
  const deaf = (
    open: number,
    seconds: number,
    change: (of: (name: string) => Sections) => void = () => undefined,
    stack = sampleStack(),
  ) =>
    problems((of) => {
      edit(of("lvs1"), "ipvs", /(192\.0\.2\.21:80 +Route +1 +)0 /, `$1${open} `);
      const now = Number(of("lvs2").get("now")?.text);
      edit(of("lvs2"), "vrrp-states", /^\d+\.\d+ BACKUP/, `${now - seconds}.0 BACKUP`);
      change(of);
    }, stack);
  const told = (open: number) => [
    `fault: lvs2 has heard of none of lvs1's ${open} open connections: they would break when it takes over; is multicast from one to the other on eth0 dropped?`,
  ];

  test("is told of once it has stood by for a quarter of an hour beside a hundred of them", () => {
    expect(deaf(100, 900)).toEqual(told(100));
    expect(deaf(99, 900)).toEqual([]);
    expect(deaf(100, 899)).toEqual([]);
  });

  test("is not one when it has heard of a single one, or of its end", () => {
    for (const row of ["1      1          0", "1      0          1"]) {
      expect(
        deaf(100, 900, (of) => {
          edit(of("lvs2"), "ipvs", /(192\.0\.2\.23:80 +Route +)1 +0 +0/, `$1${row}`);
        }),
      ).toEqual([]);
    }
  });

  test("hears of no UDP that is too short, and of nothing where it isn't told", () => {
    const udp = stackWith(({ services }) => {
      for (const service of services) {
        service.service = service.service.replace("TCP", "UDP");
        for (const flow of service.traffic) flow.protocol = "UDP";
      }
    });
    const asUdp = (of: (name: string) => Sections) => {
      for (const name of ["lvs1", "lvs2"]) edit(of(name), "ipvs", "TCP  192", "UDP  192");
    };
    expect(deaf(100, 900, asUdp, udp)).toEqual([]);
    expect(
      deaf(
        100,
        900,
        (of) => {
          for (const name of ["lvs1", "lvs2"]) edit(of(name), "ipvs-daemons", /[^]+/, "");
        },
        unsynced(),
      ),
    ).toEqual([]);
  });

  test("is one problem, not two, where its daemon is missing", () => {
    expect(
      deaf(100, 900, (of) => {
        edit(of("lvs2"), "ipvs-daemons", /[^]+/, "");
      }),
    ).toEqual(
      ["master", "backup"].map(
        (role) => `fault: lvs2: connections aren't synchronised: the ${role} daemon is missing`,
      ),
    );
  });
});

test("figures of a firewall mark are those of the director that is active", () => {
  const marked = () =>
    stackWith(({ services }) => {
      for (const one of services) Object.assign(one, { service: "FWM 7", isMark: true, port: 0 });
    });
  const activeOf = (...holders: string[]) => {
    const answers = sampleAnswers((hosts) => {
      for (const name of ["lvs1", "lvs2"]) {
        const sections = sectionsOf(hosts, name);
        edit(sections, "ipvs", "TCP  192.0.2.100:80 wrr", "FWM  7 wrr");
        edit(sections, "ipvs", /:80 /g, ":0  ");
        if (name === "lvs2") edit(sections, "ipvs", /(Route +1 +)\d+/g, "$19");
      }
      if (!holders.includes("lvs1")) takeAddress(sectionsOf(hosts, "lvs1"));
      if (holders.includes("lvs2")) giveAddress(sectionsOf(hosts, "lvs2"));
    });
    const [service] = look(marked(), answers, sampleTime()).virtualServers;
    return [
      service?.service,
      service?.active,
      service?.realServers.map((member) => member.activeConnections),
    ];
  };
  expect(activeOf("lvs1")).toEqual(["FWM 7", "lvs1", [0, 0, 0]]);
  expect(activeOf("lvs2")).toEqual(["FWM 7", "lvs2", [9, 9, 9]]);
  expect(activeOf()[1]).toBeNull();
});
