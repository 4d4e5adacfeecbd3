// What the components ask of the engine: which commands, which waits for which, what is secret. All of it, for whole stacks: commands.test.ts.
import { LvsHaPair } from "../../components";
import { withEnd } from "../../components/render/files";
import { renderDirectorConfig } from "../../components/render/director";
import { insideSecret, register, waitsFor, type Registered } from "../support/mocks";
import { argsOf, settingsOf, smallStack, type Stack } from "../support/stacks";

// A new version of the host scripts is a single word here.
const mockScripts = { changed: "" };
jest.mock("../../components/host/scripts", () => ({
  ...jest.requireActual<object>("../../components/host/scripts"),
  bundle: () => "all host scripts\n",
  scriptsInTransit: () => "/run/lvs-ha/DIGEST",
  scriptDigest: (file: string) => (file === mockScripts.changed ? "OTHER" : "DIGEST"),
}));
beforeEach(() => {
  mockScripts.changed = "";
});

async function pair(
  stack: Record<string, unknown> = smallStack(),
  secrets: Record<string, string> = {},
  prints?: (name: string) => string,
): Promise<{
  seen: Map<string, Registered>;
  get: (name: string) => Registered;
  /** Whether the first resource waits for the second, directly or through others. */
  waits: (name: string, other: string) => boolean;
  /** Names of the commands, of all kinds, that match a pattern. */
  commands: (pattern: RegExp) => string[];
}> {
  const key = JSON.stringify([stack, secrets, mockScripts.changed, prints?.toString()]);
  const seen = registered.get(key) ?? (await registerPair(stack, secrets, prints));
  registered.set(key, seen);
  const get = (name: string) => {
    const found = seen.get(name);
    if (!found) throw new Error(`no ${name} among ${[...seen.keys()].join(", ")}`);
    return found;
  };
  return {
    seen,
    get,
    waits: (name, other) => waitsFor(seen, get(name).name, get(other).name),
    commands: (pattern) => {
      const found = [...seen.values()]
        .filter(({ type, name }) => type.startsWith("command:") && pattern.test(name))
        .map(({ name }) => name);
      if (found.length === 0) throw new Error(`no command fits ${String(pattern)}`);
      return found;
    },
  };
}

// Most tests use the same stack.
const registered = new Map<string, Map<string, Registered>>();

function registerPair(
  stack: Record<string, unknown>,
  secrets: Record<string, string>,
  prints?: (name: string) => string,
): Promise<Map<string, Registered>> {
  return register(() => {
    new LvsHaPair("p", argsOf(stack, secrets));
  }, prints);
}

const text = (value: unknown): string =>
  typeof value === "string" ? value : JSON.stringify(value);

test("a director takes five commands, a real server two, and nothing else is registered", async () => {
  const { seen } = await pair();
  expect([...seen.keys()].sort()).toEqual(
    [
      "p",
      "p-ssh",
      "p-scripts",
      "p-deletion-protection",
      ...["lvs1", "lvs2"].flatMap((name) => [
        `p-${name}`,
        ...["prepare", "withdraw", "system", "keepalived", "join"].map(
          (step) => `p-${name}-${step}`,
        ),
      ]),
      ...["web1", "web2"].flatMap((name) => [
        `p-${name}`,
        ...["prepare", "system"].map((step) => `p-${name}-${step}`),
      ]),
    ].sort(),
  );
});

test("a director's preflight asks for the real servers whose segment the config doesn't tell, and for no others", async () => {
  const stack = smallStack();
  stack.realServers[0].address = "10.10.0.21";
  stack.realServers.push(
    { name: "nat", managed: false, address: "10.10.0.30" },
    { name: "sorry", managed: false, address: "10.10.0.31" },
  );
  stack.virtualServers = [
    { name: "web", address: "192.0.2.100", port: 80, realServers: ["web1", "web2"] },
    {
      name: "nat",
      address: "192.0.2.100",
      port: 81,
      forwarding: "NAT",
      realServers: ["nat"],
      sorryServer: { address: "10.10.0.31", port: 81, forwarding: "DR" },
    },
  ];
  const asked = async (of: Stack) =>
    text((await pair(of)).get("p-lvs1-prepare").inputs.create).split(" nmon'")[1];
  expect(await asked(stack)).toBe(" '10.10.0.21 10.10.0.31'");
  expect(await asked(smallStack())).toBe("");
});

