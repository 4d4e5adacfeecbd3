// The sync daemons of a config; and a keepalived started without its addresses, which is reloaded
// when they arrive.
import { active, applied, apply, conf, folder, host, owner, told } from "./keepalivedHost";

describe("a sync daemon", () => {
  const daemons = () => host.read("/ipvs/daemons");
  beforeEach(() => {
    host.write("/ipvs/daemons", "master\nbackup\n");
  });

  test("that the config has runs on", () => {
    applied({ id: "first", synced: true });
    applied({ id: "second", synced: true });
    expect(daemons()).toBe("master\nbackup\n");
  });

  test("that somebody has stopped is started again, as the config says", () => {
    applied({ id: "first", synced: true });
    host.write("/ipvs/daemons", "master\n");
    const { stderr } = applied({ id: "first", synced: true });
    expect(stderr).toContain("started the backup sync daemon");
    expect(host.read("/tmp/edits")).toBe(
      "--start-daemon backup --mcast-interface eth0 --syncid 51\n",
    );
    expect(daemons()).toBe("master\nbackup\n");
    expect(told()).toEqual(["start"]);
  });

  test.each([
    ["another interface", "eth9 51"],
    ["another id", "eth0 0"],
    ["another group", "eth0 51 224.0.0.99"],
    ["another port", "eth0 51 224.0.0.81 9999"],
    ["another TTL", "eth0 51 224.0.0.81 8848 9"],
  ])("of another owner, with %s, makes room for the config's", (_, theirs) => {
    host.write("/ipvs/daemons", `master ${theirs}\nbackup\n`);
    const { stderr } = applied({ id: "first", synced: true });
    expect(stderr).toContain("started the master sync daemon in the place of another: mcast=eth");
    expect([...(daemons() ?? "").split("\n")].sort()).toEqual(["", "backup", "master"]);
    // An unchanged config causes no reload.
    host.write("/ipvs/daemons", `master\nbackup ${theirs}\n`);
    expect(applied({ id: "first", synced: true }).stderr).toContain("started the backup sync");
    expect(daemons()).toBe("master\nbackup\n");
    expect(told()).toEqual(["start"]);
  });

  test("that does not start is an error that names it; the config is live, and the next run tries again", () => {
    host.write("/ipvs/daemons", "");
    const refuses = [
      '[ "$1" != --start-daemon ] || exit 255',
      'exec "$FOLDER/stand-ins/ipvsadm" "$@"',
    ];
    host.program("ipvsadm", refuses);
    const { code, stderr } = apply({ id: "first", synced: true });
    expect([code, stderr]).toEqual([
      1,
      expect.stringContaining(
        "the master sync daemon does not start (--mcast-interface eth0 --syncid 51)",
      ),
    ]);
    host.program("ipvsadm", refuses.slice(1));
    expect(applied({ id: "first", synced: true }).stderr).toContain("config unchanged");
    expect(daemons()).toBe("master\nbackup\n");
  });

  test("is stopped when the config has it no more, which a reload leaves undone", () => {
    applied({ id: "first", synced: true });
    const { stderr } = applied({ id: "second" });
    expect(stderr).toContain("stopped the master sync daemon");
    expect(daemons()).toBe("");
    host.write("/ipvs/daemons", "backup\n");
    applied({ id: "second" });
    expect(daemons()).toBe("");
  });

  test("is stopped when a config with it is taken back", () => {
    host.write("/ipvs/daemons", "");
    applied({ id: "first" });
    host.write("/ipvs/daemons", "master\n");
    expect(apply({ id: "second", synced: true, weight: 9, deaf: true }).code).toBe(1);
    expect(daemons()).toBe("");
  });

  test("of the stack goes with the stack, one of somebody else's stays", () => {
    host.write(`${folder}/keepalived.conf`, conf({ id: "by hand" }).join("\n"));
    host.write(active, "active\n");
    applied({ id: "ours", synced: true });
    expect(host.script("keepalived.sh", ["undo", owner]).code).toBe(0);
    expect(daemons()).toBe("");
    const theirs = conf({ id: "by hand", synced: true }).join("\n").replaceAll("    ", "\t");
    host.write(`${folder}/keepalived.conf`, theirs);
    applied({ id: "ours", synced: true });
    host.write("/ipvs/daemons", "master\n");
    expect(host.script("keepalived.sh", ["undo", owner]).code).toBe(0);
    expect(daemons()).toBe("master\n");
  });
});

describe("a keepalived that was started without its addresses", () => {
  test("reads its config anew when they are there, and gets its sync daemons", () => {
    host.write("/ipvs/daemons", "master\nbackup\n");
    applied({ id: "first", synced: true });
    host.write("/ipvs/daemons", "backup\n");
    expect(host.script("keepalived.sh", ["recover"]).code).toBe(0);
    expect(told()).toEqual(["start", "reload"]);
    expect(host.read("/ipvs/daemons")).toBe("backup\nmaster\n");
  });

  test("is let alone when it doesn't run any more", () => {
    applied({ id: "first", synced: true });
    host.shell("systemctl stop keepalived");
    host.write("/ipvs/daemons", "");
    expect(host.script("keepalived.sh", ["recover"]).code).toBe(0);
    expect(told()).toEqual(["start"]);
    expect(host.read("/ipvs/daemons")).toBe("");
  });

  test("isn't waited for any more once it is stopped", () => {
    applied({ id: "first", synced: true });
    host.shell("systemctl stop keepalived");
    const { code, stderr } = host.script("network.sh", ["follow", `${folder}/keepalived.conf`]);
    expect([code, stderr]).toEqual([0, ""]);
    expect(told()).toEqual(["start"]);
  });

  test("isn't waited for any more once the stack is gone", () => {
    const unit = "lvs-ha-network.service";
    applied({ id: "first" });
    host.write(`/systemd/lib/${unit}`, "[Service]\n");
    host.write(`/systemd/active/${unit}`, "active\n");
    expect(host.script("keepalived.sh", ["undo", owner]).code).toBe(0);
    expect(host.shell(`systemctl is-active ${unit}`).stdout).toBe("inactive\n");
  });
});
