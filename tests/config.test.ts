// Bad input: one clear error for each mistake, all at once, before any host is touched.
import { readFileSync, readdirSync } from "node:fs";
import { join } from "node:path";
import fc from "fast-check";
import ts from "typescript";
import { parse } from "yaml";
import { z } from "zod";
import { check } from "../components/config";
import { osProfiles } from "../components/os/profiles";
import { rules } from "../components/rules";
import { rule } from "../components/rules/rule";
import * as types from "../components/schema";
import { schema } from "../components/schema";
import { distantRealServers, sourcesOf, type Settings } from "../components/settings";
import { stackArb } from "./support/arbitraries";
import { all, runs, seed } from "./support/draws";
import { childrenOf, unwrap } from "./support/features";
import { mistakes } from "./support/mistakes";
import type { Plain } from "./support/setRight";
import { raw, settingsOf, smallStack, type Stack } from "./support/stacks";

function errorsOf(
  change: (stack: Stack) => unknown,
  secrets: Record<string, string> = {},
): string[] {
  const stack = smallStack();
  change(stack);
  return check(raw(stack, secrets)).errors;
}

test("the stack that the mistakes are made in is right", () => {
  expect(errorsOf(() => undefined)).toEqual([]);
});

test.each(mistakes)("%s is told by key, value and what is allowed", (_, change, ...errors) => {
  expect(errorsOf(change)).toEqual(errors);
});

test("an auth_pass of 9 characters is refused without being shown", () => {
  const errors = errorsOf((stack) => (stack.vrrp = { version: 2, advertIntervalSeconds: 1 }), {
    vrrpAuthPass: "123456789",
  });
  expect(errors).toEqual([
    expect.stringMatching(/^vrrpAuthPass: \(secret, not shown\) is longer than the 8 characters/),
  ]);
  expect(errors.join()).not.toContain("123456789");
});

test("an auth_pass with VRRP version 3 is refused", () => {
  expect(errorsOf(() => undefined, { vrrpAuthPass: "secret" })).toEqual([
    expect.stringMatching(/^vrrpAuthPass: version 3 has no authentication/),
  ]);
});

test.each([
  ["sshPrivateKeyPassphrase", "opens sshPrivateKey, which is not set"],
  ["sshProxyPassword", "is for the bastion ssh.proxy, which is not set"],
  ["sshProxyPrivateKey", "is for the bastion ssh.proxy, which is not set"],
])("%s alone is refused without being shown", (name, why) => {
  expect(errorsOf(() => undefined, { [name]: "hunter2" })).toEqual([
    `${name}: (secret, not shown) ${why}`,
  ]);
});

test("a weight is right where it moves the addresses, or says which standby is next", () => {
  const weighed = (stack: Stack) => {
    stack.vrrp = { ...(stack.vrrp as object), trackInterfaces: [{ name: "eth2", weight: -20 }] };
  };
  expect(errorsOf(weighed)).toHaveLength(1);
  expect(
    errorsOf((stack) => {
      stack.vrrp = { preempt: true };
      weighed(stack);
    }),
  ).toEqual([]);
  expect(
    errorsOf((stack) => {
      stack.directors.push({
        ...stack.directors[0],
        name: "lvs3",
        host: "10.10.0.13",
        vrrpAddress: "192.0.2.13/24",
      });
      weighed(stack);
    }),
  ).toEqual([]);
});

test("weights are right where all together can move an address, or bring the directors to one priority", () => {
  const weighed =
    (...weights: number[]) =>
    (stack: Stack) => {
      stack.vrrp = {
        preempt: true,
        trackInterfaces: weights.map((weight, i) => ({ name: `eth${i + 2}`, weight })),
      };
    };
  expect(errorsOf(weighed(-5, -4))).toHaveLength(2);
  expect(errorsOf(weighed(-5, -5))).toEqual([]);
  expect(errorsOf(weighed(4, 5))).toHaveLength(2);
  expect(errorsOf(weighed(4, 6))).toEqual([]);
  expect(errorsOf(weighed(-5, 5))).toEqual([]);
  // A file contributes the number in it, which may be any.
  expect(
    errorsOf((stack) => {
      weighed(-1)(stack);
      stack.tracking = { files: [{ name: "load", file: "/run/load" }] };
      stack.vrrp = { ...(stack.vrrp as object), trackFiles: [{ name: "load" }] };
    }),
  ).toEqual([]);
  // With three directors, the second and the third can change places.
  expect(
    errorsOf((stack) => {
      weighed(-2)(stack);
      stack.directors.push({
        ...stack.directors[0],
        name: "lvs3",
        host: "10.10.0.13",
        vrrpAddress: "192.0.2.13/24",
        priority: 139,
      });
    }),
  ).toEqual([]);
});

