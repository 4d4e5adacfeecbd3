// The last valid and the first invalid number, for each rule and each type with a limit.
import { z } from "zod";
import { check } from "../components/config";
import { compareVersions } from "../components/os/versions";
import { schema } from "../components/schema";
import { childrenOf, unwrap } from "./support/features";
import { raw, smallStack, type Stack } from "./support/stacks";

type Change = (stack: Stack) => void;

function errorsOf(change: Change): string[] {
  const stack = smallStack();
  change(stack);
  return check(raw(stack)).errors;
}

const vrrp = (own: object) => (s: Stack) => {
  s.vrrp = { ...(s.vrrp as object | undefined), ...own };
};
const service = (own: object) => (s: Stack) => {
  Object.assign(s.virtualServers[0], own);
};
const checks = (...own: object[]) => service({ checks: own });
const member = (own: object) => service({ realServers: [{ name: "web1", ...own }] });
const weigh = (weights: number[], own: object) => (s: Stack) => {
  s.realServers.forEach((one, i) => Object.assign(one, { weight: weights[i] }));
  service(own)(s);
};
const tracked = (own: object) => (s: Stack) => {
  s.tracking = own;
};
const track = (list: string, own: object) => (s: Stack) => {
  tracked({ [list]: [{ name: "one", ...own }] })(s);
  if (list === "scripts") vrrp({ trackScripts: [{ name: "one" }] })(s);
  if (list === "processes") vrrp({ trackProcesses: [{ name: "one" }] })(s);
};
const script = (own: object) => (s: Stack) => {
  s.scripts = { "a.sh": "#!/bin/sh\n" };
  track("scripts", { script: "a.sh", ...own })(s);
};
const bfd = (own: object) => track("bfd", { neighbor: "192.0.2.1", ...own });
const delays = (own: object, more: object = {}) =>
  vrrp({ interfaceDelays: [{ name: "eth1", ...own }], ...more });
const newer = (change: Change) => (s: Stack) => {
  s.os = "debian13";
  change(s);
};
const group = (weight: number) => (s: Stack) => {
  track("files", { file: "/run/x", weight: 1 })(s);
  const instance = (i: number) => ({
    name: `VI_${i}`,
    virtualRouterId: i,
    virtualAddresses: [{ address: `192.0.2.20${i}` }],
  });
  vrrp({
    instances: [{ ...instance(1), trackFiles: [{ name: "one", weight }] }, instance(2)],
    syncGroups: [{ name: "VG_1", instances: ["VI_1", "VI_2"] }],
  })(s);
};
const marks =
  (...ports: (number | string)[][]) =>
  (s: Stack) => {
    s.virtualServers.push(
      ...ports.map((own, i) => ({
        name: `marked${i}`,
        fwmark: i + 1,
        traffic: [{ address: "192.0.2.101", ports: own }],
      })),
    );
  };
const directors = (count: number) => (s: Stack) => {
  for (let i = 3; i <= count; i++) {
    s.directors.push({
      ...s.directors[0],
      name: `lvs${i}`,
      host: `10.10.1.${i}`,
      vrrpAddress: `192.0.2.${i + 150}/24`,
    });
  }
};

const inNetworkOf = (prefix: number) => (s: Stack) => {
  s.directors.forEach((each, i) => (each.vrrpAddress = `192.0.2.${i + 8}/${prefix}`));
  s.virtualServers[0].address = "192.0.2.100/32";
};
const arpIgnore = (value: number) => (s: Stack) => {
  s.kernel = { directorSysctls: { "net.ipv4.conf.all.arp_ignore": value } };
};

/**
 * The comparison, a change at the limit, a change just past it, and the key that the error names.
 */
