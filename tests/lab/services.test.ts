/**
 * Every kind of service, by real traffic: protocols, families, forwarding methods, persistence, several VRRP instances, and examples as they stand.
 *
 * @set slice 1
 * @topology dev
 * @budgetSeconds 300
 */
import { setTimeout as delay } from "node:timers/promises";
import { waitFor } from "../../lab/waitFor";
import { summary } from "../../lab/load";
import {
  ask,
  client,
  directors as directorHosts,
  holders,
  inClient,
  powerCut,
  powerOn,
  realServers as webHosts,
  requests,
  startLoad,
  startService,
  stopService,
  stopServices,
  virtualIp,
} from "./lab";
import { example } from "../support/examples";
import type { Stack } from "../support/stacks";
import { activeFor, directors, outOf, poolOf, settled, webs } from "./pools";
import { configure, lossless, nobodyAsks, shell, tell, up } from "./stack";
import { underLoad } from "./underLoad";

/** Second addresses of the client's: to persistence and to routes, another client. */
const otherClient = { ipv4: "192.0.2.201", ipv6: "2001:db8:0:2::201" };

/** Where real servers answer over HTTP beside their web server. */
const ownPort = 8080;

beforeAll(async () => {
  for (const address of [`${otherClient.ipv4}/24`, `${otherClient.ipv6}/64`]) {
    // Used by those that ask from it only: the kernel would choose it for IPv6, and answers to it take the way of NAT.
    const unchosen = ["valid_lft", "forever", "preferred_lft", "0"];
    await inClient("ip", ["addr", "replace", address, "dev", "eth1", "nodad", ...unchosen]);
  }
  await Promise.all(
    webs.map((host) => startService(host, { protocol: "tcp", port: ownPort, address: "::" })),
  );
});

afterAll(async () => {
  for (const address of [`${otherClient.ipv4}/24`, `${otherClient.ipv6}/64`]) {
    await inClient("ip", ["addr", "del", address, "dev", "eth1"]);
  }
});

