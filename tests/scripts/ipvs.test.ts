// The proof of a config: what it wants in IPVS, in the words of `ipvsadm -Sn`, compared with the
// kernel's table.
import { advertisedAddress } from "../../components/render/advertised";
import { renderKeepalived } from "../../components/render/keepalived";
import { settingsOf, smallStack } from "../support/stacks";
import { PretendHost } from "./host";

let host: PretendHost;
beforeAll(() => {
  host = new PretendHost();
});
afterAll(() => {
  host.remove();
});

/** keepalived.conf of a stack with these virtual servers. */
function confOf(virtualServers: Record<string, unknown>[], more: Record<string, unknown> = {}) {
  // This back end supports every protocol.
  const stack = { ...smallStack(), firewall: { backend: "nftables" }, ...more, virtualServers };
  const settings = settingsOf(stack);
  const [director] = settings.directors;
  if (!director) throw new Error("no director");
  return renderKeepalived(settings, director, false);
}

function wanted(conf: string): string[] {
  host.write("/etc/keepalived.conf", conf);
  const { code, stdout, stderr } = host.shell(
    `. ${host.scripts}/foreign.sh; . ${host.scripts}/ipvs.sh; wanted /etc/keepalived.conf`,
  );
  expect([code, stderr]).toEqual([0, ""]);
  return stdout.trimEnd().split("\n");
}

const noChecks = { checks: [] };

const withIpv6 = {
  directors: smallStack().directors.map((director, i) => ({
    ...director,
    vrrpAddress6: `2001:db8::1${i + 1}/64`,
  })),
  // A valid spelling, but not the shortest.
  realServers: smallStack().realServers.map((server, i) => ({
    ...server,
    address6: `2001:DB8:0:0::2${i + 1}`,
  })),
};

