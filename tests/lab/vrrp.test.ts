/**
 * What VRRP offers beside unicast adverts: multicast of both families, the protocol's MAC address, everything that an instance can
 * track, preemption, and what moves along. An instance each, so that each is seen to fail alone.
 *
 * @set slice 4
 * @topology dev
 * @budgetSeconds 190
 */
import { waitFor } from "../../lab/waitFor";
import { summary } from "../../lab/load";
import {
  findHost,
  holders,
  inClient,
  listen,
  networks,
  powerCut,
  powerOn,
  requests,
  startLoad,
  virtualIp,
} from "./lab";
import { installBfd, startBfd, stopBfd } from "./bfd";
import { activeFor, directors, settled, webs } from "./pools";
import { configure, lossless, lvs, nobodyAsks, shell, tell, up } from "./stack";

const [first = "", second = ""] = directors;
const speaker = "web1";
/** Slow enough that a busy machine is not taken for a dead one: here the instance's moves are what is looked at. */
const bfdEveryMs = 200;
const link = "lab0";
const linkFile = `/etc/network/interfaces.d/${link}`;
const tracked = "/usr/local/bin/lab-tracked";
const number = "/run/lab-number";
const notes = "/run/lab-notes";
const heard = "/run/lab-heard";
const started = "/run/lab-started";
const network = "203.0.113.0/24";

/** Virtual addresses, by what their instance shows. */
const at = {
  process: "192.0.2.111",
  file: "192.0.2.112",
  link: "192.0.2.113",
  bfd: "192.0.2.114",
  delay: "192.0.2.115",
  stay: "192.0.2.116",
  version2: "192.0.2.117",
} as const;

const trackedProcess = "systemd-run --quiet --collect --unit=lab-tracked";

beforeAll(async () => {
  await installBfd(speaker);
  await startBfd(speaker, bfdEveryMs);
  for (const director of directors) {
    await shell(director, `cat >${linkFile} && ifup ${link}`, {
      input: `auto ${link}
iface ${link} inet manual
    pre-up ip link add ${link} type dummy
    up ip link set ${link} up
`,
    });
    await shell(
      director,
      `cp /bin/sleep ${tracked} && ${trackedProcess} ${tracked} infinity && rm -f ${notes} ${heard} ${number}`,
    );
  }
  configure((stack) => {
    nobodyAsks(stack);
    stack.directors.forEach((director, i) => {
      const { ipv6 } = findHost(directors[i] ?? "").public;
      director.vrrpAddress6 = `${ipv6}/64`;
    });
    stack.realServers.forEach((realServer, i) => {
      realServer.address6 = findHost(webs[i] ?? "").public.ipv6;
    });
    const [web] = stack.virtualServers;
    stack.virtualServers = [
      { ...web, vrrpInstance: "VI_1" },
      { name: "web6", address: virtualIp.ipv6, port: 80, vrrpInstance: "VI_6" },
    ];
    lossless(stack);
    stack.scripts = {
      "note.sh": `#!/bin/sh\necho "$*" >>${notes}\n`,
      // keepalived names the FIFO.
      "read.sh": `#!/bin/sh\nexec cat <"$1" >>${heard}\n`,
      "started.sh": `#!/bin/sh\ntouch ${started}\n`,
    };
    stack.daemon = {
      vrrpNotifyFifo: { path: "/run/lab-fifo", script: "read.sh" },
      startupScript: "started.sh",
    };
    stack.tracking = {
      processes: [{ name: "proc", process: "lab-tracked" }],
      files: [{ name: "number", file: number, initialValue: 0 }],
      bfd: [{ name: "router", neighbor: findHost(speaker).private.ipv4 }],
    };
    let id = 51;
    const instance = (name: string, more: object) => ({
      name,
      virtualRouterId: id++,
      directors: { [first]: { priority: 150 }, [second]: { priority: 100 } },
      ...more,
    });
    const carries = (address: string) => ({ virtualAddresses: [{ address: `${address}/24` }] });
    stack.vrrp = {
      unicast: false,
      preempt: true,
      instances: [
        instance("VI_1", {
          vmac: {},
          notify: { any: "note.sh" },
          virtualRoutes: [{ to: network, via: "192.0.2.1", device: "eth1", table: 77 }],
          virtualRules: [{ from: network, table: 77, priority: 1077 }],
        }),
        instance("VI_6", {}),
        instance("VI_process", {
          ...carries(at.process),
          trackProcesses: [{ name: "proc", weight: -100 }],
        }),
        instance("VI_file", {
          ...carries(at.file),
          multicastGroup: "224.0.0.99",
          trackFiles: [{ name: "number", weight: 1 }],
        }),
        instance("VI_link", { ...carries(at.link), trackInterfaces: [{ name: link }] }),
        instance("VI_bfd", { ...carries(at.bfd), trackBfd: [{ name: "router" }] }),
        instance("VI_delay", { ...carries(at.delay), preemptDelaySeconds: 6 }),
        instance("VI_stay", { ...carries(at.stay), preempt: false }),
        instance("VI_2", { ...carries(at.version2), version: 2, advertIntervalSeconds: 1 }),
      ],
    };
  });
  await up();
  await settled([`-t ${virtualIp.ipv4}:80`, `-t [${virtualIp.ipv6}]:80`]);
});

