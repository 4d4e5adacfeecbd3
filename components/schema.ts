// The stack config's schema: every key, its type, default and unit. The one truth that Pulumi.yaml and the docs are held to.
import { Address4, Address6 } from "ip-address";
import { z } from "zod";

/** Systems that a host can run; what differs between them is data in `os/`. */
export const osNames = ["debian12", "debian13"] as const;

/** Firewall back ends: the host's own language, or `none` to leave the host's firewall alone. */
export const firewallBackends = ["ufw", "nftables", "none"] as const;

/** IPVS schedulers, as in ipvsadm(8). */
export const schedulers = [
  "rr",
  "wrr",
  "lc",
  "wlc",
  "lblc",
  "lblcr",
  "dh",
  "sh",
  "mh",
  "sed",
  "nq",
  "fo",
  "ovf",
] as const;

const integer = (min: number, max: number, what: string) =>
  z
    .int({ error: `is not ${what} (${min}–${max})` })
    .min(min, { error: `is not ${what} (${min}–${max})` })
    .max(max, { error: `is not ${what} (${min}–${max})` });

const port = integer(1, 65535, "a port");

const seconds = (min: number, max: number) =>
  z
    .number({ error: `is not a number of seconds (${min}–${max})` })
    .min(min, { error: `is not a number of seconds (${min}–${max})` })
    .max(max, { error: `is not a number of seconds (${min}–${max})` });

const matching = (pattern: RegExp, allowed: string) =>
  z.string({ error: `is not ${allowed}` }).regex(pattern, { error: `is not ${allowed}` });

const oneOf = <const T extends readonly string[]>(values: T) =>
  z.enum(values, { error: `is not one of ${values.join(", ")}` });

const address = z
  .string({ error: "is not an IPv4 address" })
  .refine((text) => !text.includes("/") && isAddress(text), { error: "is not an IPv4 address" });

const addressWithPrefix = z
  .string({ error: "is not an address with its prefix" })
  .refine((text) => /\/\d+$/.test(text) && isAddress(text), {
    error: "is not an address with its prefix (192.0.2.11/24)",
  });

const virtualAddress = z.string({ error: "is not an IPv4 address" }).refine(isAddress, {
  error: "is not an IPv4 address (192.0.2.100, or with its prefix 192.0.2.100/28)",
});

const subnet = z
  .string({ error: "is not a subnet" })
  .refine((text) => /\/\d+$/.test(text) && isSubnet(text), {
    error: "is not a subnet in CIDR form whose host bits are 0 (10.0.0.0/8)",
  });

const name = matching(
  /^[a-z]([a-z0-9-]{0,30}[a-z0-9])?$/,
  "a name (lower-case letters, digits and dashes, 32 at most, a letter first)",
);

const interfaceName = matching(
  /^[A-Za-z0-9][A-Za-z0-9_.-]{0,14}$/,
  "a network interface's name (15 characters at most)",
);

const userName = matching(/^[a-z_][a-z0-9_-]{0,31}$/, "a login name");

const hostAddress = z
  .string({ error: "is not a host name or address" })
  .refine((text) => isHostName(text) || (!text.includes("/") && isAnyAddress(text)), {
    error: "is not a host name or address",
  });

// Not ssh-rsa: the command plugin then asks for SHA-1 signatures only, which OpenSSH refuses since 8.8.
const hostKey = matching(
  /^(ssh-ed25519|ecdsa-sha2-nistp(256|384|521)) [A-Za-z0-9+/]{40,}={0,3}( [\w.@-]+)?$/,
  'a public host key, Ed25519 or ECDSA, as ssh-keyscan prints it, without the address ("ssh-ed25519 AAAA…")',
);

const packageName = matching(/^[a-z0-9][a-z0-9+.-]+$/, "a package's name");

const sysctlName = matching(/^[a-z0-9_-]+([./][A-Za-z0-9_*:-]+)+$/, "a sysctl's name");

const sysctlValue = z
  .union([z.int(), matching(/^[A-Za-z0-9_.:-]+( [A-Za-z0-9_.:-]+)*$/, "a sysctl's value")])
  .transform(String);

const proxy = z.strictObject({
  /** Name or address of the bastion. */
  host: hostAddress,
  /** Its public host key. */
  hostKey,
  /** @default 22 */
  port: port.default(22),
  /** @default "root" */
  user: userName.default("root"),
});

const ssh = z.strictObject({
  /** Login on every host; one other than root needs passwordless sudo. @default "root" */
  user: userName.default("root"),
  /** @default 22 */
  port: port.default(22),
  /** Make an ED25519 deploy key, install it with the first login, use it from then on. @default false */
  managedKey: z.boolean({ error: "is not true or false" }).default(false),
  /** Socket of the SSH agent. @default the environment's SSH_AUTH_SOCK */
  agentSocketPath: matching(/^\/[\w./@-]+$/, "an absolute path").optional(),
  /** Bastion that every connection goes through. */
  proxy: proxy.optional(),
  /** Failed dials after which a host is given up. @default 10 */
  dialErrorLimit: integer(1, 1000, "a number of dials").default(10),
  /** Seconds one dial may take. @default 15 */
  perDialTimeoutSeconds: integer(1, 600, "a number of seconds").default(15),
});

