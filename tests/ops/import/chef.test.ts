// Attributes of a node of the cookbook lvs01, from each level, in Chef's order.
import { readChefNode } from "../../../ops/import/chef";

const needed = {
  virtual_ipaddress1: "198.51.100.84",
  virtual_portno1: "80",
  real_server_ip_addr1: "192.0.2.204",
};

/** The lines of the cookbook's keepalived.conf that begin with a keyword. */
function said(node: object, keyword: string): string[] {
  const lines = readChefNode(JSON.stringify(node)).keepalivedConf.split("\n");
  return lines.map((line) => line.trim()).filter((line) => line.startsWith(`${keyword} `));
}

test("attributes at the top of a file, as chef-solo -j takes them", () => {
  expect(said(needed, "virtual_server")).toEqual(["virtual_server 198.51.100.84 80 {"]);
  expect(said(needed, "persistence_timeout")).toEqual(["persistence_timeout 0"]);
});

test("an override wins over what the node says, and that over the cookbook's default", () => {
  const timeout = (node: object) => said({ ...needed, ...node }, "persistence_timeout");
  const level = (value: number) => ({ persistence_timeout: value });
  expect(timeout({ default: level(1) })).toEqual(["persistence_timeout 1"]);
  expect(timeout({ default: level(1), ...level(2) })).toEqual(["persistence_timeout 2"]);
  expect(timeout({ default: level(1), normal: level(3) })).toEqual(["persistence_timeout 3"]);
  expect(timeout({ normal: level(3), override: level(4) })).toEqual(["persistence_timeout 4"]);
});

test("attributes below the cookbook's name are merged one by one", () => {
  const node = { default: { lvs01: needed }, override: { lvs01: { persistence_timeout: 9 } } };
  expect(said(node, "persistence_timeout")).toEqual(["persistence_timeout 9"]);
  expect(said(node, "virtual_server")).toEqual(["virtual_server 198.51.100.84 80 {"]);
});

test("real servers are in the order of their numbers, and one that is null is none", () => {
  const more = {
    real_server_ip_addr10: "192.0.2.210",
    real_server_port10: 8080,
    real_server_ip_addr2: "192.0.2.206",
    real_server_ip_addr3: null,
  };
  expect(said({ ...needed, ...more }, "real_server")).toEqual([
    "real_server 192.0.2.204 80 {",
    "real_server 192.0.2.206 80 {",
    "real_server 192.0.2.210 8080 {",
  ]);
});

test("the node's name and its public subnet come along", () => {
  const node = { name: "lvs1", ...needed, default: { public_prim_subnet: "192.0.2.192/28" } };
  expect(readChefNode(JSON.stringify(node))).toMatchObject({
    name: "lvs1",
    publicSubnet: "192.0.2.192/28",
  });
});

test.each([
  ["{", /^is no JSON: /],
  ["{}", /^is no node of the cookbook lvs01: it lacks virtual_ipaddress1, virtual_portno1$/],
  [
    JSON.stringify({ ...needed, real_server_ip_addr1: null }),
    /^is no node of the cookbook lvs01: it lacks real_server_ip_addr1$/,
  ],
])("%s is refused, and it says why", (json, why) => {
  expect(() => readChefNode(json)).toThrow(why);
});
