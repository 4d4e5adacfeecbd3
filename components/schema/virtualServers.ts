// Virtual servers: what clients connect to, how a real server is chosen, how packets reach it.
import { z } from "zod";
import { check } from "./checks";
import { laterValues, valuesSince } from "./laterValues";
import { hook } from "./scripts";
import {
  addressOrLoopback,
  blockName,
  flag,
  hostName,
  integer,
  listOf,
  matching,
  name,
  oneOf,
  otherKeywords,
  port,
  seconds,
  virtualAddress,
  weight,
} from "./types";

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
  "twos",
] as const;

/** Flags of the schedulers that have any, as in ipvsadm(8). */
const schedulerFlags = ["sh-port", "sh-fallback", "mh-port", "mh-fallback"] as const;

const protocols = ["TCP", "UDP", "SCTP"] as const;

/** Forwarding methods: direct routing, masquerading, tunnelling (IPIP). */
export const forwardings = ["DR", "NAT", "TUN"] as const;

const portRange = z.union(
  [
    port,
    matching(/^\d{1,5}-\d{1,5}$/, "a range of ports (8000-8099)").refine(
      (range) => {
        const [first = 0, last = 0] = range.split("-").map(Number);
        return first >= 1 && first < last && last <= 65535;
      },
      { error: "is not a range of ports, the lower first (8000-8099)" },
    ),
  ],
  { error: "is neither a port (1–65535) nor a range of ports (8000-8099)" },
);

const traffic = z.strictObject({
  address: virtualAddress.describe("A virtual address, with its prefix where it needs one"),
  protocol: oneOf(protocols).default("TCP").describe("Protocol marked"),
  ports: listOf(portRange, "ports")
    .min(1, { error: "is empty: name a port, or leave the key out for all" })
    .optional()
    .describe("Ports and ranges of ports marked; all where it is left out"),
});

const member = z.strictObject({
  name: name.describe("Name in `realServers`"),
  port: port
    .optional()
    .describe("Its port, where forwarding is NAT; the virtual server's otherwise"),
  weight: weight
    .optional()
    .describe("Its weight here; its own where it is left out")
    .meta(valuesSince(laterValues.noWeight)),
  forwarding: oneOf(forwardings)
    .optional()
    .describe("How packets reach it; the virtual server's way where it is left out"),
  checks: listOf(check, "checks")
    .optional()
    .describe("Its checks; the virtual server's where it is left out"),
  inhibitOnFailure: flag
    .optional()
    .describe("As the virtual server's, which holds where it is left out"),
  upperThreshold: integer(0, 2147483647, "a number of connections")
    .optional()
    .describe("Connections at which it gets no new ones; no limit where it is left out"),
  lowerThreshold: integer(0, 2147483647, "a number of connections")
    .optional()
    .describe(
      "Connections below which it gets new ones again; three quarters of `upperThreshold` where it is left out",
    ),
  notifyUp: hook.optional().describe("Script run when it comes in"),
  notifyDown: hook.optional().describe("Script run when it is taken out"),
  otherKeywords: otherKeywords("real_server").optional(),
});

const sorryServer = z.strictObject({
  address: addressOrLoopback.describe("Its address"),
  port: port.optional().describe("Its port. Left out for a `fwmark`, unless forwarding is NAT"),
  forwarding: oneOf(forwardings)
    .optional()
    .describe("How packets reach it; the virtual server's way where it is left out"),
  inhibitOnFailure: flag
    .optional()
    .describe("It stays in IPVS with weight 0 while it isn't needed"),
});

