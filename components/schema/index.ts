// The stack config's schema: every key, its type, default, unit and meaning. The one truth: Pulumi.yaml, the reference and the editors' schema are made from it.
import { z } from "zod";
import { directors, os, realServers, ssh } from "./hosts";
import { metrics } from "./metrics";
import { scripts } from "./scripts";
import { email, tracking } from "./tracking";
import {
  flag,
  integer,
  listOf,
  name,
  oneOf,
  packageName,
  subnet,
  sysctlName,
  sysctlValue,
} from "./types";
import { virtualServers } from "./virtualServers";
import { daemon, vrrp } from "./vrrp";

/**
 * Firewall back ends: `auto` for the firewall that the host has, a name to have that one switched on, or `none` to leave the host's
 * firewall alone.
 */
export const firewallBackends = ["auto", "ufw", "nftables", "none"] as const;

const firewall = z
  .strictObject({
    backend: oneOf(firewallBackends)
      .default("auto")
      .describe(
        "The host's firewall. `auto` installs nothing and switches nothing on: an ufw that is on lets in what the stack needs, and any other firewall is left alone. `ufw` (the cookbook's) and `nftables` are switched on; `none` leaves an ufw alone, too",
      ),
    allowFrom: listOf(subnet, "subnets")
      .default(["10.0.0.0/8"])
      .describe("Sources that may reach everything on the hosts (the cookbook's value)"),
    sshFrom: listOf(subnet, "subnets")
      .default([])
      .describe(
        "Sources that may log in by SSH, at the host's SSH port, beside `allowFrom`; each address that a change came from stays let in, too",
      ),
    publicSubnet: subnet
      .optional()
      .describe(
        "The hosts' own public subnet, let in as a whole (the cookbook's `public_prim_subnet`)",
      ),
  })
  .prefault({})
  .describe("Firewall of directors and real servers");

const connections = integer(65536, 2147483647, "a number of connections");

const kernel = z
  .strictObject({
    conntrackMax: connections
      .default(2000000)
      .describe("`net.netfilter.nf_conntrack_max` on directors (the cookbook's value)"),
    realServerConntrackMax: connections
      .default(1000000)
      .describe("The same on real servers (the cookbook's value)"),
    connTabBits: integer(8, 20, "a number of bits")
      .default(16)
      .describe("log2 of IPVS's connection hash buckets, read when ip_vs is loaded"),
    sloppyTcp: flag
      .optional()
      .describe(
        "A director takes up TCP connections that it didn't see begin; true where a virtual server's scheduler is `mh`, so that streams outlive a director",
      ),
    directorSysctls: z
      .record(sysctlName, sysctlValue, { error: "is not a set of sysctls, name to value" })
      .default({})
      .describe("Further sysctls of directors, name to value"),
    realServerSysctls: z
      .record(sysctlName, sysctlValue, { error: "is not a set of sysctls, name to value" })
      .default({})
      .describe("Further sysctls of real servers, name to value"),
  })
  .prefault({})
  .describe("Kernel settings");

const rollout = z
  .strictObject({
    maxUnavailable: integer(1, 1000, "a number of real servers")
      .default(1)
      .describe("Real servers changed at once; each gets no new connections meanwhile"),
    drainSeconds: integer(0, 3600, "a number of seconds")
      .default(30)
      .describe("Seconds that open connections have to end before a real server is changed"),
  })
  .prefault({})
  .describe("How a change goes through the real servers; directors change one at a time");

/** Keys of the stack config, in the namespace `lvs-ha`. */
export const schema = {
  os,
  ssh,
  directors,
  realServers,
  virtualServers,
  vrrp,
  tracking,
  scripts,
  daemon,
  email,
  firewall,
  kernel,
  metrics,
  rollout,
  deletionProtection: flag
    .default(true)
    .describe(
      "`pulumi destroy`, and an `up` that takes a virtual server or its whole pool from connected clients or the active director out, are refused; false allows them",
    ),
  staggeredUpgrades: flag
    .default(true)
    .describe(
      "Unattended upgrades (`apt-daily-upgrade.timer`) come to no two directors in one night; false leaves the timer as the host has it",
    ),
  maintenance: listOf(name, "hosts' names")
    .default([])
    .describe(
      "Directors and real servers taken out of service: a director's keepalived is stopped, a real server gets weight 0",
    ),
  packages: listOf(packageName, "packages")
    .default(["curl", "git", "nmon"])
    .describe("Further packages on every host (the cookbook's value)"),
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

export type { Check, CheckType } from "./checks";
export type { ScriptCall } from "./scripts";
export { forwardings } from "./virtualServers";
export { instanceKeys, trackLists, type InstanceKey, type TrackList } from "./vrrp";
export * from "./types";
