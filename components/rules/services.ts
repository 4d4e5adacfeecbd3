// Rules about virtual servers and their real servers.
import { backendNames, firewallBackends } from "../firewall";
import {
  canonical,
  checkedFamily,
  isAddress,
  isInNetworkOf,
  isLinkLocal,
  isLoopback,
  type Family,
  type StackConfig,
} from "../schema";
import {
  addressesOf,
  familyOfService,
  flowsOf,
  instancesOf,
  isForeign,
  membersOf,
  networksOf,
  writtenAddresses,
  type Flow,
} from "../settings";
import { overlapping, wordsOf, type PortFlow } from "./flows";
import { strayDirectors } from "./hosts";
import { named, repeated, rule, unknown, type Rule } from "./rule";

type Service = StackConfig["virtualServers"][number];

interface Placed {
  at: string;
  flow: PortFlow;
}

/** Rules about virtual servers. */
export const serviceRules: Rule[] = [
  rule({
    needs: ["virtualServers"],
    find: ({ virtualServers }) => repeated("name", named("virtualServers", virtualServers)),
  }),
  rule({
    needs: ["virtualServers"],
    find: ({ virtualServers }) =>
      virtualServers.flatMap(({ address, port, protocol, fwmark, traffic }, i) => {
        const at = `virtualServers[${i}]`;
        if (fwmark === undefined) {
          return [
            ...(address === undefined
              ? [`${at}.address: is missing; it must be an IP address, unless fwmark is set`]
              : []),
            ...(port === undefined
              ? [`${at}.port: is missing; it must be a port (1–65535), unless fwmark is set`]
              : []),
            ...(traffic
              ? [`${at}.traffic: is there, but no fwmark to mark it with (1–65535)`]
              : []),
          ];
        }
        return [
          ...(address === undefined
            ? []
            : [
                `${at}.address: "${address}" says where clients connect, and fwmark does so, too; move it to traffic`,
              ]),
          ...(port === undefined
            ? []
            : [`${at}.port: ${port} belongs to an address; with fwmark, ports are in traffic`]),
          // TCP is the default, so it says nothing.
          ...(protocol === "TCP"
            ? []
            : [
                `${at}.protocol: "${protocol}" belongs to an address; with fwmark, protocols are in traffic`,
              ]),
          ...(traffic
            ? []
            : [`${at}.traffic: is missing; it must say what is marked with ${fwmark}`]),
        ];
      }),
  }),
  rule({
    needs: ["virtualServers"],
    find: ({ virtualServers }) => [
      ...repeated(
        "firewall mark",
        virtualServers.map(({ fwmark }, i) => ({
          at: `virtualServers[${i}].fwmark`,
          value: fwmark,
        })),
      ),
      ...overlaps(virtualServers),
    ],
  }),
  rule({
    needs: ["virtualServers"],
    find: ({ virtualServers }) => [
      ...virtualServers.flatMap((service, i) => {
        const families = new Set(writtenAddresses(service).map(checkedFamily));
        return families.size > 1
          ? [
              `virtualServers[${i}].traffic: mixes IPv4 and IPv6; a service is of one family, so make two`,
            ]
          : [];
      }),
      ...prefixesThatDiffer(virtualServers),
    ],
  }),
  rule({
    needs: ["virtualServers", "directors", "vrrp"],
    find: (config) => {
      const instances = instancesOf(config);
      const strays = strayDirectors(config);
      return config.virtualServers.flatMap((service, i) =>
        writtenAddresses(service).flatMap((address, j) => {
          const instance =
            instances.find(({ name }) => name === service.vrrpInstance) ?? instances[0];
          const networks = config.directors.map(({ name, vrrpAddress, vrrpAddress6 }) =>
            checkedFamily(address) === instance?.family
              ? instance.members.find((member) => member.name === name)?.address
              : checkedFamily(vrrpAddress) === checkedFamily(address)
                ? vrrpAddress
                : vrrpAddress6,
          );
          if (address.includes("/") || !isForeign(address, networks)) return [];
          // If the directors share no network, only that error is reported.
          const isStray = strays.some(
            (stray) => stray.instance === instance?.name && stray.family === checkedFamily(address),
          );
          if (isStray) return [];
          const at = service.traffic
            ? `virtualServers[${i}].traffic[${j}].address`
            : `virtualServers[${i}].address`;
          const known = networks.filter((network) => network !== undefined);
          return [
            `${at}: "${address}" is outside the directors' networks (${known.join(", ") || "none of its family"}); give it its own prefix ("${address}/${checkedFamily(address) === "inet" ? 32 : 128}") if it is routed or a portable subnet`,
          ];
        }),
      );
    },
  }),
  rule({
    needs: ["virtualServers", "realServers"],
    find: ({ virtualServers, realServers }) =>
      virtualServers.flatMap(({ realServers: chosen }, i) => {
        const members = (chosen ?? []).map(({ name }, j) => ({
          at: `virtualServers[${i}].realServers[${j}].name`,
          value: name,
        }));
        return [
          ...unknown(
            "real server",
            members,
            realServers.map(({ name }) => name),
          ),
          ...repeated("real server", members),
        ];
      }),
  }),
  rule({
    needs: ["virtualServers", "realServers", "maintenance"],
    find: ({ virtualServers, realServers, maintenance }) =>
      virtualServers.flatMap((service, i) => {
        const family = familyOfService(service);
        return membersOf({ realServers, maintenance }, service.realServers).flatMap(({ name }) => {
          const realServer = realServers.find((known) => known.name === name);
          if (realServer === undefined || addressesOf(realServer)[family] !== undefined) return [];
          return [
            `virtualServers[${i}]: ${service.name} is ${words[family]}, and real server ${name} has no ${words[family]} address; give it ${family === "inet6" ? "address6" : "an IPv4 address"}, or name the real servers`,
          ];
        });
      }),
  }),
  rule({
    needs: ["virtualServers", "realServers", "maintenance"],
    find: ({ virtualServers, realServers, maintenance }) =>
      virtualServers.flatMap((service, i) =>
        membersOf({ realServers, maintenance }, service.realServers).flatMap((member, j) => {
          const forwarding = member.forwarding ?? service.forwarding;
          const at = `virtualServers[${i}].realServers[${j}].port`;
          if (member.port === undefined || forwarding === "NAT") return [];
          if (service.fwmark !== undefined) {
            return [
              `${at}: ${member.port} is given, but ${forwarding} cannot change ports: leave it out where fwmark is set`,
            ];
          }
          return member.port !== service.port
            ? [
                `${at}: ${member.port} differs from the virtual server's port ${service.port}; ${forwarding} cannot change ports, so it must be ${service.port}`,
              ]
            : [];
        }),
      ),
  }),
  rule({
    needs: ["virtualServers", "realServers", "maintenance"],
    find: ({ virtualServers, realServers, maintenance }) =>
      virtualServers.flatMap((service, i) => {
        const at = `virtualServers[${i}]`;
        const weigh = (absent: string[]) =>
          membersOf({ realServers, maintenance: absent }, service.realServers).reduce(
            (sum, { weight }) => sum + weight,
            0,
          );
        const total = weigh(maintenance);
        const whole = weigh([]);
        if (total === 0) {
          return [
            `${at}: every real server of ${service.name} has weight 0, so it would answer nobody; at least one must be above 0`,
          ];
        }
        return [
          ...(service.quorum > total
            ? [
                `${at}.quorum: ${service.quorum} is more than all its real servers weigh together (${total}), so it could never be reached`,
              ]
            : []),
          ...(service.hysteresis >= service.quorum && service.hysteresis > 0
            ? [
                `${at}.hysteresis: ${service.hysteresis} is not below quorum (${service.quorum}); 0–${service.quorum - 1} is allowed`,
              ]
            : []),
          // Maintenance ends, so a hysteresis is compared with all real servers.
          ...(service.hysteresis > 0 &&
          service.hysteresis < service.quorum &&
          service.quorum <= total &&
          service.quorum + service.hysteresis > whole
            ? [
                `${at}.hysteresis: ${service.hysteresis} with quorum ${service.quorum} is more than all its real servers weigh together (${whole}), so a quorum that is lost would never be gained again; ${service.quorum === whole ? 0 : `0–${whole - service.quorum}`} is allowed`,
              ]
            : []),
        ];
      }),
  }),
  rule({
    needs: ["virtualServers"],
    find: ({ virtualServers }) => virtualServers.flatMap(schedulingErrors),
  }),
  rule({
    needs: ["virtualServers", "realServers", "maintenance", "directors", "vrrp"],
    // If a director has several interfaces, the config doesn't know every network: the director's
    // preflight asks the kernel.
    find: (config) => {
      const { virtualServers, realServers, directors } = config;
      const instances = instancesOf(config);
      if (!hasOneInterface(config)) return [];
      const forwarded = virtualServers.flatMap((service, i) => {
        const family = familyOfService(service);
        const { sorryServer } = service;
        return [
          ...membersOf(config, service.realServers).map((member) => {
            const index = realServers.findIndex(({ name }) => name === member.name);
            const realServer = realServers[index];
            return {
              at: `realServers[${index}].${family === "inet6" && realServer?.address6 !== undefined ? "address6" : "address"}`,
              address: realServer && addressesOf(realServer)[family],
              forwarding: member.forwarding ?? service.forwarding,
            };
          }),
          {
            at: `virtualServers[${i}].sorryServer.address`,
            address: sorryServer?.address,
            forwarding: sorryServer?.forwarding ?? service.forwarding,
          },
        ];
      });
      return forwarded.flatMap(({ at, address, forwarding }) => {
        if (forwarding !== "DR" || address === undefined) return [];
        // Another rule covers link-local addresses, and loopback is the director itself.
        if (!isAddress(address) || isLinkLocal(address) || isLoopback(address)) return [];
        const far = directors.find(
          (director) =>
            !networksOf(instances, director).some((network) => isInNetworkOf(address, network)),
        );
        return far
          ? [
              `${at}: "${address}" is outside the networks of ${far.name} (${[...new Set(networksOf(instances, far))].join(", ")}), and DR reaches the directors' own segment only; its forwarding must be TUN or NAT`,
            ]
          : [];
      });
    },
  }),
  rule({
    needs: ["virtualServers", "realServers", "maintenance"],
    find: ({ virtualServers, realServers, maintenance }) =>
      virtualServers.flatMap((service, i) =>
        sorryErrors(service, `virtualServers[${i}]`, { realServers, maintenance }),
      ),
  }),
  rule({
    needs: ["virtualServers"],
    find: ({ virtualServers }) =>
      virtualServers.flatMap(({ realServers }, i) =>
        (realServers ?? []).flatMap((member, j) => {
          const { upperThreshold: upper, lowerThreshold: lower } = member;
          return lower !== undefined && lower > (upper ?? 0)
            ? [
                `virtualServers[${i}].realServers[${j}].lowerThreshold: ${lower} is above upperThreshold (${upper ?? "none"})`,
              ]
            : [];
        }),
      ),
  }),
  rule({
    needs: ["virtualServers", "firewall"],
    find: ({ virtualServers, firewall }) =>
      virtualServers.flatMap(({ fwmark, protocol, traffic }, i) =>
        [
          ...(fwmark === undefined ? [{ at: "protocol", protocol }] : []),
          ...(traffic ?? []).map((flow, j) => ({ at: `traffic[${j}].protocol`, ...flow })),
        ].flatMap((flow) =>
          firewallBackends[firewall.backend].speaks(flow.protocol)
            ? []
            : [
                `virtualServers[${i}].${flow.at}: "${flow.protocol}" is a protocol that ${firewall.backend} has no word for; firewall.backend must be ${backendsFor(flow.protocol)}`,
              ],
        ),
      ),
  }),
];

