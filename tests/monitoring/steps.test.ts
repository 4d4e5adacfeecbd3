// The step "metrics": when the stack asks for it, what it puts on a host, and what it leaves when it goes.
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { LvsHaPair } from "../../components";
import { scriptsHome } from "../../components/host/scripts";
import { PretendHost } from "../scripts/host";
import { differences, hostTree } from "../scripts/hostTree";
import { register, waitsFor } from "../support/mocks";
import { argsOf, smallStack } from "../support/stacks";

async function commandsOf(changes: Record<string, unknown>) {
  return register(() => {
    new LvsHaPair("p", argsOf({ ...smallStack(), ...changes }));
  });
}

test("there is no such step unless the config asks for metrics", async () => {
  const names = [...(await commandsOf({})).keys()];
  expect(names.length).toBeGreaterThan(20);
  expect(names.filter((name) => name.includes("metrics"))).toEqual([]);
});

test("a host's metrics come last, when it serves", async () => {
  const seen = await commandsOf({ metrics: { enabled: true }, maintenance: ["lvs1"] });
  const get = (name: string) => {
    const found = seen.get(name);
    if (!found) throw new Error(`no ${name} among ${[...seen.keys()].join(", ")}`);
    return found;
  };
  for (const [host, last] of [
    ["lvs1", "keepalived"],
    ["lvs2", "keepalived"],
    ["web1", "system"],
    ["web2", "system"],
  ] as const) {
    expect(waitsFor(seen, `p-${host}-metrics`, get(`p-${host}-${last}`).name)).toBe(true);
  }
  expect(get("p-lvs1-metrics").inputs.create).toMatch(/ director stopped 15 #/);
  expect(get("p-lvs2-metrics").inputs.create).toMatch(/ director serving 15 #/);
  expect(get("p-web1-metrics").inputs.create).toMatch(/ real-server serving 15 #/);
  expect(get("p-lvs2-metrics").inputs.stdin).toMatch(
    /^[0-9a-f]{64} {2}\/etc\/keepalived\/keepalived\.conf$/m,
  );
  expect(get("p-web1-metrics").inputs.stdin).toMatch(
    /^[0-9a-f]{64} {2}\/etc\/lvs-ha\/virtual-addresses$/m,
  );
});

test("metrics change nothing else, and no other real server waits for them", async () => {
  const without = await commandsOf({});
  const seen = await commandsOf({ metrics: { enabled: true } });
  for (const name of ["p-web1-system", "p-lvs1-system", "p-lvs1-withdraw"]) {
    expect(seen.get(name)?.inputs).toEqual(without.get(name)?.inputs);
  }
  const others = [...seen.keys()].filter((name) => name.startsWith("p-web2"));
  expect(others.filter((name) => waitsFor(seen, name, "p-web1-metrics"))).toEqual([]);
});

describe("on a host", () => {
  const exporter = "prometheus-node-exporter.service";
  const owner = "p-web1/10.10.0.21";
  let host: PretendHost;

  beforeEach(() => {
    host = new PretendHost();
    for (const folder of [
      "/etc/systemd/system",
      "/etc/lvs-ha",
      "/var/lib/prometheus/node-exporter",
    ]) {
      mkdirSync(host.at(folder), { recursive: true });
    }
    host.write("/etc/lvs-ha/virtual-addresses", "192.0.2.100 lo\n");
    host.write("/etc/sysctl.d/90-lvs-ha.conf", "net.ipv4.ip_forward = 0\n");
    // As Debian's package does, installing it enables and starts it.
    host.program("dpkg-query", [`[ -e "$FOLDER/systemd/lib/${exporter}" ] && echo installed`]);
    host.program("dpkg", []);
    host.program("apt-get", [
      'case "$*" in',
      `*" install "*) : >"$FOLDER/systemd/lib/${exporter}"; systemctl enable ${exporter}; systemctl start ${exporter} ;;`,
      "esac",
    ]);
    host.program("curl", [
      `systemctl -q is-active ${exporter} && cat /var/lib/prometheus/node-exporter/lvs-ha.prom`,
    ]);
    host.program("sysctl", ["echo 0"]);
    host.program("sleep", []);
  });

  afterEach(() => {
    host.remove();
  });

  /** Without folders, as empty ones of the stack's own go with its scripts, and without what the stand-ins note. */
  const files = () =>
    Object.fromEntries(
      Object.entries(hostTree(host)).filter(
        ([path, what]) => !what.endsWith(" a folder") && path !== "/tmp/told",
      ),
    );

  const apply = () =>
    host.script("metrics.sh", ["apply", owner, "real-server", "serving", "15"], "");
  const state = () => ({
    enabled: host.read(`/systemd/enabled/${exporter}`) !== undefined,
    active: host.read(`/systemd/active/${exporter}`) !== undefined,
  });
  const ours = () =>
    [
      "/etc/systemd/system/lvs-ha-metrics.timer",
      "/etc/systemd/system/lvs-ha-metrics.service",
      "/etc/lvs-ha/files.sha256",
      "/var/lib/prometheus/node-exporter/lvs-ha.prom",
      "/systemd/enabled/lvs-ha-metrics.timer",
      "/systemd/active/lvs-ha-metrics.timer",
    ].filter((path) => host.read(path) !== undefined);

  test("it brings the exporter, the timer and the first metrics; a second run changes nothing", () => {
    expect(apply()).toMatchObject({
      code: 0,
      stderr: expect.stringContaining("of the load balancer, every 15 s") as string,
    });
    expect(state()).toEqual({ enabled: true, active: true });
    expect(ours()).toHaveLength(6);
    expect(host.read("/var/lib/prometheus/node-exporter/lvs-ha.prom")).toContain(
      'lvs_ha_loopback_address_present{address="192.0.2.100",interface="lo"} 0',
    );
    expect(apply().stderr).not.toContain("wrote");
  });

  test("its units are as reviewed", () => {
    apply();
    for (const unit of ["lvs-ha-metrics.service", "lvs-ha-metrics.timer"]) {
      const text = host.read(`/etc/systemd/system/${unit}`)?.replace(host.scripts, scriptsHome);
      const golden = join(__dirname, "golden", unit);
      if (process.env.UPDATE_GOLDENS) writeFileSync(golden, text ?? "");
      expect(text).toBe(readFileSync(golden, "utf8"));
    }
  });

  test("an exporter that was not there before is stopped when the step goes", () => {
    apply();
    expect(host.script("metrics.sh", ["undo", owner]).code).toBe(0);
    expect(state()).toEqual({ enabled: false, active: false });
    expect(ours()).toEqual([]);
  });

  test.each([
    { enabled: true, active: false },
    { enabled: false, active: true },
  ])("an exporter that was there before (%p) is as it was when the step goes", (was) => {
    host.shell(`: >"$FOLDER/systemd/lib/${exporter}"`);
    if (was.enabled) host.shell(`systemctl enable ${exporter}`);
    if (was.active) host.shell(`systemctl start ${exporter}`);
    const before = files();
    apply();
    // As after each change of the stack.
    apply();
    expect(host.script("metrics.sh", ["undo", owner]).code).toBe(0);
    expect(state()).toEqual(was);
    expect(differences(before, files())).toEqual(["/run/lvs-ha.lock"]);
  });

  test("undone under an old name, it leaves alone what has a new one", () => {
    apply();
    expect(host.script("metrics.sh", ["undo", "p-old/10.10.0.21"]).stderr).toContain("kept");
    expect(ours()).toHaveLength(6);
  });

  test("an exporter that doesn't show them is an error that says where to look", () => {
    host.program("curl", ["echo node_load1 0"]);
    const { code, stderr } = apply();
    expect([code, stderr]).toEqual([
      1,
      expect.stringContaining("/etc/default/prometheus-node-exporter"),
    ]);
  });
});
