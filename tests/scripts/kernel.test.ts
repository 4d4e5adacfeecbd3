// Real sysctls, in a network namespace of each test's own. Stand-ins replace the modules.
import { renderFiles, withEnd } from "../../components/render/files";
import { PretendHost } from "./host";

const owner = "lvs1/10.10.0.11";

let host: PretendHost;

beforeEach(() => {
  host = new PretendHost();
  host.program("modprobe", ['echo "$1" >>"$FOLDER/tmp/modules"', '[ "$1" != absent ]']);
});

afterEach(() => {
  host.remove();
});

/**
 * Runs shell lines on a host with an interface whose name contains a dot; `apply` takes sysctls.
 */
function run(...lines: string[]) {
  return host.shell(
    ["set -e", "ip link add eth1.100 type veth peer name eth1", ...lines, ""].join("\n"),
  );
}

let applies = 0;
function apply(
  sysctls: Record<string, string>,
  modules = ["ip_vs", "ip_vs_rr", "ip_vs_wlc"],
  options?: string,
) {
  const file = `/tmp/files${++applies}`;
  host.write(
    file,
    withEnd(
      renderFiles({
        "/etc/modules-load.d/lvs-ha.conf": modules,
        ...(options === undefined ? {} : { "/etc/modprobe.d/lvs-ha.conf": [options] }),
        "/etc/sysctl.d/90-lvs-ha.conf": Object.entries(sysctls).map(
          ([key, to]) => `${key} = ${to}`,
        ),
      }),
    ),
  );
  return `$FOLDER/scripts/kernel.sh apply ${owner} <$FOLDER${file}`;
}
const undo = `$FOLDER/scripts/kernel.sh undo ${owner}`;
const accepts = (device: string) => `cat /proc/sys/net/ipv4/conf/${device}/accept_local`;

test("sysctls of an interface are set and read back, whatever its name, and put back", () => {
  const { code, stdout, stderr } = run(
    apply({
      "net.ipv4.conf.eth1.accept_local": "1",
      "net/ipv4/conf/eth1.100/accept_local": "1",
      "net.ipv4.tcp_rmem": "4096 131072 6291456",
    }),
    accepts("eth1"),
    accepts("eth1.100"),
    undo,
    accepts("eth1"),
    accepts("eth1.100"),
  );
  expect([code, stdout]).toEqual([0, "1\n1\n0\n0\n"]);
  expect(stderr).toContain("kernel: net/ipv4/conf/eth1.100/accept_local = 1\n");
  expect(stderr).toContain("3 sysctls and 3 modules as configured, read back");
  expect(host.read("/tmp/modules")).toBe("ip_vs\nip_vs_rr\nip_vs_wlc\n");
});

test("one that the stack no longer sets is as it was before, though another begins with its name", () => {
  const { code, stdout } = run(
    "sysctl -q -w net.ipv4.tcp_ecn=2",
    apply({ "net.ipv4.tcp_ecn": "1", "net.ipv4.tcp_ecn_fallback": "0" }),
    apply({ "net.ipv4.tcp_ecn_fallback": "0" }),
    "sysctl -n net.ipv4.tcp_ecn net.ipv4.tcp_ecn_fallback",
  );
  expect([code, stdout]).toEqual([0, "2\n0\n"]);
});

