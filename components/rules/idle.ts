// Keys that are valid by themselves but have no effect beside another key's value. keepalived
// accepts such pairs and at most logs them.
import { checkers, checkTypes } from "../keepalived/checkers";
import {
  checkedFamily,
  schema,
  trackLists,
  valueAt,
  type InstanceKey,
  type StackConfig,
} from "../schema";
import { checksOf, instancesOf, membersOf, type InstanceSettings } from "../settings";
import { trackedIn, weightOf } from "../tracking";
import { written } from "./checks";
import { places } from "./names";
import { rule, type Rule } from "./rule";
import { placeOf } from "./vrrp";

/** A key without effect in its place. */
export interface IdleKey {
  /** The key's path in the config. */
  at: string;
  /** The key's value; undefined if it is secret. */
  value?: unknown;
  /** What the key would be for, and what is missing. */
  why: string;
  /** Path of the part that can be removed without changing anything. @default the key itself */
  whole?: string;
}

type Found = IdleKey | undefined | false;

/** Types of check that ask for a host by name. */
const namesHost = checkTypes.filter((type) => "virtualHost" in checkers[type].options);

/**
 * Types that wait only before a retry; an HTTP check also waits between its URLs (check_http.c).
 */
const waitsForRetry = ["tcp", "smtp", "dns", "ping"];

/** Values of keys that are not set. */
const defaults = { firewall: schema.firewall.parse(undefined), vrrp: schema.vrrp.parse(undefined) };
const defaultDelayLoop = 3;
const defaultRetryDelay = 1;

