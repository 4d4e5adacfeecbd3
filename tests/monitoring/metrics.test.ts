// metrics.sh on a pretended host: what it says of a director and of a real server, and that the real exporter shows it.
import { spawnSync } from "node:child_process";
import { mkdirSync, readFileSync } from "node:fs";
import { renderDirectorFirewall, renderRealServerFirewall } from "../../components/firewall";
import { fileSums } from "../../components/host/fileSums";
import { withEnd } from "../../components/render/files";
import { PretendHost } from "../scripts/host";
import { settingsOf, smallStack, type Stack } from "../support/stacks";
import { directorHost, directorTexts, Metrics, realServerHost } from "./hosts";
import { exported } from "./exporter";

let host: PretendHost;

afterEach(() => {
  host.remove();
});

describe("a director", () => {
  let metrics: Metrics;

  beforeEach(() => {
    host = directorHost();
    metrics = new Metrics(host, "director", "serving");
  });

  test("tells whether it holds each virtual address, and since when", () => {
    metrics.look({ addresses: [] });
    expect(metrics.of("virtual_address_held")).toEqual({
      'address="192.0.2.100",vrrp_instance="VI_1"': 0,
      'address="2001:db8::100",vrrp_instance="VI_1"': 0,
    });
    metrics.says(1700000100, "(VI_1) Entering MASTER STATE");
    metrics.look({ addresses: ["192.0.2.100/32"] });
    expect(metrics.of("virtual_address_held")).toEqual({
      'address="192.0.2.100",vrrp_instance="VI_1"': 1,
      'address="2001:db8::100",vrrp_instance="VI_1"': 0,
    });
    const since = 'address="192.0.2.100",vrrp_instance="VI_1"';
    expect(metrics.of("virtual_address_changed_timestamp_seconds")[since]).toBe(1700000100);
    metrics.look({ addresses: ["192.0.2.100/32"] });
    expect(metrics.of("virtual_address_changed_timestamp_seconds")[since]).toBe(1700000100);
    metrics.says(1700000200, "(VI_1) Entering BACKUP STATE");
    metrics.says(1700000201, "(VI_1) Entering MASTER STATE");
    metrics.look({ addresses: ["192.0.2.100/32"] });
    expect(metrics.of("virtual_address_changed_timestamp_seconds")[since]).toBe(1700000201);
  });

  test("takes no longer address that begins alike for its own", () => {
    metrics.look({ addresses: ["192.0.2.10/32", "192.0.2.1/24"] });
    expect(Object.values(metrics.of("virtual_address_held"))).toEqual([0, 0]);
  });

  test("counts VRRP transitions, each once, whatever is between two looks", () => {
    metrics.says(1700000000, "(VI_1) Entering BACKUP STATE (init)");
    metrics.look();
    expect(metrics.of("vrrp_transitions_total")).toEqual({
      'vrrp_instance="VI_1",state="master"': 0,
      'vrrp_instance="VI_1",state="backup"': 0,
      'vrrp_instance="VI_1",state="fault"': 0,
    });
    for (const second of [1, 3, 5]) {
      metrics.says(1700000000 + second, "(VI_1) Entering MASTER STATE");
      metrics.says(1700000001 + second, "(VI_1) Entering BACKUP STATE");
    }
    metrics.look();
    metrics.look();
    expect(metrics.of("vrrp_transitions_total")).toEqual({
      'vrrp_instance="VI_1",state="master"': 3,
      'vrrp_instance="VI_1",state="backup"': 3,
      'vrrp_instance="VI_1",state="fault"': 0,
    });
  });

  test.each([
    ["(VI_1) Entering FAULT STATE", "fault"],
    ["(VI_1): entering FAULT state (interface eth1 down)", "fault"],
    ["(VI_1) entering FAULT state", "fault"],
    ["(VI_1) Entering MASTER STATE", "master"],
    ["(VI_1) Entering BACKUP STATE (init)", "backup"],
  ])("keepalived says %s: its instance is in state %s until it says otherwise", (line, state) => {
    metrics.says(1700000000, line);
    for (const look of [1, 2]) {
      metrics.look();
      const { [`vrrp_instance="VI_1",state="${state}"`]: is, ...others } =
        metrics.of("vrrp_instance_state");
      expect([look, is, Object.values(others)]).toEqual([look, 1, [0, 0]]);
    }
  });

  test("counts a fault once that keepalived tells twice, and not its reason, which each reload tells", () => {
    metrics.says(1700000000, "(VI_1) Entering BACKUP STATE (init)");
    metrics.says(1700000001, "(VI_1): entering FAULT state (interface eth1 down)");
    metrics.says(1700000001, "(VI_1) entering FAULT state");
    metrics.look();
    metrics.says(1700000002, "(VI_1): entering FAULT state (interface eth1 down)");
    metrics.look();
    expect(metrics.of("vrrp_transitions_total")['vrrp_instance="VI_1",state="fault"']).toBe(1);
  });

  test("is in no state that anybody knows where keepalived hasn't said one, nor for the past", () => {
    metrics.look();
    expect(metrics.of("vrrp_instance_state")).toEqual({});
    // What it has said is remembered when the journal no longer has it.
    metrics.says(1700000000, "(VI_1) Entering BACKUP STATE");
    metrics.look();
    host.write("/journal", "");
    metrics.look();
    expect(metrics.of("vrrp_instance_state")['vrrp_instance="VI_1",state="backup"']).toBe(1);
    // But not when it was started since.
    metrics.says(1700000005, "Starting VRRP child process, pid=1235");
    metrics.look();
    expect(metrics.of("vrrp_instance_state")).toEqual({});
    // Who has the address is active.
    metrics.look({ addresses: ["192.0.2.100/32"] });
    expect(metrics.of("vrrp_instance_state")['vrrp_instance="VI_1",state="master"']).toBe(1);
  });

  test("doesn't believe what earlier scripts took an instance for of which they knew nothing", () => {
    host.write(
      "/var/lib/prometheus/node-exporter/lvs-ha.prom",
      'lvs_ha_vrrp_instance_state{vrrp_instance="VI_1",state="backup"} 1\n',
    );
    metrics.look();
    expect(metrics.of("vrrp_instance_state")).toEqual({});
  });

  test.each(["ip", "ipvsadm"])("keeps what it knew when %s tells nothing", (program) => {
    metrics.look({ addresses: ["192.0.2.100/32"] });
    const before = metrics.text;
    host.program(program, ["exit 1"]);
    expect(metrics.attempt().code).not.toBe(0);
    expect(metrics.text).toBe(before);
  });

  test("is in no state while keepalived doesn't run, and says that it is meant to", () => {
    metrics.says(1700000000, "(VI_1) Entering MASTER STATE");
    metrics.look();
    metrics.look({ keepalivedRuns: false });
    expect(Object.values(metrics.of("vrrp_instance_state"))).toEqual([0, 0, 0]);
    expect(metrics.of("keepalived_up")).toEqual({ "": 0 });
    expect(metrics.of("keepalived_wanted")).toEqual({ "": 1 });
  });

  test("in maintenance says that keepalived is not meant to run", () => {
    new Metrics(host, "director", "stopped").look({ keepalivedRuns: false });
    expect(metrics.of("keepalived_wanted")).toEqual({ "": 0 });
  });

  test("tells of each virtual server and real server, by name, what is wanted and what is there", () => {
    metrics.look();
    expect(metrics.of("virtual_server_present")).toEqual({
      'virtual_server="web",service="TCP 192.0.2.100:80"': 1,
      'virtual_server="dns6",service="UDP [2001:db8::100]:53"': 1,
      'virtual_server="marked",service="FWM 7"': 0,
    });
    const web = (name: string, address: string) =>
      `virtual_server="web",service="TCP 192.0.2.100:80",real_server="${name}",destination="${address}:80"`;
    const dns = (name: string, address: string) =>
      `virtual_server="dns6",service="UDP [2001:db8::100]:53",real_server="${name}",destination="[${address}]:53"`;
    const marked = (name: string, address: string) =>
      `virtual_server="marked",service="FWM 7",real_server="${name}",destination="${address}:0"`;
    expect(metrics.of("real_server_in_pool")).toEqual({
      [web("web1", "192.0.2.21")]: 1,
      [web("web2", "192.0.2.22")]: 0,
      [dns("web1", "2001:db8::21")]: 1,
      [marked("web1", "192.0.2.21")]: 0,
      [marked("web2", "192.0.2.22")]: 0,
    });
    expect(metrics.of("real_server_weight")).toMatchObject({
      [web("web1", "192.0.2.21")]: 3,
      [web("web2", "192.0.2.22")]: 0,
      [dns("web1", "2001:db8::21")]: 0,
    });
    expect(metrics.of("real_server_wanted_weight")).toMatchObject({
      [web("web1", "192.0.2.21")]: 3,
      [web("web2", "192.0.2.22")]: 1,
      [dns("web1", "2001:db8::21")]: 1,
    });
  });

  test("counts how often checks take a real server out and in, of the right virtual server", () => {
    metrics.look();
    metrics.says(1, "Removing service [192.0.2.22]:tcp:80 from VS [192.0.2.100]:tcp:80");
    metrics.says(2, "Adding service [192.0.2.22]:tcp:80 to VS [192.0.2.100]:tcp:80");
    metrics.says(3, "Disabling service [2001:db8::21]:udp:53 of VS [2001:db8::100]:udp:53");
    metrics.says(4, "Removing service [192.0.2.21]:none:0 from VS FWM 7");
    metrics.says(5, "Removing sorry server [192.0.2.21]:tcp:80 from VS [192.0.2.100]:tcp:80");
    metrics.look();
    metrics.says(6, "Removing service [192.0.2.22]:tcp:80 from VS [192.0.2.100]:tcp:80");
    metrics.look();
    const changes = metrics.of("real_server_check_changes_total");
    const brief = Object.entries(changes).map(([labels, value]) => [
      /virtual_server="(.*?)"/.exec(labels)?.[1],
      /real_server="(.*?)"/.exec(labels)?.[1],
      value,
    ]);
    expect(brief).toEqual([
      ["web", "web1", 0],
      ["web", "web2", 3],
      ["dns6", "web1", 1],
      ["marked", "web1", 1],
      ["marked", "web2", 0],
    ]);
  });

  test("tells which connection sync daemon runs", () => {
    metrics.look();
    expect(metrics.of("sync_daemon_wanted")).toEqual({ "": 1 });
    expect(metrics.of("sync_daemon_running")).toEqual({ 'role="master"': 0, 'role="backup"': 1 });
    metrics.look({ syncDaemon: [] });
    expect(metrics.of("sync_daemon_running")).toEqual({ 'role="master"': 0, 'role="backup"': 0 });
    // Those of somebody else tell this pair's connections to nobody.
    metrics.look({ syncDaemon: ["master eth9 51", "backup eth0 0"] });
    expect(metrics.of("sync_daemon_running")).toEqual({ 'role="master"': 0, 'role="backup"': 0 });
  });

  test("finds a changed file, a missing one, a changed sysctl and a missing packet filter", () => {
    metrics.look();
    const drift = () => ({
      files: Object.entries(metrics.of("file_drifted")).flatMap(([at, is]) => (is ? [at] : [])),
      sysctls: Object.entries(metrics.of("sysctl_drifted")).flatMap(([at, is]) => (is ? [at] : [])),
      filter: metrics.of("packet_filter_present"),
    });
    expect(drift()).toEqual({ files: [], sysctls: [], filter: { "": 1 } });
    const conf = "/etc/keepalived/keepalived.conf";
    host.write(conf, `${host.read(conf) ?? ""}# by hand\n`);
    host.write("/sysctls", (host.read("/sysctls") ?? "").replace(/(tcp_syncookies) 1/, "$1 0"));
    const table = "/etc/lvs-ha/firewall.nft";
    spawnSync("rm", [host.at("/etc/modprobe.d/lvs-ha.conf")]);
    metrics.look({ packetFilter: false });
    expect(drift()).toEqual({
      files: [`path="${conf}"`, 'path="/etc/modprobe.d/lvs-ha.conf"'],
      sysctls: ['sysctl="net.ipv4.tcp_syncookies"'],
      filter: { "": 0 },
    });
    expect(host.read(table)).toBeDefined();
  });

  test("keeps the metrics from before whole when a look fails", () => {
    metrics.look();
    const before = metrics.text;
    host.program("journalctl", ["echo broken >&2", "exit 1"]);
    expect(metrics.attempt().code).not.toBe(0);
    expect(metrics.text).toBe(before);
  });

  test("tells of a sysctl that the kernel needn't know only where it does", () => {
    const key = 'sysctl="net.ipv4.vs.conn_lfactor"';
    metrics.look();
    expect(metrics.of("sysctl_drifted")).not.toHaveProperty([key]);
    const others = host.read("/sysctls") ?? "";
    for (const [value, drifted] of [
      ["-8", 0],
      ["-4", 1],
    ] as const) {
      host.write("/sysctls", `${others}net.ipv4.vs.conn_lfactor ${value}\n`);
      metrics.look();
      expect(metrics.of("sysctl_drifted")).toHaveProperty([key], drifted);
    }
  });

  test("every metric of its own is what the exporter shows, with those of IPVS and conntrack", async () => {
    metrics.look();
    const shown = await exported(metrics.folder);
    expect(metrics.text.match(/^lvs_ha_.*/gm)?.length).toBeGreaterThan(40);
    for (const line of metrics.text.match(/^lvs_ha_\w+/gm) ?? []) expect(shown).toContain(line);
    expect(shown).toContain("node_textfile_scrape_error 0");
    expect(shown).toMatch(/^node_ipvs_backend_connections_active\{.*192\.0\.2\.21.*\} 5$/m);
    expect(shown).toMatch(/^node_nf_conntrack_entries 12$/m);
  }, 300_000);
});

