// keepalived on a director: what it has taken, maintenance, kills, secrets, and a program that hangs.
import {
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
