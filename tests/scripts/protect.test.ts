// Deletion protection on a director: a serving pair is not undone; and the services that a change
// would take from connected clients.
import { parseFiles, withEnd } from "../../components/render/files";
import { directorDataPath, renderDirectorConfig } from "../../components/render/director";
import { ipvsPlaces } from "../../components/render/ipvs";
import { settingsOf, smallStack, type Stack } from "../support/stacks";
import { PretendHost, type Result } from "./host";

const conf = "/etc/keepalived/keepalived.conf";
const running = "/systemd/active/keepalived.service";
const noted = "/var/lib/lvs-ha/owners/protect.sh";
const own = "lvs-ha/prod/pair";

let host: PretendHost;
beforeEach(() => {
  host = new PretendHost();
});
afterEach(() => {
  host.remove();
});

/**
 * Two services with two real servers each: one by firewall mark, and one with a check through the
 * virtual address.
 */
function stack(): Stack {
  return {
    ...smallStack(),
    virtualServers: [
      { name: "web", address: "192.0.2.100", port: 80 },
      {
        name: "names",
        address: "192.0.2.100",
        port: 53,
        protocol: "UDP",
        sorryServer: { address: "192.0.2.30", port: 53 },
      },
      {
        name: "marked",
        fwmark: 7,
        traffic: [{ address: "192.0.2.101", ports: [443] }],
        checks: [{ type: "tcp", port: 443, throughVirtualAddress: false }],
      },
    ],
  };
}

/** A director that serves the stack. Each real server has this many open connections. */
function serves({ open = 10, table = (lines: string[]) => lines, of = stack() } = {}): void {
  const settings = settingsOf(of);
  const [director] = settings.directors;
  if (!director) throw new Error("no director");
  const files = parseFiles(renderDirectorConfig(settings, director, false));
  for (const [path, text] of files) host.write(path, text);
  const lines = (files.get(directorDataPath) ?? "")
    .split("\n")
    .filter((line) => /^-[Aa] /.test(line));
  host.write(
    "/ipvs/table",
    table(lines)
      .map((line) => `${line}\n`)
      .join(""),
  );
  host.write("/ipvs/open", `${open}\n`);
  host.write(running, "active\n");
}

describe("a pair that goes", () => {
  const release = (isOn: boolean, { owner = own, has = [] as string[] } = {}): Result => {
    const addresses = has.map((address) => `ip addr add ${address}/32 dev lo; `).join("");
    const words = ["release", owner, isOn ? "on" : "off", "lvs1"];
    return host.shell(`${addresses}exec "$FOLDER/scripts/protect.sh" "$@"`, words);
  };
  const claim = (owner = own) => {
    expect(host.script("protect.sh", ["claim", owner])).toMatchObject({ code: 0, stderr: "" });
  };
  const wayOut =
    "To allow it: pulumi config set lvs-ha:deletionProtection false, then pulumi up, then this again\n";
  const refused = "protect: deletion protection is on, and nothing was undone: ";
  const nothingOpen = "open connections: 0";

  test.each<[claim: string, around: () => void, has: string[], says: string]>([
    [
      "the director that has the addresses",
      serves,
      ["192.0.2.100", "192.0.2.101"],
      "lvs1 holds 192.0.2.100 192.0.2.101; open connections: 60 (marked fwmark 7: 20, names 192.0.2.100:53 UDP: 20, web 192.0.2.100:80 TCP: 20)",
    ],
    [
      "a standby, which knows of connections, too",
      serves,
      [],
      "lvs1 stands by; open connections that it has heard of: 60 (marked fwmark 7: 20, names 192.0.2.100:53 UDP: 20, web 192.0.2.100:80 TCP: 20)",
    ],
    [
      "one without clients",
      () => {
        serves({ open: 0 });
      },
      ["192.0.2.100"],
      `lvs1 holds 192.0.2.100; ${nothingOpen}`,
    ],
    [
      "one whose keepalived is stopped",
      () => undefined,
      [],
      "keepalived doesn't run on lvs1; what the other directors do is not known here",
    ],
  ])("is refused by %s, as often as it is tried, and nothing changes", (_, around, has, says) => {
    around();
    claim();
    for (const attempt of [1, 2]) {
      const { code, stderr } = release(true, { has });
      expect([attempt, code, stderr]).toEqual([attempt, 1, `${refused}${says}. ${wayOut}`]);
    }
    expect(host.read(noted)).toBe(`${own}\n`);
  });

  test("goes where the config allows it", () => {
    serves();
    claim();
    expect(release(false)).toMatchObject({ code: 0, stderr: "" });
    expect(host.read(noted)).toBeUndefined();
  });

  test.each([true, false])(
    "under its old name is kept, it has another one (protected: %s)",
    (isOn) => {
      serves();
      claim("lvs-ha/prod/renamed");
      const { code, stderr } = release(isOn);
      expect([code, stderr]).toEqual([0, "protect: kept, it belongs to lvs-ha/prod/renamed now\n"]);
      expect(host.read(noted)).toBe("lvs-ha/prod/renamed\n");
    },
  );

  test.each([true, false])(
    "is refused where another stack has the hosts by now (protected: %s)",
    (isOn) => {
      serves();
      claim("lvs-ha/new/pair");
      const { code, stderr } = release(isOn);
      expect(code).toBe(1);
      expect(stderr).toContain("nothing was undone: lvs1 belongs to the stack lvs-ha/new now.");
      expect(host.read(noted)).toBe("lvs-ha/new/pair\n");
    },
  );

  test("under its old name is kept, too, where the new one has claimed another director", () => {
    serves();
    claim();
    host.write("/var/lib/lvs-ha/owners/keepalived.sh", "pair-lvs1/10.10.0.11\n");
    expect(release(true).stderr).toContain(refused);
    host.write("/var/lib/lvs-ha/owners/keepalived.sh", "renamed-lvs1/10.10.0.11\n");
    const { code, stderr } = release(true);
    expect([code, stderr]).toEqual([
      0,
      "protect: kept, it belongs to lvs-ha/prod/renamed-lvs1 now\n",
    ]);
  });

  test("whose note is lost is refused all the same", () => {
    serves();
    expect(release(true).stderr).toContain(refused);
  });
});

