// What the components ask of the engine: which commands, in which order, what is secret.
import * as pulumi from "@pulumi/pulumi";
import { LvsHaPair } from "../../components";
import { renderDirectorConfig } from "../../components/render/keepalived";
import { insideSecret, register, type Registered } from "../support/mocks";
import { settingsOf, smallStack } from "../support/stacks";

async function pair(
  stack: Record<string, unknown> = smallStack(),
  secrets: Record<string, string> = {},
  prints?: (name: string) => string,
): Promise<{ seen: Map<string, Registered>; get: (name: string) => Registered }> {
  const settings = settingsOf(stack, secrets);
  const seen = await register(() => {
    new LvsHaPair("p", {
      settings,
      secrets: Object.fromEntries(
        Object.entries(secrets).map(([name, value]) => [name, pulumi.secret(value)]),
      ),
    });
  }, prints);
  return {
    seen,
    get: (name) => {
      const found = seen.get(name);
      if (!found) throw new Error(`no ${name} among ${[...seen.keys()].join(", ")}`);
      return found;
    },
  };
}

const text = (value: unknown): string =>
  typeof value === "string" ? value : JSON.stringify(value);

test("a director takes four commands, a real server four and two on each director, and nothing else is registered", async () => {
  const { seen } = await pair();
  expect([...seen.keys()].sort()).toEqual(
    [
      "p",
      "p-ssh",
      ...["lvs1", "lvs2"].flatMap((name) => [
        `p-${name}`,
        ...["prepare", "kernel", "firewall", "keepalived"].map((step) => `p-${name}-${step}`),
      ]),
      ...["web1", "web2"].flatMap((name) => [
        `p-${name}`,
        ...["prepare", "kernel", "firewall", "vip"].map((step) => `p-${name}-${step}`),
        ...["lvs1", "lvs2"].flatMap((director) => [
          `p-${name}-drain-${director}`,
          `p-${name}-restore-${director}`,
        ]),
      ]),
    ].sort(),
  );
});

test("the components carry the type tokens that state is keyed by", async () => {
  const { get } = await pair();
  expect(["p", "p-ssh", "p-lvs1", "p-web1"].map((name) => get(name).type)).toEqual([
    "lvs-ha:index:LvsHaPair",
    "lvs-ha:index:SshAccess",
    "lvs-ha:index:LvsNode",
    "lvs-ha:index:RealServer",
  ]);
});

test("a host's steps run one after the other", async () => {
  const { get } = await pair();
  for (const [host, steps] of [
    ["p-lvs1", ["prepare", "kernel", "firewall", "keepalived"]],
    ["p-web1", ["prepare", "kernel", "firewall", "vip"]],
  ] as const) {
    const commands = steps.map((step) => get(`${host}-${step}`));
    commands.slice(1).forEach((command, i) => {
      expect(command.asked).toBeGreaterThan(commands[i]?.answered ?? Infinity);
    });
  }
});

test("every real server has its virtual addresses before any director sends to it", async () => {
  const { get } = await pair();
  for (const director of ["p-lvs1", "p-lvs2"]) {
    for (const realServer of ["p-web1", "p-web2"]) {
      expect(get(`${director}-kernel`).asked).toBeGreaterThan(get(`${realServer}-vip`).answered);
    }
  }
});

test("the standby is changed first; the preferred director waits for it", async () => {
  const { get } = await pair();
  expect(get("p-lvs1-kernel").asked).toBeGreaterThan(get("p-lvs2-keepalived").answered);
});

test("a real server is drained on every director before it is changed, and the next one waits until it serves again", async () => {
  const { get } = await pair();
  for (const director of ["lvs1", "lvs2"]) {
    expect(get("p-web1-kernel").asked).toBeGreaterThan(get(`p-web1-drain-${director}`).answered);
    expect(get(`p-web1-restore-${director}`).asked).toBeGreaterThan(get("p-web1-vip").answered);
    expect(get(`p-web2-drain-lvs1`).asked).toBeGreaterThan(
      get(`p-web1-restore-${director}`).answered,
    );
  }
});

test("with rollout.maxUnavailable 2 two real servers are changed at once", async () => {
  const { get } = await pair({ ...smallStack(), rollout: { maxUnavailable: 2 } });
  expect(get("p-web2-drain-lvs1").asked).toBeLessThan(get("p-web1-restore-lvs1").answered);
});

test("only a real server that is changed is drained", async () => {
  const before = await pair();
  const after = await pair({
    ...smallStack(),
    kernel: { directorSysctls: { "vm.swappiness": 1 } },
  });
  const drains = [...before.seen.keys()].filter((name) => name.includes("-drain-"));
  expect(drains).toHaveLength(4);
  for (const name of drains) {
    expect(after.get(name).inputs.create).toBe(before.get(name).inputs.create);
  }
  const changed = await pair({
    ...smallStack(),
    kernel: { realServerSysctls: { "vm.swappiness": 1 } },
  });
  for (const name of drains) {
    expect(changed.get(name).inputs.create).not.toBe(before.get(name).inputs.create);
  }
});