/** Every kind of idle key: the keys that it compares, and what it finds. */
const kinds: Rule<Found>[] = [
  rule({
    needs: ["vrrp", "directors", "virtualServers", "tracking"],
    find: (config) => [
      ...trackLists.flatMap((list) =>
        ofInstances(config, list, (instance) =>
          groupOf(config, instance)
            ? []
            : idleWeights(list, instance[list], config, whyIdle(config, [instance], instance)),
        ),
      ),
      ...config.vrrp.syncGroups.flatMap((group, i) => {
        const members = instancesOf(config).filter(({ name }) => group.instances.includes(name));
        const why = whyIdle(config, members, group);
        return trackLists.flatMap((list) =>
          below(`vrrp.syncGroups[${i}]`, idleWeights(list, group[list], config, why)),
        );
      }),
    ],
  }),
  rule({
    needs: ["vrrp", "directors", "virtualServers"],
    find: (config) =>
      ofInstances(config, "garp", ({ garp }) => [
        garp.masterRefreshRepeat !== undefined &&
          !garp.masterRefreshSeconds && {
            at: "garp.masterRefreshRepeat",
            value: garp.masterRefreshRepeat,
            why: "is the ARPs of each round while active, and there is no such round; set masterRefreshSeconds",
          },
        // The second round follows the first: vrrp_state_master_rx() in vrrp.c.
        garp.lowerPrioRepeat === 0 &&
          !!garp.lowerPrioDelaySeconds && {
            at: "garp.lowerPrioDelaySeconds",
            value: garp.lowerPrioDelaySeconds,
            why: "is for a second round, and lowerPrioRepeat is 0, so there is none; set it above 0",
          },
      ]),
  }),
  rule({
    needs: ["vrrp", "directors", "virtualServers"],
    find: (config) => {
      const families = new Set(
        instancesOf(config).flatMap(({ virtualAddresses }) =>
          virtualAddresses.map(({ address }) => checkedFamily(address)),
        ),
      );
      return (["intervalSeconds", "naIntervalSeconds"] as const).map((key) => {
        const [family, name] =
          key === "intervalSeconds" ? (["inet", "IPv4"] as const) : (["inet6", "IPv6"] as const);
        const value = config.vrrp.garp[key];
        return (
          value !== undefined &&
          !families.has(family) && {
            at: `vrrp.garp.${key}`,
            value,
            why: `is for virtual addresses of ${name}, and there is none`,
          }
        );
      });
    },
  }),
  rule({
    needs: ["vrrp"],
    find: ({ vrrp: { instances, virtualRouterId } }) => [
      instances !== undefined &&
        virtualRouterId !== 51 && {
          at: "vrrp.virtualRouterId",
          value: virtualRouterId,
          why: "is for the one instance that there is without vrrp.instances, each of which has its own",
        },
    ],
  }),
  rule({
    needs: ["virtualServers"],
    find: ({ virtualServers }) =>
      virtualServers.map(
        (service, i) =>
          service.virtualHost !== undefined &&
          // The virtual server's checks are nobody's if every real server has checks of its own.
          !written(service, i).some(
            ({ check, forwardings }) => forwardings.length > 0 && namesHost.includes(check.type),
          ) && {
            at: `virtualServers[${i}].virtualHost`,
            value: service.virtualHost,
            why: `is for checks of type ${namesHost.join(" and ")}, and there is none`,
          },
      ),
  }),
  rule({
    needs: ["virtualServers"],
    find: ({ virtualServers }) =>
      virtualServers.flatMap(written).map(
        ({ at, check }) =>
          waitsForRetry.includes(check.type) &&
          "retry" in check &&
          check.retry === 0 &&
          check.delayBeforeRetrySeconds !== defaultRetryDelay && {
            at: `${at}.delayBeforeRetrySeconds`,
            value: check.delayBeforeRetrySeconds,
            why: "is the time until a retry, and retry is 0",
          },
      ),
  }),
  rule({
    needs: ["virtualServers", "realServers", "maintenance"],
    find: (config) =>
      config.virtualServers.flatMap((service, i) => {
        const at = `virtualServers[${i}]`;
        const members = membersOf(config, service.realServers);
        const unchecked = members.map((member) => checksOf(service, member).length === 0);
        const idle = (key: string, what: string) => ({
          at: `${at}.${key}`,
          value: true,
          why: `${what}, and there is no check`,
        });
        return [
          ...(unchecked.every(Boolean)
            ? [
                service.delayLoopSeconds !== defaultDelayLoop && {
                  at: `${at}.delayLoopSeconds`,
                  value: service.delayLoopSeconds,
                  why: "is the time between checks, and there is no check",
                },
                service.alpha && idle("alpha", "waits for a check to succeed"),
                service.haSuspend && idle("haSuspend", "suspends checks"),
                service.inhibitOnFailure && idle("inhibitOnFailure", "is for checks that fail"),
              ]
            : []),
          ...(service.realServers ?? []).map(
            ({ inhibitOnFailure }, j) =>
              inhibitOnFailure &&
              unchecked[j] &&
              idle(`realServers[${j}].inhibitOnFailure`, "is for checks that fail"),
          ),
        ];
      }),
  }),
  rule({
    needs: ["virtualServers", "realServers"],
    // Ignores maintenance, whose end must not make a config invalid.
    find: ({ virtualServers, realServers }) => {
      const all = { realServers, maintenance: [] };
      const uses = virtualServers.flatMap((service, i) =>
        membersOf(all, service.realServers).map(({ name, weight }, j) => ({
          at: `virtualServers[${i}].realServers[${j}].weight`,
          name,
          weight,
          isOwn: service.realServers?.[j]?.weight !== undefined,
          scheduler: service.scheduler,
          isIdle: weight > 1 && !looksAtWeights(all, service),
        })),
      );
      return [
        ...uses.map(
          ({ at, weight, isOwn, isIdle, scheduler }) =>
            isOwn && isIdle && { at, value: weight, why: whyWeightIsIdle([scheduler]) },
        ),
        ...realServers.map(({ name, weight }, i) => {
          const taken = uses.filter((use) => use.name === name && !use.isOwn);
          return (
            taken.length > 0 &&
            taken.every(({ isIdle }) => isIdle) && {
              at: `realServers[${i}].weight`,
              value: weight,
              why: whyWeightIsIdle(taken.map(({ scheduler }) => scheduler)),
            }
          );
        }),
      ];
    },
  }),
  rule({
    needs: ["virtualServers", "daemon", "email"],
    find: ({ virtualServers, daemon, email }) => {
      const told = daemon.lvsNotifyFifo ?? daemon.notifyFifo;
      return [
        // What omega adds when keepalived stops: do_vs_notifies() and clear_service_rs() in
        // ipwrapper.c.
        ...virtualServers.map(
          ({ omega, quorumDown, realServers = [] }, i) =>
            omega &&
            (told ?? email ?? quorumDown) === undefined &&
            !realServers.some(({ notifyDown }) => notifyDown) && {
              at: `virtualServers[${i}].omega`,
              value: true,
              why: "tells of a stop, and nothing is told: there is neither notifyDown, quorumDown, a FIFO nor email",
            },
        ),
        daemon.realServerInitNotifies &&
          told === undefined &&
          !virtualServers.some(({ realServers = [] }) =>
            realServers.some(({ notifyUp }) => notifyUp),
          ) && {
            at: "daemon.realServerInitNotifies",
            value: true,
            why: "tells of real servers at the start, and nothing is told: there is neither notifyUp nor a FIFO",
          },
      ];
    },
  }),
  rule({
    needs: ["vrrp"],
    find: ({ vrrp: { connectionSync, syncDaemon } }) =>
      connectionSync
        ? []
        : Object.entries(syncDaemon).map(
            ([key, value]) =>
              value !== valueAt<unknown>(defaults.vrrp.syncDaemon, key) && {
                at: `vrrp.syncDaemon.${key}`,
                value,
                why: "is for connection sync, and connectionSync is false",
              },
          ),
  }),
  rule({
    needs: ["firewall"],
    find: ({ firewall: { backend, allowFrom, sshFrom, publicSubnet } }) =>
      backend === "none"
        ? [
            String(allowFrom) !== String(defaults.firewall.allowFrom) && {
              at: "firewall.allowFrom",
              value: allowFrom,
              why: "is for a firewall that the stack sets up, and backend is none",
            },
            sshFrom.length > 0 && {
              at: "firewall.sshFrom",
              value: sshFrom,
              why: "is for a firewall that the stack sets up, and backend is none",
            },
            publicSubnet !== undefined && {
              at: "firewall.publicSubnet",
              value: publicSubnet,
              why: "is for a firewall that the stack sets up, and backend is none",
            },
          ]
        : [],
  }),
  rule({
    needs: ["metrics", "firewall"],
    find: ({ metrics: { enabled, allowFrom }, firewall: { backend } }) => [
      allowFrom.length > 0 &&
        !enabled && {
          at: "metrics.allowFrom",
          value: allowFrom,
          why: "says who may read metrics, and enabled is false, so there are none",
        },
      allowFrom.length > 0 &&
        enabled &&
        backend === "none" && {
          at: "metrics.allowFrom",
          value: allowFrom,
          why: "is for a firewall that the stack sets up, and firewall.backend is none",
        },
    ],
  }),
  rule({
    needs: ["tracking", "vrrp", "virtualServers"],
    // Exceptions are BFD sessions, which neighbours may ask for, and files that are written at the
    // start. This kind comes before those about an entry's own keys, because lvs import removes
    // idle keys from the end.
    find: ({ tracking, vrrp, virtualServers }) => {
      const checks = virtualServers.flatMap(written);
      const checked = checks.flatMap(({ check }) => (check.type === "file" ? check.trackFile : []));
      return (["trackScripts", "trackProcesses", "trackFiles"] as const).flatMap((list) => {
        const tracked = places(vrrp).flatMap(({ block }) => block[list] ?? []);
        const isNamed = (name: string) =>
          tracked.some((entry) => entry.name === name) ||
          (list === "trackFiles" && checked.includes(name));
        const key = trackedIn[list];
        return tracking[key].map(
          (entry, i) =>
            !isNamed(entry.name) &&
            !("initialValue" in entry && entry.initialValue !== undefined) && {
              at: `tracking.${key}[${i}].name`,
              value: entry.name,
              why: `is named in no ${list}${list === "trackFiles" ? " and in no check" : ""}, so that nothing asks for it; name it there, or take it out`,
              whole: `tracking.${key}[${i}]`,
            },
        );
      });
    },
  }),
  rule({
    needs: ["tracking"],
    // Without parameters, the match types other than exact accept every process: check_params() in
    // track_process.c.
    find: ({ tracking }) =>
      tracking.processes.map(
        ({ parameters, parameterMatch }, i) =>
          parameterMatch !== "exact" &&
          (parameters ?? []).length === 0 && {
            at: `tracking.processes[${i}].parameterMatch`,
            value: parameterMatch,
            why: "says how parameters are compared, and there are none",
          },
      ),
  }),
  rule({
    needs: ["ssh"],
    find: ({ ssh }, hasSecret) => [
      hasSecret("sshPrivateKeyPassphrase") &&
        !hasSecret("sshPrivateKey") &&
        !hasSecret("sshProxyPrivateKey") && {
          at: "sshPrivateKeyPassphrase",
          why: "opens sshPrivateKey, which is not set",
        },
      ...(["sshProxyPassword", "sshProxyPrivateKey"] as const).map(
        (at) =>
          hasSecret(at) &&
          !ssh.proxy && { at, why: "is for the bastion ssh.proxy, which is not set" },
      ),
    ],
  }),
];

