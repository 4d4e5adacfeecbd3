// VRRP: which director is active, how it is told, what it tracks, what moves with it.
import { z } from "zod";
import { laterValues, valuesSince } from "./laterValues";
import { hook, timedHook } from "./scripts";
import {
  address,
  addressWithPrefix,
  blockName,
  flag,
  integer,
  interfaceName,
  linkName,
  listOf,
  multicastAddress,
  name,
  otherKeywords,
  path,
  seconds,
  subnet,
  userName,
  virtualAddress,
} from "./types";

const trackWeight = integer(-253, 253, "a weight")
  .optional()
  .describe(
    "Added to the priority while it is well (above 0), or taken off while it isn't (below 0); a fault where it is 0 or left out. Of a pair, it moves the addresses only where `preempt` is true",
  );

const reverse = flag.optional().describe("The weight's sense is turned");

const tracked = (what: string) =>
  z.strictObject({
    name: blockName.describe(what),
    weight: trackWeight.describe("In place of its weight in `tracking`"),
    reverse,
  });

const track = {
  trackInterfaces: listOf(
    z.strictObject({ name: interfaceName.describe("Interface"), weight: trackWeight, reverse }),
    "interfaces",
  )
    .default([])
    .describe("Further interfaces that must be up"),
  trackScripts: listOf(tracked("Name in `tracking.scripts`"), "tracked scripts")
    .default([])
    .describe("Scripts that must succeed"),
  trackProcesses: listOf(tracked("Name in `tracking.processes`"), "tracked processes")
    .default([])
    .describe(
      "Processes that must run. The first that a director is given restarts its keepalived, which is a failover where it is active",
    ),
  trackFiles: listOf(tracked("Name in `tracking.files`"), "tracked files")
    .default([])
    .describe("Files whose number adds to the priority"),
  trackBfd: listOf(tracked("Name in `tracking.bfd`"), "BFD sessions")
    .default([])
    .describe("BFD sessions that must be up"),
};

/** The keys under which an instance or a group lists what it tracks. */
export type TrackList = keyof typeof track;
export const trackLists = Object.keys(track) as TrackList[];

const groupNotify = z.strictObject({
  master: hook.optional().describe("Run when a director becomes active"),
  backup: hook.optional().describe("Run when it becomes standby"),
  fault: hook.optional().describe("Run when it has a fault"),
  stop: hook.optional().describe("Run when keepalived stops"),
  any: hook
    .optional()
    .describe("Run at every change, with type, name, state and priority as arguments"),
  priorityChanges: flag
    .optional()
    .describe(
      "Changes of priority are told, too, by `daemon.vrrpNotifyFifo` or `daemon.notifyFifo`; an instance takes its sync group's, or else `false`, where it is left out",
    ),
});

const notify = z
  .strictObject({
    ...groupNotify.shape,
    masterRxLowerPri: hook
      .optional()
      .describe("Run when an active director hears a lower one's advert"),
  })
  .optional()
  .describe("Scripts of `scripts` run at a change of state");

const garp = z
  .strictObject({
    masterDelaySeconds: integer(0, 3600, "a number of seconds")
      .optional()
      .describe(
        "Seconds from becoming active to the second round; keepalived's 5 where it is left out",
      ),
    masterRepeat: integer(1, 100, "a number of ARPs")
      .optional()
      .describe("ARPs a round; keepalived's 5 where it is left out"),
    masterRefreshSeconds: integer(0, 86400, "a number of seconds")
      .optional()
      .describe("Seconds between rounds while active; never where it is left out"),
    masterRefreshRepeat: integer(1, 100, "a number of ARPs")
      .optional()
      .describe("ARPs of such a round; keepalived's 1 where it is left out"),
    lowerPrioDelaySeconds: integer(0, 3600, "a number of seconds")
      .optional()
      .describe("Seconds to a second round after a lower director's advert was heard"),
    lowerPrioRepeat: integer(0, 100, "a number of ARPs").optional().describe("ARPs of that round"),
  })
  .prefault({})
  .describe("Gratuitous ARPs and unsolicited neighbour adverts");

// From a second on, keepalived calls it very large.
const pace = seconds(0.000001, 0.999999, 6).optional();

