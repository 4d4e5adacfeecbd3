// Every stack config that passes validation is accepted without a message by the real keepalived of
// each release.
import fc from "fast-check";
import { check } from "../../components/config";
import { osNames, osProfiles, type OsName } from "../../components/os/profiles";
import { compareVersions } from "../../components/os/versions";
import { renderKeepalived, renderSecrets } from "../../components/render/keepalived";
import { authPassArb, stackArb, stackWith } from "../support/arbitraries";
import { all, runs, seed } from "../support/draws";
import { features, featuresOf } from "../support/features";
import {
  configTests,
  suites,
  unpack,
  type Case,
  type KeepalivedVersion,
} from "../support/keepalived";
import { limitedTo } from "../support/limitedTo";
import type { Plain } from "../support/setRight";
import { raw } from "../support/stacks";

// Locally, enough cases to find an obvious mistake; `npm test -- --all` draws the rest.
const drawn = runs(50, 500);

/** A stack, and what is needed to draw it again. */
interface Drawn {
  stack: Plain;
  authPass: string;
  property: Property;
  path: string;
}

type Property = fc.IAsyncProperty<[stack: Plain, authPass: string]>;

const propertyOf = (stacks: fc.Arbitrary<Plain>): Property =>
  fc.asyncProperty(stacks, authPassArb(), async (stack, authPass) => {
    expect((await refusals([{ stack, authPass }]))[0]).toEqual([]);
  });

const versions = Object.keys(suites) as KeepalivedVersion[];
/** Those of which each feature is drawn: with `npm test -- --all` every one, else those that serve in the lab. */
const covered = versions.filter(
  (version) => all || systemsOf(version).some((os) => osProfiles[os].proven === "guests"),
);
const folders = new Map<KeepalivedVersion, string>();
let cases: Drawn[] = [];

beforeAll(async () => {
  for (const version of versions) folders.set(version, await unpack(version));
}, 600_000);

beforeAll(() => {
  const draw = (stacks: fc.Arbitrary<Plain>, numRuns: number): Drawn[] => {
    const property = propertyOf(stacks);
    return fc
      .sample(property, { seed, numRuns })
      .map(([stack, authPass], i) => ({ stack, authPass, property, path: String(i) }));
  };
  cases = draw(stackArb(), drawn);
  for (const version of covered) {
    const missing = missingIn(cases, version);
    for (const feature of missing) {
      const read = limitedTo(2000, `stack with ${feature}`, stackWith(feature), (stack) =>
        configsOf({ stack, authPass: "" }, version).length > 0
          ? undefined
          : `keepalived ${version} reads none: ${JSON.stringify(stack)}`,
      );
      const [found] = draw(read, 1);
      if (found === undefined) throw new Error(`${feature}: nothing drawn`);
      cases.push(found);
      for (const covered of featuresOf(found.stack)) missing.delete(covered);
    }
  }
}, 600_000);

test.each(covered)(
  "the cases that keepalived %s reads have every key, every kind of value and every word that it knows",
  (version) => {
    expect([...missingIn(cases, version)]).toEqual([]);
  },
);

test(`what passes validation passes keepalived --config-test, with nothing said (SEED=${seed})`, async () => {
  const tested = new Map<string, number>();
  // A stack's directors differ little: one director per stack is enough, in turn.
  const refused = await refusals(cases, (configs, i, version) => {
    tested.set(version, (tested.get(version) ?? 0) + Math.min(configs.length, 1));
    return configs.filter((_, j) => j === i % configs.length);
  });
  const first = refused.findIndex((reasons) => reasons.length > 0);
  const [found] = cases.slice(first === -1 ? cases.length : first);
  if (found) {
    // Runs the failing case again by itself, so that fast-check reduces it to the smallest case.
    await fc.assert(found.property, {
      seed,
      path: found.path,
      interruptAfterTimeLimit: 120_000,
      markInterruptAsFailure: true,
    });
  }
  expect(refused.filter((reasons) => reasons.length > 0)).toEqual([]);
  // The newest keepalived knows every key; the older one knows those not marked with `since`.
  console.log(`keepalived has read, by version: ${JSON.stringify(Object.fromEntries(tested))}`);
  expect(Math.max(...tested.values())).toBe(cases.length);
  // The real binary has read all of them.
  expect(Math.max(...tested.values())).toBeGreaterThanOrEqual(drawn);
  expect(Math.min(...tested.values())).toBeGreaterThan(cases.length / 3);
  expect(tested.size).toBe(versions.length);
}, 600_000);

