// Real servers are drained on a director and come back. A stand-in for ipvsadm keeps the kernel's
// table.
import { PretendHost } from "./host";

let host: PretendHost;

const conf = `
vrrp_instance VI_1 {
    virtual_ipaddress {
        192.0.2.100/32 dev eth1
    }
    virtual_ipaddress_excluded {
        2001:db8::100/128 dev eth1
    }
}
virtual_server 192.0.2.100 80 {
    lvs_sched wrr
    lvs_method DR
    real_server 192.0.2.21 80 {
        weight 3
    }
    real_server 192.0.2.22 80 {
        weight 1
        uthreshold 100
        lthreshold 75
    }
}
virtual_server 192.0.2.100 53 {
    lvs_sched rr
    lvs_method DR
    protocol UDP
    real_server 192.0.2.22 53 {
    }
}
virtual_server 2001:db8::100 80 {
    lvs_sched rr
    lvs_method DR
    real_server 2001:db8::21 80 {
    }
    real_server 2001:db8::22 80 {
    }
}
virtual_server fwmark 7 {
    lvs_sched rr
    lvs_method TUN
    ip_family inet6
    real_server 2001:db8::21 0 {
    }
    real_server 2001:db8::22 0 {
    }
}
# A check's way to web2.
virtual_server fwmark 70000 {
    lvs_sched rr
    lvs_method DR
    real_server 192.0.2.22 80 {
    }
}
`;

const web = "-t 192.0.2.100:80 -r 192.0.2";
const table = [
  "-A -t 192.0.2.100:80 -s wrr",
  `-a ${web}.21:80 -g -w 3`,
  `-a ${web}.22:80 -g -w 1 -x 100 -y 75`,
  "-A -u 192.0.2.100:53 -s rr",
  "-a -u 192.0.2.100:53 -r 192.0.2.22:53 -g -w 1",
  "-A -t [2001:db8::100]:80 -s rr",
  "-a -t [2001:db8::100]:80 -r [2001:db8::21]:80 -g -w 1",
  "-a -t [2001:db8::100]:80 -r [2001:db8::22]:80 -g -w 1",
  "-A -f 7 -6 -s rr",
  "-a -f 7 -6 -r [2001:db8::21]:0 -i -w 1 --tun-type ipip",
  "-a -f 7 -6 -r [2001:db8::22]:0 -i -w 1 --tun-type ipip",
  "-A -f 70000 -s rr",
  "-a -f 70000 -r 192.0.2.22:0 -g -w 1",
  // Another owner's service.
  "-A -t 203.0.113.1:80 -s rr",
  "-a -t 203.0.113.1:80 -r 192.0.2.22:80 -m -w 1",
  "-a -t 203.0.113.1:80 -r 192.0.2.21:80 -m -w 1",
];

/**
 * Output of `ip -o addr show` on the standby director, and on the one that holds the virtual
 * addresses.
 */
const standby = [
  "1: lo    inet 127.0.0.1/8 scope host lo",
  "2: eth1    inet 192.0.2.11/24 brd 192.0.2.255 scope global eth1",
  "2: eth1    inet6 2001:db8::11/64 scope global",
  "",
].join("\n");
const active = `${standby}2: eth1    inet 192.0.2.100/32 scope global eth1\n2: eth1    inet6 2001:db8::100/128 scope global\n`;

/**
 * A line of `ipvsadm -Lnc`: the entry's remaining time, its state, the virtual server's and the
 * real server's address.
 */
const connection = (
  left: string,
  to = "192.0.2.100:80",
  real = "192.0.2.21:80",
  state = "TCP ESTABLISHED",
  client = "203.0.113.9:4711",
) => `${state.replace(" ", ` ${left}  `)} ${client} ${to} ${real}\n`;
const several = (count: number, line: string) => line.repeat(count);

/** The input of `restore` when the real server stays in all services. */
const everything = table
  .filter((line) => line.startsWith("-a"))
  .map((line) => `${line.replace(/ -w .*/, "")}\n`)
  .join("");

const noted = "/run/lvs-ha-drained";
const byChange = "/run/lvs-ha-drained-by-change";

beforeEach(() => {
  host = new PretendHost();
  host.write("/etc/keepalived/keepalived.conf", conf);
  host.write("/ipvs/table", table.map((line) => `${line}\n`).join(""));
  host.write("/ipvs/idle", "5\n");
  host.write("/systemd/active/keepalived.service", "active\n");
  host.sleeps(5, ['echo . >>"$FOLDER/tmp/slept"', '. "$FOLDER/tmp/meanwhile"']);
  host.write("/tmp/meanwhile", "");
  host.write("/tmp/addresses", active);
  host.program("ip", ['[ "$*" = "-o addr show" ] || exit 64', 'cat "$FOLDER/tmp/addresses"']);
  host.program("ipvsadm", [
    "case $* in",
    "-e*)",
    '    [ ! -e "$FOLDER/tmp/cut" ] || { kill -KILL $PPID; exit 1; }',
    '    if [ -e "$FOLDER/tmp/refuses" ]; then echo "Memory allocation problem" >&2; exit 255; fi',
    '    [ ! -e "$FOLDER/tmp/gone" ] || sed -i "/192.0.2.21:80 -g/d" "$FOLDER/ipvs/table"',
    "    ;;",
    // Each listing of connections is counted. The stand-in for a long list never ends.
    "-Lnc)",
    '    echo . >>"$FOLDER/tmp/listed"',
    '    if [ -e "$FOLDER/tmp/endless" ]; then cat "$FOLDER/ipvs/connections"; exec /bin/sleep 20; fi',
    "    ;;",
    "esac",
    'exec "$FOLDER/stand-ins/ipvsadm" "$@"',
  ]);
});

afterEach(() => {
  host.remove();
});

