// Makes the directors: those whose configs are given, and those that they name as peers.
import { canonical, checkedFamily, type Family } from "../../../components/schema";
import type { DirectorReading } from "../read/director";
import { Names } from "../names";
import type { Scribe } from "../report";
import { fillIn } from "../read/scripts";
import { familyOfInstance, type InstanceReading } from "../read/vrrp";

/** What the files tell about a director. */
export interface Director {
  name: string;
  addresses: Partial<Record<Family, string>>;
  priority?: number;
  /** The director's priority and address in each instance, by name. */
  parts: Map<string, { priority?: number; address?: string }>;
}

/** The directors whose files are given, and those that they name as peers. */
export function directorsOf(
  readings: [DirectorReading, ...DirectorReading[]],
  scribe: Scribe,
): Director[] {
  const names = new Names();
  const priorities = new Priorities(scribe);
  const known = readings.map((reading, i): Director => {
    const parts = new Map(
      reading.instances.map((instance) => [
        instance.name,
        { priority: priorities.take(instance), address: instance.source },
      ]),
    );
    return {
      name: names.take(reading.globals.host, reading.globals.routerId, `lvs${i + 1}`),
      addresses: {
        ...addressByFamily(reading.instances, ({ source }) => source),
        ...reading.ownAddresses,
      },
      priority: parts.get(reading.instances[0]?.name ?? "")?.priority,
      parts,
    };
  });
  const [first] = readings;
  const count = Math.max(1, ...first.instances.map(({ peers }) => peers.length));
  const others = Array.from({ length: count }, (_, j): Director => {
    const parts = new Map(first.instances.map(({ name, peers }) => [name, { address: peers[j] }]));
    return {
      name: "",
      addresses: addressByFamily(first.instances, ({ peers }) => peers[j]),
      parts,
    };
  }).filter((peer) => !known.some((director) => isSame(director, peer)));
  // With several files and no peer addresses, assume that the pair is complete.
  const strangers =
    readings.length > 1 && others.every(({ addresses }) => Object.keys(addresses).length === 0)
      ? []
      : others;
  for (const [j, peer] of strangers.entries()) {
    peer.name = names.take(
      nextName(known[0]?.name ?? "lvs1", known.length + j),
      `lvs${known.length + j + 1}`,
    );
  }
  return [...known, ...strangers];
}

/** The priorities in use, by instance. */
class Priorities {
  private readonly taken = new Map<string, number[]>();

  constructor(private readonly scribe: Scribe) {}

  /** An instance's priority, lowered if an earlier director has the same. */
  take({ name, priority, statement }: InstanceReading): number {
    const taken = this.taken.get(name) ?? [];
    let own = priority;
    // Steps of ten like the stack's defaults, while there is room.
    while (taken.includes(own) && own > 1) own -= own > 10 ? 10 : 1;
    this.taken.set(name, [...taken, own]);
    if (own !== priority) {
      this.scribe.changed(
        statement.block?.findLast(({ keyword }) => keyword === "priority") ?? statement,
        `priority ${own}`,
        "another director has the same: the stack's differ, so that it isn't the addresses that say who is active",
      );
    }
    return own;
  }
}

function addressByFamily(
  instances: InstanceReading[],
  address: (instance: InstanceReading) => string | undefined,
): Partial<Record<Family, string>> {
  const found: Partial<Record<Family, string>> = {};
  for (const instance of instances) {
    const own = address(instance);
    if (own !== undefined) found[checkedFamily(own)] ??= own;
  }
  return found;
}

function isSame(director: Director, peer: Director): boolean {
  return [...peer.parts].some(([name, { address }]) => {
    const own = director.parts.get(name)?.address;
    return address !== undefined && own !== undefined && canonical(own) === canonical(address);
  });
}

/** lvs2 after lvs1, lb-b after lb-a. */
function nextName(name: string, steps: number): string | undefined {
  const [, stem = "", number] = /^(.*?)(\d+)$/.exec(name) ?? [];
  if (number !== undefined)
    return `${stem}${String(Number(number) + steps).padStart(number.length, "0")}`;
  const last = name.at(-1) ?? "";
  return /-[a-y]$/.test(name) && steps === 1
    ? name.slice(0, -1) + String.fromCharCode(last.charCodeAt(0) + 1)
    : `${name.slice(0, 29)}-${steps + 1}`;
}

/** The directors in the stack config's form. */
export function writeDirectors(directors: Director[], scribe: Scribe): Record<string, unknown>[] {
  return directors.map(({ name, addresses, priority }, i) => {
    const at = `directors[${i}]`;
    scribe.fillIn(`${at}.host`, `where SSH reaches ${name}`);
    scribe.fillIn(`${at}.hostKey`, `its public host key: npm run lvs -- scan-host-keys ADDRESS`);
    const { inet, inet6 } = addresses;
    const main = inet ?? inet6;
    scribe.fillIn(
      `${at}.vrrpAddress`,
      main === undefined
        ? `${name}'s own address on the VRRP interface, with its prefix`
        : `the prefix of ${name}'s network`,
    );
    const second = inet === undefined ? undefined : inet6;
    if (second !== undefined)
      scribe.fillIn(`${at}.vrrpAddress6`, `the prefix of ${name}'s IPv6 network`);
    if (priority === undefined) {
      scribe.fillIn(`${at}.priority`, `${name}'s priority: its own keepalived.conf says it`);
    }
    return {
      name,
      host: fillIn,
      hostKey: fillIn,
      vrrpAddress: main === undefined ? fillIn : `${main}/${fillIn}`,
      ...(second === undefined ? {} : { vrrpAddress6: `${second}/${fillIn}` }),
      priority: priority ?? fillIn,
    };
  });
}

/** A director's settings in an instance that differ from its general ones. */
export function partsOf(
  instance: InstanceReading,
  directors: Director[],
  scribe: Scribe,
): Record<string, { priority?: unknown; vrrpAddress?: string }> {
  const family = familyOfInstance(instance);
  const ownDiffers = directors.some(({ parts, priority }) => {
    const own = parts.get(instance.name)?.priority;
    return own !== undefined && own !== priority;
  });
  return Object.fromEntries(
    directors.flatMap(({ name, parts, priority, addresses }) => {
      const part = parts.get(instance.name);
      const own: { priority?: unknown; vrrpAddress?: string } = {};
      const at = `vrrp.instances[${instance.name}].directors.${name}`;
      if (part?.priority !== undefined && part.priority !== priority) own.priority = part.priority;
      if (part?.priority === undefined && ownDiffers) {
        own.priority = fillIn;
        scribe.fillIn(`${at}.priority`, `${name}'s priority here: its own keepalived.conf says it`);
      }
      const main = addresses[family];
      if (
        part?.address !== undefined &&
        main !== undefined &&
        canonical(part.address) !== canonical(main)
      ) {
        own.vrrpAddress = `${part.address}/${fillIn}`;
        scribe.fillIn(`${at}.vrrpAddress`, `the prefix of ${name}'s network there`);
      }
      return Object.keys(own).length > 0 ? [[name, own]] : [];
    }),
  );
}