describe("a config wants", () => {
  test.each<[string, Record<string, unknown>, string[], Record<string, unknown>]>([
    [
      "a TCP service and its real servers, by direct routing",
      {},
      [
        "-A -t 192.0.2.100:80 -s rr",
        "-a -t 192.0.2.100:80 -r 192.0.2.21:80 -g -w 1",
        "-x -t 192.0.2.100:80 -r 192.0.2.21:80 0 0",
        "-a -t 192.0.2.100:80 -r 192.0.2.22:80 -g -w 1",
        "-x -t 192.0.2.100:80 -r 192.0.2.22:80 0 0",
      ],
      {},
    ],
    ["a UDP service", { protocol: "UDP" }, ["-A -u 192.0.2.100:80 -s rr"], {}],
    [
      "one whose datagrams are scheduled each for itself",
      { protocol: "UDP", onePacketScheduling: true },
      ["-A -u 192.0.2.100:80 -s rr -o"],
      {},
    ],
    [
      "an SCTP service",
      { protocol: "SCTP" },
      ["-A --sctp-service 192.0.2.100:80 -s rr"],
      { firewall: { backend: "nftables" } },
    ],
    ["persistence", { persistenceTimeoutSeconds: 300 }, ["-A -t 192.0.2.100:80 -s rr -p 300"], {}],
    [
      "persistence of a network",
      { persistenceTimeoutSeconds: 300, persistenceGranularity: 24 },
      ["-A -t 192.0.2.100:80 -s rr -p 300 -M 255.255.255.0"],
      {},
    ],
    [
      "persistence by call",
      { protocol: "UDP", persistenceTimeoutSeconds: 300, persistenceEngine: "sip" },
      ["-A -u 192.0.2.100:80 -s rr -p 300 --pe sip"],
      {},
    ],
    [
      "a scheduler's flags, in ipvsadm's order",
      { scheduler: "sh", schedulerFlags: ["sh-port", "sh-fallback"] },
      ["-A -t 192.0.2.100:80 -s sh -b sh-fallback,sh-port"],
      {},
    ],
    [
      "masquerading to another port, tunnels, weights and thresholds, each its own",
      {
        scheduler: "wrr",
        realServers: [
          { name: "web1", forwarding: "NAT", port: 8080, weight: 3 },
          { name: "web2", forwarding: "TUN", upperThreshold: 100, lowerThreshold: 75 },
        ],
      },
      [
        "-a -t 192.0.2.100:80 -r 192.0.2.21:8080 -m -w 3",
        "-a -t 192.0.2.100:80 -r 192.0.2.22:80 -i -w 1",
        "-x -t 192.0.2.100:80 -r 192.0.2.22:80 100 75",
      ],
      {},
    ],
    [
      "any weight where a check sets it",
      {
        realServers: [
          { name: "web1", checks: [{ type: "misc", script: "load", dynamic: true }] },
          { name: "web2", weight: 7, checks: [{ type: "misc", script: "load" }] },
        ],
      },
      [
        "-a -t 192.0.2.100:80 -r 192.0.2.21:80 -g -w *",
        "-a -t 192.0.2.100:80 -r 192.0.2.22:80 -g -w 7",
      ],
      { scripts: { load: "#!/bin/sh\n" } },
    ],
    [
      "any weight where a file adds to it",
      { checks: [{ type: "file", trackFile: "load", weight: 2 }] },
      ["-a -t 192.0.2.100:80 -r 192.0.2.21:80 -g -w *"],
      { tracking: { files: [{ name: "load", file: "/run/load" }] } },
    ],
    [
      "weight 0, too, of a real server that is kept in when it is out",
      {
        scheduler: "wrr",
        inhibitOnFailure: true,
        realServers: [{ name: "web1", weight: 5 }],
        checks: [{ type: "misc", script: "load" }],
      },
      [
        "-a -t 192.0.2.100:80 -r 192.0.2.21:80 -g -w 5",
        "+a -t 192.0.2.100:80 -r 192.0.2.21:80 -g -w 0",
      ],
      { scripts: { load: "#!/bin/sh\n" } },
    ],
    [
      "a sorry server, if it is there, and with weight 0 if it is kept in",
      {
        sorryServer: {
          address: "192.0.2.99",
          port: 8000,
          forwarding: "NAT",
          inhibitOnFailure: true,
        },
      },
      [
        "+a -t 192.0.2.100:80 -r 192.0.2.99:8000 -m -w 1",
        "+a -t 192.0.2.100:80 -r 192.0.2.99:8000 -m -w 0",
      ],
      {},
    ],
    [
      "IPv6 in brackets, in the one spelling that the kernel's tools have",
      { address: "2001:DB8:0::0100", persistenceTimeoutSeconds: 60, persistenceGranularity: 64 },
      [
        "-A -t [2001:db8::100]:80 -s rr -p 60 -M 64",
        "-a -t [2001:db8::100]:80 -r [2001:db8::21]:80 -g -w 1",
        "-x -t [2001:db8::100]:80 -r [2001:db8::22]:80 0 0",
      ],
      withIpv6,
    ],
    [
      "a mark's real servers at the port that the client asked for",
      { address: undefined, port: undefined, fwmark: 7, traffic: [{ address: "192.0.2.100" }] },
      ["-A -f 7 -s rr", "-a -f 7 -r 192.0.2.21:0 -g -w 1"],
      {},
    ],
    [
      "a mark of IPv6",
      { address: undefined, port: undefined, fwmark: 7, traffic: [{ address: "2001:db8::100" }] },
      ["-A -f 7 -6 -s rr", "-a -f 7 -6 -r [2001:db8::22]:0 -g -w 1"],
      withIpv6,
    ],
  ])("%s", (_what, service, lines, more) => {
    const conf = confOf(
      [{ name: "web", address: "192.0.2.100", port: 80, ...noChecks, ...service }],
      more,
    );
    expect(wanted(conf)).toEqual(expect.arrayContaining(lines));
  });

  test("nothing twice, and nothing that it doesn't say", () => {
    const lines = wanted(
      confOf([
        { name: "web", address: "192.0.2.100", port: 80, ...noChecks },
        { name: "dns", address: "192.0.2.100", port: 53, protocol: "UDP", ...noChecks },
      ]),
    );
    expect(lines.filter((line) => line.startsWith("-A"))).toEqual([
      "-A -t 192.0.2.100:80 -s rr",
      "-A -u 192.0.2.100:53 -s rr",
    ]);
    expect(lines.filter((line) => /^.a/.test(line))).toHaveLength(4);
  });

  test("the services by which a check reaches a virtual address at one real server", () => {
    const lines = wanted(confOf([{ name: "web", address: "192.0.2.100", port: 80 }]));
    const marked = lines.filter((line) => line.includes("-f "));
    expect(marked.map((line) => line.replace(/-f \d{5,8} /, "-f MARK "))).toEqual(
      ["192.0.2.21", "192.0.2.22"].flatMap((address) => [
        "-A -f MARK -s rr",
        `-a -f MARK -r ${address}:0 -g -w 1`,
        `-x -f MARK -r ${address}:0 0 0`,
      ]),
    );
    expect(new Set(marked.map((line) => line.split(" ")[2])).size).toBe(2);
  });

  test.each([
    ["0:0:0:0:1:0:0:0", "::1:0:0:0"],
    ["1:0:0:4:5:0:0:8", "1::4:5:0:0:8"],
    ["1:0:3:4:5:6:7:8", "1:0:3:4:5:6:7:8"],
    ["2001:0DB8::00AB:0", "2001:db8::ab:0"],
    ["fe80::", "fe80::"],
    ["::1", "::1"],
  ])("the address %s as %s", (written, printed) => {
    expect(wanted(`virtual_server ${written} 80 {\n    lvs_sched rr\n}\n`)).toEqual([
      `-A -t [${printed}]:80 -s rr`,
    ]);
  });

  test.each(["up.\\}$", "^\\{.status", "a{2}", "no # comment", "up!", "\\\\}"])(
    "the same, whatever a check looks for: %s",
    (regex) => {
      const withCheck = (checks: unknown[]) =>
        wanted(
          confOf([
            { name: "web", address: "192.0.2.100", port: 80, checks },
            { name: "other", address: "192.0.2.100", port: 81, ...noChecks },
          ]),
        ).filter((line) => !line.startsWith("=c") && !line.includes("-f "));
      const check = { type: "http", urls: [{ path: "/", regex, regexOptions: ["multiline"] }] };
      expect(withCheck([check])).toEqual(withCheck([]));
    },
  );

  test.each<[string, string[]]>([
    ["a block on one line", ["virtual_server 192.0.2.100 80 { lvs_sched rr }"]],
    [
      "braces where another hand puts them",
      ["virtual_server 192.0.2.100 80", "{", "lvs_sched rr", 'quorum_up "/bin/say } up" }'],
    ],
    [
      "comments between quotes, escaped, and after a backslash",
      [
        "virtual_server 192.0.2.100 80 { ! it's",
        'quorum_up "/bin/say \\\\ # {" # {',
        "quorum_down /bin/say\\#{",
        "}",
        "lvs_sched \\",
        "  rr # }",
        "}",
      ],
    ],
    ["a value in quotes", ['virtual_server "192.0.2.100" 80 {', 'lvs_sched "rr"', "}"]],
    ["a parameter", ["virtual_server 192.0.2.100 80 {", "delay_loop ${D}", "lvs_sched rr", "}"]],
  ])("what keepalived reads of %s", (_what, lines) => {
    const after = ["virtual_server 192.0.2.101 80 {", "lvs_sched rr", "}", ""];
    expect(wanted([...lines, ...after].join("\n"))).toEqual([
      "-A -t 192.0.2.100:80 -s rr",
      "-A -t 192.0.2.101:80 -s rr",
    ]);
  });

  test("of a config by another hand, the services: tabs, comments, groups and no protocol", () => {
    const conf = [
      "virtual_server_group G {",
      "\t192.0.2.200 80",
      "}",
      "virtual_server group G {",
      "\tprotocol UDP",
      "}",
      "virtual_server 192.0.2.100 80 { # the } web",
      "\tlb_algo rr ! {",
      "\treal_server 192.0.2.21 80 {",
      "\t\tTCP_CHECK {",
      "\t\t}",
      "\t}",
      "}",
      "",
    ].join("\n");
    expect(wanted(conf).filter((line) => line.startsWith("-A"))).toEqual([
      "-A -t 192.0.2.100:80 -s ",
    ]);
  });
});

