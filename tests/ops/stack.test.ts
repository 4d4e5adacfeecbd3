// The stack's state, as pulumi exported it on the lab.
import { sample, sampleStack } from "./sampleHosts";
import { stackOf } from "../../ops/stack";
import { directorConfigText, loopbackLines } from "../../ops/steps";

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
  expect(directorConfigText(hosts[0] ?? fail())).toContain("virtual_router_id 51");
  expect(loopbackLines(hosts[2] ?? fail())).toEqual([{ address: "192.0.2.100", device: "lo" }]);
});

test("a director's state says which VRRP instance each service moves with; one of an earlier version doesn't", () => {
  expect(sampleStack().hosts.map(({ services }) => services)).toEqual([
    [{ service: "TCP 192.0.2.100:80", vrrpInstance: "VI_1" }],
    [{ service: "TCP 192.0.2.100:80", vrrpInstance: "VI_1" }],
    ...[[], [], []],
  ]);
  const state = JSON.parse(sample("state.json")) as { deployment: { resources: object[] } };
  for (const resource of state.deployment.resources) {
    if ("outputs" in resource) resource.outputs = { ipvsTable: "" };
  }
  expect(stackOf(JSON.stringify(state)).hosts.flatMap(({ services }) => services)).toEqual([]);
});

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
  // As pulumi stack export has a stack of which nothing was made yet.
  expect(() => stackOf('{ "deployment": { "manifest": {} } }')).toThrow(empty);
});