describe("one pair, services of every protocol, IPv4 and IPv6", () => {
  const marked = "192.0.2.101";

  beforeAll(async () => {
    configure((stack) => {
      fit("ipv6-dual-stack", stack);
      const [web] = stack.virtualServers;
      web.checks = [{ type: "http", urls: [{ path: "/health", status: [200] }] }];
      stack.scripts = {
        "health.sh": '#!/bin/sh\nexec curl --fail --silent --max-time 2 "http://$1/health"\n',
      };
      // By the private network, from which directors may reach everything on the real servers.
      const byScript = webHosts.map(({ name, private: { ipv4 } }) => ({
        name,
        checks: [{ type: "misc", script: "health.sh", args: [ipv4], delayLoopSeconds: 1 }],
      }));
      const udp = { address: virtualIp.ipv4, protocol: "UDP", realServers: byScript };
      stack.virtualServers.push(
        { ...udp, name: "udp", port: 5300 },
        { ...udp, name: "udp-ops", port: 5301, onePacketScheduling: true },
        {
          name: "shop",
          fwmark: 7,
          traffic: [{ address: marked, ports: [80, ownPort] }],
          persistenceTimeoutSeconds: 60,
        },
      );
      lossless(stack);
    });
    for (const host of webs) {
      for (const port of [5300, 5301]) {
        await startService(host, { protocol: "udp", port, address: virtualIp.ipv4 });
      }
    }
    await up();
    await settled([
      `-t ${virtualIp.ipv4}:80`,
      `-t [${virtualIp.ipv6}]:80`,
      `-u ${virtualIp.ipv4}:5300`,
      `-f 7`,
    ]);
  });

  test.each([
    ["IPv4", virtualIp.ipv4],
    ["IPv6", virtualIp.ipv6],
  ])("requests over %s are spread over all real servers", async (_, address) => {
    const result = await requests({ address });
    expect(result).toMatchObject({ answered: 60, slow: 0 });
    expect(Object.keys(result.byServer).sort()).toEqual(webs);
  });

  test("the IPv6 virtual address is the active director's alone: no real server answers for it", async () => {
    const active = await activeFor(virtualIp.ipv6);
    const mac = directorHosts.find(({ name }) => name === active)?.public.mac;
    for (let round = 0; round < 5; round++) {
      await inClient("ip", ["neigh", "flush", "to", virtualIp.ipv6]);
      await requests({ address: virtualIp.ipv6, count: 1, rate: 10 });
      const { stdout } = await inClient("ip", ["neigh", "show", "to", virtualIp.ipv6]);
      expect(stdout).toContain(mac);
    }
  });

  test("UDP: datagrams from different ports are spread over all real servers, those from one port go to one", async () => {
    const to = { protocol: "udp", address: virtualIp.ipv4, port: 5300, count: 12 } as const;
    expect(Object.keys(await ask(to)).sort()).toEqual(webs);
    expect(Object.keys(await ask({ ...to, onePort: true }))).toHaveLength(1);
  });

  test("one-packet scheduling: datagrams from one port are spread, too", async () => {
    const to = { protocol: "udp", address: virtualIp.ipv4, port: 5301, count: 12 } as const;
    expect(Object.keys(await ask({ ...to, onePort: true })).sort()).toEqual(webs);
  });

  test("a firewall mark with persistence: a client stays on one real server over both ports, another has its own", async () => {
    const own = new Set<string>();
    for (const from of [client.ipv4, otherClient.ipv4]) {
      const used = new Set<string>();
      for (const port of [80, ownPort, 80, ownPort]) {
        const answers = await ask({ protocol: "tcp", address: marked, port, count: 3, from });
        for (const name of Object.keys(answers)) used.add(name);
      }
      expect([...used]).toEqual([expect.stringMatching(/^web/)]);
      for (const name of used) own.add(name);
    }
    expect(own.size).toBe(2);
  });

  test("a health page that says 503: out by HTTP status and by script, nothing lost; in again when it is well", async () => {
    const page = "/etc/nginx/sites-enabled/default";
    const services = [`-t ${virtualIp.ipv4}:80`, `-u ${virtualIp.ipv4}:5300`];
    const during = await underLoad({ rate: 100, seconds: 120 }, async () => {
      await shell(
        "web2",
        `sed -i 's|location / {|location = /health { return 503; } &|' ${page} && systemctl reload nginx`,
      );
      await outOf(services, "192.0.2.22");
      // IPv6 is checked by itself, and by connection only: that real server is still well there.
      expect(await poolOf(`-t [${virtualIp.ipv6}]:80`)).toContain("[2001:db8:0:2::22]");
      const result = await requests();
      expect(result).toMatchObject({ answered: 60, slow: 0 });
      expect(Object.keys(result.byServer).sort()).toEqual(["web1", "web3"]);
      await shell(
        "web2",
        `sed -i 's|location = /health { return 503; } ||' ${page} && systemctl reload nginx`,
      );
      await settled(services);
    });
    expect(during).toMatchObject({ lost: 0 });
  });

  test.each([
    ["IPv4", virtualIp.ipv4, "192.0.2.21", "ip addr del 192.0.2.100/32 dev lo"],
    ["IPv6", virtualIp.ipv6, "[2001:db8:0:2::21]", "ip addr del 2001:db8:0:2::100/128 dev lo"],
  ])(
    "a real server that lost its virtual address (%s) is out within seconds on both directors, and back when it has it",
    async (_, address, realServer, take) => {
      const service = `-t ${address.includes(":") ? `[${address}]` : address}:80`;
      await shell("web1", take);
      const began = Date.now();
      await outOf([service], realServer);
      const seconds = (Date.now() - began) / 1000;
      tell(`out of the pool after ${seconds.toFixed(1)} s`);
      // What the defaults come to: 3 s between checks, two of 3 s at most, 1 s between these, and one to act.
      expect(seconds).toBeLessThan(11);
      expect(await requests({ address })).toMatchObject({ answered: 60, slow: 0 });
      await shell("web1", "systemctl reload lvs-ha-vip");
      await settled([service]);
    },
  );

  test("a power cut of the active director moves both families to the other", async () => {
    const active = await activeFor(virtualIp.ipv4);
    expect(await activeFor(virtualIp.ipv6)).toBe(active);
    const loads = await Promise.all(
      [virtualIp.ipv4, virtualIp.ipv6].map((address) =>
        startLoad({ address, port: 80, rate: 50, seconds: 60 }),
      ),
    );
    await delay(2000);
    await powerCut(active);
    await waitFor(async () => (await holders(virtualIp.ipv6)).some((name) => name !== active), {
      what: "the other director has the IPv6 address",
      timeoutSeconds: 10,
    });
    expect(await activeFor(virtualIp.ipv4)).toBe(await activeFor(virtualIp.ipv6));
    // Until the neighbours' caches have the new address, and some more to see that it lasts.
    for (const address of [virtualIp.ipv4, virtualIp.ipv6]) {
      expect(await requests({ address })).toMatchObject({ answered: 60 });
    }
    for (const load of loads) {
      const result = await load.end();
      tell(summary(result));
      expect(result.longestGapMs).toBeLessThan(3000);
      expect(result).toMatchObject({ lost: 0 });
    }
    await powerOn(active);
  });
});