describe("a real server", () => {
  let metrics: Metrics;

  beforeEach(() => {
    host = realServerHost();
    metrics = new Metrics(host, "real-server", "serving");
  });

  test("tells which virtual addresses it has", () => {
    metrics.look({ addresses: ["192.0.2.100/32"] });
    expect(metrics.of("loopback_address_present")).toEqual({
      'address="192.0.2.100",interface="lo"': 1,
      'address="2001:db8::100",interface="lo"': 0,
    });
  });

  test("that would answer ARP says so", () => {
    host.write(
      "/sysctls",
      (host.read("/sysctls") ?? "").replace("conf.all.arp_ignore 1", "conf.all.arp_ignore 0"),
    );
    metrics.look();
    expect(metrics.of("sysctl_drifted")).toMatchObject({
      'sysctl="net.ipv4.conf.all.arp_ignore"': 1,
      'sysctl="net.ipv4.conf.all.arp_announce"': 0,
    });
  });

  test("has nothing to say of keepalived and the pool", () => {
    metrics.look();
    expect(metrics.text).not.toMatch(/keepalived_up|real_server|vrrp|sync_daemon/);
  });

  test("what it says is what the exporter shows", async () => {
    metrics.look();
    const shown = await exported(metrics.folder);
    for (const line of metrics.text.match(/^lvs_ha_\w+/gm) ?? []) expect(shown).toContain(line);
    expect(shown).toContain("node_textfile_scrape_error 0");
  }, 300_000);
});