const rules: [claim: string, right: Change, wrong: Change, key: string][] = [
  // VRRP
  [
    "version 3's longest interval",
    vrrp({ advertIntervalSeconds: 40.95 }),
    vrrp({ advertIntervalSeconds: 40.96 }),
    "vrrp.advertIntervalSeconds",
  ],
  [
    "version 3's steps",
    vrrp({ advertIntervalSeconds: 0.29 }),
    vrrp({ advertIntervalSeconds: 0.291 }),
    "vrrp.advertIntervalSeconds",
  ],
  [
    "version 2's shortest interval",
    vrrp({ version: 2, advertIntervalSeconds: 1 }),
    vrrp({ version: 2, advertIntervalSeconds: 0.99 }),
    "vrrp.advertIntervalSeconds",
  ],
  [
    "version 2's steps",
    vrrp({ version: 2, advertIntervalSeconds: 255 }),
    vrrp({ version: 2, advertIntervalSeconds: 254.5 }),
    "vrrp.advertIntervalSeconds",
  ],
  [
    "a delay of going down",
    delays({ downSeconds: 0.598 }),
    delays({ downSeconds: 0.599 }),
    "vrrp.interfaceDelays[0].downSeconds",
  ],
  [
    "a delay of going down, with more adverts",
    delays({ downSeconds: 0.898 }, { downTimerAdverts: 4 }),
    delays({ downSeconds: 0.899 }, { downTimerAdverts: 4 }),
    "vrrp.interfaceDelays[0].downSeconds",
  ],
  [
    "a delay of coming up, with the older keepalived",
    delays({ upSeconds: 0.598 }),
    delays({ upSeconds: 0.599 }),
    "vrrp.interfaceDelays[0].upSeconds",
  ],
  [
    "a delay of going down where there is no time",
    delays({ downSeconds: 0 }, { downTimerAdverts: 1 }),
    delays({ downSeconds: 0.001 }, { downTimerAdverts: 1 }),
    "vrrp.interfaceDelays[0].downSeconds",
  ],
  [
    "a delay of coming up where there is no time",
    delays({ upSeconds: 0 }, { downTimerAdverts: 1 }),
    delays({ upSeconds: 0.001 }, { downTimerAdverts: 1 }),
    "vrrp.interfaceDelays[0].upSeconds",
  ],
  ["directors without a priority", directors(15), directors(16), "directors[15].priority"],
  [
    "a weight in a sync group, above 0",
    group(0),
    group(1),
    "vrrp.instances[0].trackFiles[0].weight",
  ],
  [
    "a weight in a sync group, below 0",
    group(0),
    group(-1),
    "vrrp.instances[0].trackFiles[0].weight",
  ],
  // Addresses
  [
    "the prefix of a virtual address",
    service({ address: "192.0.2.100/1" }),
    service({ address: "192.0.2.100/0" }),
    "virtualServers[0].address",
  ],
  [
    "a network in which each address is a host's",
    inNetworkOf(31),
    inNetworkOf(30),
    "directors[0].vrrpAddress",
  ],
  [
    "the last address but one of a network",
    service({ address: "192.0.2.254" }),
    service({ address: "192.0.2.255" }),
    "virtualServers[0].address",
  ],
  [
    "the prefix that directors share",
    (s) => (s.directors[1].vrrpAddress = "192.0.2.12/24"),
    (s) => (s.directors[1].vrrpAddress = "192.0.2.12/23"),
    "directors[1].vrrpAddress",
  ],
  [
    "values of arp_ignore that answer somebody",
    arpIgnore(7),
    arpIgnore(8),
    "kernel.directorSysctls.net.ipv4.conf.all.arp_ignore",
  ],
  // What is tracked
  [
    "hops of a BFD session",
    bfd({ ttl: 100, maxHops: 100 }),
    bfd({ ttl: 100, maxHops: 101 }),
    "tracking.bfd[0].maxHops",
  ],
  [
    "any number of hops",
    bfd({ ttl: 255, maxHops: -1 }),
    bfd({ ttl: 254, maxHops: -1 }),
    "tracking.bfd[0].maxHops",
  ],
  [
    "hops over IPv6, of which there are 64",
    bfd({ neighbor: "2001:db8::1", maxHops: 64 }),
    bfd({ neighbor: "2001:db8::1", maxHops: 65 }),
    "tracking.bfd[0].maxHops",
  ],
  [
    "a file's first change of priority",
    track("files", { file: "/run/x", initialValue: 127, weight: 2 }),
    track("files", { file: "/run/x", initialValue: 128, weight: 2 }),
    "tracking.files[0].initialValue",
  ],
  [
    "a file's first change of priority, downwards",
    track("files", { file: "/run/x", initialValue: 127, weight: -2 }),
    track("files", { file: "/run/x", initialValue: 128, weight: -2 }),
    "tracking.files[0].initialValue",
  ],
  [
    "processes at most",
    track("processes", { process: "x", quorum: 5, quorumMax: 5 }),
    track("processes", { process: "x", quorum: 5, quorumMax: 4 }),
    "tracking.processes[0].quorumMax",
  ],
  [
    "a run that outlasts its interval, with the older keepalived",
    script({ intervalSeconds: 5, timeoutSeconds: 5 }),
    script({ intervalSeconds: 5, timeoutSeconds: 6 }),
    "tracking.scripts[0].timeoutSeconds",
  ],
  [
    "a fraction of a second, with the older keepalived",
    newer(script({ intervalSeconds: 5.5 })),
    script({ intervalSeconds: 5.5 }),
    "tracking.scripts[0].intervalSeconds",
  ],
  ...(["masterRepeat", "masterRefreshRepeat", "lowerPrioRepeat"] as const).map(
    (key): [string, Change, Change, string] => {
      const paced = (repeat: number) =>
        vrrp({
          garp: {
            masterRepeat: 1,
            masterRefreshSeconds: 60,
            lowerPrioRepeat: 1,
            intervalSeconds: 0.1,
            [key]: repeat,
          },
        });
      return [
        `paced ARPs a round (${key}), with the older keepalived`,
        paced(1),
        paced(2),
        "vrrp.garp.intervalSeconds",
      ];
    },
  ),
  [
    "ARPs a round, of rounds that there are",
    vrrp({ garp: { masterRefreshSeconds: 1, masterRefreshRepeat: 1 } }),
    vrrp({ garp: { masterRefreshSeconds: 0, masterRefreshRepeat: 1 } }),
    "vrrp.garp.masterRefreshRepeat",
  ],
  [
    "a second round after a first",
    vrrp({ garp: { lowerPrioRepeat: 1, lowerPrioDelaySeconds: 1 } }),
    vrrp({ garp: { lowerPrioRepeat: 0, lowerPrioDelaySeconds: 1 } }),
    "vrrp.garp.lowerPrioDelaySeconds",
  ],
  [
    "no second round, without a first",
    vrrp({ garp: { lowerPrioRepeat: 0, lowerPrioDelaySeconds: 0 } }),
    vrrp({ garp: { lowerPrioRepeat: 0, lowerPrioDelaySeconds: 1 } }),
    "vrrp.garp.lowerPrioDelaySeconds",
  ],
  [
    "a weight that moves nothing",
    vrrp({ trackInterfaces: [{ name: "eth2", weight: 0 }] }),
    vrrp({ trackInterfaces: [{ name: "eth2", weight: -1 }] }),
    "vrrp.trackInterfaces[0].weight",
  ],
  // Virtual servers
  [
    "a lower threshold",
    member({ upperThreshold: 10, lowerThreshold: 10 }),
    member({ upperThreshold: 10, lowerThreshold: 11 }),
    "virtualServers[0].realServers[0].lowerThreshold",
  ],
  [
    "a lower threshold alone",
    member({ lowerThreshold: 0 }),
    member({ lowerThreshold: 1 }),
    "virtualServers[0].realServers[0].lowerThreshold",
  ],
  [
    "a prefix length of IPv4",
    service({ persistenceTimeoutSeconds: 9, persistenceGranularity: 32 }),
    service({ persistenceTimeoutSeconds: 9, persistenceGranularity: 33 }),
    "virtualServers[0].persistenceGranularity",
  ],
  [
    "persistence that granularity is of",
    service({ persistenceTimeoutSeconds: 1, persistenceGranularity: 24 }),
    service({ persistenceTimeoutSeconds: 0, persistenceGranularity: 24 }),
    "virtualServers[0].persistenceGranularity",
  ],
  [
    "a quorum that can be reached",
    weigh([3, 4], { quorum: 7 }),
    weigh([3, 4], { quorum: 8 }),
    "virtualServers[0].quorum",
  ],
  [
    "a hysteresis below the quorum",
    weigh([9, 9], { quorum: 4, hysteresis: 3 }),
    weigh([9, 9], { quorum: 4, hysteresis: 4 }),
    "virtualServers[0].hysteresis",
  ],
  [
    "a quorum that can be gained again",
    weigh([3, 4], { quorum: 5, hysteresis: 2 }),
    weigh([3, 4], { quorum: 5, hysteresis: 3 }),
    "virtualServers[0].hysteresis",
  ],
  ["weights of all", weigh([0, 1], {}), weigh([0, 0], {}), "virtualServers[0]"],
  [
    "ports below a range",
    marks(["8000-8099"], [7999]),
    marks(["8000-8099"], [8000]),
    "virtualServers[2].traffic[0]",
  ],
  [
    "ports above a range",
    marks(["8000-8099"], [8100]),
    marks(["8000-8099"], [8099]),
    "virtualServers[2].traffic[0]",
  ],
  [
    "ranges beside each other",
    marks(["8000-8099"], ["8100-8199"]),
    marks(["8000-8100"], ["8100-8199"]),
    "virtualServers[2].traffic[0]",
  ],
  // Checks
  [
    "a stack for a regular expression",
    checks(stacked(100, 100)),
    checks(stacked(101, 100)),
    "virtualServers[0].checks[0].urls[0].regexStack.startBytes",
  ],
  [
    "a reply's length",
    checks(reply({ minReplyLength: 9, maxReplyLength: 9 })),
    checks(reply({ minReplyLength: 10, maxReplyLength: 9 })),
    "virtualServers[0].checks[0].minReplyLength",
  ],
  [
    "a reply's length below keepalived's own",
    checks(reply({ minReplyLength: 255 })),
    checks(reply({ minReplyLength: 256 })),
    "virtualServers[0].checks[0].minReplyLength",
  ],
  // Types
  [
    "a range of ports, upwards",
    marks(["8000-8001"]),
    marks(["8000-8000"]),
    "virtualServers[1].traffic[0].ports[0]",
  ],
  [
    "the first port of a range",
    marks(["1-2"]),
    marks(["0-2"]),
    "virtualServers[1].traffic[0].ports[0]",
  ],
  [
    "the last port of a range",
    marks(["1-65535"]),
    marks(["1-65536"]),
    "virtualServers[1].traffic[0].ports[0]",
  ],
  [
    "a range of statuses",
    checks(status("200-200")),
    checks(status("201-200")),
    "virtualServers[0].checks[0].urls[0].status[0]",
  ],
  [
    "statuses",
    checks(status(...ofLength(64, 200))),
    checks(status(...ofLength(65, 200))),
    "virtualServers[0].checks[0].urls[0].status",
  ],
  ["CPUs", cpus(128), cpus(129), "daemon.vrrpCpuAffinity"],
  [
    "arguments on a line",
    script({ args: ofLength(6, "a".repeat(97)) }),
    script({ args: [...ofLength(5, "a".repeat(97)), "a".repeat(98)] }),
    "tracking.scripts[0].args",
  ],
  [
    "an argument",
    script({ args: ["a".repeat(200)] }),
    script({ args: ["a".repeat(201)] }),
    "tracking.scripts[0].args[0]",
  ],
  ["a script's text", text(262144), text(262145), "scripts.a.sh"],
  [
    "a regular expression",
    checks(matched("a".repeat(200))),
    checks(matched("a".repeat(201))),
    "virtualServers[0].checks[0].urls[0].regex",
  ],
  [
    "a file's path",
    track("files", { file: pathOf(255), initialValue: 1 }),
    track("files", { file: pathOf(256), initialValue: 1 }),
    "tracking.files[0].file",
  ],
  ["a domain name", checks(dns(253)), checks(dns(254)), "virtualServers[0].checks[0].queryName"],
  ["a name", named(32), named(33), "virtualServers[0].name"],
];

