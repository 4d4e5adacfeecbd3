// Rules about the owner of an address: a single host, or none for a virtual address.
import { isAdvertised } from "../render/advertised";
import {
  canonical,
  checkedFamily,
  isAddress,
  isLinkLocal,
  isLoopback,
  placeInNetwork,
  valueAt,
  type StackConfig,
} from "../schema";
import { addressesOf, familyOfService, membersOf, writtenAddresses } from "../settings";
import { written } from "./checks";
import { rule, type Rule } from "./rule";

/** A place in the config that gives a host its own address, or a name to reach it by. */
interface Own {
  at: string;
  value: string;
  host: Host;
  /** The address that directors forward to. */
  isTarget?: boolean;
}

/** An entry in the config: two entries with the same name are two hosts. */
interface Host {
  name: string;
  role: "director" | "real server";
}

/** Rules about addresses. */
export const addressRules: Rule[] = [
  rule({
    needs: ["directors", "realServers", "vrrp", "tracking"],
    find: (config) => {
      const owners = new Map<string, Own>();
      return ownAddresses(config).flatMap((own) => {
        const owner = owners.get(spelt(own.value));
        if (owner === undefined) owners.set(spelt(own.value), own);
        if (owner === undefined || owner.host === own.host) return [];
        return [
          own.isTarget && owner.host.role === "director"
            ? forwardsToItself(own, owner)
            : `${belongsTo(own, owner)}; each host must have its own`,
        ];
      });
    },
  }),
  rule({
    needs: ["directors", "vrrp", "tracking"],
    find: (config) =>
      watched(config).flatMap(({ at, value, by }) => {
        const owner = ownAddresses({ ...config, realServers: [] }).find(
          (own) => own.host.name === by && spelt(own.value) === spelt(value),
        );
        return owner
          ? [
              `${belongsTo({ at, value }, owner)}, and a director that watches itself sees no fault; it must be another host's`,
            ]
          : [];
      }),
  }),
  rule({
    needs: ["directors", "virtualServers", "vrrp", "tracking"],
    find: (config) => {
      const virtual = firsts(virtualAddressesOf(config));
      return watched(config).flatMap(({ at, value }) => {
        const other = virtual.get(spelt(value));
        return other
          ? [
              `${at}: "${value}" is a virtual address of the stack (${other.at}), so the active director would watch itself; it must be another host's own`,
            ]
          : [];
      });
    },
  }),
  rule({
    needs: ["directors", "vrrp", "tracking"],
    // One of the two ends must start: RFC 5880, 6.1.
    find: (config) => {
      const owners = firsts(ownAddresses({ ...config, realServers: [] }));
      const silent = watched(config).flatMap(({ at, value, by, passive, session }) => {
        const to = owners.get(spelt(value))?.host.name;
        return passive && to !== undefined ? [{ at, value, by, to, session }] : [];
      });
      return silent.flatMap(({ by, to, session }, i) =>
        silent.slice(i + 1).some((other) => other.by === to && other.to === by)
          ? [
              `${session}.passive: true waits for ${to} to begin, which waits for ${by}; one of two must be active`,
            ]
          : [],
      );
    },
  }),
  rule({
    needs: ["directors", "realServers", "virtualServers", "vrrp", "tracking"],
    find: (config) => {
      const owners = firsts(ownAddresses(config));
      return virtualAddressesOf(config).flatMap((virtual) => {
        const owner = owners.get(spelt(virtual.value));
        return owner ? [`${belongsTo(virtual, owner)}; a virtual address must be nobody's`] : [];
      });
    },
  }),
  rule({
    needs: ["directors", "virtualServers", "vrrp", "tracking"],
    find: (config) => {
      const owners = firsts(ownAddresses({ ...config, realServers: [] }));
      const virtual = firsts(virtualAddressesOf(config));
      return config.virtualServers.flatMap(({ sorryServer }, i) => {
        if (sorryServer === undefined) return [];
        const { address } = sorryServer;
        const sorry = { at: `virtualServers[${i}].sorryServer.address`, value: address };
        const owner = owners.get(spelt(address));
        const other = virtual.get(spelt(address));
        return [
          ...(owner ? [forwardsToItself(sorry, owner)] : []),
          ...(other
            ? [
                `${sorry.at}: "${address}" is a virtual address of the stack (${other.at}), which is the director itself; a sorry server needs an address of its own`,
              ]
            : []),
        ];
      });
    },
  }),
  rule({
    needs: ["directors", "realServers", "virtualServers", "vrrp", "tracking", "email"],
    find: (config) => {
      const networks = ownAddresses({ ...config, realServers: [] }).filter(({ value }) =>
        value.includes("/"),
      );
      return allAddresses(config).flatMap(({ at, value }) => {
        if (!isAddress(value)) return [];
        const address = canonical(value);
        if (isAdvertised(address)) {
          return [
            `${at}: "${value}" is of the addresses that VRRP's adverts tell of, 169.254.255.0/24 and fe80::5eff:fe00:200/120; it must be another`,
          ];
        }
        for (const { at: whose, value: network, host } of networks) {
          const place = placeInNetwork(address, network);
          if (place === undefined) continue;
          return [
            `${at}: "${value}" is ${place} of ${host.name}'s network (${network}, ${whose}), which no host can have`,
          ];
        }
        const place = value.includes("/") ? placeInNetwork(address, value) : undefined;
        const alone = checkedFamily(address) === "inet" ? 32 : 128;
        return place === undefined
          ? []
          : [
              `${at}: "${value}" is ${place} of the network that its own prefix makes, which no host can have; by itself it is ${address}/${alone}`,
            ];
      });
    },
  }),
  rule({
    needs: ["virtualServers", "realServers", "maintenance"],
    find: (config) =>
      targets(config).flatMap(({ at, value, forwarding, isManaged }) => {
        // Such an address is only valid on the host's own link, and IPVS refuses it:
        // ip_vs_new_dest() in ip_vs_ctl.c.
        if (isLinkLocal(value)) {
          return [
            `${at}: "${value}" is link-local, and IPVS forwards to no such address; it must be one of a network's`,
          ];
        }
        if (!isLoopback(value)) return [];
        // With NAT, packets from outside aren't rewritten to it: ip_vs_nat_xmit() in ip_vs_xmit.c.
        // With DR and TUN it is the director itself.
        if (forwarding === "NAT") {
          return [
            `${at}: "${value}" is the director itself, which NAT forwards nothing to; its forwarding must be DR`,
          ];
        }
        return isManaged
          ? [
              `${at}: "${value}" is the director itself, and no host that the stack sets up as a real server; set managed to false, or give the host's own address`,
            ]
          : [];
      }),
  }),
];

