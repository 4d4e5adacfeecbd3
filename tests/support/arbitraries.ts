// Valid stack configs of every kind that the schema knows, for property tests. They are drawn from
// the schema, so that a new key is included automatically, and then corrected like a user would do
// it: by following the errors.
import { cpus } from "node:os";
import fc from "fast-check";
import { Address4, Address6 } from "ip-address";
import { z } from "zod";
import { check } from "../../components/config";
import * as types from "../../components/schema";
import { childrenOf, featuresOf, isAtOrBelow, unwrap } from "./features";
import { limitedTo } from "./limitedTo";
import { setRight, type Plain } from "./setRight";
import { director } from "./keepalived";
import { raw } from "./stacks";

/** Stack configs that pass validation, some with mostly defaults and some with many keys. */
export function stackArb(): fc.Arbitrary<Plain> {
  return fc.oneof(
    { withCrossShrink: true },
    limitedTo(40, "stack", anyStack({ presence: 0.15, wanted: [] }), refusalOf),
    limitedTo(40, "stack", anyStack({ presence: 0.4, wanted: [] }), refusalOf),
  );
}

/** Stack configs that pass validation and have a feature (see `features.ts`). */
export function stackWith(feature: string): fc.Arbitrary<Plain> {
  const others = neededBy.filter(([pattern]) => pattern.test(feature)).map(([, other]) => other);
  return limitedTo(
    300,
    `stack with ${feature}`,
    anyStack({ presence: 0.15, wanted: [feature, ...others] }),
    (stack) =>
      refusalOf(stack) ??
      (featuresOf(stack).has(feature) ? undefined : "set right, it has it no more"),
  );
}

/** Valid texts for the secret. */
export function authPassArb(): fc.Arbitrary<string> {
  return ofType(
    types.secretSchema.vrrpAuthPass,
    "vrrpAuthPass",
    textOf(types.secretSchema.vrrpAuthPass, "vrrpAuthPass"),
  );
}

interface Options {
  /** Probability of an optional key, 0 to 1. */
  presence: number;
  /** Features that every config must have. */
  wanted: string[];
}

function anyStack(options: Options): fc.Arbitrary<Plain> {
  return objectOf(z.strictObject(types.schema), "", options).map(setRight);
}

/** Why a stack does not pass. */
function refusalOf(stack: Plain): string | undefined {
  const { errors } = check(raw(stack));
  return errors.length === 0 ? undefined : errors.join("\n");
}

// Arbitraries by feature: making all of them again for each wanted feature would take 0.3 s each
// time.
const madeBefore = new Map<string, fc.Arbitrary<unknown>>();

/** Keys with a higher probability, because many interesting cases need them. */
const likely: Record<string, number> = {
  scripts: 0.9,
  tracking: 0.8,
  "tracking.scripts": 0.6,
  "tracking.processes": 0.6,
  "tracking.files": 0.6,
  "tracking.bfd": 0.6,
  vrrp: 0.9,
  "vrrp.instances": 0.6,
  "vrrp.syncGroups": 0.5,
  "virtualServers[].realServers": 0.6,
  "virtualServers[].realServers[]<1>.checks": 0.6,
  email: 0.6,
  "directors[].vrrpAddress6": 0.8,
  "directors[].syncAddress": 0.9,
  "realServers[].host": 0.97,
  "realServers[].hostKey": 0.97,
  "realServers[].address": 0.9,
  "realServers[].address6": 0.95,
};

/** Values with a higher probability, by key: with the others, many keys are refused. */
const likelyValues: Record<string, readonly unknown[]> = { os: ["debian12", "debian13"] };

