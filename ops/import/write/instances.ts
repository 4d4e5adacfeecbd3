// Writes VRRP instances in the stack config's form, with common settings once.
import { canonical, instanceKeys } from "../../../components/schema";
import type { DirectorReading } from "../read/director";
import { partsOf, type Director } from "./directors";
import type { Sync } from "../read/globals";
import { defined, same, withoutEmpty } from "../plain";
import type { Scribe } from "../report";
import { fillIn } from "../read/scripts";
import type { Config, Instance } from "../shapes";
import { addressesOfService } from "./virtualServers";

/** `vrrp` of the stack config. */
export function vrrpOf(
  reading: DirectorReading,
  directors: Director[],
  scribe: Scribe,
): NonNullable<Config["vrrp"]> {
  const { instances, services, globals } = reading;
  const carried = new Set(services.flatMap((service) => addressesOfService(service)));
  const written = instances.map((instance) => {
    const { options, addresses } = instance;
    const extra = addresses
      .filter(({ address }) => !carried.has(canonical(address)))
      .map((entry) => ({
        address: `${entry.address}/${entry.prefixLength}`,
        ...(entry.interface === undefined || entry.interface === options.interface
          ? {}
          : { interface: entry.interface }),
      }));
    return {
      name: instance.name,
      parts: partsOf(instance, directors, scribe),
      options: {
        ...withoutEmpty({ ...options, virtualAddresses: extra }),
        // A vmac without a name still switches it on, so keep it.
        ...(options.vmac ? { vmac: options.vmac } : {}),
      },
    };
  });
  const [only, ...others] = written;
  const base = {
    ...syncOf(reading, scribe),
    interfaceDelays: reading.interfaceDelays,
    syncGroups: reading.syncGroups.map((group) => withoutEmpty(group)),
  };
  if (only === undefined) {
    scribe.report.changed.push({
      where: reading.file,
      from: "no vrrp_instance",
      to: "one instance, VI_1",
      why: "the stack's directors always have one, for one of them to hold the virtual addresses: adverts by unicast, every 0.3 s",
    });
    scribe.fillIn("/vrrp.interface", "the directors' interface in the clients' network");
    scribe.fillIn("/vrrp.virtualRouterId", "a number that no other VRRP in that network has");
    return { interface: fillIn, virtualRouterId: fillIn, ...base } as unknown as NonNullable<
      Config["vrrp"]
    >;
  }
  const shared: Record<string, unknown> = {};
  for (const key of instanceKeys) {
    if (written.every(({ options }) => same(options[key], only.options[key])))
      shared[key] = only.options[key];
  }
  // An instance without a version has the file's.
  shared.version = globals.vrrpVersion ?? shared.version;
  const common = { ...shared };
  // The ARPs' intervals apply to all instances, whatever else differs.
  const garp = { ...(shared.garp as Instance["garp"]), ...globals.pace };
  if (Object.keys(garp).length > 0) common.garp = garp;
  const isPlain = Object.keys(only.parts).length === 0 && only.options.version === shared.version;
  if (others.length === 0 && only.name === "VI_1" && isPlain) {
    return { virtualRouterId: only.options.virtualRouterId, ...common, ...base } as NonNullable<
      Config["vrrp"]
    >;
  }
  return {
    ...common,
    ...base,
    instances: written.map(({ name, parts, options }) => ({
      name,
      virtualRouterId: options.virtualRouterId,
      ...(Object.keys(parts).length > 0 ? { directors: parts } : {}),
      ...Object.fromEntries(
        instanceKeys
          .filter((key) => options[key] !== undefined && !same(options[key], shared[key]))
          .map((key) => [key, options[key]]),
      ),
    })),
  } as NonNullable<Config["vrrp"]>;
}

/** The connection sync daemon, from global_defs or, in old configs, from an instance. */
function syncOf(
  { globals, instances }: DirectorReading,
  scribe: Scribe,
): { connectionSync: boolean; syncInterface?: string; syncDaemon?: Sync["daemon"] } {
  const sync = globals.sync ?? instances.find((instance) => instance.sync)?.sync;
  if (!sync) return { connectionSync: false };
  const [first] = instances;
  const { id } = sync.daemon;
  if (sync.instance !== undefined && sync.statement.keyword === "lvs_sync_daemon") {
    scribe.changed(
      sync.statement,
      `lvs_sync_daemon ${sync.interface}, without ${sync.instance}`,
      "both daemons run at all times: to start and stop them with an instance can hang keepalived",
    );
  }
  return {
    connectionSync: true,
    syncInterface: sync.interface,
    syncDaemon: defined({
      ...sync.daemon,
      id: id === undefined || id === first?.options.virtualRouterId ? undefined : id,
    }),
  };
}
