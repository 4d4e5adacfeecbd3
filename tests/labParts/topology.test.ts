// Labs by their topology: what follows from a plan, and what two labs must not share.
import { parse } from "yaml";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { labOf, namedLab } from "../../lab/instance";
import { projectRoot } from "../../lab/paths";
import { stackOf } from "../../lab/stackConfig";
import { findTopology, topologyNames } from "../../lab/topologies";
import { dev } from "../../lab/topologies/dev";
import { findHost, hostsOf, networksOf } from "../../lab/topology";
import { settingsOf } from "../support/stacks";

test("Pulumi.dev.yaml is what the dev topology's stack would be", () => {
  const { config } = parse(readFileSync(join(projectRoot, "Pulumi.dev.yaml"), "utf8")) as {
    config: Record<string, unknown>;
  };
  const expected = Object.entries(stackOf(dev)).map(([key, value]) => [`lvs-ha:${key}`, value]);
  expect(config).toEqual(Object.fromEntries(expected));
});

describe.each(topologyNames)("the topology %s", (name) => {
  const topology = findTopology(name);
  const { hosts } = topology;

  test("has no name, address, MAC address or tap twice, and taps that fit", () => {
    const own = hosts.flatMap((host) => [
      host.name,
      ...host.interfaces.flatMap(({ ipv4, ipv6, mac, tap }) => [ipv4, ipv6, mac, tap]),
    ]);
    const others = [
      topology.operator,
      topology.operatorPublic,
      topology.client,
      topology.virtualIp,
    ];
    const addresses = new Set(others.flatMap(({ ipv4, ipv6 }) => [ipv4, ipv6]));
    expect(new Set(own).size).toBe(own.length);
    expect(own.filter((word) => addresses.has(word))).toEqual([]);
    for (const { interfaces } of hosts) {
      expect(interfaces).toHaveLength(networksOf(topology).length);
      for (const { tap } of interfaces) expect(tap.length).toBeLessThanOrEqual(15);
    }
    for (const { login } of hosts) if (login.via !== undefined) findHost(topology, login.via);
  });

  test("has a stack that the config takes", () => {
    const settings = settingsOf(stackOf(topology));
    expect(settings.directors.map(({ name }) => name)).toEqual(
      hostsOf(topology, "director").map(({ name }) => name),
    );
  });
});

test("two labs share no folder and no namespace", () => {
  const [one, two] = [labOf(dev), labOf(dev, { name: "dev-2", cpus: [1] })];
  expect(two.directory).not.toBe(one.directory);
  const namespaces = [one, two].flatMap((lab) => Object.values(lab.namespaces));
  expect(new Set(namespaces).size).toBe(4);
});

test("a lab that is not there is of the topology of its name, or of the one that is asked for", () => {
  expect(namedLab("bookworm").topology.name).toBe("bookworm");
  expect(namedLab("nobody", "bastion").topology.name).toBe("bastion");
  expect(() => namedLab("nobody")).toThrow(`there is no topology "nobody"; there are dev, `);
  expect(() => labOf(dev, { name: "../x" })).toThrow('"../x" is no name of a lab');
});
