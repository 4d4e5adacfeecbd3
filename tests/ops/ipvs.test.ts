// Output of ipvsadm as the lab's hosts printed it: ipvsadm 1.31 on Debian 13.
import {
  kernelEndpoint,
  parseDaemons,
  parseRates,
  parseRules,
  parseTable,
  parseThresholds,
} from "../../ops/ipvs";
import { sample } from "./sampleHosts";

/** The output of one command in the sample. */
function printed(command: string): string {
  const [, text] = sample("rare-services.txt").split(`# ipvsadm ${command}\n`);
  return text?.split("\n# ")[0] ?? "";
}

test("services of every kind are in the table under one name each", () => {
  expect([...parseTable(printed("-Ln"))].map(([name, { scheduler }]) => [name, scheduler])).toEqual(
    [
      ["TCP 192.0.2.100:80", "wrr"],
      ["UDP 192.0.2.100:53", "rr"],
      ["SCTP 192.0.2.100:9999", "mh"],
      ["TCP [2001:db8::100]:80", "rr"],
      ["FWM 1", "sh"],
      ["FWM 2 IPv6", "wlc"],
    ],
  );
});

test("a table's rows have weights and connections", () => {
  const table = parseTable(
    printed("-Ln").replace("Masq    3      0          0", "Masq    3      12         3456"),
  );
  expect(table.get("TCP 192.0.2.100:80")?.destinations).toEqual(
    new Map([
      [
        "192.0.2.21:80",
        { forwarding: "Route", weight: 0, activeConnections: 0, inactiveConnections: 0 },
      ],
      [
        "192.0.2.22:8080",
        { forwarding: "Masq", weight: 3, activeConnections: 12, inactiveConnections: 3456 },
      ],
    ]),
  );
  expect([...(table.get("FWM 2 IPv6")?.destinations.keys() ?? [])]).toEqual(["[2001:db8::21]:0"]);
});

test("rates are of the service, and of each of its real servers", () => {
  const text = printed("-Ln --rate --exact").replace(
    "  -> 192.0.2.22:8080                     0        0        0        0        0",
    "  -> 192.0.2.22:8080                    31      124        0    49600        0",
  );
  const rates = parseRates(text);
  expect(rates.get("TCP 192.0.2.100:80 -> 192.0.2.22:8080")).toEqual({
    connections: 31,
    inPackets: 124,
    outPackets: 0,
    inBytes: 49600,
    outBytes: 0,
  });
  expect(rates.get("FWM 2 IPv6")).toMatchObject({ connections: 0 });
});

test("rules tell everything that was configured", () => {
  const rules = parseRules(printed("-Sn"));
  expect(rules.map(({ destinations, ...rule }) => [rule, destinations.length])).toEqual([
    [
      {
        service: "TCP 192.0.2.100:80",
        scheduler: "wrr",
        schedulerFlags: [],
        persistenceSeconds: 300,
        persistenceMask: "255.255.255.0",
        onePacketScheduling: false,
      },
      2,
    ],
    [
      {
        service: "UDP 192.0.2.100:53",
        scheduler: "rr",
        schedulerFlags: [],
        persistenceSeconds: 0,
        onePacketScheduling: true,
      },
      1,
    ],
    [
      {
        service: "SCTP 192.0.2.100:9999",
        scheduler: "mh",
        schedulerFlags: ["mh-fallback", "mh-port"],
        persistenceSeconds: 0,
        onePacketScheduling: false,
      },
      1,
    ],
    [
      {
        service: "TCP [2001:db8::100]:80",
        scheduler: "rr",
        schedulerFlags: [],
        persistenceSeconds: 60,
        onePacketScheduling: false,
      },
      1,
    ],
    [
      {
        service: "FWM 1",
        scheduler: "sh",
        schedulerFlags: ["sh-port"],
        persistenceSeconds: 360,
        onePacketScheduling: false,
      },
      1,
    ],
    [
      {
        service: "FWM 2 IPv6",
        scheduler: "wlc",
        schedulerFlags: [],
        persistenceSeconds: 60,
        persistenceMask: "64",
        onePacketScheduling: false,
      },
      1,
    ],
  ]);
  expect(rules.flatMap(({ destinations }) => destinations)).toEqual([
    { name: "192.0.2.21:80", forwarding: "DR", weight: 0 },
    { name: "192.0.2.22:8080", forwarding: "NAT", weight: 3 },
    { name: "192.0.2.21:53", forwarding: "TUN", weight: 1 },
    { name: "192.0.2.21:9999", forwarding: "DR", weight: 2 },
    { name: "[2001:db8::21]:80", forwarding: "DR", weight: 1 },
    { name: "192.0.2.21:0", forwarding: "DR", weight: 1 },
    { name: "[2001:db8::21]:0", forwarding: "DR", weight: 1 },
  ]);
});

test("thresholds are known only from a table of their own", () => {
  const thresholds = parseThresholds(printed("-Ln --thresholds"));
  expect(thresholds.get("TCP 192.0.2.100:80 -> 192.0.2.21:80")).toEqual({ upper: 100, lower: 50 });
  expect([...thresholds.keys()].every((key) => key.includes(" -> "))).toBe(true);
});

test("sync daemons, both of them where both run", () => {
  const line =
    "sync daemon (mcast=eth0, syncid=51, maxlen=1472, group=224.0.0.81, port=8848, ttl=1)";
  expect(parseDaemons(`master ${line}\nbackup ${line}\n`)).toEqual([
    { state: "master", interface: "eth0", syncId: 51, group: "224.0.0.81", port: 8848, ttl: 1 },
    { state: "backup", interface: "eth0", syncId: 51, group: "224.0.0.81", port: 8848, ttl: 1 },
  ]);
  expect(parseDaemons("master sync daemon (mcast=eth0, syncid=51)\n")).toEqual([
    { state: "master", interface: "eth0", syncId: 51 },
  ]);
  expect(parseDaemons("")).toEqual([]);
});

test("equal IPv6 addresses are one endpoint, however they are written", () => {
  expect(kernelEndpoint("2001:DB8:0:0::21", 80)).toBe("[2001:db8::21]:80");
  expect(kernelEndpoint("192.0.2.21", 80)).toBe("192.0.2.21:80");
});