/** Every address that packets are sent to or come from, with its place. */
function allAddresses(
  config: Pick<
    StackConfig,
    "directors" | "realServers" | "virtualServers" | "vrrp" | "tracking" | "email"
  >,
): { at: string; value: string }[] {
  const { virtualServers, vrrp, email } = config;
  const routes = [
    { at: "vrrp", routes: vrrp.virtualRoutes },
    ...(vrrp.instances ?? []).map(({ virtualRoutes = [] }, i) => ({
      at: `vrrp.instances[${i}]`,
      routes: virtualRoutes,
    })),
  ];
  return [
    ...ownAddresses(config),
    ...virtualAddressesOf(config),
    ...watched(config),
    ...virtualServers.flatMap(({ sorryServer }, i) =>
      sorryServer
        ? [{ at: `virtualServers[${i}].sorryServer.address`, value: sorryServer.address }]
        : [],
    ),
    ...virtualServers
      .flatMap(written)
      .flatMap(({ at, check }) =>
        "address" in check && check.address !== undefined
          ? [{ at: `${at}.address`, value: check.address }]
          : [],
      ),
    ...routes.flatMap(({ at, routes: list }) =>
      list.flatMap((route, j) =>
        (["via", "source"] as const).flatMap((key) => {
          const value = route[key];
          return value === undefined ? [] : [{ at: `${at}.virtualRoutes[${j}].${key}`, value }];
        }),
      ),
    ),
    ...(email ? [{ at: "email.smtpServer", value: email.smtpServer }] : []),
  ];
}

/** The addresses that directors forward to, and the forwarding method. */
function targets(config: Pick<StackConfig, "virtualServers" | "realServers" | "maintenance">): {
  at: string;
  value: string;
  forwarding: StackConfig["virtualServers"][number]["forwarding"];
  isManaged: boolean;
}[] {
  return config.virtualServers.flatMap((service, i) => {
    const family = familyOfService(service);
    const { sorryServer } = service;
    return [
      ...membersOf(config, service.realServers).flatMap((member) => {
        const index = config.realServers.findIndex(({ name }) => name === member.name);
        const realServer = config.realServers[index];
        const value = realServer && addressesOf(realServer)[family];
        if (realServer === undefined || value === undefined) return [];
        const key = (["address6", "address", "host"] as const).find((each) => {
          const own = realServer[each];
          return own !== undefined && isAddress(own) && canonical(own) === value;
        });
        return [
          {
            at: `realServers[${index}].${key ?? "address"}`,
            value,
            forwarding: member.forwarding ?? service.forwarding,
            isManaged: realServer.managed,
          },
        ];
      }),
      ...(sorryServer
        ? [
            {
              at: `virtualServers[${i}].sorryServer.address`,
              value: sorryServer.address,
              forwarding: sorryServer.forwarding ?? service.forwarding,
              isManaged: false,
            },
          ]
        : []),
    ];
  });
}