/** Firewall back ends that can let a protocol in, by name: what `auto` finds is not known before the host is asked. */
function backendsFor(protocol: Flow["protocol"]): string {
  return backendNames
    .filter((name) => name !== "auto" && firewallBackends[name].speaks(protocol))
    .join(" or ");
}

/**
 * Whether everything the config says about the directors is on one interface, in networks whose
 * prefixes it knows.
 */
function hasOneInterface(config: Pick<StackConfig, "vrrp" | "directors" | "virtualServers">) {
  const { vrrp, directors } = config;
  const instances = instancesOf(config);
  const devices = new Set([
    ...(vrrp.connectionSync ? [vrrp.syncInterface] : []),
    ...instances.flatMap(({ interface: device, virtualAddresses }) => [
      device,
      ...virtualAddresses.map((virtual) => virtual.interface),
    ]),
  ]);
  return (
    devices.size === 1 &&
    directors.every((director) =>
      [director.host, director.syncAddress].every(
        (own) =>
          own === undefined ||
          networksOf(instances, director).some((network) => isInNetworkOf(own, network)),
      ),
    )
  );
}

const words: Record<Family, string> = { inet: "IPv4", inet6: "IPv6" };

/**
 * IPVS looks for a mark before an address and port: if two services match a packet, one would get
 * none.
 */
