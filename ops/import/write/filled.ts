// Checks whether the stack accepts an imported config once its placeholders are filled in.
import { z } from "zod";
import { check, type RawConfig } from "../../../components/config";
import { idleKeys, type IdleKey } from "../../../components/rules/idle";
import { schema } from "../../../components/schema";
import { osNames, osProfiles, type OsName } from "../../../components/os/profiles";
import { defaultPriority } from "../../../components/settings";
import { fillIn, fillIn6 } from "../read/scripts";
import type { Config } from "../shapes";

/**
 * The errors that `pulumi preview` would report with valid values for the placeholders. `os` is set
 * if the keywords in use need the keepalived of a newer system than the default.
 */
export function checkImported(config: Config): { os?: OsName; errors: string[] } {
  // Others may have the keywords, too, but nothing is imported onto what no host was set up with.
  const proven = osNames.filter((os) => osProfiles[os].proven === "guests");
  const found = proven.map((os) => ({
    os,
    errors: check(filledIn({ ...config, os })).errors,
  }));
  const [usual, ...newer] = found;
  if (usual === undefined || usual.errors.length === 0) return { errors: [] };
  const better = newer.find(({ errors }) => errors.length < usual.errors.length);
  return better ?? { errors: usual.errors };
}

/** Keys that have no effect, in keepalived either. */
export function idleIn(config: Config): IdleKey[] {
  const { data } = z.strictObject(schema).safeParse(plainOf(config));
  return data ? idleKeys({ email: undefined, ...data }) : [];
}

/** The config with valid values for its placeholders. */
function plainOf(config: Config): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(withPriorities(config)).map(([key, value]) => [
      key,
      fill(value, [key], counter()),
    ]),
  );
}

/** The filled-in config as the engine would pass it. */
export function filledIn(config: Config, secrets: Record<string, string> = {}): RawConfig {
  const raw: RawConfig = new Map();
  for (const [key, filled] of Object.entries(plainOf(config))) {
    const text = typeof filled === "string" ? filled : JSON.stringify(filled);
    raw.set(key, { text, secret: false });
  }
  for (const [key, text] of Object.entries(secrets)) raw.set(key, { text, secret: true });
  return raw;
}

/**
 * The config with priorities for the placeholders, each next to the known ones. The weight that
 * brings one director below another is unknown then; with such small distances any weight is
 * enough.
 */
function withPriorities(config: Config): Config {
  const { directors = [], vrrp } = config;
  const everywhere = numbered(
    directors.map(({ name, priority }, i) => [name, priority ?? defaultPriority(i)]),
  );
  const instances = vrrp?.instances?.map(({ directors: own = {}, ...instance }) => {
    const all = [...everywhere].map(([name, priority]): [string, unknown] => [
      name,
      own[name]?.priority ?? priority,
    ]);
    const here = numbered(all);
    const parts = Object.entries(own).map(([name, part]) => [
      name,
      part.priority === undefined ? part : { ...part, priority: here.get(name) },
    ]);
    return { ...instance, directors: Object.fromEntries(parts) as typeof own };
  });
  return {
    ...config,
    directors: directors.map((director) => ({
      ...director,
      priority: everywhere.get(director.name),
    })),
    ...(instances && { vrrp: { ...vrrp, instances } }),
  };
}

/**
 * Priorities by director. An unknown one is below the lowest, or above the highest if there is no
 * room.
 */
function numbered(priorities: [director: string, priority: unknown][]): Map<string, number> {
  const known = priorities.flatMap(([, priority]) =>
    typeof priority === "number" ? [priority] : [],
  );
  const open = priorities.length - known.length;
  const lowest = Math.min(...known, 254);
  const next = counter();
  const free = () => (lowest > open ? lowest - next() : Math.max(...known) + next());
  return new Map(
    priorities.map(([name, priority]) => [name, typeof priority === "number" ? priority : free()]),
  );
}

/** Numbers the placeholder values, which must differ where the config requires it. */
function counter(): () => number {
  let count = 0;
  return () => ++count;
}

function fill(value: unknown, path: string[], next: () => number): unknown {
  if (Array.isArray(value)) return value.map((item) => fill(item, path, next));
  if (typeof value === "object" && value !== null) {
    return Object.fromEntries(
      Object.entries(value).map(([key, entry]) => [key, fill(entry, [...path, key], next)]),
    );
  }
  if (typeof value !== "string" || !value.includes(fillIn)) return value;
  const key = path.at(-1) ?? "";
  // A prefix for one address alone, as for vrrpAddress below: other addresses need not be in its
  // network.
  if (value.endsWith(`/${fillIn}`))
    return value.replace(fillIn, value.includes(":") ? "128" : "32");
  if (value === fillIn6) return `2001:db8:fffe::${next()}/128`;
  if (path[0] === "scripts") return "#!/bin/sh\n";
  return standIns[key]?.(next()) ?? value.replaceAll(fillIn, "x");
}

const standIns: Partial<Record<string, (number: number) => unknown>> = {
  host: (number) => `203.0.113.${number}`,
  hostKey: () => `ssh-ed25519 ${"A".repeat(68)}`,
  // In networks of their own, so that no director shares one with another.
  vrrpAddress: (number) => `198.18.0.${number}/32`,
  vrrpAddress6: (number) => `2001:db8:ffff::${number}/128`,
  address: (number) => `198.18.1.${number}/32`,
  ports: (number) => number,
  path: () => "/",
  to: () => "root@example.org",
  smtpServer: () => "198.18.3.1",
  // TUN needs nothing that the file might lack.
  forwarding: () => "TUN",
  interface: (number) => `fill${number}`,
  virtualRouterId: (number) => 256 - number,
  from: () => "keepalived@example.org",
  neighbor: (number) => `198.18.2.${number}`,
};
