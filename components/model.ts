// What a host is meant to do, as data beside the texts that it is brought: an output of its component, which the operator's command reads
// from the stack's state. Nothing reads a rendered text back.
import { z } from "zod";
import { throughName, throughWays } from "./render/checks";
import {
  endpoint,
  kernelService,
  persistenceMask,
  schedulerFlags,
  weightIsDynamic,
} from "./render/ipvs";
import type { LoopbackAddress } from "./render/loopback";
import { canonical, forwardings } from "./schema";
import {
  firstPort,
  syncId,
  type DirectorSettings,
  type MemberSettings,
  type Settings,
  type VirtualServerSettings,
} from "./settings";

/** What a check by HTTP asks for first. */
const httpCheckSchema = z.object({
  tls: z.boolean(),
  path: z.string(),
  virtualHost: z.string().optional(),
  /** Status codes and ranges of them that are right: `200`, `200-299`. */
  statusCodes: z.array(z.string()),
});

/** A VRRP instance, as one director has it. */
const instanceSchema = z.object({
  name: z.string(),
  interface: z.string(),
  priority: z.number(),
  /** It takes over from an active director of a lower priority. */
  preempt: z.boolean(),
  /** What moves with it, without prefixes; IPv6 in its shortest form. */
  addresses: z.array(z.string()),
});

/** A real server in a pool. What it doesn't say is as its virtual server has it, or usual: most say a name and an address. */
const memberSchema = z.object({
  /** Its name in the stack config. */
  name: z.string(),
  /** IPv6 in its shortest form. */
  address: z.string(),
  port: z.number().optional(),
  forwarding: z.enum(forwardings).optional(),
  weight: z.number().default(1),
  /** Connections from which on it gets no new ones, and below which it does again; 0 is no limit. */
  upperThreshold: z.number().default(0),
  lowerThreshold: z.number().default(0),
  /** Its weight is what a check says. */
  weightIsDynamic: z.boolean().default(false),
  /** It is out until its checks have succeeded once: no line in the log says so. */
  startsOut: z.boolean().default(false),
});

const serviceSchema = z.object({
  /** Its name in the kernel: `TCP 192.0.2.100:80`, `FWM 1 IPv6`. */
  service: z.string(),
  /** Its name in the stack config. */
  name: z.string(),
  /** The VRRP instance that it moves with; absent where only checks go through it. */
  vrrpInstance: z.string().optional(),
  /** Only the director's own checks go through it, whose packets have its mark: it has the real server alone that they ask. */
  forChecks: z.boolean().default(false),
  /** Its packets are told by a mark, which its traffic gets. */
  isMark: z.boolean().default(false),
  /** Where clients come to it; no port is every port, and of a range it is the first. */
  traffic: z.array(
    z.object({ protocol: z.string(), address: z.string(), port: z.number().optional() }),
  ),
  scheduler: z.string(),
  /** In the order in which ipvsadm(8) prints them. */
  schedulerFlags: z.array(z.string()).default([]),
  onePacketScheduling: z.boolean().default(false),
  persistenceSeconds: z.number().default(0),
  persistenceMask: z.string().optional(),
  persistenceEngine: z.string().optional(),
  /** 0 of a mark: the port that the client asked for. */
  port: z.number(),
  forwarding: z.enum(forwardings),
  /** Which of the director's pools it has. */
  pool: z.number(),
  /** `ADDRESS:PORT` in the kernel. */
  sorryServer: z.string().optional(),
  check: httpCheckSchema.optional(),
});

const syncDaemonSchema = z.object({
  interface: z.string(),
  syncId: z.number(),
  /** The kernel's own where the config says none, as the others: ip_vs_sync.c. */
  group: z.string().default("224.0.0.81"),
  port: z.number().default(8848),
  ttl: z.number().default(1),
});

/**
 * What a director does. Virtual servers have pools alike as a rule: each different one is there once, so that a state with a hundred virtual
 * servers before the same real servers stays small.
 */
export const directorSchema = z
  .object({
    /** Its keepalived is stopped. */
    inMaintenance: z.boolean(),
    instances: z.array(instanceSchema),
    /** Absent where connections aren't told to the other directors. */
    syncDaemon: syncDaemonSchema.optional(),
    pools: z.array(z.array(memberSchema)),
    services: z.array(serviceSchema),
  })
  .transform(({ pools, services, ...rest }) => ({
    ...rest,
    services: services.map(({ pool, port, forwarding, ...service }) => ({
      ...service,
      realServers: (pools[pool] ?? []).map((member) => {
        const own = { ...member, port: member.port ?? port };
        const method = member.forwarding ?? forwarding;
        return {
          ...own,
          forwarding: method,
          /** `ADDRESS:PORT` in the kernel: only NAT changes a port, IPVS takes the service's in any other case. */
          endpoint: endpoint(own.address, method === "NAT" ? own.port : port),
          /** The same in keepalived's log. */
          logged: endpoint(own.address, own.port),
        };
      }),
    })),
  }));

/** What a real server does. */
export const realServerSchema = z.object({
  /** The virtual addresses that it answers for, by the interface that has them. */
  addresses: z.record(z.string(), z.array(z.string())),
});

/** A director's model as its component writes it, and as it is read. */
export type DirectorOutput = z.input<typeof directorSchema>;
export type DirectorModel = z.output<typeof directorSchema>;
export type RealServerModel = z.output<typeof realServerSchema>;
export type Instance = DirectorModel["instances"][number];
export type SyncDaemonModel = NonNullable<DirectorModel["syncDaemon"]>;
export type Service = DirectorModel["services"][number];
export type Member = Service["realServers"][number];
export type HttpCheck = z.output<typeof httpCheckSchema>;