const drain = (...args: string[]) => host.script("drain.sh", ["drain", ...args]);
const lease = "/run/lvs-ha-leases/ours";
/** Runs suspend in a run that changes one real server at a time. */
const suspend = (...args: string[]) =>
  host.shell(
    `mkdir -p ${lease.replace("/ours", "")}; exec 8>${lease}; flock 8
     exec ${host.scripts}/drain.sh suspend ours 1 "$@"`,
    args,
  );
const restore = (entries: string, ...addresses: string[]) =>
  host.script("drain.sh", ["restore", "ours", ...addresses], entries);

/** The entries that differ from the initial table, without their thresholds. */
function changed(): string[] {
  const now = host.read("/ipvs/table")?.trimEnd().split("\n") ?? [];
  // This tunnel type is the default of an edit.
  const before = new Set(table.map((line) => line.replace(" --tun-type ipip", "")));
  return now
    .map((line) => line.replace(" --tun-type ipip", ""))
    .filter((line) => !before.has(line))
    .map((line) => line.replace(/ -x .*/, ""));
}

describe("a drained real server", () => {
  test("has weight 0 in every service of the config, by each of its addresses", () => {
    const { code, stderr } = drain("0", "192.0.2.21", "2001:db8::21");
    expect([code, stderr]).toEqual([
      0,
      "drain: 192.0.2.21 2001:db8::21: no new connections; 0 open after 0 s\n",
    ]);
    expect(changed()).toEqual([
      `-a ${web}.21:80 -g -w 0`,
      "-a -t [2001:db8::100]:80 -r [2001:db8::21]:80 -g -w 0",
      "-a -f 7 -6 -r [2001:db8::21]:0 -i -w 0",
    ]);
  });

  test("leaves the services of others and the ways of checks alone, keeps its thresholds, and stays where nobody else serves", () => {
    const { code, stderr } = drain("0", "192.0.2.22");
    expect(code).toBe(0);
    expect(stderr).toContain("192.0.2.22 stays in: nobody else serves -u 192.0.2.100:53\n");
    expect(changed()).toEqual([`-a ${web}.22:80 -g -w 0`]);
    expect(host.read("/ipvs/table")).toContain(`-a ${web}.22:80 -g -w 0 -x 100 -y 75\n`);
  });

  test("stays in a service whose scheduler would send its clients to nobody", () => {
    host.write(
      "/ipvs/table",
      table.map((line) => `${line.replace(/^(-A -t 192.*) wrr/, "$1 dh")}\n`).join(""),
    );
    const { stderr } = drain("0", "192.0.2.21");
    expect(stderr).toContain("stays in: the scheduler dh");
    expect(changed()).not.toContain(`-a ${web}.21:80 -g -w 0`);
  });

  test("is not taken out of a service whose other real servers are drained already", () => {
    expect(drain("0", "192.0.2.21").code).toBe(0);
    expect(drain("0", "192.0.2.22").stderr).toBe(
      [
        "192.0.2.22 stays in: nobody else serves -t 192.0.2.100:80",
        "192.0.2.22 stays in: nobody else serves -u 192.0.2.100:53",
        "192.0.2.22: in no pool that it could be taken out of",
        "",
      ]
        .map((line) => line && `drain: ${line}`)
        .join("\n"),
    );
    expect(changed()).toEqual([`-a ${web}.21:80 -g -w 0`]);
  });

  test("has as long as it is given to end its connections, no longer, and other changes go on meanwhile", () => {
    host.write("/ipvs/open", "4\n");
    host.write("/ipvs/connections", several(4, connection("14:59")));
    host.write("/tmp/meanwhile", "flock -n /run/lvs-ha.lock true || echo locked >&2\n");
    const { code, stderr } = drain("15", "192.0.2.21");
    expect([code, stderr]).toEqual([
      0,
      "drain: 192.0.2.21: no new connections; 4 open after 15 s\n",
    ]);
    host.write("/tmp/meanwhile", 'echo 0 >"$FOLDER/ipvs/open"\n');
    expect(drain("300", "192.0.2.21").stderr).toContain("0 open after 5 s");
  });

  test("may be taken out by its check in the same moment", () => {
    host.write("/tmp/gone", "");
    expect(drain("0", "192.0.2.21").code).toBe(0);
    expect(changed()).not.toContain(`-a ${web}.21:80 -g -w 0`);
  });

  test("cannot be drained where the kernel refuses it: an error with its words", () => {
    host.write("/tmp/refuses", "");
    const { code, stderr } = drain("0", "192.0.2.21");
    expect([code, stderr]).toEqual([1, "drain: Memory allocation problem\n"]);
  });

  test("one that was at weight 0 before is not brought in by its return", () => {
    host.write("/ipvs/table", (host.read("/ipvs/table") ?? "").replace("-g -w 3", "-g -w 0"));
    expect(drain("0", "192.0.2.21").code).toBe(0);
    expect(host.read(noted)).toBe("");
    expect(restore(everything, "192.0.2.21").code).toBe(0);
    expect(changed()).toEqual([`-a ${web}.21:80 -g -w 0`]);
  });

  test("is drained and brought back by the next run, when one was killed in between", () => {
    host.write("/tmp/cut", "");
    expect(drain("0", "192.0.2.21").code).not.toBe(0);
    host.shell("rm $FOLDER/tmp/cut");
    expect(drain("0", "192.0.2.21").code).toBe(0);
    expect(host.read(noted)).toBe(`-a ${web}.21:80 -g -w 3\n`);
    expect(restore(everything, "192.0.2.21").code).toBe(0);
    expect([changed(), host.read(noted)]).toEqual([[], ""]);
  });

  test("on a director whose keepalived is stopped there is nothing to do, and no note outlives it", () => {
    expect(drain("0", "192.0.2.21").code).toBe(0);
    host.shell("rm $FOLDER/systemd/active/keepalived.service");
    for (const { code, stderr } of [drain("9", "192.0.2.22"), restore("", "192.0.2.21")]) {
      expect([code, stderr]).toEqual([0, "drain: this director serves nobody yet\n"]);
    }
    expect(host.read(noted)).toBeUndefined();
  });
});

