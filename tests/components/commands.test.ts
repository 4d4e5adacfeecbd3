// Everything that whole stacks ask of the engine, compared with reviewed goldens.
// After a deliberate change: UPDATE_GOLDENS=1 npx jest tests/components, then read the diff.
import { createHash } from "node:crypto";
import { join } from "node:path";
import { LvsHaPair } from "../../components";
import { expectGolden } from "../support/golden";
import { insideSecret, register, waitsFor, type Registered } from "../support/mocks";
import { argsOf, smallStack, type Stack } from "../support/stacks";

// The scripts' real texts are tested in tests/scripts. Here, a changed script must not change the
// goldens.
jest.mock("../../components/host/scripts", () => ({
  ...jest.requireActual<object>("../../components/host/scripts"),
  bundle: () => "all host scripts\n",
  script: (file: string) => `${file}\n`,
  scriptTexts: () => ({ "kernel.sh": "kernel.sh\n" }),
  scriptsInTransit: () => "/run/lvs-ha/DIGEST",
  scriptDigest: (file: string) => `DIGEST-OF-${file}`,
}));

const stacks: Record<string, { stack: Stack; secrets: string[] }> = {
  small: { stack: smallStack(), secrets: [] },
  full: {
    stack: fullStack(),
    secrets: [
      "vrrpAuthPass",
      "sshPassword",
      "sshPrivateKey",
      "sshPrivateKeyPassphrase",
      "sshProxyPassword",
      "sshProxyPrivateKey",
    ],
  },
};

test.each(Object.entries(stacks))(
  "what the engine is asked for by a %s stack is as reviewed",
  async (name, { stack, secrets }) => {
    // Each secret's value is its own name; auth_pass is limited to 8 characters.
    const values = Object.fromEntries(
      secrets.map((secret) => [secret, secret === "vrrpAuthPass" ? "authPass" : secret]),
    );
    const seen = await register(() => {
      new LvsHaPair("pair", argsOf(stack, values));
    });
    expectGolden(join(__dirname, "golden", name), describeAll(seen));
  },
);

/** Directors and real servers of every kind, reached in every way. */
function fullStack(): Stack {
  const key = (letter: string) => `ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAI${letter.repeat(43)}`;
  return {
    os: "debian12",
    ssh: {
      user: "admin",
      port: 2200,
      managedKey: true,
      agentSocketPath: "/run/agent.sock",
      dialErrorLimit: 7,
      perDialTimeoutSeconds: 21,
      proxy: { host: "bastion.example.net", hostKey: key("P"), port: 2222, user: "hop" },
    },
    directors: [
      {
        name: "lvs1",
        host: "10.10.0.11",
        hostKey: key("A"),
        os: "debian13",
        user: "deploy",
        port: 2201,
        vrrpAddress: "192.0.2.11/24",
        vrrpAddress6: "2001:db8:1::11/64",
        keepalivedVersion: "1:2.3.3-1",
      },
      {
        name: "lvs2",
        host: "10.10.0.12",
        hostKey: key("B"),
        user: "root",
        vrrpAddress: "192.0.2.12/24",
        vrrpAddress6: "2001:db8:1::12/64",
      },
      {
        name: "lvs3",
        host: "lvs3.example.net",
        hostKey: key("C"),
        vrrpAddress: "192.0.2.13/24",
        vrrpAddress6: "2001:db8:1::13/64",
        syncAddress: "10.10.0.13",
        priority: 145,
      },
    ],
    realServers: [
      {
        name: "web1",
        host: "10.10.0.21",
        hostKey: key("D"),
        os: "debian13",
        user: "deploy",
        port: 2221,
        address: "192.0.2.21",
        address6: "2001:db8:1::21",
      },
      { name: "web2", host: "10.10.0.22", hostKey: key("E"), address: "192.0.2.22" },
      { name: "web3", host: "10.10.0.23", hostKey: key("F"), user: "root", address: "192.0.2.23" },
      { name: "web4", host: "10.10.0.24", hostKey: key("G"), address: "192.0.2.24" },
      { name: "old", address: "192.0.2.40", managed: false },
    ],
    virtualServers: [
      { name: "web", address: "192.0.2.100", port: 80, vrrpInstance: "VI_4" },
      {
        name: "web6",
        address: "2001:db8:1::100",
        port: 443,
        vrrpInstance: "VI_6",
        realServers: ["web1"],
      },
      {
        name: "marked",
        fwmark: 7,
        vrrpInstance: "VI_4",
        traffic: [{ address: "192.0.2.101", ports: [8080] }],
        realServers: [{ name: "web2", forwarding: "TUN" }, "web4"],
      },
    ],
    vrrp: {
      interface: "eth1",
      syncInterface: "eth2",
      instances: [
        { name: "VI_4", virtualRouterId: 51, version: 2, advertIntervalSeconds: 1 },
        {
          name: "VI_6",
          virtualRouterId: 52,
          interface: "eth3",
          directors: { lvs1: { vrrpAddress: "2001:db8:1::91/64" } },
        },
      ],
    },
    kernel: { conntrackMax: 1500000, realServerConntrackMax: 500000 },
    firewall: { backend: "nftables" },
    metrics: { enabled: true, intervalSeconds: 20 },
    rollout: { maxUnavailable: 2, drainSeconds: 90 },
    maintenance: ["lvs2", "web4"],
    packages: ["curl", "tcpdump"],
  };
}

