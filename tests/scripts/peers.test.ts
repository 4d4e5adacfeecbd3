// Directors that stop before a change of what all must have alike, and start when all have it.
import { withdrawnFile as withdrawn } from "../../ops/status/look";
import { rmSync } from "node:fs";
import { withEnd } from "../../components/render/files";
import { renderHeard } from "../../components/render/keepalived";
import type { Settings } from "../../components/settings";
import { settingsOf, smallStack, type Stack } from "../support/stacks";
import { PretendHost, type Result } from "./host";

const conf = "/etc/keepalived/keepalived.conf";
const running = "/systemd/active/keepalived.service";
const [vip, told] = ["192.0.2.100", "169.254.255.51"];

const settings = (change: (stack: Stack) => void = () => undefined): Settings => {
  const stack = smallStack();
  change(stack);
  return settingsOf(stack);
};

/** The part of lvs2's config that must agree with the others. */
const heard = (of: Settings, authPass?: string): string => {
  const [, director] = of.directors;
  if (!director) throw new Error("no director");
  return renderHeard(of, director, authPass);
};

let host: PretendHost;
beforeEach(() => {
  host = new PretendHost();
  host.sleeps(1);
  host.write(running, "active\n");
});
afterEach(() => {
  host.remove();
});

/** Runs withdraw on a host with these addresses, whose keepalived has this config. */
function withdraw(input: string, { order = "MORE", has = [] as string[] } = {}): Result {
  const addresses = has.map((address) => `ip addr add ${address}/32 dev lo; `).join("");
  return host.shell(
    `${addresses}exec "$FOLDER/scripts/peers.sh" withdraw ${order}`,
    [],
    withEnd(input),
  );
}

const isRunning = () => host.read(running) !== undefined;