/** How fast they are sent is said for all instances: keepalived counts by interface. */
const paced = z
  .strictObject({
    ...garp.unwrap().shape,
    intervalSeconds: pace
      .describe(
        "Seconds between two ARPs on an interface, of all instances; none where it is left out",
      )
      .meta(valuesSince(laterValues.pacedArps)),
    naIntervalSeconds: pace
      .describe(
        "Seconds between two neighbour adverts on an interface, of all instances; none where it is left out",
      )
      .meta(valuesSince(laterValues.pacedAdverts)),
  })
  .prefault({})
  .describe("Gratuitous ARPs and unsolicited neighbour adverts");

const virtualRoute = z.strictObject({
  to: z
    .union([z.literal("default"), subnet, address], {
      error: 'is neither "default", a subnet nor an address',
    })
    .describe("Destination"),
  via: address.optional().describe("Gateway"),
  device: interfaceName
    .optional()
    .describe("Interface")
    .meta(valuesSince(laterValues.routeWithoutDevice)),
  source: address.optional().describe("Preferred source address"),
  metric: integer(0, 4294967295, "a metric").optional().describe("Metric"),
  table: integer(1, 4294967295, "a routing table")
    .optional()
    .describe("Routing table; main where it is left out"),
});

const virtualRule = z.strictObject({
  from: z
    .union([subnet, address], { error: "is neither a subnet nor an address" })
    .optional()
    .describe("Source"),
  to: z
    .union([subnet, address], { error: "is neither a subnet nor an address" })
    .optional()
    .describe("Destination"),
  table: integer(1, 4294967295, "a routing table").describe("Routing table looked into"),
  priority: integer(1, 32765, "a rule's priority").describe("Order among the rules"),
});

const extraAddress = z.strictObject({
  address: virtualAddress.describe("Address, with its prefix where it needs one"),
  interface: interfaceName.optional().describe("Interface; the instance's where it is left out"),
});

const vmac = z.strictObject({
  interface: interfaceName
    .optional()
    .describe("Name of the interface; `vrrp.` and the virtual router id where it is left out"),
});

/** What can differ between instances; each takes `vrrp`'s where it says nothing. */
const perInstance = {
  interface: linkName
    .default("eth1")
    .describe("Interface of the adverts and the virtual addresses (the cookbook's value)"),
  version: z
    .union([z.literal(2), z.literal(3)], { error: "is not 2 or 3" })
    .default(3)
    .describe("Protocol version; 2 knows neither fractions of a second nor IPv6"),
  advertIntervalSeconds: seconds(0.01, 255)
    .default(0.3)
    .describe(
      "Seconds between adverts; a director is missed after three (at 0.1 a busy host flips)",
    ),
  unicast: flag
    .default(true)
    .describe("Adverts go to the other directors' own addresses rather than to a multicast group"),
  unicastTtl: integer(1, 255, "a TTL")
    .optional()
    .describe("TTL or hop limit of unicast adverts; 255 where it is left out"),
  checkUnicastSource: flag
    .default(false)
    .describe("Unicast adverts that come from none of the other directors are ignored"),
  multicastGroup: multicastAddress(
    /^(22[4-9]|23\d)\.|^ff[0-9a-f]2:/i,
    "a multicast address (of IPv6, of the link's scope: ff02::12)",
  )
    .optional()
    .describe(
      "Multicast group of the adverts; 224.0.0.18 or ff02::12 where it is left out. Only where `unicast` is false",
    )
    .meta({ since: "2.2.5" }),
  preempt: flag
    .default(false)
    .describe(
      "A director whose priority is or becomes the higher one takes over; otherwise the active one keeps the addresses until it fails",
    ),
  preemptDelaySeconds: seconds(0, 1000).optional().describe("Seconds that it waits before it does"),
  downTimerAdverts: integer(1, 100, "a number of adverts")
    .optional()
    .describe("Adverts missed until a director counts as gone, in place of the protocol's 3")
    .meta({ since: "2.2.3" }),
  trackPrimaryInterface: flag
    .default(true)
    .describe("A fault of `interface` is a fault of the instance"),
  accept: flag
    .optional()
    .describe(
      "Packets to the virtual addresses are accepted by an active director; true where it is left out. False is for an instance without virtual servers, whose packets it would drop",
    ),
  promoteSecondaries: flag.optional().describe("Sets the interface's `promote_secondaries`"),
  smtpAlert: flag.default(false).describe("Mail to `email.to` at a change of state"),
  vmac: vmac
    .optional()
    .describe("The virtual addresses have the protocol's MAC address, on an interface of their own")
    .meta(valuesSince(laterValues.vmacOfUnicast)),
  garp,
  ...track,
  notify,
  virtualAddresses: listOf(extraAddress, "addresses")
    .default([])
    .describe(
      "Further addresses that move with the instance: a gateway of real servers behind NAT, say",
    ),
  virtualRoutes: listOf(virtualRoute, "routes").default([]).describe("Routes that move with it"),
  virtualRules: listOf(virtualRule, "rules")
    .default([])
    .describe("Routing rules that move with it"),
  otherKeywords: otherKeywords("vrrp_instance").default([]),
};

