// keepalived's service: in maintenance, after it was killed, and after undo.
import {
  active,
  applied,
  apply,
  conf,
  folder,
  host,
  owner,
  running,
  script,
  state,
  textOf,
  told,
} from "./keepalivedHost";

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
