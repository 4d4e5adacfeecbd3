// Bad input is one clear error each; all at once; before any host is touched.
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { parse } from "yaml";
import { check } from "../components/config";
import { schema } from "../components/schema";
import { raw, settingsOf, smallStack, type Stack } from "./support/stacks";

function errorsOf(change: (stack: Stack) => void, secrets: Record<string, string> = {}): string[] {
  const stack = smallStack();
  change(stack);
  return check(raw(stack, secrets)).errors;
}

const bad: [claim: string, change: (stack: Stack) => void, error: RegExp][] = [
  ["an unknown key", (s) => (s.pakages = []), /^pakages: unknown key; did you mean packages\?/],
  [
    "an unknown key inside",
    (s) => (s.virtualServers[0].sheduler = "rr"),
    /^virtualServers\[0\]\.sheduler: unknown key; did you mean scheduler\?/,
  ],
  [
    "a VIP that isn't an address",
    (s) => (s.virtualServers[0].address = "192.0.2.300"),
    /^virtualServers\[0\]\.address: "192\.0\.2\.300" is not an IP address/,
  ],
  [
    "port 0",
    (s) => (s.virtualServers[0].port = 0),
    /^virtualServers\[0\]\.port: 0 is not a port \(1–65535\)$/,
  ],
  [
    "weight -1",
    (s) => (s.realServers[1].weight = -1),
    /^realServers\[1\]\.weight: -1 is not a weight \(0–65535\)$/,
  ],
  [
    "a duplicate name of hosts",
    (s) => (s.realServers[0].name = "lvs1"),
    /^realServers\[0\]\.name: name "lvs1" is taken by directors\[0\]\.name/,
  ],
  [
    "a duplicate name of virtual servers",
    (s) => s.virtualServers.push({ name: "web", address: "192.0.2.101", port: 80 }),
    /^virtualServers\[1\]\.name: name "web" is taken/,
  ],
  [
    "a duplicate VIP, port and protocol",
    (s) => s.virtualServers.push({ name: "again", address: "192.0.2.100", port: 80 }),
    /^virtualServers\[1\]: service "192\.0\.2\.100 80 TCP" is taken by virtualServers\[0\]/,
  ],
  [
    "no real servers",
    (s) => ((s as Record<string, unknown>).realServers = []),
    /^realServers: \[\] has no real server/,
  ],
  [
    "a missing host key",
    (s) => delete s.realServers[0].hostKey,
    /^realServers\[0\]\.hostKey: is missing; it must be the host's public key/,
  ],
  [
    "an RSA host key",
    (s) => (s.directors[0].hostKey = `ssh-rsa ${"A".repeat(372)}`),
    /^directors\[0\]\.hostKey: .* is not a public host key, Ed25519 or ECDSA/,
  ],
  [
    "a director's missing host key",
    (s) => delete s.directors[0].hostKey,
    /^directors\[0\]\.hostKey: is missing; it must be a public host key/,
  ],
  [
    "two directors with one address",
    (s) => (s.directors[1].host = "10.10.0.11"),
    /^directors\[1\]\.host: host "10\.10\.0\.11" is taken by directors\[0\]\.host/,
  ],
  [
    "two directors with one VRRP address",
    (s) => (s.directors[1].vrrpAddress = "192.0.2.11/24"),
    /^directors\[1\]\.vrrpAddress: address "192\.0\.2\.11" is taken/,
  ],
  ["one director", (s) => s.directors.pop(), /^directors: .* has fewer than two directors/],
  [
    "direct routing to another port",
    (s) => (s.virtualServers[0].realServers = [{ name: "web1", port: 8080 }]),
    /^virtualServers\[0\]\.realServers\[0\]\.port: 8080 differs from the virtual server's port 80; DR cannot change ports/,
  ],
  [
    "a VIP outside the directors' network without a prefix",
    (s) => (s.virtualServers[0].address = "198.51.100.7"),
    /^virtualServers\[0\]\.address: "198\.51\.100\.7" is outside the directors' networks .*"198\.51\.100\.7\/32"/,
  ],
  [
    "a VIP that is a host's own address",
    (s) => (s.virtualServers[0].address = "192.0.2.21"),
    /^virtualServers\[0\]\.address: "192\.0\.2\.21" is web1's own address/,
  ],
  [
    "a real server that doesn't exist",
    (s) => (s.virtualServers[0].realServers = ["wbe1"]),
    /^virtualServers\[0\]\.realServers\[0\]\.name: "wbe1" is no real server; did you mean web1\?/,
  ],
  [
    "weights that are all 0",
    (s) => {
      s.realServers.forEach((realServer) => (realServer.weight = 0));
    },
    /^virtualServers\[0\]: every real server of web has weight 0/,
  ],
  [
    "equal priorities",
    (s) => {
      s.directors.forEach((director) => (director.priority = 100));
    },
    /^directors\[1\]\.priority: priority 100 is taken/,
  ],
  [
    "a fraction of a second in VRRP version 2",
    (s) => (s.vrrp = { version: 2, advertIntervalSeconds: 0.5 }),
    /^vrrp\.advertIntervalSeconds: 0\.5 is not whole; VRRP version 2/,
  ],
  [
    "a TCP check of a UDP service",
    (s) => Object.assign(s.virtualServers[0], { protocol: "UDP", checks: [{ type: "tcp" }] }),
    /^virtualServers\[0\]\.checks\[0\]\.type: "tcp" of a UDP service/,
  ],
  [
    "a password in plain text",
    (s) => (s.sshPassword = "hunter2"),
    /^sshPassword: is in plain text; set it with: pulumi config set --secret lvs-ha:sshPassword$/,
  ],
  [
    "a value with a newline and braces",
    (s) => (s.vrrp = { interface: "eth1 {\n}" }),
    /^vrrp\.interface: .* is not a network interface's name/,
  ],
];