describe("examples/active-active.yaml, with more on it, under nftables", () => {
  const [first = "", second = ""] = directors;
  const a = "192.0.2.100";
  const b = "192.0.2.101";
  const nat = "192.0.2.102";
  const tun = "192.0.2.103";
  const extra = "192.0.2.104";
  const sctp = "192.0.2.105";
  const nat6 = "2001:db8:0:2::102";
  const gateway = { ipv4: "10.10.0.100", ipv6: "2001:db8:0:1::100" };
  const fault = "/run/lvs-ha-lab-fault";

  beforeAll(async () => {
    configure((stack) => {
      fit("active-active", stack);
      stack.firewall = { backend: "nftables", allowFrom: ["10.10.0.0/24", "2001:db8:0:1::/64"] };
      // By the private network, which NAT needs; the others don't mind.
      stack.realServers.forEach((realServer, i) => {
        realServer.address = webHosts[i]?.private.ipv4;
        realServer.address6 = webHosts[i]?.private.ipv6;
      });
      stack.directors.forEach((director, i) => {
        director.vrrpAddress6 = `${directorHosts[i]?.public.ipv6}/64`;
      });
      const vrrp = stack.vrrp as { instances: Record<string, unknown>[] } & Record<string, unknown>;
      // The example waits 30 s, which is right for hosts that boot slower than these.
      vrrp.preemptDelaySeconds = 5;
      const members = webs.map((name) => ({ name, port: ownPort }));
      stack.virtualServers.push(
        { name: "web6", address: virtualIp.ipv6, port: 80, vrrpInstance: "VI_1" },
        { name: "tun", address: tun, port: 80, forwarding: "TUN", vrrpInstance: "VI_1" },
        // The machine's own kernel may have no SCTP, so that web3 is the client.
        {
          name: "sctp",
          address: sctp,
          port: 3868,
          protocol: "SCTP",
          vrrpInstance: "VI_1",
          realServers: ["web1", "web2"],
        },
        {
          name: "nat",
          address: nat,
          port: 80,
          forwarding: "NAT",
          vrrpInstance: "VI_2",
          realServers: members,
        },
        {
          name: "nat6",
          address: nat6,
          port: 80,
          forwarding: "NAT",
          vrrpInstance: "VI_2",
          realServers: members,
        },
      );
      const [, two] = vrrp.instances;
      if (!two) throw new Error("the example has one instance only");
      two.virtualAddresses = [
        { address: `${gateway.ipv4}/24`, interface: "eth0" },
        { address: `${gateway.ipv6}/64`, interface: "eth0" },
      ];
      vrrp.instances.push({
        name: "VI_3",
        virtualRouterId: 53,
        virtualAddresses: [{ address: extra }],
        trackScripts: [{ name: "no_fault" }],
        directors: { [first]: { priority: 150 }, [second]: { priority: 100 } },
      });
      vrrp.syncGroups = [{ name: "VG_1", instances: ["VI_1", "VI_3"] }];
      stack.scripts = { "no-fault.sh": `#!/bin/sh\ntest ! -e ${fault}\n` };
      stack.tracking = { scripts: [{ name: "no_fault", script: "no-fault.sh" }] };
    });
    for (const host of ["web1", "web2"]) {
      await startService(host, { protocol: "sctp", port: 3868, address: sctp });
    }
    await up();
    for (const host of webs) await answerThrough(host, "add", gateway);
    await settled([`-t ${a}:80`, `-t ${b}:80`, `-t ${nat}:80`, `-t [${nat6}]:80`, `-t ${tun}:80`]);
  });

  afterAll(async () => {
    for (const host of webs) await answerThrough(host, "del", gateway);
  });

  test("each director is active for its own virtual address, and both serve", async () => {
    expect(await activeFor(a, first)).toBe(first);
    expect(await activeFor(b, second)).toBe(second);
    for (const address of [a, b, virtualIp.ipv6]) {
      const result = await requests({ address });
      tell(`  ${address}: ${summary(result)}`);
      expect(result).toMatchObject({ answered: 60, slow: 0 });
      expect(Object.keys(result.byServer).sort()).toEqual(webs);
    }
  });

  /** Answers by name of requests to a NAT service; in IPv6 from the client that the real servers have a route to. */
  const askThroughNat = (address: string) =>
    ask({
      protocol: "tcp",
      address,
      port: 80,
      count: 12,
      from: address === nat6 ? otherClient.ipv6 : client.ipv4,
    });

  test.each([
    ["IPv4", nat],
    ["IPv6", nat6],
  ])(
    "NAT (%s): real servers answer on a port of their own, through the director",
    async (_, address) => {
      expect(Object.keys(await askThroughNat(address)).sort()).toEqual(webs);
    },
  );

  test("TUN: real servers take requests out of IPIP and answer the client themselves", async () => {
    const result = await requests({ address: tun });
    expect(result).toMatchObject({ answered: 60, slow: 0 });
    expect(Object.keys(result.byServer).sort()).toEqual(webs);
    expect(await shell("web1", "ip -4 -o addr show dev tunl0")).toContain(` ${tun}/32 `);
  });

  test("SCTP: associations are spread over the real servers", async () => {
    const answers = await ask({
      protocol: "sctp",
      address: sctp,
      port: 3868,
      count: 6,
      host: "web3",
      // Of one address: it would tell of all it has otherwise, and the real servers have some of these, too.
      from: webHosts[2]?.public.ipv4,
    });
    expect(Object.keys(answers).sort()).toEqual(["web1", "web2"]);
  });

  test("a real server that lost its virtual address on the tunnel's interface is out within seconds, and back", async () => {
    await shell("web3", `ip addr del ${tun}/32 dev tunl0`);
    await outOf([`-t ${tun}:80`], "10.10.0.23");
    await shell("web3", "systemctl reload lvs-ha-vip");
    await settled([`-t ${tun}:80`]);
  });

  test("a fault of one instance takes its whole group along, and no other instance", async () => {
    await shell(first, `touch ${fault}`);
    expect(await activeFor(extra, second)).toBe(second);
    expect(await activeFor(a, second)).toBe(second);
    expect(await activeFor(virtualIp.ipv6, second)).toBe(second);
    expect(await requests({ address: a })).toMatchObject({ answered: 60 });
    await shell(first, `rm ${fault}`);
    expect(await activeFor(a, first)).toBe(first);
    expect(await activeFor(extra, first)).toBe(first);
  });

  test("a power cut of one director moves its virtual addresses to the other, which then has all; it gets them back", async () => {
    await powerCut(second);
    expect(await activeFor(b, first)).toBe(first);
    expect(await activeFor(gateway.ipv4, first)).toBe(first);
    for (const address of [a, b])
      expect(await requests({ address })).toMatchObject({ answered: 60 });
    for (const address of [nat, nat6]) {
      expect(Object.keys(await askThroughNat(address)).sort()).toEqual(webs);
    }
    await powerOn(second);
    expect(await activeFor(b, second)).toBe(second);
    expect(await activeFor(a, first)).toBe(first);
    expect(await requests({ address: b })).toMatchObject({ answered: 60 });
  });
});

