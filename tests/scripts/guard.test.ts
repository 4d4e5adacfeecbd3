// The firewall's dead man's switch: a change that may shut a login out goes back unless somebody logs in anew.
import { renderFiles } from "../../components/render/files";
import { PretendHost, type Result } from "./host";

const owner = "lvs1/10.10.0.11";
const operator = "203.0.113.9 40000 10.10.0.11 22";
const table = "/etc/lvs-ha/firewall.nft";
const rule = "allow from 192.0.2.0/24";

let host: PretendHost;
beforeEach(() => {
  host = new PretendHost();
  host.sleeps(1);
});
afterEach(() => {
  host.remove();
});

/** What the change is, in each back end's words. */
const inputs = (logins: string[]) => ({
  ufw: { ufw: [rule, ...logins.map((from) => `allow from ${from}`)] },
  nftables: { [table]: ["table inet lvs_ha { chain input { } }", ...logins] },
  none: { [table]: ["table inet lvs_ha { chain untracked { } }"] },
});

const apply = (
  backend: "ufw" | "nftables" | "none",
  logins = ["10.0.0.0/8"],
  { from = operator } = {},
): Result =>
  host.script(
    "firewall.sh",
    ["apply", owner, backend, from],
    renderFiles({ logins, ...inputs(logins)[backend] }),
  );

const nobody = () => {
  host.write("/tmp/nobody-logs-in", "");
};
const somebody = () => {
  host.shell("rm -f $FOLDER/tmp/nobody-logs-in");
};
const isOn = { ufw: () => host.read("/ufw/active"), nftables: () => host.read("/nft/lvs_ha") };
const timer = () => host.read("/systemd/active/lvs-ha-firewall-guard.timer");
const note = () => host.read("/var/lib/lvs-ha/firewall-unconfirmed");
const waits = /waits up to 60 s for another login/;

describe.each(["ufw", "nftables"] as const)("%s that is switched on", (backend) => {
  test("stays where somebody logs in anew, and then nothing is left to take it back", () => {
    const { code, stderr } = apply(backend);
    expect([code, stderr]).toEqual([0, expect.stringMatching(waits)]);
    expect(stderr).toContain("198.51.100.7 has logged in anew: the change stays");
    expect(isOn[backend]()).toBeDefined();
    expect([timer(), note()]).toEqual([undefined, undefined]);
    expect(host.read("/tmp/timer")).toMatch(/^90 .*[/]firewall.sh rollback\n$/);
  });

  test("goes back within the limit where nobody does, fails, and is known by that; the next run says so again", () => {
    nobody();
    for (const began of [100, 160]) {
      const { code, stderr } = apply(backend);
      expect([code, stderr]).toEqual([
        1,
        expect.stringContaining("nobody could log in anew within 60 s of this change"),
      ]);
      expect(stderr).toContain("put back what was there before this change");
      expect([isOn[backend](), timer()]).toEqual([undefined, undefined]);
      expect(note()).toMatch(/^\d+ 203\.0\.113\.9\n$/);
      const now = Number(host.read("/uptime")?.split(" ")[0]);
      expect(now - began).toBeLessThanOrEqual(61);
    }
    somebody();
    expect(apply(backend).code).toBe(0);
    expect([isOn[backend]() !== undefined, note()]).toEqual([true, undefined]);
  });

  test("asks for no login again while nothing is lost to anybody", () => {
    apply(backend);
    nobody();
    for (const logins of [["10.0.0.0/8"], ["10.0.0.0/8", "203.0.113.0/24"]]) {
      const { code, stderr } = apply(backend, logins);
      expect([code, stderr.includes("waits up to 60 s for another login")]).toEqual([0, false]);
    }
  });

  test("stays as it was where it would let in fewer, and nobody logs in anew", () => {
    apply(backend, ["10.0.0.0/8", "203.0.113.0/24"]);
    const before = [host.read("/ufw/added"), host.read("/nft/lvs_ha")];
    nobody();
    expect(apply(backend, ["10.0.0.0/8"])).toMatchObject({ code: 1 });
    expect([host.read("/ufw/added"), host.read("/nft/lvs_ha")]).toEqual(before);
    // The next run compares with who is let in, not with who was to be.
    expect(apply(backend, ["10.0.0.0/8"])).toMatchObject({ code: 1 });
    somebody();
    expect(apply(backend, ["10.0.0.0/8"])).toMatchObject({ code: 0 });
  });

  test("by a version that noted nothing asks once, whoever that let in", () => {
    apply(backend);
    host.shell("rm /var/lib/lvs-ha/firewall-logins");
    expect(apply(backend).stderr).toMatch(waits);
    expect(apply(backend).stderr).not.toMatch(waits);
  });

  test("where nobody has come by SSH, asks for no login", () => {
    nobody();
    expect(apply(backend, [], { from: "" })).toMatchObject({ code: 0 });
  });

  test("isn't, where no timer would take it back", () => {
    host.write("/tmp/no-timers", "");
    const { code, stderr } = apply(backend);
    expect([code, stderr]).toEqual([1, expect.stringContaining("no firewall is switched on")]);
    expect(isOn[backend]()).toBeUndefined();
  });

  test("goes back by the timer where the run that waits is killed", () => {
    host.program("sleep", ["kill -9 $PPID"]);
    nobody();
    apply(backend);
    expect([isOn[backend]() !== undefined, timer()]).toEqual([true, "active\n"]);
    const [, command = ""] = host.read("/tmp/timer")?.trim().split(/ (.*)/) ?? [];
    const { code, stderr } = host.shell(command);
    expect([code, stderr]).toEqual([0, expect.stringContaining("put back")]);
    expect([isOn[backend](), timer()]).toEqual([undefined, undefined]);
    expect(note()).toMatch(/203\.0\.113\.9/);
    // It finds nothing to do a second time.
    expect(host.shell(command)).toEqual({ code: 0, stdout: "", stderr: "" });
  });

  test("that goes on with a change that was cut off asks for the login that this one was without", () => {
    host.program("sleep", ["kill -9 $PPID"]);
    nobody();
    apply(backend);
    host.sleeps(1);
    expect(apply(backend)).toMatchObject({
      code: 1,
      stderr: expect.stringContaining("goes on with a change that was cut off") as string,
    });
    expect(isOn[backend]()).toBeUndefined();
  });
});

