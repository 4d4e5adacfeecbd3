// What must hold between the keys of the stack config. Each rule names the keys that it compares.
import { closest } from "fastest-levenshtein";
import { isAddress, withoutPrefix, type SecretName, type StackConfig } from "./schema";
import { defaultPriority, isForeign, membersOf } from "./settings";

interface Rule {
  needs: (keyof StackConfig)[];
  find: (config: StackConfig, hasSecret: (name: SecretName) => boolean) => string[];
}

export const rules: Rule[] = [
  {
    needs: ["directors", "realServers"],
    find: ({ directors, realServers }) =>
      repeated("name", [...named("directors", directors), ...named("realServers", realServers)]),
  },
  {
    needs: ["virtualServers"],
    find: ({ virtualServers }) => repeated("name", named("virtualServers", virtualServers)),
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
        directors.map(({ vrrpAddress }, i) => ({
          at: `directors[${i}].vrrpAddress`,
          value: withoutPrefix(vrrpAddress),
        })),
      ),
      ...repeated(
        "address",
        realServers.map(({ address, host }, i) => ({
          at: `realServers[${i}].address`,
          value: address ?? host,
        })),
      ),
    ],
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
    needs: ["directors"],
    find: ({ directors }) =>
      repeated(
        "priority",
        directors.map(({ priority }, i) => ({
          at: `directors[${i}].priority`,
          value: priority ?? defaultPriority(i),
        })),
      ),
  },
  {
    needs: ["realServers"],
    find: ({ realServers }) =>
      realServers.flatMap(({ managed, host, hostKey, address }, i) => {
        const at = `realServers[${i}]`;
        if (!managed) {
          return address === undefined && (host === undefined || !isAddress(host))
            ? [
                `${at}.address: is missing; a real server that is not managed needs the address that is forwarded to`,
              ]
            : [];
        }
        const errors: string[] = [];
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
    needs: ["virtualServers"],
    find: ({ virtualServers }) =>
      repeated(
        "service",
        virtualServers.map(({ address, port, protocol }, i) => ({
          at: `virtualServers[${i}]`,
          value: `${withoutPrefix(address)}:${port}:${protocol}`,
        })),
      ),
  },
  {
    needs: ["virtualServers", "directors", "realServers"],
    find: ({ virtualServers, directors, realServers }) => {
      const owners = new Map([
        ...directors.map(({ vrrpAddress, name }) => [withoutPrefix(vrrpAddress), name] as const),
        ...directors.map(({ host, name }) => [host, name] as const),
        ...realServers.map(({ address, host, name }) => [address ?? host ?? "", name] as const),
      ]);
      return virtualServers.flatMap(({ address }, i) => {
        const owner = owners.get(withoutPrefix(address));
        return owner
          ? [
              `virtualServers[${i}].address: "${address}" is ${owner}'s own address; a virtual address must be nobody's`,
            ]
          : [];
      });
    },
  },
  {
    needs: ["virtualServers", "directors"],
    find: ({ virtualServers, directors }) =>
      virtualServers.flatMap(({ address }, i) =>
        !address.includes("/") && isForeign(address, { directors })
          ? [
              `virtualServers[${i}].address: "${address}" is outside the directors' networks (${directors
                .map(({ vrrpAddress }) => vrrpAddress)
                .join(
                  ", ",
                )}); give it its own prefix ("${address}/32") if it is routed or a portable subnet`,
            ]
          : [],
      ),
  },
  {
    needs: ["virtualServers", "realServers"],
    find: ({ virtualServers, realServers }) =>
      virtualServers.flatMap(({ realServers: chosen }, i) => {
        const at = `virtualServers[${i}].realServers`;
        const known = realServers.map(({ name }) => name);
        const members = (chosen ?? []).map(({ name }, j) => ({ at: `${at}[${j}]`, value: name }));
        return [
          ...members
            .filter(({ value }) => !known.includes(value))
            .map(
              ({ at: where, value }) =>
                `${where}: "${value}" is no real server; did you mean ${closest(value, known)}? known: ${known.join(", ")}`,
            ),
          ...repeated("real server", members),
        ];
      }),
  },
  {
    needs: ["virtualServers", "realServers"],
    find: ({ virtualServers, realServers }) =>
      virtualServers.flatMap(({ realServers: chosen, port, forwarding }, i) =>
        membersOf({ realServers }, chosen).flatMap((member, j) =>
          member.port !== undefined && member.port !== port
            ? [
                `virtualServers[${i}].realServers[${j}].port: ${member.port} differs from the virtual server's port ${port}; ${forwarding} cannot change ports, so it must be ${port}`,
              ]
            : [],
        ),
      ),
  },
  {
    needs: ["virtualServers", "realServers"],
    find: ({ virtualServers, realServers }) =>
      virtualServers.flatMap(({ realServers: chosen, name }, i) =>
        membersOf({ realServers }, chosen).every(({ weight }) => weight === 0)
          ? [
              `virtualServers[${i}]: every real server of ${name} has weight 0, so it would answer nobody; at least one must be above 0`,
            ]
          : [],
      ),
  },
  {
    needs: ["virtualServers"],
    find: ({ virtualServers }) =>
      virtualServers.flatMap(({ protocol, check }, i) =>
        protocol === "UDP" && check.type === "tcp" && check.port === undefined
          ? [
              `virtualServers[${i}].check: a TCP check of a UDP service would take every real server out; set check.port to a TCP port that tells its health, or check.type to "none"`,
            ]
          : [],
      ),
  },
  {
    needs: ["vrrp"],
    find: ({ vrrp: { version, advertIntervalSeconds } }) => {
      const at = `vrrp.advertIntervalSeconds: ${advertIntervalSeconds}`;
      if (version === 2 && !Number.isInteger(advertIntervalSeconds)) {
        return [`${at} is not whole; VRRP version 2 knows whole seconds only (1–255)`];
      }
      if (Math.abs(advertIntervalSeconds * 100 - Math.round(advertIntervalSeconds * 100)) > 1e-6) {
        return [`${at} is not in steps of 0.01, the unit of VRRP version 3 (RFC 5798)`];
      }
      return [];
    },
  },
  {
    needs: ["vrrp"],
    find: ({ vrrp: { version } }, hasSecret) =>
      hasSecret("vrrpAuthPass") && version === 3
        ? [
            "vrrpAuthPass: version 3 has no authentication (RFC 5798); remove it, or set vrrp.version to 2",
          ]
        : [],
  },
];

function named(list: string, items: { name: string }[]): { at: string; value: string }[] {
  return items.map(({ name }, i) => ({ at: `${list}[${i}].name`, value: name }));
}

/** An error for every value that an earlier entry has already. */
function repeated(
  what: string,
  entries: { at: string; value: string | number | undefined }[],
): string[] {
  const first = new Map<string | number, string>();
  return entries.flatMap(({ at, value }) => {
    if (value === undefined) return [];
    const earlier = first.get(value);
    if (earlier === undefined) {
      first.set(value, at);
      return [];
    }
    return [
      `${at}: ${what} ${typeof value === "string" ? `"${value}"` : value} is taken by ${earlier}; each must be unique`,
    ];
  });
}