test.each(bad)("%s is one error that names key, value and what is allowed", (_, change, error) => {
  const errors = errorsOf(change);
  expect(errors).toEqual([expect.stringMatching(error)]);
});

test("an auth_pass of 9 characters is refused without being shown", () => {
  const errors = errorsOf((stack) => (stack.vrrp = { version: 2, advertIntervalSeconds: 1 }), {
    vrrpAuthPass: "123456789",
  });
  expect(errors).toEqual([
    expect.stringMatching(/^vrrpAuthPass: \(secret, not shown\) is longer than the 8 characters/),
  ]);
  expect(errors.join()).not.toContain("123456789");
});

test("an auth_pass with VRRP version 3 is refused", () => {
  expect(errorsOf(() => undefined, { vrrpAuthPass: "secret" })).toEqual([
    expect.stringMatching(/^vrrpAuthPass: version 3 has no authentication/),
  ]);
});

test("a key that decides the stack's shape may not be secret: its text could not be reviewed", () => {
  const { directors, ...others } = smallStack();
  const { errors } = check(raw(others, { directors: JSON.stringify(directors) }));
  expect(errors).toEqual([
    expect.stringMatching(/^directors: is secret, but it decides the stack's shape/),
  ]);
});

test("all errors come at once, across keys", () => {
  const errors = errorsOf((stack) => {
    stack.virtualServers[0].port = 0;
    stack.realServers[0].name = "lvs1";
    stack.typo = 1;
  });
  expect(errors).toHaveLength(3);
});

test("persistence 0 means none, and the cookbook's defaults are the defaults", () => {
  const settings = settingsOf(smallStack());
  expect(settings.virtualServers[0]).toMatchObject({
    persistenceTimeoutSeconds: 0,
    scheduler: "rr",
  });
  expect(settings.vrrp).toMatchObject({
    interface: "eth1",
    syncInterface: "eth0",
    virtualRouterId: 51,
  });
  expect(settings.kernel.conntrackMax).toBe(2000000);
});

test("Pulumi.yaml declares exactly the schema's keys, with its types and defaults", () => {
  const { config } = parse(readFileSync(join(__dirname, "../Pulumi.yaml"), "utf8")) as {
    config: Record<string, { type: string; default?: unknown; description: string }>;
  };
  const declared = Object.fromEntries(
    Object.entries(config).map(([key, { default: value }]) => [key, value]),
  );
  const wanted = Object.fromEntries(
    Object.entries(schema).map(([key, type]) => {
      const result = type.safeParse(undefined);
      const value: unknown = result.success ? result.data : undefined;
      // An object's defaults are those of its fields; the engine is told that none need be given.
      const isObject = typeof value === "object" && value !== null && !Array.isArray(value);
      return [`lvs-ha:${key}`, isObject ? {} : value];
    }),
  );
  expect(declared).toEqual(wanted);
});

test("the dev stack is valid", () => {
  const { config } = parse(readFileSync(join(__dirname, "../Pulumi.dev.yaml"), "utf8")) as {
    config: Record<string, unknown>;
  };
  const plain = Object.fromEntries(
    Object.entries(config).map(([key, value]) => [key.replace("lvs-ha:", ""), value]),
  );
  expect(check(raw(plain)).errors).toEqual([]);
});