test("ufw does not start at the boot after a power cut while the change waits, and is as before after the next run", () => {
  host.program("sleep", ["kill -9 $PPID"]);
  nobody();
  apply("ufw");
  host.write("/etc/ufw/ufw.conf", "# its own\nENABLED=yes\nLOGLEVEL=low\n");
  expect(host.script("rollback.sh", ["boot"])).toMatchObject({ code: 0 });
  expect(host.read("/etc/ufw/ufw.conf")).toBe("# its own\nENABLED=no\nLOGLEVEL=low\n");
  host.shell("rm $FOLDER/ufw/active");
  host.sleeps(1);
  expect(apply("ufw")).toMatchObject({ code: 1 });
  expect([isOn.ufw(), host.read("/ufw/added")]).toEqual([undefined, ""]);
});

test("no firewall, no question", () => {
  nobody();
  expect(apply("none")).toMatchObject({ code: 0 });
  expect(note()).toBeUndefined();
});

test("what went back is forgotten when a change comes that shuts nobody out", () => {
  nobody();
  expect(apply("ufw").code).toBe(1);
  expect(note()).toBeDefined();
  expect(apply("none").code).toBe(0);
  expect(note()).toBeUndefined();
});

describe("another firewall", () => {
  beforeEach(() => {
    host.program("ip", []);
  });

  test.each(["switched on by the stack", "on before"])(
    "in the place of an ufw that was %s goes back with all that went, where nobody logs in anew",
    (was) => {
      if (was === "on before") {
        host.write("/ufw/active", "");
        host.write("/ufw/added", "ufw allow from 203.0.113.0/24\n");
      }
      apply("ufw");
      const before = host.read("/ufw/added");
      nobody();
      expect(apply("nftables")).toMatchObject({ code: 1 });
      expect([isOn.nftables(), isOn.ufw()]).toEqual([undefined, ""]);
      expect(host.read("/ufw/added")?.split("\n").sort()).toEqual(before?.split("\n").sort());
      somebody();
      expect(apply("nftables")).toMatchObject({ code: 0 });
      expect(isOn.ufw()).toBe(was === "on before" ? "" : undefined);
      expect(host.read("/ufw/added")).not.toContain("lvs-ha");
    },
  );
});

