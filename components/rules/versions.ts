// Rules about keywords that need a newer keepalived.
import { z } from "zod";
import { osProfiles } from "../os/profiles";
import { compareVersions } from "../os/versions";
import { schema, type StackConfig } from "../schema";
import { laterValues } from "../schema/laterValues";
import { instancesOf } from "../settings";
import { written } from "./checks";
import { rule, type Rule } from "./rule";
import { longestDelay } from "../keepalived/facts";

/**
 * A key with `since` in its schema is an error on directors whose system has an older keepalived.
 * The versions are those of the first release tag that knows the keyword. `render/` and the host
 * scripts work around what an old version knows but gets wrong.
 */
export const versionRules: Rule[] = [
  rule({
    needs: [
      "os",
      "directors",
      "realServers",
      "virtualServers",
      "vrrp",
      "tracking",
      "daemon",
      "maintenance",
    ],
    find: (config) => {
      const oldest = config.directors
        .map((director) => osProfiles[director.os ?? config.os])
        .sort((a, b) => compareVersions(a.keepalived.version, b.keepalived.version))[0];
      if (oldest === undefined) return [];
      const found = [
        ...(["virtualServers", "vrrp", "tracking", "daemon"] as const).flatMap((key) =>
          gated(schema[key], config[key], key),
        ),
        ...gatedValues(config),
      ];
      return latest(found).flatMap(({ at, value, why, since }) =>
        compareVersions(oldest.keepalived.version, since) < 0
          ? [
              `${at}: ${JSON.stringify(value)}${why ? `, ${why},` : ""} needs keepalived ${since} on every director; ${oldest.title} has ${oldest.keepalived.version}`,
            ]
          : [],
      );
    },
  }),
];

/** Of a key that is gated more than once, the latest release. */
function latest(found: Gated[]): Gated[] {
  return found.filter(
    (one) => !found.some(({ at, since }) => at === one.at && compareVersions(since, one.since) > 0),
  );
}

interface Gated {
  at: string;
  value: unknown;
  /** What makes the value too new for the older version. */
  why?: string;
  since: string;
}

