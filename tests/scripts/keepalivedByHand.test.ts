// Manual changes on a director are repaired without a reload, whatever the config does.
import { active, applied, apply, conf, folder, host, journal, table, told } from "./keepalivedHost";

test("thresholds that a reload leaves as they were are set", () => {
  applied({ id: "first", uthreshold: 100 });
  expect(host.read("/tmp/edits")).toBe(
    "-e -t 192.0.2.100:80 -r 192.0.2.21:80 -g -w 1 -x 100 -y 0\n",
  );
});

describe("what was changed by hand, with the config as it is, is mended without a reload:", () => {
  const [service = "", server = ""] = table;
  const edits = () => host.read("/tmp/edits")?.trimEnd().split("\n") ?? [];
  const now = () => host.read("/ipvs/table")?.trimEnd().split("\n");
  const write = (...lines: string[]) => {
    host.write("/ipvs/table", lines.map((line) => `${line}\n`).join(""));
  };

  beforeEach(() => {
    applied({ id: "first" });
  });

  afterEach(() => {
    expect(told()).toEqual(["start"]);
  });

  test.each([
    ["0644 0:0", `chmod 0644 ${folder}/keepalived.conf`],
    ["0600 0:0", `chmod 0600 ${folder}/keepalived.conf`],
  ])("the config's mode, %s", (_mode, change) => {
    host.shell(change);
    expect(applied({ id: "first" }).stderr).toContain("mended the mode and owner of");
    const { stdout } = host.shell(`stat -c '%a %u:%g' ${folder}/keepalived.conf`);
    expect(stdout).toBe("640 0:0\n");
    expect(applied({ id: "first" }).stderr).not.toContain("mended");
  });

  test("the config's owner", () => {
    host.program("stat", [
      'case $* in *keepalived.conf) cat "$FOLDER/tmp/owner" ;; *) exec /usr/bin/stat "$@" ;; esac',
    ]);
    host.program("chown", ['echo "640 $1" >"$FOLDER/tmp/owner"']);
    host.write("/tmp/owner", "640 1000:0\n");
    expect(applied({ id: "first" }).stderr).toContain("mended the mode and owner of");
    expect(applied({ id: "first" }).stderr).not.toContain("mended");
    expect(host.read("/tmp/owner")).toBe("640 0:0\n");
  });

  test.each([
    [
      "a weight",
      [service, server.replace(/1$/, "7")],
      "-e -t 192.0.2.100:80 -r 192.0.2.21:80 -g -w 1",
    ],
    ["a scheduler", [service.replace("rr", "lc"), server], "-E -t 192.0.2.100:80 -s rr"],
    ["a real server that was removed", [service], server],
    [
      "one that was added",
      [...table, server.replace(".21", ".9")],
      "-d -t 192.0.2.100:80 -r 192.0.2.9:80",
    ],
    ["a table that was cleared", [], service],
  ])("%s", (_what, lines, first) => {
    write(...lines);
    expect(applied({ id: "first" }).stderr).toContain(
      `IPVS was changed by hand, or by a run that was killed; now: ipvsadm ${first}`,
    );
    expect(edits()[0]).toBe(first);
    expect(now()).toEqual(table);
  });

  test("but not a real server whose check fails, nor one that is drained", () => {
    write(service);
    journal("Removing service [192.0.2.21]:tcp:80 from VS [192.0.2.100]:tcp:80");
    applied({ id: "first" });
    journal();
    write(service, server.replace(/1$/, "0"));
    host.write("/run/lvs-ha-drained", `${server}\n`);
    applied({ id: "first" });
    expect(edits()).toEqual([]);
  });

  test("nor, with alpha, one that is not there: its check may not have succeeded yet", () => {
    applied({ id: "second", alpha: true });
    write(service);
    applied({ id: "second", alpha: true });
    expect(edits()).toEqual([]);
    host.shell(`sed -i '$d' $FOLDER/tmp/told`);
  });

  test("nothing where a table is put right while it is looked at", () => {
    write(service);
    host.sleeps(10, [`echo '${server}' >>"$FOLDER/ipvs/table"`]);
    applied({ id: "first" });
    expect(edits()).toEqual([]);
  });

  test("what the kernel doesn't take is an error", () => {
    write(service, server.replace(/1$/, "7"));
    host.program("ipvsadm", [
      "case $1 in -[AEaed]) exit 0 ;; esac",
      'exec "$FOLDER/stand-ins/ipvsadm" "$@"',
    ]);
    const { code, stderr } = apply({ id: "first" });
    expect(code).toBe(1);
    expect(stderr).toContain("does not take: -e -t 192.0.2.100:80 -r 192.0.2.21:80 -g -w 1");
  });

  test("nothing on a director in maintenance", () => {
    apply({ id: "first" }, "stopped");
    host.write("/ipvs/table", "");
    expect(apply({ id: "first" }, "stopped").code).toBe(0);
    expect(edits()).toEqual([]);
  });
});

describe("what was changed by hand, with another config,", () => {
  const edits = () => host.read("/tmp/edits")?.trimEnd().split("\n") ?? [];
  const at = (weight: number) => {
    host.write("/ipvs/table", `${table[0]}\n${table[1]?.replace(/1$/, String(weight))}\n`);
  };

  test("is mended where keepalived leaves it as it is", () => {
    applied({ id: "first" });
    at(7);
    // keepalived changes only what differs between the configs; no weight does.
    applied({ id: "second", deaf: true });
    expect(edits()).toEqual(["-e -t 192.0.2.100:80 -r 192.0.2.21:80 -g -w 1"]);
    expect(host.read("/ipvs/table")).toBe(`${table.join("\n")}\n`);
  });

  test("is mended, too, where a killed run has left what keepalived knows nothing of", () => {
    applied({ id: "first" });
    apply({ id: "killed", weight: 6, cut: true });
    at(6);
    const { stderr } = applied({ id: "third", deaf: true });
    expect(stderr).toContain("IPVS was changed by hand, or by a run that was killed; now: ipvsadm");
    expect(edits()).toEqual(["-e -t 192.0.2.100:80 -r 192.0.2.21:80 -g -w 1"]);
  });

  test("is not undone on the way to a config that wants it so", () => {
    applied({ id: "first" });
    at(0);
    applied({ id: "second", weight: 0 });
    expect(edits()).toEqual([]);
  });

  test("is nobody's fault where its check has failed", () => {
    applied({ id: "first" });
    host.write("/ipvs/table", `${table[0]}\n`);
    journal("Removing service [192.0.2.21]:tcp:80 from VS [192.0.2.100]:tcp:80");
    applied({ id: "second", deaf: true });
    expect(edits()).toEqual([]);
  });

  test.each([
    ["a config from before the stack", []],
    ["one that was edited", [{ id: "first" }]],
  ])("is left alone in the table of %s", (_what, before) => {
    before.forEach(applied);
    host.write(active, "active\n");
    host.write(`${folder}/keepalived.conf`, conf({ id: "by hand" }).join("\n"));
    at(7);
    const { code, stderr } = apply({ id: "second", deaf: true });
    expect([code, edits()]).toEqual([1, []]);
    expect(stderr).toContain("in the kernel, but not in the config");
  });
});
