// Compares the table of repeated keywords with the real keepalived, which tells for which of them
// the first value counts.
import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { repeats } from "../../../components/keepalived/keywords/repeats";
import { configTests, unpack } from "../../support/keepalived";
import { readVersions } from "./oracle";

const digest = (end: string) => `ec90a42b99ea9a2f5ecbe213ac9eba0${end}`;
const script = (name: string) => `/etc/keepalived/lvs-ha-scripts/${name}`;
const scripts: [string, string] = [script("a"), script("b")];
const notifies = Object.fromEntries(
  ["master", "backup", "fault", "stop"].map((state) => [`notify_${state}`, scripts]),
);

/**
 * Two values for each keyword, by block: for the keywords in the table that are not blocks, and
 * some for which the last value counts.
 */
const values: Record<string, Record<string, [string, string]>> = {
  global_defs: {
    startup_script: scripts,
    shutdown_script: scripts,
    notify_fifo: ["/run/a", "/run/b"],
    vrrp_notify_fifo: ["/run/a", "/run/b"],
    vrrp_notify_fifo_script: scripts,
    lvs_notify_fifo: ["/run/a", "/run/b"],
    lvs_notify_fifo_script: scripts,
    lvs_sync_daemon: ["eth0", "eth1"],
    lvs_timeouts: ["tcp 10", "udp 20"],
    router_id: ["a", "b"],
    vrrp_version: ["2", "3"],
    smtp_server: ["192.0.2.1", "192.0.2.2"],
    vrrp_garp_master_delay: ["1", "2"],
    vrrp_cpu_affinity: ["0", "1"],
    script_user: ["root", "nobody"],
  },
  vrrp_instance: {
    ...notifies,
    notify: scripts,
    notify_master_rx_lower_pri: scripts,
    version: ["2", "3"],
    use_vmac: ["a", "b"],
    lvs_sync_daemon_interface: ["eth0", "eth1"],
    priority: ["100", "120"],
    advert_int: ["1", "2"],
    preempt_delay: ["1", "2"],
    garp_master_delay: ["1", "2"],
    smtp_alert: ["on", "off"],
  },
  vrrp_sync_group: { ...notifies, notify: scripts, smtp_alert: ["on", "off"] },
  vrrp_track_process: {
    process: ["a", "b"],
    weight: ["1", "2"],
    quorum: ["1", "2"],
    fork_delay: ["1", "2"],
  },
  virtual_server: {
    quorum_up: scripts,
    quorum_down: scripts,
    lvs_sched: ["rr", "wrr"],
    lvs_method: ["NAT", "DR"],
    delay_loop: ["1", "2"],
    persistence_timeout: ["1", "2"],
    virtualhost: ["a", "b"],
  },
  real_server: {
    notify_up: scripts,
    notify_down: scripts,
    weight: ["1", "2"],
    uthreshold: ["1", "2"],
  },
  url: {
    digest: [digest("3"), digest("4")],
    status_code: ["200", "201"],
    virtualhost: ["a", "b"],
  },
  DNS_CHECK: { name: ["www.example.org", "web.example.org"], type: ["A", "NS"], retry: ["1", "2"] },
  BFD_CHECK: { name: ["b1", "b2"] },
};

/** The smallest config around a block's lines. */
function around(block: string, lines: string): string {
  const of = (name: string) => (name === block ? lines : "");
  const check = (name: string, usual: string) =>
    block === name ? `${name} {\n${lines}\n}` : block === usual ? `${usual} {\n}` : "";
  const url = block === "url" ? `HTTP_GET {\nurl {\npath /\n${lines}\n}\n}` : "";
  return `global_defs {
enable_script_security
${block === "global_defs" && lines.startsWith("script_user") ? "" : "script_user root"}
${of("global_defs")}
}
bfd_instance b1 {
neighbor_ip 10.10.0.12
}
bfd_instance b2 {
neighbor_ip 10.10.0.13
}
vrrp_track_process p {
${of("vrrp_track_process") || "process a"}
}
vrrp_sync_group G {
group {
VI_1
VI_2
}
${of("vrrp_sync_group")}
}
vrrp_instance VI_1 {
interface eth0
virtual_router_id 51
virtual_ipaddress {
192.0.2.100
}
${of("vrrp_instance")}
}
vrrp_instance VI_2 {
interface eth0
virtual_router_id 52
virtual_ipaddress {
192.0.2.101
}
}
virtual_server 192.0.2.100 80 {
protocol TCP
${of("virtual_server")}
real_server 192.0.2.21 80 {
${of("real_server")}
${check("DNS_CHECK", "")}${check("BFD_CHECK", "")}${url}
}
}
`;
}

const cases = Object.entries(values).flatMap(([block, keywords]) =>
  Object.entries(keywords).map(([keyword, [a, b]]) => ({
    block,
    keyword,
    text: around(block, `${keyword} ${a}\n${keyword} ${b}`),
    scripts: { a: "#!/bin/sh\n", b: "#!/bin/sh\n" },
  })),
);

test("every keyword of the table that is no block is tried", () => {
  const blocks =
    /^(track_|virtual_|unicast_peer|group|notification_email|real_server|regex_options)/;
  for (const [block, keywords] of Object.entries(repeats)) {
    for (const keyword of Object.keys(keywords)) {
      if (blocks.test(keyword)) continue;
      expect([block, keyword, values[block]?.[keyword]]).not.toContain(undefined);
    }
  }
});