test("whoever was drained is put back, though the change was taken back meanwhile", async () => {
  const before = await pair();
  const after = await pair(smallStack(), {}, (name) =>
    name === "p-web1-drain-lvs1" ? "another word; rm -rf /\nid" : `stdout of ${name}`,
  );
  const changed = [...before.seen.keys()].filter(
    (name) => text(before.get(name).inputs) !== text(after.get(name).inputs),
  );
  expect(changed).toEqual(["p-web1-restore-lvs1"]);
  expect(after.get("p-web1-restore-lvs1").inputs.create).toMatch(
    /^\/usr\/local\/lib\/lvs-ha\/drain\.sh restore 192\.0\.2\.21 # for [0-9a-f]{8}$/,
  );
});

test("a director in maintenance is told to stop, a real server in maintenance weighs nothing", async () => {
  const { get } = await pair({ ...smallStack(), maintenance: ["lvs1", "web1"] });
  expect(get("p-lvs1-keepalived").inputs.create).toMatch(/keepalived\.sh apply \S+ stopped #/);
  expect(get("p-lvs2-keepalived").inputs.create).not.toContain("stopped");
  expect(get("p-lvs2-keepalived").inputs.stdin).toMatch(/# web1\n.*\n +weight 0\n/);
});

test("nobody waits for a host in maintenance", async () => {
  const { get, seen } = await pair({ ...smallStack(), maintenance: ["lvs2", "web1"] });
  const started = get("p-web1-kernel").answered;
  expect(get("p-web2-kernel").asked).toBeLessThan(started);
  expect([...seen.keys()]).not.toContain("p-web2-drain-lvs2");
  expect([...seen.keys()]).toContain("p-web2-drain-lvs1");
  expect(get("p-lvs1-kernel").asked).toBeLessThan(get("p-lvs2-keepalived").asked);
});

test("packages are fetched on all hosts at once", async () => {
  const { get } = await pair();
  expect(get("p-lvs1-prepare").asked).toBeLessThan(get("p-web2-prepare").answered);
  expect(get("p-web2-prepare").asked).toBeLessThan(get("p-lvs1-prepare").answered);
});

test("keepalived.conf travels as plain stdin, so that a preview shows its changed lines", async () => {
  const { get } = await pair();
  const settings = settingsOf(smallStack());
  const [director] = settings.directors;
  if (!director) throw new Error("no director");
  expect(get("p-lvs1-keepalived").inputs.stdin).toBe(
    renderDirectorConfig(settings, director, false),
  );
});

test("a real server's weight reaches the directors' keepalived.conf and nothing else", async () => {
  const before = await pair();
  const stack = smallStack();
  stack.realServers[0].weight = 5;
  const after = await pair(stack);
  const changed = [...before.seen.keys()].filter(
    (name) => text(before.get(name).inputs) !== text(after.get(name).inputs),
  );
  expect(changed.filter((name) => after.get(name).type.startsWith("command:")).sort()).toEqual([
    "p-lvs1-keepalived",
    "p-lvs2-keepalived",
  ]);
});

test("every command pins the host key and tells the provider not to feed output back", async () => {
  const { seen } = await pair();
  const commands = [...seen.values()].filter(({ type }) => type.startsWith("command:"));
  expect(commands).toHaveLength(24);
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
    expect(text(inputs.create).length).toBeLessThan(name.endsWith("-prepare") ? 200 : 150);
    expect(text(inputs.create)).not.toContain("\n");
  }
});

test("a login other than root goes through sudo, which must not ask", async () => {
  const stack = smallStack();
  stack.realServers[0].user = "ops";
  const { get } = await pair(stack);
  for (const step of ["prepare", "kernel", "firewall", "vip"]) {
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
  expect(insideSecret(get("p-lvs1-secrets").inputs.stdin)).toBe("auth_pass canary01\n");
  for (const { name, inputs } of seen.values()) {
    const plain = Object.entries(inputs).filter(([, value]) => insideSecret(value) === undefined);
    expect([name, JSON.stringify(plain)]).not.toEqual([name, expect.stringContaining("canary")]);
  }
});

test("with a managed key the first login only installs it; every later command logs in with it", async () => {
  const { seen, get } = await pair(
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
  expect(get("p-web1-prepare").asked).toBeGreaterThan(authorize.answered);
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
  expect(get("p-web1-vip").inputs.triggers).toEqual(["10.10.0.21"]);
  expect(get("p-web1-vip").inputs.delete).toBe(
    "/usr/local/lib/lvs-ha/vip.sh undo p-web1/10.10.0.21",
  );
});