describe("the checks of a real server have had their say", () => {
  test.each<[number, string, string[]]>([
    [72, "as keepalived does it by itself", ["TCP_CHECK {", "}"]],
    [18, "at the virtual server's pace", ["TCP_CHECK {", "}", "delay_loop 6"]],
    [
      14,
      "with the virtual server's timeout",
      ["TCP_CHECK {", "}", "connect_timeout 3", "delay_loop 6"],
    ],
    [10, "at its own", ["TCP_CHECK {", "retry 0", "delay_loop 4", "}", "delay_loop 6"]],
    [15, "with a long warm-up", ["TCP_CHECK {", "retry 0", "warmup 9", "}", "delay_loop 3"]],
    [9, "with a short one", ["TCP_CHECK {", "retry 0", "warmup 0.5", "}", "delay_loop 3"]],
    [0, "where none asks", ["FILE_CHECK {", "track_file x", "}", "BFD_CHECK {", "name y", "}"]],
    [
      23,
      "page by page",
      ["HTTP_GET {", "url {", "}", "url {", "}", "connect_timeout 3", "}", "delay_loop 5"],
    ],
    [11, "a script", ["MISC_CHECK {", "misc_timeout 4", "}", "delay_loop 6"]],
    [45, "a name server", ["DNS_CHECK {", "}", "delay_loop 6"]],
    [45, "the slowest of them", ["DNS_CHECK {", "}", "TCP_CHECK {", "}", "delay_loop 6"]],
  ])("after %d s: %s", (seconds, _what, lines) => {
    const ends = lines.findLastIndex((line) => line === "}") + 1;
    const conf = [
      "virtual_server 192.0.2.100 80 {",
      ...lines.slice(ends),
      "real_server 192.0.2.21 80 {",
      ...lines.slice(0, ends),
      "}",
      "}",
      "",
    ].join("\n");
    expect(wanted(conf).find((line) => line.startsWith("=c"))).toMatch(
      `=c -t 192.0.2.100:80 -r 192.0.2.21:80 ${seconds} `,
    );
  });
});