describe("a director's preflight asks for its addresses on the interfaces that instances have them on", () => {
  const asked = async (change: (stack: Stack) => unknown) => {
    const stack = smallStack();
    stack.directors[0].vrrpAddress6 = "2001:db8::11/64";
    stack.directors[1].vrrpAddress6 = "2001:db8::12/64";
    change(stack);
    const { get } = await pair(stack);
    return / '([^']*eth[^']*)' /.exec(text(get("p-lvs1-prepare").inputs.create))?.[1];
  };
  const v4 = { name: "VI_1", virtualRouterId: 51 };
  const v6 = {
    name: "V6",
    virtualRouterId: 52,
    virtualAddresses: [{ address: "2001:db8::100" }],
  };

  test.each<[claim: string, vrrp: Record<string, unknown>, asked: string]>([
    [
      "of IPv4 and IPv6 on an interface of their own, and not on vrrp's",
      { instances: [v4, v6].map((each) => ({ ...each, interface: "eth2" })) },
      "eth2=192.0.2.11/24 eth2=2001:db8::11/64 eth0",
    ],
    [
      "of each family on another interface",
      {
        instances: [
          { ...v4, interface: "eth2" },
          { ...v6, interface: "eth3" },
        ],
      },
      "eth2=192.0.2.11/24 eth3=2001:db8::11/64 eth0",
    ],
    [
      "of both families in one instance",
      {
        instances: [{ ...v4, interface: "eth2", virtualAddresses: v6.virtualAddresses }],
      },
      "eth2=192.0.2.11/24 eth2=2001:db8::11/64 eth0",
    ],
    [
      "of IPv4 only, beside which the IPv6 address is",
      {
        instances: [
          {
            name: "V2",
            virtualRouterId: 52,
            interface: "eth3",
            virtualAddresses: [{ address: "198.51.100.100" }],
            directors: {
              lvs1: { vrrpAddress: "198.51.100.11/24" },
              lvs2: { vrrpAddress: "198.51.100.12/24" },
            },
          },
          { ...v4, interface: "eth2" },
        ],
      },
      "eth3=198.51.100.11/24 eth2=192.0.2.11/24 eth2=2001:db8::11/64 eth0",
    ],
    ["by default", {}, "eth1=192.0.2.11/24 eth1=2001:db8::11/64 eth0"],
    [
      "and for every other interface that its config names, but for those that keepalived makes",
      {
        interface: "eth1",
        vmac: {},
        trackInterfaces: [{ name: "eth7" }],
        virtualAddresses: [{ address: "192.0.2.105", interface: "eth6" }],
        virtualRoutes: [
          { to: "203.0.113.0/24", via: "192.0.2.1", device: "eth5" },
          { to: "198.51.100.0/24", via: "192.0.2.1", device: "vrrp.51" },
        ],
      },
      "eth1=192.0.2.11/24 eth1=2001:db8::11/64 eth0 eth5 eth6 eth7 eth8",
    ],
  ])("%s", async (_, vrrp, wanted) => {
    expect(
      await asked((stack) => {
        stack.vrrp = vrrp;
        if (vrrp.instances) stack.virtualServers[0].vrrpInstance = "VI_1";
        if (vrrp.trackInterfaces) {
          stack.virtualServers[0].checks = [{ type: "tcp", bindInterface: "eth8" }];
        }
      }),
    ).toBe(wanted);
  });

  test("without connections to tell, no sync interface is asked for", async () => {
    expect(await asked((stack) => (stack.vrrp = { connectionSync: false }))).toBe(
      "eth1=192.0.2.11/24 eth1=2001:db8::11/64",
    );
  });
});

test("the components carry the type tokens that state is keyed by", async () => {
  const { get } = await pair();
  expect(["p", "p-ssh", "p-scripts", "p-lvs1", "p-web1"].map((name) => get(name).type)).toEqual([
    "lvs-ha:index:LvsHaPair",
    "lvs-ha:index:SshAccess",
    "lvs-ha:index:HostScripts",
    "lvs-ha:index:LvsNode",
    "lvs-ha:index:RealServer",
  ]);
});

