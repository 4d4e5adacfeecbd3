// A node of the Chef cookbook lvs01: its attributes -> the keepalived.conf that the cookbook wrote for it.
import { z } from "zod";

const text = z.union([z.string(), z.number()]).transform(String);

const attributes = z.looseObject({
  virtual_ipaddress1: text,
  virtual_portno1: text,
  persistence_timeout: text.default("0"),
  public_prim_subnet: text.optional(),
});

export interface ChefNode {
  /** keepalived.conf, as the cookbook's template has it. */
  keepalivedConf: string;
  /** `public_prim_subnet`. */
  publicSubnet?: string;
  /** The node's name, where the JSON has one. */
  name?: string;
}

/** True for a file that is a node's JSON rather than a keepalived.conf. */
export function isChefNode(file: string): boolean {
  return /^\s*\{/.test(file);
}

/**
 * Reads a node's JSON: attributes as `chef-solo -j` takes them, or as `knife node show -l -F json` prints them.
 * @throws Error saying which attribute is missing
 */
export function readChefNode(json: string): ChefNode {
  const node = z.looseObject({}).parse(JSON.parse(json));
  // Chef's order: an override wins over what is set for the node, which wins over the cookbook's default.
  const merged = ["automatic", "default", "normal", "override"].reduce<Record<string, unknown>>(
    (known, level) => ({ ...known, ...asObject(node[level]) }),
    node,
  );
  const found = attributes.safeParse({ ...merged, ...asObject(merged.lvs01) });
  if (!found.success) {
    const missing = found.error.issues.map(({ path }) => path.join("."));
    throw new Error(`is no node of the cookbook lvs01: ${missing.join(", ")} missing`);
  }
  const own = found.data;
  const name = merged.name ?? merged.hostname;
  return {
    keepalivedConf: keepalivedConf(own, realServers(own)),
    ...(own.public_prim_subnet === undefined ? {} : { publicSubnet: own.public_prim_subnet }),
    ...(typeof name === "string" ? { name } : {}),
  };
}

function asObject(value: unknown): Record<string, unknown> {
  return typeof value === "object" && value !== null ? (value as Record<string, unknown>) : {};
}

/** real_server_ip_addr1, real_server_port1, and as many more as somebody added. */
function realServers(own: Record<string, unknown>): { address: string; port: string }[] {
  return Object.keys(own)
    .flatMap((key) => /^real_server_ip_addr(\d+)$/.exec(key)?.[1] ?? [])
    .sort((a, b) => Number(a) - Number(b))
    .map((number) => ({
      address: String(own[`real_server_ip_addr${number}`]),
      port: String(own[`real_server_port${number}`] ?? own.virtual_portno1),
    }));
}

function keepalivedConf(
  own: { virtual_ipaddress1: string; virtual_portno1: string; persistence_timeout: string },
  servers: { address: string; port: string }[],
): string {
  const { virtual_ipaddress1: vip, virtual_portno1: port, persistence_timeout: timeout } = own;
  return [
    "vrrp_instance VI_1 {",
    "    interface eth1",
    "    lvs_sync_daemon_interface eth0",
    "    virtual_router_id 51",
    "    priority 100",
    "    authentication {",
    "        auth_type PASS",
    "        auth_pass grr02",
    "    }",
    "    virtual_ipaddress {",
    `        ${vip}`,
    "    }",
    "}",
    "",
    `virtual_server ${vip} ${port} {`,
    "    delay_loop 20",
    "    lb_algo rr",
    "    lb_kind DR",
    `    persistence_timeout ${timeout}`,
    "    protocol TCP",
    ...servers.flatMap((server) => [
      `    real_server ${server.address} ${server.port} {`,
      "        weight 1",
      "        TCP_CHECK {",
      "            connect_timeout 3",
      "        }",
      "    }",
    ]),
    "}",
    "",
  ].join("\n");
}
