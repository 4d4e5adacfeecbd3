// Rules about directors and real servers.
import {
  checkedFamily,
  isAddress,
  isInNetworkOf,
  valueAt,
  type Family,
  type StackConfig,
} from "../schema";
import { instancesOf, ownAddressFor } from "../settings";
import { named, repeated, rule, unknown, type Rule } from "./rule";

/** Rules about directors and real servers. */
export const hostRules: Rule[] = [
  rule({
    needs: ["directors", "realServers"],
    find: ({ directors, realServers }) =>
      repeated("name", [...named("directors", directors), ...named("realServers", realServers)]),
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
    needs: ["directors", "vrrp", "virtualServers"],
    find: (config) => strayDirectors(config).map(({ error }) => error),
  }),
];

/**
 * Directors whose address is in another network than the first director's of an instance, by their
 * prefixes.
 */
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
        return address === undefined ? [] : [{ at, address }];
      });
      // An address with a full-length prefix, as some clouds give each director, tells nothing
      // about the segment.
      const isAlone = ({ address }: { address: string }) => /\/(32|128)$/.test(address);
      const first = placed.find((one) => !isAlone(one));
      if (first === undefined) return [];
      return placed.flatMap((one) =>
        isInNetworkOf(one.address, first.address) &&
        (isAlone(one) || prefixOf(one.address) === prefixOf(first.address))
          ? []
          : [
              {
                instance: instance.name,
                family,
                error: `${one.at}: "${one.address}" is in another network than ${first.at} ("${first.address}"); the directors of ${instance.name} must share one, prefix and all`,
              },
            ],
      );
    }),
  );
}

function prefixOf(address: string): number {
  return Number(address.split("/")[1]);
}

const families: Family[] = ["inet", "inet6"];