/** Other features that some features need: without them, those configs would seldom be valid. */
const neededBy: [feature: RegExp, other: string][] = [
  [/\.schedulerFlags\[\]=sh/, "virtualServers[].scheduler=sh"],
  [/\.schedulerFlags\[\]=mh/, "virtualServers[].scheduler=mh"],
  [/^vrrp\.syncGroups/, "vrrp.instances[].virtualAddresses[]"],
  [/^tracking\.scripts/, "vrrp.trackScripts[]"],
  [/^tracking\.processes/, "vrrp.trackProcesses[]"],
  [/^tracking\.files/, "vrrp.trackFiles[]"],
  [/\.trackScripts/, "tracking.scripts[]"],
  [/\.trackProcesses/, "tracking.processes[]"],
  [/\.trackFiles|<file>/, "tracking.files[]"],
  [/\.trackBfd|<bfd>/, "tracking.bfd[]"],
  [/^vrrp\.vmac/, "vrrp.unicast=false"],
  [/^vrrp\.instances\[\]\.vmac/, "vrrp.instances[].unicast=false"],
  [/^vrrp\.multicastGroup/, "vrrp.unicast=false"],
  [/^vrrp\.instances\[\]\.multicastGroup/, "vrrp.instances[].unicast=false"],
  [/\.priorityChanges/, "daemon.notifyFifo"],
  [/^vrrp\.garp\..*ntervalSeconds/, "vrrp.garp.masterRepeat"],
  [/^vrrp\.garp\.masterRefreshRepeat/, "vrrp.garp.masterRefreshSeconds"],
  [/^vrrp\.instances.*\.masterRefreshRepeat/, "vrrp.instances[].garp.masterRefreshSeconds"],
  [/^vrrp\.(syncGroups\[\]\.)?track.*\.weight/, "vrrp.preempt=true"],
  [/^vrrp\.instances\[\]\.track.*\.weight/, "vrrp.instances[].preempt=true"],
  [/^vrrp\.accept=false/, "vrrp.instances[].accept=true"],
  [/^vrrp\.instances\[\]\.accept=false/, "vrrp.instances[].virtualAddresses[]"],
  [/^virtualServers\[\]\.virtualHost/, "virtualServers[].checks[]<http>"],
  [/\.realServerInitNotifies=true/, "daemon.notifyFifo"],
];

/** Keys that come together or not at all: drawn separately, they would seldom be valid. */
const kinds: Record<string, { has: string[]; lacks: string[] }[]> = {
  "virtualServers[]": [
    { has: ["address", "port"], lacks: ["fwmark", "traffic"] },
    { has: ["fwmark", "traffic"], lacks: ["address", "port"] },
  ],
};

function valueOf(type: z.core.$ZodType, place: string, options: Options): fc.Arbitrary<unknown> {
  const { presence } = options;
  const wanted = options.wanted.filter((feature) => isAtOrBelow(feature, place));
  const key = JSON.stringify([presence, wanted, place]);
  const value = madeBefore.get(key) ?? newValueOf(type, place, { presence, wanted });
  madeBefore.set(key, value);
  return value;
}

function newValueOf(type: z.core.$ZodType, place: string, options: Options): fc.Arbitrary<unknown> {
  const bare = unwrap(type);
  const [, special] = Object.entries(places).find(([end]) => place.endsWith(end)) ?? [];
  const own = special ?? texts.get(bare._zod.def);
  if (own === undefined && childrenOf(bare).length > 0) return anyOf(bare, place, options);
  // A refined type requires more than its pattern or range.
  return ofType(bare, place, own ?? anyOf(bare, place, options));
}

function ofType<T>(type: z.core.$ZodType, place: string, drawn: fc.Arbitrary<T>): fc.Arbitrary<T> {
  return limitedTo(
    2000,
    `value for ${place}`,
    drawn,
    (value) => z.safeParse(type, value).error?.issues[0]?.message,
  );
}

