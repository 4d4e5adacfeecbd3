// The limits of monitoring/rules.yml: per alert, what is just enough for it and after what time it fires, and what is just not enough.

/** A series' value, or how it goes on from look to look in promtool's notation. */
type Series = Record<string, number | string>;

interface Limits {
  /** Seconds for which the reason must last. */
  after: number;
  severity: "critical" | "warning";
  /** Each of these is reason enough. */
  fires: Record<string, Series>;
  /** And none of these. */
  silent: Record<string, Series>;
}

/** Seconds from one look of the rules to the next. */
export const step = 15;

const labels = (entries: Record<string, string>) =>
  `{${Object.entries(entries)
    .map(([name, value]) => `${name}="${value}"`)
    .join(",")}}`;

/** A metric of an instance, of the job lvs-ha if no other is named. */
const of =
  (name: string, more: Record<string, string> = {}) =>
  (instance: string, changes: Record<string, string> = {}) =>
    name + labels({ job: "lvs-ha", instance, ...more, ...changes });

const up = of("up");
const keepalivedUp = of("lvs_ha_keepalived_up");
const wanted = of("lvs_ha_keepalived_wanted");
const held = of("lvs_ha_virtual_address_held", { address: "192.0.2.100", vrrp_instance: "VI_1" });
const state = of("lvs_ha_vrrp_instance_state", { vrrp_instance: "VI_1", state: "master" });
const present = of("lvs_ha_virtual_server_present", { virtual_server: "web", service: "TCP 1" });
const member = { virtual_server: "web", service: "TCP 1", real_server: "web1", destination: "2" };
const weight = of("lvs_ha_real_server_weight", member);
const wantedWeight = of("lvs_ha_real_server_wanted_weight", member);
const checkChanges = of("lvs_ha_real_server_check_changes_total", member);
const transitions = of("lvs_ha_vrrp_transitions_total", { vrrp_instance: "VI_1", state: "master" });
const syncWanted = of("lvs_ha_sync_daemon_wanted");
const syncRuns = of("lvs_ha_sync_daemon_running", { role: "master" });
const backend = {
  ...{ local_address: "192.0.2.100", local_port: "80", proto: "TCP", local_mark: "" },
  ...{ remote_address: "192.0.2.21", remote_port: "80" },
};
const open = of("node_ipvs_backend_connections_active", backend);
const ended = of("node_ipvs_backend_connections_inactive", backend);
const loopback = of("lvs_ha_loopback_address_present", { address: "192.0.2.100", interface: "lo" });
const sysctl = (name: string) => of("lvs_ha_sysctl_drifted", { sysctl: name })("web1");
const file = of("lvs_ha_file_drifted", { path: "/etc/keepalived/keepalived.conf" });
const packetFilter = of("lvs_ha_packet_filter_present");
const entries = of("node_nf_conntrack_entries");
const limit = of("node_nf_conntrack_entries_limit");
const textFolder = "/var/lib/prometheus/node-exporter";
const mtime = of("node_textfile_mtime_seconds", { file: `${textFolder}/lvs-ha.prom` });

const other = { job: "lvs-ha-2" };
/** Begins or ends as a stack's job does, and is none. */
const foreign = { job: "node-lvs-ha" };
const backup = { state: "backup" };
const second = { vrrp_instance: "VI_2" };
const standby = { role: "backup" };
const web2 = { real_server: "web2", destination: "3" };

/** lvs1 is active with 100 open connections, half of them each real server's; lvs2 stands by, and has heard of none. */
const unheard: Series = {
  ...{ [held("lvs1")]: 1, [open("lvs1")]: 50, [ended("lvs1")]: 0 },
  ...{ [open("lvs1", { remote_address: "192.0.2.22" })]: 50 },
  ...{ [held("lvs2")]: 0, [open("lvs2")]: 0, [ended("lvs2")]: 0 },
  ...{ [keepalivedUp("lvs2")]: 1, [syncWanted("lvs2")]: 1, [syncRuns("lvs2", standby)]: 1 },
};

/** A counter that goes up by so much in the second minute. */
const jump = (by: number) => `0x7 ${by}x80`;