function overlaps(virtualServers: Service[]): string[] {
  const earlier = new Map<string, Placed[]>();
  return virtualServers
    .flatMap((service, i) =>
      flowsOf(service).flatMap(({ ports, ...flow }, j) =>
        (ports ?? [undefined]).map((port): Placed => ({
          at: service.traffic ? `virtualServers[${i}].traffic[${j}]` : `virtualServers[${i}]`,
          flow: { ...flow, port },
        })),
      ),
    )
    .flatMap((placed) => {
      const { address, protocol } = placed.flow;
      const key = `${address} ${protocol}`;
      const others = earlier.get(key) ?? [];
      earlier.set(key, [...others, placed]);
      const other = others.find(({ flow }) => overlapping(flow, placed.flow));
      return other
        ? [
            `${placed.at}: "${wordsOf(placed.flow)}" is also "${wordsOf(other.flow)}" of ${other.at}; a packet must be for one service only`,
          ]
        : [];
    });
}

/** A director has each address once, so it has one prefix. */
function prefixesThatDiffer(virtualServers: Service[]): string[] {
  const first = new Map<string, string>();
  return virtualServers.flatMap((service, i) =>
    writtenAddresses(service).flatMap((address, j) => {
      const key = canonical(address);
      const prefix = address.split("/")[1] ?? "none";
      const earlier = first.get(key) ?? prefix;
      first.set(key, earlier);
      if (earlier === prefix) return [];
      const at = service.traffic
        ? `virtualServers[${i}].traffic[${j}].address`
        : `virtualServers[${i}].address`;
      return [
        `${at}: "${address}" has the prefix ${prefix}, and an earlier virtual server gives the same address ${earlier}; write it alike`,
      ];
    }),
  );
}