const virtualServer = z.strictObject({
  name: name.describe("Unique in the stack"),
  address: virtualAddress
    .optional()
    .describe(
      "The virtual IP address (VIP); with its prefix when outside the directors' own network. Left out for a `fwmark`",
    ),
  port: port.optional().describe("Its port. Left out for a `fwmark`"),
  protocol: oneOf(protocols).default("TCP").describe("Its protocol. Says nothing for a `fwmark`"),
  fwmark: integer(1, 65535, "a firewall mark")
    .optional()
    .describe(
      "Firewall mark that makes several addresses and ports one service, in place of `address`",
    ),
  traffic: listOf(traffic, "addresses and ports")
    .min(1, { error: "is empty: name the addresses and ports that are marked" })
    .optional()
    .describe("What the directors mark with `fwmark`"),
  vrrpInstance: blockName
    .optional()
    .describe("VRRP instance that carries its addresses; the first where it is left out"),
  scheduler: oneOf(schedulers)
    .default("rr")
    .describe("How a real server is chosen: ipvsadm(8) (the cookbook's value)"),
  schedulerFlags: listOf(oneOf(schedulerFlags), "flags")
    .default([])
    .describe(
      "Flags of `sh` and `mh`: hash the port, too; `sh-fallback` and `mh-fallback` are always set, because without them a drained real server's clients get no answer",
    ),
  forwarding: oneOf(forwardings)
    .default("DR")
    .describe(
      "How packets reach a real server: DR (it answers the client itself), NAT (it answers through the director), TUN (as DR, over IPIP)",
    ),
  onePacketScheduling: flag.default(false).describe("Each UDP datagram is scheduled for itself"),
  persistenceTimeoutSeconds: integer(0, 2678400, "a number of seconds")
    .default(0)
    .describe("Seconds that a client stays with its real server; 0 is none"),
  persistenceGranularity: integer(1, 128, "a prefix length")
    .optional()
    .describe("Clients of one network of this prefix length count as one"),
  persistenceEngine: oneOf(["sip"])
    .optional()
    .describe("What tells clients apart: the SIP Call-ID"),
  delayLoopSeconds: seconds(0.1, 3600)
    .default(3)
    .describe(
      "Seconds between checks of a real server (the cookbook's 20 black-holes for that long)",
    ),
  checks: listOf(check, "checks")
    .optional()
    .describe(
      "How a real server proves itself; one of type `tcp` where it is left out, none if empty",
    ),
  virtualHost: hostName.optional().describe("Host header of HTTP checks that name none"),
  alpha: flag
    .default(false)
    .describe("Real servers are out until their checks have succeeded once"),
  omega: flag
    .default(false)
    .describe("`notifyDown` and `quorumDown` run when keepalived stops, too"),
  inhibitOnFailure: flag
    .default(false)
    .describe("A real server that is out stays in IPVS with weight 0"),
  quorum: integer(1, 2147483647, "a weight")
    .default(1)
    .describe("Weight of the real servers that must be in for the service to count as up"),
  hysteresis: integer(0, 2147483647, "a weight")
    .default(0)
    .describe("Weight above and below `quorum` at which it is gained and lost"),
  quorumUp: hook.optional().describe("Script run when the quorum is gained"),
  quorumDown: hook.optional().describe("Script run when the quorum is lost"),
  smtpAlert: flag.default(false).describe("Mail to `email.to` when the quorum changes"),
  haSuspend: flag.default(false).describe("No checks while the director doesn't hold the address"),
  otherKeywords: otherKeywords("virtual_server").default([]),
  realServers: listOf(
    z.union([name.transform((only): z.output<typeof member> => ({ name: only })), member], {
      error: "is neither a real server's name nor { name, port?, weight?, … }",
    }),
    "real servers",
  )
    .min(1, { error: "is empty: name at least one real server, or leave the key out for all" })
    .optional()
    .describe(
      "Names of its real servers, or objects with settings of their own; all where it is left out",
    ),
  sorryServer: sorryServer
    .optional()
    .describe("Gets the connections while the quorum is not reached"),
});

export const virtualServers = z
  .array(virtualServer, { error: "is not a list of virtual servers" })
  .min(1, { error: "has no virtual server" })
  .describe("The virtual servers");