/** Values of old keys that an older version refuses or gets wrong. */
function gatedValues(
  config: Pick<
    StackConfig,
    "directors" | "realServers" | "virtualServers" | "vrrp" | "tracking" | "maintenance"
  >,
): Gated[] {
  const weights = [
    ...config.realServers.map(({ weight }, i) => ({ at: `realServers[${i}].weight`, weight })),
    ...config.virtualServers.flatMap(({ realServers = [] }, i) =>
      realServers.map(({ weight }, j) => ({
        at: `virtualServers[${i}].realServers[${j}].weight`,
        weight,
      })),
    ),
  ].flatMap(({ at, weight }) =>
    weight === 0 ? [{ at, value: weight, since: laterValues.noWeight.since }] : [],
  );
  const rests = config.maintenance.flatMap((name, i) =>
    config.realServers.some((realServer) => realServer.name === name)
      ? [
          {
            at: `maintenance[${i}]`,
            value: name,
            why: "a real server, whose weight is 0 then",
            since: laterValues.noWeight.since,
          },
        ]
      : [],
  );
  const vmacs = instancesOf(config).flatMap(({ vmac, unicast }, i) =>
    vmac !== undefined && unicast
      ? [
          {
            at: `${config.vrrp.instances?.[i]?.vmac ? `vrrp.instances[${i}]` : "vrrp"}.vmac`,
            value: vmac,
            why: "where unicast is true",
            since: laterValues.vmacOfUnicast.since,
          },
        ]
      : [],
  );
  const fractions = config.tracking.scripts.flatMap((script, i) =>
    (["intervalSeconds", "timeoutSeconds"] as const).flatMap((key) =>
      Number.isInteger(script[key] ?? 0)
        ? []
        : [
            {
              at: `tracking.scripts[${i}].${key}`,
              value: script[key],
              since: laterValues.scriptTimeFraction.since,
            },
          ],
    ),
  );
  const overlaps = config.tracking.scripts.flatMap(({ intervalSeconds, timeoutSeconds = 0 }, i) =>
    timeoutSeconds > intervalSeconds
      ? [
          {
            at: `tracking.scripts[${i}].timeoutSeconds`,
            value: timeoutSeconds,
            why: "above intervalSeconds",
            since: laterValues.scriptTimeoutAboveInterval.since,
          },
        ]
      : [],
  );
  const routes = [config.vrrp, ...(config.vrrp.instances ?? [])].flatMap((place, i) =>
    (place.virtualRoutes ?? []).flatMap((route, j) =>
      route.device === undefined && route.via !== undefined
        ? [
            {
              at: `${i === 0 ? "vrrp" : `vrrp.instances[${i - 1}]`}.virtualRoutes[${j}] without device`,
              value: route.to,
              since: laterValues.routeWithoutDevice.since,
            },
          ]
        : [],
    ),
  );
  const bytes = config.virtualServers.flatMap(written).flatMap(({ at, check }) =>
    check.type === "udp"
      ? (["payload", "requireReply"] as const).flatMap((key) =>
          typeof check[key] === "string" && /ff$/i.test(check[key])
            ? [
                {
                  at: `${at}.${key}`,
                  value: check[key],
                  since: laterValues.bytesEndingInFf.since,
                },
              ]
            : [],
        )
      : [],
  );
  const instances = instancesOf(config);
  const delays = config.vrrp.interfaceDelays.flatMap(({ name, upSeconds }, i) =>
    instances
      .filter((instance) => instance.interface === name)
      .map(longestDelay)
      // Another rule covers a limit of 0.
      .some((limit) => limit > 0 && upSeconds > limit)
      ? [
          {
            at: `vrrp.interfaceDelays[${i}].upSeconds`,
            value: upSeconds,
            why: "as long as an instance on it takes to miss a director",
            since: laterValues.longUpDelay.since,
          },
        ]
      : [],
  );
  const paces = (["intervalSeconds", "naIntervalSeconds"] as const).flatMap((key) =>
    config.vrrp.garp[key] !== undefined &&
    instances.some(({ garp: { masterRepeat = 5, masterRefreshRepeat = 1, lowerPrioRepeat = 1 } }) =>
      [masterRepeat, masterRefreshRepeat, lowerPrioRepeat].some((repeat) => repeat > 1),
    )
      ? [
          {
            at: `vrrp.garp.${key}`,
            value: config.vrrp.garp[key],
            why: "with more than one a round (masterRepeat)",
            since: laterValues[key === "intervalSeconds" ? "pacedArps" : "pacedAdverts"].since,
          },
        ]
      : [],
  );
  return [
    ...weights,
    ...rests,
    ...vmacs,
    ...fractions,
    ...overlaps,
    ...routes,
    ...bytes,
    ...delays,
    ...paces,
  ];
}

/** Present values whose schema has `since`. */
function gated(type: unknown, value: unknown, at: string): Gated[] {
  if (value === undefined || value === false) return [];
  if (!(type instanceof z.ZodType)) return [];
  const since = type.meta()?.since;
  if (typeof since === "string") return [{ at, value, since }];
  if (
    type instanceof z.ZodDefault ||
    type instanceof z.ZodPrefault ||
    type instanceof z.ZodOptional
  ) {
    return gated(type.unwrap(), value, at);
  }
  if (type instanceof z.ZodArray && Array.isArray(value)) {
    return value.flatMap((item, i) => gated(type.element, item, `${at}[${i}]`));
  }
  if (type instanceof z.ZodObject && typeof value === "object") {
    return Object.entries(type.shape as Record<string, unknown>).flatMap(([key, below]) =>
      gated(below, (value as StackConfig & Record<string, unknown>)[key], `${at}.${key}`),
    );
  }
  if (type instanceof z.ZodUnion) {
    const fitting = type.options.find((option) => (option as z.ZodType).safeParse(value).success);
    return gated(fitting, value, at);
  }
  return [];
}