function schedulingErrors(service: Service, i: number): string[] {
  const at = `virtualServers[${i}]`;
  const { scheduler, schedulerFlags, fwmark } = service;
  const protocols = [...new Set(flowsOf(service).map(({ protocol }) => protocol))];
  // Other rules report what an incomplete service lacks.
  const hasUdp = protocols.length === 0 || protocols.includes("UDP");
  const family = familyOfService(service);
  const errors = schedulerFlags.flatMap((name, j) =>
    name.startsWith(`${scheduler}-`)
      ? []
      : [
          `${at}.schedulerFlags[${j}]: "${name}" is no flag of the scheduler ${scheduler}; sh and mh have flags, each its own`,
        ],
  );
  errors.push(
    ...repeated(
      "flag",
      schedulerFlags.map((value, j) => ({ at: `${at}.schedulerFlags[${j}]`, value })),
    ),
  );
  // The kernel schedules single packets only for UDP: ip_vs_schedule() in ip_vs_core.c.
  if (service.onePacketScheduling && !hasUdp) {
    errors.push(`${at}.onePacketScheduling: true is for UDP, not for ${protocols.join(", ")}`);
  }
  if (service.haSuspend && fwmark !== undefined) {
    errors.push(`${at}.haSuspend: true is for an address; which one it is, a fwmark doesn't tell`);
  }
  if (service.persistenceTimeoutSeconds === 0) {
    for (const key of ["persistenceGranularity", "persistenceEngine"] as const) {
      if (service[key] !== undefined) {
        errors.push(
          `${at}.${key}: ${JSON.stringify(service[key])} needs persistenceTimeoutSeconds above 0`,
        );
      }
    }
  }
  if (family === "inet" && (service.persistenceGranularity ?? 0) > 32) {
    errors.push(
      `${at}.persistenceGranularity: ${service.persistenceGranularity} is not a prefix length of IPv4 (1–32)`,
    );
  }
  if (service.persistenceEngine === "sip" && !hasUdp) {
    errors.push(`${at}.persistenceEngine: "sip" reads UDP only, not ${protocols.join(", ")}`);
  }
  return errors;
}