interface Kernel {
  /** Lines of `ipvsadm -Sn`, with each real server's -x and -y added. */
  rules: string[];
}

/** Runs shell lines that judge a config against the kernel's table. */
function judged(conf: string, { rules }: Kernel, lines: string[]) {
  host.write("/etc/conf", conf);
  host.write("/ipvs/table", rules.map((line) => `${line}\n`).join(""));
  return host.shell(
    [
      "set -eu",
      "scratch=$FOLDER/tmp",
      `. ${host.scripts}/foreign.sh`,
      `. ${host.scripts}/ipvs.sh`,
      '{ wanted /etc/conf && wanted_by_drain; } >"$scratch/wanted"',
      ...lines,
    ].join("\n"),
  );
}

/** The result of comparing a config, the previous config and the kernel. */
function compared(conf: string, kernel: Kernel, previous = "") {
  host.write("/etc/previous", previous);
  const { code, stdout, stderr } = judged(conf, kernel, [
    'live /etc/conf /etc/previous >"$scratch/live"',
    "compare",
    'printf "%s\\0" "$lacks" "$strange" "$out" "$limits"',
  ]);
  expect([code, stderr]).toEqual([0, ""]);
  const [lacks, strange, out, limits] = stdout.split("\0");
  return { lacks, strange, out, limits };
}