/** Rules that refuse keys without effect. */
export const idleRules: Rule[] = kinds.map(({ needs, find }) => ({
  needs,
  find: (config, hasSecret) =>
    found(find(config, hasSecret)).map(
      ({ at, value, why }) =>
        `${at}: ${value === undefined ? "(secret, not shown)" : JSON.stringify(value)} ${why}`,
    ),
}));

/** The keys without effect in a config that is otherwise valid. */
export function idleKeys(config: StackConfig): IdleKey[] {
  return kinds.flatMap(({ find }) => found(find(config, () => false)));
}

/**
 * Schedulers for which only a weight of 0 matters: ip_vs_rr.c, ip_vs_lc.c and ip_vs_dh.c. All
 * others compare weights.
 */
const weightless = ["rr", "lc", "dh"];

/** Whether the size of a weight above 0 matters to a service. */
function looksAtWeights(
  config: Pick<StackConfig, "realServers" | "maintenance">,
  service: StackConfig["virtualServers"][number],
): boolean {
  return (
    !weightless.includes(service.scheduler) ||
    // The quorum adds up the weights of real servers in the pool. For a quorum of 1, any weight is
    // enough.
    service.quorum !== 1 ||
    // Such a check adds to the weight or sets it for a time.
    membersOf(config, service.realServers).some((member) =>
      checksOf(service, member).some(
        (check) => check.type === "file" || (check.type === "misc" && check.dynamic),
      ),
    )
  );
}

