// The imported stack does what keepalived does with the config, or the import reports the
// difference: each claim with its smallest config.
import { importConfig, renderReport } from "../../../ops/import";

const instanceOf = (lines = "", name = "VI_1") => `vrrp_instance ${name} {
    interface eth1
    virtual_router_id 51
    priority 150
    virtual_ipaddress {
        192.0.2.100
    }
${lines}
}
`;

const serviceOf = ({
  lines = "",
  real = "real_server 192.0.2.21 80 {\n}",
  head = "192.0.2.100 80",
} = {}) => `virtual_server ${head} {
    protocol TCP
    lvs_sched rr
    ${/lvs_method|lb_kind/.test(lines) ? "" : "lvs_method NAT"}
${lines}
${real}
}
`;

const globalsOf = (lines: string) => `global_defs {\n${lines}\n}\n`;

function imported(text: string) {
  const { config, report, yaml } = importConfig([{ file: "k.conf", text }]);
  const lines = [
    ...report.changed.map(({ where, from, to, why }) => `${where}: ${from} -> ${to}: ${why}`),
    ...report.inexpressible.map(({ where, text: of, why }) => `${where}: ${of} !! ${why}`),
  ];
  return {
    config,
    yaml,
    vrrp: (config.vrrp ?? {}) as Record<string, unknown>,
    service: config.virtualServers?.[0],
    said: lines.join("\n"),
    open: report.toFillIn.map(({ at }) => at),
    shown: renderReport(report, { all: true }),
  };
}