test.each(rules)(
  "%s: the last right value is taken, the first wrong one refused",
  (_, right, wrong, key) => {
    expect(errorsOf(right)).toEqual([]);
    const errors = errorsOf(wrong);
    expect(errors).toHaveLength(1);
    expect(errors[0]?.startsWith(`${key}: `)).toBe(true);
  },
);

test.each(["host", "vrrpAddress", "vrrpAddress6", "syncAddress"])(
  "a director's own %s can't be a virtual address, nor a real server's address",
  (key) => {
    const own = key.endsWith("6") ? "2001:db8:1::77" : "192.0.2.77";
    const prefix = key.startsWith("vrrpAddress") ? "/24" : "";
    const errors = errorsOf((s) => {
      s.directors[1][key] = own + prefix;
      vrrp({ virtualAddresses: [{ address: own }] })(s);
    });
    expect(errors).toEqual([
      `vrrp.virtualAddresses[0].address: "${own}" is lvs2's own address (directors[1].${key}); a virtual address must be nobody's`,
    ]);
  },
);

test.each(["host", "address", "address6"])(
  "a real server's own %s can't be a virtual address",
  (key) => {
    const own = key.endsWith("6") ? "2001:db8:1::77" : "192.0.2.77";
    const errors = errorsOf((s) => {
      s.realServers[1][key] = own;
      vrrp({ virtualAddresses: [{ address: own }] })(s);
    });
    expect(errors).toEqual([
      `vrrp.virtualAddresses[0].address: "${own}" is web2's own address (realServers[1].${key}); a virtual address must be nobody's`,
    ]);
  },
);