function anyOf(type: z.core.$ZodType, place: string, options: Options): fc.Arbitrary<unknown> {
  const isWanted = (value: unknown) =>
    options.wanted.every(
      (feature) => !feature.startsWith(`${place}=`) || feature === `${place}=${String(value)}`,
    );
  if (type instanceof z.ZodBoolean) return fc.constantFrom(...[false, true].filter(isWanted));
  if (type instanceof z.ZodEnum) {
    return oneOfValues(type.options.filter(isWanted), likelyValues[place.split(".").at(-1) ?? ""]);
  }
  if (type instanceof z.ZodLiteral) return fc.constantFrom(...type.values);
  if (type instanceof z.ZodNumber) return numberOf(type);
  if (type instanceof z.ZodString) return textOf(type, place);
  if (type instanceof z.ZodObject) return objectOf(type, place, options);
  if (type instanceof z.ZodArray) return listOf(type, place, options);
  if (type instanceof z.ZodRecord) return recordOf(type, place, options);
  if (type instanceof z.ZodUnion) {
    const branches = childrenOf(type);
    const chosen = branches.filter(([, suffix]) => isWantedIn(options, place + suffix));
    return fc.oneof(
      { withCrossShrink: true },
      ...(chosen.length > 0 ? chosen : branches).map(([branch, suffix]) =>
        valueOf(branch, place + suffix, options),
      ),
    );
  }
  throw new Error(`${place}: arbitraries.ts cannot draw a ${type._zod.def.type} yet`);
}

/** One of these values, most often a likely one. */
function oneOfValues<T>(values: T[], likely: readonly unknown[] = []): fc.Arbitrary<T> {
  return fc.oneof(
    { withCrossShrink: true },
    ...values.map((value) => ({
      weight: likely.includes(value) ? 9 : 1,
      arbitrary: fc.constant(value),
    })),
  );
}

function objectOf(type: z.ZodObject, place: string, options: Options): fc.Arbitrary<Plain> {
  const { presence } = options;
  const placeOf = (key: string) => (place === "" ? key : `${place}.${key}`);
  const ofKind = ({ has, lacks }: { has: string[]; lacks: string[] }) =>
    fc
      .record(
        Object.fromEntries(
          Object.entries(type.shape as Record<string, z.ZodType>)
            .filter(([key]) => !lacks.includes(key))
            .map(([key, below]) => {
              const at = placeOf(key);
              const value = valueOf(below, at, options);
              const isNeeded =
                !z.safeParse(below, undefined).success ||
                has.includes(key) ||
                isWantedIn(options, at);
              return [key, isNeeded ? value : sometimes(value, likely[at] ?? presence)];
            }),
        ),
      )
      .map((object) =>
        Object.fromEntries(Object.entries(object).filter(([, value]) => value !== undefined)),
      );
  const fitting = (kinds[place] ?? [{ has: [], lacks: [] }]).filter(
    ({ lacks }) => !lacks.some((key) => isWantedIn(options, placeOf(key))),
  );
  return fc.oneof({ withCrossShrink: true }, ...fitting.map(ofKind));
}

function isWantedIn({ wanted }: Options, place: string): boolean {
  return wanted.some((feature) => isAtOrBelow(feature, place));
}

function sometimes<T>(value: fc.Arbitrary<T>, presence: number): fc.Arbitrary<T | undefined> {
  return fc.oneof(
    { withCrossShrink: true },
    { weight: Math.round((1 - presence) * 100), arbitrary: fc.constant(undefined) },
    { weight: Math.round(presence * 100), arbitrary: value },
  );
}

function listOf(type: z.ZodArray, place: string, options: Options): fc.Arbitrary<unknown[]> {
  const limits = Object.assign(
    {},
    ...(type._zod.def.checks ?? []).map((limit) => limit._zod.def),
  ) as { minimum?: number; maximum?: number };
  const least = limits.minimum ?? (isWantedIn(options, `${place}[]`) ? 1 : 0);
  const element = valueOf(type.element, `${place}[]`, options);
  const ofUpTo = (length: number) =>
    fc.array(element, {
      minLength: least,
      maxLength: Math.max(least, Math.min(length, limits.maximum ?? length)),
    });
  return fc.oneof(
    { withCrossShrink: true },
    { weight: 19, arbitrary: ofUpTo(3) },
    { weight: 1, arbitrary: ofUpTo(10) },
  );
}

function recordOf(type: z.ZodRecord, place: string, options: Options): fc.Arbitrary<Plain> {
  return fc
    .array(
      fc.tuple(
        valueOf(type.keyType, `${place}{key}`, options) as fc.Arbitrary<string>,
        valueOf(type.valueType, `${place}{}`, options),
      ),
      { minLength: isWantedIn(options, `${place}{}`) ? 1 : 0, maxLength: 3 },
    )
    .map((entries) => Object.fromEntries(entries));
}

