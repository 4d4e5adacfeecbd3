// The limits of the numbers that import accepts, each from both sides.
import { importConfig } from "../../../ops/import";

/** An import of a small config with these lines in it. */
function imported({
  globals = "",
  instance = "",
  service = "",
  top = "",
  head = "192.0.2.100 80",
}) {
  const text = `global_defs {
${globals}
}
${top}
vrrp_instance VI_1 {
    interface eth1
    virtual_router_id 51
${instance}
    virtual_ipaddress {
        192.0.2.100
    }
}
virtual_server ${head} {
    protocol TCP
    lvs_method NAT
${service}
    real_server 192.0.2.21 80 {
        weight 3
    }
    real_server 192.0.2.22 80 {
        weight 2
    }
}
`;
  const { config, report } = importConfig([{ file: "keepalived.conf", text }]);
  const of = (entries: { text?: string; from?: string; to?: string; why: string }[]) =>
    entries.map(({ text: line, from, to, why }) => `${line ?? from ?? ""} -> ${to ?? why}`);
  return {
    config,
    service: config.virtualServers?.[0],
    // A block is represented by its first line.
    said: of([...report.changed, ...report.inexpressible]).map((line) =>
      line.replace(/ \{.*\}/s, ""),
    ),
  };
}

/** The remarks that these lines add to those about the config without them. */
function said(lines: Parameters<typeof imported>[0]): string[] {
  const usual = imported({}).said;
  return imported(lines).said.filter((line) => !usual.includes(line));
}

test("a virtual server's port is one from 1 to 65535", () => {
  const port = (text: string) => imported({ head: `192.0.2.100 ${text}` });
  expect(port("65535").service).toMatchObject({ port: 65535 });
  expect(port("1").service).toMatchObject({ port: 1 });
  for (const wrong of ["65536", "70000", "-1", "-70000"]) {
    expect([wrong, ...port(wrong).said]).toContainEqual(
      expect.stringContaining(`-> ${wrong} is no port`),
    );
    expect(port(wrong).service).toBeUndefined();
  }
  for (const none of ["0", ""]) {
    expect(port(none).said).toContainEqual(
      expect.stringContaining("a virtual server for all ports of an address is a fwmark"),
    );
  }
});

test("a firewall mark is one from 1", () => {
  const mark = (text: string) => imported({ head: `fwmark ${text}` });
  expect(mark("1").service).toMatchObject({ fwmark: 1 });
  for (const wrong of ["0", "-1"]) {
    expect(mark(wrong).said).toContainEqual(
      expect.stringContaining(`-> ${wrong} is no firewall mark`),
    );
  }
});

test("persistence without a number is keepalived's six minutes, and none is no key", () => {
  const of = (line: string) => imported({ service: line }).service?.persistenceTimeoutSeconds;
  expect(of("persistence_timeout")).toBe(360);
  expect(of("persistence_timeout 1")).toBe(1);
  expect(of("persistence_timeout 0")).toBeUndefined();
  expect(of("")).toBeUndefined();
  expect(said({ service: "persistence_timeout 0" })).toEqual([
    "persistence_timeout 0 -> persistenceTimeoutSeconds: 0",
  ]);
});

test("a quorum is no more than the real servers weigh, and can be regained", () => {
  const of = (...lines: string[]) => {
    const { service } = imported({ service: lines.join("\n") });
    return [service?.quorum, service?.hysteresis, ...said({ service: lines.join("\n") })];
  };
  expect(of("quorum 5")).toEqual([5, undefined]);
  expect(of("quorum 6")).toEqual([5, undefined, "quorum 6 -> quorum: 5"]);
  expect(of("quorum 3", "hysteresis 2")).toEqual([3, 2]);
  expect(of("quorum 3", "hysteresis 3")).toEqual([3, 2, "hysteresis 3 -> hysteresis: 2"]);
  expect(of("quorum 4", "hysteresis 1")).toEqual([4, 1]);
  expect(of("quorum 4", "hysteresis 2")).toEqual([4, 1, "hysteresis 2 -> hysteresis: 1"]);
});

test("a priority is one from 1 to 255, the last of which no director has", () => {
  const of = (priority: number) => {
    const { config } = imported({ instance: `priority ${priority}` });
    return [config.directors?.[0]?.priority, ...said({ instance: `priority ${priority}` })];
  };
  expect(of(1)).toEqual([1]);
  expect(of(254)).toEqual([254]);
  expect(of(255)).toEqual([254, "priority 255 -> directors[].priority: 254"]);
  for (const wrong of [0, 256]) {
    expect(of(wrong)).toContain(
      `priority ${wrong} -> ${wrong} is no priority (1–255); now priority: 100`,
    );
  }
});