describe("a keyword that is given twice", () => {
  const twice = (keyword: string, a: string, b: string) => `${keyword} ${a}\n${keyword} ${b}`;

  test.each(["master", "backup", "fault", "stop"])("of notify_%s, the first counts", (state) => {
    const { vrrp, said } = imported(
      instanceOf(twice(`notify_${state}`, "/etc/keepalived/a.sh", "/etc/keepalived/b.sh")),
    );
    expect(vrrp.notify).toEqual({ [state]: "a.sh" });
    expect(said).toMatch(
      new RegExp(`notify_${state} /etc/keepalived/b.sh -> nothing: is given on line 8 already`),
    );
  });

  test("of scripts in groups, virtual servers, real servers and global_defs, the first counts", () => {
    const { config, service } = imported(
      globalsOf(twice("startup_script", "/etc/keepalived/a.sh", "/etc/keepalived/b.sh")) +
        instanceOf() +
        serviceOf({
          lines: twice("quorum_up", "/etc/keepalived/a.sh", "/etc/keepalived/b.sh"),
          real: `real_server 192.0.2.21 80 {\n${twice("notify_down", "/etc/keepalived/a.sh", "/etc/keepalived/b.sh")}\n}`,
        }),
    );
    expect(config.daemon?.startupScript).toBe("a.sh");
    expect(service?.quorumUp).toBe("a.sh");
    expect(service?.realServers?.[0]).toMatchObject({ notifyDown: "a.sh" });
  });

  test("of version, digest and lvs_sync_daemon, the first counts", () => {
    const digest = (end: string) => `ec90a42b99ea9a2f5ecbe213ac9eba0${end}`;
    const { vrrp, service } = imported(
      globalsOf(twice("lvs_sync_daemon", "eth2", "eth3")) +
        instanceOf(twice("version", "2", "3")) +
        serviceOf({
          real: `real_server 192.0.2.21 80 {\nHTTP_GET {\nurl {\npath /\n${twice("digest", digest("3"), digest("4"))}\n}\n}\n}`,
        }),
    );
    expect(vrrp).toMatchObject({ version: 2, syncInterface: "eth2" });
    expect(service?.checks).toMatchObject([{ urls: [{ digest: digest("3") }] }]);
  });

  test("blocks of addresses, routes, peers, tracked things and recipients add to one another", () => {
    const block = (name: string, line: string) => `${name} {\n${line}\n}\n`;
    const { config, vrrp } = imported(
      globalsOf(
        block("notification_email", "a@example.org") +
          block("notification_email", "b@example.org") +
          "smtp_server 192.0.2.9\nnotification_email_from k@example.org\nlvs_timeouts tcp 10\nlvs_timeouts udp 20",
      ) +
        instanceOf(
          block("unicast_peer", "192.0.2.12") +
            block("unicast_peer", "192.0.2.13") +
            block("track_interface", "eth2") +
            block("track_interface", "eth3") +
            block("virtual_routes", "10.9.0.0/24 via 192.0.2.1 dev eth1") +
            block("virtual_routes", "10.8.0.0/24 via 192.0.2.1 dev eth1"),
        ) +
        serviceOf({
          real: "real_server 192.0.2.21 80 {\nHTTP_GET {\nurl {\npath /\nstatus_code 200\nstatus_code 201\n}\n}\n}",
        }),
    );
    expect(config.directors).toHaveLength(3);
    expect(config.email).toMatchObject({ to: ["a@example.org", "b@example.org"] });
    expect(config.daemon?.ipvsTimeouts).toEqual({ tcpSeconds: 10, udpSeconds: 20 });
    expect(vrrp.trackInterfaces).toEqual([{ name: "eth2" }, { name: "eth3" }]);
    expect(vrrp.virtualRoutes).toHaveLength(2);
    expect(config.virtualServers?.[0]?.checks).toMatchObject([{ urls: [{ status: [200, 201] }] }]);
  });

  test("of any other, the last counts, and of a keyword's other name, too", () => {
    const { vrrp, service, said } = imported(
      instanceOf("advert_int 2\nadvert_int 3\nnopreempt\npreempt") +
        serviceOf({ lines: "lb_algo wrr\nlvs_sched lc" }),
    );
    expect(vrrp).toMatchObject({ advertIntervalSeconds: 3, preempt: true });
    expect(service?.scheduler).toBe("lc");
    expect(said).toContain(
      "advert_int 2 -> nothing: is given again on line 9, and the last counts",
    );
    expect(said).toContain("nopreempt -> nothing: is given again");
    expect(said).toMatch(/lb_algo wrr -> nothing: is given again/);
  });

  test("of blocks of one name, the first counts", () => {
    const { vrrp, said } = imported(instanceOf() + instanceOf("garp_master_delay 9"));
    expect(vrrp).not.toHaveProperty("garp");
    expect(said).toContain(
      "vrrp_instance VI_1 -> nothing: vrrp_instance VI_1 is on line 1 already",
    );
  });
});

describe("a sync group of one instance", () => {
  const group = (lines: string) => `vrrp_sync_group G {\ngroup {\nVI_1\n}\n${lines}\n}\n`;

  test("has its scripts, tracking and mail in that instance", () => {
    const { vrrp, said } = imported(
      globalsOf("notification_email {\na@example.org\n}\nsmtp_server 192.0.2.9") +
        group(
          "notify_master /etc/keepalived/a.sh\nnotify /etc/keepalived/b.sh\nsmtp_alert\ntrack_interface {\neth2\n}",
        ) +
        instanceOf(),
    );
    expect(vrrp).toMatchObject({
      notify: { master: "a.sh", any: "b.sh" },
      smtpAlert: true,
      trackInterfaces: [{ name: "eth2" }],
    });
    expect(vrrp).not.toHaveProperty("syncGroups");
    expect(said).toContain("what it says, in vrrp.instances[VI_1]");
    expect(said).toContain("is told INSTANCE VI_1 where it was told GROUP G");
  });

  test("says which script it loses, where the instance has one of its own", () => {
    const { vrrp, said } = imported(
      group("notify_master /etc/keepalived/a.sh") +
        instanceOf("notify_master /etc/keepalived/own.sh"),
    );
    expect(vrrp.notify).toEqual({ master: "own.sh" });
    expect(said).toMatch(
      /notify_master \/etc\/keepalived\/a.sh !! the group's only instance VI_1 has/,
    );
  });
});