function numberOf(type: z.ZodNumber): fc.Arbitrary<number> {
  const { minValue, maxValue } = type;
  if (minValue === null || maxValue === null) throw new Error("a number without limits");
  const between = (min: number, max: number, stepsInOne: number) =>
    fc
      .integer({ min: Math.ceil(min * stepsInOne), max: Math.floor(max * stepsInOne) })
      .map((steps) => steps / stepsInOne);
  const steps = (
    type.format === "safeint"
      ? [1]
      : [1, 10, 100, 1000, ...(minValue > 0 && minValue < 0.001 ? [1e6] : [])]
  ).filter((each) => Math.ceil(minValue * each) <= Math.floor(maxValue * each));
  return fc.oneof(
    { withCrossShrink: true },
    // Numbers that are compared with each other are often small in practice.
    ...steps.map((each) => between(minValue, Math.min(maxValue, minValue + 10), each)),
    ...steps.map((each) => between(minValue, maxValue, each)),
  );
}

function textOf(type: z.ZodString, place: string): fc.Arbitrary<string> {
  const [pattern] = (type._zod.def.checks ?? []).flatMap(({ _zod: { def } }) =>
    "pattern" in def && def.pattern instanceof RegExp ? [def.pattern] : [],
  );
  if (pattern === undefined) {
    throw new Error(`${place}: its type has no pattern; arbitraries.ts needs a line for it`);
  }
  const drawn =
    drawnBefore.get(pattern.source) ??
    fc.oneof(
      { withCrossShrink: true },
      { weight: 9, arbitrary: fc.stringMatching(pattern) },
      { weight: 1, arbitrary: fc.stringMatching(pattern, { size: "medium" }) },
    );
  drawnBefore.set(pattern.source, drawn);
  return drawn;
}

const byte = fc.integer({ min: 0, max: 255 });

// In the directors' networks.
const near4 = fc.tuple(byte, byte).map(([a, b]) => `198.18.${a}.${b}`);
const near6 = fc
  .tuple(byte, byte)
  .map(([a, b]) => `2001:db8::${(a + 1).toString(16)}:${b.toString(16)}`);

const strange = fc.constantFrom(
  ...["0.0.0.0", "127.0.0.1", "203.0.113.255", "224.0.0.18", "255.255.255.255"],
  ...["::", "::1", "::ffff:192.0.2.1", "2001:DB8:0:0:0:0:0:1", "fe80::1", "ff02::12"],
);

const anyAddress = fc.oneof(
  { withCrossShrink: true },
  { weight: 5, arbitrary: near4 },
  { weight: 3, arbitrary: near6 },
  { weight: 1, arbitrary: fc.oneof(fc.ipV4(), fc.ipV6(), strange) },
);

const withPrefix = (addresses: fc.Arbitrary<string>) =>
  fc
    .tuple(addresses, fc.integer({ min: 0, max: 128 }))
    .map(([text, length]) => `${text}/${text.includes(":") ? length : length % 33}`);

const mostly = (usual: fc.Arbitrary<string>, ...others: fc.Arbitrary<string>[]) =>
  fc.oneof(
    { withCrossShrink: true },
    { weight: 9, arbitrary: usual },
    { weight: 1, arbitrary: fc.oneof({ withCrossShrink: true }, ...others) },
  );

const hostNames = fc
  .array(fc.stringMatching(/^[a-z]([a-z0-9-]{0,9}[a-z0-9])?$/), { minLength: 1, maxLength: 3 })
  .map((labels) => labels.join("."));

// Valid names that are also words of keepalived.conf(5) or JavaScript.
const telling = fc.constantFrom(
  ...["id", "port", "inst", "ttl", "group", "weight", "reverse", "all", "none", "on", "vrrp"],
  ...["dev", "include", "interface", "default", "constructor", "toString"],
);

