// A program's args: what is plain is checked and planned at once, what is an Output when it is known, and nothing is logged in to before.
import { spawnSync } from "node:child_process";
import { join } from "node:path";
import * as pulumi from "@pulumi/pulumi";
import type { z } from "zod";
import { LvsHaPair, type LvsHaPairArgs, LvsNode, RealServer } from "../../components";
import { Hooks } from "../../components/host/hooks";
import { take } from "../../components/inputs";
import { withEnd } from "../../components/render/files";
import type { schema } from "../../components/schema";
import { insideSecret, register, type Registered, waitsFor } from "../support/mocks";
import { argsOf, smallStack, type Stack } from "../support/stacks";

/** A host that the same program makes: its address is known when it is there. */
class Vm extends pulumi.CustomResource {
  declare readonly address: pulumi.Output<string>;

  constructor(name: string, planned: string) {
    super("test:index:Vm", name, { planned, address: undefined });
  }
}

/** The small stack, with a change. */
function args(change: (stack: Stack) => void = () => undefined): LvsHaPairArgs {
  const stack = smallStack();
  change(stack);
  return argsOf(stack);
}

/** A pair of which every address is that of a host which the program makes. */
function onVms(): LvsHaPairArgs {
  return args(({ directors, realServers }) => {
    directors.forEach((director, i) => {
      director.host = new Vm(`vm-lvs${i + 1}`, `10.10.0.1${i + 1}`).address;
    });
    realServers.forEach((realServer, i) => {
      const { address } = new Vm(`vm-web${i + 1}`, `192.0.2.2${i + 1}`);
      Object.assign(realServer, { host: address, address });
    });
  });
}

const commands = (seen: Map<string, Registered>) =>
  [...seen.values()].filter(({ type }) => type.startsWith("command:"));

/** What the engine was asked for, but for the machines and whom commands wait for. */
const asked = (seen: Map<string, Registered>) =>
  new Map(
    [...seen].flatMap(([name, { type, parent, inputs }]) =>
      type === "test:index:Vm" ? [] : [[name, { type, parent, inputs }]],
    ),
  );

test("hosts that the program itself makes get the same as hosts that were there, and after those are made", async () => {
  const later = await register(() => {
    new LvsHaPair("p", onVms());
  });
  const plain = await register(() => {
    new LvsHaPair(
      "p",
      args(({ realServers }) => {
        realServers.forEach((realServer) => (realServer.host = realServer.address));
      }),
    );
  });
  expect(asked(later)).toEqual(asked(plain));
  for (const { name } of commands(later)) {
    expect([name, waitsFor(later, name, "vm-web1")]).toEqual([name, true]);
  }
});

test("a preview plans everything while no address is known, and each host's place in the order", async () => {
  const preview = await register(
    () => {
      new LvsHaPair("p", onVms());
    },
    undefined,
    [],
    true,
  );
  const up = await register(() => {
    new LvsHaPair("p", onVms());
  });
  expect([...preview.keys()].sort()).toEqual([...up.keys()].sort());
  expect(commands(preview).length).toBeGreaterThan(10);
  for (const [name, { dependencies }] of preview) {
    expect([name, dependencies]).toEqual([name, up.get(name)?.dependencies]);
  }
});

test("a known Output shows its texts in full in a preview", async () => {
  const seen = await register(
    () => {
      new LvsHaPair(
        "p",
        args(({ realServers }) => {
          realServers[0].address = pulumi.output("192.0.2.77");
        }),
      );
    },
    undefined,
    [],
    true,
  );
  expect(seen.get("p-lvs1-keepalived")?.inputs.stdin).toContain("real_server 192.0.2.77 80");
});

describe("what is wrong when it is known", () => {
  // In a process of its own: of an Output that fails there are many, all of which Jest would tell.
  const { stdout } = spawnSync(
    process.execPath,
    ["--import", "tsx", join(__dirname, "wrongWhenKnown.ts")],
    { encoding: "utf8" },
  );
  const ended = JSON.parse(stdout) as Record<string, { errors: string[]; types: string[] }>;

  test.each<[what: string, error: string]>([
    ["an address", 'realServers[0].address: "192.0.2.300" is not an IP address'],
    ["a port", "virtualServers[0].port: 0 is not a port (1–65535)"],
    [
      "another host's address",
      'realServers[1].address: "192.0.2.22" is web1\'s own address (realServers[0].address); each host must have its own',
    ],
    [
      "nothing",
      'directors[0].hostKey: is missing; it must be a public host key, Ed25519 or ECDSA, as ssh-keyscan prints it, without the address ("ssh-ed25519 AAAA…")',
    ],
    ["a secret address", 'realServers[0].address: "(secret, not shown)" is not an IP address'],
    [
      "a secret",
      "vrrpAuthPass: (secret, not shown) is longer than the 8 characters that auth_pass keeps (keepalived.conf(5))",
    ],
  ])("%s is one error, before any host is logged in to", (what, error) => {
    const { errors, types } = ended[what] ?? { errors: [], types: [] };
    expect(errors).toEqual([
      `LvsHaPair "p": the args have 1 error; no host was touched:\n  ${error}`,
    ]);
    expect(types).toContain("lvs-ha:index:LvsHaPair");
    expect(types.filter((type) => type.startsWith("command:"))).toEqual([]);
  });
});

