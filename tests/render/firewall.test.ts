// Who is let in, in the words of each back end.
import {
  backendNames,
  firewallBackends,
  renderDirectorFirewall,
  renderRealServerFirewall,
} from "../../components/firewall";
import { renderDirectorKernel, renderRealServerKernel } from "../../components/render/kernel";
import { parseFiles } from "../../components/render/files";
import { settingsOf, smallStack } from "../support/stacks";

/** The rules of lvs1's or web1's firewall that match the pattern. */
function rules(
  change: Record<string, unknown>,
  backend: "ufw" | "nftables",
  words: RegExp,
  role: "director" | "real server" = "director",
): string[] {
  const settings = settingsOf({
    ...smallStack(),
    ...change,
    firewall: { allowFrom: ["10.9.0.0/24"], backend },
  });
  const [director] = settings.directors;
  if (!director) throw new Error("no director");
  const text =
    role === "director"
      ? renderDirectorFirewall(settings, director)
      : renderRealServerFirewall(settings, "web1");
  return [...parseFiles(text)]
    .filter(([path]) => path !== "needed" && path !== "logins")
    .flatMap(([, lines]) => lines.split("\n"))
    .map((line) => line.trim())
    .filter((line) => words.test(line));
}

/** The small stack's hosts, with addresses of both families. */
const ipv6Hosts = {
  directors: smallStack().directors.map((director, i) => ({
    ...director,
    vrrpAddress6: `2001:db8::1${i + 1}/64`,
  })),
  realServers: smallStack().realServers.map((realServer, i) => ({
    ...realServer,
    address6: `2001:db8::2${i + 1}`,
  })),
};

test.each(["ufw", "nftables"] as const)(
  "%s lets in who may log in, at the SSH port of each host, and at nothing else",
  (backend) => {
    const [first, ...others] = smallStack().directors;
    const [web1, ...rest] = smallStack().realServers;
    const settings = settingsOf({
      ...smallStack(),
      ssh: { port: 2022 },
      directors: [{ ...first, port: 2222 }, ...others],
      realServers: [{ ...web1 }, ...rest],
      firewall: { backend, allowFrom: [], sshFrom: ["198.51.100.0/24", "2001:db8:22::/48"] },
    });
    const [director] = settings.directors;
    if (!director) throw new Error("no director");
    const found = [
      renderDirectorFirewall(settings, director),
      renderRealServerFirewall(settings, "web1"),
    ].map((text) =>
      text
        .split("\n")
        .map((line) => line.trim())
        .filter((line) => /198\.51\.100\.0|2001:db8:22/.test(line)),
    );
    const expected = (port: number) =>
      backend === "ufw"
        ? ["198.51.100.0/24", "2001:db8:22::/48"].map(
            (from) => `allow from ${from} to any port ${port} proto tcp`,
          )
        : [
            `ip saddr 198.51.100.0/24 tcp dport ${port} accept`,
            `ip6 saddr 2001:db8:22::/48 tcp dport ${port} accept`,
          ];
    const sources = found.map((lines) =>
      lines.filter((line) => !/^(\S+\/\d+|new .*|untracked .*)$/.test(line)),
    );
    expect(sources).toEqual([expected(2222), expected(2022)]);
  },
);

describe("an instance on an interface of its own", () => {
  const own = {
    vrrp: {
      instances: [
        { name: "VI_1", virtualRouterId: 51 },
        {
          name: "VI_2",
          virtualRouterId: 52,
          interface: "eth2",
          directors: {
            lvs1: { vrrpAddress: "198.51.100.11/24" },
            lvs2: { vrrpAddress: "198.51.100.12/24" },
          },
        },
      ],
    },
    realServers: smallStack().realServers.map((realServer, i) => ({
      ...realServer,
      address: `198.51.100.2${i + 1}`,
    })),
    virtualServers: [
      { name: "first", address: "192.0.2.100/32", port: 80 },
      { name: "second", vrrpInstance: "VI_2", address: "198.51.100.100", port: 80 },
    ],
  };

  test("real servers let in what directors send from its addresses", () => {
    expect(rules(own, "ufw", /from (198|192|10\.10)/, "real server")).toEqual([
      "allow from 192.0.2.11",
      "allow from 10.10.0.11",
      "allow from 198.51.100.11",
      "allow from 192.0.2.12",
      "allow from 10.10.0.12",
      "allow from 198.51.100.12",
    ]);
  });

  test("directors let in the answers to checks that they send from its addresses", () => {
    expect(rules(own, "ufw", /from 198.51.100.100/)).toEqual([
      "allow from 198.51.100.100 port 80 to 198.51.100.11 proto tcp",
    ]);
  });
});