test("a host's steps run one after the other", async () => {
  const stack = smallStack();
  for (const director of stack.directors) director.keepalivedVersion = "1:2.3.3-1";
  const { waits } = await pair(
    {
      ...stack,
      vrrp: { version: 2, advertIntervalSeconds: 1 },
      metrics: { enabled: true },
      ssh: { managedKey: true },
    },
    { vrrpAuthPass: "canary01" },
  );
  for (const host of ["lvs1", "lvs2", "web1", "web2"]) {
    const steps = host.startsWith("lvs")
      ? ["system", "secrets", "version", "keepalived", "metrics"]
      : ["system", "metrics"];
    const order = [
      `p-ssh-${host}-authorize`,
      ...["prepare", ...steps].map((s) => `p-${host}-${s}`),
    ];
    order.slice(1).forEach((step, i) => {
      expect([step, order[i], waits(step, order[i] ?? "")]).toEqual([step, order[i], true]);
    });
  }
});

test("every real server serves before any director sends to it", async () => {
  const { waits, commands } = await pair();
  for (const director of commands(/^p-lvs\d-(system|keepalived)$/)) {
    for (const realServer of commands(/^p-web\d-system$/)) {
      expect([director, realServer, waits(director, realServer)]).toEqual([
        director,
        realServer,
        true,
      ]);
    }
  }
});

test("directors change one at a time, the least preferred first", async () => {
  const stack = smallStack();
  stack.directors.push({
    ...stack.directors[0],
    name: "lvs3",
    host: "10.10.0.13",
    vrrpAddress: "192.0.2.13/24",
    priority: 145,
  });
  const { waits } = await pair(stack);
  expect(waits("p-lvs3-system", "p-lvs2-keepalived")).toBe(true);
  expect(waits("p-lvs1-system", "p-lvs3-keepalived")).toBe(true);
});

test("real servers are set up at once, and wait for no director", async () => {
  const { waits, commands } = await pair();
  for (const name of commands(/^p-web\d-/)) {
    for (const other of commands(/^p-(lvs\d|web\d)-/)) {
      const own = name.slice(0, 6) === other.slice(0, 6);
      if (!own) expect([name, other, waits(name, other)]).toEqual([name, other, false]);
    }
  }
});

test("a real server's change waits for the logins to the directors that drain it, and for no login of one in maintenance", async () => {
  const { waits } = await pair({
    ...smallStack(),
    ssh: { managedKey: true },
    maintenance: ["lvs2"],
  });
  expect(waits("p-web1-system", "p-ssh-lvs1-authorize")).toBe(true);
  expect(waits("p-web1-system", "p-ssh-lvs2-authorize")).toBe(false);
});

test("no host is changed before the logins work by which directors are asked what they have", async () => {
  const { waits, commands } = await pair({
    ...smallStack(),
    ssh: { managedKey: true },
    maintenance: ["lvs2"],
  });
  for (const name of commands(/-prepare$/)) {
    expect([name, waits(name, "p-ssh-lvs1-authorize")]).toEqual([name, true]);
    const isOwn = name === "p-lvs2-prepare";
    expect([name, waits(name, "p-ssh-lvs2-authorize")]).toEqual([name, isOwn]);
  }
});