describe("a change", () => {
  const lost = (change: (of: Stack) => unknown): string => {
    const changed = stack();
    change(changed);
    const input = ipvsPlaces(settingsOf(changed))
      .map((place) => `${place}\n`)
      .join("");
    const { code, stdout, stderr } = host.script("protect.sh", ["look"], withEnd(input));
    expect([code, stderr]).toEqual([0, ""]);
    return stdout.replace(/^(holds|standby|own|peer) .*\n/gm, "").replace(/^lost /gm, "");
  };
  const web = "20 web 192.0.2.100:80 TCP\n";
  const names = "20 names 192.0.2.100:53 UDP\n";
  const marked = "20 marked fwmark 7\n";
  const without = (name: string) => (of: Stack) =>
    (of.virtualServers = of.virtualServers.filter((one) => one.name !== name) as never);
  const others = (of: Stack) => {
    for (const [i, one] of of.realServers.entries()) one.address = `192.0.2.${31 + i}`;
  };

  test.each<[claim: string, change: (of: Stack) => unknown, says: string]>([
    ["nothing", () => undefined, ""],
    ["a virtual server", without("web"), web],
    ["a virtual server with a mark", without("marked"), marked],
    ["a virtual server's port", (of) => (of.virtualServers[0].port = 8080), web],
    ["a virtual server's protocol", (of) => delete of.virtualServers[1]?.protocol, names],
    ["the addresses of all real servers", others, marked + names + web],
    [
      "the address of one of two real servers",
      (of) => (of.realServers[0].address = "192.0.2.31"),
      "",
    ],
    ["one of two real servers", (of) => of.realServers.splice(0, 1), ""],
    [
      "all real servers of one virtual server",
      (of) => {
        of.realServers.push({ name: "other", managed: false, address: "192.0.2.40" });
        of.virtualServers[0].realServers = ["other"];
      },
      web,
    ],
    [
      "weights, scheduler, maintenance",
      (of) => {
        of.virtualServers[0].scheduler = "sh";
        of.realServers[0].weight = 5;
        of.maintenance = ["web2"];
      },
      "",
    ],
    [
      "a virtual server more",
      (of) => of.virtualServers.push({ name: "more", address: "192.0.2.100", port: 81 }),
      "",
    ],
  ])("of %s takes from clients what it does", (_, change, says) => {
    serves();
    expect(lost(change)).toBe(says);
  });

  test("takes nothing from nobody", () => {
    serves({ open: 0 });
    expect(lost(others)).toBe("");
  });

  test("that leaves only a real server which its check has taken out leaves nobody", () => {
    serves({
      table: (lines) =>
        lines.filter((line) => !line.startsWith("-a -t 192.0.2.100:80 -r 192.0.2.22:80")),
    });
    expect(lost((of) => of.realServers.splice(0, 1))).toBe("10 web 192.0.2.100:80 TCP\n");
  });

  test("that leaves only a real server which is in maintenance leaves nobody", () => {
    serves();
    const line = (server: number, weight: number, open: number) =>
      `  -> 192.0.2.${server}:80 Route ${weight} ${open} 0`;
    const table = (weight: number, open: number) => {
      const lines = ["TCP  192.0.2.100:80 wrr", line(21, 1, 7), line(22, weight, open)];
      host.program("ipvsadm", [`cat <<'END'\n${lines.join("\n")}\nEND`]);
      return lost((of) => of.realServers.splice(0, 1));
    };
    expect(table(0, 0)).toBe("7 web 192.0.2.100:80 TCP\n");
    // The service's own clients stay, and new ones can connect.
    expect([table(0, 1), table(1, 0)]).toEqual(["", ""]);
  });

  test("that keeps the sorry server which has the clients is none", () => {
    const sorry = "-a -u 192.0.2.100:53 -r 192.0.2.30:53 -g -w 1";
    serves({ table: (lines) => [...lines.filter((line) => !line.startsWith("-a -u ")), sorry] });
    expect(lost(others)).toBe(marked + web);
  });

  test("of somebody else's services is not asked about", () => {
    serves({
      table: (lines) => [
        ...lines,
        "-A -t 203.0.113.1:80 -s rr",
        "-a -t 203.0.113.1:80 -r 192.0.2.22:80 -m -w 1",
      ],
    });
    expect(lost(() => undefined)).toBe("");
  });

  test("of a host that is no director yet takes nothing", () => {
    expect(lost(() => undefined)).toBe("");
    host.write(conf, "");
    expect(lost(() => undefined)).toBe("");
  });

  test("of a pair that was built by hand is asked about, too", () => {
    host.write(
      conf,
      [
        "virtual_server 192.0.2.200 25 {",
        "lvs_sched rr",
        "lvs_method DR",
        "real_server 192.0.2.21 25 {",
        "}",
        "}",
        "",
      ].join("\n"),
    );
    host.write(
      "/ipvs/table",
      "-A -t 192.0.2.200:25 -s rr\n-a -t 192.0.2.200:25 -r 192.0.2.21:25 -g -w 1\n",
    );
    host.write("/ipvs/open", "3\n");
    host.write(running, "active\n");
    expect(lost(() => undefined)).toBe("3 192.0.2.200:25 TCP\n");
  });
});

