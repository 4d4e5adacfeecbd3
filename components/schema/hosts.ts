// Hosts: how they are reached, directors, real servers.
import { z } from "zod";
import { osNames } from "../os/profiles";
import { refusal } from "../os/refused";
import { laterValues, valuesSince } from "./laterValues";
import {
  address,
  addressOrLoopback,
  addressWithPrefix,
  flag,
  hostAddress,
  hostKey,
  integer,
  ipv6Address,
  ipv6AddressWithPrefix,
  matching,
  name,
  port,
  packageVersion,
  userName,
  weight,
} from "./types";

/** A system that a host can run: a row of `os/profiles.ts`. */
const system = z.enum(osNames, {
  error: ({ input }) => refusal(input) ?? `is not one of ${osNames.join(", ")}`,
});

export const os = system
  .default("debian12")
  .describe("Default system of the hosts; each may name another");

const proxy = z.strictObject({
  host: hostAddress.describe("Name or address of the bastion"),
  hostKey: hostKey.describe("Its public host key"),
  port: port.default(22).describe("Its SSH port"),
  user: userName.default("root").describe("Login there"),
});

export const ssh = z
  .strictObject({
    user: userName
      .default("root")
      .describe("Login on every host; one other than root needs sudo without a password"),
    port: port.default(22).describe("SSH port"),
    managedKey: flag
      .default(false)
      .describe("An ED25519 deploy key is made, installed with the first login, used from then on"),
    agentSocketPath: matching(/^\/[\w./@-]+$/, "an absolute path")
      .optional()
      .describe("Socket of the SSH agent; `SSH_AUTH_SOCK` where it is left out"),
    proxy: proxy.optional().describe("Bastion that every connection goes through"),
    dialErrorLimit: integer(1, 1000, "a number of dials")
      .default(10)
      .describe("Failed dials after which a host is given up"),
    perDialTimeoutSeconds: integer(1, 600, "a number of seconds")
      .default(15)
      .describe("Seconds that one dial may take"),
  })
  .prefault({})
  .describe("How to log in");

const host = {
  name: name.describe("Short name; unique in the stack, part of every resource's name"),
  host: hostAddress.describe("Where SSH reaches it"),
  os: system.optional().describe("System; the stack's `os` where it is left out"),
  user: userName.optional().describe("Login; `ssh.user` where it is left out"),
  port: port.optional().describe("SSH port; `ssh.port` where it is left out"),
};

const director = z.strictObject({
  ...host,
  hostKey: hostKey.describe("Public SSH host key; nothing is sent to a host that shows another"),
  vrrpAddress: addressWithPrefix.describe(
    "Its own address on `vrrp.interface`, with prefix: source of its adverts, peer of the others'",
  ),
  vrrpAddress6: ipv6AddressWithPrefix
    .optional()
    .describe(
      "Its own IPv6 address there, beside an IPv4 one: for IPv6 instances, and for checks through IPv6 virtual addresses",
    ),
  syncAddress: address
    .optional()
    .describe("Its own address on `vrrp.syncInterface`; `host` where that is an address"),
  priority: integer(1, 254, "a VRRP priority")
    .optional()
    .describe("VRRP priority, the highest is preferred as active; 150, 140, 130 … in order"),
  keepalivedVersion: packageVersion
    .optional()
    .describe(
      "Version of the package `keepalived` that is to be installed there, and held; as it comes where it is left out",
    ),
});

export const directors = z
  .array(director, { error: "is not a list of directors" })
  .min(2, { error: "has fewer than two directors: a pair needs an active and a standby" })
  .describe("The directors, two or more");

const realServer = z.strictObject({
  ...host,
  host: hostAddress.optional().describe("Where SSH reaches it, unless `managed` is false"),
  hostKey: hostKey.optional().describe("Public SSH host key, unless `managed` is false"),
  address: addressOrLoopback
    .optional()
    .describe("What the directors forward to; `host` where that is an address"),
  address6: ipv6Address
    .optional()
    .describe("The same for virtual servers of the other family, where `address` is IPv4"),
  weight: weight
    .default(1)
    .describe(
      "Share of new connections, for schedulers that weigh (not `rr`, `lc`, `dh`); 0 sends none",
    )
    .meta(valuesSince(laterValues.noWeight)),
  managed: flag.default(true).describe("false: it is only forwarded to, somebody else sets it up"),
});

export const realServers = z
  .array(realServer, { error: "is not a list of real servers" })
  .min(1, { error: "has no real server: at least one must answer for the virtual servers" })
  .describe("The real servers");