function belongsTo({ at, value }: Pick<Own, "at" | "value">, owner: Own): string {
  const what = isAddress(value) ? "address" : "name";
  return `${at}: "${value}" is ${owner.host.name}'s own ${what} (${owner.at})`;
}

/**
 * The standby doesn't hold the virtual address, so it would forward these packets back to the
 * active director.
 */
function forwardsToItself(target: Pick<Own, "at" | "value">, owner: Own): string {
  return `${belongsTo(target, owner)}, and a director forwards what it is sent, round and round; it must be another host's`;
}

/**
 * Every place where the config gives a host an address or a name; tests/config.test.ts checks that
 * no key of the schema is missing.
 */
function ownAddresses({
  directors,
  realServers,
  vrrp,
  tracking,
}: Pick<StackConfig, "directors" | "realServers" | "vrrp" | "tracking">): Own[] {
  return [
    ...directors.flatMap(({ name, ...director }, i) =>
      placed({ name, role: "director" }, [
        ...(["host", "vrrpAddress", "vrrpAddress6", "syncAddress"] as const).map((key) => ({
          at: `directors[${i}].${key}`,
          value: director[key],
        })),
        ...(vrrp.instances ?? []).map((instance, j) => ({
          at: `vrrp.instances[${j}].directors.${name}.vrrpAddress`,
          value: valueAt(instance.directors, name)?.vrrpAddress,
        })),
        ...tracking.bfd.map(({ source }, j) => ({
          at: `tracking.bfd[${j}].source.${name}`,
          value: valueAt(source, name),
        })),
      ]),
    ),
    ...realServers.flatMap(({ name, host, address, address6 }, i) =>
      placed({ name, role: "real server" }, [
        { at: `realServers[${i}].host`, value: host, isTarget: address === undefined },
        { at: `realServers[${i}].address`, value: address, isTarget: true },
        { at: `realServers[${i}].address6`, value: address6, isTarget: true },
      ]),
    ),
  ];
}

function placed(
  host: Host,
  entries: { at: string; value: string | undefined; isTarget?: boolean }[],
): Own[] {
  return entries.flatMap(({ value, ...entry }) =>
    value === undefined ? [] : [{ ...entry, value, host }],
  );
}

/** An address that a director watches with BFD. */
interface Watched {
  at: string;
  value: string;
  by: string;
  session: string;
  passive: boolean;
}

/** All addresses that directors watch with BFD. */
function watched({ directors, tracking }: Pick<StackConfig, "directors" | "tracking">): Watched[] {
  return tracking.bfd.flatMap(({ neighbor, passive }, i) =>
    directors.flatMap(({ name }) => {
      const session = `tracking.bfd[${i}]`;
      const watch = { by: name, session, passive };
      const at = `${session}.neighbor`;
      if (typeof neighbor === "string") return [{ ...watch, at, value: neighbor }];
      const value = valueAt(neighbor, name);
      return value === undefined ? [] : [{ ...watch, at: `${at}.${name}`, value }];
    }),
  );
}

/** Every virtual address with its place. */
function virtualAddressesOf({
  virtualServers,
  vrrp,
}: Pick<StackConfig, "virtualServers" | "vrrp">): { at: string; value: string }[] {
  return [
    ...virtualServers.flatMap((service, i) =>
      writtenAddresses(service).map((value, j) => ({
        at: service.traffic
          ? `virtualServers[${i}].traffic[${j}].address`
          : `virtualServers[${i}].address`,
        value,
      })),
    ),
    ...vrrp.virtualAddresses.map(({ address: value }, i) => ({
      at: `vrrp.virtualAddresses[${i}].address`,
      value,
    })),
    ...(vrrp.instances ?? []).flatMap(({ virtualAddresses }, i) =>
      (virtualAddresses ?? []).map(({ address: value }, j) => ({
        at: `vrrp.instances[${i}].virtualAddresses[${j}].address`,
        value,
      })),
    ),
  ];
}

/** The first place of each address. */
function firsts<T extends { value: string }>(places: T[]): Map<string, T> {
  return new Map(places.toReversed().map((place) => [spelt(place.value), place]));
}

/** One spelling for an address, with or without its prefix, or for a name: RFC 4343. */
function spelt(value: string): string {
  return isAddress(value) ? canonical(value) : value.toLowerCase();
}
