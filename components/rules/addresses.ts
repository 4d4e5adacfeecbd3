// Rules about whose an address is: one host's, or a virtual one that is nobody's.
import { canonical, isAddress, valueAt, type StackConfig } from "../schema";
import { writtenAddresses } from "../settings";
import { rule, type Rule } from "./rule";

/** A place of the config that gives a host an address of its own, or a name to reach it by. */
interface Own {
  at: string;
  value: string;
  host: Host;
  /** It is what directors forward to. */
  isTarget?: boolean;
}

/** One entry of the config: of two with one name, each is a host. */
interface Host {
  name: string;
  role: "director" | "real server";
}

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
];

function belongsTo({ at, value }: Pick<Own, "at" | "value">, owner: Own): string {
  const what = isAddress(value) ? "address" : "name";
  return `${at}: "${value}" is ${owner.host.name}'s own ${what} (${owner.at})`;
}

/** The standby would forward what it gets for the virtual address, which it doesn't hold, back to the active one. */
function forwardsToItself(target: Pick<Own, "at" | "value">, owner: Own): string {
  return `${belongsTo(target, owner)}, and a director forwards what it is sent, round and round; it must be another host's`;
}

/** Every place where the config gives a host an address or a name: tests/config.test.ts asks that no key of the schema is forgotten. */
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

/** What the directors watch by BFD. */
function watched({
  directors,
  tracking,
}: Pick<StackConfig, "directors" | "tracking">): { at: string; value: string; by: string }[] {
  return tracking.bfd.flatMap(({ neighbor }, i) =>
    directors.flatMap(({ name }) => {
      const at = `tracking.bfd[${i}].neighbor`;
      if (typeof neighbor === "string") return [{ at, value: neighbor, by: name }];
      const value = valueAt(neighbor, name);
      return value === undefined ? [] : [{ at: `${at}.${name}`, value, by: name }];
    }),
  );
}

/** Every virtual address, and where it is written. */
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

/** Of each address, the place that has it first. */
function firsts<T extends { value: string }>(places: T[]): Map<string, T> {
  return new Map(places.toReversed().map((place) => [spelt(place.value), place]));
}

/** One spelling for an address, with or without its prefix, and for a name: RFC 4343. */
function spelt(value: string): string {
  return isAddress(value) ? canonical(value) : value.toLowerCase();
}
