// The files made from the schema match it, and their claims are true: for people, for editors, for
// the engine.
import { existsSync, readFileSync, readdirSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { Ajv } from "ajv";
import fc from "fast-check";
import { parse } from "yaml";
import { z } from "zod";
import { check, namespace } from "../components/config";
import * as types from "../components/schema";
import { generated } from "../docs/generate";
import { editorSchema, jsonSchema } from "../docs/generate/editorSchema";
import { stackArb } from "./support/arbitraries";
import { runs, seed } from "./support/draws";
import { examplesFolder } from "./support/examples";
import { childrenOf, unwrap } from "./support/features";
import { raw, smallStack, type Stack } from "./support/stacks";

const root = join(__dirname, "..");
const read = (path: string) => readFileSync(join(root, path), "utf8");

/** A change of a config, in its parsed form. */
type Change = (stack: Stack) => unknown;

test.each(Object.entries(generated()))(
  "%s is what components/schema says; if it isn't, run npm run docs",
  (path, text) => {
    expect(read(path)).toBe(text);
  },
);

describe("the reference", () => {
  const text = read("docs/config.md");
  const anchors = [...text.matchAll(/^#+ (.*)$/gm)].map(([, heading = ""]) => anchor(heading));

  test("names all keys of an object in one place, of checks also those that several share", () => {
    const places = text.split(/^#+ /m).map((place) => ({
      heading: place.split("\n")[0],
      named: [...place.matchAll(/`(\w+)`/g)].map(([, key = ""]) => key),
    }));
    const shared = places.find(({ heading }) => heading === "virtualServers[].checks[]")?.named;
    const untold = objects(Object.values(types.schema)).filter(
      (keys) =>
        !places.some(({ named }) =>
          keys.every((key) => named.includes(key) || shared?.includes(key)),
        ),
    );
    expect(untold).toEqual([]);
    const secrets = places.find(({ heading }) => heading === "Secrets")?.named;
    expect(secrets).toEqual(expect.arrayContaining(Object.keys(types.secretSchema)));
  });

  test("has one heading for each link into it, from the README too", () => {
    const own = [...text.matchAll(/\]\(#([^)]*)\)/g)];
    const others = [...read("README.md").matchAll(/\]\(docs\/config\.md#([^)]*)\)/g)];
    for (const [, link] of [...own, ...others]) {
      expect([link, anchors.filter((known) => known === link).length]).toEqual([link, 1]);
    }
  });

  test("links to files that are there", () => {
    for (const [, link = ""] of text.matchAll(/\]\((?!#|https:)([^)#]*)/g)) {
      expect([link, existsSync(join(root, "docs", link))]).toEqual([link, true]);
    }
  });

  test("has an example of every top-level key, and they are one right stack", () => {
    const stack = configOf(read("docs/generate/example.yaml"));
    expect(Object.keys(stack)).toEqual(Object.keys(types.schema));
    expect(check(raw(stack)).errors).toEqual([]);
  });
});

describe("an editor", () => {
  const validate = new Ajv({ allErrors: true, keywords: ["patternErrorMessage"] }).compile(
    editorSchema(),
  );

  /** The keys that an editor underlines, with the reasons. */
  const underlined = (file: object) => {
    validate(file);
    return (validate.errors ?? []).map(({ instancePath, message }) => `${instancePath} ${message}`);
  };

  const stackFiles = [
    "Pulumi.dev.yaml",
    ...readdirSync(examplesFolder).flatMap((file) =>
      file.endsWith(".yaml") ? [`examples/${file}`] : [],
    ),
    "docs/generate/example.yaml",
  ];

  test.each(stackFiles)("finds the schema by %s, and nothing to complain of", (file) => {
    const text = read(file);
    const [, path = ""] = /^# yaml-language-server: \$schema=(\S+)$/m.exec(text) ?? [];
    expect(resolve(root, dirname(file), path)).toBe(join(root, "docs/config.schema.json"));
    expect(underlined(parse(text) as object)).toEqual([]);
  });

  test("accepts every stack that the program accepts", () => {
    fc.assert(
      fc.property(stackArb(), (stack) => {
        expect(underlined({ config: qualified(stack) })).toEqual([]);
      }),
      { seed, numRuns: runs(50) },
    );
  });

  const parsed = {
    address: types.address,
    addressOrLoopback: types.addressOrLoopback,
    ipv6Address: types.ipv6Address,
    addressWithPrefix: types.addressWithPrefix,
    ipv6AddressWithPrefix: types.ipv6AddressWithPrefix,
    virtualAddress: types.virtualAddress,
    subnet: types.subnet,
    hostName: types.hostName,
    hostAddress: types.hostAddress,
  } satisfies Record<string, z.ZodType>;

  test.each(Object.entries(parsed))("accepts every %s that the program accepts", (_, type) => {
    const accepts = new Ajv({ keywords: ["patternErrorMessage"] }).compile(jsonSchema(type));
    fc.assert(
      fc.property(spelling, (text) => {
        fc.pre(type.safeParse(text).success);
        expect([text, accepts(text)]).toEqual([text, true]);
      }),
      { seed },
    );
    expect(accepts("not one, for sure")).toBe(false);
  });

  test("accepts secrets as Pulumi writes them, Pulumi's own keys, and what is other programs'", () => {
    const config = {
      ...qualified(smallStack()),
      "lvs-ha:sshPassword": { secure: "v1:Zm9v:YmFy" },
      "aws:region": "eu-central-1",
    };
    const file = { encryptionsalt: "v1:Zm9v", secretsprovider: "passphrase", config };
    expect(underlined(file)).toEqual([]);
  });

  test("misses no key of a stack whose keys come from an environment", () => {
    expect(underlined({ environment: ["lvs/prod"], config: {} })).toEqual([]);
    expect(underlined({ config: {} }).join()).toContain("'lvs-ha:directors'");
  });

  test.each<[claim: string, change: Change, where: string]>([
    ["a key that isn't there", (s) => (s.pakages = []), ""],
    ["one further in", (s) => (s.virtualServers[0].sheduler = "rr"), "virtualServers/0"],
    ["a missing key", (s) => delete s.directors[0].hostKey, "directors/0"],
    ["too short a list", (s) => s.directors.pop(), "directors"],
    ["no port", (s) => (s.virtualServers[0].port = 0), "virtualServers/0/port"],
    ["text for a number", (s) => (s.realServers[0].weight = "1"), "realServers/0/weight"],
    ["no scheduler", (s) => (s.virtualServers[0].scheduler = "rrr"), "virtualServers/0/scheduler"],
    ["no address", (s) => (s.realServers[0].address = "192.0.2.300"), "realServers/0/address"],
    ["no name", (s) => (s.realServers[0].name = "Web 1"), "realServers/0/name"],
    [
      "no type of check",
      (s) => (s.virtualServers[0].checks = [{ type: "htp" }]),
      "virtualServers/0/checks/0",
    ],
    [
      "a check without type",
      (s) => (s.virtualServers[0].checks = [{}]),
      "virtualServers/0/checks/0",
    ],
    [
      "another check's key",
      (s) => (s.virtualServers[0].checks = [{ type: "tcp", urls: [{ path: "/" }] }]),
      "virtualServers/0/checks/0",
    ],
    ["no VRRP version", (s) => (s.vrrp = { version: 4 }), "vrrp/version"],
    ["a secret in plain text", (s) => (s.sshPassword = "hunter2"), "sshPassword"],
  ])("underlines %s, which the program refuses, too", (_, change, where) => {
    const stack = smallStack();
    change(stack);
    const path = where === "" ? "/config" : `/config/${namespace}:${where}`;
    expect(underlined({ config: qualified(stack) }).join("\n")).toContain(`${path} `);
    expect(check(raw(stack)).errors).not.toEqual([]);
  });

  test.each<[claim: string, file: object]>([
    ["a key that Pulumi doesn't know", { confg: {}, config: qualified(smallStack()) }],
    ["a file without config", { encryptionsalt: "v1:Zm9v" }],
  ])("underlines %s", (_, file) => {
    expect(underlined(file)).not.toEqual([]);
  });
});

/** The keys of every object in these types. */
function objects(schemas: z.core.$ZodType[]): string[][] {
  return schemas.flatMap((type) => {
    const bare = unwrap(type);
    return [
      ...(bare instanceof z.ZodObject ? [Object.keys(bare.shape)] : []),
      ...objects(childrenOf(type).map(([below]) => below)),
    ];
  });
}

/** Spellings of addresses and names, and near misses. */
const spelling = fc
  .tuple(
    fc.oneof(
      fc.ipV4(),
      fc.ipV6(),
      fc.domain(),
      fc.stringMatching(/^[0-9]{1,3}(\.[0-9]{1,3}){3}$/),
      fc.stringMatching(/^[0-9A-F]{0,4}(:[0-9A-F]{0,4}){2,7}$/),
      fc.stringMatching(/^[A-Za-z0-9]([A-Za-z0-9-]{0,5}[A-Za-z0-9])?$/),
      fc.constantFrom("0.0.0.0", "10.0.0.0", "::", "::1", "2001:db8::", "::ffff:192.0.2.1"),
    ),
    fc.oneof(
      fc.constant(""),
      fc.integer({ min: 0, max: 128 }).map((length) => `/${length}`),
    ),
  )
  .map(([text, prefix]) => text + prefix);

/** The config's keys with their namespace, as in the file. */
function qualified(stack: Record<string, unknown>): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(stack).map(([key, value]) => [`${namespace}:${key}`, value]),
  );
}

function configOf(text: string): Record<string, unknown> {
  const { config } = parse(text) as { config: Record<string, unknown> };
  return Object.fromEntries(
    Object.entries(config).map(([key, value]) => [key.replace(`${namespace}:`, ""), value]),
  );
}

/**
 * The anchor of a heading: https://docs.github.com/en/get-started/writing-on-github, "Section
 * links".
 */
function anchor(heading: string): string {
  return heading
    .toLowerCase()
    .replace(/[^a-z0-9 _-]/g, "")
    .replaceAll(" ", "-");
}