/** The features of a version that no case readable by this version has. */
function missingIn(among: Drawn[], version: KeepalivedVersion): Set<string> {
  const missing = features(version);
  const [system] = systemsOf(version);
  for (const name of Object.keys(system ? osProfiles[system].lacksSchedulers : {})) {
    missing.delete(`virtualServers[].scheduler=${name}`);
  }
  for (const drawnCase of among) {
    if (configsOf(drawnCase, version).length === 0) continue;
    for (const feature of featuresOf(drawnCase.stack)) missing.delete(feature);
  }
  return missing;
}

/**
 * For each stack, the objections of each release's keepalived to the chosen configs, one per
 * director.
 */
async function refusals(
  stacks: Pick<Drawn, "stack" | "authPass">[],
  choose: (configs: Case[], i: number, version: KeepalivedVersion) => Case[] = (configs) => configs,
): Promise<string[][]> {
  const reasons: string[][] = stacks.map(() => []);
  for (const version of versions) {
    const tested = stacks.flatMap((stack, i) =>
      choose(configsOf(stack, version), i, version).map((config) => ({ i, config })),
    );
    const verdicts = await configTests(
      folders.get(version) ?? "",
      tested.map(({ config }) => config),
    );
    verdicts.forEach(({ code, says }, j) => {
      const { i, config } = tested[j] ?? {};
      if (i !== undefined && (code !== 0 || says !== "")) {
        reasons[i]?.push(
          `keepalived ${version} ends with ${code} and says: ${says}\n${config?.text}`,
        );
      }
    });
  }
  return reasons;
}

/**
 * Each director's config if all run one release; none if validation says that the release is too
 * old.
 */
function configsOf(
  { stack, authPass }: Pick<Drawn, "stack" | "authPass">,
  version: KeepalivedVersion,
): Case[] {
  const [os] = systemsOf(version);
  const directors = (stack.directors as Plain[]).map((director) =>
    Object.fromEntries(Object.entries(director).filter(([key]) => key !== "os")),
  );
  // The firewall is no matter of keepalived's, and not every system has every back end.
  const firewall = { ...(stack.firewall as Plain | undefined), backend: "nftables" };
  const plain = withKnownWords({ ...stack, os, directors, firewall }, version);
  const secret = check(raw(plain, { vrrpAuthPass: authPass }));
  const { settings } = secret.settings ? secret : check(raw(plain));
  return (settings?.directors ?? []).flatMap((director) =>
    settings
      ? [
          {
            text: renderKeepalived(settings, director, secret.settings !== undefined),
            secrets: renderSecrets(authPass),
            scripts: settings.scripts,
            trackedFiles: settings.tracking.files.map(({ file }) => file),
          },
        ]
      : [],
  );
}

/** Keywords of the operator's own are for keepalived to take or refuse: without the one of those drawn that came with 2.2.3. */
function withKnownWords(stack: Plain, version: KeepalivedVersion): Plain {
  if (compareVersions(version, "2.2.3") >= 0) return stack;
  return JSON.parse(
    JSON.stringify(stack, (key, value: unknown) =>
      key === "otherKeywords"
        ? (value as string[]).filter((line) => !line.startsWith("snmp_name "))
        : value,
    ),
  ) as Plain;
}

/** The systems that have a keepalived. */
function systemsOf(version: KeepalivedVersion): OsName[] {
  return osNames.filter((os) => osProfiles[os].keepalived.version === version);
}
