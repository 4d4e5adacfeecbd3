// The signs that keepalived has taken a config, and programs that hang before that.
import { applied, apply, host, keepalived, running } from "./keepalivedHost";

describe("a program that hangs is ended:", () => {
  const hangs = "exec /bin/sleep 20";

  beforeEach(() => {
    // Every time limit expires quickly.
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