describe("of what the kernel has,", () => {
  const conf = (more: Record<string, unknown> = {}, service: Record<string, unknown> = {}) =>
    confOf([{ name: "web", address: "192.0.2.100", port: 80, ...noChecks, ...service }], more);
  const service = "-A -t 192.0.2.100:80 -s rr";
  const web1 = "-a -t 192.0.2.100:80 -r 192.0.2.21:80 -g -w 1";
  const web2 = "-a -t 192.0.2.100:80 -r 192.0.2.22:80 -g -w 1";
  const right = { lacks: "", strange: "", out: "", limits: "" };

  test("what the config says is right, and services of others are left alone", () => {
    const others = [
      "-A -t 203.0.113.1:80 -s wlc",
      "-a -t 203.0.113.1:80 -r 203.0.113.2:80 -m -w 1",
    ];
    expect(compared(conf(), { rules: [service, web1, web2, ...others] })).toEqual(right);
  });

  test("an empty table lacks every virtual server", () => {
    expect(compared(conf(), { rules: [] })).toMatchObject({
      lacks: service,
      out: `${web1}\n${web2}`,
    });
  });

  test.each([
    ["scheduler", {}, "-A -t 192.0.2.100:80 -s wlc"],
    ["persistence", {}, "-A -t 192.0.2.100:80 -s rr -p 300"],
    ["flag", { scheduler: "sh", schedulerFlags: ["sh-port"] }, "-A -t 192.0.2.100:80 -s sh"],
    [
      "way with datagrams",
      { protocol: "UDP", onePacketScheduling: true },
      "-A -u 192.0.2.100:80 -s rr",
    ],
  ])("a virtual server with another %s is not the one wanted", (_what, wants, has) => {
    const { lacks, strange } = compared(conf({}, wants), { rules: [has] });
    expect(lacks).toMatch(/^-A -[tu] 192\.0\.2\.100:80 -s /);
    expect(strange).toBe(has);
  });

  test("a real server that is missing is out, and nothing is wrong with that", () => {
    expect(compared(conf(), { rules: [service, web2] })).toEqual({ ...right, out: web1 });
  });

  test.each([
    ["weight", "-a -t 192.0.2.100:80 -r 192.0.2.21:80 -g -w 2"],
    ["method", "-a -t 192.0.2.100:80 -r 192.0.2.21:80 -m -w 1"],
    ["address", "-a -t 192.0.2.100:80 -r 192.0.2.23:80 -g -w 1"],
  ])("a real server with another %s than the config's is strange", (_what, has) => {
    expect(compared(conf(), { rules: [service, has, web2] })).toEqual({
      ...right,
      strange: has,
      out: web1,
    });
  });

  test("a virtual server of the config before this one has to be gone", () => {
    const before = confOf([{ name: "old", address: "192.0.2.101", port: 80, ...noChecks }]);
    const left = "-A -t 192.0.2.101:80 -s rr";
    expect(compared(conf(), { rules: [service, web1, web2, left] }, before).strange).toBe(left);
  });

  test("a tunnel is IPIP", () => {
    const [tunnel, other] = ["ipip", "gre --tun-nocsum"].map(
      (type) => `-a -t 192.0.2.100:80 -r 192.0.2.21:80 -i -w 1 --tun-type ${type}`,
    );
    const rules = [service, tunnel ?? ""];
    const wants = conf({}, { forwarding: "TUN", realServers: ["web1"] });
    expect(compared(wants, { rules })).toEqual(right);
    expect(compared(wants, { rules: [service, other ?? ""] }).strange).toBe(other);
  });

  test("a weight that a check sets may be any, another method may not", () => {
    const wants = conf(
      { scripts: { load: "#!/bin/sh\n" } },
      {
        realServers: [{ name: "web1", checks: [{ type: "misc", script: "load", dynamic: true }] }],
      },
    );
    expect(compared(wants, { rules: [service, web1.replace(/1$/, "253")] })).toEqual(right);
    const masquerading = web1.replace("-g", "-m");
    expect(compared(wants, { rules: [service, masquerading] }).strange).toBe(masquerading);
  });

  test("a real server that is kept in with weight 0 is out", () => {
    const wants = conf(
      { scripts: { load: "#!/bin/sh\n" } },
      { inhibitOnFailure: true, checks: [{ type: "misc", script: "load" }] },
    );
    const kept = web1.replace(/1$/, "0");
    expect(compared(wants, { rules: [service, kept, web2] })).toEqual({ ...right, out: web1 });
    expect(compared(conf(), { rules: [service, kept, web2] }).strange).toBe(kept);
  });

  test("a sorry server in place of the real servers is nothing strange", () => {
    const wants = conf({}, { sorryServer: { address: "192.0.2.99", port: 80 } });
    const sorry = "-a -t 192.0.2.100:80 -r 192.0.2.99:80 -g -w 1";
    expect(compared(wants, { rules: [service, sorry] })).toEqual({
      ...right,
      out: `${web1}\n${web2}`,
    });
    expect(compared(conf(), { rules: [service, sorry] }).strange).toBe(sorry);
  });

  test("a real server that is drained is out, and stays so", () => {
    const rules = [service, web1.replace(/1$/, "0"), web2];
    host.write("/run/lvs-ha-drained", `${web1}\n`);
    expect(compared(conf(), { rules })).toEqual({ ...right, out: web1 });
    host.write("/run/lvs-ha-drained", "");
    expect(compared(conf(), { rules })).toMatchObject({ strange: rules[1] });
  });

  test("other thresholds are told as ipvsadm sets them", () => {
    const wants = conf({}, { realServers: [{ name: "web1", upperThreshold: 100 }, "web2"] });
    const at = (limit: string) => compared(wants, { rules: [service, `${web1}${limit}`, web2] });
    expect(at(" -x 100 -y 0")).toEqual(right);
    expect(at("")).toEqual({
      ...right,
      limits: "-t 192.0.2.100:80 -r 192.0.2.21:80 -g -w 1 -x 100 -y 0",
    });
  });

  test("and of an IPv6 mark, too", () => {
    const wants = confOf(
      [
        {
          name: "web",
          fwmark: 7,
          traffic: [{ address: "2001:db8::100" }],
          realServers: [{ name: "web1", upperThreshold: 9, lowerThreshold: 5 }],
          ...noChecks,
        },
      ],
      withIpv6,
    );
    const rules = ["-A -f 7 -6 -s rr", "-a -f 7 -6 -r [2001:db8::21]:0 -g -w 1 -x 9"];
    const at = (lower: number) =>
      compared(wants, { rules: rules.map((line) => line.replace(/9$/, `9 -y ${lower}`)) }).limits;
    expect(at(5)).toBe("");
    expect(at(0)).toBe("-f 7 -6 -r [2001:db8::21]:0 -g -w 1 -x 9 -y 5");
  });
});