export const limits: Record<string, Limits> = {
  LvsNoActiveDirector: {
    after: 60,
    severity: "critical",
    fires: {
      "no director holds it": { [held("lvs1")]: 0, [held("lvs2")]: 0 },
      "another stack's holds it": { [held("lvs1")]: 0, [held("lvs3", other)]: 1 },
      "another address is held": {
        [held("lvs1")]: 0,
        [held("lvs1", { address: "192.0.2.101" })]: 1,
      },
      "no director tells": { [up("web1")]: 1 },
      "no director of a second stack tells": { [up("web1", other)]: 1 },
      "no director tells, another stack's does": { [up("web1")]: 0, [held("lvs3", other)]: 1 },
    },
    silent: {
      "one holds it": { [up("lvs1")]: 1, [held("lvs1")]: 0, [held("lvs2")]: 1 },
      "a host is of no stack": { [up("db1", foreign)]: 1 },
    },
  },
  LvsTwoActiveDirectors: {
    after: 60,
    severity: "critical",
    fires: { "two hold it": { [held("lvs1")]: 1, [held("lvs2")]: 1, [held("lvs3")]: 0 } },
    silent: {
      "one of three holds it": { [held("lvs1")]: 1, [held("lvs2")]: 0, [held("lvs3")]: 0 },
      "another stack's holds it, too": { [held("lvs1")]: 1, [held("lvs3", other)]: 1 },
      "each holds one": { [held("lvs1")]: 1, [held("lvs2", { address: "192.0.2.101" })]: 1 },
    },
  },
  LvsNoStandby: {
    after: 120,
    severity: "warning",
    fires: {
      "the other is in a fault": {
        [state("lvs1")]: 1,
        [state("lvs2", { state: "fault" })]: 1,
        [wanted("lvs1")]: 1,
        [wanted("lvs2")]: 1,
      },
      "of three, one is in maintenance and one is dead": {
        [state("lvs1")]: 1,
        [wanted("lvs1")]: 1,
        [wanted("lvs2")]: "1 stale",
        [wanted("lvs3")]: 0,
      },
      "of three, one is in maintenance and one in a fault": {
        [state("lvs1")]: 1,
        [state("lvs2", { state: "fault" })]: 1,
        [wanted("lvs1")]: 1,
        [wanted("lvs2")]: 1,
        [wanted("lvs3")]: 0,
      },
      "the other is in none": { [state("lvs1")]: 1, [state("lvs2", backup)]: 0 },
      "the other stands by in another instance": {
        [state("lvs1")]: 1,
        [state("lvs2", backup)]: 0,
        [state("lvs1", { ...second, ...backup })]: 1,
        [state("lvs2", second)]: 1,
      },
      "another stack's stands by": { [state("lvs1")]: 1, [wanted("lvs3", other)]: 0 },
    },
    silent: {
      "one stands by": { [state("lvs1")]: 1, [state("lvs2", backup)]: 1 },
      "two take themselves for the active one": { [state("lvs1")]: 1, [state("lvs2")]: 1 },
      "the other is in maintenance": {
        [state("lvs1", backup)]: 1,
        [wanted("lvs1")]: 1,
        [wanted("lvs2")]: 0,
        [wanted("lvs3", other)]: 1,
      },
      "of three, one is in maintenance": {
        [state("lvs1")]: 1,
        [state("lvs2", backup)]: 1,
        [wanted("lvs1")]: 1,
        [wanted("lvs2")]: 1,
        [wanted("lvs3")]: 0,
      },
      "of three, two are in maintenance": {
        [state("lvs1")]: 1,
        [wanted("lvs1")]: 1,
        [wanted("lvs2")]: 0,
        [wanted("lvs3")]: 0,
      },
    },
  },
  LvsMaintenanceForgotten: {
    after: 86_400,
    severity: "warning",
    fires: {
      "a director is in maintenance": { [wanted("lvs1")]: 1, [wanted("lvs2")]: 0 },
      "a real server has weight 0 in every pool of every director": {
        [wantedWeight("lvs1")]: 0,
        [wantedWeight("lvs2")]: 0,
        [wantedWeight("lvs1", { virtual_server: "dns" })]: 0,
        [wantedWeight("lvs1", web2)]: 1,
        [wantedWeight("lvs1", other)]: 1,
      },
    },
    silent: {
      "all are wanted": { [wanted("lvs1")]: 1, [wantedWeight("lvs1")]: 1 },
      "it has a weight in one pool": {
        [wantedWeight("lvs1")]: 0,
        [wantedWeight("lvs1", { virtual_server: "dns" })]: 1,
      },
    },
  },
  LvsKeepalivedDown: {
    after: 60,
    severity: "warning",
    fires: { "it is down": { [keepalivedUp("lvs1")]: 0, [wanted("lvs1")]: 1 } },
    silent: {
      "it runs": { [keepalivedUp("lvs1")]: 1, [wanted("lvs1")]: 1 },
      "it is not wanted": { [keepalivedUp("lvs1")]: 0, [wanted("lvs1")]: 0 },
      "another is wanted": { [keepalivedUp("lvs1")]: 0, [wanted("lvs2")]: 1 },
    },
  },
  LvsVirtualServerEmpty: {
    after: 60,
    severity: "critical",
    fires: {
      "none has a weight": {
        [weight("lvs1")]: 0,
        [weight("lvs1", web2)]: 0,
        [keepalivedUp("lvs1")]: 1,
      },
      "it is not there": { [present("lvs1")]: 0, [keepalivedUp("lvs2")]: 0 },
      "those of others have a weight": {
        [weight("lvs1")]: 0,
        [weight("lvs2")]: 1,
        [weight("lvs1", other)]: 1,
        [weight("lvs1", { virtual_server: "dns" })]: 1,
        [weight("lvs1", { service: "UDP 1" })]: 1,
        [keepalivedUp("lvs1", other)]: 0,
      },
    },
    silent: {
      "one has a weight": { [weight("lvs1")]: 0, [weight("lvs1", web2)]: 1, [present("lvs1")]: 1 },
      "its keepalived is down": {
        [weight("lvs1")]: 0,
        [present("lvs1")]: 0,
        [keepalivedUp("lvs1")]: 0,
      },
    },
  },
  LvsRealServerOut: {
    after: 120,
    severity: "warning",
    fires: {
      "it is out": { [weight("lvs1")]: 0, [wantedWeight("lvs1")]: 1, [keepalivedUp("lvs1")]: 1 },
      "its check sets the weight": { [weight("lvs1")]: 0 },
      "others are not wanted": {
        [weight("lvs1")]: 0,
        [wantedWeight("lvs1", web2)]: 0,
        [wantedWeight("lvs2")]: 0,
        [keepalivedUp("lvs2")]: 0,
        [keepalivedUp("lvs1", other)]: 0,
      },
    },
    silent: {
      "it is in": { [weight("lvs1")]: 1, [wantedWeight("lvs1")]: 2 },
      "it is not wanted": { [weight("lvs1")]: 0, [wantedWeight("lvs1")]: 0 },
      "its director's keepalived is down": {
        [weight("lvs1")]: 0,
        [wantedWeight("lvs1")]: 1,
        [keepalivedUp("lvs1")]: 0,
      },
    },
  },
  LvsCheckFlapping: {
    after: 0,
    severity: "warning",
    fires: { "five changes": { [checkChanges("lvs1")]: jump(5) } },
    silent: {
      "four changes": { [checkChanges("lvs1")]: jump(4) },
      "four and four": { [checkChanges("lvs1")]: jump(4), [checkChanges("lvs1", web2)]: jump(4) },
    },
  },
  LvsVrrpFlapping: {
    after: 0,
    severity: "warning",
    fires: {
      "five changes": { [transitions("lvs1")]: jump(2), [transitions("lvs1", backup)]: jump(3) },
    },
    silent: {
      "four changes": { [transitions("lvs1")]: jump(2), [transitions("lvs1", backup)]: jump(2) },
      "four here, there, and in another stack": {
        [transitions("lvs1")]: jump(4),
        [transitions("lvs2")]: jump(4),
        [transitions("lvs1", second)]: jump(4),
        [transitions("lvs1", other)]: jump(4),
      },
    },
  },
  LvsSyncDaemonDown: {
    after: 60,
    severity: "warning",
    fires: {
      "none runs": {
        [syncWanted("lvs1")]: 1,
        [keepalivedUp("lvs1")]: 1,
        [syncRuns("lvs1")]: 0,
        [syncRuns("lvs1", standby)]: 0,
        [syncRuns("lvs2")]: 1,
        [syncRuns("lvs1", other)]: 1,
      },
    },
    silent: {
      "another's doesn't run, here and in another stack": {
        [syncWanted("lvs1")]: 1,
        [keepalivedUp("lvs1")]: 1,
        [syncRuns("lvs1")]: 1,
        [syncRuns("lvs2")]: 0,
        [syncRuns("lvs1", other)]: 0,
      },
      "one runs": {
        [syncWanted("lvs1")]: 1,
        [keepalivedUp("lvs1")]: 1,
        [syncRuns("lvs1")]: 0,
        [syncRuns("lvs1", standby)]: 1,
      },
      "none is wanted": {
        [syncWanted("lvs1")]: 0,
        [keepalivedUp("lvs1")]: 1,
        [syncRuns("lvs1")]: 0,
      },
      "keepalived is down": {
        [syncWanted("lvs1")]: 1,
        [keepalivedUp("lvs1")]: 0,
        [syncRuns("lvs1")]: 0,
      },
    },
  },
  LvsSyncUnheard: {
    after: 900,
    severity: "warning",
    fires: {
      "it hears of none of a hundred": unheard,
      "it hears of another address's": {
        ...unheard,
        [open("lvs2", { local_address: "192.0.2.101" })]: 7,
      },
    },
    silent: {
      "there are 99": { ...unheard, [open("lvs1")]: 49 },
      "it has heard of one": { ...unheard, [open("lvs2")]: 1 },
      "it has heard of the end of one": { ...unheard, [ended("lvs2")]: 1 },
      // Rebooted: its table is empty at first.
      "it hears after a quarter of an hour": { ...unheard, [open("lvs2")]: "0x59 1x80" },
      "they are UDP": Object.fromEntries(
        Object.entries(unheard).map(([name, value]) => [name.replace('"TCP"', '"UDP"'), value]),
      ),
      "it isn't to hear of any": { ...unheard, [syncWanted("lvs2")]: 0 },
      "its daemon doesn't run, which is another alert": {
        ...unheard,
        [syncRuns("lvs2", standby)]: 0,
      },
      "its keepalived doesn't run": { ...unheard, [keepalivedUp("lvs2")]: 0 },
      "it is active, too": { ...unheard, [held("lvs2")]: 1 },
      "they are another stack's": Object.fromEntries(
        Object.entries(unheard).map(([name, value]) => [
          name.includes('"lvs1"') ? name.replace('"lvs-ha"', '"lvs-ha-2"') : name,
          value,
        ]),
      ),
    },
  },
  LvsLoopbackAddressMissing: {
    after: 60,
    severity: "critical",
    fires: { "it is missing": { [loopback("web1")]: 0, [loopback("web2")]: 1 } },
    silent: { "it is there": { [loopback("web1")]: 1 } },
  },
  LvsArpWrong: {
    after: 60,
    severity: "critical",
    fires: {
      "which addresses are answered for": { [sysctl("net.ipv4.conf.all.arp_ignore")]: 1 },
      "which address is asked with": { [sysctl("net.ipv4.conf.lo.arp_announce")]: 1 },
      "with slashes": { [sysctl("net/ipv4/conf/eth1.7/arp_ignore")]: 1 },
      "with slashes, asking": { [sysctl("net/ipv4/conf/eth1.7/arp_announce")]: 1 },
    },
    silent: {
      "as the stack set them": {
        [sysctl("net.ipv4.conf.all.arp_ignore")]: 0,
        [sysctl("net.ipv4.conf.all.arp_announce")]: 0,
      },
      "other sysctls": {
        [sysctl("net.ipv4.conf.all.arp_filter")]: 1,
        [sysctl("net.ipv4.conf.all.arp_ignore_not")]: 1,
        [sysctl("net.ipv4.conf.all.no_arp_announce")]: 1,
      },
    },
  },
  LvsDrift: {
    after: 900,
    severity: "warning",
    fires: {
      "a file": { [file("lvs1")]: 1 },
      "a sysctl": { [sysctl("net.ipv4.ip_forward")]: 1 },
      "a sysctl that nearly is of ARP": { [sysctl("net.ipv4.conf.all.no_arp_ignore")]: 1 },
      "the packet filter": { [packetFilter("lvs1")]: 0 },
    },
    silent: {
      nothing: {
        [file("lvs1")]: 0,
        [sysctl("net.ipv4.ip_forward")]: 0,
        [packetFilter("lvs1")]: 1,
      },
      "sysctls of ARP, which have their own alert": {
        [sysctl("net.ipv4.conf.all.arp_ignore")]: 1,
        [sysctl("net/ipv4/conf/eth1.7/arp_announce")]: 1,
      },
    },
  },
  LvsConntrackFull: {
    after: 60,
    severity: "warning",
    fires: {
      "a little more than 80 %": { [entries("web1")]: 800001, [limit("web1")]: 1000000 },
      "of a second stack": { [entries("web1", other)]: 801, [limit("web1", other)]: 1000 },
    },
    silent: {
      "80 %": { [entries("web1")]: 800000, [limit("web1")]: 1000000 },
      "of no stack": { [entries("db1", foreign)]: 999, [limit("db1", foreign)]: 1000 },
    },
  },
  LvsExporterDown: {
    after: 60,
    severity: "warning",
    fires: {
      "it is down": { [up("web1")]: 0, [up("web2")]: 1 },
      "of a second stack": { [up("web1", other)]: 0 },
    },
    silent: { "it is up": { [up("web1")]: 1 }, "of no stack": { [up("db1", foreign)]: 0 } },
  },
  LvsMetricsStale: {
    after: 60,
    severity: "warning",
    fires: {
      "there are none": { [up("web1")]: 1 },
      "there are none of a second stack": { [up("web1", other)]: 1 },
      "there are others'": {
        [up("web1")]: 1,
        [mtime("web1", other)]: "0+15x80",
        [mtime("web2")]: "0+15x80",
        [mtime("web1", { file: `${textFolder}/other.prom` })]: "0+15x80",
      },
      // More than 300 s old at the first look.
      "they are too old": { [up("web1")]: 1, [mtime("web1")]: "-301x80" },
      "they are too old in a second stack": { [mtime("web1", other)]: "-301x80" },
    },
    silent: {
      "they are as old as may be": { [up("web1")]: 1, [mtime("web1")]: "-300+15x80" },
      "the host is down": { [up("web1")]: 0 },
      "there are none of no stack": { [up("db1", foreign)]: 1 },
      "of no stack": { [up("db1", foreign)]: 1, [mtime("db1", foreign)]: "-400x80" },
      "others' are too old": {
        [mtime("web1")]: "0+15x80",
        [mtime("web1", { file: `${textFolder}/other.prom` })]: "-400x80",
      },
    },
  },
};