test.each(readVersions)(
  "keepalived %s keeps the first of those of which the table says so, and of no other",
  async (version) => {
    const verdicts = await configTests(await unpack(version), cases);
    const table: Record<string, Record<string, string>> = repeats;
    const found = cases.map(({ block, keyword, text }, i) => {
      const second = text.split("\n").findLastIndex((line) => line.startsWith(`${keyword} `)) + 1;
      const says = (verdicts[i]?.says ?? "")
        .split("\n")
        .filter((line) => new RegExp(`Line ${second}\\)`).test(line))
        .join("\n");
      const first = /already|duplicate|conflicts with/.test(says);
      return `${block} ${keyword}: ${first ? "first" : "another"}`;
    });
    expect(found).toEqual(
      cases.map(
        ({ block, keyword }) =>
          `${block} ${keyword}: ${table[block]?.[keyword] === "first" ? "first" : "another"}`,
      ),
    );
  },
  300_000,
);

/** The config as keepalived's VRRP process has read it, in its own words. */
function dumped(folder: string, text: string): string {
  const there = mkdtempSync(join(tmpdir(), "lvs-ha-dump-"));
  const config = join(there, "keepalived.conf");
  writeFileSync(config, text);
  const script = join(__dirname, "../../support/keepalived-dump.sh");
  const root = process.getuid?.() === 0 ? [] : ["--map-root-user"];
  const { stdout, stderr, status } = spawnSync(
    "unshare",
    [...root, "--net", "--mount", "--pid", "--fork", "--kill-child", "sh", script, folder, config],
    { encoding: "utf8", timeout: 60_000, killSignal: "SIGKILL" },
  );
  rmSync(there, { recursive: true });
  if (status !== 0) throw new Error(`keepalived-dump.sh ends with ${status}: ${stderr}`);
  return stdout;
}

test.each(readVersions)(
  "keepalived %s has all lines of blocks that the table says add",
  async (version) => {
    const block = (name: string, line: string) => `${name} {\n${line}\n}\n`;
    const twice = (name: string, a: string, b: string) => block(name, a) + block(name, b);
    // Two entries of each, and the dump's lines for them.
    const adds: Record<string, Record<string, [string, string]>> = {
      global_defs: { notification_email: ["a@example.org", "b@example.org"] },
      vrrp_instance: {
        unicast_peer: ["10.10.0.12", "10.10.0.13"],
        track_interface: ["lo", "eth1"],
        track_script: ["s1", "s2"],
        track_process: ["p1", "p2"],
        track_file: ["f1", "f2"],
        track_bfd: ["b1", "b2"],
        virtual_ipaddress: ["192.0.2.100", "192.0.2.101"],
        virtual_ipaddress_excluded: ["192.0.2.102", "192.0.2.103"],
        virtual_routes: ["10.8.0.0/24", "10.9.0.0/24"],
        virtual_rules: ["111", "112"],
      },
    };
    const more: Record<string, (one: string) => string> = {
      virtual_routes: (to) => `${to} dev eth0`,
      virtual_rules: (priority) => `from 10.8.0.0/24 table 101 priority ${priority}`,
    };
    const tracked = (name: string) => `${name} weight`;
    const shown: Record<string, (one: string) => string> = {
      track_interface: tracked,
      track_script: tracked,
      track_bfd: (name) => `${name}: weight`,
      track_process: (name) => `${name}, weight`,
      track_file: (name) => `${name}, weight`,
      virtual_routes: (to) => `prepend ${to}`,
      virtual_rules: (priority) => `from 10.8.0.0/24 priority ${priority}`,
    };
    const lines = (name: string) =>
      Object.entries(adds[name] ?? {})
        .map(([keyword, [a, b]]) => {
          const line = more[keyword] ?? String;
          return twice(keyword, line(a), line(b));
        })
        .join("");
    const text = `${block("global_defs", `script_user root\nsmtp_server 192.0.2.9\nnotification_email_from k@example.org\nlvs_timeouts tcp 1234\nlvs_timeouts udp 5678\n${lines("global_defs")}`)}
${["1", "2"].map((n) => `vrrp_script s${n} {\nscript /usr/sbin/keepalived\n}\nvrrp_track_process p${n} {\nprocess p${n}\n}\ntrack_file f${n} {\nfile /run/f${n}\n}\nbfd_instance b${n} {\nneighbor_ip 10.10.0.1${n}\n}\n`).join("")}
vrrp_instance VI_1 {
interface eth0
virtual_router_id 51
${lines("vrrp_instance")}
}
`;
    const says = dumped(await unpack(version), text);
    // keepalived's processes log at the same time, so each line is matched by itself.
    const said = says.split("\n").map((line) => line.replace(/^.*?20\d\d: +/, ""));
    const table: Record<string, Record<string, string>> = repeats;
    for (const [name, keywords] of Object.entries(adds)) {
      const both = Object.entries(keywords).filter(([keyword, values]) =>
        values.every((value) =>
          said.some((line) => line.startsWith((shown[keyword] ?? String)(value))),
        ),
      );
      const adding = Object.entries(table[name] ?? {}).filter(
        ([keyword, repeat]) => repeat === "adds" && keyword !== "lvs_timeouts",
      );
      expect(both.map(([keyword]) => keyword).toSorted()).toEqual(
        adding.map(([keyword]) => keyword).toSorted(),
      );
    }
    expect(says).toMatch(/= 1234\n[^]*= 5678\n/);
  },
  300_000,
);