describe("a client whose port comes round is not sent to a drained real server", () => {
  const was = "/run/lvs-ha-expire-nodest-conn-was";
  const files = `==> /etc/modules-load.d/lvs-ha.conf <==
==> /etc/sysctl.d/90-lvs-ha.conf <==
net.ipv4.vs.expire_nodest_conn = 1
`;
  const value = () => host.read("/tmp/expire")?.trim();
  // This machine's kernel may lack IPVS.
  beforeEach(() => {
    host.write("/tmp/expire", "0\n");
    host.program("sysctl", [
      "case $* in",
      '"-n net.ipv4.vs.expire_nodest_conn") cat "$FOLDER/tmp/expire" ;;',
      '"-q -w net.ipv4.vs.expire_nodest_conn="*) echo "${3#*=}" >"$FOLDER/tmp/expire" ;;',
      "*) exit 64 ;;",
      "esac",
    ]);
  });

  test("on a director that the stack has yet to set up, until nobody is drained", () => {
    expect(drain("0", "192.0.2.21").code).toBe(0);
    expect(drain("0", "2001:db8::22").code).toBe(0);
    expect(value()).toBe("1");
    expect(restore(everything, "192.0.2.21").code).toBe(0);
    expect(value()).toBe("1");
    expect(restore(everything, "2001:db8::22").code).toBe(0);
    expect([value(), host.read(was)]).toEqual(["0", undefined]);
  });

  test("until its keepalived has ended meanwhile", () => {
    expect(drain("0", "192.0.2.21").code).toBe(0);
    host.shell("rm $FOLDER/systemd/active/keepalived.service");
    expect(restore(everything, "192.0.2.21").code).toBe(0);
    expect([value(), host.read(was)]).toEqual(["0", undefined]);
  });

  test("for good once the stack has set it up, which gives back at its end what was there before", () => {
    expect(drain("0", "192.0.2.21").code).toBe(0);
    expect(host.script("kernel.sh", ["apply", "us"], files).code).toBe(0);
    expect(restore(everything, "192.0.2.21").code).toBe(0);
    expect([value(), host.read(was)]).toEqual(["1", undefined]);
    expect(host.script("kernel.sh", ["undo", "us"]).code).toBe(0);
    expect(value()).toBe("0");
  });

  test("where it is on, nothing of it is noted", () => {
    host.write("/tmp/expire", "1\n");
    expect(drain("0", "192.0.2.21").code).toBe(0);
    expect([value(), host.read(was)]).toEqual(["1", undefined]);
  });
});

