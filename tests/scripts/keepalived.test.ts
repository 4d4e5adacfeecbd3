// The transaction of a director's config and scripts, with a stand-in keepalived that obeys
// comments in its config (stand-ins/keepalived.sh).
import {
  journal,
  applied,
  apply,
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
