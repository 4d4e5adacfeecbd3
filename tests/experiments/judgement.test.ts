// What the lab's experiments make of what was seen: streams, the wire, percentiles.
import { onlyFrom, sharesAreEqual, tookOver } from "../../lab/proof";
import { takeover } from "../../lab/experiments/detection";
import { spread } from "../../lab/experiments/figures";
import { type Stream, survival } from "../../lab/streams";
import { dev } from "../../lab/topologies/dev";
import { type Heard, heard } from "../../lab/vrrpCapture";

const cutAt = 10_000;

/** A stream that sent a byte at each of these times and had it back 5 ms later, with a change. */
function stream(sent: number[], change: Partial<Stream> = {}): Stream {
  const received = sent.map((at) => at + 5);
  return { group: "old", openedAt: 1, server: "web1", sent, received, inOrder: true, ...change };
}

test("a stream is alive when it is open and every byte has come back in order", () => {
  const streams = [
    stream([9_990, 10_100, 10_300], { received: [9_995, 11_000, 11_000] }),
    stream([9_990, 10_200]),
  ];
  expect(survival(streams, cutAt)).toMatchObject({
    streams: 2,
    alive: 2,
    firstByteMs: [1000, 205],
  });
});

test.each<[string, Partial<Stream>, object]>([
  ["reset", { end: { at: 10_600, reason: "ECONNRESET" } }, { reset: 1 }],
  ["closed", { end: { at: 10_600, reason: "closed" } }, { other: { closed: 1 } }],
  [
    "reset before the cut",
    { end: { at: 9_000, reason: "ECONNRESET" } },
    { other: { "ended before the cut": 1 } },
  ],
  [
    "a byte short at the end",
    { sent: [9_990, 10_200, 10_400], received: [9_995, 10_205] },
    { stuck: 1 },
  ],
  ["out of order", { inOrder: false }, { stuck: 1 }],
])("a stream that is %s isn't alive", (_, change, expected) => {
  const found = survival([stream([9_990, 10_200], change)], cutAt);
  expect(found).toMatchObject({ alive: 0, firstByteMs: [], ...expected });
});

test("a stream that has sent nothing since the cut has proved nothing", () => {
  expect(survival([stream([9_000])], cutAt)).toMatchObject({ alive: 0, stuck: 1 });
});

test.each<[string, string, Heard | undefined]>([
  [
    "an advert",
    "1795412247.379920 02:00:00:00:01:0b > 02:00:00:00:01:0c, ethertype IPv4 (0x0800), length 46: 192.0.2.11 > 192.0.2.12: VRRPv3, Advertisement, vrid 51, prio 150, intvl 30cs, length 12",
    { at: 1795412247379.92, kind: "advert", from: "lvs1", priority: 150 },
  ],
  [
    "a claim to the virtual IP",
    "1795412250.379920 02:00:00:00:01:0c > ff:ff:ff:ff:ff:ff, ethertype ARP (0x0806), length 42: Request who-has 192.0.2.100 (ff:ff:ff:ff:ff:ff) tell 192.0.2.100, length 28",
    { at: 1795412250379.92, kind: "claim", from: "lvs2" },
  ],
  [
    "a client's question",
    "1795412250.379922 ee:00:00:00:00:01 > ff:ff:ff:ff:ff:ff, ethertype ARP (0x0806), length 42: Request who-has 192.0.2.100 tell 192.0.2.200, length 28",
    undefined,
  ],
  ["tcpdump's last words", "6 packets captured", undefined],
])("%s on the wire is told from the rest", (_, line, expected) => {
  expect(heard(dev, line)).toEqual(expected);
});

const said = (kind: Heard["kind"], from: string, at: number): Heard => ({
  kind,
  from,
  at,
  ...(kind === "advert" && { priority: 140 }),
});

test("silence is from the last advert of the one to the first of the other, the claim counts from the cut", () => {
  const wire = [
    said("advert", "lvs1", 9_850),
    said("advert", "lvs1", 9_950),
    said("advert", "lvs2", 10_296),
    said("claim", "lvs2", 10_298),
    said("advert", "lvs2", 10_396),
  ];
  const found = takeover(wire, { director: "lvs1", at: cutAt }, 0.1);
  expect(found).toMatchObject({ silence: 346, claimed: 298 });
  expect(found.theory).toBeCloseTo(345.3, 1);
});

test("a director that was active before the other was cut off is no takeover", () => {
  const wire = [said("advert", "lvs1", 9_900), said("advert", "lvs2", 9_960)];
  expect(() => takeover(wire, { director: "lvs1", at: cutAt }, 0.1)).toThrow(
    "lvs2 said that it is active before lvs1 was cut off",
  );
});

test("percentiles are figures that were measured: of 30, the 29th is the 95th", () => {
  const figures = Array.from({ length: 30 }, (_, index) => 30 - index);
  expect(spread(figures)).toEqual({ count: 30, min: 1, p50: 15, p95: 29, max: 30 });
});

const webs = ["web1", "web2", "web3"];

test.each<[string, Record<string, number>, boolean]>([
  ["equal", { web1: 66, web2: 67, web3: 67 }, true],
  ["two apart", { web1: 66, web2: 66, web3: 68 }, true],
  ["three apart", { web1: 65, web2: 67, web3: 68 }, false],
  ["all of one server", { web1: 200 }, false],
  ["of two servers of three", { web1: 100, web2: 100 }, false],
  ["too few to tell a server without any", { web1: 2, web2: 2 }, false],
  ["partly of somebody else", { web1: 66, web2: 66, web3: 66, sorry: 2 }, false],
  ["none", {}, false],
])("shares that are %s", (_, answers, expected) => {
  expect(sharesAreEqual(answers, webs)).toBe(expected);
});

test.each<[string, Record<string, number>, boolean]>([
  ["every real server", { web1: 90, web2: 1, web3: 120 }, true],
  ["some real servers", { web1: 90, web2: 90 }, false],
  ["a director, too", { web1: 90, web2: 90, web3: 90, lvs1: 1 }, false],
  ["a director alone", { lvs1: 270 }, false],
  ["an unknown MAC address, too", { web1: 9, web2: 9, web3: 9, "02:00:00:00:00:99": 1 }, false],
  ["nobody", {}, false],
])("replies that come from %s", (_, senders, expected) => {
  expect(onlyFrom(senders, webs)).toBe(expected);
});

test.each<[string, Record<string, number>, boolean]>([
  ["the active director each time", { lvs1: 10 }, true],
  ["the active director, but not each time", { lvs1: 9 }, false],
  ["the active director and nobody in turn", { lvs1: 9, nobody: 1 }, false],
  ["a real server, too", { lvs1: 10, web1: 1 }, false],
  ["the standby", { lvs2: 10 }, false],
])("ARP answered by %s", (_, answers, expected) => {
  expect(onlyFrom(answers, ["lvs1"], 10)).toBe(expected);
});

test("a director is no successor of itself, nor is a stranger one of a director", () => {
  expect(tookOver("lvs1", "lvs2", ["lvs1", "lvs2"])).toBe(true);
  expect(tookOver("lvs1", "lvs1", ["lvs1", "lvs2"])).toBe(false);
  expect(tookOver("lvs1", "web1", ["lvs1", "lvs2"])).toBe(false);
  expect(tookOver("nobody", "lvs2", ["lvs1", "lvs2"])).toBe(false);
});