describe("a director waits for connections that it holds, and that still have packets", () => {
  const told = (open: number, after: number, others: string) =>
    `drain: 192.0.2.21: no new connections; ${open} open after ${after} s; not waited for: ${others}\n`;

  beforeEach(() => {
    // In one service only, over TCP.
    host.write(
      "/ipvs/table",
      table
        .slice(0, 3)
        .map((line) => `${line}\n`)
        .join(""),
    );
    host.write("/ipvs/open", "3\n");
    host.sleeps(1, ['echo . >>"$FOLDER/tmp/slept"', '. "$FOLDER/tmp/meanwhile"']);
  });

  test("on a standby it waits for none, and tells what it has heard of", () => {
    host.write("/tmp/addresses", standby);
    host.write("/ipvs/connections", several(3, connection("14:59")));
    expect(drain("30", "192.0.2.21")).toEqual({
      code: 0,
      stdout: "",
      stderr: told(0, 0, "3 that only another director told of"),
    });
    expect([host.read("/tmp/slept"), host.read("/tmp/listed")]).toEqual([undefined, undefined]);
  });

  test("on lo, a virtual address is not held", () => {
    host.write("/tmp/addresses", `${standby}1: lo    inet 192.0.2.100/32 scope global lo\n`);
    expect(drain("30", "192.0.2.21").stderr).toBe(
      told(0, 0, "3 that only another director told of"),
    );
  });

  test("none is waited for any more once its address has gone to another director", () => {
    host.write("/ipvs/connections", several(3, connection("14:59")));
    host.write("/tmp/lost", standby);
    host.write("/tmp/meanwhile", 'cp "$FOLDER/tmp/lost" "$FOLDER/tmp/addresses"\n');
    expect(drain("30", "192.0.2.21").stderr).toBe(
      told(0, 1, "3 that only another director told of"),
    );
  });

  test.each([
    ["TCP ESTABLISHED", "14:29", "14:31"],
    ["TCP SYN_RECV", "00:30", "00:31"],
    ["TCP SYN_SENT", "01:30", "01:31"],
    ["TCP SYNACK", "01:30", "01:31"],
  ])(
    "in state %s it has been silent for 30 s when %s are left, and not yet at %s",
    (state, silent, open) => {
      const at = (left: string) => connection(left, undefined, undefined, state);
      host.write("/ipvs/connections", `${several(2, at(silent))}${at(open)}`);
      host.write(
        "/tmp/meanwhile",
        `echo 2 >"$FOLDER/ipvs/open"; sed -i '$d' "$FOLDER/ipvs/connections"\n`,
      );
      expect(drain("30", "192.0.2.21").stderr).toBe(told(0, 1, "2 silent for 30 s or more"));
    },
  );

  test("one that falls silent meanwhile is not left at the end", () => {
    host.write("/ipvs/open", "1\n");
    host.write("/ipvs/connections", connection("14:58"));
    host.write(
      "/tmp/meanwhile",
      'sed -i "s/ 14:[0-9]* / 14:$((58 - $(wc -l <"$FOLDER/tmp/slept"))) /" "$FOLDER/ipvs/connections"\n',
    );
    expect(drain("30", "192.0.2.21").stderr).toBe(told(0, 28, "1 silent for 30 s or more"));
  });

  test("no shorter silence than 10 s says that one is over", () => {
    host.write("/ipvs/connections", `${connection("14:50")}${several(2, connection("14:51"))}`);
    expect(drain("0", "192.0.2.21").stderr).toBe(told(2, 0, "1 silent for 10 s or more"));
  });

  test("what the list doesn't show is waited for: it may have broken off", () => {
    host.write("/ipvs/connections", connection("01:00"));
    host.write("/tmp/endless", "");
    host.program("timeout", ['[ "$1" = 5 ] || exit 64', "shift", 'exec /usr/bin/timeout 0.1 "$@"']);
    expect(drain("0", "192.0.2.21").stderr).toBe(told(2, 0, "1 silent for 10 s or more"));
  });

  test("a list that takes long is made seldom", () => {
    host.write("/ipvs/connections", several(3, connection("14:59")));
    host.program("nice", [
      "read -r up idle </proc/uptime",
      'echo "$((${up%.*} + 4)).00 $idle" >"$FOLDER/uptime"',
      'exec "$@"',
    ]);
    expect(drain("60", "192.0.2.21").stderr).toContain("3 open after");
    // At 0, 41 and 60 s or slightly later.
    expect(host.read("/tmp/listed")).toBe(".\n".repeat(3));
  });

  test("others' and those of other real servers, of persistent clients, and such as have ended count for nothing", () => {
    const others = table.slice(-3).map((line) => `${line}\n`);
    host.write("/ipvs/table", (host.read("/ipvs/table") ?? "") + others.join(""));
    host.write(
      "/ipvs/connections",
      [
        connection("01:00", undefined, "192.0.2.22:80"),
        connection("01:00", "203.0.113.1:80"),
        connection("00:01", undefined, undefined, "TCP FIN_WAIT"),
        connection("00:01", undefined, undefined, "TCP NONE", "203.0.113.9:0"),
        connection("00:01", undefined, undefined, "UDP UDP"),
      ].join(""),
    );
    expect(drain("0", "192.0.2.21").stderr).toBe(
      "drain: 192.0.2.21: no new connections; 3 open after 0 s\n",
    );
  });

  test.each([
    [
      "of UDP",
      [
        "-A -u 192.0.2.100:53 -s rr",
        "-a -u 192.0.2.100:53 -r 192.0.2.21:53 -g -w 1",
        "-a -u 192.0.2.100:53 -r 192.0.2.22:53 -g -w 1",
      ],
      connection("04:00", "192.0.2.100:53", "192.0.2.21:53", "UDP UDP"),
      // A persistent client's template, as older kernels (4.18) list it.
      connection("04:00", "192.0.2.100:53", "192.0.2.21:53", "UDP UDP", "203.0.113.9:0"),
    ],
    [
      "of SCTP",
      [
        "-A --sctp-service 192.0.2.100:53 -s rr",
        "-a --sctp-service 192.0.2.100:53 -r 192.0.2.21:53 -g -w 1",
        "-a --sctp-service 192.0.2.100:53 -r 192.0.2.22:53 -g -w 1",
      ],
      connection("14:00", "192.0.2.100:53", "192.0.2.21:53", "SCTP ESTABLISHED"),
    ],
    [
      "of any port",
      [
        "-A -t 192.0.2.100:0 -s rr -p 300",
        "-a -t 192.0.2.100:0 -r 192.0.2.21:0 -g -w 1",
        "-a -t 192.0.2.100:0 -r 192.0.2.22:0 -g -w 1",
      ],
      connection("14:00", "192.0.2.100:443", "192.0.2.21:443"),
    ],
    [
      "of a firewall mark",
      ["-A -f 9 -s rr", "-a -f 9 -r 192.0.2.21:0 -g -w 1", "-a -f 9 -r 192.0.2.22:0 -g -w 1"],
      connection("14:00", "192.0.2.100:443", "192.0.2.21:443"),
    ],
  ])("a silent one %s is told from the others", (_, service, line, template = "") => {
    const words = service[0]?.split(" ") ?? [];
    const [kind, name = ""] = words[1] === "-f" ? ["fwmark", "9"] : ["", words[2]];
    const protocol = { "-u": "UDP", "--sctp-service": "SCTP" }[words[1] ?? ""] ?? "TCP";
    const port = name.replace(/.*:/, "");
    const persistence = words.includes("-p") ? "persistence_timeout 300" : "";
    host.write(
      "/etc/keepalived/keepalived.conf",
      `vrrp_instance VI_1 {
    virtual_ipaddress {
        192.0.2.100/32 dev eth1
    }
}
virtual_server ${kind === "fwmark" ? "fwmark 9" : `192.0.2.100 ${port}`} {
    lvs_sched rr
    lvs_method DR
    protocol ${protocol}
    ${persistence}
    real_server 192.0.2.21 ${kind === "fwmark" ? 0 : port} {
    }
    real_server 192.0.2.22 ${kind === "fwmark" ? 0 : port} {
    }
}
`,
    );
    host.write("/ipvs/table", service.map((entry) => `${entry}\n`).join(""));
    host.write("/ipvs/connections", several(2, line) + template);
    expect(drain("0", "192.0.2.21").stderr).toBe(told(1, 0, "2 silent for 10 s or more"));
  });

  test("of IPv6, and of a firewall mark whose address another director holds", () => {
    host.write(
      "/etc/keepalived/keepalived.conf",
      conf.replace(
        "2001:db8::100/128 dev",
        "2001:db8::99/128 dev eth1\n        2001:db8::100/128 dev",
      ),
    );
    host.write(
      "/ipvs/table",
      table
        .slice(5, 11)
        .map((line) => `${line}\n`)
        .join(""),
    );
    host.write(
      "/ipvs/connections",
      [
        connection("14:00", "[2001:db8::100]:80", "[2001:db8::21]:80"),
        connection("14:59", "[2001:db8::100]:443", "[2001:db8::21]:443"),
        several(2, connection("14:59", "[2001:db8::99]:443", "[2001:db8::21]:443")),
      ].join(""),
    );
    // Three connections in each of the two services.
    expect(drain("0", "2001:db8::21").stderr).toBe(
      "drain: 2001:db8::21: no new connections; 3 open after 0 s; not waited for: " +
        "1 silent for 10 s or more, 2 that only another director told of\n",
    );
  });

  test("without a virtual address in the config, as if it held what it serves", () => {
    host.write("/etc/keepalived/keepalived.conf", conf.replace(/vrrp_instance[^]*?\n}\n/, ""));
    host.write("/tmp/addresses", standby);
    expect(drain("0", "192.0.2.21").stderr).toContain("3 open after 0 s\n");
  });
});

