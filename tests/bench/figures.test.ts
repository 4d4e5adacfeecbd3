// What the bench makes of what it was told: logs, times, samples.
import { countLogins } from "../../bench/farm";
import { rows, summary } from "../../bench/figures";
import { childrenSeconds } from "../../bench/measured";
import { change, stackOf } from "../../bench/stack";
import { check } from "../../components/config";
import { raw } from "../support/stacks";
import { sample, sampleFigures } from "./sample";

const key = "ED25519 SHA256:VW8oBPfP8PjMsY3EbXx3d+nX3lsoCGo5P3Vn6IneBQg";
const login = `Connection from 10.99.1.1 port 54040 on 10.99.1.1 port 22 rdomain ""
Accepted key ${key} found at /tmp/farm/authorized_keys:1
Postponed publickey for root from 10.99.1.1 port 54040 ssh2 [preauth]
Accepted key ${key} found at /tmp/farm/authorized_keys:1
Accepted publickey for root from 10.99.1.1 port 54040 ssh2: ${key}
Starting session: forced-command (config) 'cat >/dev/null' for root from 10.99.1.1 port 54040 id 0
Close session: user root from 10.99.1.1 port 54040 id 0
Disconnected from user root 10.99.1.1 port 54040
`;

test("each login counts once in a log that says Accepted three times for it", () => {
  expect(countLogins(`Server listening on 10.99.1.1 port 22.\n${login}${login}`)).toBe(2);
});

test.each([
  ["that nobody has logged in to", "Server listening on 10.99.1.1 port 22.\n"],
  ["where the key was refused", login.replace("Accepted publickey", "Failed publickey")],
  ["where a connection is called so", 'Invalid user "Accepted publickey for x" from 10.99.1.1\n'],
])("a log %s has no login", (_, log) => {
  expect(countLogins(log)).toBe(0);
});

test.each([
  ["dash", "0m0.010000s 0m0.020000s\n1m2.500000s 0m3.250000s\n", 65.75],
  ["bash", "0m0.001s 0m0.002s\n0m1.500s 0m0.250s\n", 1.75],
])(
  "the children's user and system times are those of the second line of %s's times",
  (_, text, sum) => {
    expect(childrenSeconds(text)).toBeCloseTo(sum);
  },
);

test.each(["", "0m1.0s 0m1.0s\n", "killed\nkilled\n"])(
  "times that are none (%j) are refused",
  (text) => {
    expect(() => childrenSeconds(text)).toThrow("no times of children");
  },
);

test("several runs of one kind are one figure, their median; other sizes are figures of their own", () => {
  const figures = summary(sampleFigures().samples);
  expect(figures.map(({ subject, hosts, runs }) => [subject, hosts, runs])).toEqual([
    ["emptyNoop", 0, 1],
    ["cold", 5, 3],
    ["noop", 5, 1],
    ["floor", 50, 1],
    ["cold", 50, 1],
    ["noop", 50, 1],
    ["change", 50, 1],
  ]);
  expect(figures[1]).toMatchObject({ cpuSeconds: 7, stateBytesAHost: 400e3, isCutOff: false });
});

test("a size with another number of virtual servers is another size", () => {
  const figures = summary([sample(), sample({ services: 100, cpuSeconds: 50 })]);
  expect(figures.map(({ cpuSeconds }) => cpuSeconds)).toEqual([5, 50]);
});

test("a run that was cut off is told as one, without CPU seconds that it never had", () => {
  const [header = [], ...body] = rows(summary(sampleFigures().samples));
  const row = body.find((cells) => cells.includes("another scheduler")) ?? [];
  const cell = (title: string) => row[header.indexOf(title)];
  expect([cell("CPU s"), cell("wall s"), cell("state a host")]).toEqual(["?", "> 600", ""]);
});

test("one cut off among several keeps the figure from passing for a whole one", () => {
  const [figure] = summary([sample(), sample({ cpuSeconds: undefined, wallSeconds: 600 })]);
  expect(figure).toMatchObject({ isCutOff: true, cpuSeconds: 5 });
});

describe("the stack of stub hosts", () => {
  const farm = {
    addresses: Array.from({ length: 300 }, (_, i) => `10.99.${1 + (i >> 8)}.${1 + (i % 250)}`),
    hostKey: `ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAI${"A".repeat(43)}`,
  };
  farm.addresses = [...new Set(farm.addresses)];

  test.each([
    [3, 1],
    [20, 100],
    [250, 500],
  ])("of %i hosts and %i virtual servers is right, and so is its change", (hosts, services) => {
    const stack = stackOf({ hosts, services }, farm);
    expect(check(raw(stack)).errors).toEqual([]);
    expect(stack.directors).toHaveLength(2);
    expect(stack.realServers).toHaveLength(hosts - 2);
    expect(stack.virtualServers).toHaveLength(services);
    const before = JSON.stringify(stack);
    change(stack);
    expect(JSON.stringify(stack)).not.toBe(before);
    expect(check(raw(stack)).errors).toEqual([]);
  });

  test("has the config's own rollout unless it is told another", () => {
    expect(stackOf({ hosts: 3, services: 1 }, farm)).not.toHaveProperty("rollout");
    const stack = stackOf({ hosts: 3, services: 1, maxUnavailable: 7 }, farm);
    expect(check(raw(stack)).settings?.rollout.maxUnavailable).toBe(7);
  });

  test("of fewer than two directors and a real server is refused", () => {
    expect(() => stackOf({ hosts: 2, services: 1 }, farm)).toThrow("at least 3 and 1 are needed");
  });
});
