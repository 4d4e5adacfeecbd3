/**
 * What Prometheus would read of the lab's hosts, from where `pulumi up` runs: the exporters' own answers over the network.
 *
 * @set slice 4
 * @topology dev
 * @budgetSeconds 120
 */
import { waitFor } from "../../lab/waitFor";
import { activeDirector, directors, hosts, inOperator, realServers, virtualIp } from "./lab";
import { configure, everywhere, nobodyAsks, shell, up } from "./stack";

const intervalSeconds = 5;

beforeAll(async () => {
  configure((stack) => {
    stack.firewall = { backend: "ufw", allowFrom: ["172.16.0.0/12"] };
    nobodyAsks(stack);
    stack.metrics = { enabled: true, allowFrom: ["10.10.0.1/32"], intervalSeconds };
  });
  await up();
});

/** A host's metrics by name and labels, as its exporter gives them now. */
async function metricsOf(name: string): Promise<Map<string, number>> {
  const address = hosts.find((host) => host.name === name)?.private.ipv4 ?? "";
  const { stdout } = await inOperator("curl", [
    ..."--fail --silent --show-error --max-time 10".split(" "),
    `http://${address}:9100/metrics`,
  ]);
  return new Map(
    stdout
      .split("\n")
      .filter((line) => line !== "" && !line.startsWith("#"))
      .map((line) => {
        const end = line.lastIndexOf(" ");
        return [line.slice(0, end), Number(line.slice(end + 1))];
      }),
  );
}

const held = `lvs_ha_virtual_address_held{address="${virtualIp.ipv4}",vrrp_instance="VI_1"}`;

/** Waits until a metric of a host has a value. */
const becomes = (name: string, metric: string, value: number) =>
  waitFor(
    async () => {
      const now = (await metricsOf(name)).get(metric);
      if (now === value) return true;
      throw new Error(`it is ${now ?? "not there"}`);
    },
    {
      what: `${metric} of ${name} is ${value}`,
      timeoutSeconds: 4 * intervalSeconds,
      intervalSeconds: 1,
    },
  );

test("the active director has the virtual address, the standby hasn't; both have every real server in the pool", async () => {
  const active = await activeDirector();
  for (const { name } of directors) {
    await becomes(name, held, name === active ? 1 : 0);
    const metrics = await metricsOf(name);
    const pool = [...metrics].filter(([metric]) => metric.startsWith("lvs_ha_real_server_in_pool"));
    expect(pool.map(([, value]) => value)).toEqual(realServers.map(() => 1));
    expect(metrics.get("lvs_ha_keepalived_up")).toBe(1);
    // The exporter's own collectors.
    expect(metrics.has("node_ipvs_connections_total")).toBe(true);
    expect(metrics.get("node_nf_conntrack_entries_limit")).toBeGreaterThan(0);
  }
});

test("a real server that is out, one without its virtual address, and a changed sysctl show within two looks", async () => {
  const address = realServers[0]?.public.ipv4 ?? "";
  const present = `lvs_ha_loopback_address_present{address="${virtualIp.ipv4}",interface="lo"}`;
  await becomes("web1", present, 1);
  await shell("web1", `ip addr del ${virtualIp.ipv4}/32 dev lo`);
  await becomes("web1", present, 0);
  const active = await activeDirector();
  const inPool = [...(await metricsOf(active)).keys()].find(
    (metric) =>
      metric.startsWith("lvs_ha_real_server_in_pool") && metric.includes(`"${address}:80"`),
  );
  await becomes(active, inPool ?? "lvs_ha_real_server_in_pool of web1", 0);
  await shell("web1", "systemctl reload lvs-ha-vip");
  await becomes("web1", present, 1);
  await becomes(active, inPool ?? "", 1);
  const drifted = [...(await metricsOf(active)).keys()].find(
    (metric) => metric.startsWith("lvs_ha_sysctl_drifted") && metric.includes("expire_nodest_conn"),
  );
  await becomes(active, drifted ?? "lvs_ha_sysctl_drifted of expire_nodest_conn", 0);
  await shell(active, "sysctl -qw net.ipv4.vs.expire_nodest_conn=0");
  await becomes(active, drifted ?? "", 1);
  await shell(active, "sysctl -qw net.ipv4.vs.expire_nodest_conn=1");
  await becomes(active, drifted ?? "", 0);
});

test("nobody else may read them, and taken out of the config the exporters are gone", async () => {
  const web = realServers[1]?.private.ipv4 ?? "";
  const from = "curl --silent --output /dev/null --max-time 3";
  expect(await shell("web1", `${from} http://${web}:9100/metrics || echo $?`)).toBe("28");
  configure(nobodyAsks);
  await up();
  const active = "systemctl is-active prometheus-node-exporter lvs-ha-metrics.timer || true";
  for (const said of Object.values(await everywhere(active))) {
    expect(said).toBe("inactive\ninactive");
  }
});