test("every number's range in an error is the one that is taken, to its ends", () => {
  let tried = 0;
  const visit = (type: z.core.$ZodType, at: string): void => {
    const bare = unwrap(type);
    const [, first, last, step = "1"] =
      /\((-?[\d.]+)–(-?[\d.]+)(?:, in steps of ([\d.e-]+))?\)/.exec(
        z.safeParse(bare, "x").error?.issues[0]?.message ?? "",
      ) ?? [];
    if (bare instanceof z.ZodNumber && first !== undefined && last !== undefined) {
      tried++;
      const taken = [Number(first), Number(last)].map((value) => z.safeParse(bare, value).success);
      const refused = [Number(first) - Number(step), Number(last) + Number(step)].map(
        (value) => z.safeParse(bare, Number(value.toFixed(6))).success,
      );
      expect([at, taken, refused]).toEqual([at, [true, true], [false, false]]);
    }
    for (const [below, suffix] of childrenOf(type)) visit(below, at + suffix);
  };
  for (const [key, type] of Object.entries(schema)) visit(type, key);
  expect(tried).toBeGreaterThan(150);
});

test("versions are compared number by number", () => {
  const inOrder = ["2.2.7", "2.2.8", "2.2.10", "2.3.0", "2.10.0", "3.0.0"];
  inOrder.forEach((a, i) => {
    inOrder.forEach((b, j) => {
      expect([a, b, Math.sign(compareVersions(a, b))]).toEqual([a, b, Math.sign(i - j)]);
    });
  });
});

function stacked(startBytes: number, maxBytes: number): object {
  return { type: "http", urls: [{ path: "/", regex: "ok", regexStack: { startBytes, maxBytes } }] };
}

function matched(regex: string): object {
  return { type: "http", urls: [{ path: "/", regex }] };
}

function status(...own: unknown[]): object {
  return { type: "http", urls: [{ path: "/", status: own }] };
}

function reply(own: object): object {
  return { type: "udp", requireReply: true, ...own };
}

function dns(length: number): object {
  return { type: "dns", queryName: `${`${"a".repeat(63)}.`.repeat(3)}${"a".repeat(length - 192)}` };
}

function cpus(count: number): Change {
  return (s) => {
    s.daemon = { vrrpCpuAffinity: Array.from({ length: count }, (_, i) => i) };
  };
}

function text(length: number): Change {
  return (s) => {
    s.scripts = { "a.sh": "#!/bin/sh\n".padEnd(length, "x") };
  };
}

function named(length: number): Change {
  return service({ name: "a".repeat(length) });
}

function pathOf(length: number): string {
  return `/run/${"a".repeat(length - 5)}`;
}

function ofLength<T>(length: number, value: T): T[] {
  return Array<T>(length).fill(value);
}
