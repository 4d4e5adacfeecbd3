// A stack under Pulumi's mocks: what was asked of the engine, and who waits for whom.
import * as pulumi from "@pulumi/pulumi";
import { MockMonitor } from "@pulumi/pulumi/runtime/mocks";

export interface Registered {
  type: string;
  name: string;
  /** Name of the component that it belongs to; undefined for what belongs to none. */
  parent: string | undefined;
  inputs: Record<string, unknown>;
  /** Names of what the engine makes before it, in alphabetical order. */
  dependencies: string[];
  /** What a component tells its users. */
  outputs: Record<string, unknown>;
}

/** How a secret travels to the engine (and into mocks). */
const secretSignature = "4dabf18193072939515e22adb298388d";

/**
 * Runs a program and gives everything that it registered, by name. Its commands print what `prints` says; of those that are left out, as by
 * `--target`, the state has what they were given before.
 */
export async function register(
  program: () => void,
  prints = (name: string) => `stdout of ${name}`,
  leftOut: readonly string[] = [],
): Promise<Map<string, Registered>> {
  const seen = new Map<string, Registered>();
  await pulumi.runtime.setMocks(
    {
      newResource: ({ type, name, inputs, custom }) => {
        const outputs: Record<string, unknown> = { ...(inputs as object) };
        if (type === "command:remote/command:Command" || type === "command:remote:Command") {
          outputs.stdout = prints(name);
          if (leftOut.includes(name)) outputs.stdin = "what it was given before";
        }
        if (type === "tls:index/privateKey:PrivateKey") {
          outputs.publicKeyOpenssh = "ssh-ed25519 AAAAdeploy\n";
          outputs.privateKeyOpenssh = {
            [secretSignature]: "1b47061264138c4ac30d75fd1eb44270",
            value: "PRIVATE",
          };
        }
        Object.assign(registered(name), { type, inputs: inputs as Record<string, unknown> });
        return { id: custom ? `${name}-id` : "", state: outputs };
      },
      call: ({ inputs }) => inputs as Record<string, unknown>,
    },
    "lvs-ha",
    "test",
  );
  const registered = (name: string): Registered => {
    const known = seen.get(name);
    if (known) return known;
    const fresh = { type: "", name, parent: undefined, inputs: {}, dependencies: [], outputs: {} };
    seen.set(name, fresh);
    return fresh;
  };
  // Mocks are told neither of dependencies nor of a component's outputs: only the requests have them.
  const monitor = pulumi.runtime.getMonitor() as unknown as MockMonitor;
  monitor.registerResource = async (request: Request, callback) => {
    Object.assign(registered(request.getName()), {
      parent: nameOf(request.getParent()),
      dependencies: request
        .getDependenciesList()
        .flatMap((urn) => nameOf(urn) ?? [])
        .sort(),
    });
    await MockMonitor.prototype.registerResource.call(monitor, request, callback);
  };
  monitor.registerResourceOutputs = (request: OutputsRequest, callback) => {
    const outputs = request.getOutputs()?.toJavaScript() ?? {};
    Object.assign(registered(nameOf(request.getUrn()) ?? ""), { outputs });
    MockMonitor.prototype.registerResourceOutputs.call(monitor, request, callback);
  };
  // The SDK's mocks say that they know hooks, and don't.
  const registeredHook = (_: unknown, callback: (error: null, answer: object) => void) => {
    callback(null, {});
  };
  Object.assign(monitor, {
    registerResourceHook: registeredHook,
    registerErrorHook: registeredHook,
  });
  // The SDK asks for a stack trace at every promise, and jest would look each of its lines up in source maps.
  const before: unknown = Reflect.get(Error, "prepareStackTrace");
  Error.prepareStackTrace = String;
  try {
    program();
    await pulumi.runtime.disconnect();
  } finally {
    Reflect.set(Error, "prepareStackTrace", before);
  }
  return seen;
}

/** Whether the engine makes `name` only after `other`, by whatever is between them. */
export function waitsFor(seen: Map<string, Registered>, name: string, other: string): boolean {
  const before = new Set([name]);
  for (const one of before) {
    for (const dependency of seen.get(one)?.dependencies ?? []) before.add(dependency);
  }
  return name !== other && before.has(other);
}

/** The value inside a secret; undefined when it is not one. */
export function insideSecret(value: unknown): unknown {
  if (typeof value === "object" && value !== null && secretSignature in value && "value" in value) {
    return value.value;
  }
  return undefined;
}

/** Of the engine's RegisterResourceRequest, what is asked for here. */
interface Request {
  getName(): string;
  getParent(): string;
  getDependenciesList(): string[];
}

/** Of its RegisterResourceOutputsRequest. */
interface OutputsRequest {
  getUrn(): string;
  getOutputs(): { toJavaScript(): Record<string, unknown> } | undefined;
}

/** urn:pulumi:STACK::PROJECT::TYPE::NAME */
function nameOf(urn: string): string | undefined {
  return urn === "" || urn.includes("::pulumi:pulumi:Stack::") ? undefined : urn.split("::").at(-1);
}