/**
 * First the logins, because many commands share one; then the resources: components in program
 * order, each with its commands in order.
 */
function describeAll(seen: Map<string, Registered>): string {
  const logins = new Map<string, string>();
  const rank = (name: string): number =>
    1 + Math.max(-1, ...(seen.get(name)?.dependencies ?? []).map(rank));
  const family = ({ name, parent }: Registered) =>
    seen.get(name)?.type.startsWith("lvs-ha:") ? name : (parent ?? "");
  const isComponent = ({ type }: Registered) => (type.startsWith("lvs-ha:") ? 0 : 1);
  const resources = [...seen.values()]
    .sort(
      (a, b) =>
        compare(family(a), family(b)) ||
        isComponent(a) - isComponent(b) ||
        rank(a.name) - rank(b.name) ||
        compare(a.name, b.name),
    )
    .map((resource) => describeOne(resource, seen, logins));
  return [
    ...[...logins].sort(([a], [b]) => compare(a, b)).map(([name, login]) => `${name}\n${login}`),
    ...resources,
  ].join("\n");
}

function describeOne(
  { type, name, parent, inputs, dependencies, outputs }: Registered,
  seen: Map<string, Registered>,
  logins: Map<string, string>,
): string {
  // Only the last dependency is listed: it waits for the others itself.
  const last = dependencies.filter(
    (one) => !dependencies.some((other) => other !== one && waitsFor(seen, other, one)),
  );
  return asText([
    `${name} (${type})`,
    ...(parent === undefined ? [] : [`  in ${parent}`]),
    ...last.map((one) => `  after ${one}`),
    ...fields(inputs, "  ", logins),
    ...field("outputs", outputs, "  ", logins),
  ]);
}

function fields(record: object, indent: string, logins: Map<string, string>): string[] {
  return Object.entries(record)
    .filter(([, value]) => value !== undefined)
    .sort(([a], [b]) => compare(a, b))
    .flatMap(([key, value]) => field(key, value, indent, logins));
}

function field(key: string, value: unknown, indent: string, logins: Map<string, string>): string[] {
  const hidden = insideSecret(value);
  if (hidden !== undefined) return field(`${key} (secret)`, hidden, indent, logins);
  if (typeof value === "string") return [`${indent}${key}:${shown(value, indent)}`];
  if (typeof value === "object" && value !== null && !Array.isArray(value)) {
    if ("hostKey" in value) return [`${indent}${key}: ${login(value, logins)}`];
    const inner = fields(value, `${indent}  `, logins);
    return inner.length === 0 ? [] : [`${indent}${key}:`, ...inner];
  }
  return [`${indent}${key}: ${JSON.stringify(value)}`];
}

/** A connection's name. The golden lists the connection's fields once, under this name. */
function login(connection: object, logins: Map<string, string>): string {
  const { user, host, port, privateKey = "agent" } = connection as Record<string, unknown>;
  const name = `login ${String(user)}@${String(host)}:${String(port)} by ${String(privateKey)}`;
  const text = asText(fields(connection, "  ", logins));
  if ((logins.get(name) ?? text) !== text) throw new Error(`two logins are called ${name}`);
  logins.set(name, text);
  return name;
}

/**
 * A short text as it is, a text of a few lines indented, a long text as size and digest: the
 * renderers have goldens of their own.
 */
function shown(text: string, indent: string): string {
  if (!text.includes("\n")) return ` ${text}`;
  const lines = text.replace(/\n$/, "").split("\n");
  if (lines.length <= 6) return lines.map((line) => `\n${indent}  | ${line}`).join("");
  const digest = createHash("sha256").update(text).digest("hex").slice(0, 8);
  return ` ${lines.length} lines, sha256 ${digest}…, the first: ${lines[0]}`;
}

function asText(lines: string[]): string {
  return lines.map((line) => `${line}\n`).join("");
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