function whyWeightIsIdle(schedulers: string[]): string {
  const names = [...new Set(schedulers)].join(" and ");
  return `is for a scheduler that weighs real servers, and ${names} can't (only 0 counts); set it to 1, or take wrr or wlc`;
}

function found(keys: Found[]): IdleKey[] {
  return keys.filter((key) => typeof key === "object");
}

/**
 * Idle keys of an instance's setting, at the place where it is written. A setting that several
 * instances take from `vrrp` is idle only if it is idle for all of them.
 */
function ofInstances(
  config: Parameters<typeof instancesOf>[0],
  key: InstanceKey,
  find: (instance: InstanceSettings) => Found[],
): IdleKey[] {
  const everywhere = instancesOf(config).map((instance, i) => ({
    place: placeOf(config.vrrp, i, key),
    idle: found(find(instance)),
  }));
  return everywhere
    .flatMap(({ place, idle }) =>
      below(
        place,
        idle.filter(({ at }) =>
          everywhere
            .filter((other) => other.place === place)
            .every((other) => other.idle.some((same) => same.at === at)),
        ),
      ),
    )
    .filter(({ at }, i, all) => all.findIndex((other) => other.at === at) === i);
}

function below(place: string, keys: IdleKey[]): IdleKey[] {
  return keys.map(({ at, whole, ...key }) => ({
    ...key,
    at: `${place}.${at}`,
    ...(whole === undefined ? {} : { whole: `${place}.${whole}` }),
  }));
}

