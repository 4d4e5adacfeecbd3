// What VRRP instances and checks can track: scripts, processes, files, BFD sessions. And whom they tell by mail.
import { z } from "zod";
import { laterValues, valuesSince } from "./laterValues";
import { scriptCall } from "./scripts";
import {
  address,
  addressOrLoopback,
  blockName,
  flag,
  hostName,
  integer,
  listOf,
  matching,
  name,
  path,
  port,
  seconds,
  word,
  words,
} from "./types";

const priorityWeight = integer(-253, 253, "a weight")
  .optional()
  .describe("Default weight where it is tracked; a fault where it is 0 or left out");

const reverse = flag.optional().describe("The weight's sense is turned");

const trackedScript = z.strictObject({
  name: blockName.describe("Unique: chk_uplink"),
  ...scriptCall.shape,
  intervalSeconds: seconds(0.1, 3600)
    .default(1)
    .describe("Seconds between runs")
    .meta(valuesSince(laterValues.scriptTimeFraction)),
  timeoutSeconds: seconds(0.1, 3600)
    .optional()
    .describe("Seconds that a run may take; the interval where it is left out")
    .meta(valuesSince(laterValues.scriptTimeFraction, laterValues.scriptTimeoutAboveInterval)),
  rise: integer(1, 1000, "a number of runs").default(1).describe("Successes that make it well"),
  fall: integer(1, 1000, "a number of runs").default(1).describe("Failures that make it ill"),
  weight: priorityWeight,
  reverse,
  initFail: flag.default(false).describe("It counts as ill until it has succeeded"),
});

const trackedProcess = z.strictObject({
  name: blockName.describe("Unique: proc_nginx"),
  process: word(255, "a process's name").describe("Name of the process"),
  parameters: words(200, "a parameter", "parameters")
    .optional()
    .describe("Its parameters; any where it is left out"),
  parameterMatch: z
    .enum(["exact", "initial", "partial"], { error: "is not one of exact, initial, partial" })
    .default("exact")
    .describe("How `parameters` are compared"),
  fullCommand: flag.default(false).describe("The whole command line is compared"),
  weight: integer(-254, 254, "a weight")
    .optional()
    .describe(priorityWeight.description ?? ""),
  reverse,
  quorum: integer(1, 65535, "a number of processes").default(1).describe("Processes, at least"),
  quorumMax: integer(0, 65535, "a number of processes").optional().describe("Processes, at most"),
  forkDelaySeconds: seconds(0.01, 3600)
    .optional()
    .describe("Seconds from enough processes to well"),
  terminateDelaySeconds: seconds(0.01, 3600).optional().describe("Seconds from too few to ill"),
});

const trackedFile = z.strictObject({
  name: blockName.describe("Unique: weight_web1"),
  file: path.describe("File with a number in it"),
  weight: integer(-254, 254, "a weight")
    .optional()
    .describe("Multiplies the number; 1 where it is left out"),
  reverse,
  initialValue: integer(-254, 254, "a number")
    .optional()
    .describe("Written to the file when it isn't there"),
});

const bfdSession = z.strictObject({
  name: blockName.describe("Unique: bfd_web1"),
  neighbor: z
    .union([address, z.record(name, address)], {
      error: "is neither an address nor a set of addresses by director",
    })
    .describe("Whom the session is with; by director's name where it differs"),
  source: z
    .record(name, address, { error: "is not a set of addresses by director" })
    .optional()
    .describe("Source address, by director's name"),
  minRxMilliseconds: integer(1, 1000, "a number of milliseconds")
    .default(50)
    .describe("Milliseconds between packets received, at least"),
  minTxMilliseconds: integer(1, 1000, "a number of milliseconds")
    .default(50)
    .describe("Milliseconds between packets sent, at least"),
  idleTxMilliseconds: integer(1000, 10000, "a number of milliseconds")
    .optional()
    .describe("The same while the session is down; 1000 where it is left out"),
  multiplier: integer(1, 255, "a number of packets")
    .default(5)
    .describe("Packets missed until it is down"),
  passive: flag.default(false).describe("It waits for the neighbour to begin"),
  ttl: integer(1, 255, "a TTL").optional().describe("TTL or hop limit of its packets"),
  maxHops: integer(-1, 255, "a number of hops")
    .optional()
    .describe("Hops that a packet may have come"),
  multihop: flag
    .optional()
    .describe("Port 4784 (RFC 5883) in place of 3784")
    .meta({ since: "2.2.8" }),
  weight: priorityWeight,
  reverse,
});

export const tracking = z
  .strictObject({
    scripts: listOf(trackedScript, "tracked scripts")
      .default([])
      .describe("Scripts run again and again"),
    processes: listOf(trackedProcess, "tracked processes")
      .default([])
      .describe("Processes watched"),
    files: listOf(trackedFile, "tracked files").default([]).describe("Files watched"),
    bfd: listOf(bfdSession, "BFD sessions").default([]).describe("BFD sessions (RFC 5880)"),
  })
  .prefault({})
  .describe("What `vrrp.track…` and checks name");

const mailAddress = matching(
  /^[A-Za-z0-9._+-]{1,64}@[A-Za-z0-9-]{1,63}(\.[A-Za-z0-9-]{1,63}){0,8}$/,
  "a mail address",
).max(254, { error: "is not a mail address (254 characters at most)" });

export const email = z
  .strictObject({
    to: listOf(mailAddress, "mail addresses").min(1, { error: "is empty" }).describe("Recipients"),
    from: mailAddress.describe("Sender"),
    smtpServer: addressOrLoopback.describe(
      "Mail server's address (a name would have to resolve at every config check)",
    ),
    smtpPort: port.default(25).describe("Its port"),
    heloName: hostName.optional().describe("Name given in HELO; the host's where it is left out"),
    connectTimeoutSeconds: integer(1, 3600, "a number of seconds")
      .default(30)
      .describe("Seconds that it may take"),
    faults: flag.default(true).describe("Faults of VRRP instances and sync groups are told, too"),
  })
  .optional()
  .describe("Mail at changes that ask for it (`smtpAlert`)");