type PerInstance = typeof perInstance;
export type InstanceKey = keyof PerInstance;

/** Keys of `vrrp` that an instance can have for itself. */
export const instanceKeys = Object.keys(perInstance) as InstanceKey[];

/** The same keys without defaults: what an instance leaves out is `vrrp`'s. */
const overrides = Object.fromEntries(
  Object.entries(perInstance).map(([key, type]) => {
    const inner =
      type instanceof z.ZodDefault || type instanceof z.ZodPrefault ? type.unwrap() : type;
    return [
      key,
      (inner instanceof z.ZodOptional ? inner : inner.optional()).describe(
        `As \`vrrp.${key}\`, which holds where it is left out`,
      ),
    ];
  }),
) as unknown as { [Key in keyof PerInstance]: z.ZodOptional<PerInstance[Key]> };

const virtualRouterId = integer(1, 255, "a virtual router id");

const instance = z.strictObject({
  name: blockName.describe("Unique: VI_1"),
  virtualRouterId: virtualRouterId.describe("Unique on the network segment"),
  directors: z
    .record(
      name,
      z.strictObject({
        priority: integer(1, 254, "a VRRP priority")
          .optional()
          .describe("Its priority here; its own where it is left out"),
        vrrpAddress: addressWithPrefix
          .optional()
          .describe(
            "Its own address on this instance's interface; its `vrrpAddress` where it is left out",
          ),
      }),
      { error: "is not a set of directors, name to { priority?, vrrpAddress? }" },
    )
    .default({})
    .describe("What is a director's own here, by its name"),
  ...overrides,
});

const syncGroup = z.strictObject({
  name: blockName.describe("Unique: VG_1"),
  instances: listOf(blockName, "instances' names")
    .min(2, { error: "has fewer than two instances: a group of one says nothing" })
    .describe("Instances that change state together"),
  ...track,
  notify: groupNotify.optional().describe("Scripts of `scripts` run at a change of state"),
  smtpAlert: flag.default(false).describe("Mail to `email.to` at a change of state"),
});

const interfaceDelay = z
  .strictObject({
    name: interfaceName.describe("Interface").meta({ since: "2.2.3" }),
    downSeconds: seconds(0, 255)
      .default(0)
      .describe("Seconds that it must be down before it counts as down"),
    upSeconds: seconds(0, 255)
      .default(0)
      .describe("Seconds that it must be up before it counts as up")
      .meta(valuesSince(laterValues.longUpDelay)),
  })
  .meta({ since: "2.2.3" });

const syncDaemon = z
  .strictObject({
    id: integer(0, 255, "a sync id")
      .optional()
      .describe("Sync id; the first instance's virtual router id where it is left out"),
    maxLength: integer(1, 65507, "a number of bytes")
      .optional()
      .describe("Bytes of a datagram, at most; the interface's MTU where it is left out"),
    port: integer(1, 65535, "a port").default(8848).describe("UDP port"),
    ttl: integer(1, 255, "a TTL")
      .optional()
      .describe("TTL of its multicast; 1 where it is left out"),
    group: multicastAddress(/^(22[4-9]|23\d)\.|^ff/i, "a multicast address")
      .optional()
      .describe("Multicast group; 224.0.0.81 where it is left out"),
  })
  .prefault({})
  .describe("How connections are told: ipvsadm(8), --start-daemon");

export const vrrp = z
  .strictObject({
    virtualRouterId: virtualRouterId
      .default(51)
      .describe("Unique on the network segment (the cookbook's value)"),
    ...perInstance,
    garp: paced,
    syncInterface: linkName
      .default("eth0")
      .describe("Interface of the connection sync daemon (the cookbook's value)"),
    connectionSync: flag
      .default(true)
      .describe("The active director's connections are told to the standby"),
    syncDaemon,
    interfaceDelays: listOf(interfaceDelay, "interfaces")
      .default([])
      .describe(
        "Interfaces that may go down or up for a moment: a change that doesn't last is passed over. A delay that is taken out again holds until keepalived restarts",
      ),
    instances: listOf(instance, "VRRP instances")
      .min(1, {
        error: "is empty: name an instance, or leave the key out for one of the name VI_1",
      })
      .optional()
      .describe(
        "Several instances, each with virtual servers of its own (`virtualServers[].vrrpInstance`): each director can be active for some",
      ),
    syncGroups: listOf(syncGroup, "groups")
      .default([])
      .describe("Instances that change state together"),
  })
  .prefault({})
  .describe("VRRP, and what the directors tell each other");