describe("at once", () => {
  const refused = (given: LvsHaPairArgs) => {
    try {
      take('LvsHaPair "p"', given);
    } catch (error) {
      return (error as pulumi.RunError).message.split("\n").slice(1);
    }
    return [];
  };

  test("all errors of what is plain are told, though addresses are not known", () => {
    const errors = refused(
      args((stack) => {
        stack.directors[0].host = pulumi.output("10.10.0.11");
        stack.realServers[0].address = pulumi.output("192.0.2.21");
        stack.directors[1].name = "LVS 2";
        stack.virtualServers[0].port = 0;
        stack.maintenance = ["web9"];
        stack.typo = 1;
      }),
    );
    expect(errors.map((line) => line.trim().split(":")[0])).toEqual([
      "typo",
      "directors[1].name",
      "virtualServers[0].port",
    ]);
  });

  test("what plain values have wrong with each other is told, though addresses are not known", () => {
    const errors = refused(
      args((stack) => {
        stack.directors[0].host = pulumi.output("10.10.0.11");
        stack.realServers[0].address = pulumi.output("192.0.2.21");
        stack.maintenance = ["web9"];
        stack.virtualServers[0].realServers = ["web1", "web8"];
      }),
    );
    expect(errors).toEqual([
      expect.stringContaining('maintenance[0]: "web9" is no host'),
      expect.stringContaining("virtualServers[0].realServers[1]"),
    ]);
  });

  test.each<[claim: string, change: (stack: Stack) => unknown, at: string]>([
    ["a name", ({ directors }) => (directors[0].name = pulumi.output("lvs1")), "directors[0].name"],
    [
      "a whole list",
      (stack) => Object.assign(stack, { directors: pulumi.output([]) }),
      "directors",
    ],
    ["a user", (stack) => (stack.ssh = { user: Promise.resolve("ops") }), "ssh.user"],
    ["a switch", (stack) => (stack.metrics = { enabled: pulumi.output(true) }), "metrics.enabled"],
  ])(
    "%s that is an Output is refused, as it decides which resources there are",
    (_, change, at) => {
      expect(refused(args(change))).toEqual([
        `  ${at}: is an Output, but it decides which resources there are, and must be plain; addresses, host keys, ports, weights and secrets may be Outputs`,
      ]);
    },
  );

  test("a refusal has no stack: of an error that has one, the SDK writes out all promises behind it", () => {
    expect.assertions(1);
    try {
      take(
        'LvsHaPair "p"',
        args((stack) => (stack.typo = 1)),
      );
    } catch (error) {
      expect((error as Error).stack).toBeUndefined();
    }
  });

  test("a resource in place of its address is refused", async () => {
    let errors: string[] = [];
    await register(() => {
      errors = refused(args(({ directors }) => (directors[0].host = new Vm("vm", "10.10.0.11"))));
    });
    expect(errors).toEqual(['  directors[0].host: "[Vm]" is not a host name or address']);
  });
});

test("a secret may be plain text, an Output or a promise, and goes where it is meant to as a secret", async () => {
  const seen = await register(() => {
    new LvsHaPair("p", {
      ...args((stack) => (stack.vrrp = { version: 2, advertIntervalSeconds: 1 })),
      vrrpAuthPass: "authPass",
      sshPassword: pulumi.output("sshPassword"),
      sshPrivateKey: Promise.resolve("sshPrivateKey"),
    });
  });
  const inside = (name: string, key: string) => insideSecret(seen.get(name)?.inputs[key]);
  expect(inside("p-lvs1-secrets", "stdin")).toBe(withEnd("auth_pass authPass\n"));
  expect(inside("p-web1-prepare", "connection")).toMatchObject({
    password: "sshPassword",
    privateKey: "sshPrivateKey",
  });
});