describe("adverts to a multicast group", () => {
  const ipv6 = {
    virtualServers: [
      {
        name: "web",
        address: "2001:db8::100",
        port: 80,
        realServers: [{ name: "web1" }],
      },
    ],
    ...ipv6Hosts,
  };
  const vrrp = /vrrp|l4proto 112|ff02::12/;

  test("are let in from what keepalived sends them from, over IPv4 and IPv6", () => {
    expect(rules({ vrrp: { unicast: false } }, "nftables", vrrp)).toEqual([
      'iifname "eth1" ip saddr 192.0.2.12 meta l4proto 112 accept',
    ]);
    expect(rules({ ...ipv6, vrrp: { unicast: false } }, "nftables", vrrp)).toEqual([
      'iifname "eth1" ip6 saddr fe80::/10 ip6 daddr ff02::12 meta l4proto 112 accept',
    ]);
    expect(rules({ ...ipv6, vrrp: { unicast: false } }, "ufw", vrrp)).toEqual([
      "allow in on eth1 from fe80::/10 to ff02::12",
    ]);
  });

  test("are let in to the group that the config names, and to that alone", () => {
    const group = { unicast: false, multicastGroup: "FF02:0::1234" };
    expect(rules({ ...ipv6, vrrp: group }, "nftables", vrrp)).toEqual([
      'iifname "eth1" ip6 saddr fe80::/10 ip6 daddr ff02::1234 meta l4proto 112 accept',
    ]);
  });

  test("are let in where the config gives a director no address of their family", () => {
    const directors = ipv6.directors.map(({ vrrpAddress6, ...director }) => ({
      ...director,
      vrrpAddress: vrrpAddress6,
    }));
    const change = {
      directors,
      vrrp: { unicast: false },
      virtualServers: [{ name: "web", address: "192.0.2.100/32", port: 80 }],
    };
    expect(rules(change, "ufw", vrrp)).toEqual(["allow in on eth1 to 224.0.0.18 proto vrrp"]);
    const group = { ...change, vrrp: { unicast: false, multicastGroup: "224.0.0.19" } };
    expect(rules(group, "ufw", vrrp)).toEqual(["allow in on eth1 to 224.0.0.19 proto vrrp"]);
  });

  test("are let in by the VMAC's interface, whatever its name is", () => {
    expect(rules({ vrrp: { unicast: false, vmac: {} } }, "ufw", vrrp)).toEqual([
      "allow from 192.0.2.12 proto vrrp",
    ]);
    expect(rules({ vrrp: { vmac: {} } }, "ufw", vrrp)).toEqual([
      "allow in on eth1 from 192.0.2.12 proto vrrp",
    ]);
  });
});

describe("connection sync", () => {
  const sync = (syncDaemon: Record<string, unknown>, sysctls: Record<string, unknown> = {}) =>
    rules({ vrrp: { syncDaemon }, kernel: { directorSysctls: sysctls } }, "ufw", /in on eth0/);

  test("is let in at every port that the kernel has a thread for", () => {
    expect(sync({ port: 9000 }, { "net.ipv4.vs.sync_ports": 4 })).toEqual([
      "allow in on eth0 from 10.10.0.12 to any port 9000:9003 proto udp",
    ]);
  });

  test("is let in from an address that goes with its group", () => {
    expect(sync({ group: "239.1.1.1" })).toEqual([
      "allow in on eth0 from 10.10.0.12 to any port 8848 proto udp",
    ]);
    expect(sync({ group: "FF02::51" })).toEqual([
      "allow in on eth0 from fe80::/10 to ff02::51 port 8848 proto udp",
    ]);
    expect(sync({ group: "ff05::51" })).toEqual([
      "allow in on eth0 to ff05::51 port 8848 proto udp",
    ]);
  });
});