describe("a real server that a change drains", () => {
  test("is drained as by hand, again when it is already", () => {
    for (let run = 0; run < 2; run++) {
      const { code, stdout, stderr } = suspend("0", "192.0.2.21");
      expect([code, stdout, stderr]).toEqual([
        0,
        "drained\n",
        "drain: 192.0.2.21: no new connections; 0 open after 0 s\n",
      ]);
    }
    expect(changed()).toEqual([`-a ${web}.21:80 -g -w 0`]);
    expect(host.read(`${lease}.away`)).toBe("192.0.2.21\n");
  });

  test("isn't drained where keepalived doesn't run, nor where it is in no pool", () => {
    const { code, stdout, stderr } = suspend("0", "192.0.2.29");
    expect([code, stdout, stderr]).toEqual([0, "", ""]);
    host.shell("rm $FOLDER/systemd/active/keepalived.service");
    expect(suspend("0", "192.0.2.21")).toMatchObject({ code: 0, stdout: "" });
    expect(changed()).toEqual([]);
    expect(host.read(`${lease}.away`)).toBeUndefined();
  });

  test("is told from one that was drained by hand, until it is put back", () => {
    expect(drain("0", "2001:db8::22").code).toBe(0);
    expect(suspend("0", "192.0.2.21").code).toBe(0);
    expect(host.read(byChange)).toBe("192.0.2.21\n");
    expect(restore(everything, "192.0.2.21").code).toBe(0);
    expect(host.read(byChange)).toBe("");
    expect(host.read(noted)).toContain("2001:db8::22");
  });

  test("is told from one that was drained by hand before, and from one whom nobody could spare", () => {
    expect(drain("0", "192.0.2.21").code).toBe(0);
    expect(suspend("0", "192.0.2.21").code).toBe(0);
    expect(suspend("0", "192.0.2.22").code).toBe(0);
    expect(host.read(byChange)).toBeUndefined();
  });

  test.each([
    ["drained by hand since", () => drain("0", "192.0.2.21")],
    ["put back by hand", () => host.script("drain.sh", ["undrain", "192.0.2.21"])],
  ])("is the operator's when it is %s", (_, act) => {
    expect(suspend("0", "192.0.2.21", "2001:db8::21").code).toBe(0);
    expect(act().code).toBe(0);
    expect(host.read(byChange)).toBe("2001:db8::21\n");
  });

  test("is told of by the next run, when one was killed in between", () => {
    host.write("/tmp/cut", "");
    expect(suspend("0", "192.0.2.21").code).not.toBe(0);
    host.shell("rm $FOLDER/tmp/cut");
    expect(suspend("0", "192.0.2.21").code).toBe(0);
    expect(host.read(byChange)).toBe("192.0.2.21\n");
  });

  test("leaves no word behind on a director whose keepalived is stopped", () => {
    expect(suspend("0", "192.0.2.21").code).toBe(0);
    host.shell("rm $FOLDER/systemd/active/keepalived.service");
    expect(restore(everything, "192.0.2.21").code).toBe(0);
    expect(host.read(byChange)).toBeUndefined();
  });
});