type MemberOutput = z.input<typeof memberSchema>;
type ServiceOutput = z.input<typeof serviceSchema>;

/** What one of the settings' directors does. */
export function directorModel(settings: Settings, director: DirectorSettings): DirectorOutput {
  const { instances, virtualServers, vrrp } = settings;
  const pools = new Pools();
  const services = [
    ...virtualServers.map((service) => serviceOf(service, pools)),
    ...throughWays(virtualServers).map(
      ({ mark, realServer, realAddress, forwarding }): ServiceOutput => ({
        service: kernelService({
          fwmark: mark,
          family: realAddress.includes(":") ? "inet6" : "inet",
        }),
        name: throughName(realServer),
        forChecks: true,
        isMark: true,
        traffic: [],
        scheduler: "rr",
        port: 0,
        forwarding,
        pool: pools.of([{ name: realServer, address: canonical(realAddress) }]),
      }),
    ),
  ];
  return {
    inMaintenance: director.inMaintenance,
    instances: instances.map(
      ({ name, interface: device, preempt, members, virtualAddresses: carried }) => ({
        name,
        interface: device,
        priority: members.find((own) => own.name === director.name)?.priority ?? director.priority,
        preempt,
        addresses: carried.map(({ address }) => address),
      }),
    ),
    ...(vrrp.connectionSync
      ? {
          syncDaemon: {
            interface: vrrp.syncInterface,
            // With one, there is an instance.
            syncId: syncId(settings) ?? 0,
            group: vrrp.syncDaemon.group && canonical(vrrp.syncDaemon.group),
            port: vrrp.syncDaemon.port === 8848 ? undefined : vrrp.syncDaemon.port,
            ttl: vrrp.syncDaemon.ttl,
          },
        }
      : {}),
    pools: pools.all,
    services,
  };
}

/** What a real server with these virtual addresses does. */
export function realServerModel(carried: LoopbackAddress[]): RealServerModel {
  const addresses: RealServerModel["addresses"] = {};
  for (const { address, interface: device } of carried) {
    (addresses[device] ??= []).push(address);
  }
  return { addresses };
}

/** Each different pool once. */
class Pools {
  readonly all: MemberOutput[][] = [];
  private readonly known = new Map<string, number>();

  /** The number of a pool, which is new or known. */
  of(members: MemberOutput[]): number {
    const text = JSON.stringify(members);
    const number = this.known.get(text) ?? this.all.push(members) - 1;
    this.known.set(text, number);
    return number;
  }
}

function serviceOf(service: VirtualServerSettings, pools: Pools): ServiceOutput {
  const port = service.fwmark === undefined ? service.port : 0;
  const { persistenceTimeoutSeconds: seconds, persistenceEngine, sorryServer } = service;
  const flags = schedulerFlags(service).sort();
  const mask = persistenceMask(service);
  // A mark's ports may serve different things.
  const check = service.fwmark === undefined ? httpCheck(service) : undefined;
  return {
    service: kernelService(service),
    name: service.name,
    vrrpInstance: service.vrrpInstance,
    ...(service.fwmark === undefined ? {} : { isMark: true }),
    traffic: service.flows.flatMap(({ address, protocol, ports }) =>
      (ports ?? [undefined]).map((entry) => ({
        protocol,
        address,
        ...(entry === undefined ? {} : { port: firstPort({ address, protocol, ports: [entry] }) }),
      })),
    ),
    scheduler: service.scheduler,
    ...(flags.length === 0 ? {} : { schedulerFlags: flags }),
    ...(service.onePacketScheduling ? { onePacketScheduling: true } : {}),
    ...(seconds ? { persistenceSeconds: seconds } : {}),
    ...(mask === undefined ? {} : { persistenceMask: String(mask) }),
    ...(persistenceEngine === undefined ? {} : { persistenceEngine }),
    port,
    forwarding: service.forwarding,
    pool: pools.of(service.realServers.map((member) => memberOf(member, service, port))),
    ...(sorryServer === undefined
      ? {}
      : {
          sorryServer: endpoint(
            canonical(sorryServer.address),
            sorryServer.forwarding === "NAT" ? sorryServer.port : port,
          ),
        }),
    ...(check === undefined ? {} : { check }),
  };
}

function memberOf(
  { name, address, checks, ...member }: MemberSettings,
  service: VirtualServerSettings,
  servicePort: number,
): MemberOutput {
  const { port, forwarding, weight, upperThreshold, lowerThreshold } = member;
  const startsOut = service.alpha || checks.some(({ check }) => "alpha" in check && check.alpha);
  return {
    name,
    address: canonical(address),
    ...(port === servicePort ? {} : { port }),
    ...(forwarding === service.forwarding ? {} : { forwarding }),
    ...(weight === 1 ? {} : { weight }),
    ...(upperThreshold ? { upperThreshold } : {}),
    ...(lowerThreshold ? { lowerThreshold } : {}),
    ...(weightIsDynamic({ checks }) ? { weightIsDynamic: true } : {}),
    ...(startsOut ? { startsOut: true } : {}),
  };
}

/** The first check by HTTP of any real server. */
function httpCheck({ realServers, virtualHost }: VirtualServerSettings): HttpCheck | undefined {
  for (const { check } of realServers.flatMap(({ checks }) => checks)) {
    if (check.type !== "http" && check.type !== "https") continue;
    const [url] = check.urls;
    const host = url?.virtualHost ?? check.virtualHost ?? virtualHost;
    return {
      tls: check.type === "https",
      path: url?.path ?? "/",
      ...(host === undefined ? {} : { virtualHost: host }),
      // What keepalived takes for right where nothing is said: keepalived.conf(5), status_code.
      statusCodes: url?.status?.map(String) ?? ["200-299"],
    };
  }
  return undefined;
}