describe("examples/udp-dns.yaml as it stands", () => {
  const pools = [`-u ${virtualIp.ipv4}:53`, `-t ${virtualIp.ipv4}:53`];
  const serve = (host: string) =>
    startService(host, { protocol: "dns", port: 53, address: virtualIp.ipv4 });

  beforeAll(async () => {
    configure((stack) => {
      fit("udp-dns", stack);
    });
    await Promise.all(
      webs.map(async (host) => {
        await stopServices(host);
        await serve(host);
        await startService(host, { protocol: "tcp", port: 53 });
      }),
    );
    await up();
    await settled(pools);
  });

  test("queries are answered by all name servers, even those from one port; TCP is answered, too", async () => {
    const to = { address: virtualIp.ipv4, port: 53, count: 12 };
    expect(Object.keys(await ask({ ...to, protocol: "dns", onePort: true })).sort()).toEqual(webs);
    expect(Object.keys(await ask({ ...to, protocol: "tcp" })).sort()).toEqual(webs);
  });

  test("a name server that answers no queries leaves both pools", async () => {
    await stopService("web1", { protocol: "dns", port: 53 });
    await outOf(pools, "192.0.2.21");
    const to = { address: virtualIp.ipv4, port: 53, count: 12 };
    expect(Object.keys(await ask({ ...to, protocol: "dns" })).sort()).toEqual(["web2", "web3"]);
    await serve("web1");
    await settled(pools);
  });
});

