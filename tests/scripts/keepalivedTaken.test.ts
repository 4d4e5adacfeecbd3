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

describe("a keepalived that tells less", () => {
  const version = (number: string) =>
    `[ "$1" != --version ] || { echo "Keepalived v${number} (07/13,2020)" >&2; exit 0; }`;
  const ends0 = `[ "$1" != --config-test ] || { echo "(Line 2) Unknown keyword 'nonsense'"; exit 0; }`;

  test("as 2.1.5, which ends its test with 0 whatever it finds: any word is a no", () => {
    keepalived(version("2.1.5"), ends0);
    const { code, stderr } = apply({ id: "first" });
    expect([code, running()]).toEqual([1, undefined]);
    expect(stderr).toContain("Unknown keyword 'nonsense'");
  });

  test.each(["2.2.4", "2.2.10", "2.10.1"])("not %s, whose warnings are no refusal", (number) => {
    keepalived(version(number), ends0);
    expect(applied({ id: "first" }).stderr).toContain("keepalived: config accepted");
  });

  test.each<[claim: string, says: string[], code: number]>([
    ["both of its processes have begun a reload", ["Reloading", "Reloading"], 0],
    [
      "both have been started",
      [
        "Starting Keepalived v2.1.5 (07/13,2020)",
        "Starting Healthcheck child process, pid=5",
        "Starting VRRP child process, pid=6",
      ],
      0,
    ],
    ["not one alone", ["Reloading"], 1],
    [
      "not where one has died of it",
      ["Reloading", "Reloading", "VRRP child process(6) died: x"],
      1,
    ],
  ])("as before 2.2.2, which never says that it has taken a config: %s", (_, says, code) => {
    keepalived(version("2.1.5"));
    const { stderr, ...result } = apply({ id: "first", says });
    expect([result.code, code === 0 ? "" : stderr]).toEqual([
      code,
      code === 0 ? "" : expect.stringMatching(/has not said that it has taken|died/),
    ]);
  });

  test("but a newer one must say so", () => {
    keepalived(version("2.2.2"));
    const { code, stderr } = apply({ id: "first", says: ["Reloading", "Reloading"] });
    expect([code, stderr]).toEqual([1, expect.stringContaining("has not said that it has taken")]);
  });

  test("has 3 s to fail after that", () => {
    keepalived(version("2.1.5"));
    const log = "$FOLDER/journal";
    // While it is looked at for the second time.
    host.sleeps(10, [`echo "VRRP child process(6) died: Respawning" >>${log}`]);
    expect(apply({ id: "first", says: ["Reloading", "Reloading"] }).code).toBe(1);
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