test("no firewall in the place of an ufw that stays on asks for a login: it loses those whom the stack let in", () => {
  host.program("ip", []);
  host.write("/ufw/active", "");
  host.write("/ufw/added", "ufw allow from 203.0.113.0/24\n");
  apply("ufw");
  const before = host.read("/ufw/added");
  expect(before).toContain("lvs-ha");
  nobody();
  expect(apply("none")).toMatchObject({ code: 1, stderr: expect.stringMatching(waits) as string });
  expect(host.read("/ufw/added")?.split("\n").sort()).toEqual(before?.split("\n").sort());
  somebody();
  expect(apply("none").code).toBe(0);
  expect(host.read("/ufw/added")).toBe("ufw allow from 203.0.113.0/24\n");
});

describe("a login that confirms", () => {
  /** Runs a line in the place of the first pause while a change waits; as sudo has it run for who has come by a connection. */
  const meanwhile = (connection: string) => {
    nobody();
    host.sleeps(1, [
      `[ -e $FOLDER/tmp/came ] || { : >$FOLDER/tmp/came; SSH_CONNECTION='${connection}' sh -c 'env -u SSH_CONNECTION ${host.scripts}/firewall.sh confirm; exit $?' 2>$FOLDER/tmp/said || :; }`,
    ]);
    host.write(
      "/tmp/connections",
      [
        "0 0 10.10.0.11:22 203.0.113.9:40000",
        "0 0 [::ffff:10.10.0.11]:22 [::ffff:203.0.113.10]:40001",
        "0 36 [2001:db8::11]:22 [2001:db8::9]:40002",
        "0 0 [fe80::2%eth0]:22 [fe80::1%eth0]:40003\n",
      ].join("\n"),
    );
    return { result: apply("ufw"), said: () => host.read("/tmp/said") };
  };

  test.each([
    "203.0.113.9 40000 10.10.0.11 22",
    "203.0.113.10 40001 10.10.0.11 22",
    "2001:db8::9 40002 2001:db8::11 22",
    "fe80::1%eth0 40003 fe80::2%eth0 22",
  ])("was not there before the change: %s shows nothing", (connection) => {
    const { result, said } = meanwhile(connection);
    expect([said(), result.code]).toEqual([
      expect.stringContaining("this login was there before the change"),
      1,
    ]);
  });

  test.each(["203.0.113.9 40009 10.10.0.11 22", "2001:db8::9 40003 2001:db8::11 22"])(
    "is a new one: %s",
    (connection) => {
      const { result } = meanwhile(connection);
      expect(result.code).toBe(0);
      expect(result.stderr).toContain(`${connection.split(" ")[0]} has logged in anew`);
    },
  );

  test("comes by SSH, and while a change waits", () => {
    expect(meanwhile("").said()).toContain("only a login by SSH");
    expect(host.script("firewall.sh", ["confirm"]).stderr).toContain("no change waits for a login");
  });
});

test("who asks is told which change waits, and after a while that none does", () => {
  expect(host.script("firewall.sh", ["asks"])).toEqual({ code: 0, stdout: "", stderr: "" });
  nobody();
  host.sleeps(1, [
    `[ -e $FOLDER/tmp/came ] || { : >$FOLDER/tmp/came; ${host.scripts}/firewall.sh asks >$FOLDER/tmp/said; }`,
  ]);
  apply("ufw");
  expect(host.read("/tmp/said")).toMatch(/^\d+ 203\.0\.113\.9\n$/);
});

test("undo leaves no note of it", () => {
  nobody();
  apply("ufw");
  expect(host.script("firewall.sh", ["undo", owner]).code).toBe(0);
  expect(note()).toBeUndefined();
  somebody();
  apply("ufw");
  expect(host.script("firewall.sh", ["undo", owner]).code).toBe(0);
  expect(host.read("/var/lib/lvs-ha/firewall-logins")).toBeUndefined();
});