/** Puts an example on the lab's hosts: their names, logins, keys and systems. Its services, addresses and options stay. */
function fit(name: string, stack: Stack): void {
  const wanted = example(name);
  const names = new Map<unknown, unknown>();
  const place = (list: "directors" | "realServers", own: string[]) =>
    wanted[list].map((entry, i) => {
      const host = stack[list][i];
      if (!host) throw new Error(`${name} has more ${list} than the lab`);
      names.set(entry.name, host.name);
      const keys = ["name", "host", "hostKey", "os", "user", ...own];
      const given = Object.entries(host).filter(([key]) => keys.includes(key));
      return { ...entry, ...Object.fromEntries(given) };
    });
  const directors = place("directors", ["vrrpAddress"]);
  const realServers = place("realServers", []);
  const renamed = JSON.parse(
    JSON.stringify(wanted),
    (_, value: unknown) => names.get(value) ?? value,
  ) as Stack;
  Object.assign(stack, renamed, { directors, realServers });
  nobodyAsks(stack);
}

/** Routes that docs/forwarding.md tells the operator to make: what leaves from the servers' own port goes by the gateway. */
async function answerThrough(
  host: string,
  verb: "add" | "del",
  gateway: { ipv4: string; ipv6?: string },
): Promise<void> {
  const lines = [
    `ip route ${verb} 10.10.0.0/24 dev eth0 table 100`,
    `ip route ${verb} default via ${gateway.ipv4} dev eth0 table 100`,
    `ip rule ${verb} ipproto tcp sport ${ownPort} table 100 priority 1000`,
  ];
  // The guests' kernel has no rules for IPv6.
  if (gateway.ipv6 !== undefined) {
    lines.push(`ip -6 route ${verb} ${otherClient.ipv6}/128 via ${gateway.ipv6} dev eth0`);
  }
  await shell(host, lines.join(" && "));
}