describe("a value that doesn't fit", () => {
  test.each([
    ["weight 100000", "now weight: 1"],
    ["weight 5x", "now weight: 1"],
  ])("of a real server: %s is %s", (line, now) => {
    const { said } = imported(
      instanceOf() + serviceOf({ real: `real_server 192.0.2.21 80 {\n${line}\n}` }),
    );
    expect(said).toContain(now);
  });

  test("of a virtual server or an instance says what counts instead", () => {
    const { said } = imported(
      instanceOf("advert_int x") +
        serviceOf({ lines: "delay_loop 0\npersistence_granularity 0.0.0.0\nlvs_sched nope" }),
    );
    expect(said).toMatch(/delay_loop 0 !! .*; now delayLoopSeconds: 60/);
    expect(said).toMatch(
      /persistence_granularity 0.0.0.0 !! .*; now as if the line were not there/,
    );
    expect(said).toMatch(/advert_int x !! .*; now advertIntervalSeconds: 1/);
    expect(said).toMatch(/lvs_sched nope !! .*; now scheduler: "rr"/);
  });

  test("of a priority and of a DNS query says what counts instead", () => {
    const { said, config } = imported(
      instanceOf("priority 12abc").replace("    priority 150\n", "") +
        serviceOf({
          real: "real_server 192.0.2.21 80 {\nDNS_CHECK {\ntype RRSIG\nname example.org\n}\n}",
        }),
    );
    expect(said).toMatch(/priority 12abc !! .*; now priority: 100/);
    expect(config.directors?.[0]?.priority).toBe(100);
    expect(said).toMatch(/type RRSIG !! .*; now queryType: "SOA"/);
  });

  test("persistence is there although its mask can't be", () => {
    const { service } = imported(
      instanceOf() + serviceOf({ lines: "persistence_granularity 0.0.0.0" }),
    );
    expect(service).toMatchObject({ persistenceTimeoutSeconds: 360 });
  });

  test.each(["lvs_method TUN type gue port 5555", "lb_kind dr"])(
    "of a forwarding method is left to be filled in: %s",
    (line) => {
      const { service, open, said } = imported(instanceOf() + serviceOf({ lines: line }));
      expect(service?.forwarding).toBe("FILL_IN");
      expect(open).toContain("virtualServers[http].forwarding");
      expect(said).toContain("now forwarding: FILL_IN");
    },
  );
});

describe("a check", () => {
  test.each(["DR", "TUN"])("asks for the port that is written, with %s, too", (method) => {
    const { service } = imported(
      instanceOf() +
        serviceOf({
          lines: `lvs_method ${method}`,
          real: "real_server 192.0.2.21 8080 {\nTCP_CHECK {\n}\n}",
        }),
    );
    expect(service?.checks).toMatchObject([{ type: "tcp", port: 8080 }]);
  });

  test("of a real server without a port says which one it asks", () => {
    const { said } = imported(
      instanceOf() + serviceOf({ real: "real_server 192.0.2.21 {\nTCP_CHECK {\n}\n}" }),
    );
    expect(said).toContain(
      "TCP_CHECK -> port 80: its real server has no port, and keepalived asks port 0",
    );
  });
});

describe("what no file says", () => {
  test("an instance where there is none is told, and left to be filled in", () => {
    const { vrrp, said, open } = imported(serviceOf());
    expect(vrrp).toMatchObject({ interface: "FILL_IN", virtualRouterId: "FILL_IN" });
    expect(open).toEqual(expect.arrayContaining(["vrrp.interface", "vrrp.virtualRouterId"]));
    expect(said).toContain("no vrrp_instance -> one instance, VI_1");
    expect(said).not.toContain("here the first does");
  });

  test("an instance's interface and virtual_router_id are left to be filled in", () => {
    const { vrrp, open } = imported(
      instanceOf().replace("    interface eth1\n    virtual_router_id 51\n", ""),
    );
    expect(vrrp).toMatchObject({ interface: "FILL_IN", virtualRouterId: "FILL_IN" });
    expect(open).toEqual(expect.arrayContaining(["vrrp.interface", "vrrp.virtualRouterId"]));
  });
});

