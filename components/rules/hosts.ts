// Rules about directors and real servers.
import {
  canonical,
  checkedFamily,
  isAddress,
  isInNetworkOf,
  valueAt,
  type Family,
  type StackConfig,
} from "../schema";
import { instancesOf, ownAddressFor, writtenAddresses } from "../settings";
import { named, repeated, rule, unknown, type Rule } from "./rule";

export const hostRules: Rule[] = [
  rule({
    needs: ["directors", "realServers"],
    find: ({ directors, realServers }) =>
      repeated("name", [...named("directors", directors), ...named("realServers", realServers)]),
  }),
  rule({
    needs: ["directors", "realServers"],
    find: ({ directors, realServers }) => [
      ...repeated("host", [
        ...directors.map(({ host }, i) => ({ at: `directors[${i}].host`, value: host })),
        ...realServers.map(({ host }, i) => ({ at: `realServers[${i}].host`, value: host })),
      ]),
      ...repeated(
        "address",
        directors.flatMap(({ vrrpAddress, vrrpAddress6 }, i) => [
          { at: `directors[${i}].vrrpAddress`, value: canonical(vrrpAddress) },
          {
            at: `directors[${i}].vrrpAddress6`,
            value: vrrpAddress6 === undefined ? undefined : canonical(vrrpAddress6),
          },
        ]),
      ),
      ...repeated(
        "address",
        realServers.flatMap(({ address, address6, host }, i) => [
          { at: `realServers[${i}].address`, value: spelt(address ?? host) },
          { at: `realServers[${i}].address6`, value: spelt(address6) },
        ]),
      ),
    ],
  }),
  rule({
    needs: ["directors"],
    find: ({ directors }) =>
      directors.flatMap(({ vrrpAddress, vrrpAddress6 }, i) =>
        vrrpAddress6 !== undefined && checkedFamily(vrrpAddress) === "inet6"
          ? [
              `directors[${i}].vrrpAddress6: "${vrrpAddress6}" is a second IPv6 address; it is for a director whose vrrpAddress is IPv4`,
            ]
          : [],
      ),
  }),
  rule({
    needs: ["directors", "vrrp"],
    find: ({ directors, vrrp }) =>
      directors.flatMap(({ host, syncAddress }, i) =>
        vrrp.connectionSync && syncAddress === undefined && !isAddress(host)
          ? [
              `directors[${i}].syncAddress: is missing; host "${host}" is a name, so its address on vrrp.syncInterface must be given`,
            ]
          : [],
      ),
  }),
  rule({
    needs: ["realServers"],
    find: ({ realServers }) =>
      realServers.flatMap(({ managed, host, hostKey, address, address6 }, i) => {
        const at = `realServers[${i}]`;
        const errors: string[] = [];
        if (address6 !== undefined && checkedFamily(address ?? host ?? "") === "inet6") {
          errors.push(
            `${at}.address6: "${address6}" is a second IPv6 address; it is for a real server whose address is IPv4`,
          );
        }
        if (!managed) {
          if (address === undefined && (host === undefined || !isAddress(host))) {
            errors.push(
              `${at}.address: is missing; a real server that is not managed needs the address that is forwarded to`,
            );
          }
          return errors;
        }
        if (host === undefined) {
          errors.push(
            `${at}.host: is missing; it must say where SSH reaches the real server, unless managed is false`,
          );
        } else if (address === undefined && !isAddress(host)) {
          errors.push(
            `${at}.address: is missing; host "${host}" is a name, so the address that is forwarded to must be given`,
          );
        }
        if (hostKey === undefined) {
          errors.push(
            `${at}.hostKey: is missing; it must be the host's public key, as ssh-keyscan prints it ("ssh-ed25519 AAAA…")`,
          );
        }
        return errors;
      }),
  }),
  rule({
    needs: ["maintenance", "directors", "realServers"],
    find: ({ maintenance, directors, realServers }) => {
      const entries = maintenance.map((value, i) => ({ at: `maintenance[${i}]`, value }));
      const names = directors.map(({ name }) => name);
      return [
        ...unknown("host", entries, [...names, ...realServers.map(({ name }) => name)]),
        ...repeated("host", entries),
        ...(names.every((name) => maintenance.includes(name))
          ? [`maintenance: names every director; at least one must serve`]
          : []),
      ];
    },
  }),
  rule({
    needs: ["virtualServers", "directors", "realServers", "vrrp"],
    find: (config) => {
      const owners = new Map([
        ...ownersOf(config.directors, config.vrrp),
        ...config.realServers.flatMap(({ name, host, address, address6 }) =>
          ownedBy(name, [host, address, address6]),
        ),
      ]);
      return virtualAddressesOf(config).flatMap(({ at, address }) => {
        const owner = owners.get(canonical(address));
        return owner
          ? [`${at}: "${address}" is ${owner}'s own address; a virtual address must be nobody's`]
          : [];
      });
    },
  }),
  rule({
    needs: ["directors", "realServers", "virtualServers", "vrrp"],
    // The standby would forward what it gets for the virtual address, which it doesn't hold, back to the active one.
    find: ({ directors, realServers, virtualServers, vrrp }) => {
      const owners = ownersOf(directors, vrrp);
      return [
        ...realServers.flatMap(({ host, address, address6 }, i) => [
          {
            at: `realServers[${i}].address`,
            // A host that is a director's is told already.
            address: address ?? (directors.some((other) => other.host === host) ? "" : host),
          },
          { at: `realServers[${i}].address6`, address: address6 },
        ]),
        ...virtualServers.map(({ sorryServer }, i) => ({
          at: `virtualServers[${i}].sorryServer.address`,
          address: sorryServer?.address,
        })),
      ].flatMap(({ at, address }) => {
        const owner =
          address !== undefined && isAddress(address) ? owners.get(canonical(address)) : undefined;
        return owner
          ? [
              `${at}: "${address}" is ${owner}'s own address, and a director forwards what it is sent, round and round; it must be another host's`,
            ]
          : [];
      });
    },
  }),
  rule({
    needs: ["directors", "vrrp", "virtualServers"],
    find: (config) => strayDirectors(config).map(({ error }) => error),
  }),
  rule({
    needs: ["kernel"],
    find: ({ kernel: { realServerSysctls } }) =>
      Object.entries(realServerSysctls).flatMap(([key, value]) => {
        // As in sysctl.d(5), of dots and slashes the first is what parts the words.
        const needed = arpOfVirtualAddresses[key.replaceAll("/", ".")];
        return needed === undefined || needed === value
          ? []
          : [
              `kernel.realServerSysctls.${key}: "${value}" lets the real servers answer ARP for the virtual addresses, which is the active director's to do; it must be ${needed}`,
            ];
      }),
  }),
];