/**
 * The orders for ipvsadm, given a config, the kernel's table, and the real servers that are out.
 */
function orders(conf: string, kernel: Kernel, out: string[] = []): string[] {
  host.write("/tmp/out", out.map((line) => `${line}\n`).join(""));
  const { code, stdout, stderr } = judged(conf, kernel, [
    'live /etc/conf >"$scratch/live"',
    "orders",
  ]);
  expect([code, stderr]).toEqual([0, ""]);
  return stdout.split("\n").slice(0, -1);
}

describe("to make the kernel's table the config's again, ipvsadm has to", () => {
  const conf = (service: Record<string, unknown> = {}, more: Record<string, unknown> = {}) =>
    confOf([{ name: "web", address: "192.0.2.100", port: 80, ...noChecks, ...service }], more);
  const service = "-A -t 192.0.2.100:80 -s rr";
  const [at1, at2] = ["-t 192.0.2.100:80 -r 192.0.2.21:80 ", "-t 192.0.2.100:80 -r 192.0.2.22:80 "];
  const [web1, web2] = [`-a ${at1}-g -w 1`, `-a ${at2}-g -w 1`];
  const others = ["-A -t 203.0.113.1:80 -s wlc", "-a -t 203.0.113.1:80 -r 203.0.113.2:80 -m -w 1"];
  const sorry = "-a -t 192.0.2.100:80 -r 192.0.2.99:80 -g -w 1";
  const withSorry = conf({ sorryServer: { address: "192.0.2.99", port: 80 } });
  // The stack sets it only together with checks; then the table has entries besides its real
  // servers.
  const kept = conf().replace("lvs_method DR", "lvs_method DR\n    inhibit_on_failure");
  const heldAt0 = web1.replace(/1$/, "0");

  test.each<[string, string[], string[], string?, string[]?]>([
    ["do nothing where it is so, whatever else is there", [], [service, web1, web2, ...others]],
    ["add what is gone", [service, web1, web2], []],
    [
      "edit a service",
      ["-E -t 192.0.2.100:80 -s rr"],
      [service.replace("rr", "wlc -p 300"), web1, web2],
    ],
    ["edit a weight", [`-e ${at1}-g -w 1`], [service, web1.replace(/1$/, "7"), web2]],
    ["edit a method", [`-e ${at1}-g -w 1`], [service, web1.replace("-g", "-m"), web2]],
    ["add a real server that was removed", [web1], [service, web2]],
    ["leave out one whose check fails", [], [service, web2], undefined, [at1]],
    ["leave out one that may be out", [], [service, web2], undefined, ["?"]],
    [
      "remove a real server that was added",
      ["-d -t 192.0.2.100:80 -r 192.0.2.9:80"],
      [service, web1, web2, web1.replace(".21", ".9")],
    ],
    ["leave the sorry server alone, and who it answers for", [], [service, sorry], withSorry],
    ["bring in who lies at weight 0", [`-e ${at1}-g -w 1`], [service, heldAt0, web2], kept],
    ["leave at weight 0 who is kept there", [], [service, heldAt0, web2], kept, [at1]],
    [
      "edit who is kept there where nobody is",
      [`-e ${at1}-g -w 1`],
      [service, heldAt0, web2],
      conf(),
      [at1],
    ],
  ])("%s", (_what, told, rules, config = conf(), out = []) => {
    expect(orders(config, { rules }, out)).toEqual(told);
  });

  test("give every edit its thresholds, which it would lose, and edit them alone", () => {
    const limited = conf({
      realServers: [{ name: "web1", upperThreshold: 100, lowerThreshold: 75 }, "web2"],
    });
    const edited = [`-e ${at1}-g -w 1 -x 100 -y 75`];
    const has = (own: string) => ({ rules: [service, own, web2] });
    expect(orders(limited, has(`${web1} -x 100 -y 75`))).toEqual([]);
    expect(orders(limited, has(`${web1} -x 100 -y 0`))).toEqual(edited);
    expect(orders(limited, has(`${web1.replace(/1$/, "3")} -x 100 -y 75`))).toEqual(edited);
    expect(orders(limited, { rules: [service, web2] })).toEqual([`${web1} -x 100 -y 75`]);
  });

  test("leave a drained real server drained, and a weight that a check sets", () => {
    host.write("/run/lvs-ha-drained", `${web1}\n`);
    const drained = host.shell(`. ${host.scripts}/ipvs.sh; drained_places`).stdout;
    expect(drained).toBe(`${at1}\n`);
    expect(orders(conf(), { rules: [service, heldAt0, web2] }, [at1])).toEqual([]);
    host.write("/run/lvs-ha-drained", "");
    const dynamic = conf(
      {
        realServers: [{ name: "web1", checks: [{ type: "misc", script: "load", dynamic: true }] }],
      },
      { scripts: { load: "#!/bin/sh\n" } },
    );
    expect(orders(dynamic, { rules: [service, web1.replace(/1$/, "253")] })).toEqual([]);
    expect(orders(dynamic, { rules: [service, web1.replace("-g -w 1", "-m -w 253")] })).toEqual([
      `-e ${at1}-g -w 253`,
    ]);
  });
});