test("a director that is reached by name is let in by its addresses", () => {
  const directors = smallStack().directors.map((director) => ({
    ...director,
    host: `${String(director.name)}.example.com`,
  }));
  expect(
    rules({ directors, vrrp: { connectionSync: false } }, "ufw", /from (?!10\.9)/, "real server"),
  ).toEqual(["allow from 192.0.2.11", "allow from 192.0.2.12"]);
});

test("with sloppy_tcp all packets of TCP that IPVS has not taken stay unanswered, else new connections only", () => {
  const [web] = smallStack().virtualServers;
  const dropped = (scheduler: string) =>
    rules({ virtualServers: [{ ...web, scheduler }] }, "nftables", /drop$/);
  const service = "ip daddr . meta l4proto . th dport @services drop";
  expect(dropped("mh")).toEqual([`meta l4proto tcp ${service}`, `meta l4proto udp ${service}`]);
  expect(dropped("rr")).toEqual([
    `tcp flags & (fin | syn | rst | ack) == syn ${service}`,
    `meta l4proto udp ${service}`,
  ]);
});

test.each(["::1", "0::1"])(
  "what the directors answer themselves as sorry servers, by %s, is the kernel's",
  (address) => {
    const stack = {
      ...ipv6Hosts,
      virtualServers: [
        { name: "web", address: "2001:db8::100", port: 80, sorryServer: { address, port: 80 } },
      ],
    };
    expect(rules(stack, "nftables", /local6?\b|drop$|::100/).slice(2)).toEqual([
      "set local6 {",
      "2001:db8::100 . tcp . 80,",
      "ip6 daddr . meta l4proto . th dport @local6 accept",
      expect.stringMatching(/@services6 drop$/),
      expect.stringMatching(/@services6 drop$/),
    ]);
  },
);

test("one service more is one line more, in the table, and one port more in ufw's rule for its address", () => {
  const services = (ports: number[]) => ({
    virtualServers: ports.map((port) => ({ name: `s${port}`, address: "192.0.2.100", port })),
  });
  const [few, many] = [
    [80, 443],
    [80, 443, 8080],
  ].map((ports) => rules(services(ports), "nftables", /services|192\.0\.2\.100 \. tcp/));
  expect(many).toEqual([
    ...(few ?? []).slice(0, 3),
    "192.0.2.100 . tcp . 8080,",
    ...(few ?? []).slice(3),
  ]);
  expect(rules(services([443, 80, 8080]), "ufw", /allow to 192/)).toEqual([
    "allow to 192.0.2.100 port 80,443,8080 proto tcp",
  ]);
});

test("ufw gets as many rules for an address as its ports need, fifteen each, where a range is two", () => {
  const traffic = (ports: (number | string)[]) => ({
    virtualServers: [
      {
        name: "media",
        fwmark: 7,
        traffic: [{ address: "192.0.2.100", ports }],
        checks: [{ type: "ping" }],
      },
    ],
  });
  const singles = Array.from({ length: 14 }, (_, i) => 8000 + 2 * i);
  expect(rules(traffic(singles), "ufw", /to 192/)).toHaveLength(1);
  expect(rules(traffic([...singles, 9000]), "ufw", /to 192/)).toHaveLength(1);
  expect(rules(traffic([...singles, "9000-9001"]), "ufw", /to 192/)).toEqual([
    `allow to 192.0.2.100 port ${singles.join()} proto tcp`,
    "allow to 192.0.2.100 port 9000:9001 proto tcp",
  ]);
});

test("what several services have of a real server's ports behind NAT is one range", () => {
  const media = (name: string, fwmark: number, address: string, ports: (number | string)[]) => ({
    ...{ name, fwmark, forwarding: "NAT", traffic: [{ address, ports }] },
    checks: [{ type: "ping" }],
  });
  const change = {
    virtualServers: [
      media("one", 1, "192.0.2.100", ["8000-8099", 443]),
      media("two", 2, "192.0.2.101", ["8050-8199", 443, 8200]),
    ],
  };
  expect(rules(change, "nftables", /192\.0\.2\.21/, "real server")).toEqual([
    "192.0.2.21 . tcp . 443,",
    "192.0.2.21 . tcp . 8000-8199,",
    "192.0.2.21 . tcp . 8200,",
  ]);
  expect(rules(change, "ufw", /192\.0\.2\.21/, "real server")).toEqual([
    "allow to 192.0.2.21 port 443,8000:8199,8200 proto tcp",
  ]);
});