/** Directors that are in another network than the first one of an instance, by what their prefixes say. */
export function strayDirectors(
  config: Pick<StackConfig, "directors" | "vrrp" | "virtualServers">,
): { instance: string; family: Family; error: string }[] {
  return instancesOf(config).flatMap((instance, i) =>
    families.flatMap((family) => {
      if (!instance.virtualAddresses.some(({ address }) => checkedFamily(address) === family)) {
        return [];
      }
      const placed = config.directors.flatMap((director, j) => {
        const address = ownAddressFor(
          { vrrpInstance: instance.name, family },
          [instance],
          director,
        );
        const own = valueAt(config.vrrp.instances?.[i]?.directors, director.name)?.vrrpAddress;
        const at =
          own !== undefined && family === instance.family
            ? `vrrp.instances[${i}].directors.${director.name}.vrrpAddress`
            : `directors[${j}].${checkedFamily(director.vrrpAddress) === family ? "vrrpAddress" : "vrrpAddress6"}`;
        // Of an address by itself, as some clouds give them, the prefix says nothing of its segment.
        return address === undefined || /\/(32|128)$/.test(address) ? [] : [{ at, address }];
      });
      const [first, ...others] = placed;
      return others.flatMap(({ at, address }) =>
        first === undefined ||
        (isInNetworkOf(address, first.address) && isInNetworkOf(first.address, address))
          ? []
          : [
              {
                instance: instance.name,
                family,
                error: `${at}: "${address}" is in another network than ${first.at} ("${first.address}"); the directors of ${instance.name} must share one, prefix and all`,
              },
            ],
      );
    }),
  );
}

/** What keeps real servers silent about the virtual addresses on their loopback; vip.sh sets it anew with each address. */
const arpOfVirtualAddresses: Partial<Record<string, string>> = Object.fromEntries(
  ["all", "lo"].flatMap((device) => [
    [`net.ipv4.conf.${device}.arp_ignore`, "1"],
    [`net.ipv4.conf.${device}.arp_announce`, "2"],
  ]),
);

const families: Family[] = ["inet", "inet6"];

/** Whose an address is, of all that the directors have for themselves. */
function ownersOf(
  directors: StackConfig["directors"],
  { instances = [] }: Pick<StackConfig["vrrp"], "instances">,
): Map<string, string> {
  return new Map(
    directors.flatMap(({ name, host, vrrpAddress, vrrpAddress6, syncAddress }) =>
      ownedBy(name, [
        host,
        vrrpAddress,
        vrrpAddress6,
        syncAddress,
        ...instances.map((instance) => valueAt(instance.directors, name)?.vrrpAddress),
      ]),
    ),
  );
}

function ownedBy(name: string, addresses: (string | undefined)[]): [string, string][] {
  return addresses.flatMap((own): [string, string][] =>
    own !== undefined && isAddress(own) ? [[canonical(own), name]] : [],
  );
}

/** Every virtual address, and where it is written. */
export function virtualAddressesOf({
  virtualServers,
  vrrp,
}: Pick<StackConfig, "virtualServers" | "vrrp">): { at: string; address: string }[] {
  return [
    ...virtualServers.flatMap((service, i) =>
      writtenAddresses(service).map((address, j) => ({
        at: service.traffic
          ? `virtualServers[${i}].traffic[${j}].address`
          : `virtualServers[${i}].address`,
        address,
      })),
    ),
    ...vrrp.virtualAddresses.map(({ address }, i) => ({
      at: `vrrp.virtualAddresses[${i}].address`,
      address,
    })),
    ...(vrrp.instances ?? []).flatMap(({ virtualAddresses }, i) =>
      (virtualAddresses ?? []).map(({ address }, j) => ({
        at: `vrrp.instances[${i}].virtualAddresses[${j}].address`,
        address,
      })),
    ),
  ];
}

/** One spelling of an address; a name is no address and is compared as a host. */
function spelt(address: string | undefined): string | undefined {
  return address !== undefined && isAddress(address) ? canonical(address) : undefined;
}