describe("a director that stands by", () => {
  const before = settings();
  const carrying = (...addresses: string[]) => {
    const lines = addresses.map((address) => `        ${address}/32 dev eth1\n`).join("");
    const excluded = `virtual_ipaddress_excluded {\n${lines}    }\n    virtual_ipaddress {`;
    const text = heard(before).replace(/^==> .*\n/, "");
    host.write(conf, text.replace("virtual_ipaddress {", excluded));
  };
  const otherId = heard(settings((stack) => (stack.vrrp = { virtualRouterId: 52 })));

  const understood: [string, (stack: Stack) => void][] = [
    ["nothing", () => undefined],
    ["another virtual address", (stack) => (stack.virtualServers[0].address = "192.0.2.105")],
    ["another priority", (stack) => (stack.directors[1].priority = 90)],
    ["another interval of version 3", (stack) => (stack.vrrp = { advertIntervalSeconds: 1 })],
    [
      "one more director",
      (stack) =>
        stack.directors.push({
          ...stack.directors[1],
          name: "lvs3",
          host: "10.10.0.13",
          vrrpAddress: "192.0.2.13/24",
        }),
    ],
  ];

  test.each(understood)("goes on if what changes is %s", (_, change) => {
    carrying(vip);
    const { code, stdout, stderr } = withdraw(heard(settings(change)), { order: "LAST" });
    expect([code, stdout, stderr]).toEqual([0, "", expect.stringContaining("go on understanding")]);
    expect([isRunning(), host.read(withdrawn)]).toEqual([true, undefined]);
  });

  const notUnderstood: [string, (stack: Stack) => void][] = [
    ["virtual router ID", (stack) => (stack.vrrp = { virtualRouterId: 52 })],
    ["version", (stack) => (stack.vrrp = { version: 2, advertIntervalSeconds: 1 })],
    ["way to travel", (stack) => (stack.vrrp = { unicast: false })],
    ["own address", (stack) => (stack.directors[1].vrrpAddress = "192.0.2.19/24")],
    ["address of the other", (stack) => (stack.directors[0].vrrpAddress = "192.0.2.19/24")],
    ["interface", (stack) => (stack.vrrp = { interface: "eth2" })],
  ];

  test.each(notUnderstood)("stops if what changes is its %s", (_, change) => {
    carrying(vip);
    const { code, stdout, stderr } = withdraw(heard(settings(change)), { order: "LAST" });
    expect([code, stderr]).toEqual([0, expect.stringContaining("stopped until every director")]);
    expect([isRunning(), host.read(withdrawn)]).toEqual([false, stdout]);
    expect(stdout).toMatch(/^\d+[.]\d+\n$/);
  });

  test("stops if its password changes", () => {
    carrying(vip);
    const version2 = (stack: Stack) => (stack.vrrp = { version: 2, advertIntervalSeconds: 1 });
    const [, first = ""] = heard(settings(version2), "first").split("==> /etc/keepalived/lvs-ha");
    host.write(conf, heard(settings(version2), "x").replace(/^==> .*\n|==> [^]*$/g, ""));
    host.write("/etc/keepalived/lvs-ha-secrets.conf", first.replace(/^.*\n/, ""));
    expect(withdraw(heard(settings(version2), "first")).stderr).toContain("go on understanding");
    const { code, stderr } = withdraw(heard(settings(version2), "second"));
    expect([code, stderr]).toEqual([0, expect.stringContaining("stopped until every director")]);
    expect(stderr).not.toContain("second");
  });

  test.each(["MORE", "LAST"])("goes on if it has every virtual address (%s)", (order) => {
    carrying(vip);
    const { code, stdout, stderr } = withdraw(otherId, { order, has: [vip, told] });
    expect([code, stdout, stderr]).toEqual([0, "", expect.stringContaining("goes on")]);
    expect(isRunning()).toBe(true);
  });

  test.each([
    ["MORE", false],
    ["LAST", true],
  ])("that has some of them: asked as %s, it runs on: %s", (order, runs) => {
    carrying(vip, "192.0.2.101");
    expect(withdraw(otherId, { order, has: [vip] }).code).toBe(0);
    expect(isRunning()).toBe(runs);
  });

  test("whose keepalived doesn't run waits for the others, too", () => {
    rmSync(host.at(running));
    const { code, stdout, stderr } = withdraw(otherId);
    expect([code, stderr]).toEqual([0, expect.stringContaining("isn't running; starts when")]);
    expect(host.read(withdrawn)).toBe(stdout);
  });

  test("stops for a config of another hand, however it is written", () => {
    host.write(
      conf,
      `! by hand
vrrp_instance VI_1
{
  interface eth1 # public
  virtual_router_id 51
  virtual_ipaddress
  {
    ${vip}/24 dev eth1
  }
}`,
    );
    expect(withdraw(heard(before)).code).toBe(0);
    expect(isRunning()).toBe(false);
  });
});

test("a pair that was built by hand runs again after the stack, as it did before", () => {
  const own = `vrrp_instance VI_1 {
    interface eth1
    virtual_router_id 51
    virtual_ipaddress {
        ${vip}/24 dev eth1
    }
}
# says Reload complete
`;
  host.write(conf, own);
  host.write("/systemd/enabled/keepalived.service", "");
  const owner = "lvs2/10.10.0.12";
  const run = (name: string, args: string[], input = "") => {
    const { code, stderr } = host.script(name, args, input);
    expect([code, code === 0 ? "" : stderr]).toEqual([0, ""]);
  };
  run("peers.sh", ["withdraw", "MORE"], heard(settings()));
  const serving = `${heard(settings())}# says Reload complete\nvirtual_server ${vip} 80 {\nlvs_sched rr\n}\n`;
  run("keepalived.sh", ["apply", owner], serving);
  expect(isRunning()).toBe(false);
  run("peers.sh", ["join", "lvs2", "1"], `expect ${vip}\n`);
  expect(isRunning()).toBe(true);
  run("peers.sh", ["leave", "MORE"]);
  expect(isRunning()).toBe(false);
  run("keepalived.sh", ["undo", owner]);
  expect([isRunning(), host.read(conf)]).toEqual([false, own]);
  run("peers.sh", ["resume"]);
  expect(isRunning()).toBe(true);
  expect(host.read("/systemd/enabled/keepalived.service")).toBeDefined();
  expect(host.read(withdrawn)).toBeUndefined();
});