test("what the log says of an earlier boot of the host counts for nothing", () => {
  host.write(
    "/journal",
    [
      "Starting Healthcheck child process, pid=8",
      "Removing service [192.0.2.21]:tcp:80 from VS [192.0.2.100]:tcp:80",
      "-- Boot --",
      "",
    ].join("\n"),
  );
  expect(host.shell(`. ${host.scripts}/ipvs.sh; taken_out`).stdout).toBe("?\n");
});

test("of a slow journal, whose reading is cut off, the latest is known: who is out", () => {
  const [begun, fell] = [
    "Starting Healthcheck child process, pid=9",
    "Removing service [192.0.2.21]:tcp:80 from VS [192.0.2.100]:tcp:80",
  ];
  host.program("journalctl", [`case $* in *-r*) echo "${fell}" ;; *) echo "${begun}" ;; esac`]);
  expect(host.shell(`. ${host.scripts}/ipvs.sh; taken_out`).stdout).toBe(
    "-t 192.0.2.100:80 -r 192.0.2.21:80 \n?\n",
  );
});

test("the address that adverts tell of is none of the virtual ones", () => {
  const told = (["inet", "inet6"] as const).flatMap((family) =>
    [1, 255].map((id) => advertisedAddress(family, id)),
  );
  const lines = [...told, "192.0.2.100", "2001:db8::100"].map(
    (address) => `${address}/32 dev eth1`,
  );
  host.write(
    "/etc/keepalived.conf",
    ["vrrp_instance VI_1 {", "virtual_ipaddress {", ...lines, "}", "}", ""].join("\n"),
  );
  const { code, stdout } = host.shell(
    `. ${host.scripts}/foreign.sh; . ${host.scripts}/ipvs.sh; virtual_addresses /etc/keepalived.conf`,
  );
  expect([code, stdout]).toEqual([0, "192.0.2.100 VI_1\n2001:db8::100 VI_1\n"]);
});