test("adverts by multicast, IPv4, IPv6 and version 2: one director has each address, and both families are served", async () => {
  // That of at.file has a multicast group of its own.
  for (const address of [virtualIp.ipv4, virtualIp.ipv6, at.version2, at.file]) {
    expect(await activeFor(address, first)).toBe(first);
  }
  for (const address of [virtualIp.ipv4, virtualIp.ipv6]) {
    const result = await requests({ address });
    expect(result).toMatchObject({ answered: 60, slow: 0 });
    expect(Object.keys(result.byServer).sort()).toEqual(webs);
  }
});

/** By RFC 5798 7.3: of virtual router 51. */
const protocolMac = "00:00:5e:00:01:33";

const hex = (ipv4: string) =>
  ipv4
    .split(".")
    .map((part) => Number(part).toString(16).padStart(2, "0"))
    .join("");

/** Whom the client takes the virtual address to be. */
async function macOfVirtualIp(): Promise<string> {
  const { stdout } = await inClient("ip", ["neigh", "show", "to", virtualIp.ipv4]);
  return /lladdr (\S+)/.exec(stdout)?.[1] ?? stdout;
}

test("the virtual address has the protocol's MAC address, on an interface of its own", async () => {
  await inClient("ip", ["neigh", "flush", "to", virtualIp.ipv4]);
  await requests({ count: 1, rate: 10 });
  expect(await macOfVirtualIp()).toBe(protocolMac);
  // keepalived calls it vrrp.51, or by another name that is free.
  const device = (await shell(first, `ip -4 -o addr show to ${virtualIp.ipv4}`)).split(" ")[1];
  expect(device).not.toBe("eth1");
  expect(await shell(first, "ip -o link show type macvlan")).toContain(` ${device ?? ""}@eth1`);
});

test("status and verify see the pair as healthy", async () => {
  for (const command of ["status", "verify"]) {
    // What is tracked is found well some time after the directors have begun: a BFD session comes up within seconds.
    await waitFor(
      async () => {
        const { exitCode, stdout, stderr } = await lvs(command);
        if (exitCode !== 0) throw new Error(stdout + stderr);
        return true;
      },
      { what: `lvs ${command} is content`, timeoutSeconds: 30 },
    );
  }
});