test("a weight that moves no address is right where changes of priority are told", () => {
  const told = (preempt: boolean) => (stack: Stack) => {
    stack.daemon = { vrrpNotifyFifo: { path: "/run/vrrp.fifo" } };
    stack.vrrp = {
      preempt,
      trackInterfaces: [{ name: "eth2", weight: -1 }],
      notify: { priorityChanges: true },
    };
  };
  expect(errorsOf(told(true))).toEqual([]);
  expect(errorsOf(told(false))).toEqual([]);
});

test("a real server's weight is right where a scheduler, a quorum or a check of one virtual server looks at it", () => {
  const weighed = (service: object) => (stack: Stack) => {
    stack.realServers[0].weight = 3;
    Object.assign(stack.virtualServers[0], { scheduler: "rr" }, service);
  };
  expect(errorsOf(weighed({}))).toHaveLength(1);
  expect(errorsOf(weighed({ quorum: 2 }))).toEqual([]);
  for (const scheduler of ["wrr", "wlc", "lblc", "lblcr", "sh", "mh", "sed", "nq", "fo", "ovf"]) {
    expect(errorsOf(weighed({ scheduler }))).toEqual([]);
  }
  expect(
    errorsOf((stack) => {
      stack.scripts = { "load.sh": "#!/bin/sh\n" };
      weighed({ checks: [{ type: "misc", script: "load.sh", dynamic: true }] })(stack);
    }),
  ).toEqual([]);
  expect(
    errorsOf((stack) => {
      stack.tracking = { files: [{ name: "load", file: "/run/load" }] };
      weighed({ checks: [{ type: "file", trackFile: "load" }] })(stack);
    }),
  ).toEqual([]);
  expect(
    errorsOf((stack) => {
      weighed({})(stack);
      stack.virtualServers.push({
        name: "other",
        address: "192.0.2.100",
        port: 81,
        scheduler: "wlc",
      });
    }),
  ).toEqual([]);
  expect(errorsOf(weighed({ realServers: [{ name: "web1", weight: 0 }, "web2"] }))).toEqual([]);
});

test("what instances take from vrrp is right if it is of use to one of them", () => {
  const twoInstances = (unicast: boolean) => (stack: Stack) => {
    stack.vrrp = {
      trackInterfaces: [{ name: "eth2", weight: -20 }],
      unicast: false,
      instances: [
        { name: "VI_1", virtualRouterId: 51, preempt: true, unicast },
        {
          name: "VI_2",
          virtualRouterId: 52,
          virtualAddresses: [{ address: "2001:db8::100" }],
        },
      ],
    };
  };
  expect(errorsOf(twoInstances(true))).toEqual([]);
});

test("directors whose addresses stand by themselves, as some clouds give them, may be anywhere", () => {
  const alone = (address: string) => (stack: Stack) => {
    stack.directors[0].vrrpAddress = "10.1.0.11/32";
    stack.directors[1].vrrpAddress = address;
    stack.virtualServers[0].address = "192.0.2.100/32";
  };
  expect(errorsOf(alone("10.2.0.12/32"))).toEqual([]);
  // If one director's address has a network, the others must be in it.
  expect(errorsOf(alone("10.1.0.12/24"))).toEqual([]);
  expect(errorsOf(alone("10.2.0.12/24"))).toHaveLength(1);
});

test("a real server beside the directors' own network is left to the preflight where they have another interface", () => {
  const stack = smallStack();
  stack.realServers[0].address = "203.0.113.21";
  const settings = settingsOf(stack);
  expect(settings.directors.map((director) => distantRealServers(settings, director))).toEqual([
    ["203.0.113.21"],
    ["203.0.113.21"],
  ]);
});

