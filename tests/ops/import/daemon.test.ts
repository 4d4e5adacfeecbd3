// Lines about how keepalived runs, and lines that depend on another line.
import { importConfig } from "../../../ops/import";

/** An import of a small config with these lines in it. */
function imported({ globals = "", instance = "", top = "", url = "" }) {
  const text = `global_defs {
${globals}
}
${top}
vrrp_instance VI_1 {
    interface eth1
    virtual_router_id 51
    priority 150
${instance}
    virtual_ipaddress {
        192.0.2.100
    }
}
virtual_server 192.0.2.100 80 {
    protocol TCP
    real_server 192.0.2.21 80 {
        HTTP_GET {
            url {
                path /
${url}
            }
        }
    }
}
`;
  const { config, report } = importConfig([{ file: "keepalived.conf", text }]);
  const of = (entries: { text?: string; from?: string; why: string }[]) =>
    entries.map(({ text: line, from, why }) => `${line ?? from}: ${why}`);
  return { config, changed: of(report.changed), inexpressible: of(report.inexpressible) };
}

const unicast = "unicast_peer {\n192.0.2.12\n}";

test("what global_defs says of every instance is theirs where they say nothing", () => {
  const globals = [
    "vrrp_mcast_group4 224.0.0.19",
    "vrrp_check_unicast_src",
    "vrrp_garp_interval 0.001",
    "vrrp_gna_interval 0.0",
    "vrrp_notify_fifo /run/vrrp.fifo",
    "vrrp_notify_priority_changes on",
  ].join("\n");
  expect(imported({ globals }).config.vrrp).toMatchObject({
    multicastGroup: "224.0.0.19",
    garp: { intervalSeconds: 0.001 },
    notify: { priorityChanges: true },
  });
  const { vrrp } = imported({ globals, instance: unicast }).config;
  expect(vrrp).toMatchObject({ checkUnicastSource: true });
  expect(vrrp).not.toHaveProperty("multicastGroup");
  expect(vrrp).not.toHaveProperty("garp.naIntervalSeconds");
});

test.each([
  ["ss -ltn | grep :80", "|", "ss"],
  ["/usr/bin/killall -0 haproxy && true", "&&", "/usr/bin/killall"],
  ["/usr/local/bin/check ; true", ";", "/usr/local/bin/check"],
  ["ss -ltn >/dev/null 2>&1", ">/dev/null", "ss"],
  ["ss -ltn 2>/dev/null", "2>/dev/null", "ss"],
  ["test $(pgrep -c x) -gt 3", "$(pgrep", "test"],
])(
  "a command that only a shell would run as it reads is told: %s",
  (command, operator, program) => {
    const top = `vrrp_script chk {\nscript "${command}"\n}`;
    const { inexpressible } = imported({ top, instance: "track_script {\nchk\n}" });
    expect(inexpressible).toEqual([
      expect.stringMatching(/^script .*: keepalived runs no shell for it: /),
    ]);
    expect(inexpressible[0]).toContain(
      `${operator} and what follows are arguments of ${program}, so it never did what it reads like`,
    );
  },
);

test.each(["/bin/sh -c 'ss -ltn | grep :80'", "grep -E 'a|b' /run/x", "</dev/tcp/127.0.0.1/80"])(
  "a command that runs as it reads is not told of: %s",
  (command) => {
    const top = `vrrp_script chk {\nscript "${command}"\n}`;
    expect(imported({ top, instance: "track_script {\nchk\n}" }).inexpressible).toEqual([]);
  },
);

test("what has no effect where it stands is left out, with the reason", () => {
  const has = (lines: Parameters<typeof imported>[0]) =>
    imported(lines).changed.filter((line) => /no effect|no FIFO/.test(line));
  expect(has({ instance: `${unicast}\nmcast_dst_ip 224.0.0.19` })).toEqual([
    "mcast_dst_ip 224.0.0.19: with unicast it has no effect",
  ]);
  expect(has({ instance: "unicast_ttl 9\ncheck_unicast_src" })).toEqual([
    "unicast_ttl 9: with multicast it has no effect",
    "check_unicast_src: with multicast it has no effect",
  ]);
  expect(has({ instance: "notify_priority_changes" })).toEqual([
    "notify_priority_changes: there is no FIFO that it could tell",
  ]);
  expect(has({ globals: "startup_script_timeout 5" })).toEqual([
    "startup_script_timeout 5: there is no startup_script, so it has no effect",
  ]);
  expect(imported({ url: "regex_stack 1024 2048" }).changed.join()).toContain(
    "there is no regex that they could be for",
  );
});