test("routes and rules are the active director's; notify scripts and the FIFO's reader have been told", async () => {
  const routes = async (director: string) => [
    await shell(director, "ip route show table all | grep ' table 77 ' || [ $? = 1 ]"),
    await shell(director, "ip rule show priority 1077"),
  ];
  expect(await routes(first)).toEqual([
    expect.stringContaining(`${network} via 192.0.2.1 dev eth1`),
    expect.stringContaining(`from ${network} lookup 77`),
  ]);
  expect(await routes(second)).toEqual(["", ""]);
  expect((await shell(first, `cat ${notes}`)).split("\n")).toContain("INSTANCE VI_1 MASTER 150");
  expect((await shell(second, `cat ${notes}`)).split("\n")).toContain("INSTANCE VI_1 BACKUP 100");
  expect((await shell(first, `cat ${heard}`)).split("\n")).toContain('INSTANCE "VI_1" MASTER 150');
});

/** A fault on the first director that one instance tracks. */
const faults: [string, string, () => Promise<unknown>, () => Promise<unknown>][] = [
  [
    "process",
    at.process,
    () => shell(first, "systemctl stop lab-tracked"),
    () => shell(first, `${trackedProcess} ${tracked} infinity`),
  ],
  [
    "file",
    at.file,
    () => shell(first, `echo -100 >${number}`),
    () => shell(first, `echo 0 >${number}`),
  ],
  [
    "interface",
    at.link,
    () => shell(first, `ip link set ${link} down`),
    () => shell(first, `ip link set ${link} up`),
  ],
  [
    "BFD session",
    at.bfd,
    async () => {
      await stopBfd(speaker);
      await startBfd(speaker, bfdEveryMs, [second]);
    },
    async () => {
      await stopBfd(speaker);
      await startBfd(speaker, bfdEveryMs);
    },
  ],
];

test.each(faults)(
  "a tracked %s that fails moves its instance alone, and back when it is well",
  async (_, address, fail, mend) => {
    expect(await activeFor(address, first)).toBe(first);
    await fail();
    expect(await activeFor(address, second)).toBe(second);
    expect(await holders()).toEqual([first]);
    await mend();
    expect(await activeFor(address, first)).toBe(first);
  },
);

test("a power cut moves all of them; the client needs no new MAC address; each comes back as it preempts", async () => {
  const load = await startLoad({ address: virtualIp.ipv4, port: 80, rate: 100, seconds: 120 });
  const claims = `arp and arp[14:4] = 0x${hex(virtualIp.ipv4)}`;
  const listening = await listen(networks.public.bridge, ["-e", "-l", claims]);
  await powerCut(first);
  for (const address of [virtualIp.ipv4, virtualIp.ipv6, ...Object.values(at)]) {
    expect(await activeFor(address, second)).toBe(second);
  }
  await inClient("ip", ["neigh", "flush", "to", virtualIp.ipv4]);
  await requests({ count: 1, rate: 10 });
  expect(await macOfVirtualIp()).toBe(protocolMac);
  const heard = (await listening.end()).split("\n").filter((line) => line.includes(" > "));
  expect(heard.length).toBeGreaterThan(0);
  expect(heard.filter((line) => !line.includes(` ${protocolMac} > `))).toEqual([]);
  await powerOn(first);
  await activeFor(virtualIp.ipv4, first);
  const began = Date.now();
  expect(await activeFor(at.delay)).toBe(second);
  await activeFor(at.delay, first);
  tell(`  preemptDelaySeconds 6: ${((Date.now() - began) / 1000).toFixed(1)} s after the others`);
  for (const address of [virtualIp.ipv6, at.file, at.link, at.bfd, at.version2]) {
    await activeFor(address, first);
  }
  expect(await activeFor(at.stay)).toBe(second);
  await shell(first, `test -e ${started}`);
  const result = await load.end();
  tell(`  ${summary(result)}`);
  expect(result.longestGapMs).toBeLessThan(3000);
  expect(result).toMatchObject({ lost: 0 });
  await waitFor(async () => (await lvs("verify")).exitCode === 0, {
    what: "lvs verify is content",
    timeoutSeconds: 60,
  });
  await shell(first, `${trackedProcess} ${tracked} infinity`);
});