describe("forwarding", () => {
  const small = smallStack();
  const six = {
    directors: small.directors.map((director, i) => ({
      ...director,
      vrrpAddress6: `2001:db8::1${i + 1}/64`,
    })),
    realServers: small.realServers.map((realServer, i) => ({
      ...realServer,
      address6: `2001:db8::2${i + 1}`,
    })),
  };
  const service = (more: object) => ({
    virtualServers: [{ name: "web", address: "192.0.2.100", port: 80, ...more }],
  });
  const sorry = { sorryServer: { address: "192.0.2.99", port: 80, forwarding: "NAT" } };
  const cases: [string, Record<string, unknown>, string[]][] = [
    ["none by direct routing", {}, []],
    ["none by tunnels", service({ forwarding: "TUN" }), []],
    ["IPv4's with a service behind NAT", service({ forwarding: "NAT" }), ["net.ipv4.ip_forward"]],
    [
      "IPv4's with one real server behind NAT",
      service({ realServers: ["web1", { name: "web2", forwarding: "NAT" }] }),
      ["net.ipv4.ip_forward"],
    ],
    ["IPv4's with a sorry server behind NAT", service(sorry), ["net.ipv4.ip_forward"]],
    [
      "IPv6's with a service of IPv6 behind NAT",
      { ...six, ...service({ address: "2001:db8::100", forwarding: "NAT" }) },
      ["net.ipv6.conf.all.forwarding"],
    ],
  ];

  test.each(cases)("of a director is switched on for %s", (_, change, keys) => {
    const text = renderDirectorKernel(settingsOf({ ...small, ...change }));
    expect(text.match(/^net\S*forward\S* = .*$/gm) ?? []).toEqual(keys.map((key) => `${key} = 1`));
  });

  test.each(cases)("of a real server is its own affair: %s", (_, change) => {
    expect(renderRealServerKernel(settingsOf({ ...small, ...change }))).not.toMatch(/forward/);
  });

  test.each(cases)("is for the answers of real servers alone: %s", (_, change, keys) => {
    expect(rules(change, "nftables", /^type filter hook forward/)).toEqual(
      keys.length > 0 ? ["type filter hook forward priority filter; policy drop;"] : [],
    );
    expect(rules(change, "ufw", /hook forward/)).toEqual([]);
    expect(rules(change, "nftables", /hook forward/, "real server")).toEqual([]);
  });
});

describe.each(backendNames)("with firewall.backend %s", (backend) => {
  test.each(["TCP", "UDP", "SCTP"] as const)(
    "a service by %s is let in by its name and port, or the config is refused",
    (protocol) => {
      const [web] = smallStack().virtualServers;
      const stack = {
        ...smallStack(),
        firewall: { backend, ...(backend === "none" ? {} : { allowFrom: ["10.9.0.0/24"] }) },
        virtualServers: [{ ...web, protocol, checks: [{ type: "ping" }] }],
      };
      if (!firewallBackends[backend].speaks(protocol)) {
        expect(() => settingsOf(stack)).toThrow(
          `"${protocol}" is a protocol that ${backend} has no word for`,
        );
        return;
      }
      const files = parseFiles(renderRealServerFirewall(settingsOf(stack), "web1"));
      files.delete("needed");
      files.delete("logins");
      const [text = ""] = files.values();
      if (backend === "none") expect(text).toBe("");
      // firewall.sh refuses an ufw that is on: it has no word for it.
      else if (backend === "auto" && protocol === "SCTP") expect(text).not.toContain("192.0.2.100");
      else expect(text).toMatch(new RegExp(`192\\.0\\.2\\.100 .*\\b${protocol}\\b`, "i"));
    },
  );
});
