// The transaction of a director's config and scripts, with a keepalived that does as its config tells it (stand-ins/keepalived.sh).
import {
  journal,
  active,
  applied,
  apply,
  conf,
  folder,
  host,
  keepalived,
  owner,
  running,
  script,
  state,
  textOf,
  told,
} from "./keepalivedHost";

describe("a config and its scripts", () => {
  test("are there in the end, with their modes, and nothing else", () => {
    const { stdout } = applied({ id: "first", scripts: { check: script("check") } });
    expect(stdout).toMatch(/^IP Virtual Server version .*\n {2}-> 192.0.2.21:80 /s);
    const modes = host.shell(`cd ${folder} && find . -exec stat -c '%n %a %u:%g' {} + | sort`);
    expect(modes.stdout.trimEnd().split("\n").slice(1)).toEqual([
      "./keepalived.conf 640 0:0",
      "./lvs-ha-scripts 755 0:0",
      "./lvs-ha-scripts/check 755 0:0",
    ]);
    expect(textOf("check")).toBe(script("check"));
    expect(told()).toEqual(["start"]);
    expect(host.shell("ls /var/lib/lvs-ha/changes").stdout).toBe("");
  });

  test("that are there already are left alone", () => {
    const config = { id: "first", scripts: { check: script("check") } };
    applied(config);
    expect(applied(config).stderr).toContain("config unchanged, running");
    expect(told()).toEqual(["start"]);
  });

  test.each<[string, string]>([
    ["another text", `echo '#!/bin/sh' >${folder}/lvs-ha-scripts/check`],
    ["another mode", `chmod 0777 ${folder}/lvs-ha-scripts/check`],
    ["gone", `rm ${folder}/lvs-ha-scripts/check`],
    ["not alone", `echo >${folder}/lvs-ha-scripts/other`],
  ])(
    "a script that was changed by hand (%s) is put right, and keepalived reads it anew",
    (_what, change) => {
      const config = { id: "first", scripts: { check: script("check") } };
      applied(config);
      const right = state();
      host.shell(change);
      expect(state()).not.toBe(right);
      applied(config);
      expect(state()).toBe(right);
      expect(told()).toEqual(["start", "reload"]);
    },
  );

  test("are tested together before either is in place", () => {
    applied({ id: "first", scripts: { check: script("old") } });
    host.program("sync", ['cat /etc/keepalived/lvs-ha-scripts/check >>"$FOLDER/tmp/in-place"']);
    applied({ id: "second", scripts: { check: script("new") } });
    expect(host.read("/tmp/tested-scripts")).toBe(script("new"));
    expect(host.read("/tmp/in-place")).toMatch(/^#!\/bin\/sh\necho old\n/);
    expect(textOf("check")).toBe(script("new"));
  });

  test("are refused together: nothing changes, and keepalived's own words name the files that the config names", () => {
    applied({ id: "first", scripts: { check: script("old") } });
    const before = state();
    const { code, stderr } = apply({
      id: "second",
      refused: true,
      scripts: { check: script("new"), other: script("other") },
    });
    expect(code).toBe(1);
    expect(stderr).toContain(`(${folder}/keepalived.conf: Line 2) Unknown keyword 'nonsense'`);
    expect(stderr).toContain("config refused, nothing changed; the config from before is serving");
    expect(state()).toBe(before);
    expect(told()).toEqual(["start"]);
  });

  test("are refused when one is missing, which keepalived itself lets pass", () => {
    const { code, stderr } = apply({ id: "first", runs: ["absent"], scripts: {} });
    expect(code).toBe(1);
    expect(stderr).toContain(
      `the config names ${folder}/lvs-ha-scripts/absent, which is not among its scripts`,
    );
    expect(running()).toBeUndefined();
  });

  test("are refused when this host has no interpreter for one", () => {
    const { code, stderr } = apply({ id: "first", scripts: { check: "#!/opt/python9 -u\n" } });
    expect(code).toBe(1);
    expect(stderr).toContain('begins with "#!/opt/python9 -u", which this host cannot run');
  });

  test("that bring the first tracked process restart keepalived; more of them, and their end, don't", () => {
    applied({ id: "first" });
    expect(applied({ id: "second", tracks: true }).stderr).toContain("another director takes over");
    applied({ id: "third", tracks: true });
    applied({ id: "fourth" });
    expect(told()).toEqual(["start", "restart", "reload", "reload"]);
  });

  describe("that a reload would lose virtual addresses by", () => {
    const instance = (name: string, addresses: string[], ...lines: string[]) => [
      `vrrp_instance ${name} {`,
      ...lines,
      ...["virtual_ipaddress_excluded {", ...addresses, "}", "}"],
    ];
    const [one, two] = ["192.0.2.101/32", "192.0.2.102/32"];

    test.each<[string, string[], string[], string]>([
      [
        "restart keepalived where one goes to another instance",
        [...instance("a", []), ...instance("b", [one, two])],
        [...instance("a", [one]), ...instance("b", [two])],
        "restart",
      ],
      [
        "restart it where they leave a VMAC",
        instance("a", [one], "use_vmac"),
        instance("a", [one]),
        "restart",
      ],
      [
        "restart it where a VMAC gets another name",
        instance("a", [one], "use_vmac"),
        instance("a", [one], "use_vmac vrrp7"),
        "restart",
      ],
      [
        "don't where they get a VMAC",
        instance("a", [one]),
        instance("a", [one], "use_vmac"),
        "reload",
      ],
      ["don't where one comes", instance("a", [one]), instance("a", [two, one]), "reload"],
      [
        "don't where their instance gets another name",
        instance("a", [one]),
        instance("b", [one]),
        "reload",
      ],
    ])("%s", (_, before, after, verb) => {
      applied({ id: "first", vrrp: before });
      applied({ id: "second", vrrp: after });
      expect(told()).toEqual(["start", verb]);
    });
  });

  describe("after which an active instance lacks an address", () => {
    const vrrp = [
      "vrrp_instance VI_1 {",
      "virtual_ipaddress_excluded {",
      "192.0.2.101/32",
      "}",
      "}",
    ];
    const active = [
      "1000.0 lvs1 Keepalived[7]: Starting VRRP child process, pid=9",
      "1000.1 lvs1 Keepalived_vrrp[9]: (VI_1) Entering MASTER STATE",
    ];
    const addresses = (...own: string[]) => {
      const lines = own.map((address) => `2: eth1    inet ${address} scope global eth1\n`);
      host.write("/tmp/addresses", lines.join(""));
    };
    beforeEach(() => {
      journal(...active);
      host.program("ip", ['cat "$FOLDER/tmp/addresses"']);
      addresses("192.0.2.101/32");
    });

    test("are made good by a restart", () => {
      applied({ id: "first", vrrp });
      addresses();
      host.write("/tmp/given-back", "2: eth1    inet 192.0.2.101/32 scope global eth1\n");
      keepalived('[ "$1" != started ] || cp "$FOLDER/tmp/given-back" "$FOLDER/tmp/addresses"');
      const { stderr } = applied({ id: "second", vrrp });
      expect(stderr).toContain("active without 192.0.2.101; restarting");
      expect(told()).toEqual(["start", "reload", "restart"]);
    });

    test("are taken back where that is of no use", () => {
      applied({ id: "first", vrrp });
      addresses();
      const { code, stderr } = apply({ id: "second", vrrp });
      expect(code).toBe(1);
      expect(stderr).toContain("active without 192.0.2.101");
      expect(running()).toBe("# first");
    });

    test("are as they should be on a standby", () => {
      journal(...active, "1000.2 lvs1 Keepalived_vrrp[9]: (VI_1) Entering BACKUP STATE");
      addresses();
      applied({ id: "first", vrrp });
      expect(told()).toEqual(["start"]);
    });
  });

  test("that never get live are taken back, both", () => {
    applied({ id: "first", scripts: { check: script("old"), gone: script("gone") } });
    const before = state();
    const { code, stderr } = apply({
      id: "second",
      weight: 9,
      deaf: true,
      scripts: { check: script("new"), other: script("other") },
    });
    expect(code).toBe(1);
    expect(stderr).toContain(
      "after 30 s: in the kernel, but not in the config: -a -t 192.0.2.100:80 -r 192.0.2.21:80 -g -w 1",
    );
    expect(stderr).toContain("change not taken; the config from before is serving");
    expect(state()).toBe(before);
    expect(told()).toEqual(["start", "reload", "reload-or-restart"]);
  });

  test("that never get live on a new host leave nothing there", () => {
    const { code, stderr } = apply({ id: "first", deaf: true, scripts: { check: script("x") } });
    expect(code).toBe(1);
    expect(stderr).toContain("not in the kernel: -A -t 192.0.2.100:80 -s rr");
    expect(stderr).toContain("keepalived is not running, as before");
    expect(state()).toBe(".:\n");
  });

  test("a script that no config names any more goes when the new config is proven", () => {
    applied({ id: "first", scripts: { check: script("check"), gone: script("gone") } });
    applied({ id: "second", scripts: { check: script("check") } });
    expect(textOf("gone")).toBeUndefined();
    applied({ id: "third" });
    expect(state()).toMatch(/\n\.:\nkeepalived\.conf\n$/);
  });
});

describe("a run that was killed before the proof", () => {
  beforeEach(() => {
    applied({ id: "proven", scripts: { check: script("proven") } });
    expect(apply({ id: "cut", cut: true, scripts: { check: script("cut") } }).code).not.toBe(0);
    expect(running()).toBe("# cut");
  });

  test("is taken up again by the next, though the files are the same", () => {
    host.write("/tmp/survives", "");
    applied({ id: "cut", scripts: { check: script("cut") } });
    expect(told()).toEqual(["start", "reload", "reload"]);
    expect(textOf("check")).toBe(script("cut"));
    expect(state()).not.toContain("lvs-ha-before");
  });

  test("is no way back: that leads to what was proven last", () => {
    expect(apply({ id: "deaf", weight: 9, deaf: true, scripts: {} }).code).toBe(1);
    expect(running()).toBe("# proven");
    expect(textOf("check")).toBe(script("proven"));
  });

  test("leaves nothing behind when the stack goes", () => {
    expect(host.script("keepalived.sh", ["undo", owner]).code).toBe(0);
    expect(state()).toBe(".:\n");
  });
});

describe("a program that hangs is ended:", () => {
  const hangs = "exec /bin/sleep 20";

  beforeEach(() => {
    // Each limit that is asked for is over soon.
    host.program("timeout", [
      'case $1 in -s) kill="-s $2" && shift 2 ;; esac',
      "shift",
      'exec /usr/bin/timeout ${kill:-} 0.3 "$@"',
    ]);
  });

  test("keepalived's test of a config, which counts as refused", () => {
    keepalived('[ "$1" != --config-test ] || { trap "" TERM && /bin/sleep 20; }');
    const { code, stderr } = apply({ id: "first" });
    expect([code, running()]).toEqual([1, undefined]);
    expect(stderr).toContain("keepalived --config-test ended with 137");
  });

  test("a journal that is not read to its end, by which nobody is known to be in", () => {
    host.program("journalctl", [hangs]);
    expect(host.shell(`. ${host.scripts}/ipvs.sh; taken_out`).stdout).toBe("?\n");
  });

  test("a sync daemon that doesn't stop, which is an error", () => {
    applied({ id: "first", synced: true });
    host.write("/ipvs/daemons", "master\n");
    host.program("ipvsadm", [
      `[ "$1" != --stop-daemon ] || ${hangs}`,
      'exec "$FOLDER/stand-ins/ipvsadm" "$@"',
    ]);
    expect(apply({ id: "second" }).code).toBe(124);
  });
});

describe("keepalived has taken a config", () => {
  const fault = [
    "(VI_1): entering FAULT state (interface eth2 down)",
    "(VI_1) entering FAULT state",
  ];

  test.each<[string, string[], string]>([
    ["said so", [], "keepalived has not said that it has taken the config"],
    [
      "said so after it was told: an earlier reload may have been under way",
      ["Reload complete", "Reloading ..."],
      "keepalived has not said that it has taken the config",
    ],
    [
      "said so for all of its processes",
      ["Reload finished in 12 usec"],
      "keepalived has not said that it has taken the config",
    ],
    [
      "lost no process over it",
      ["VRRP child process(12) died: Respawning", "Reload complete"],
      "VRRP child process(12) died: Respawning",
    ],
    [
      "word of the processes that it tracks",
      ["Failed to set process event listen - errno 9 - Bad file descriptor", "Reload complete"],
      "keepalived cannot track processes on this kernel",
    ],
    [
      "no VRRP instance that has gone into a fault over it",
      [...fault, "Reload complete"],
      "VRRP instance (VI_1) has gone into a fault",
    ],
  ])("only when it has %s", (_what, says, problem) => {
    applied({ id: "first" });
    const { code, stderr } = apply({ id: "second", says });
    expect(code).toBe(1);
    expect(stderr).toContain(problem);
    expect(running()).toBe("# first");
  });

  test("only when it has been told: an earlier reload ends, too", () => {
    applied({ id: "first" });
    const { code, stderr } = apply({ id: "second", busy: true });
    expect(code).toBe(1);
    expect(stderr).toContain("keepalived has not said that it has taken the config");
  });

  test.each<[string, string[]]>([
    ["a fault that was there before isn't told again", [fault[0] ?? "", "Reload complete"]],
    [
      "a fault is over",
      [...fault, "Reload complete", "(VI_1) Entering BACKUP STATE", "(VI_1) Entering MASTER STATE"],
    ],
  ])("when %s", (_what, says) => {
    applied({ id: "first" });
    applied({ id: "second", says });
    expect(running()).toBe("# second");
  });
});

describe("a director in maintenance", () => {
  const config = { id: "first", scripts: { check: script("check") } };
  const state = () =>
    ["active", "enabled"].filter((word) =>
      Boolean(host.read(`/systemd/${word}/keepalived.service`)),
    );

  test("has the config, and keepalived neither runs nor starts at boot", () => {
    applied({ id: "before" });
    const { code } = apply(config, "stopped");
    expect([code, running(), textOf("check")]).toEqual([0, "# first", script("check")]);
    expect(state()).toEqual([]);
    expect(apply(config, "stopped").stderr).toContain("config unchanged, stopped");
  });

  test("serves again, proven, when it is out of it", () => {
    apply(config, "stopped");
    applied(config);
    expect([told(), ...state()]).toEqual([["start"], "active", "enabled"]);
  });

  test.each([
    ["in maintenance", ["stopped"] as "stopped"[], []],
    ["serving", [], ["active", "enabled"]],
  ])("is %s as before when the config is taken back", (_what, aim, before) => {
    apply(config, ...aim);
    const { code } = apply({ id: "deaf", weight: 9, deaf: true });
    expect([code, ...state()]).toEqual([1, ...before]);
  });

  test("is so after a run that was killed, too", () => {
    apply(config, "stopped");
    apply({ id: "cut", cut: true });
    host.write("/tmp/survives", "");
    expect(apply({ id: "deaf", weight: 9, deaf: true }).code).toBe(1);
    expect([running(), ...state()]).toEqual(["# first"]);
  });

  test("keeps the config that it has when keepalived refuses another", () => {
    apply(config, "stopped");
    const { code, stderr } = apply({ id: "second", refused: true }, "stopped");
    expect(code).toBe(1);
    expect(stderr).toContain("nothing changed; keepalived is not running, as before");
    expect(running()).toBe("# first");
  });
});

describe("a keepalived that is killed", () => {
  const unit = "/etc/systemd/system/keepalived.service.d/lvs-ha.conf";

  test("is started again by systemd: its unit says so as long as the stack is there", () => {
    applied({ id: "first" });
    expect(host.read(unit)).toMatch(/^Restart=on-failure\nRestartSec=1$/m);
    expect(host.script("keepalived.sh", ["undo", owner]).code).toBe(0);
    expect(host.shell("find /etc/systemd/system").stdout).toBe("/etc/systemd/system\n");
  });

  test("is so, too, where the config was there already", () => {
    applied({ id: "first" });
    host.shell(`rm ${unit}`);
    expect(applied({ id: "first" }).stderr).toContain("config unchanged, running");
    expect(host.read(unit)).toContain("Restart=on-failure");
    expect(told()).toEqual(["start"]);
  });

  test("keeps the unit that it has when its config is refused", () => {
    expect(apply({ id: "bad", refused: true }).code).toBe(1);
    expect(host.read(unit)).toBeUndefined();
  });
});

describe("undo", () => {
  test("puts back what stood there before the stack, config and scripts, and ends what it began", () => {
    host.write(`${folder}/keepalived.conf`, conf({ id: "by hand", runs: ["mine"] }).join("\n"));
    host.write(`${folder}/lvs-ha-scripts/mine`, script("mine"), 0o755);
    host.write(active, "active\n");
    const before = state();
    applied({ id: "ours", scripts: { check: script("check") } });
    expect(textOf("mine")).toBeUndefined();
    expect(host.script("keepalived.sh", ["undo", owner]).code).toBe(0);
    expect(state()).toBe(before);
    expect(told()).toEqual(["reload", "reload-or-restart"]);
    expect(host.read("/systemd/enabled/keepalived.service")).toBeUndefined();
  });

  test("has scripts that run at keepalived's stop still there then", () => {
    applied({ id: "ours", scripts: { bye: script("bye") } });
    host.program("ipvsadm", [
      '[ "$1" != -C ] || cp /etc/keepalived/lvs-ha-scripts/bye "$FOLDER/tmp/ran"',
      'exec "$FOLDER/stand-ins/ipvsadm" "$@"',
    ]);
    expect(host.script("keepalived.sh", ["undo", owner]).code).toBe(0);
    expect(host.read("/tmp/ran")).toBe(script("bye"));
    expect(state()).toBe(".:\n");
  });
});

describe("secrets", () => {
  const file = `${folder}/lvs-ha-secrets.conf`;
  const secrets = (text: string) => host.script("secrets.sh", ["apply", owner], text);
  const refuse = (word: string) => {
    keepalived(`[ "$1" != --config-test ] || ! grep -q ${word} ${file} || exit 1`);
  };

  beforeEach(() => {
    expect(secrets("auth_pass first\n").code).toBe(0);
    applied({ id: "first", secret: true });
  });

  test("that the config in place doesn't include cost no reload: it may be one from before the stack", () => {
    applied({ id: "second" });
    expect(secrets("auth_pass second\n").code).toBe(0);
    expect([host.read(file), told()]).toEqual(["auth_pass second\n", ["start", "reload"]]);
  });

  test("are changed with a reload that is proven, and for root alone", () => {
    expect(secrets("auth_pass second\n").code).toBe(0);
    expect(host.read(file)).toBe("auth_pass second\n");
    expect(told()).toEqual(["start", "reload"]);
    expect(host.shell(`stat -c %a ${file}; ls ${folder}`).stdout).toBe(
      "600\nkeepalived.conf\nlvs-ha-secrets.conf\n",
    );
  });

  test("that are there already cost no reload", () => {
    expect(secrets("auth_pass first\n").code).toBe(0);
    expect(told()).toEqual(["start"]);
    expect(host.shell(`ls ${folder}`).stdout).toBe("keepalived.conf\nlvs-ha-secrets.conf\n");
  });

  test("that keepalived refuses are put back, and never said", () => {
    refuse("second");
    const { code, stdout, stderr } = secrets("auth_pass second\n");
    expect(code).toBe(1);
    expect(stderr).toContain("change not taken; the secrets from before hold");
    expect(stdout + stderr).not.toMatch(/first|second/);
    expect(host.read(file)).toBe("auth_pass first\n");
    expect(host.shell(`ls ${folder}`).stdout).toBe("keepalived.conf\nlvs-ha-secrets.conf\n");
  });

  test("that a reload refuses are put back, too", () => {
    keepalived(`[ "$1" != reload ] || ! grep -q second ${file} || exit 1`);
    expect(secrets("auth_pass second\n").stderr).toContain("the secrets from before hold");
    expect(host.read(file)).toBe("auth_pass first\n");
  });

  test("of a run that was killed are taken up again, and the way back is to those before it", () => {
    keepalived('[ "$1" != reload ] || kill -KILL $CALLER');
    expect(secrets("auth_pass second\n").code).not.toBe(0);
    refuse("second");
    expect(secrets("auth_pass second\n").code).toBe(1);
    expect(host.read(file)).toBe("auth_pass first\n");
  });
});