describe("whether this director serves", () => {
  const began = "Starting VRRP child process, pid=9";
  const log = (...messages: string[]) => {
    const lines = messages.map(
      (message, i) => `${1000 + i}.5 lvs1 Keepalived_vrrp[9]: ${message}\n`,
    );
    host.write(
      "/journal",
      lines.join("").replace("Keepalived_vrrp[9]: Starting", "Keepalived[8]: Starting"),
    );
  };
  const roles = (...has: string[]): string[] => {
    const addresses = has.map((address) => `ip addr add ${address}/32 dev lo; `).join("");
    const { code, stdout, stderr } = host.shell(
      `${addresses}exec "$FOLDER/scripts/protect.sh" look`,
      [],
      withEnd(""),
    );
    expect([code, stderr]).toEqual([0, ""]);
    return stdout.split("\n").filter((line) => /^(holds|standby) /.test(line));
  };

  test.each<[state: string, log: string[], has: string[], says: string[]]>([
    [
      "that is active",
      ["(VI_1) Entering BACKUP STATE (init)", "(VI_1) Entering MASTER STATE"],
      ["192.0.2.100", "192.0.2.101"],
      ["holds 192.0.2.100", "holds 192.0.2.101"],
    ],
    [
      "that stands by",
      ["(VI_1) Entering BACKUP STATE (init)"],
      [],
      ["standby 192.0.2.100", "standby 192.0.2.101"],
    ],
    ["in FAULT", ["(VI_1) Entering FAULT STATE"], [], []],
    ["that becomes active just now", ["(VI_1) Entering MASTER STATE"], [], []],
    ["whose log has nothing left", [], [], []],
  ])("a director %s", (_, messages, has, says) => {
    serves();
    log(began, ...messages);
    expect(roles(...has)).toEqual(says);
  });

  test("nobody knows of one whose keepalived is stopped, or that is no director", () => {
    serves();
    log(began, "(VI_1) Entering BACKUP STATE (init)");
    host.shell(`rm $FOLDER${running}`);
    expect(roles()).toEqual([]);
    host.shell(`rm $FOLDER${conf}`);
    expect(roles()).toEqual([]);
  });

  test("what can't be looked at is an error, and nothing that is well", () => {
    serves();
    log(began, "(VI_1) Entering BACKUP STATE (init)");
    host.program("ip", ["exit 1"]);
    expect(host.script("protect.sh", ["look"], withEnd("")).code).not.toBe(0);
  });

  test("a pair that was built by hand tells it, too", () => {
    const lines = [
      "vrrp_instance A {",
      "virtual_router_id 7",
      "virtual_ipaddress {",
      "192.0.2.9/24",
      "}",
      "}",
    ];
    host.write(conf, `${lines.join("\n")}\n`);
    host.write(running, "active\n");
    log(began, "(A) Entering BACKUP STATE");
    expect(roles()).toEqual(["standby 192.0.2.9"]);
  });
});