describe("a director that has withdrawn", () => {
  const lines = ["# says Reload complete", "virtual_server 192.0.2.100 80 {", "lvs_sched rr", "}"];
  beforeEach(() => {
    host.write(conf, `${lines.join("\n")}\n`);
    host.write(withdrawn, "1.5\n");
    rmSync(host.at(running));
  });

  /** Runs join on a host with these addresses. */
  function join(input: string[], has: string[] = []): Result {
    const addresses = has.map((address) => `ip addr add ${address}/32 dev lo; `).join("");
    const command = `${addresses}exec "$FOLDER/scripts/peers.sh" join lvs2 2`;
    return host.shell(command, [], withEnd(input.map((line) => `${line}\n`).join("")));
  }
  const expected = [`expect ${vip}`];

  test("starts, and tells what it has and what the others have", () => {
    const { code, stdout } = join([...expected, "holds lvs1 192.0.2.101"], [vip]);
    expect([code, stdout.split("\n").slice(0, 3)]).toEqual([
      0,
      ["holds lvs1 192.0.2.101", `holds lvs2 ${vip}`, ""],
    ]);
    expect([isRunning(), host.read(withdrawn)]).toEqual([true, undefined]);
  });

  test("stays stopped while another director may not have the config", () => {
    const { code, stderr } = join([...expected, "lacks lvs1"]);
    expect([code, stderr]).toEqual([
      1,
      expect.stringContaining("lvs1 may not have the config yet"),
    ]);
    expect([isRunning(), host.read(withdrawn)]).toEqual([false, "1.5\n"]);
  });

  test("is stopped again if it doesn't take its config, and waits on", () => {
    host.write(conf, `# deaf\n${lines.join("\n")}\n`);
    expect(join(expected).code).toBe(1);
    expect([isRunning(), host.read(withdrawn)]).toEqual([false, "1.5\n"]);
  });

  test("gets its config meanwhile, and is not started by that", () => {
    const input = `==> ${conf} <==\n# second\n${lines.join("\n")}\n`;
    const { code } = host.script("keepalived.sh", ["apply", "lvs2/10.10.0.12"], input);
    expect([code, isRunning(), host.read(conf)]).toEqual([
      0,
      false,
      expect.stringContaining("# second"),
    ]);
  });

  test.each([
    ["two hold one address", [...expected, `holds lvs1 ${vip}`], [vip], "two directors hold"],
    ["nobody holds it", [...expected, "last"], [], `no director holds ${vip}`],
  ])("fails if %s", (_, input, has, says) => {
    const { code, stderr } = join(input, has);
    expect([code, stderr]).toEqual([1, expect.stringContaining(says)]);
    if (says.startsWith("two")) expect(stderr).toMatch(/lvs2.*lvs1/);
  });

  test.each([
    [0, "is content", ["rests"]],
    [1, "is not", []],
  ])(
    "ends with %s, it %s, if it gets an address late, with somebody in maintenance: %j",
    (code, _, rests) => {
      rmSync(host.at(withdrawn));
      host.sleeps(1, [
        "read -r up idle </proc/uptime",
        `[ "\${up%.*}" != 104 ] || ip addr add ${vip}/32 dev lo`,
      ]);
      expect(join([...expected, ...rests, "last"]).code).toBe(code);
    },
  );

  test.each([
    ["it holds it", [...expected, "last"], [vip]],
    ["another holds it", [...expected, `holds lvs1 ${vip}`, "last"], []],
    ["others are asked after it", expected, []],
    [
      "it has just taken it from another",
      [...expected, `holds lvs1 ${vip}`, `preempts ${vip}`, "last"],
      [vip],
    ],
  ])("is content if %s", (_, input, has) => {
    expect(join(input, has).code).toBe(0);
  });
});