describe("mail", () => {
  const mail = (lines: string) =>
    imported(
      globalsOf(`notification_email_from k@example.org\n${lines}`) + instanceOf() + serviceOf(),
    );

  test("through a server with a name is what the stack takes once its address is filled in", () => {
    const { said, open } = mail(
      "notification_email {\na@example.org\n}\nsmtp_server smtp.example.org",
    );
    expect(open).toContain("email.smtpServer");
    expect(said).not.toMatch(/not an IP|smtpServer: .* is no/);
  });

  test("to a local user is left to be filled in", () => {
    const { config, open, said } = mail("notification_email {\nroot\n}\nsmtp_server 192.0.2.9");
    expect(config.email).toMatchObject({ to: ["FILL_IN"] });
    expect(open).toContain("email.to");
    expect(said).not.toContain("email.to:");
  });

  test("to nobody is none", () => {
    const { config, said } = mail("notification_email {\n}\nsmtp_server 192.0.2.9");
    expect(config).not.toHaveProperty("email");
    expect(said).toContain("it names nobody, so keepalived mails nobody");
  });
});

describe("what keepalived ignores is ignored, and told", () => {
  test("an instance's own interface, and what is tracked and isn't there", () => {
    const { vrrp, said } = imported(
      instanceOf("track_interface {\neth1\neth2\n}\ntrack_script {\nnope\n}"),
    );
    expect(vrrp).toMatchObject({ trackInterfaces: [{ name: "eth2" }] });
    expect(vrrp).not.toHaveProperty("trackScripts");
    expect(said).toContain("eth1 -> nothing: the instance's own interface is tracked anyway");
    expect(said).toContain("nope -> nothing: there is no vrrp_script nope");
  });

  test("track_src_ip, which no director's keepalived acts on", () => {
    const { vrrp, said, shown } = imported(
      instanceOf("mcast_src_ip 192.0.2.11\ntrack_src_ip") + serviceOf(),
    );
    expect(Object.keys(vrrp)).not.toContain("trackSourceAddress");
    expect(said).toMatch(
      /^k.conf:\d+: track_src_ip -> nothing: keepalived compares .* and so notices no loss$/m,
    );
    expect(shown).not.toMatch(/track_src_ip.*(!!|has no effect where it stands)/);
  });

  test("a weight that can't move an address, and then the script that nothing else asks for", () => {
    const script = "vrrp_script chk {\nscript /bin/true\nweight -20\n}\n";
    const tracked = `${script}${instanceOf("preempt\ntrack_script {\nchk\n}")}${serviceOf()}`;
    const of = (own: number) => tracked.replace("priority 150", `priority ${own}`);
    const files = (own: number): Parameters<typeof importConfig>[0] => [
      { file: "lb1.conf", text: tracked },
      { file: "lb2.conf", text: of(own) },
    ];
    const far = importConfig(files(100));
    expect(far.config.vrrp).not.toHaveProperty("trackScripts");
    expect(far.config.tracking?.scripts ?? []).toEqual([]);
    expect(far.report.inexpressible).toEqual([]);
    expect(far.report.changed.map(({ from, to }) => `${from} -> ${to}`)).toEqual(
      expect.arrayContaining([
        "vrrp.trackScripts[0].weight: -20 -> nothing, as it has no effect",
        'tracking.scripts[0].name: "chk" -> nothing, as it has no effect',
      ]),
    );
    expect(importConfig(files(140)).config.vrrp).toMatchObject({ trackScripts: [{ name: "chk" }] });
    // The other director's priority is unknown and may be close enough.
    for (const priority of [1, 150, 254]) {
      const alone = imported(of(priority));
      expect(alone.vrrp).toMatchObject({ trackScripts: [{ name: "chk" }] });
      expect(alone.said).not.toContain("too small");
      expect(alone.open).toContain("directors[1].priority");
    }
  });

  test("the same of two instances at once, beside something that is a fault", () => {
    const tracked = "nopreempt\ntrack_interface {\neth2 weight 5\neth3\n}";
    const second = instanceOf(tracked, "VI_2")
      .replace("router_id 51", "router_id 52")
      .replace("192.0.2.100", "192.0.2.101");
    const { vrrp, said } = imported(instanceOf(tracked) + second + serviceOf());
    expect(vrrp.trackInterfaces).toEqual([{ name: "eth3" }]);
    expect(said.match(/eth2|trackInterfaces/g)).toHaveLength(1);
  });

  test("a real server's weight that the scheduler doesn't look at", () => {
    const { config, service, said } = imported(
      instanceOf() +
        serviceOf({
          real: "real_server 192.0.2.21 80 {\nweight 3\n}\nreal_server 192.0.2.22 80 {\nweight 0\n}",
        }),
    );
    expect(config.realServers).toMatchObject([{ name: "real1" }, { name: "real2", weight: 0 }]);
    expect(JSON.stringify(config.realServers)).not.toContain('"weight":3');
    expect(service).not.toHaveProperty("realServers");
    expect(said).toContain("realServers[0].weight: 3 -> nothing, as it has no effect");
  });

  test("an instance of a group that isn't there", () => {
    const group = "vrrp_sync_group G {\ngroup {\nVI_1\nVI_9\n}\n}\n";
    const { vrrp, said } = imported(group + instanceOf());
    expect(vrrp).not.toHaveProperty("syncGroups");
    expect(said).toContain("VI_9 -> nothing: there is no vrrp_instance VI_9");
  });

  test("an address of the other family, but for those that aren't in the adverts", () => {
    const { vrrp, said } = imported(
      instanceOf(
        "virtual_ipaddress {\n2001:db8::1\n}\nvirtual_ipaddress_excluded {\n2001:db8::2\n}",
      ),
    );
    expect(JSON.stringify(vrrp)).not.toContain("2001:db8::1/");
    expect(JSON.stringify(vrrp)).toContain("2001:db8::2/128");
    expect(said).toContain("2001:db8::1 -> nothing: the instance's first address is IPv4");
  });

  test.each(["HTTP_GET", "SSL_GET", "MISC_CHECK", "FILE_CHECK", "BFD_CHECK"])(
    "a %s that asks for nothing",
    (kind) => {
      const { service, said, shown } = imported(
        instanceOf() + serviceOf({ real: `real_server 192.0.2.21 80 {\n${kind} {\n}\n}` }),
      );
      expect(service?.checks ?? []).toEqual([]);
      expect(said).toMatch(new RegExp(`${kind} !! has no .*, so keepalived leaves it out`));
      expect(shown).not.toContain(`${kind} ->`);
    },
  );

  test("a program that runs in a script is named, for each director must have it", () => {
    const { said } = imported(instanceOf("notify_master /usr/bin/nothere"));
    expect(said).toContain("this one runs /usr/bin/nothere, which each director must have");
  });
});