describe("who else may serve:", () => {
  const looked = (setup = ""): string[] => {
    const { code, stdout, stderr } = host.shell(
      `ip addr add 10.10.0.11/32 dev lo; ip addr add 192.0.2.100/32 dev lo; ${setup}exec "$FOLDER/scripts/protect.sh" look`,
      [],
      withEnd(""),
    );
    expect([code, stderr]).toEqual([0, ""]);
    return stdout.split("\n").filter((line) => /^(own|peer) /.test(line));
  };
  const own = ["own 10.10.0.11"];

  test("a director tells its own addresses and its unicast peers, without those in maintenance", () => {
    serves();
    expect(looked()).toEqual(["peer 192.0.2.12", ...own]);
    const three = stack();
    three.directors.push({
      ...three.directors[1],
      name: "lvs3",
      host: "10.10.0.13",
      vrrpAddress: "192.0.2.13/24",
      priority: 50,
    });
    serves({ of: three });
    expect(looked()).toEqual(["peer 192.0.2.12", "peer 192.0.2.13", ...own]);
    serves({ of: { ...three, maintenance: ["lvs3"] } });
    expect(looked()).toEqual(["peer 192.0.2.12", ...own]);
  });

  test("no peers where adverts are multicast, nor where keepalived is stopped", () => {
    serves({ of: { ...stack(), vrrp: { unicast: false } } });
    expect(looked()).toEqual(own);
    serves();
    expect(looked(`rm $FOLDER${running}; `)).toEqual(own);
  });

  test("a host that is no director yet tells its own addresses", () => {
    expect(looked()).toEqual(["own 10.10.0.11", "own 192.0.2.100"]);
  });

  test("of a pair that was built by hand, the peers", () => {
    const lines = [
      "vrrp_instance A {",
      "interface eth1",
      "unicast_peer {",
      "10.10.0.12",
      "}",
      "virtual_ipaddress {",
      "192.0.2.100/24",
      "}",
      "}",
    ];
    host.write(conf, `${lines.join("\n")}\n`);
    host.write(running, "active\n");
    expect(looked()).toEqual(["peer 10.10.0.12", ...own]);
  });

  test("those that answer on the network, and those that a router or no ARP hides", () => {
    const peers = ["10.0.0.12", "10.0.0.13", "10.9.9.14", "10.8.8.15"];
    host.write(
      conf,
      [
        "vrrp_instance A {",
        "interface v0",
        "unicast_peer {",
        ...peers.slice(0, 3),
        "}",
        "}",
        "vrrp_instance B {",
        "interface d0",
        "unicast_peer {",
        ...peers.slice(3),
        "}",
        "}",
        "",
      ].join("\n"),
    );
    host.sleeps(1, ["/bin/sleep 0.2"]);
    const { code, stdout, stderr } = host.shell(
      [
        "unshare --net /bin/sleep 60 >/dev/null 2>&1 &",
        "other=$!",
        "ip link add v0 type veth peer name v1",
        'until [ "$(readlink /proc/$other/ns/net)" != "$(readlink /proc/self/ns/net)" ]; do /bin/sleep 0.05; done',
        "ip link set v1 netns $other",
        "nsenter -t $other -n sh -c 'ip addr add 10.0.0.12/24 dev v1; ip link set v1 up'",
        "ip addr add 10.0.0.11/24 dev v0; ip link set v0 up",
        "ip link add d0 type veth peer name d1; ip link set d1 up; ip link set d0 arp off up; ip addr add 10.8.8.11/24 dev d0",
        "ip route add 10.9.9.0/24 via 10.0.0.12",
        '"$FOLDER/scripts/protect.sh" answering',
        "kill $other",
      ].join("\n"),
    );
    expect([code, stderr, stdout]).toEqual([0, "", "10.0.0.12\n10.8.8.15\n10.9.9.14\n"]);
  });
});