/** Why tracked weights of these instances can't move an address; undefined if they may. */
function whyIdle(
  { tracking, directors }: Pick<StackConfig, "tracking" | "directors">,
  instances: InstanceSettings[],
  tracked: Pick<InstanceSettings, (typeof trackLists)[number] | "notify">,
): string | undefined {
  const isTold = [tracked, ...instances].some(({ notify }) => notify?.priorityChanges);
  if (instances.length === 0 || isTold) return undefined;
  // With nopreempt a standby accepts the active director's adverts at any priority:
  // vrrp_state_backup() in vrrp.c. With three directors, a weight still decides which standby is
  // next.
  if (directors.length < 3 && instances.every(({ preempt }) => !preempt)) {
    return "changes a priority, and while preempt is false the active director keeps the addresses at any priority; set preempt to true, or the weight to 0, by which a failure is a fault";
  }
  const weights = trackLists.flatMap((list) =>
    tracked[list].map((entry) => ({ list, weight: weightOf(entry, list, tracking) })),
  );
  // A file's weight is multiplied by the number in the file.
  if (weights.some(({ list, weight }) => list === "trackFiles" && weight !== 0)) return undefined;
  const sum = (some: number[]) => some.reduce((all, weight) => all + weight, 0);
  const lost = sum(weights.map(({ weight }) => Math.min(0, weight)));
  const won = sum(weights.map(({ weight }) => Math.max(0, weight)));
  // vrrp_set_effective_priority() in vrrp.c.
  const possible = (priority: number) => Math.min(254, Math.max(1, priority));
  const pairs = instances.flatMap(({ members }) => {
    const order = members.toSorted((a, b) => b.priority - a.priority);
    return order.slice(1).map((next, i) => {
      const { name, priority } = order[i] ?? next;
      return {
        worst: possible(priority + lost),
        best: possible(next.priority + won),
        names: [name, next.name],
      };
    });
  });
  const [pair] = pairs;
  // At equal priorities the active director stays active, so the weight matters.
  if (pair === undefined || pairs.some(({ worst, best }) => worst <= best)) return undefined;
  return `is too small to move an address: the priority of ${pair.names[0]} is ${pair.worst} at the least, and that of ${pair.names[1]} ${pair.best} at the most; make it larger, or 0, by which a failure is a fault`;
}

function idleWeights(
  list: (typeof trackLists)[number],
  entries: { name: string; weight?: number }[],
  { tracking }: Pick<StackConfig, "tracking">,
  why: string | undefined,
): IdleKey[] {
  return entries.flatMap((entry, j) => {
    const weight = weightOf(entry, list, tracking);
    return weight === 0 || why === undefined
      ? []
      : [
          {
            at: `${list}[${j}].weight`,
            value: weight,
            why: `${entry.weight === undefined ? `(that of ${entry.name} itself) ` : ""}${why}`,
            whole: `${list}[${j}]`,
          },
        ];
  });
}

function groupOf({ vrrp }: Pick<StackConfig, "vrrp">, { name }: InstanceSettings) {
  return vrrp.syncGroups.find(({ instances }) => instances.includes(name));
}