describe("deletion protection", () => {
  const protection = "p-deletion-protection";
  const everything: Record<string, unknown> = {
    ...smallStack(),
    directors: smallStack().directors.map((one) => ({ ...one, keepalivedVersion: "1:2.3.3-1" })),
    vrrp: { version: 2, advertIntervalSeconds: 1 },
    metrics: { enabled: true },
    ssh: { managedKey: true },
  };

  test.each<[claim: string, maintenance: string[]]>([
    ["with every kind of step", []],
    ["with hosts in maintenance", ["lvs1", "web1"]],
  ])("is undone before any other command of a stack %s", async (_, maintenance) => {
    const stack = { ...everything, maintenance };
    const { waits, commands } = await pair(stack, { vrrpAuthPass: "canary01" });
    const others = commands(/./).filter((name) => name !== protection);
    expect(others.length).toBeGreaterThan(20);
    expect(others.filter((name) => !waits(protection, name))).toEqual([]);
  });

  const commandOf = async (change: (stack: Stack) => unknown = () => undefined) => {
    const stack = smallStack();
    change(stack);
    const { inputs } = (await pair(stack)).get(protection);
    const { host } = insideSecret(inputs.connection) as { host: string };
    return { ...inputs, delete: text(inputs.delete), connection: host };
  };

  test("is what the config says at the last up, in the text that undoes it, and on by default", async () => {
    const on = await commandOf();
    expect(on).toMatchObject({
      connection: "10.10.0.11",
      create: "/usr/local/lib/lvs-ha/protect.sh claim lvs-ha/test/p",
      delete: "/usr/local/lib/lvs-ha/protect.sh release lvs-ha/test/p on lvs1",
    });
    const off = await commandOf((stack) => (stack.deletionProtection = false));
    expect(off).toEqual({ ...on, delete: on.delete.replace(" on ", " off ") });
  });

  test("moves to another director with the preferred one's maintenance, and no change replaces it", async () => {
    const moved = await commandOf((stack) => (stack.maintenance = ["lvs1"]));
    expect(moved.connection).toBe("10.10.0.12");
    // Replacing a command would undo it.
    expect(moved).not.toHaveProperty("triggers");
  });
});

test("a preview shows the texts of the host scripts once", async () => {
  const { get } = await pair();
  expect(Object.keys(get("p-scripts").inputs.files as object)).toContain("kernel.sh");
});

