// Programs whose args turn out to be wrong when they are known. Prints, by program, what it ended with and the types that it asked the
// engine for.
import { setTimeout as sleep } from "node:timers/promises";
import * as pulumi from "@pulumi/pulumi";
import { LvsHaPair, type LvsHaPairArgs } from "../../components";
import { argsOf, smallStack, type Stack } from "../support/stacks";

const programs: Record<string, (stack: Stack) => Partial<LvsHaPairArgs> | undefined> = {
  "an address": ({ realServers }) => {
    realServers[0].address = pulumi.output("192.0.2.300");
    return undefined;
  },
  "a port": ({ virtualServers }) => {
    virtualServers[0].port = Promise.resolve(0);
    return undefined;
  },
  "another host's address": ({ realServers }) => {
    realServers[0].address = pulumi.output("192.0.2.22");
    return undefined;
  },
  nothing: ({ directors }) => {
    directors[0].hostKey = pulumi.output(undefined);
    return undefined;
  },
  "a secret address": ({ realServers }) => {
    realServers[0].address = pulumi.secret("192.0.2.300");
    return undefined;
  },
  "a secret": (stack) => {
    stack.vrrp = { version: 2, advertIntervalSeconds: 1 };
    return { vrrpAuthPass: pulumi.output("muchtoolong") };
  },
};

let errors = new Set<unknown>();
// As the SDK does, which tells each error once.
process.on("unhandledRejection", (error) => errors.add(error));

async function run(change: (typeof programs)[string]) {
  errors = new Set();
  const types: string[] = [];
  await pulumi.runtime.setMocks({
    newResource: ({ type, inputs }) => {
      types.push(type);
      return { id: "id", state: inputs as object };
    },
    call: () => ({}),
  });
  const registered = (_: unknown, callback: (error: null, answer: object) => void) => {
    callback(null, {});
  };
  Object.assign(pulumi.runtime.getMonitor() as unknown as object, {
    registerResourceHook: registered,
    registerErrorHook: registered,
  });
  const stack = smallStack();
  const further = change(stack);
  new LvsHaPair("p", { ...argsOf(stack), ...further });
  // What waits for the Outputs that failed never ends: it is over when nothing else is left to do.
  for (let left = 100; left > 0; left -= errors.size > 0 ? 10 : 1) await sleep(50);
  return {
    types,
    errors: [...errors].map((error) =>
      error instanceof pulumi.RunError ? error.message : `no RunError: ${String(error)}`,
    ),
  };
}

async function main(): Promise<void> {
  const ended: Record<string, object> = {};
  for (const [what, change] of Object.entries(programs)) ended[what] = await run(change);
  process.stdout.write(JSON.stringify(ended), () => process.exit());
}

void main();
