/** The `command` plugin under test in one suite, and the resources, servers and errors of its tests. */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import type { ServiceError } from "@grpc/grpc-js";
import { findPlugin, Plugin, type Properties } from "./plugin";
import { startSshServer, type SshServer, type SshServerOptions } from "./sshServer";

/** The plugin that all suites of this kind test. */
export const underTest = findPlugin("command");

/** The only type the stand-in has. */
export const token = "command:remote:Command";

/** A test of what the stand-in alone says or has, or in which the official plugin has a known fault. */
export const testStandIn = underTest.isStandIn ? test : test.skip;

/** The running plugin. As in `pulumi up`, one process does all; a test that ends it starts its own. */
export function plugin(): Plugin {
  return current;
}

/** Leaves something to do for after this test. */
export function cleanup(work: () => Promise<void>): void {
  cleanups.push(work);
}

let shared: Plugin;
let current: Plugin;
let cleanups: (() => Promise<void>)[];

beforeAll(async () => {
  shared = await Plugin.start(underTest);
});

afterAll(async () => {
  await shared.stop();
});

beforeEach(() => {
  cleanups = [];
  current = shared;
  current.logs.length = 0;
});

afterEach(async () => {
  for (const work of cleanups) {
    await work();
  }
});

/** What {@link startServer} lets in. */
export const password = "the password";

/** A connection's properties that log in to a server by password. */
export function login(server: SshServer): Properties {
  return { host: "127.0.0.1", port: server.port, password };
}

/** The first of a server's host keys, as a line of authorized_keys. */
export function hostKey(server: SshServer): string {
  return server.hostKeys[0] ?? "";
}

/** Starts a plugin for this test alone. */
export async function startOwnPlugin(environment?: Record<string, string>): Promise<void> {
  const own = await Plugin.start(underTest, environment);
  current = own;
  cleanup(async () => own.stop());
}

/** Starts an SSH server for this test, which lets in {@link password} unless told otherwise. */
export async function startServer(options: SshServerOptions = {}): Promise<SshServer> {
  const server = await startSshServer({ password, ...options });
  cleanup(async () => server.stop());
  return server;
}

/** A shell line that goes on when the test says so. */
export function gate(): { wait: string; open: () => void } {
  const folder = mkdtempSync(join(tmpdir(), "lvs-ha-gate-"));
  cleanup(() => {
    rmSync(folder, { recursive: true });
    return Promise.resolve();
  });
  const file = join(folder, "open");
  return {
    wait: `until [ -e ${file} ]; do sleep 0.05; done`,
    open: () => {
      writeFileSync(file, "");
    },
  };
}

/** The inputs of a command on a server as Check leaves them. */
export async function checked(
  server: SshServer,
  inputs: Properties,
  connection: Properties = {},
): Promise<Properties> {
  const news = { ...inputs, connection: { ...login(server), ...connection } };
  const result = await plugin().check(token, news);
  expect(result.failures).toEqual([]);
  return result.inputs;
}

/** The error of a call that must fail. */
export async function errorOf(call: Promise<unknown>): Promise<ServiceError> {
  return call.then(
    (result) => {
      throw new Error(`it should have failed, and gave ${JSON.stringify(result)}`);
    },
    (error: unknown) => error as ServiceError,
  );
}

/** What a call that must fail says. */
export async function failureOf(call: Promise<unknown>): Promise<string> {
  return (await errorOf(call)).details;
}

/** Checks and creates a resource. */
export async function create(
  server: SshServer,
  inputs: Properties,
  connection?: Properties,
): ReturnType<Plugin["create"]> {
  return plugin().create(token, await checked(server, inputs, connection));
}

/** Updates a resource whose last command wrote `before` and, as an error, `warned`. */
export async function update(server: SshServer, inputs: Properties): Promise<Properties> {
  const olds = { ...(await checked(server, { create: "true" })), ...previousOutput };
  return plugin().update(token, { olds, news: await checked(server, inputs) });
}

/** Deletes such a resource. */
export async function remove(server: SshServer, inputs: Properties): Promise<void> {
  await plugin().delete(token, { ...(await checked(server, inputs)), ...previousOutput });
}

const previousOutput = { stdout: "before", stderr: "warned" };

/** Waits for a condition, 3 seconds at most; then fails with what was seen last. */
export async function eventually(condition: () => boolean, seen: () => string): Promise<void> {
  const limit = performance.now() + 3000;
  while (!condition()) {
    if (performance.now() > limit) {
      throw new Error(`not within 3 s: ${seen()}`);
    }
    await sleep(20);
  }
}