test("what changes nothing beside another line is left out, as it was before", () => {
  const { config, changed, inexpressible } = imported({
    instance: `${unicast}
nopreempt
garp_master_refresh_repeat 3
track_interface {
eth2
eth3 weight -20
eth4 weight 5
}`,
  });
  expect(changed).toEqual(
    expect.arrayContaining([
      expect.stringMatching(
        /^vrrp\.trackInterfaces\[1\]\.weight: -20: it changes a priority, and while preempt is false/,
      ),
      expect.stringMatching(/^vrrp\.trackInterfaces\[2\]\.weight: 5: /),
      expect.stringMatching(/^vrrp\.garp\.masterRefreshRepeat: 3: it is the ARPs of each round/),
    ]),
  );
  expect(inexpressible).toEqual([]);
  expect(config.vrrp).toMatchObject({ trackInterfaces: [{ name: "eth2" }] });
  expect(config.vrrp).not.toHaveProperty("preempt");
  expect(config.vrrp).not.toHaveProperty("garp");
});

test("an instance that drops its virtual servers' packets can't be taken over, and says so", () => {
  expect(imported({ instance: "no_accept" }).inexpressible).toEqual([
    expect.stringMatching(/^no_accept: vrrp\.accept: false drops what clients send/),
  ]);
});

test("scripts and their times are one key, in whichever order they stand", () => {
  const globals = [
    "startup_script /etc/keepalived/up.sh",
    "startup_script_timeout 500",
    "shutdown_script_timeout 7",
    "shutdown_script /etc/keepalived/down.sh nobody",
    "lvs_notify_fifo_script /etc/keepalived/read.sh",
    "lvs_notify_fifo /run/lvs.fifo root root",
  ].join("\n");
  const { config, changed } = imported({ globals });
  expect(config.daemon).toMatchObject({
    startupScript: { script: "up.sh", timeoutSeconds: 60 },
    shutdownScript: { script: "down.sh", user: "nobody", timeoutSeconds: 7 },
    lvsNotifyFifo: { path: "/run/lvs.fifo", script: "read.sh" },
  });
  expect(changed).toContain(
    "lvs_notify_fifo /run/lvs.fifo root root: a FIFO is whose script reads it, or else daemon.scriptUser's",
  );
});

test("an interface's delay is no longer than keepalived lets it be", () => {
  const block = "interface_up_down_delays {\neth1 10 5\n}";
  expect(imported({ top: block }).config.vrrp).toMatchObject({
    interfaceDelays: [{ name: "eth1", downSeconds: 1.996, upSeconds: 5 }],
  });
  expect(imported({ top: block, instance: "down_timer_adverts 1" }).config.vrrp).toMatchObject({
    interfaceDelays: [{ name: "eth1" }],
  });
});

test("what the stack leaves out for good is told, with the reason", () => {
  const { inexpressible } = imported({
    globals: "enable_snmp_vrrp\nnotify_fifo /tmp/fifo\nnotify_fifo_script /etc/keepalived/read.sh",
    top: "garp_group {\ninterface eth1\ngarp_interval 0.1\n}",
  });
  expect(inexpressible).toEqual([
    expect.stringMatching(/^enable_snmp_vrrp: keepalived's processes crash when a reload/),
    expect.stringMatching(/^notify_fifo \/tmp\/fifo: .* folder that everybody may write to/),
    expect.stringMatching(/^notify_fifo_script .*: keepalived's VRRP and checker processes each/),
    expect.stringMatching(/^garp_group.*: the stack has one interval for all interfaces/),
  ]);
});