test("a key that decides the stack's shape may not be secret: its text could not be reviewed", () => {
  const { directors, ...others } = smallStack();
  const { errors } = check(raw(others, { directors: JSON.stringify(directors) }));
  expect(errors).toEqual([
    expect.stringMatching(/^directors: is secret, but it decides the stack's shape/),
  ]);
});

test("a rule sees the keys that it names, and no others", () => {
  const { find } = rule({
    needs: ["os", "ssh"],
    find: (config) => {
      // @ts-expect-error: a key that is not named can be wrong still, or not there.
      const { directors } = config;
      return [config.os, String(directors)];
    },
  });
  const { ssh } = settingsOf(smallStack());
  expect(find({ os: "debian13" }, () => false)).toEqual([]);
  expect(find({ os: "debian13", ssh: { ...ssh, user: "root", port: 22 } }, () => false)).toEqual([
    "debian13",
    "undefined",
  ]);
});

describe("one address is one host's, or a virtual address", () => {
  // Addresses of other machines, or addresses that several entries may name.
  const elsewhere = /\.checks\[\]|\.virtualR(oute|ule)s\[\]|^email\.smtpServer$|^ssh\.proxy\.host$/;
  const kinds = [
    ...[types.address, types.addressOrLoopback, types.ipv6Address, types.hostAddress],
    ...[types.virtualAddress, types.addressWithPrefix, types.ipv6AddressWithPrefix],
  ].map(({ _zod }): unknown => _zod.def);
  const isAsked = (type: z.core.$ZodType, place: string) =>
    kinds.includes(unwrap(type)._zod.def) && !elsewhere.test(place);

  test("and of every key of the schema that can give one away, a mistake here does so", () => {
    const asked = new Set<string>();
    const visit = (type: z.core.$ZodType, place: string): void => {
      if (isAsked(type, place)) asked.add(place.replace(/<\d>/, ""));
      for (const [below, suffix] of childrenOf(type)) visit(below, place + suffix);
    };
    for (const [key, type] of Object.entries(schema)) visit(type, key);
    expect(asked.size).toBeGreaterThan(10);
    const told = mistakes
      .flatMap(([, , ...errors]) => errors)
      .flatMap((error) => /^(\S+): "[^"]*" is \w+'s own (address|name) /.exec(error)?.[1] ?? [])
      .map((at) => at.replace(/\[\d\]/g, "[]").replace(/(directors|source|neighbor)\.\w+/, "$1{}"));
    expect([...asked].filter((place) => !told.includes(place))).toEqual([]);
  });

  /** Each host's addresses, each once, and the virtual addresses. */
  const addressesIn = (settings: Settings) =>
    [
      ...settings.directors.map((director) => [director.host, ...sourcesOf(settings, director)]),
      ...settings.realServers.map(({ host, addresses }) => [
        ...(host ? [host.host] : []),
        ...Object.values(addresses),
      ]),
      settings.instances.flatMap(({ virtualAddresses }) =>
        virtualAddresses.map(({ address }) => address),
      ),
    ].flatMap((own) => [
      ...new Set(
        own.map((text) => (types.isAddress(text) ? types.canonical(text) : text.toLowerCase())),
      ),
    ]);

  test(`and what passes with an address in a second place gives it to nobody else (SEED=${seed})`, () => {
    let passed = 0;
    fc.assert(
      fc.property(stackArb(), fc.infiniteStream(fc.nat()), (stack, numbers) => {
        const places = placesOf(stack).filter(({ type, place }) => isAsked(type, place));
        const chosen = [...numbers.take(10)].map((number) => places[number % places.length]);
        for (const [i, to] of chosen.entries()) {
          const from = chosen[(i + 1) % chosen.length];
          const before = to?.holder[to.key];
          const value = from?.holder[from.key];
          if (to === undefined || typeof before !== "string" || typeof value !== "string") continue;
          to.holder[to.key] = types.withoutPrefix(value) + (/\/\d+$/.exec(before)?.[0] ?? "");
          const { settings } = check(raw(stack));
          to.holder[to.key] = before;
          if (settings === undefined) continue;
          passed++;
          const all = addressesIn(settings);
          expect(all).toHaveLength(new Set(all).size);
        }
      }),
      { seed, numRuns: runs(10, 300) },
    );
    expect(passed).toBeGreaterThan(0);
  }, 120_000);
});

/** What is said of a stack where Debian 13's keepalived is built without what can be left out: no system of ours has such a one yet. */
function errorsWhereBuiltBare(): string[] {
  const bare = jest.replaceProperty(osProfiles.debian13.keepalived, "features", []);
  try {
    return errorsOf((stack) => {
      stack.directors[1].os = "debian13";
      stack.tracking = { bfd: [{ name: "far", neighbor: "192.0.2.1" }] };
      stack.vrrp = { trackBfd: [{ name: "far" }], accept: false };
      stack.virtualServers[0].checks = [{ type: "http", urls: [{ path: "/", regex: "ok" }] }];
    });
  } finally {
    bare.restore();
  }
}

test("what one director's keepalived is built without is refused", () => {
  const without = (what: string) =>
    `needs a keepalived built with ${what}, and that of Debian 13 is built without; every director needs it`;
  expect(errorsWhereBuiltBare()).toEqual(
    expect.arrayContaining([
      `tracking.bfd[0].name: "far" ${without("BFD")}`,
      `virtualServers[0].checks[0].urls[0].regex: "ok" ${without("regular expressions (PCRE2)")}`,
      `vrrp.accept: false ${without("nftables or iptables")}`,
    ]),
  );
});

test("every rule is broken by a mistake here, so that none can be lost unseen", () => {
  const broken = new Set<number>();
  const spies = rules.map((rule, i) => {
    const { find } = rule;
    return jest.spyOn(rule, "find").mockImplementation((...given) => {
      const errors = find(...given);
      if (errors.length > 0) broken.add(i);
      return errors;
    });
  });
  for (const [, change] of mistakes) errorsOf(change);
  errorsOf(() => undefined, { vrrpAuthPass: "secret", sshProxyPassword: "secret" });
  errorsWhereBuiltBare();
  spies.forEach((spy) => {
    spy.mockRestore();
  });
  const unbroken = rules.flatMap(({ needs }, i) => (broken.has(i) ? [] : [[i, ...needs].join()]));
  expect(unbroken).toEqual([]);
});

test("every error that a rule can tell is told of a mistake here", () => {
  const told = [
    ...mistakes.flatMap(([, , ...errors]) => errors),
    ...errorsWhereBuiltBare(),
    ...errorsOf(() => undefined, { vrrpAuthPass: "secret" }),
    ...errorsOf(() => undefined, { sshPrivateKeyPassphrase: "secret", sshProxyPassword: "secret" }),
  ];
  const folder = join(__dirname, "../components/rules");
  const tellable = readdirSync(folder)
    .filter((file) => file !== "rule.ts")
    .flatMap((file) => errorsIn(join(folder, file)));
  // About as many as a reader would count: finding none would prove nothing.
  expect(tellable.length).toBeGreaterThan(100);
  expect(tellable.filter((pattern) => !told.some((error) => pattern.test(error)))).toEqual([]);
});

test("all errors come at once, across keys", () => {
  const errors = errorsOf((stack) => {
    stack.virtualServers[0].port = 0;
    stack.realServers[0].name = "lvs1";
    stack.typo = 1;
  });
  expect(errors).toHaveLength(3);
});

test("what several instances take from vrrp is told once", () => {
  const errors = errorsOf((stack) => {
    stack.vrrp = {
      advertIntervalSeconds: 41,
      instances: [1, 2].map((i) => ({
        name: `VI_${i}`,
        virtualRouterId: i,
        virtualAddresses: [{ address: `192.0.2.20${i}` }],
      })),
    };
  });
  expect(errors).toEqual([expect.stringMatching(/^vrrp\.advertIntervalSeconds: 41 is more than/)]);
});

describe("of a config drawn from the whole schema", () => {
  const numRuns = runs(30, 60);
  // Values of every JSON kind that the schema doesn't know.
  const wrong = [null, -1e9, true, 0.0001, "\u0007", [[]], { "\u0007": {} }];

  test(`any value that its type doesn't take is told where it is, in our words (SEED=${seed})`, () => {
    const tried = new Set<string>();
    for (const stack of fc.sample(stackArb(), { seed, numRuns })) {
      for (const { holder, key, path, place, type } of placesOf(stack)) {
        if (tried.has(place)) continue;
        tried.add(place);
        for (const [i, value] of wrong.entries()) {
          // One value per place; `npm test -- --all` tries all of them everywhere.
          if (!all && i !== tried.size % wrong.length) continue;
          if (z.safeParse(type, value).success) continue;
          const before = holder[key];
          holder[key] = value;
          const { errors } = check(raw(stack));
          holder[key] = before;
          const ours = errors.filter((error) => error.startsWith(path));
          expect({ path, value, ours }).not.toMatchObject({ ours: [] });
          expect(ours.join("\n")).not.toMatch(/invalid|expected|undefined/i);
        }
      }
    }
    expect(tried.size).toBeGreaterThan(350);
  }, 120_000);

  test("none passes where a rule refuses every stack, which is told instead of drawing for ever", () => {
    const [rule] = rules;
    if (rule === undefined) throw new Error("no rules");
    const find = jest.spyOn(rule, "find").mockReturnValue(["vrrp.version: 3 is refused"]);
    try {
      expect(() => fc.sample(stackArb(), { seed, numRuns: 1 })).toThrow(
        /^no stack passes in \d+ draws; the first refusal was:\n[^]*vrrp\.version: 3 is refused/,
      );
    } finally {
      find.mockRestore();
    }
  });

  test(`what is left of it is right or is told what is wrong, whatever is taken out (SEED=${seed})`, () => {
    fc.assert(
      fc.property(stackArb(), fc.infiniteStream(fc.nat()), (stack, numbers) => {
        for (const number of numbers.take(10)) {
          const places = placesOf(stack);
          const { holder, key } = places[number % places.length] ?? {};
          if (holder === undefined || key === undefined) break;
          if (Array.isArray(holder)) holder.splice(Number(key), 1);
          else Reflect.deleteProperty(holder, key);
          const { errors, settings } = check(raw(stack));
          expect(settings === undefined).toBe(errors.length > 0);
          for (const error of errors)
            expect(error).toMatch(/^[a-zA-Z]+[^\s:]*( without device)?: \S/);
        }
      }),
      { seed, numRuns: runs(15, 60) },
    );
  }, 120_000);
});

test.each([
  ["1.1", "1.1"],
  [1.1, "1.1"],
  [1, "1.0"],
  ["1.0C", "1.0C"],
])("an HTTP version written as %j is %s, as YAML reads it without quotes", (httpProtocol, is) => {
  const stack = smallStack();
  stack.virtualServers[0].checks = [{ type: "http", httpProtocol }];
  const [service] = settingsOf(stack).virtualServers;
  expect(service?.realServers[0]?.checks[0]?.check).toMatchObject({ httpProtocol: is });
});

test("persistence 0 means none, and the cookbook's defaults are the defaults", () => {
  const settings = settingsOf(smallStack());
  expect(settings.virtualServers[0]).toMatchObject({
    persistenceTimeoutSeconds: 0,
    scheduler: "rr",
  });
  expect(settings.vrrp.syncInterface).toBe("eth0");
  expect(settings.instances).toMatchObject([{ interface: "eth1", virtualRouterId: 51 }]);
  expect(settings.kernel.conntrackMax).toBe(2000000);
});

test("Pulumi.yaml declares exactly the schema's keys, with its types and defaults", () => {
  const { config } = parse(readFileSync(join(__dirname, "../Pulumi.yaml"), "utf8")) as {
    config: Record<string, { type: string; default?: unknown; description: string }>;
  };
  const declared = Object.fromEntries(
    Object.entries(config).map(([key, { default: value }]) => [key, value]),
  );
  const wanted = Object.fromEntries(
    Object.entries(schema).map(([key, type]) => {
      const result = type.safeParse(undefined);
      const value: unknown = result.success ? result.data : undefined;
      // An object's keys have defaults of their own; for the engine, the default {} says that none
      // is required.
      const isObject = typeof value === "object" && value !== null && !Array.isArray(value);
      return [`lvs-ha:${key}`, isObject ? {} : value];
    }),
  );
  expect(declared).toEqual(wanted);
});

test("in Pulumi.yaml, each key's default is of the key's type: the engine takes no project without", () => {
  const { config } = parse(readFileSync(join(__dirname, "../Pulumi.yaml"), "utf8")) as {
    config: Record<string, { type: string; default?: unknown }>;
  };
  const isOf: Record<string, (value: unknown) => boolean> = {
    array: Array.isArray,
    boolean: (value) => typeof value === "boolean",
    object: (value) => typeof value === "object" && !Array.isArray(value),
    string: (value) => typeof value === "string",
  };
  const wrong = Object.entries(config).filter(
    ([, { type, default: value }]) => value !== undefined && !isOf[type]?.(value),
  );
  expect(wrong).toEqual([]);
});

test("the dev stack is valid", () => {
  const { config } = parse(readFileSync(join(__dirname, "../Pulumi.dev.yaml"), "utf8")) as {
    config: Record<string, unknown>;
  };
  const plain = Object.fromEntries(
    Object.entries(config).map(([key, value]) => [key.replace("lvs-ha:", ""), value]),
  );
  expect(check(raw(plain)).errors).toEqual([]);
});

/** Patterns of the errors in a file of rules, matching any inserted value. */
function errorsIn(file: string): RegExp[] {
  const found: RegExp[] = [];
  const visit = (node: ts.Node): void => {
    const text = textOf(node);
    // Names and single words are shorter than this.
    if (text !== undefined && /\S \S+ /.test(text)) found.push(patternOf(text));
    const [what] = ts.isCallExpression(node) ? node.arguments : [];
    const name = ts.isCallExpression(node) ? node.expression.getText() : "";
    const about = what && textOf(what);
    if (about !== undefined && name === "repeated") found.push(patternOf(`: ${about} \0 is taken`));
    if (about !== undefined && name === "unknown") found.push(patternOf(`is no ${about}; `));
    ts.forEachChild(node, visit);
  };
  visit(ts.createSourceFile(file, readFileSync(file, "utf8"), ts.ScriptTarget.ES2022, true));
  return found;
}

/** The text of a literal or template, with NUL for each inserted value. */
function textOf(node: ts.Node): string | undefined {
  if (ts.isStringLiteral(node) || ts.isNoSubstitutionTemplateLiteral(node)) return node.text;
  if (!ts.isTemplateExpression(node)) return undefined;
  return [node.head.text, ...node.templateSpans.map(({ literal }) => literal.text)].join("\0");
}

function patternOf(text: string): RegExp {
  const parts = text.split("\0").map((part) => part.replace(/[.*+?^${}()|[\]\\]/g, "\\$&"));
  return new RegExp(parts.join(".*"), "s");
}

interface Found {
  holder: Record<string | number, unknown>;
  key: string | number;
  /** The place in the config. */
  path: string;
  /** The place in the schema. */
  place: string;
  type: z.core.$ZodType;
}

/** Every value in a config that has a type in the schema. */
function placesOf(stack: Plain): Found[] {
  const found: Found[] = [];
  const visit = (type: z.core.$ZodType, at: Omit<Found, "type">): void => {
    const value = at.holder[at.key];
    if (value === undefined) return;
    found.push({ ...at, type });
    const bare = unwrap(type);
    for (const [below, suffix] of childrenOf(type)) {
      const place = at.place + suffix;
      if (bare instanceof z.ZodUnion) {
        if (!z.safeParse(below, value).success) continue;
        // The union accepts a value if one of its branches does.
        found.pop();
        visit(below, { ...at, place });
        const last = found.findIndex((each) => each.holder === at.holder && each.key === at.key);
        found.splice(last, 1, { ...at, type });
        return;
      }
      const holder = value as Found["holder"];
      const keys = bare instanceof z.ZodObject ? [suffix.slice(1)] : Object.keys(holder);
      for (const key of keys) {
        const path = bare instanceof z.ZodArray ? `${at.path}[${key}]` : `${at.path}.${key}`;
        visit(below, { holder, key, path, place });
      }
    }
  };
  for (const [key, type] of Object.entries(schema)) {
    visit(type, { holder: stack, key, path: key, place: key });
  }
  return found;
}
