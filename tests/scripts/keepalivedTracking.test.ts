// A change of what VRRP tracks is watched for as long as a failure may take to show.
import { applied, apply, folder, host, journal, running, textOf } from "./keepalivedHost";

describe("what VRRP tracks, when it has changed,", () => {
  const instance = (...lines: string[]) => ["vrrp_instance VI_1 {", ...lines, "}"];
  const script = (...lines: string[]) => [
    "vrrp_script check {",
    `    script "${folder}/lvs-ha-scripts/check"`,
    ...lines,
    "}",
    ...instance("    track_script {", "        check", "    }"),
  ];
  /** After this many seconds, keepalived logs a fault. */
  const fails = (seconds: number, step = 1) => {
    const begin = Number.parseInt(host.read("uptime") ?? "", 10);
    host.sleeps(step, [
      "read -r up idle </proc/uptime",
      `[ "\${up%.*}" -lt ${begin + seconds} ] || {`,
      // The steps after the fault need no waiting.
      '    echo "$((${up%.*} + 30)).00 $idle" >"$FOLDER/uptime"',
      '    echo "(VI_1) Entering FAULT STATE" >>"$FOLDER/journal"',
      "}",
    ]);
  };
  const check = { check: "#!/bin/sh\nexit 0\n" };

  test.each<[string, string[], number]>([
    ["a script", script("    interval 5", "    timeout 4"), 9],
    ["a script that may fail twice", script("    interval 2", "    fall 3"), 8],
    ["a script with a long timeout", script("    interval 1", "    timeout 10", "    fall 2"), 30],
    ["a script as keepalived runs it by itself", script(), 3],
    ["a script that fails at first", script("    rise 6", "    init_fail"), 7],
    ["part of a second", script("    interval 1.25", "    fall 3"), 5],
    [
      "a process",
      [
        "vrrp_track_process proc {",
        "    process /bin/proc",
        "    terminate_delay 7.5",
        "}",
        ...instance("    track_process {", "        proc", "    }"),
      ],
      8,
    ],
    [
      "a file",
      [
        "track_file file {",
        "    file /run/file",
        "}",
        ...instance("    track_file {", "        file weight 10", "    }"),
      ],
      3,
    ],
    [
      "a BFD session",
      [
        "bfd_instance bfd {",
        "    neighbor_ip 192.0.2.1",
        "    idle_tx 2000",
        "    multiplier 3",
        "}",
        ...instance("    track_bfd {", "        bfd", "    }"),
      ],
      6,
    ],
    ["an interface", instance("    track_interface {", "        eth2", "    }"), 3],
    [
      "an interface of a group",
      ["vrrp_sync_group G {", "    track_interface {", "        eth2", "    }", "}"],
      3,
    ],
  ])("is watched for as long as it can take to fail: %s", (_what, vrrp, seconds) => {
    applied({ id: "first", scripts: check });
    fails(seconds - 1);
    const { code, stderr } = apply({ id: "second", scripts: check, vrrp });
    expect(stderr).toContain(`what VRRP tracks has changed; watching it for ${seconds} s`);
    expect(stderr).toContain("VRRP instance (VI_1) has gone into a fault");
    expect(code).toBe(1);
    expect(running()).toBe("# first");
  });

  test("is watched no longer than that", () => {
    applied({ id: "first", scripts: check });
    fails(20);
    applied({ id: "second", scripts: check, vrrp: script("    interval 5", "    timeout 4") });
    expect(running()).toBe("# second");
  });

  test("is watched at the first config, too", () => {
    fails(8);
    const vrrp = script("    interval 5", "    timeout 4");
    expect(apply({ id: "first", scripts: check, vrrp }).code).toBe(1);
  });

  test("is watched for 4 minutes at most, and that is said", () => {
    applied({ id: "first", scripts: check });
    fails(230, 10);
    const vrrp = script("    interval 600", "    fall 2");
    const { code, stderr } = apply({ id: "second", scripts: check, vrrp });
    expect(stderr).toContain("can take 1800 s to fail; watching it for 240 s");
    expect(code).toBe(1);
  });

  test("counts as changed when its script's text has", () => {
    const vrrp = script("    interval 5", "    timeout 4");
    applied({ id: "same", scripts: check, vrrp });
    fails(8);
    const scripts = { check: "#!/bin/sh\nexit 1\n" };
    expect(apply({ id: "same", scripts, vrrp }).code).toBe(1);
    expect(textOf("check")).toBe(check.check);
  });

  test("is not watched when it hasn't", () => {
    const vrrp = script("    interval 5", "    timeout 4");
    applied({ id: "first", scripts: check, vrrp });
    const { stderr } = applied({ id: "second", scripts: check, vrrp });
    expect(stderr).not.toContain("tracks has changed");
  });

  test.each<[string, string[], string[], string]>([
    [
      "is in a fault still, of which a reload says nothing",
      ["(VI_1) entering FAULT state"],
      ["Reload complete"],
      "VRRP instance VI_1 is in a fault",
    ],
    [
      "has never said what it is",
      [],
      ["Reload complete"],
      "VRRP instance VI_1 takes no part in VRRP yet",
    ],
    [
      "stands by, and says nothing more",
      ["(VI_1) Entering FAULT STATE", "(VI_1) Entering BACKUP STATE"],
      ["Reload complete"],
      "",
    ],
    [
      "is in a fault for the reason that the reload says again",
      ["(VI_1): entering FAULT state (interface eth1 down)"],
      ["(VI_1): entering FAULT state (interface eth1 down)", "Reload complete"],
      "VRRP instance VI_1 is in a fault",
    ],
    [
      "has lost its VRRP process, and the new one hasn't said what it is",
      ["(VI_1) Entering BACKUP STATE", "Starting VRRP child process, pid=2"],
      ["Reload complete"],
      "VRRP instance VI_1 takes no part in VRRP yet",
    ],
    [
      "has got over its fault",
      ["(VI_1) entering FAULT state"],
      ["Reload complete", "(VI_1) Entering BACKUP STATE (init)"],
      "",
    ],
  ])("is taken only if every instance takes part: one %s", (_what, before, says, problem) => {
    applied({ id: "first" });
    journal("Starting Keepalived v2.2.7 (01/16,2022)", ...before);
    const vrrp = instance("    track_interface {", "        eth2", "    }");
    const { code, stderr } = apply({ id: "second", says, vrrp });
    expect([code, stderr]).toEqual([problem === "" ? 0 : 1, expect.stringContaining(problem)]);
  });
});