describe("the digests that drift is found by", () => {
  test("are those of the files that the host makes of the stack's texts", () => {
    host = new PretendHost();
    const texts = directorTexts({
      scripts: {
        "tell.sh": "#!/bin/sh\n\n  echo '==> x' \\\n'<=='\n\n\n",
        bare: "#!/bin/sh\nexit",
      },
    });
    mkdirSync(host.at("/tmp"), { recursive: true });
    const sums = fileSums(texts)
      .split("\n")
      .filter((line) => line.includes("  /etc/"));
    const made = host.shell(
      'files=$1; what=test; set -- apply; . "$files"; split_files; cd "$scratch/files"; find etc -type f -exec sha256sum {} +',
      ["templates/scripts/files.sh"],
      withEnd(texts.join("")),
    );
    expect(made.stderr).toBe("");
    const theirs = made.stdout.trim().split("\n");
    expect(theirs.length).toBeGreaterThan(5);
    expect(sums.sort()).toEqual(theirs.map((line) => line.replace("  etc/", "  /etc/")).sort());
  });

  test("take in the scripts, and no secret", () => {
    host = new PretendHost();
    const sums = fileSums(directorTexts({ vrrp: { version: 2, advertIntervalSeconds: 1 } }));
    const script = readFileSync("templates/scripts/keepalived.sh", "utf8");
    const { stdout } = spawnSync("sha256sum", { input: script, encoding: "utf8" });
    expect(sums).toContain(stdout.replace("-\n", "/usr/local/lib/lvs-ha/keepalived.sh\n"));
    expect(sums).not.toContain("secrets.conf");
  });
});