// Arbitraries by pattern: making one takes up to 0.2 s.
const drawnBefore = new Map<string, fc.Arbitrary<string>>();

/**
 * Arbitraries of types whose texts must fit the tests' director, or that have no pattern. By the
 * type's definition, because `describe` copies the type.
 */
const texts = new Map<unknown, fc.Arbitrary<unknown>>([
  [types.address._zod.def, anyAddress],
  [types.addressOrLoopback._zod.def, anyAddress],
  [types.ipv6Address._zod.def, mostly(near6, fc.ipV6())],
  [
    types.addressWithPrefix._zod.def,
    mostly(
      near4.map((text) => `${text}/15`),
      near6.map((text) => `${text}/32`),
      withPrefix(anyAddress),
    ),
  ],
  [
    types.ipv6AddressWithPrefix._zod.def,
    mostly(
      near6.map((text) => `${text}/32`),
      withPrefix(fc.ipV6()),
    ),
  ],
  [types.virtualAddress._zod.def, fc.oneof(anyAddress, withPrefix(anyAddress))],
  [types.subnet._zod.def, withPrefix(anyAddress).map(networkOf)],
  [types.hostName._zod.def, hostNames],
  [types.hostAddress._zod.def, mostly(anyAddress, hostNames)],
  [types.name._zod.def, mostly(textOf(types.name, "name"), telling)],
  [types.blockName._zod.def, mostly(textOf(types.blockName, "blockName"), telling)],
  [types.interfaceName._zod.def, fc.constantFrom(...director.interfaces)],
  [types.linkName._zod.def, fc.constantFrom(...director.interfaces)],
  [types.userName._zod.def, fc.constantFrom(...director.users)],
  [types.path._zod.def, textOf(types.path, "path").map((text) => director.tracked + text)],
]);

/** Arbitraries of single keys, by the end of their path. */
const places: Record<string, fc.Arbitrary<unknown>> = {
  // With only IPv6 addresses, a real server would seldom fit the virtual servers.
  "realServers[].host": mostly(near4, anyAddress, hostNames),
  "realServers[].address": mostly(near4, anyAddress),
  "directors[].host": mostly(near4, anyAddress, hostNames),
  "directors[].syncAddress": mostly(near4, anyAddress),
  "daemon.scriptUser": fc.constantFrom(...director.users),
  "CpuAffinity[]": fc.nat({ max: Math.min(2, cpus().length) - 1 }),
  ".multicastGroup": mostly(
    byte.map((last) => `224.0.0.${last}`),
    byte.map((last) => `ff02::${last.toString(16)}`),
  ),
  "syncDaemon.group": mostly(
    byte.map((last) => `224.0.0.${last}`),
    byte.map((last) => `ff02::${last.toString(16)}`),
  ),
  // Words allowed by the type that keepalived also accepts.
  "daemon.otherKeywords": fc.array(
    fc.constantFrom("vrrp_lower_prio_no_advert", "checker_log_all_failures"),
    { maxLength: 1 },
  ),
  "virtualServers[].otherKeywords": fc.array(fc.constantFrom("snmp_name web", "snmp_name mail"), {
    maxLength: 1,
  }),
  "<1>.otherKeywords": fc.array(fc.constantFrom("snmp_name web1", "snmp_name web2"), {
    maxLength: 1,
  }),
  ".otherKeywords": fc.array(fc.constantFrom("skip_check_adv_addr", "debug 2"), { maxLength: 1 }),
  ".vmac.interface": limitedTo(2000, "vmac", textOf(types.interfaceName, "vmac"), (text) =>
    director.interfaces.includes(text) ? `the host has a device ${text}` : undefined,
  ),
  ".regex": fc.oneof(
    fc.constantFrom("a|b", "^\\d+ \\w$", "\\\\", "[#!{}]", "it's", "(?:\\d{4}-){2}", "ü€😀$", "~"),
    fc.string({ unit: "grapheme", minLength: 1, maxLength: 200 }),
  ),
};

/** The network of an address with its prefix. */
function networkOf(text: string): string {
  return (text.includes(":") ? new Address6(text) : new Address4(text)).networkForm();
}