const host = {
  /** Short name; unique in the stack, part of every resource's name. */
  name,
  /** Where SSH reaches it. */
  host: hostAddress,
  /** System. @default the stack's `os` */
  os: oneOf(osNames).optional(),
  /** Login. @default `ssh.user` */
  user: userName.optional(),
  /** SSH port. @default `ssh.port` */
  port: port.optional(),
};

const director = z.strictObject({
  ...host,
  /** Public SSH host key; nothing is sent to a host that shows another. */
  hostKey,
  /** Its own address on `vrrp.interface`, with prefix: source of its adverts, peer of the others'. */
  vrrpAddress: addressWithPrefix,
  /** Its own address on `vrrp.syncInterface`. @default `host` when that is an address */
  syncAddress: address.optional(),
  /** VRRP priority; the highest is preferred as active. @default 150, then 140, 130 … in order */
  priority: integer(1, 254, "a VRRP priority").optional(),
});

const realServer = z.strictObject({
  ...host,
  host: hostAddress.optional(),
  /** Public SSH host key; needed unless `managed` is false. */
  hostKey: hostKey.optional(),
  /** What the directors forward to. @default `host` when that is an address */
  address: address.optional(),
  /** Share of new connections, for schedulers that weigh; 0 sends none. @default 1 */
  weight: integer(0, 65535, "a weight").default(1),
  /** false: it is only forwarded to, somebody else sets it up. @default true */
  managed: z.boolean({ error: "is not true or false" }).default(true),
});

const vrrp = z.strictObject({
  /** Interface of the adverts and the virtual addresses. @default "eth1", as in the cookbook */
  interface: interfaceName.default("eth1"),
  /** Interface of the connection sync daemon. @default "eth0", as in the cookbook */
  syncInterface: interfaceName.default("eth0"),
  /** Unique on the network segment. @default 51, as in the cookbook */
  virtualRouterId: integer(1, 255, "a virtual router id").default(51),
  /** Protocol version; 2 knows neither fractions of a second nor IPv6. @default 3 */
  version: z.union([z.literal(2), z.literal(3)], { error: "is not 2 or 3" }).default(3),
  /** Seconds between adverts; a director is missed after three. @default 0.3 (at 0.1 a busy host flips) */
  advertIntervalSeconds: seconds(0.01, 40.95).default(0.3),
  /** Adverts to the peers' own addresses rather than 224.0.0.18. @default true */
  unicast: z.boolean({ error: "is not true or false" }).default(true),
  /** A returning director of higher priority takes over again. @default false: it stays standby */
  preempt: z.boolean({ error: "is not true or false" }).default(false),
  /** The active director's connections are told to the standby. @default true */
  connectionSync: z.boolean({ error: "is not true or false" }).default(true),
});

const check = z.strictObject({
  /** @default "tcp": the real server accepts a connection */
  type: oneOf(["tcp", "none"]).default("tcp"),
  /** @default 3, as in the cookbook */
  connectTimeoutSeconds: integer(1, 3600, "a number of seconds").default(3),
  /** Failures in a row, after the first, that take the real server out. @default 1 */
  retry: integer(0, 1000, "a number of retries").default(1),
  /** @default 1 */
  delayBeforeRetrySeconds: integer(0, 3600, "a number of seconds").default(1),
  /** Port checked. @default the real server's */
  port: port.optional(),
});

const virtualServer = z.strictObject({
  /** Unique in the stack. */
  name,
  /** The virtual IP address (VIP); with its prefix when outside the directors' own network. */
  address: virtualAddress,
  port,
  /** @default "TCP" */
  protocol: oneOf(["TCP", "UDP"]).default("TCP"),
  /** How a real server is chosen: ipvsadm(8). @default "rr", as in the cookbook */
  scheduler: oneOf(schedulers).default("rr"),
  /** Direct routing: the real server answers the client itself. @default "DR" */
  forwarding: oneOf(["DR"]).default("DR"),
  /** Seconds a client stays with its real server; 0 is none. @default 0 */
  persistenceTimeoutSeconds: integer(0, 2678400, "a number of seconds").default(0),
  /** Seconds between checks of a real server. @default 3 (the cookbook's 20 black-holes for that long) */
  delayLoopSeconds: integer(1, 3600, "a number of seconds").default(3),
  /** How a real server proves itself. */
  check: check.prefault({}),
  /** Names of its real servers, or objects with a port or weight of their own. @default all */
  realServers: z
    .array(
      z.union(
        [
          name.transform((only) => ({ name: only })),
          z.strictObject({
            name,
            port: port.optional(),
            weight: integer(0, 65535, "a weight").optional(),
          }),
        ],
        { error: "is neither a real server's name nor { name, port?, weight? }" },
      ),
    )
    .min(1, { error: "is empty: name at least one real server, or leave the key out for all" })
    .optional(),
  /** Gets the connections while no real server is up. */
  sorryServer: z.strictObject({ address, port }).optional(),
});