describe("the exporter's port", () => {
  const subnets = ["198.51.100.0/24", "203.0.113.9/32"];
  const opened = (stack: Stack) => {
    const settings = settingsOf(stack);
    const [director] = settings.directors;
    if (!director) throw new Error("no director");
    const texts = [
      renderDirectorFirewall(settings, director),
      renderRealServerFirewall(settings, "web1"),
    ];
    return texts.map((text) => text.split("\n").filter((line) => line.includes("9100")));
  };

  beforeEach(() => {
    host = new PretendHost();
  });

  test.each(["ufw", "nftables", "none"])(
    "is closed by %s while there are no metrics",
    (backend) => {
      const stack = { ...smallStack(), firewall: { backend }, metrics: { enabled: false } };
      expect(opened(stack)).toEqual([[], []]);
    },
  );

  test("is opened by ufw to metrics.allowFrom and nobody else, in ufw's own spelling", () => {
    const stack = { ...smallStack(), metrics: { enabled: true, allowFrom: subnets } };
    const rules = [
      "allow from 198.51.100.0/24 to any port 9100 proto tcp",
      "allow from 203.0.113.9 to any port 9100 proto tcp",
    ];
    expect(opened(stack)).toEqual([rules, rules]);
  });

  test("is opened by nftables to metrics.allowFrom and nobody else", () => {
    const stack = {
      ...smallStack(),
      firewall: { backend: "nftables" },
      metrics: { enabled: true, allowFrom: subnets },
    };
    const rules = subnets.map((from) => `        ip saddr ${from} tcp dport 9100 accept`);
    expect(opened(stack)).toEqual([rules, rules]);
  });
});