test("VRRP is of version 2 or 3", () => {
  const of = (version: number) => said({ globals: `vrrp_version ${version}` });
  expect(imported({ globals: "vrrp_version 2" }).config.vrrp).toMatchObject({ version: 2 });
  expect([...of(2), ...of(3)]).toEqual([]);
  for (const wrong of [1, 4]) {
    expect(of(wrong)).toEqual([
      `vrrp_version ${wrong} -> ${wrong} is no version of VRRP: 2 or 3; now as if the line were not there`,
    ]);
  }
});

test("a script at the start has from 1 to 60 seconds", () => {
  const of = (seconds: number) => {
    const globals = `startup_script /etc/keepalived/up.sh\nstartup_script_timeout ${seconds}`;
    const { startupScript } = imported({ globals }).config.daemon ?? {};
    const usual = said({ globals: "startup_script /etc/keepalived/up.sh" });
    return [startupScript, ...said({ globals }).filter((line) => !usual.includes(line))];
  };
  expect(of(1)).toEqual([{ script: "up.sh", timeoutSeconds: 1 }]);
  expect(of(60)).toEqual([{ script: "up.sh", timeoutSeconds: 60 }]);
  expect(of(61)).toEqual([
    { script: "up.sh", timeoutSeconds: 60 },
    "startup_script_timeout 61 -> startup_script_timeout 60",
  ]);
  expect(of(0)).toContain(
    "startup_script_timeout 0 -> 0 is no time that a script could run in; now as if the line were not there",
  );
});

test("a tracked weight of 254 is 253, as keepalived makes it", () => {
  const of = (weight: number) => {
    const instance = `track_interface {\neth0 weight ${weight}\n}`;
    const { trackInterfaces } = imported({ instance }).config.vrrp as {
      trackInterfaces?: unknown;
    };
    return [trackInterfaces, ...said({ instance })];
  };
  for (const weight of [253, -253]) expect(of(weight)).toEqual([[{ name: "eth0", weight }]]);
  for (const sign of [1, -1]) {
    expect(of(254 * sign)).toEqual([
      [{ name: "eth0", weight: 253 * sign }],
      `eth0 weight ${254 * sign} -> weight ${253 * sign}`,
    ]);
  }
});

test("a password of version 2 is cut to 8 characters, of which each must be one that the stack takes", () => {
  const of = (pass: string) =>
    said({
      globals: "vrrp_version 2",
      instance: `authentication {\nauth_type PASS\nauth_pass ${pass}\n}`,
    });
  expect(of("12345678")).toEqual([]);
  expect(of("123456789")).toEqual(["auth_pass ******** -> vrrpAuthPass"]);
  expect(of("a%b")).toEqual([
    expect.stringMatching(/^auth_pass \*+ -> the stack takes letters, digits/),
  ]);
});

test("a range of a group's addresses is at most 1024 of them, and ends after it begins", () => {
  const of = (range: string) =>
    imported({
      top: `virtual_server_group g {\n${range} 80\n}`,
      head: "group g",
    });
  expect(of("10.0.0.0-10.0.3.255").config.virtualServers).toHaveLength(1024);
  expect(of("10.0.0.0-10.0.4.0").said).toContainEqual(
    expect.stringContaining("10.0.0.0-10.0.4.0 is no range"),
  );
  expect(of("10.0.0.7-7").config.virtualServers).toHaveLength(1);
  expect(of("10.0.0.7-9").config.virtualServers).toHaveLength(3);
  expect(of("10.0.0.7-6").said).toContainEqual(expect.stringContaining("10.0.0.7-6 is no range"));
});

test("a sync group has an instance at least, and with one it is none", () => {
  const of = (...names: string[]) =>
    said({
      top: `vrrp_instance VI_2 {\ninterface eth2\nvirtual_router_id 52\nvirtual_ipaddress {\n192.0.2.200\n}\n}
vrrp_sync_group G {\ngroup {\n${names.join("\n")}\n}\n}`,
    });
  expect(of()).toContain("vrrp_sync_group G -> a group without an instance does nothing");
  expect(of("VI_1")).toContain("vrrp_sync_group G -> what it says, in vrrp.instances[VI_1]");
  expect(of("VI_1", "VI_2").join()).not.toContain("vrrp_sync_group");
});