/** Folders that everybody may write to: a file that somebody else has put there would be written to. */
const sharedFolder = /^\/(tmp|var\/tmp|dev\/shm|(var|run)\/lock)\//;

const fifoPath = path
  .refine((value) => !sharedFolder.test(value), {
    error: "is in a folder that everybody may write to; /run is not",
  })
  .describe(
    "Path of the FIFO, which keepalived makes in a folder that is there; only who runs its script can read it, or `daemon.scriptUser`",
  );

const notifyFifo = z.strictObject({
  path: fifoPath,
  script: hook
    .optional()
    .describe("Script that reads it, run by keepalived with the path as its last argument"),
});

const cpuAffinity = (process: string) =>
  listOf(integer(0, 1023, "a CPU's number"), "CPUs' numbers")
    .min(1, { error: "is empty: name a CPU, or leave the key out for all" })
    .max(128, { error: "has more than 128 CPUs" })
    .optional()
    .describe(
      `CPUs that the ${process} process runs on, by number; all where it is left out. Taken out again, it holds until keepalived restarts`,
    );

/** Log levels aside, what the keepalived daemon itself is told. */
export const daemon = z
  .strictObject({
    vrrpPriority: integer(-20, 19, "a nice value")
      .default(-20)
      .describe("Nice value of the VRRP process (at 0, load on the host makes directors flip)"),
    checkerPriority: integer(-20, 19, "a nice value")
      .default(-10)
      .describe("Nice value of the checker process"),
    vrrpRealtimePriority: integer(1, 99, "a real-time priority")
      .optional()
      .describe("Real-time priority of the VRRP process (at 50 the kernel killed it under load)"),
    checkerRealtimePriority: integer(1, 99, "a real-time priority")
      .optional()
      .describe(
        "Real-time priority of the checker process, which the kernel then kills if it works for 10 ms at a stretch; none where it is left out",
      ),
    vrrpCpuAffinity: cpuAffinity("VRRP"),
    checkerCpuAffinity: cpuAffinity("checker"),
    noSwap: flag.default(false).describe("VRRP and checker processes stay in memory"),
    startupDelaySeconds: seconds(0.001, 3600)
      .optional()
      .describe("Seconds between keepalived's start and its first part in VRRP"),
    scriptUser: userName.default("root").describe("Who runs scripts that name no user"),
    startupScript: timedHook
      .optional()
      .describe(
        "Script run when keepalived starts, which waits for it; a reload, by which `pulumi up` brings a change, runs none",
      ),
    shutdownScript: timedHook.optional().describe("Script run when keepalived has ended its work"),
    vrrpNotifyFifo: notifyFifo
      .optional()
      .describe("FIFO that changes of VRRP instances and sync groups are written to"),
    lvsNotifyFifo: notifyFifo
      .optional()
      .describe("FIFO that changes of real servers and virtual servers are written to"),
    notifyFifo: z
      .strictObject({ path: fifoPath })
      .optional()
      .describe("FIFO that both are written to"),
    realServerInitNotifies: flag
      .default(false)
      .describe("`notifyUp` is run and FIFOs are told of real servers that keepalived starts with"),
    ipvsTimeouts: z
      .strictObject({
        tcpSeconds: integer(1, 2678400, "a number of seconds")
          .optional()
          .describe("Idle TCP connections; the kernel's 900 where it is left out"),
        tcpFinSeconds: integer(1, 2678400, "a number of seconds")
          .optional()
          .describe("After a FIN; the kernel's 120 where it is left out"),
        udpSeconds: integer(1, 2678400, "a number of seconds")
          .optional()
          .describe("Idle UDP; the kernel's 300 where it is left out"),
      })
      .prefault({})
      .describe("Seconds after which IPVS forgets a connection: ipvsadm(8), --set"),
    otherKeywords: otherKeywords("global_defs").default([]),
  })
  .prefault({})
  .describe("The keepalived daemon itself");