test("a secret that is not known yet hides no text from a preview", async () => {
  const seen = await register(
    () => {
      new LvsHaPair("p", { ...args(), sshPassword: new Vm("password", "hunter2").address });
    },
    undefined,
    [],
    true,
  );
  expect(seen.get("p-lvs1-keepalived")?.inputs.stdin).toContain("real_server 192.0.2.21 80");
});

test("pairs in one program each have their own resources and hooks", async () => {
  const hooks: string[] = [];
  const hook = (name: string) => void hooks.push(name);
  const spies = (["ResourceHook", "ErrorHook"] as const).map((kind) =>
    jest.spyOn(pulumi, kind).mockImplementation(hook as never),
  );
  const of = jest.spyOn(Hooks.prototype, "of").mockReturnValue({});
  const seen = await register(() => {
    new LvsHaPair("a", args());
    new LvsHaPair("b", onVms());
  });
  for (const spy of [of, ...spies]) spy.mockRestore();
  const named = (name: string) => [...seen.keys()].filter((one) => one.startsWith(`${name}-`));
  expect(named("a").length).toBeGreaterThan(15);
  expect(
    named("b")
      .map((name) => name.replace("b-", "a-"))
      .sort(),
  ).toEqual(named("a").sort());
  expect(new Set(hooks).size).toBe(hooks.length);
  for (const name of named("a")) {
    expect(seen.get(name)?.dependencies.filter((other) => other.startsWith("b"))).toEqual([]);
  }
});

describe("by itself", () => {
  const inputsOf = (seen: Map<string, Registered>, name: string) => seen.get(name)?.inputs;
  const whole = () =>
    register(() => {
      new LvsHaPair("p", args());
    });

  test("a director gets what it gets in a pair, and is complete", async () => {
    const seen = await register(() => {
      new LvsNode("p-lvs2", { ...args(), director: "lvs2" });
    });
    const pair = await whole();
    for (const step of ["prepare", "system", "keepalived", "withdraw"]) {
      const name = `p-lvs2-${step}`;
      expect([name, inputsOf(seen, name)]).toEqual([name, inputsOf(pair, name)]);
    }
    expect(waitsFor(seen, "p-lvs2-join", "p-lvs2-keepalived")).toBe(true);
    expect(waitsFor(seen, "p-lvs2-deletion-protection", "p-lvs2-join")).toBe(true);
    expect(seen.get("p-lvs2")?.outputs.model).toEqual(pair.get("p-lvs2")?.outputs.model);
    const hosts = commands(seen).map(({ name }) => /lvs\d|web\d/.exec(name)?.[0]);
    expect(new Set(hosts)).toEqual(new Set(["lvs2"]));
  });

  test("a real server gets what it gets in a pair", async () => {
    const seen = await register(() => {
      new RealServer("p-web1", { ...args(), realServer: "web1" });
    });
    const pair = await whole();
    expect(commands(seen).map(({ name }) => name)).toEqual(["p-web1-prepare", "p-web1-system"]);
    for (const { name, inputs } of commands(seen)) {
      expect([name, inputs]).toEqual([name, inputsOf(pair, name)]);
    }
    expect(seen.get("p-web1")?.outputs).toEqual(pair.get("p-web1")?.outputs);
  });

  test("a deploy key of its own is authorized where it is used: on the directors, too, which are asked to drain it", async () => {
    const seen = await register(() => {
      const given = args((stack) => (stack.ssh = { managedKey: true }));
      new RealServer("web1", { ...given, realServer: "web1" });
    });
    const authorized = [...seen.keys()].filter((name) => name.endsWith("-authorize"));
    expect(authorized.sort()).toEqual(
      ["lvs1", "lvs2", "web1"].map((host) => `web1-ssh-${host}-authorize`),
    );
    for (const name of authorized) expect(waitsFor(seen, "web1-system", name)).toBe(true);
  });

  test.each<[claim: string, program: () => void, error: string]>([
    [
      "a director",
      () => new LvsNode("n", { ...args(), director: "lvs9" }),
      'LvsNode "n": the args have 1 error; no host was touched:\n  director: "lvs9" is not one of lvs1, lvs2',
    ],
    [
      "a real server",
      () => new RealServer("n", { ...args(), realServer: "lvs1" }),
      'RealServer "n": the args have 1 error; no host was touched:\n  realServer: "lvs1" is not one of web1, web2',
    ],
  ])("%s that there is none of is refused", (_, program, error) => {
    expect(program).toThrow(new pulumi.RunError(error));
  });
});

test("every plain config is of the args' type", () => {
  type Config = { [Key in keyof typeof schema]: z.input<(typeof schema)[Key]> };
  const taken = (config: Config): LvsHaPairArgs => config;
  expect(taken).toBeInstanceOf(Function);
});
