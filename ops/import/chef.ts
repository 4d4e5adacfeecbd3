// Turns a node of the Chef cookbook lvs01 into the keepalived.conf that the cookbook wrote for it.
import { z } from "zod";
import type { Config } from "./shapes";

const text = z.union([z.string(), z.number()]).transform(String);

const attributes = z.looseObject({
  virtual_ipaddress1: text,
  virtual_portno1: text,
  persistence_timeout: text.default("0"),
  public_prim_subnet: text.optional(),
});

/** What a node of the cookbook says. */
export interface ChefNode {
  /** keepalived.conf as the cookbook's template renders it. */
  keepalivedConf: string;
  /** The attribute `public_prim_subnet`. */
  publicSubnet?: string;
  /** The node's name, if the JSON has one. */
  name?: string;
}

/** Whether a file is a node's JSON rather than a keepalived.conf. */
export function isChefNode(file: string): boolean {
  return /^\s*\{/.test(file);
}

/**
 * Reads a node's JSON: attributes for `chef-solo -j`, or the output of
 * `knife node show -l -F json`.
 * @throws Error naming what is wrong
 */
export function readChefNode(json: string): ChefNode {
  const node = asObject(parseJson(json));
  // Chef's order: each level overrides those before it. Top-level attributes of a node's file are
  // `normal`.
  const levels = [node.default, node, node.normal, node.override, node.automatic].map(asObject);
  const merged = {
    ...levels.reduce((known, level) => ({ ...known, ...level }), {}),
    // Some forks of the cookbook keep its attributes under the key lvs01.
    ...levels.reduce((known, level) => ({ ...known, ...asObject(level.lvs01) }), {}),
  };
  const found = attributes.safeParse(merged);
  if (!found.success) {
    const missing = found.error.issues.map(({ path }) => path.join("."));
    throw new Error(`is no node of the cookbook lvs01: it lacks ${missing.join(", ")}`);
  }
  const own = found.data;
  const servers = realServers(own);
  if (servers.length === 0) {
    throw new Error("is no node of the cookbook lvs01: it lacks real_server_ip_addr1");
  }
  const name = node.name ?? merged.hostname;
  return {
    keepalivedConf: keepalivedConf(own, servers),
    ...(own.public_prim_subnet === undefined ? {} : { publicSubnet: own.public_prim_subnet }),
    ...(typeof name === "string" ? { name } : {}),
  };
}

function parseJson(json: string): unknown {
  try {
    return JSON.parse(json);
  } catch {
    // The parser's message quotes the file, which may hold a password.
    throw new Error("is no JSON: yet it begins with {, as no keepalived.conf does");
  }
}

/** What to set as password: the cookbook gives every host the same one. */
export const cookbookPassword =
  "pulumi config set --secret lvs-ha:vrrpAuthPass, with the auth_pass of the cookbook's keepalived.conf.erb, which is everybody's";

/**
 * What the cookbook did to the hosts besides keepalived: ufw, and sysctls. The stack's defaults
 * cover most of them.
 */
export function cookbookHosts(
  { publicSubnet }: Pick<ChefNode, "publicSubnet">,
  comments: Map<string, string>,
): Pick<Config, "firewall" | "kernel"> {
  comments.delete("firewall.backend");
  comments.set("firewall", "As the cookbook: ufw is switched on, and denies what no rule lets in");
  return {
    firewall: { backend: "ufw", ...(publicSubnet === undefined ? {} : { publicSubnet }) },
    kernel: { directorSysctls: { "net.ipv6.conf.all.disable_ipv6": 1 } },
  };
}

function asObject(value: unknown): Record<string, unknown> {
  return typeof value === "object" && value !== null ? (value as Record<string, unknown>) : {};
}

/** real_server_ip_addr1, real_server_port1, and any further pairs of them. */
function realServers(own: Record<string, unknown>): { address: string; port: string }[] {
  return (
    Object.keys(own)
      .flatMap((key) => /^real_server_ip_addr(\d+)$/.exec(key)?.[1] ?? [])
      // The cookbook's defaults are null.
      .filter((number) => (own[`real_server_ip_addr${number}`] ?? "") !== "")
      .sort((a, b) => Number(a) - Number(b))
      .map((number) => ({
        address: String(own[`real_server_ip_addr${number}`]),
        port: String(own[`real_server_port${number}`] ?? own.virtual_portno1),
      }))
  );
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