const firewall = z.strictObject({
  /** @default "ufw", as in the cookbook */
  backend: oneOf(firewallBackends).default("ufw"),
  /** Sources that may reach everything on the hosts. @default ["10.0.0.0/8"], as in the cookbook */
  allowFrom: z.array(subnet).default(["10.0.0.0/8"]),
  /** The hosts' own public subnet, let in as a whole (the cookbook's public_prim_subnet). */
  publicSubnet: subnet.optional(),
});

const kernel = z.strictObject({
  /** net.netfilter.nf_conntrack_max on directors. @default 2000000, as in the cookbook */
  conntrackMax: integer(65536, 2147483647, "a number of connections").default(2000000),
  /** The same on real servers. @default 1000000, as in the cookbook */
  realServerConntrackMax: integer(65536, 2147483647, "a number of connections").default(1000000),
  /** log2 of IPVS's connection hash buckets, read when ip_vs is loaded. @default 16 */
  connTabBits: integer(8, 20, "a number of bits").default(16),
  /** Further sysctls of directors, name to value. @default none */
  directorSysctls: z.record(sysctlName, sysctlValue).default({}),
  /** Further sysctls of real servers, name to value. @default none */
  realServerSysctls: z.record(sysctlName, sysctlValue).default({}),
});

/** Keys of the stack config, in the namespace `lvs-ha`. */
export const schema = {
  os: oneOf(osNames).default("debian12"),
  ssh: ssh.prefault({}),
  directors: z
    .array(director, { error: "is not a list of directors" })
    .min(2, { error: "has fewer than two directors: a pair needs an active and a standby" }),
  realServers: z
    .array(realServer, { error: "is not a list of real servers" })
    .min(1, { error: "has no real server: at least one must answer for the virtual servers" }),
  virtualServers: z
    .array(virtualServer, { error: "is not a list of virtual servers" })
    .min(1, { error: "has no virtual server" }),
  vrrp: vrrp.prefault({}),
  firewall: firewall.prefault({}),
  kernel: kernel.prefault({}),
  packages: z.array(packageName).default(["curl", "git", "nmon"]),
};

const printable = (what: string, max: number) =>
  z
    .string()
    .min(1, { error: "is empty" })
    .max(max, { error: `is longer than the ${max} characters that ${what}` });

/** Keys that must be set with `pulumi config set --secret`. All optional. */
export const secretSchema = {
  /** VRRP version 2's shared password: keepalived cuts it at 8 characters. */
  vrrpAuthPass: printable("auth_pass keeps (keepalived.conf(5))", 8).regex(
    /^[A-Za-z0-9_.,:+=@^~-]+$/,
    {
      error: "has a character other than letters, digits and _.,:+=@^~-",
    },
  ),
  /** First login: password, private key, its passphrase. */
  sshPassword: printable("sshd reads", 1024),
  sshPrivateKey: printable("fit a private key", 32768),
  sshPrivateKeyPassphrase: printable("ssh reads", 1024),
  /** The bastion's, where `ssh.proxy` is set. @default those of the hosts */
  sshProxyPassword: printable("sshd reads", 1024),
  sshProxyPrivateKey: printable("fit a private key", 32768),
};

export type SecretName = keyof typeof secretSchema;

/** Stack config as read: validated, defaults filled in. */
export type StackConfig = { [Key in keyof typeof schema]: z.output<(typeof schema)[Key]> };

/** True when the text is an IPv4 address, with or without a prefix. */
export function isAddress(text: string): boolean {
  return Address4.isValid(text);
}

/** "192.0.2.11" of "192.0.2.11/24", and of itself. */
export function withoutPrefix(address: string): string {
  return address.replace(/\/\d+$/, "");
}

/** True when the address lies in the network of the other: "192.0.2.100" in "192.0.2.11/24". */
export function isInNetworkOf(address: string, network: string): boolean {
  return new Address4(withoutPrefix(address)).isInSubnet(new Address4(network));
}

function isAnyAddress(text: string): boolean {
  return Address4.isValid(text) || Address6.isValid(text);
}

function isSubnet(text: string): boolean {
  if (!isAddress(text)) return false;
  const parsed = new Address4(text);
  return parsed.startAddress().correctForm() === parsed.correctForm();
}

function isHostName(text: string): boolean {
  return (
    text.length <= 253 &&
    /^[A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?(\.[A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?)*$/.test(
      text,
    ) &&
    !/^[\d.]+$/.test(text)
  );
}