describe("what the stack can't hold is told with its line", () => {
  test("names with dots are changed, wherever they stand", () => {
    const text = `vrrp_script chk.web {\nscript /etc/keepalived/a.sh\n}\n${instanceOf("track_script {\nchk.web\n}", "VI_192.0.2.100")}`;
    const { vrrp, said, config } = imported(text + serviceOf());
    expect(vrrp).toMatchObject({
      instances: [{ name: "VI_192_0_2_100" }],
      trackScripts: [{ name: "chk_web" }],
    });
    expect(config.tracking?.scripts).toMatchObject([{ name: "chk_web" }]);
    expect(said).toContain("k.conf:4: vrrp_instance VI_192.0.2.100 -> name: VI_192_0_2_100");
    expect(said).not.toContain("!!");
  });

  test.each([
    [
      "one real server with two ports",
      serviceOf({ real: "real_server 192.0.2.21 80 {\n}\nreal_server 192.0.2.21 81 {\n}" }),
      /k.conf:\d+: real_server 192.0.2.21 81 !! real1 is on line \d+ with port 80/,
    ],
    [
      "one mark for both families",
      serviceOf({ head: "fwmark 7" }) +
        serviceOf({ head: "fwmark 7", real: "real_server 2001:db8::21 80 {\n}" }),
      /k.conf:\d+: virtual_server fwmark 7 !! fwmark 7 is on line \d+ already/,
    ],
    [
      "a sorry server without a port",
      serviceOf({ lines: "sorry_server 192.0.2.99" }),
      /sorry_server 192.0.2.99 -> sorryServer.port: 80/,
    ],
    ["an address with a prefix", serviceOf({ head: "192.0.2.100/24 80" }), /^(?!.*\/24\/)/s],
  ])("%s", (_, services, said) => {
    const found = imported(instanceOf() + services);
    expect(found.said).toMatch(said);
    expect(found.said).not.toContain("stack config !!");
    expect(found.said).not.toMatch(/^stack config: \S+ !!/m);
  });

  test("rules without a priority", () => {
    const { said } = imported(instanceOf("virtual_rules {\nfrom 10.0.0.0/8 table 100\n}"));
    expect(said).toMatch(/k.conf:9: from 10.0.0.0\/8 table 100 !! has no priority/);
  });

  test("an error of the schema names the line that it comes of", () => {
    const { said } = imported(instanceOf() + serviceOf().repeat(2));
    expect(said).toMatch(/k.conf:18: .* !! virtualServers\[1\]/);
  });
});