describe("a change's lease", () => {
  /**
   * Runs shell lines beside another run, which lasts until `theirs ends`. It has begun when its
   * lease is held, without a sleep of its own.
   */
  const beside = (...lines: string[]) =>
    host.shell(
      [
        'begin() { mkfifo "$FOLDER/tmp/$1"; hold "$1" <"$FOLDER/tmp/$1" & holder=$!; exec 7>"$FOLDER/tmp/$1"; printf . >&7; held "$1"; }',
        'held() { until [ -e "/run/lvs-ha-leases/$1" ] && ! flock -n -s "/run/lvs-ha-leases/$1" true; do /bin/sleep 0.05; done; }',
        `hold() { ${host.scripts}/drain.sh hold "$1" 7>&-; }`,
        "ends() { exec 7>&-; wait $holder; }",
        `drain() { ${host.scripts}/drain.sh "$@" 7>&-; }`,
        "begin theirs",
        ...lines,
      ].join("\n"),
    );
  const [one, other] = ["192.0.2.21", "2001:db8::22"];

  test("keeps others from changing more than their limit, until the real server is back", () => {
    const { stdout, stderr } = beside(
      `drain suspend theirs 1 0 ${one}`,
      "(begin ours; drain suspend ours 1 0 2001:db8::22; drain suspend ours 2 0 2001:db8::22; ends)",
      `printf '%s' '${everything}==> end <==' | drain restore theirs ${one}`,
      `drain suspend theirs 1 0 ${other}; ends`,
    );
    expect(stdout).toBe("drained\nbusy\ndrained\ndrained\n");
    expect(stderr).toContain(
      `drain: ${other}: waiting for ${one}, which another run is changing\n`,
    );
  });

  test("has real servers of its own wait as well", () => {
    const { stdout } = beside(
      `drain suspend theirs 1 0 ${one}`,
      `drain suspend theirs 1 0 ${other}`,
      "ends",
    );
    expect(stdout).toBe("drained\nbusy\n");
  });

  test("ends with its process: others go on, and whoever is out comes back by itself", () => {
    const { code, stderr } = beside(`drain suspend theirs 1 0 ${one} >/dev/null`, "ends");
    expect([code, stderr]).toEqual([
      0,
      [
        `drain: ${one}: no new connections; 0 open after 0 s`,
        `drain: ${one}: its change has ended without a word`,
        `drain: ${one}: in again`,
        "",
      ].join("\n"),
    ]);
    expect(changed()).toEqual([]);
    expect(host.read(byChange)).toBe("");
    expect(host.shell("ls /run/lvs-ha-leases").stdout).toBe("");
  });

  test("that has ended doesn't count, though its real server isn't well yet, and comes back once it is", () => {
    host.write(
      "/journal",
      `Starting Healthcheck child process, pid=25\nDisabling service [${one}]:tcp:80 of VS [192.0.2.100]:tcp:80\n`,
    );
    host.sleeps(1, ['. "$FOLDER/tmp/meanwhile"']);
    const well = `echo "Enabling service [${one}]:tcp:80 of VS [192.0.2.100]:tcp:80" >>$FOLDER/journal`;
    // Another run begins during the wait.
    host.write(
      "/tmp/meanwhile",
      [
        '[ ! -e "$FOLDER/tmp/asked" ] || return 0',
        '>"$FOLDER/tmp/asked"',
        `exec 6>${lease}; flock 6; ${host.scripts}/drain.sh suspend ours 1 0 ${other}; exec 6>&-`,
        well,
        "",
      ].join("\n"),
    );
    const { stdout } = beside(`drain suspend theirs 1 0 ${one} >/dev/null`, "ends");
    expect(stdout).toBe("drained\n");
    expect(changed()).toEqual([
      `-a -t [2001:db8::100]:80 -r [${other}]:80 -g -w 0`,
      `-a -f 7 -6 -r [${other}]:0 -i -w 0`,
    ]);
  });

  test("of another run has taken over who was left", () => {
    host.sleeps(1);
    const { stdout } = beside(
      `drain suspend theirs 1 0 ${one}`,
      `exec 6>${lease}; flock 6; drain suspend ours 2 0 ${one}`,
      "ends 6>&-",
    );
    expect(stdout).toBe("drained\ndrained\n");
    expect(changed()).toEqual([`-a ${web}.21:80 -g -w 0`]);
  });

  test("must be held: what was killed changes nothing", () => {
    host.sleeps(1);
    const { code, stderr } = host.script("drain.sh", ["suspend", "ours", "1", "0", one]);
    expect([code, stderr]).toEqual([
      1,
      "drain: nobody holds the lease ours: has the pulumi that asks ended?\n",
    ]);
    expect(changed()).toEqual([]);
  });
});

test.each([
  ["serving", "says", "serving\n"],
  ["stopped", "doesn't say", ""],
])("a director whose keepalived is %s %s that it serves", (state, _, said) => {
  if (state === "stopped") host.shell("rm $FOLDER/systemd/active/keepalived.service");
  expect(host.script("drain.sh", ["serves"]).stdout).toBe(said);
});