function sorryErrors(
  service: Service,
  at: string,
  { realServers, maintenance }: Pick<StackConfig, "realServers" | "maintenance">,
): string[] {
  const { sorryServer } = service;
  if (sorryServer === undefined) return [];
  const family = familyOfService(service);
  const forwarding = sorryServer.forwarding ?? service.forwarding;
  const errors: string[] = [];
  if (checkedFamily(sorryServer.address) !== family) {
    errors.push(
      `${at}.sorryServer.address: "${sorryServer.address}" is not ${words[family]}, as the virtual server is`,
    );
  }
  const same = membersOf({ realServers, maintenance }, service.realServers).filter(({ name }) => {
    const realServer = realServers.find((known) => known.name === name);
    const address = realServer && addressesOf(realServer)[family];
    return address !== undefined && canonical(address) === canonical(sorryServer.address);
  });
  for (const { name, port, inhibitOnFailure } of same) {
    // keepalived changes it itself and logs an error: validate_check_config() in check_data.c.
    const inhibits = inhibitOnFailure ?? service.inhibitOnFailure;
    const sorryInhibits = sorryServer.inhibitOnFailure ?? false;
    const isIt = (port ?? service.port ?? 0) === (sorryServer.port ?? 0);
    if (forwarding === "NAT" && isIt && inhibits !== sorryInhibits) {
      errors.push(
        `${at}.sorryServer.inhibitOnFailure: is ${sorryInhibits}, and its real server ${name} is the same server, for which it is ${inhibits}; both must be alike`,
      );
    }
  }
  if (same.length > 0 && forwarding !== "NAT") {
    errors.push(
      `${at}.sorryServer.address: "${sorryServer.address}" is one of its real servers; a sorry server stands in for all of them`,
    );
  }
  if (service.fwmark === undefined && sorryServer.port === undefined) {
    errors.push(`${at}.sorryServer.port: is missing; it must be a port (1–65535)`);
  }
  if (
    forwarding !== "NAT" &&
    sorryServer.port !== undefined &&
    (service.fwmark !== undefined || sorryServer.port !== service.port)
  ) {
    errors.push(
      `${at}.sorryServer.port: ${sorryServer.port} is not the virtual server's; ${forwarding} cannot change ports, so ${service.fwmark === undefined ? `it must be ${service.port}` : "leave it out"}`,
    );
  }
  return errors;
}
