// Rules about VRRP instances, groups and what they track.
import {
  canonical,
  checkedFamily,
  trackLists,
  valueAt,
  type InstanceKey,
  type StackConfig,
} from "../schema";
import {
  defaultPriority,
  instancesOf,
  ownAddress,
  writtenAddresses,
  type InstanceSettings,
} from "../settings";
import { longestDelay } from "../keepalived/facts";
import { weightOf } from "../tracking";
import { places } from "./names";
import { named, repeated, rule, unknown, type Rule } from "./rule";

/** The place of an instance's own keys: `vrrp` if there is only one instance. */
const place = (vrrp: StackConfig["vrrp"], i: number) =>
  vrrp.instances ? `vrrp.instances[${i}]` : "vrrp";

/** The place of a key that an instance may inherit from `vrrp`. */
export const placeOf = (vrrp: StackConfig["vrrp"], i: number, key: InstanceKey) =>
  vrrp.instances?.[i]?.[key] === undefined ? "vrrp" : `vrrp.instances[${i}]`;

/** Rules about VRRP. */
export const vrrpRules: Rule[] = [
  rule({
    needs: ["vrrp"],
    find: ({ vrrp }) => [
      ...repeated("name", named("vrrp.instances", vrrp.instances ?? [])),
      ...repeated("name", named("vrrp.syncGroups", vrrp.syncGroups)),
    ],
  }),
  rule({
    needs: ["vrrp", "virtualServers"],
    find: ({ vrrp, virtualServers }) =>
      unknown(
        "VRRP instance",
        virtualServers.map(({ vrrpInstance }, i) => ({
          at: `virtualServers[${i}].vrrpInstance`,
          value: vrrpInstance,
        })),
        vrrp.instances?.map(({ name }) => name) ?? ["VI_1"],
      ),
  }),
  rule({
    needs: ["vrrp", "directors"],
    find: ({ vrrp, directors }) =>
      (vrrp.instances ?? []).flatMap(({ directors: own }, i) =>
        unknown(
          "director",
          Object.keys(own).map((value) => ({ at: `vrrp.instances[${i}].directors`, value })),
          directors.map(({ name }) => name),
        ),
      ),
  }),
  rule({
    needs: ["vrrp", "directors", "virtualServers"],
    find: (config) => {
      const instances = instancesOf(config);
      return [
        ...repeated(
          "virtual router id",
          instances.map(({ virtualRouterId, interface: device, family }, i) => ({
            at: `${place(config.vrrp, i)}.virtualRouterId`,
            value: `${virtualRouterId} on ${device} (${family})`,
          })),
        ),
        ...repeated(
          "address",
          instances.flatMap(({ virtualAddresses }, i) =>
            virtualAddresses.map(({ address }) => ({ at: place(config.vrrp, i), value: address })),
          ),
        ),
        ...instances.flatMap(({ members }, i) =>
          repeated(
            "priority",
            members.map(({ name, priority }, j) => ({
              at: config.vrrp.instances
                ? `vrrp.instances[${i}].directors.${name}.priority`
                : `directors[${j}].priority`,
              value: priority,
            })),
          ),
        ),
      ];
    },
  }),
  rule({
    needs: ["vrrp", "directors", "virtualServers"],
    find: (config) =>
      instancesOf(config).flatMap((instance, i) => {
        const at = place(config.vrrp, i);
        const { name, version, family, unicast, virtualAddresses, members } = instance;
        if (virtualAddresses.length === 0) {
          // The virtual server that may be meant for it already has an error.
          if (config.virtualServers.some((service) => isUnplaced(service, config.vrrp))) return [];
          return [
            `${at}: ${name} carries no virtual address; name it as a virtual server's vrrpInstance, give it virtualAddresses, or remove it`,
          ];
        }
        const errors: string[] = [];
        if (version === 2 && family === "inet6") {
          errors.push(
            `${placeOf(config.vrrp, i, "version")}.version: 2 knows no IPv6, and ${name} has IPv6 addresses only; 3 does`,
          );
        }
        const without = members.filter(({ address }) => address === undefined);
        if (unicast && without.length > 0) {
          errors.push(
            family === "inet6"
              ? `${at}.unicast: true needs an IPv6 address of every director for ${name}, which has IPv6 addresses only; give ${without.map((member) => member.name).join(", ")} vrrpAddress6`
              : `${at}.unicast: true needs an IPv4 address of every director for ${name}; give ${without.map((member) => member.name).join(", ")} an IPv4 vrrpAddress`,
          );
        }
        return errors;
      }),
  }),
  rule({
    needs: ["vrrp", "directors", "virtualServers"],
    find: (config) =>
      instancesOf(config).flatMap((instance, i) => {
        const { version, advertIntervalSeconds: interval, preempt, preemptDelaySeconds } = instance;
        const at = `${placeOf(config.vrrp, i, "advertIntervalSeconds")}.advertIntervalSeconds: ${interval}`;
        const errors: string[] = [];
        if (version === 2 && (!Number.isInteger(interval) || interval < 1)) {
          errors.push(`${at} is not whole; VRRP version 2 knows whole seconds only (1–255)`);
        }
        if (version === 3 && interval > 40.95) {
          errors.push(`${at} is more than VRRP version 3 can say (0.01–40.95)`);
        }
        if (version === 3 && Number(interval.toFixed(2)) !== interval) {
          errors.push(`${at} is not in steps of 0.01, the unit of VRRP version 3 (RFC 5798)`);
        }
        if (preemptDelaySeconds !== undefined && !preempt) {
          errors.push(
            `${placeOf(config.vrrp, i, "preemptDelaySeconds")}.preemptDelaySeconds: ${preemptDelaySeconds} says when to take over again, and preempt is false; set it to true`,
          );
        }
        return errors;
      }),
  }),
  rule({
    needs: ["vrrp", "directors", "virtualServers"],
    find: (config) =>
      instancesOf(config).flatMap((instance, i) => {
        const at = (key: InstanceKey) => `${placeOf(config.vrrp, i, key)}.${key}`;
        const { name, family, unicast, unicastTtl, checkUnicastSource, multicastGroup } = instance;
        if (!unicast) {
          return [
            ...(unicastTtl === undefined
              ? []
              : [
                  `${at("unicastTtl")}: ${unicastTtl} is for unicast adverts, and unicast is false`,
                ]),
            ...(checkUnicastSource
              ? [`${at("checkUnicastSource")}: true is for unicast adverts, and unicast is false`]
              : []),
            ...(multicastGroup !== undefined && checkedFamily(multicastGroup) !== family
              ? [
                  `${at("multicastGroup")}: "${multicastGroup}" is not of the family of ${name}'s adverts, ${family === "inet" ? "IPv4" : "IPv6"}`,
                ]
              : []),
          ];
        }
        return multicastGroup === undefined
          ? []
          : [
              `${at("multicastGroup")}: "${multicastGroup}" is for multicast adverts, and unicast is true; set it to false`,
            ];
      }),
  }),
  rule({
    needs: ["vrrp", "directors", "virtualServers"],
    find: (config) => {
      const { interfaceDelays, syncGroups } = config.vrrp;
      const instances = instancesOf(config);
      const delayed = named("vrrp.interfaceDelays", interfaceDelays);
      return [
        ...repeated("interface", delayed),
        ...unknown("interface of VRRP", delayed, [
          ...new Set([
            ...instances.flatMap(({ interface: own, virtualAddresses, virtualRoutes }) => [
              own,
              ...virtualAddresses.map((virtual) => virtual.interface),
              ...virtualRoutes.flatMap(({ device }) => device ?? []),
            ]),
            ...[...instances, ...syncGroups].flatMap(({ trackInterfaces }) =>
              trackInterfaces.map(({ name }) => name),
            ),
          ]),
        ]),
        ...interfaceDelays.flatMap(({ name, downSeconds, upSeconds }, i) => {
          const at = `vrrp.interfaceDelays[${i}]`;
          const [shortest] = instances
            .filter((instance) => instance.interface === name)
            .sort((a, b) => longestDelay(a) - longestDelay(b));
          if (shortest === undefined) return [];
          const limit = longestDelay(shortest);
          if (limit === 0) {
            return (
              [
                ["downSeconds", downSeconds],
                ["upSeconds", upSeconds],
              ] as const
            ).flatMap(([key, value]) =>
              value > 0
                ? [
                    `${at}.${key}: ${value} is more than ${shortest.name} on ${name} leaves time for, which misses a director after one advert (downTimerAdverts); it must be 0`,
                  ]
                : [],
            );
          }
          return downSeconds > limit
            ? [
                `${at}.downSeconds: ${downSeconds} is too long for ${shortest.name} on ${name}: the others would take over before it says that it has a fault; it must be ${limit} at most`,
              ]
            : [];
        }),
      ];
    },
  }),
  rule({
    needs: ["vrrp", "daemon"],
    find: ({ vrrp, daemon }) =>
      daemon.vrrpNotifyFifo || daemon.notifyFifo
        ? []
        : places(vrrp).flatMap(({ at, block }) =>
            block.notify?.priorityChanges
              ? [
                  `${at}.notify.priorityChanges: true tells a FIFO, and there is none; set daemon.vrrpNotifyFifo`,
                ]
              : [],
          ),
  }),
  rule({
    needs: ["vrrp", "directors", "virtualServers"],
    find: (config) =>
      instancesOf(config).flatMap((instance, i) => {
        const at = (key: InstanceKey) => `${placeOf(config.vrrp, i, key)}.${key}`;
        return [
          ...instance.trackInterfaces.flatMap(({ name }, j) =>
            name === instance.interface
              ? [
                  `${at("trackInterfaces")}[${j}].name: "${name}" is the instance's own interface, which trackPrimaryInterface is for; remove it`,
                ]
              : [],
          ),
          ...instance.virtualRoutes.flatMap((route, j) => {
            const families = new Set(
              [route.to, route.via, route.source].flatMap((address) =>
                address === undefined || address === "default" ? [] : [checkedFamily(address)],
              ),
            );
            const where = `${at("virtualRoutes")}[${j}]`;
            return [
              ...(families.size > 1 ? [`${where}: mixes IPv4 and IPv6`] : []),
              ...(route.via === undefined && route.device === undefined
                ? [`${where}: has neither via nor device; it must say where packets go`]
                : []),
            ];
          }),
          ...instance.virtualRules.flatMap(({ from, to }, j) => {
            const where = `${at("virtualRules")}[${j}]`;
            if (from === undefined && to === undefined) {
              return [`${where}: has neither from nor to; it must say which packets it is for`];
            }
            return from !== undefined &&
              to !== undefined &&
              checkedFamily(from) !== checkedFamily(to)
              ? [`${where}: mixes IPv4 and IPv6`]
              : [];
          }),
        ];
      }),
  }),
  rule({
    needs: ["vrrp", "directors", "virtualServers"],
    find: (config) => {
      const instances = instancesOf(config);
      const others = new Set([
        "lo",
        config.vrrp.syncInterface,
        ...instances.flatMap((instance) => [
          instance.interface,
          ...instance.trackInterfaces.map(({ name }) => name),
          ...instance.virtualAddresses.map((virtual) => virtual.interface),
        ]),
      ]);
      const made = instances.flatMap(({ vmac }, i) =>
        vmac?.interface === undefined
          ? []
          : [
              {
                at: `${placeOf(config.vrrp, i, "vmac")}.vmac.interface`,
                value: vmac.interface,
              },
            ],
      );
      return [
        ...made.flatMap(({ at, value }) =>
          others.has(value)
            ? [`${at}: "${value}" is another interface's name; keepalived makes this one itself`]
            : [],
        ),
        ...repeated("interface", made),
      ];
    },
  }),
  rule({
    needs: ["vrrp", "directors", "virtualServers", "tracking"],
    find: (config) => {
      const instances = instancesOf(config);
      const names = instances.map(({ name }) => name);
      const grouped = config.vrrp.syncGroups.flatMap(({ instances: members }, i) =>
        members.map((value, j) => ({ at: `vrrp.syncGroups[${i}].instances[${j}]`, value })),
      );
      return [
        ...unknown("VRRP instance", grouped, names),
        ...repeated("instance", grouped),
        ...config.vrrp.syncGroups.flatMap((group, i) =>
          group.trackInterfaces.flatMap(({ name }, j) => {
            const owner = instances.find(
              (instance) =>
                group.instances.includes(instance.name) &&
                instance.interface === name &&
                // With a VMAC, keepalived always tracks the interface below it.
                (instance.trackPrimaryInterface || instance.vmac !== undefined),
            );
            return owner
              ? [
                  `vrrp.syncGroups[${i}].trackInterfaces[${j}].name: "${name}" is ${owner.name}'s own interface, which is tracked anyway; remove it`,
                ]
              : [];
          }),
        ),
        ...instances.flatMap((instance, i) => {
          const group = config.vrrp.syncGroups.find((one) => one.instances.includes(instance.name));
          if (group === undefined) return [];
          return trackLists.flatMap((list) =>
            instance[list].flatMap((entry, j) => {
              const at = `${placeOf(config.vrrp, i, list)}.${list}[${j}]`;
              const weight = weightOf(entry, list, config.tracking);
              return [
                ...(weight === 0
                  ? []
                  : [
                      `${at}.weight: ${weight}${entry.weight === undefined ? ", its own," : ""} is ignored in a sync group, whose instances keep together; set it to 0`,
                    ]),
                ...(group[list].some(({ name }) => name === entry.name)
                  ? [
                      `${at}.name: "${entry.name}" is tracked by the sync group ${group.name}, too; once is enough`,
                    ]
                  : []),
              ];
            }),
          );
        }),
      ];
    },
  }),
  rule({
    needs: ["vrrp", "directors", "virtualServers"],
    find: (config) =>
      config.vrrp.syncGroups.flatMap((group, i) => {
        const members = instancesOf(config).filter(({ name }) => group.instances.includes(name));
        const [first] = members;
        if (first === undefined) return [];
        const at = `vrrp.syncGroups[${i}].instances`;
        const order = (instance: InstanceSettings) =>
          [...instance.members].sort((a, b) => b.priority - a.priority).map(({ name }) => name);
        return members.flatMap((other) => [
          // A group becomes active only when all its instances can: vrrp_sync_can_goto_master() in
          // vrrp_sync.c.
          ...(other.preempt === first.preempt
            ? []
            : [
                `${at}: preempt is ${first.preempt} for ${first.name} and ${other.preempt} for ${other.name}, and a group takes over when all its instances do; give them the same`,
              ]),
          // "Constant re-elections": keepalived.conf(5), VRRP synchronization group(s).
          ...(order(other).join() === order(first).join()
            ? []
            : [
                `${at}: by priority, the directors are ${order(first).join(", ")} for ${first.name} and ${order(other).join(", ")} for ${other.name}, and a group is on one director; give them the same order`,
              ]),
        ]);
      }),
  }),
  rule({
    needs: ["vrrp", "directors", "virtualServers"],
    // keepalived drops the packets in a chain of the hook input at priority -1; IPVS sees them
    // later, at 98: ip_vs_core.c.
    find: (config) =>
      instancesOf(config).flatMap(({ name, accept }, i, instances) =>
        accept === false
          ? config.virtualServers.flatMap((service) =>
              (service.vrrpInstance ?? instances[0]?.name) === name
                ? [
                    `${placeOf(config.vrrp, i, "accept")}.accept: false drops what clients send to ${service.name}, a virtual server of ${name}; it is for an instance that carries vrrp.virtualAddresses only`,
                  ]
                : [],
            )
          : [],
      ),
  }),
  rule({
    needs: ["directors"],
    find: ({ directors }) =>
      directors.flatMap(({ priority }, i) =>
        priority === undefined && defaultPriority(i) < 1
          ? [
              `directors[${i}].priority: is missing; the default is for fifteen directors, so it must be a VRRP priority (1–254)`,
            ]
          : [],
      ),
  }),
  rule({
    needs: ["vrrp"],
    find: ({ vrrp }, hasSecret) => {
      const versions = (vrrp.instances ?? [vrrp]).map(({ version }) => version ?? vrrp.version);
      return hasSecret("vrrpAuthPass") && !versions.includes(2)
        ? [
            "vrrpAuthPass: version 3 has no authentication (RFC 5798); remove it, or set vrrp.version to 2",
          ]
        : [];
    },
  }),
  rule({
    needs: ["tracking", "directors"],
    find: ({ tracking, directors }) =>
      tracking.bfd.flatMap(({ name, neighbor, source, ttl, maxHops }, i) => {
        const at = `tracking.bfd[${i}]`;
        const known = directors.map((director) => director.name);
        const errors: string[] = [];
        if (typeof neighbor !== "string") {
          errors.push(
            ...unknown("director", keysAt(neighbor, `${at}.neighbor`), known),
            ...known
              .filter((director) => valueAt(neighbor, director) === undefined)
              .map(
                (director) =>
                  `${at}.neighbor: says nothing for ${director}; ${name} is on every director`,
              ),
          );
        }
        errors.push(...unknown("director", keysAt(source ?? {}, `${at}.source`), known));
        for (const director of known) {
          const to = typeof neighbor === "string" ? neighbor : valueAt(neighbor, director);
          const from = valueAt(source, director);
          if (to !== undefined && from !== undefined && checkedFamily(to) !== checkedFamily(from)) {
            errors.push(`${at}.source.${director}: "${from}" is not of the family of "${to}"`);
          }
        }
        const families = Object.values(typeof neighbor === "string" ? [neighbor] : neighbor);
        const hops = ttl ?? (families.some((to) => checkedFamily(to) === "inet6") ? 64 : 255);
        // keepalived compares -1 as 255.
        if (maxHops !== undefined && (maxHops === -1 ? 255 : maxHops) > hops) {
          errors.push(
            `${at}.maxHops: ${maxHops === -1 ? "-1 (any number)" : maxHops} is above ttl (${hops}${ttl === undefined ? ", keepalived's own" : ""})`,
          );
        }
        return errors;
      }),
  }),
  rule({
    needs: ["tracking", "directors"],
    find: ({ tracking, directors }) =>
      directors.flatMap((director) =>
        repeated(
          `neighbour of ${director.name}`,
          tracking.bfd.map(({ neighbor }, i) => {
            const to = typeof neighbor === "string" ? neighbor : valueAt(neighbor, director.name);
            return {
              at: `tracking.bfd[${i}].neighbor`,
              value: to === undefined ? undefined : canonical(to),
            };
          }),
        ),
      ),
  }),
  rule({
    needs: ["tracking"],
    find: ({ tracking }) => [
      ...tracking.files.flatMap(({ initialValue = 0, weight = 1 }, i) =>
        Math.abs(initialValue * weight) > 254
          ? [
              `tracking.files[${i}].initialValue: ${initialValue} times the weight ${weight} is not a change of priority (-254–254)`,
            ]
          : [],
      ),
      ...tracking.processes.flatMap(({ quorum, quorumMax }, i) =>
        quorumMax !== undefined && quorumMax < quorum
          ? [`tracking.processes[${i}].quorumMax: ${quorumMax} is below quorum (${quorum})`]
          : [],
      ),
    ],
  }),
  rule({
    needs: ["vrrp", "directors"],
    find: ({ vrrp, directors }) =>
      (vrrp.instances ?? []).flatMap(({ directors: own }, i) =>
        directors.flatMap((director) => {
          const address = valueAt(own, director.name)?.vrrpAddress;
          const family = address === undefined ? undefined : checkedFamily(address);
          return family !== undefined && ownAddress(director, family) === undefined
            ? [
                `vrrp.instances[${i}].directors.${director.name}.vrrpAddress: "${address}" is of a family that ${director.name} has no address of; give it vrrpAddress6`,
              ]
            : [];
        }),
      ),
  }),
];

function isUnplaced(
  service: StackConfig["virtualServers"][number],
  { instances = [{ name: "VI_1" }] }: { instances?: { name: string }[] },
): boolean {
  const { vrrpInstance } = service;
  return (
    writtenAddresses(service).length === 0 ||
    (vrrpInstance !== undefined && !instances.some(({ name }) => name === vrrpInstance))
  );
}

function keysAt(record: object, at: string): { at: string; value: string }[] {
  return Object.keys(record).map((value) => ({ at, value }));
}