describe("before it is put back, a real server's checks have had a round to fail in", () => {
  const at = "real_server 192.0.2.21 80 {\n        weight 3";
  const withCheck = (check: string, realServer = "", service = "") => {
    host.write(
      "/etc/keepalived/keepalived.conf",
      conf
        .replace(at, `${at}\n${realServer}\n${check}`)
        .replace("lvs_sched wrr", `lvs_sched wrr\n${service}`),
    );
  };
  const tcp = `TCP_CHECK {
    connect_timeout 3
    retry 1
    delay_before_retry 1
  }`;
  const age = () => Number(host.read("/uptime")?.split(".")[0]) - 100;

  test("and it is put back when they haven't", () => {
    withCheck(tcp, "", "delay_loop 3");
    host.sleeps(1, ['. "$FOLDER/tmp/meanwhile"']);
    host.write(
      "/tmp/meanwhile",
      `grep -qF -- "${web}.21:80 -g -w 0" "$FOLDER/ipvs/table" || echo early >&2\nflock -n /run/lvs-ha.lock true || echo locked >&2\n`,
    );
    expect(suspend("0", "192.0.2.21").code).toBe(0);
    const { code, stderr } = restore(everything, "192.0.2.21");
    expect([code, stderr]).toEqual([
      0,
      "drain: waiting 11 s, a round of the checks of 192.0.2.21\ndrain: 192.0.2.21: in again\n",
    ]);
    expect([changed(), age()]).toEqual([[], 12]);
  });

  test("and it stays out, an error, when they have", () => {
    withCheck(tcp, "", "delay_loop 3");
    host.write("/tmp/meanwhile", `sed -i '/${web}.21:80 -g/d' "$FOLDER/ipvs/table"\n`);
    expect(suspend("0", "192.0.2.21").code).toBe(0);
    expect(restore(everything, "192.0.2.21")).toMatchObject({
      code: 1,
      stderr: expect.stringContaining(
        "192.0.2.21 is out of -t 192.0.2.100:80 after 60 s",
      ) as string,
    });
    expect(host.read(byChange)).toBe("192.0.2.21\n");
  });

  test.each<[string, string, string, string, number]>([
    ["by keepalived's defaults", "TCP_CHECK {\n}", "", "", 60],
    ["by the config's numbers", "TCP_CHECK {\n}", "delay_loop 2", "delay_loop 20", 14],
    [
      "of the longest of several",
      "TCP_CHECK {\nretry 0\n}\nTCP_CHECK {\n}\nTCP_CHECK {\nretry 0\n}",
      "",
      "delay_loop 2",
      14,
    ],
    [
      "past braces in quotes, and in comments",
      'MISC_CHECK {\nmisc_path "/bin/x { {"\nmisc_timeout 7\n}',
      'notify_down "/bin/y }}" # {',
      "delay_loop 2 ! }",
      10,
    ],
    ["not where none asks", "FILE_CHECK {\ntrack_file x\n}\nBFD_CHECK {\nname y\n}", "", "", 0],
  ])("%s", (_, check, realServer, service, seconds) => {
    withCheck(check, realServer, service);
    expect(suspend("0", "192.0.2.21").code).toBe(0);
    const { code, stderr } = restore(everything, "192.0.2.21");
    expect([code, Number(/waiting (\d+) s/.exec(stderr)?.[1] ?? 0)]).toEqual([0, seconds]);
    expect(changed()).toEqual([]);
  });

  test("all its addresses together, once; those that nobody drained not at all", () => {
    host.write(
      "/etc/keepalived/keepalived.conf",
      conf.replace(/real_server .* {/g, `$&\ndelay_loop 3\n${tcp}`),
    );
    host.sleeps(1);
    expect(restore(everything, "192.0.2.21").stderr).toBe("");
    expect(suspend("0", "192.0.2.21", "2001:db8::21").code).toBe(0);
    expect(restore(everything, "192.0.2.22").stderr).not.toContain("waiting");
    expect(age()).toBe(0);
    expect(restore(everything, "192.0.2.21", "2001:db8::21").stderr).toContain(
      "waiting 11 s, a round of the checks of 192.0.2.21 2001:db8::21\n",
    );
    expect(age()).toBe(12);
  });

  test("but not those of a service that it is about to leave", () => {
    withCheck(tcp, "", "delay_loop 3");
    expect(suspend("0", "192.0.2.21").code).toBe(0);
    expect(restore("", "192.0.2.21").stderr).not.toContain("waiting");
  });
});

describe("a real server that comes back", () => {
  const out = `-a ${web}.21:80 -g -w 3\n`;
  const without = (line: string) => (host.read("/ipvs/table") ?? "").replace(line, "");

  beforeEach(() => {
    expect(drain("0", "192.0.2.21", "2001:db8::21").code).toBe(0);
  });

  test("has the weight that it had, with the others still drained as they were", () => {
    expect(drain("0", "2001:db8::22").code).toBe(0);
    const { code, stderr } = restore(everything, "192.0.2.21", "2001:db8::21");
    expect([code, stderr]).toEqual([
      0,
      "drain: 192.0.2.21: in again\ndrain: 2001:db8::21: in again\n",
    ]);
    expect([changed(), host.read(noted)]).toEqual([[], ""]);
  });

  test("has the weight that the config has by now", () => {
    host.write("/etc/keepalived/keepalived.conf", conf.replace("weight 3", "weight 5"));
    expect(host.script("drain.sh", ["undrain", "192.0.2.21"]).code).toBe(0);
    expect(changed()[0]).toBe(`-a ${web}.21:80 -g -w 5`);
  });

  test("has the weight that it had where a check sets it", () => {
    const dynamic = "weight 3\n        FILE_CHECK {\n            track_file load\n        }";
    host.write("/etc/keepalived/keepalived.conf", conf.replace("weight 3", dynamic));
    expect(host.script("drain.sh", ["undrain", "192.0.2.21"]).code).toBe(0);
    expect(host.read("/ipvs/table")).toContain(out);
  });

  test("keeps a weight that keepalived has given it since", () => {
    host.write("/ipvs/table", without(" -w 0").replace(`${web}.21:80 -g`, `${web}.21:80 -g -w 9`));
    expect(host.script("drain.sh", ["undrain", "192.0.2.21"]).code).toBe(0);
    expect(changed()[0]).toBe(`-a ${web}.21:80 -g -w 9`);
  });

  test("is waited for while its check fails", () => {
    host.write("/ipvs/table", without(`-a ${web}.21:80 -g -w 0\n`));
    host.write(
      "/tmp/meanwhile",
      `[ "$(wc -l <"$FOLDER/tmp/slept")" -lt 7 ] || echo '-a ${web}.21:80 -g -w 3' >>"$FOLDER/ipvs/table"\n`,
    );
    const { code } = restore(everything, "192.0.2.21");
    expect([code, host.read("/tmp/slept")?.split("\n").length]).toEqual([0, 8]);
  });

  test("is waited for while its check holds it at weight 0, where inhibit_on_failure keeps it in", () => {
    host.write("/journal", "Disabling service [192.0.2.21]:tcp:80 of VS [192.0.2.100]:tcp:80\n");
    host.write(
      "/tmp/meanwhile",
      'echo "Enabling service [192.0.2.21]:tcp:80 of VS [192.0.2.100]:tcp:80" >"$FOLDER/journal"\n',
    );
    expect(restore(everything, "192.0.2.21").code).toBe(0);
    expect(host.read("/tmp/slept")).toBe(".\n");
    expect(changed()).not.toContain(`-a ${web}.21:80 -g -w 0`);
  });

  test("is an error after 60 s, and can be brought back later", () => {
    host.write("/ipvs/table", without(`-a ${web}.21:80 -g -w 0\n`));
    const { code, stderr } = restore(everything, "192.0.2.21");
    expect([code, stderr]).toEqual([
      1,
      "drain: 192.0.2.21 is out of -t 192.0.2.100:80 after 60 s: its check fails; see: journalctl -u keepalived\n",
    ]);
    expect(host.read(noted)).toContain(out);
  });

  const fell = "Removing service [192.0.2.21]:tcp:80 from VS [192.0.2.100]:tcp:80";
  const reload = (...services: string[]) => [
    "Reinitializing ipvs",
    ...services.map(
      (service) => `Activating healthchecker for service [192.0.2.21]:tcp:80 for VS ${service}`,
    ),
  ];
  const both = reload("[192.0.2.100]:tcp:80", "[192.0.2.99]:tcp:80");

  test.each<[string, string[]]>([
    [
      "its check failed once, and its service was gone since",
      [
        ...both,
        fell,
        "Removing Virtual Server [192.0.2.100]:tcp:80",
        ...reload("[192.0.2.99]:tcp:80"),
        ...both,
      ],
    ],
    [
      "it was gone itself for a while, which the log tells in the words of a check that fails",
      [
        ...both,
        "Reinitializing ipvs",
        "service [192.0.2.21]:tcp:80 no longer exist",
        fell,
        ...reload("[192.0.2.99]:tcp:80").slice(1),
        ...both,
        ...both,
      ],
    ],
  ])("isn't waited for because %s", (_, log) => {
    host.write("/journal", log.map((line) => `${line}\n`).join(""));
    expect(restore(everything, "192.0.2.21").code).toBe(0);
    expect(host.read("/tmp/slept")).toBeUndefined();
  });

  test("is waited for when its check fails, though it left another service since", () => {
    const log = [
      ...both,
      fell,
      "Reinitializing ipvs",
      "service [192.0.2.21]:tcp:80 no longer exist",
      ...reload("[192.0.2.100]:tcp:80").slice(1),
      ...both,
    ];
    host.write("/journal", log.map((line) => `${line}\n`).join(""));
    expect(restore(everything, "192.0.2.21").code).toBe(1);
  });

  test("isn't waited for in a service that it has left", () => {
    host.write("/ipvs/table", without(`-a ${web}.21:80 -g -w 0\n`));
    host.write(
      "/etc/keepalived/keepalived.conf",
      conf.replace("    real_server 192.0.2.21 80 {\n        weight 3\n    }\n", ""),
    );
    const { code, stderr } = restore(everything, "192.0.2.21");
    expect([code, stderr]).toEqual([
      0,
      "drain: 192.0.2.21 has left -t 192.0.2.100:80\ndrain: 192.0.2.21: in again\n",
    ]);
    expect(host.read(noted)).not.toContain(out);
  });

  test("is put in where the config is in older words, written before the stack's", () => {
    host.write(
      "/etc/keepalived/keepalived.conf",
      conf.replaceAll("lvs_sched", "lb_algo").replaceAll("lvs_method", "lb_kind"),
    );
    expect(restore(everything, "192.0.2.21").code).toBe(0);
    expect(changed()).not.toContain(`-a ${web}.21:80 -g -w 0`);
  });

  test("isn't waited for in a service that it is about to leave", () => {
    host.write("/ipvs/table", without(`-a ${web}.21:80 -g -w 0\n`));
    const { code, stderr } = restore(everything.replace(`-a ${web}.21:80 -g\n`, ""), "192.0.2.21");
    expect([code, stderr]).toEqual([
      0,
      "drain: 192.0.2.21 is about to leave -t 192.0.2.100:80\ndrain: 192.0.2.21: in again\n",
    ]);
    expect(host.read(noted)).not.toContain(out);
  });
});

test.each([
  ["Removing service [192.0.2.22]:tcp:80 from VS [192.0.2.100]:tcp:80", `${web}.22:80 `],
  [
    "Disabling service [192.0.2.22]:udp:53 of VS [192.0.2.100]:udp:53",
    "-u 192.0.2.100:53 -r 192.0.2.22:53 ",
  ],
  // As before 2.2.3.
  ["Removing service [192.0.2.22]:tcp:80 to VS [192.0.2.100]:tcp:80", `${web}.22:80 `],
  [
    "Disabling service [192.0.2.22]:udp:53 to VS [192.0.2.100]:udp:53",
    "-u 192.0.2.100:53 -r 192.0.2.22:53 ",
  ],
  ["Removing service [192.0.2.22]:none:80 from VS FWM 1", "-f 1 -r 192.0.2.22:"],
  ["Removing service [2001:db8::22]:none:0 from VS FWM 7", "-f 7 -6 -r [2001:db8::22]:"],
  [
    "Removing service [2001:db8::22]:tcp:80 from VS [2001:db8::100]:tcp:80",
    "-t [2001:db8::100]:80 -r [2001:db8::22]:80 ",
  ],
  ["Adding service [192.0.2.22]:tcp:80 to VS [192.0.2.100]:tcp:80", ""],
  ["Removing sorry server [192.0.2.99]:tcp:80 from VS [192.0.2.100]:tcp:80", ""],
])("by the log's line %s, keepalived has taken out %j", (line, entry) => {
  host.write(
    "/journal",
    [
      "Removing service [192.0.2.23]:tcp:80 from VS [192.0.2.100]:tcp:80",
      "Starting Healthcheck child process, pid=25",
      line,
      "",
    ].join("\n"),
  );
  const { stdout, stderr } = host.shell(`. ${host.scripts}/ipvs.sh; taken_out`);
  expect([stdout, stderr]).toEqual([entry && `${entry}\n`, ""]);
});

test("by a log that doesn't go back to keepalived's start, it isn't known who else is out", () => {
  host.write("/journal", "Adding service [192.0.2.22]:tcp:80 to VS [192.0.2.100]:tcp:80\n");
  expect(host.shell(`. ${host.scripts}/ipvs.sh; taken_out`).stdout).toBe("?\n");
});
