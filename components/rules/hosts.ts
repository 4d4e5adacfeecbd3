// Rules about directors and real servers.
import { canonical, checkedFamily, isAddress, withoutPrefix, type StackConfig } from "../schema";
import { writtenAddresses } from "../settings";
import { named, repeated, unknown, type Rule } from "./rule";

export const hostRules: Rule[] = [
  {
    needs: ["directors", "realServers"],
    find: ({ directors, realServers }) =>
      repeated("name", [...named("directors", directors), ...named("realServers", realServers)]),
  },
  {
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
  },
  {
    needs: ["directors"],
    find: ({ directors }) =>
      directors.flatMap(({ vrrpAddress, vrrpAddress6 }, i) =>
        vrrpAddress6 !== undefined && checkedFamily(vrrpAddress) === "inet6"
          ? [
              `directors[${i}].vrrpAddress6: "${vrrpAddress6}" is a second IPv6 address; it is for a director whose vrrpAddress is IPv4`,
            ]
          : [],
      ),
  },
  {
    needs: ["directors", "vrrp"],
    find: ({ directors, vrrp }) =>
      directors.flatMap(({ host, syncAddress }, i) =>
        vrrp.connectionSync && syncAddress === undefined && !isAddress(host)
          ? [
              `directors[${i}].syncAddress: is missing; host "${host}" is a name, so its address on vrrp.syncInterface must be given`,
            ]
          : [],
      ),
  },
  {
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
  },
  {
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
  },
  {
    needs: ["virtualServers", "directors", "realServers", "vrrp"],
    find: (config) => {
      const { directors, realServers } = config;
      const owners = new Map(
        [
          ...directors.flatMap(({ name, host, vrrpAddress, vrrpAddress6, syncAddress }) =>
            [host, withoutPrefix(vrrpAddress), vrrpAddress6, syncAddress].map((own) => [own, name]),
          ),
          ...realServers.flatMap(({ name, host, address, address6 }) =>
            [host, address, address6].map((own) => [own, name]),
          ),
        ].flatMap(([own, name]): [string, string][] =>
          own !== undefined && name !== undefined && isAddress(own) ? [[canonical(own), name]] : [],
        ),
      );
      return virtualAddressesOf(config).flatMap(({ at, address }) => {
        const owner = owners.get(canonical(address));
        return owner
          ? [`${at}: "${address}" is ${owner}'s own address; a virtual address must be nobody's`]
          : [];
      });
    },
  },
];

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