test("a sorry server that is a real server inhibits as that does", () => {
  const { service, said } = imported(
    instanceOf() +
      serviceOf({
        lines: "sorry_server 192.0.2.21 80",
        real: "real_server 192.0.2.21 80 {\ninhibit_on_failure\nTCP_CHECK {\n}\n}",
      }),
  );
  expect(service?.sorryServer).toMatchObject({ inhibitOnFailure: true });
  expect(said).toContain("sorry_server 192.0.2.21 80 -> sorryServer.inhibitOnFailure: true");
  expect(said).not.toContain("!!");
});

describe("what is said is true", () => {
  const secured = (type: string, more = "") =>
    imported(
      instanceOf(`authentication {\nauth_type ${type}\nauth_pass hushhush\n}\n${more}`) +
        serviceOf(),
    );

  test("authentication that isn't a password asks for none", () => {
    expect(secured("PASS").open).toContain("vrrpAuthPass");
    expect(secured("AH").open).not.toContain("vrrpAuthPass");
  });

  test("strict mode has no authentication", () => {
    const { open, said } = secured("PASS", "strict_mode");
    expect(open).not.toContain("vrrpAuthPass");
    expect(said).toContain("in strict mode keepalived drops the authentication");
  });

  test("one delay of gratuitous ARP for all is the other's, too", () => {
    const { vrrp } = imported(
      globalsOf("vrrp_garp_master_delay 1\nvrrp_garp_master_repeat 2") + instanceOf() + serviceOf(),
    );
    expect(vrrp.garp).toEqual({
      masterDelaySeconds: 1,
      masterRepeat: 2,
      lowerPrioDelaySeconds: 1,
      lowerPrioRepeat: 2,
    });
  });
});

test("what keepalived computes is to be expanded by hand", () => {
  const { said } = imported(
    `${instanceOf()}~SEQ(i, 1, 3) virtual_server 192.0.2.100 $i\n~LST(p, 80, 81) virtual_server 192.0.2.100 $p\n$A=x\nodd \${_RANDOM 1 9}\n`,
  );
  for (const text of ["~SEQ", "~LST", "\\$\\{_RANDOM"]) {
    expect(said).toMatch(new RegExp(`${text}.* !! .*expand it by hand`));
  }
});
