// A real server's entries in the directors' IPVS tables, in the words of ipvsadm(8).
import { canonical } from "../schema";
import {
  type AddressService,
  type Flow,
  type FwmarkService,
  type MemberSettings,
  type Settings,
  sorryPart,
  type VirtualServerSettings,
} from "../settings";

const services: Record<Flow["protocol"], string> = {
  TCP: "-t",
  UDP: "-u",
  SCTP: "--sctp-service",
};

const methods: Record<MemberSettings["forwarding"], string> = { DR: "-g", NAT: "-m", TUN: "-i" };

/**
 * A real server's lines of `ipvsadm -Sn` without weights:
 * `-a -t 192.0.2.100:80 -r 192.0.2.21:80 -g`.
 */
export function ipvsEntries({ virtualServers }: Pick<Settings, "virtualServers">, name: string) {
  return virtualServers.flatMap((service) =>
    service.realServers
      .filter((member) => member.name === name)
      .map((member) => {
        const { place, method } = entryWords(service, member);
        return `-a ${place} ${method}`;
      }),
  );
}

/** Every real server and sorry server in IPVS: `-t 192.0.2.100:80 -r 192.0.2.21:80`. */
export function ipvsPlaces({ virtualServers }: Pick<Settings, "virtualServers">): string[] {
  return virtualServers.flatMap((service) =>
    [...service.realServers, ...sorryPart(service)].map(
      (member) => entryWords(service, member).place,
    ),
  );
}

/**
 * The words for a real server in a virtual service: `-t 192.0.2.100:80`,
 * `-t 192.0.2.100:80 -r 192.0.2.21:80`, `-g`. Only NAT changes the port; in a fwmark service it
 * stays the one that the client asked for.
 */
export function entryWords(
  service: Named,
  { address, port, forwarding }: Pick<MemberSettings, "address" | "port" | "forwarding">,
): { service: string; place: string; method: string } {
  const key = serviceWords(service);
  const servicePort = service.fwmark === undefined ? service.port : 0;
  const real = endpoint(canonical(address), forwarding === "NAT" ? port : servicePort);
  return { service: key, place: `${key} -r ${real}`, method: methods[forwarding] };
}

/** A virtual service's line: `-A -t 192.0.2.100:80 -s sh -p 300 -b sh-port`. */
export function serviceLine(
  service: Named &
    Pick<VirtualServerSettings, "scheduler" | "schedulerFlags"> &
    Partial<
      Pick<
        VirtualServerSettings,
        | "family"
        | "onePacketScheduling"
        | "persistenceTimeoutSeconds"
        | "persistenceGranularity"
        | "persistenceEngine"
      >
    >,
): string {
  const { family = "inet", persistenceGranularity, persistenceEngine } = service;
  const mask = persistenceMask({ family, persistenceGranularity });
  const flags = schedulerFlags(service).sort();
  return [
    `-A ${serviceWords(service)} -s ${service.scheduler}`,
    ...(service.persistenceTimeoutSeconds
      ? [
          `-p ${service.persistenceTimeoutSeconds}`,
          // A mask of all bits is the default.
          ...(mask === undefined || mask === "255.255.255.255" || mask === 128
            ? []
            : [`-M ${mask}`]),
          ...(persistenceEngine === undefined ? [] : [`--pe ${persistenceEngine}`]),
        ]
      : []),
    ...(service.onePacketScheduling ? ["-o"] : []),
    ...(flags.length === 0 ? [] : [`-b ${flags.join(",")}`]),
  ].join(" ");
}

/** `192.0.2.100:80` or `[2001:db8::100]:80`. */
export function endpoint(address: string, port: number): string {
  return `${address.includes(":") ? `[${address}]` : address}:${port}`;
}

/** The keys that identify a virtual server. */
export type Named =
  | Pick<FwmarkService, "fwmark" | "family">
  | Pick<AddressService, "fwmark" | "protocol" | "address" | "port">;

/**
 * A virtual service's name in the kernel, which the operator's command uses, too:
 * `TCP 192.0.2.100:80`, `FWM 1`, `FWM 1 IPv6`.
 */
export function kernelService(service: Named): string {
  return service.fwmark === undefined
    ? `${service.protocol} ${endpoint(canonical(service.address), service.port)}`
    : `FWM ${service.fwmark}${service.family === "inet6" ? " IPv6" : ""}`;
}

function serviceWords(service: Named): string {
  return service.fwmark === undefined
    ? `${services[service.protocol]} ${endpoint(service.address, service.port)}`
    : `-f ${service.fwmark}${service.family === "inet6" ? " -6" : ""}`;
}

/**
 * The scheduler flags from the config, and the fallback flag, which sends clients elsewhere while
 * their real server has weight 0.
 */
export function schedulerFlags({
  scheduler,
  schedulerFlags: wanted,
}: Pick<VirtualServerSettings, "scheduler" | "schedulerFlags">): string[] {
  const hashes = scheduler === "sh" || scheduler === "mh";
  return [...new Set([...wanted, ...(hashes ? [`${scheduler}-fallback`] : [])])];
}

/** `persistenceGranularity` for ipvsadm(8): a mask for IPv4, a prefix length for IPv6. */
export function persistenceMask({
  family,
  persistenceGranularity: length,
}: Pick<VirtualServerSettings, "family" | "persistenceGranularity">): string | number | undefined {
  if (length === undefined || family === "inet6") return length;
  const mask = (0xffffffff << (32 - length)) >>> 0;
  return [24, 16, 8, 0].map((shift) => (mask >>> shift) & 0xff).join(".");
}

/** Whether a check sets the real server's weight instead of the config. */
export function weightIsDynamic({ checks }: Pick<MemberSettings, "checks">): boolean {
  return checks.some(
    ({ check }) => check.type === "file" || (check.type === "misc" && check.dynamic === true),
  );
}
