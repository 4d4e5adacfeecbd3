// The stack's state, as pulumi exported it on the lab.
import { sample, sampleStack } from "./sampleHosts";
import { LvsNode, RealServer } from "../../components";
import { stackOf } from "../../ops/stack";
import { exportedStateOf } from "../support/exportedState";
import { argsOf, smallStack } from "../support/stacks";

interface State {
  deployment: { resources: { urn: string; delete?: boolean; inputs?: Record<string, unknown> }[] };
}

test("hosts are found by their names in the config, directors first", () => {
  const { name, hosts } = sampleStack();
  expect(name).toBe("dev");
  expect(hosts.map((host) => [host.name, host.role])).toEqual([
    ["lvs1", "director"],
    ["lvs2", "director"],
    ["web1", "real server"],
    ["web2", "real server"],
    ["web3", "real server"],
  ]);
});

test("each is logged in to as the last pulumi up did, its host key pinned", () => {
  const web3 = sampleStack().hosts.find(({ name }) => name === "web3");
  expect(web3?.connection).toMatchObject({
    host: "10.10.0.23",
    port: 22,
    user: "ops",
    privateKey: "PRIVATE",
  });
  expect(web3?.connection.hostKey).toMatch(/^ssh-ed25519 AAAA/);
});

test("hosts of components that stand by themselves are found by the components' names, with their own logins", async () => {
  const args = argsOf({ ...smallStack(), ssh: { managedKey: true } });
  const { hosts } = stackOf(
    await exportedStateOf(() => {
      new LvsNode("lvs2", { ...args, director: "lvs2" });
      new RealServer("web1", { ...args, realServer: "web1" });
    }),
  );
  expect(
    hosts.map(({ name, role, connection, steps }) => [name, role, connection.host, steps[0]?.name]),
  ).toEqual([
    ["lvs2", "director", "10.10.0.12", "lvs2-ssh-lvs2-authorize"],
    ["web1", "real server", "10.10.0.21", "web1-ssh-web1-authorize"],
  ]);
  expect(hosts[0]?.director.services[0]?.name).toBe("web");
});

test("what was done on a host is known step by step: script, arguments, text", () => {
  const { hosts } = sampleStack();
  expect(hosts[0]?.steps.map(({ name, script, args }) => [name, script, args.slice(0, 3)])).toEqual(
    [
      [
        "pair-ssh-lvs1-authorize",
        "authorize.sh",
        ["add", expect.stringMatching(/^ssh-ed25519 \S+ lvs-ha:dev:pair-ssh-lvs1\/10\.10\.0\.11$/)],
      ],
      ["pair-lvs1-prepare", "install.sh", ["apply", "pair-lvs1/10.10.0.11", "director"]],
      ["pair-lvs1-system", "kernel.sh", ["apply", "pair-lvs1-system/10.10.0.11"]],
      ["pair-lvs1-system", "firewall.sh", ["apply", "pair-lvs1-system/10.10.0.11", "ufw"]],
      ["pair-lvs1-keepalived", "keepalived.sh", ["apply", "pair-lvs1/10.10.0.11"]],
    ],
  );
});

test("what hosts are meant to do is what their components say", () => {
  const { hosts } = sampleStack();
  expect(hosts[0]?.director.instances).toEqual([
    {
      ...{ name: "VI_1", interface: "eth1", priority: 150, preempt: false },
      addresses: ["192.0.2.100"],
    },
  ]);
  expect(hosts.map(({ director, loopback }) => [director.services.length, loopback])).toEqual([
    [1, []],
    [1, []],
    ...hosts.slice(2).map(() => [0, [{ address: "192.0.2.100", interface: "lo" }]]),
  ]);
});

test.each(["lvs2", "web3"])(
  "a state that doesn't say what %s is meant to do is an error that says what to do",
  (name) => {
    const state = JSON.parse(sample("state.json")) as {
      deployment: { resources: { urn: string; outputs?: object }[] };
    };
    const { resources } = state.deployment;
    const component = resources.find(({ urn }) => urn.endsWith(`::pair-${name}`)) ?? fail();
    component.outputs = { services: [] };
    const text = `the stack's state doesn't say what ${name} is meant to do: an earlier version wrote it, or the last pulumi up left ${name} out; run pulumi up once`;
    expect(() => stackOf(JSON.stringify(state))).toThrow(text);
    // A host that the first pulumi up has only prepared has no task yet.
    const brings = /-(keepalived|system)$/;
    state.deployment.resources = resources.filter(
      ({ urn }) => !urn.includes(`::pair-${name}-`) || !brings.test(urn),
    );
    const host = stackOf(JSON.stringify(state)).hosts.find((one) => one.name === name);
    expect([host?.director.services, host?.director.instances, host?.loopback]).toEqual([
      [],
      [],
      [],
    ]);
  },
);

test("what is about to be deleted is no part of the stack", () => {
  const state = JSON.parse(sample("state.json")) as State;
  for (const resource of state.deployment.resources) {
    if (resource.urn.includes("::pair-web2")) resource.delete = true;
  }
  expect(stackOf(JSON.stringify(state)).hosts.map(({ name }) => name)).toEqual([
    "lvs1",
    "lvs2",
    "web1",
    "web3",
  ]);
});

test("a stack that was never applied says what to do", () => {
  expect(() => stackOf('{"version":3,"deployment":{}}')).toThrow("run pulumi up first");
});

function fail(): never {
  throw new Error("the sample lacks a host");
}

test("a stack without hosts, or without anything, says what to do first", () => {
  const empty = "the stack has no hosts yet: run pulumi up first";
  expect(() => stackOf('{ "deployment": { "resources": [] } }')).toThrow(empty);
  // The output of pulumi stack export for a stack without resources.
  expect(() => stackOf('{ "deployment": { "manifest": {} } }')).toThrow(empty);
});

test.each([
  ["root", "/usr/local/lib/lvs-ha/protect.sh", "on", true],
  ["root", "/usr/local/lib/lvs-ha/protect.sh", "off", false],
  ["another login", "sudo -n /usr/local/lib/lvs-ha/protect.sh", "off", false],
] as const)("whether destroy is refused is known (%s, %s … %s)", (_, program, word, is) => {
  const state = JSON.parse(sample("state.json")) as { deployment: { resources: object[] } };
  state.deployment.resources.push({
    urn: "urn:pulumi:dev::lvs-ha::lvs-ha:index:LvsHaPair$command:remote:Command::pair-deletion-protection",
    type: "command:remote:Command",
    parent: "urn:pulumi:dev::lvs-ha::lvs-ha:index:LvsHaPair::pair",
    inputs: { delete: `${program} release lvs-ha/dev/pair ${word} lvs1` },
  });
  expect(stackOf(JSON.stringify(state)).deletionProtection).toBe(is);
});

test("of a state that an earlier version made it isn't known whether destroy is refused", () => {
  expect(stackOf(sample("state.json")).deletionProtection).toBeNull();
});