describe("what the kernel changes with forwarding is as before, too,", () => {
  const all = "net.ipv4.conf.all.accept_redirects";
  const keys = `net.ipv4.ip_forward ${all} net.ipv4.conf.eth1.forwarding net.ipv4.conf.default.forwarding net/ipv4/conf/eth1.100/forwarding net.ipv6.conf.all.forwarding net.ipv6.conf.eth1.forwarding`;
  const shown = `sysctl -n ${keys} | tr '\\n' ' '; echo`;
  const forwards = apply.bind(undefined, {
    "net.ipv4.ip_forward": "1",
    "net.ipv6.conf.all.forwarding": "1",
  });
  const hosts: Record<string, string[]> = {
    "of a host that forwards nothing": [],
    "of one that takes no redirects": [`sysctl -q -w ${all}=0`],
    "of one that forwards, but not on one interface": [
      "sysctl -q -w net.ipv4.ip_forward=1 net.ipv6.conf.all.forwarding=1",
      "sysctl -q -w net.ipv4.conf.eth1.forwarding=0 net.ipv6.conf.eth1.forwarding=0",
    ],
    "of one that forwards on one interface only": [
      "sysctl -q -w net.ipv4.conf.eth1.forwarding=1 net.ipv6.conf.eth1.forwarding=1",
    ],
  };
  const ways: Record<string, () => string[]> = {
    "when the stack goes": () => [forwards(), undo],
    "when it doesn't need that any more": () => [
      forwards(),
      apply({ "net.ipv4.tcp_ecn": "1" }),
      "grep -c . /var/lib/lvs-ha/sysctl-original-others >&2 || [ $? = 1 ]",
    ],
    "when a change that brings it fails": () => [
      `! ${apply({ "net.ipv4.ip_forward": "1", "net.ipv6.conf.all.forwarding": "1", "net.ipv4.tcp_ecn": "never" })}`,
    ],
    "when a change that takes it away fails, and the stack goes then": () => [
      forwards(),
      `! ${apply({ "net.ipv4.tcp_ecn": "never" })}`,
      "sysctl -n net.ipv4.ip_forward net.ipv6.conf.all.forwarding | tr '\\n' ' ' | grep -qx '1 1 '",
      undo,
    ],
  };

  test.each(
    Object.entries(hosts).flatMap(([was, before]) =>
      Object.entries(ways).map(([when, lines]) => [when, was, before, lines] as const),
    ),
  )("%s, %s", (_when, _was, before, lines) => {
    const { code, stdout, stderr } = run(...before, shown, ...lines(), shown);
    expect([code, code === 0 ? "" : stderr]).toEqual([0, ""]);
    const [first, last, ...rest] = stdout.trimEnd().split(/ *\n/);
    expect([last, rest]).toEqual([first, []]);
  });

  test("in the kernel's way where an earlier version has noted nothing of it", () => {
    const { code, stdout, stderr } = run(
      "mkdir -p /var/lib/lvs-ha",
      "echo net.ipv4.ip_forward 1 >/var/lib/lvs-ha/sysctl-original",
      "sysctl -q -w net.ipv4.ip_forward=0",
      apply({ "net.ipv4.tcp_ecn": "1" }),
      shown,
    );
    expect([code, code === 0 ? "" : stderr]).toEqual([0, ""]);
    expect(stdout).toBe("1 0 1 1 1 0 0 \n");
  });
});

test("one of an interface that is no more holds nothing up", () => {
  const { code, stderr } = run(
    apply({ "net/ipv4/conf/eth1.100/accept_local": "1" }),
    "ip link del eth1.100",
    apply({ "net.ipv4.ip_forward": "1" }),
    undo,
  );
  expect([code, code === 0 ? "" : stderr]).toEqual([0, ""]);
  expect(stderr).toContain("net/ipv4/conf/eth1.100/accept_local is no more");
});

