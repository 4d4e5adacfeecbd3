// A host's intended state as data, beside the texts it gets. Each component outputs it, and the
// operator's command reads it from the stack's state. Rendered texts are never parsed back.
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

/** The first request of an HTTP check. */
const httpCheckSchema = z.object({
  tls: z.boolean(),
  path: z.string(),
  virtualHost: z.string().optional(),
  /** Accepted status codes and ranges: `200`, `200-299`. */
  statusCodes: z.array(z.string()),
});

/** A VRRP instance on one director. */
const instanceSchema = z.object({
  name: z.string(),
  interface: z.string(),
  priority: z.number(),
  /** Takes over from an active director with a lower priority. */
  preempt: z.boolean(),
  /** The addresses that move with it, without prefixes; IPv6 in its shortest form. */
  addresses: z.array(z.string()),
});

/**
 * A real server in a pool. Omitted values are the virtual server's or the default; most entries
 * have only a name and an address.
 */
const memberSchema = z.object({
  /** Name in the stack config. */
  name: z.string(),
  /** IPv6 in its shortest form. */
  address: z.string(),
  port: z.number().optional(),
  forwarding: z.enum(forwardings).optional(),
  weight: z.number().default(1),
  /**
   * No new connections from `upperThreshold` connections on, until they are below `lowerThreshold`;
   * 0 is no limit.
   */
  upperThreshold: z.number().default(0),
  lowerThreshold: z.number().default(0),
  /** A check sets the weight. */
  weightIsDynamic: z.boolean().default(false),
  /** The real server is out until its checks have succeeded once; no log line says so. */
  startsOut: z.boolean().default(false),
});

const serviceSchema = z.object({
  /** Name in the kernel: `TCP 192.0.2.100:80`, `FWM 1 IPv6`. */
  service: z.string(),
  /** Name in the stack config. */
  name: z.string(),
  /** The VRRP instance that it moves with; absent if only checks use the service. */
  vrrpInstance: z.string().optional(),
  /**
   * Only the director's own marked check packets use it, and it has only the real server that they
   * ask.
   */
  forChecks: z.boolean().default(false),
  /** Packets are recognised by a mark, which `traffic` gets. */
  isMark: z.boolean().default(false),
  /** Where clients connect. No port means every port; for a range it is the first port. */
  traffic: z.array(
    z.object({ protocol: z.string(), address: z.string(), port: z.number().optional() }),
  ),
  scheduler: z.string(),
  /** In ipvsadm(8)'s order. */
  schedulerFlags: z.array(z.string()).default([]),
  onePacketScheduling: z.boolean().default(false),
  persistenceSeconds: z.number().default(0),
  persistenceMask: z.string().optional(),
  persistenceEngine: z.string().optional(),
  /** 0 for a mark: the port that the client asked for. */
  port: z.number(),
  forwarding: z.enum(forwardings),
  /** Index in the director's `pools`. */
  pool: z.number(),
  /** `ADDRESS:PORT` in the kernel. */
  sorryServer: z.string().optional(),
  check: httpCheckSchema.optional(),
});

const syncDaemonSchema = z.object({
  interface: z.string(),
  syncId: z.number(),
  /** The kernel's default if the config has none, as for `port` and `ttl`: ip_vs_sync.c. */
  group: z.string().default("224.0.0.81"),
  port: z.number().default(8848),
  ttl: z.number().default(1),
});

/**
 * What a director does. Virtual servers usually have the same pool, so each different pool is
 * stored once: this keeps the state of a hundred virtual servers with the same real servers small.
 */
export const directorSchema = z
  .object({
    /** The director's keepalived is stopped. */
    inMaintenance: z.boolean(),
    instances: z.array(instanceSchema),
    /** Absent without connection sync. */
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
          /**
           * `ADDRESS:PORT` in the kernel. Only NAT changes the port; otherwise IPVS uses the
           * service's.
           */
          endpoint: endpoint(own.address, method === "NAT" ? own.port : port),
          /** `ADDRESS:PORT` in keepalived's log. */
          logged: endpoint(own.address, own.port),
        };
      }),
    })),
  }));

/** What a real server does. */
export const realServerSchema = z.object({
  /** The virtual addresses that it answers for, by interface. */
  addresses: z.record(z.string(), z.array(z.string())),
});

/** A director's model as its component writes it. */
export type DirectorOutput = z.input<typeof directorSchema>;
/** A director's model as it is read. */
export type DirectorModel = z.output<typeof directorSchema>;
/** A real server's model. */
export type RealServerModel = z.output<typeof realServerSchema>;
/** A VRRP instance in a director's model. */
export type Instance = DirectorModel["instances"][number];
/** The connection sync daemon in a director's model. */
export type SyncDaemonModel = NonNullable<DirectorModel["syncDaemon"]>;
/** A virtual service in a director's model. */
export type Service = DirectorModel["services"][number];
/** A real server of a service in a director's model. */
export type Member = Service["realServers"][number];
/** The first request of an HTTP check. */
export type HttpCheck = z.output<typeof httpCheckSchema>;

type MemberOutput = z.input<typeof memberSchema>;
type ServiceOutput = z.input<typeof serviceSchema>;

/** The model of one of the settings' directors. */
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
            // Connection sync needs an instance, so there is an id.
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

/** The model of a real server with these virtual addresses. */
export function realServerModel(carried: LoopbackAddress[]): RealServerModel {
  const addresses: RealServerModel["addresses"] = {};
  for (const { address, interface: device } of carried) {
    (addresses[device] ??= []).push(address);
  }
  return { addresses };
}

/** Collects pools, each different one once. */
class Pools {
  readonly all: MemberOutput[][] = [];
  private readonly known = new Map<string, number>();

  /** The index of a pool, which is added if it is new. */
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
  // The ports of a mark may serve different things.
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

/** The first HTTP check of any real server. */
function httpCheck({ realServers, virtualHost }: VirtualServerSettings): HttpCheck | undefined {
  for (const { check } of realServers.flatMap(({ checks }) => checks)) {
    if (check.type !== "http" && check.type !== "https") continue;
    const [url] = check.urls;
    const host = url?.virtualHost ?? check.virtualHost ?? virtualHost;
    return {
      tls: check.type === "https",
      path: url?.path ?? "/",
      ...(host === undefined ? {} : { virtualHost: host }),
      // keepalived's default: keepalived.conf(5), status_code.
      statusCodes: url?.status?.map(String) ?? ["200-299"],
    };
  }
  return undefined;
}