test("a director in maintenance is told to stop, a real server in maintenance weighs nothing", async () => {
  const { get } = await pair({ ...smallStack(), maintenance: ["lvs1", "web1"] });
  expect(get("p-lvs1-keepalived").inputs.create).toMatch(/keepalived\.sh apply \S+ stopped #/);
  expect(get("p-lvs2-keepalived").inputs.create).not.toContain("stopped");
  expect(get("p-lvs2-keepalived").inputs.stdin).toMatch(/# web1\n.*\n +weight 0\n/);
});

test("no other host waits for one in maintenance, which may be off", async () => {
  const { waits, commands } = await pair({ ...smallStack(), maintenance: ["lvs2", "web1"] });
  const resting = commands(/^p-(lvs2|web1)-/);
  const others = commands(/^p-(lvs1|web2)-/);
  for (const name of others) {
    for (const other of resting) {
      expect([name, other, waits(name, other)]).toEqual([name, other, false]);
    }
  }
});

test("packages are fetched on all hosts at once", async () => {
  const { get, commands } = await pair();
  for (const name of commands(/-prepare$/)) expect(get(name).dependencies).toEqual([]);
});

test("keepalived.conf travels as plain stdin, so that a preview shows its changed lines", async () => {
  const { get } = await pair();
  const settings = settingsOf(smallStack());
  const [director] = settings.directors;
  if (!director) throw new Error("no director");
  expect(get("p-lvs1-keepalived").inputs.stdin).toBe(
    withEnd(renderDirectorConfig(settings, director, false)),
  );
});

test("a real server's weight reaches the directors' keepalived.conf, and has them asked who is active", async () => {
  const stack = smallStack();
  stack.virtualServers[0].scheduler = "wrr";
  const before = await pair(stack);
  stack.realServers[0].weight = 5;
  const after = await pair(stack);
  const changed = [...before.seen.keys()].filter(
    (name) => text(before.get(name).inputs) !== text(after.get(name).inputs),
  );
  expect(changed.filter((name) => after.get(name).type.startsWith("command:")).sort()).toEqual([
    "p-lvs1-join",
    "p-lvs1-keepalived",
    "p-lvs2-join",
    "p-lvs2-keepalived",
  ]);
});

test("every command pins the host key and tells the provider not to feed output back", async () => {
  const { seen } = await pair();
  const commands = [...seen.values()].filter(({ type }) => type.startsWith("command:"));
  expect(commands).toHaveLength(15);
  for (const { inputs } of commands) {
    const connection = insideSecret(inputs.connection) as Record<string, unknown>;
    expect(connection.hostKey).toMatch(/^ssh-ed25519 AAAA/);
    expect(inputs).toMatchObject({ addPreviousOutputInEnv: false, logging: "stderr" });
  }
});

test("commands are short, fixed lines: their data is on stdin", async () => {
  const { seen } = await pair();
  for (const { type, name, inputs } of seen.values()) {
    if (!type.startsWith("command:")) continue;
    expect(text(inputs.create).length).toBeLessThan(name.endsWith("-prepare") ? 250 : 150);
    expect(text(inputs.create)).not.toContain("\n");
  }
});

test("a login other than root goes through sudo, which must not ask", async () => {
  const stack = smallStack();
  stack.realServers[0].user = "ops";
  const { get } = await pair(stack);
  for (const step of ["prepare", "system"]) {
    expect(get(`p-web1-${step}`).inputs.create).toMatch(/^sudo -n /);
    expect(get(`p-web1-${step}`).inputs.delete).toMatch(/^sudo -n /);
    expect(get(`p-web2-${step}`).inputs.create).not.toMatch(/sudo/);
  }
});

test("secrets are secret inputs of their own, and in no other input", async () => {
  const { seen, get } = await pair(
    { ...smallStack(), vrrp: { version: 2, advertIntervalSeconds: 1 } },
    { vrrpAuthPass: "canary01", sshPassword: "canary02" },
  );
  expect(insideSecret(get("p-lvs1-secrets").inputs.stdin)).toBe(withEnd("auth_pass canary01\n"));
  for (const { name, inputs } of seen.values()) {
    const plain = Object.entries(inputs).filter(([, value]) => insideSecret(value) === undefined);
    expect([name, JSON.stringify(plain)]).not.toEqual([name, expect.stringContaining("canary")]);
  }
});

test("a bastion without secrets of its own is logged in to as the hosts are", async () => {
  const { get } = await pair(
    {
      ...smallStack(),
      ssh: { proxy: { host: "10.10.0.1", hostKey: smallStack().directors[1].hostKey } },
    },
    { sshPassword: "canary01", sshPrivateKey: "canary02" },
  );
  expect(insideSecret(get("p-lvs1-prepare").inputs.connection)).toMatchObject({
    password: "canary01",
    privateKey: "canary02",
    proxy: { host: "10.10.0.1", port: 22, password: "canary01", privateKey: "canary02" },
  });
});

test("with a managed key the first login only installs it; every later command logs in with it", async () => {
  const { seen, get, waits } = await pair(
    { ...smallStack(), ssh: { managedKey: true } },
    { sshPassword: "first" },
  );
  for (const { name, type, inputs } of seen.values()) {
    if (!type.startsWith("command:")) continue;
    const { password, privateKey } = insideSecret(inputs.connection) as Record<string, unknown>;
    const own = name.endsWith("-authorize");
    expect([
      name,
      insideSecret(password) ?? password,
      insideSecret(privateKey) ?? privateKey,
    ]).toEqual(own ? [name, "first", undefined] : [name, undefined, "PRIVATE"]);
  }
  const authorize = get("p-ssh-web1-authorize");
  expect(authorize.inputs.create).toBe(
    "sh -s -- add 'ssh-ed25519 AAAAdeploy lvs-ha:test:p-ssh-web1/10.10.0.21'",
  );
  expect(authorize.inputs.delete).toBe(
    "sh -s -- remove 'ssh-ed25519 AAAAdeploy lvs-ha:test:p-ssh-web1/10.10.0.21'",
  );
  expect(waits("p-web1-prepare", "p-ssh-web1-authorize")).toBe(true);
});

test("a real server that is not managed is forwarded to, but never logged in to", async () => {
  const stack = smallStack();
  stack.realServers.push({ name: "old", address: "192.0.2.40", managed: false });
  const { seen, get } = await pair(stack);
  expect([...seen.keys()].filter((name) => name.includes("old"))).toEqual([]);
  expect(get("p-lvs1-keepalived").inputs.stdin).toContain("real_server 192.0.2.40 80");
});

test("a host that moved is a replacement: made on the new one, undone on the old", async () => {
  const { get } = await pair();
  expect(get("p-web1-system").inputs.triggers).toEqual(["10.10.0.21"]);
  expect(get("p-web1-system").inputs.delete).toBe(
    "/usr/local/lib/lvs-ha/system.sh undo p-web1-system/10.10.0.21",
  );
});