test("one that this kernel doesn't know is an error, and leaves no note", () => {
  const { code, stderr } = run(apply({ "net.ipv4.conf.eth9.accept_local": "1" }));
  expect(code).toBe(1);
  expect(stderr).toMatch(/net\.ipv4\.conf\.eth9\.accept_local: this kernel \(.*\) doesn't know it/);
  expect(host.read("/var/lib/lvs-ha/sysctl-original")).toBeUndefined();
});

test("one that this kernel needn't know is left out where it doesn't, set where it does, and put back", () => {
  const { code, stdout, stderr } = run(
    apply({ "net.ipv4.ip_forward": "1", "-net.ipv4.x": "1", "-net.ipv4.tcp_ecn": "1" }),
    "sysctl -n net.ipv4.tcp_ecn; cat /etc/sysctl.d/90-lvs-ha.conf",
    undo,
    "sysctl -n net.ipv4.tcp_ecn",
  );
  expect([code, stdout]).toEqual([
    0,
    "1\nnet.ipv4.ip_forward = 1\n-net.ipv4.x = 1\n-net.ipv4.tcp_ecn = 1\n2\n",
  ]);
  expect(stderr).toContain("2 sysctls and 3 modules as configured, read back");
});

test("two that contradict each other are an error", () => {
  const { code, stderr } = run(apply({ "net.ipv4.ip_forward": "1", "net/ipv4/ip_forward": "0" }));
  expect(code).toBe(1);
  expect(stderr).toContain("net.ipv4.ip_forward was set to 1 but reads back as 0");
});

describe("while IPVS's table is resized, no client's port begins an entry beside the one of before", () => {
  const keys = ["conn_lfactor", "conn_reuse_mode", "expire_nodest_conn"].map(
    (name) => `net.ipv4.vs.${name}`,
  );
  // This machine's kernel may lack IPVS. `told` lists all values that are set, in order.
  beforeEach(() => {
    host.sleeps(1, ['echo "sleep $1" >>"$FOLDER/tmp/told"']);
    host.write("/tmp/vs/net.ipv4.vs.conn_lfactor", "-4\n");
    host.write("/tmp/vs/net.ipv4.vs.conn_reuse_mode", "1\n");
    host.write("/tmp/vs/net.ipv4.vs.expire_nodest_conn", "0\n");
    host.program("sysctl", [
      "for last; do :; done",
      'key=$(printf %s "${last%%=*}" | tr / .)',
      'if [ "$1" = -n ]; then',
      '    cat "$FOLDER/tmp/vs/$key"',
      "else",
      '    echo "${last#*=}" >"$FOLDER/tmp/vs/$key"',
      '    echo "$last" >>"$FOLDER/tmp/told"',
      '    [ "$last" != "$(cat "$FOLDER/tmp/refused" 2>/dev/null)" ]',
      "fi",
    ]);
  });
  const stack = {
    "net.ipv4.vs.expire_nodest_conn": "1",
    "net.ipv4.vs.conn_reuse_mode": "3",
    "net.ipv4.vs.conn_lfactor": "-8",
  };
  const values = () => keys.map((key) => host.read(`/tmp/vs/${key}`)?.trim()).join(" ");
  const told = () =>
    (host.read("/tmp/told") ?? "").replaceAll("net.ipv4.vs.", "").trim().split("\n");
  const quiet = ["conn_reuse_mode=0", "expire_nodest_conn=0"];

  test("by a change, which is done with it before ports may come round again", () => {
    expect(run(apply(stack))).toMatchObject({ code: 0 });
    expect(values()).toBe("-8 3 1");
    expect(told()).toEqual([
      ...["expire_nodest_conn=1", "conn_reuse_mode=3", ...quiet, "conn_lfactor=-8", "sleep 1"],
      ...["expire_nodest_conn=1", "conn_reuse_mode=3"],
    ]);
  });

  test("not where it is as it should be", () => {
    expect(run(apply(stack), 'rm "$FOLDER/tmp/told"', apply(stack))).toMatchObject({ code: 0 });
    expect(host.read("/tmp/told")).toBeUndefined();
  });

  test("by undo", () => {
    expect(run(apply(stack), 'rm "$FOLDER/tmp/told"', undo)).toMatchObject({ code: 0 });
    expect(values()).toBe("-4 1 0");
    expect(told().slice(0, told().indexOf("conn_lfactor=-4"))).toEqual(
      expect.arrayContaining(quiet),
    );
  });

  test("by a change that fails, which puts all of it back", () => {
    host.write("/tmp/refused", "net.ipv4.vs.conn_lfactor=-8");
    expect(run(apply(stack))).toMatchObject({ code: 1 });
    expect(values()).toBe("-4 1 0");
  });
});

test("a module that cannot be loaded is an error", () => {
  const { code, stderr } = run(apply({}, ["ip_vs", "absent"]));
  expect(code).toBe(1);
  expect(stderr).toMatch(/module absent cannot be loaded on kernel \d/);
});

describe("in a container, what its kernel's host has to set is told, and the rest is set", () => {
  // Behaves like a container's network namespace, identically on every machine.
  beforeEach(() => {
    host.program("systemd-detect-virt", ["echo lxc"]);
    host.program("sysctl", [
      'case $* in *" -w net.ipv4.tcp_fin_timeout="*) exit 1 ;; esac',
      'PATH=${PATH#*:} exec sysctl "$@"',
    ]);
  });
  const sysctls = {
    "net.netfilter.absent": "1",
    "net.ipv4.tcp_fin_timeout": "25",
    "net.ipv4.tcp_ecn": "1",
  };
  const shown = "PATH=${PATH#*:} sysctl -n net.ipv4.tcp_ecn net.ipv4.tcp_fin_timeout";

  test("on the first change, on the next ones, and when the stack goes", () => {
    const { code, stdout, stderr } = run(
      "PATH=${PATH#*:} sysctl -q -w net.ipv4.tcp_ecn=2",
      apply(sysctls, ["absent"]),
      apply(sysctls, ["absent"]),
      shown,
      undo,
      shown,
    );
    expect([code, stdout]).toEqual([0, "1\n60\n2\n60\n"]);
    const way =
      "this is a container (lxc): set it on the host that runs it; this goes on without it";
    expect(stderr).toContain(`net.ipv4.tcp_fin_timeout = 25 was refused; ${way}`);
    expect(stderr).toMatch(/module absent cannot be loaded on kernel \S+; this is a container/);
    expect(stderr).toMatch(/net.netfilter.absent: this kernel \(.*\) doesn't know it; this is a/);
    expect(stderr).toContain("1 sysctls and 0 modules as configured, read back");
  });
});

describe("a change that fails leaves files, notes and sysctls as they were", () => {
  const files = [
    "/etc/modules-load.d/lvs-ha.conf",
    "/etc/modprobe.d/lvs-ha.conf",
    "/etc/sysctl.d/90-lvs-ha.conf",
    "/var/lib/lvs-ha/sysctl-original",
  ];
  const keys = "net.ipv4.tcp_ecn net.ipv4.tcp_fin_timeout net.ipv4.tcp_ecn_fallback";
  const good = { "net.ipv4.tcp_ecn": "1", "net.ipv4.tcp_fin_timeout": "25" };

  test.each<[string, Parameters<typeof apply>, string]>([
    [
      "because the kernel refuses a value",
      [
        {
          "net.ipv4.tcp_ecn_fallback": "0",
          "net.ipv4.tcp_ecn": "0",
          "net.ipv4.tcp_fin_timeout": "never",
        },
      ],
      "net.ipv4.tcp_fin_timeout = never was refused",
    ],
    [
      "because two lines contradict each other",
      [{ "net.ipv4.tcp_ecn": "0", "net/ipv4/tcp_ecn": "2" }],
      "reads back as 2",
    ],
    [
      "because there is no such sysctl",
      [{ "net.ipv4.tcp_ecn": "0", "net.ipv4.x": "1" }],
      "know it",
    ],
    [
      "because there is no such module",
      [{ "net.ipv4.tcp_ecn": "0" }, ["absent"]],
      "cannot be loaded",
    ],
  ])("%s", (_, [sysctls, modules], reason) => {
    const change = apply(sysctls, modules, "options ip_vs conn_tab_bits=20");
    const shown = `sysctl -n ${keys}`;
    const { code, stdout, stderr } = run(
      apply(good, undefined, "options ip_vs conn_tab_bits=12"),
      shown,
      `for file in ${files.join(" ")}; do cat $file; done >$FOLDER/tmp/before`,
      `! ${change}`,
      `for file in ${files.join(" ")}; do cat $file; done >$FOLDER/tmp/after`,
      shown,
    );
    expect([code, code === 0 ? "" : stderr]).toEqual([0, ""]);
    expect(stderr).toContain(reason);
    expect(stderr).toContain("put back what was there before this change");
    const lines = stdout.trimEnd().split("\n");
    expect(lines.slice(3)).toEqual(lines.slice(0, 3));
    expect(lines.slice(0, 2)).toEqual(["1", "25"]);
    expect(host.read("/tmp/after")).toBe(host.read("/tmp/before"));
  });

  test("on a host that had none of them", () => {
    const { code } = run(`! ${apply({ "net.ipv4.tcp_ecn": "never" }, undefined, "options x")}`);
    expect(code).toBe(0);
    expect(files.map((file) => host.read(file))).toEqual(files.map(() => undefined));
  });
});

test("a power cut in the middle leaves nothing for the next boot, and what was there before is noted", () => {
  host.program("sysctl", [
    'case $* in *" -w "*) kill -KILL $PPID ;; esac',
    'PATH=${PATH#*:} exec sysctl "$@"',
  ]);
  const { stdout } = run(
    "PATH=${PATH#*:} sysctl -q -w net.ipv4.tcp_ecn=2",
    `${apply({ "net.ipv4.tcp_ecn": "1", "net.ipv4.tcp_ecn_fallback": "0" })} || echo cut`,
  );
  expect(stdout).toContain("cut");
  expect(host.read("/etc/sysctl.d/90-lvs-ha.conf")).toBeUndefined();
  expect(host.read("/var/lib/lvs-ha/sysctl-original")).toBe(
    "net.ipv4.tcp_ecn 2\nnet.ipv4.tcp_ecn_fallback 1\n",
  );
});

describe("what the next boot sets otherwise", () => {
  const ours = { "net.ipv4.tcp_ecn": "1", "net/ipv4/conf/eth1.100/accept_local": "1" };
  const otherwise = "$FOLDER/scripts/kernel.sh otherwise";
  const said = (text: string) => text.match(/the next boot undoes this: .*/g) ?? [];

  test("is named by file, line and value, as systemd reads them, and the host's own file is left alone", () => {
    const hardening = "# own\n\nnet.ipv4.tcp_ecn=0\nnet.ipv4.conf.eth1/100.accept_local = 0\n";
    host.write("/etc/sysctl.d/99-hardening.conf", hardening);
    const { code, stdout, stderr } = run(apply(ours), otherwise);
    expect(code).toBe(0);
    const lines = [
      "/etc/sysctl.d/99-hardening.conf:3: net.ipv4.tcp_ecn = 0, in place of 1",
      "/etc/sysctl.d/99-hardening.conf:4: net.ipv4.conf.eth1/100.accept_local = 0, in place of 1",
    ];
    expect(stdout).toBe(`${lines.join("\n")}\n`);
    expect(said(stderr)).toEqual(
      lines.map(
        (line) =>
          `the next boot undoes this: ${line}; take the line out of that file, or set the value in the stack config`,
      ),
    );
    expect(host.read("/etc/sysctl.d/99-hardening.conf")).toBe(hardening);
  });

  test("is what /etc/sysctl.conf says where that is linked, and nothing where it isn't", () => {
    host.write("/etc/sysctl.conf", "net.ipv4.tcp_ecn = 2\n");
    expect(run(apply(ours), otherwise).stdout).toBe("");
    expect(
      run("ln -s ../sysctl.conf /etc/sysctl.d/99-sysctl.conf", apply(ours), otherwise).stdout,
    ).toBe("/etc/sysctl.d/99-sysctl.conf:1: net.ipv4.tcp_ecn = 2, in place of 1\n");
  });

  test("is what ufw sets at its start, once it is switched on", () => {
    host.write("/etc/ufw/sysctl.conf", "net/ipv4/tcp_ecn=0\n");
    host.write("/etc/ufw/ufw.conf", "ENABLED=no\n");
    expect(run(apply(ours), otherwise).stdout).toBe("");
    host.write("/etc/ufw/ufw.conf", "ENABLED=yes\n");
    expect(run(apply(ours), otherwise).stdout).toBe(
      "/etc/ufw/sysctl.conf:1: net/ipv4/tcp_ecn = 0, in place of 1\n",
    );
  });

  test.each([
    ["net.ipv4.ip_forward", "net.ipv4.conf.all.forwarding"],
    ["net.ipv4.conf.all.forwarding", "net.ipv4.ip_forward"],
    ["net.netfilter.nf_conntrack_max", "net/nf_conntrack_max"],
  ])("is told of %s by the kernel's other name, %s", (key, other) => {
    host.write(`/etc/sysctl.d/90-lvs-ha.conf`, `${key} = 1\n`);
    host.write("/etc/sysctl.d/99-a.conf", `${other} = 0\n`);
    expect(run(otherwise).stdout).toBe(`/etc/sysctl.d/99-a.conf:1: ${other} = 0, in place of 1\n`);
  });

  test.each([
    ["options ip-vs x=1 conn_tab_bits=12 y=2", "/etc/modprobe.d/zz.conf", "12"],
    ["options ip_vs conn_tab_bits=20", "/etc/modprobe.d/zz.conf", undefined],
    ["options ip_vs conn_tab_bits=12", "/etc/modprobe.d/a.conf", undefined],
    ["options ip_vs_sh conn_tab_bits=12", "/etc/modprobe.d/zz.conf", undefined],
    ["#options ip_vs conn_tab_bits=12", "/usr/lib/modprobe.d/zz.conf", undefined],
  ])("is told of the size of IPVS's table: %s in %s", (line, path, told) => {
    host.write(path, `# own\n${line}\n`);
    const size = "options ip_vs conn_tab_bits=20";
    const { code, stdout, stderr } = run(apply(ours, undefined, size), otherwise);
    const words = `${path}:2: conn_tab_bits = ${told}, in place of 20`;
    expect([code, stdout]).toEqual([0, told === undefined ? "" : `${words}\n`]);
    expect(said(stderr)).toHaveLength(told === undefined ? 0 : 1);
  });

  test.each<[string, Record<string, string>]>([
    ["the same value", { "/etc/sysctl.d/99-a.conf": "-net.ipv4.tcp_ecn=1\n" }],
    ["a file that is read before", { "/etc/sysctl.d/10-a.conf": "net.ipv4.tcp_ecn=0\n" }],
    ["a comment", { "/etc/sysctl.d/99-a.conf": "#net.ipv4.tcp_ecn=0\n; net.ipv4.tcp_ecn=0\n" }],
    ["another sysctl", { "/etc/sysctl.d/99-a.conf": "net.ipv4.tcp_ecn_fallback=0\n" }],
    ["a pattern", { "/etc/sysctl.d/99-a.conf": "net.ipv4.tcp_*=0\n" }],
    [
      "a line that a later one takes back",
      {
        "/etc/sysctl.d/98-a.conf": "net.ipv4.tcp_ecn=0\n",
        "/etc/sysctl.d/99-a.conf": "net.ipv4.tcp_ecn = 1",
      },
    ],
    [
      "a file that one of its name in /etc stands in for",
      { "/run/sysctl.d/99-a.conf": "net.ipv4.tcp_ecn=0\n", "/etc/sysctl.d/99-a.conf": "" },
    ],
  ])("is nothing by %s", (_, files) => {
    for (const [path, text] of Object.entries(files)) host.write(path, text);
    const { code, stdout, stderr } = run(apply(ours), otherwise);
    expect([code, stdout, said(stderr)]).toEqual([0, "", []]);
  });

  test("is nothing on a host that has none of the stack's", () => {
    expect(run(otherwise)).toMatchObject({ code: 0, stdout: "", stderr: "" });
  });

  test("is told while another change holds the host", () => {
    const { code, stdout } = run(
      apply(ours),
      "exec 8>/run/lvs-ha.lock; flock 8",
      `timeout 5 ${otherwise} 8>&-`,
    );
    expect([code, stdout]).toEqual([0, ""]);
  });
});
