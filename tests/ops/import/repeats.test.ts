// The table of keywords that are given twice is held to the real keepalived, which says of which the first counts.
import { repeats } from "../../../components/keepalived/keywords/repeats";
import { configTests, suites, unpack, type KeepalivedVersion } from "../../support/keepalived";

const digest = (end: string) => `ec90a42b99ea9a2f5ecbe213ac9eba0${end}`;
const script = (name: string) => `/etc/keepalived/lvs-ha-scripts/${name}`;
const scripts: [string, string] = [script("a"), script("b")];
const notifies = Object.fromEntries(
  ["master", "backup", "fault", "stop"].map((state) => [`notify_${state}`, scripts]),
);

/** Two values of a keyword, by its block: those of the table that are no blocks, and some of which the last counts. */
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

/** The least config around a block's lines. */
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

test.each(Object.keys(suites) as KeepalivedVersion[])(
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