/** When an alert of the counters' fires: their increase is in the last 15 minutes from the second minute on. */
const jumped = 8 * step;

/** The same as files of promtool's: one for those that take days, in which the rules look less often. */
export function limitTests(rules: string): string[] {
  const all = Object.entries(limits);
  const isSlow = ([, { after }]: [string, Limits]) => after > 3600;
  return [
    fileOf(
      rules,
      all.filter((entry) => !isSlow(entry)),
      step,
    ),
    fileOf(rules, all.filter(isSlow), 240),
  ];
}

function fileOf(rules: string, entries: [string, Limits][], every: number): string {
  const tests = entries.flatMap(([alert, { after, severity, fires, silent }]) => {
    const expr = `count by (severity) (ALERTS{alertname="${alert}",alertstate="firing"})`;
    const look = (seconds: number, doesFire: boolean) => ({
      expr,
      eval_time: `${seconds}s`,
      exp_samples: doesFire ? [{ labels: `{severity="${severity}"}`, value: 1 }] : [],
    });
    const times = Math.max(80, after / every + 20);
    const of = (name: string, series: Series, looks: object[]) => ({
      name: `${alert}: ${name}`,
      interval: `${every}s`,
      input_series: Object.entries(series).map(([metric, value]) => ({
        series: metric,
        values: typeof value === "number" ? `${value}x${times}` : value,
      })),
      promql_expr_test: looks,
    });
    const first = after === 0 ? jumped : after;
    const last = after === 0 ? [look(first + 885, true), look(first + 900, false)] : [];
    return [
      ...Object.entries(fires).map(([name, series]) =>
        of(name, series, [look(first - every, false), look(first, true), ...last]),
      ),
      ...Object.entries(silent).map(([name, series]) =>
        of(name, series, [look(first, false), look(first + 4 * every, false)]),
      ),
    ];
  });
  return JSON.stringify({ rule_files: [rules], evaluation_interval: `${every}s`, tests });
}
