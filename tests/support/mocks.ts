// Runs a stack under Pulumi's mocks: what it asks of the engine, and what depends on what.
import * as pulumi from "@pulumi/pulumi";
import { MockMonitor } from "@pulumi/pulumi/runtime/mocks";

/** A resource that a program has registered. */
export interface Registered {
  type: string;
  name: string;
  /** The name of its parent component; undefined if it has none. */
  parent: string | undefined;
  inputs: Record<string, unknown>;
  /** Names of the resources that it depends on, in alphabetical order. */
  dependencies: string[];
  /** The outputs of a component. */
  outputs: Record<string, unknown>;
}

/** Marks a secret on its way to the engine and to mocks. */
const secretSignature = "4dabf18193072939515e22adb298388d";

/**
 * Runs a program and returns everything that it registered, by name. `prints` gives its commands'
 * standard output. Commands that are left out, as with `--target`, keep their previous input in the
 * state.
 * @param isPreview outputs of machines are unknown
 */
export async function register(
  program: () => void,
  prints = (name: string) => `stdout of ${name}`,
  leftOut: readonly string[] = [],
  isPreview = false,
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
        // A machine gets its address when it is created.
        if (type === "test:index:Vm" && !isPreview) outputs.address = outputs.planned;
        Object.assign(registered(name), { type, inputs: inputs as Record<string, unknown> });
        return { id: custom ? `${name}-id` : "", state: outputs };
      },
      call: ({ inputs }) => inputs as Record<string, unknown>,
    },
    "lvs-ha",
    "test",
    isPreview,
  );
  const registered = (name: string): Registered => {
    const known = seen.get(name);
    if (known) return known;
    const fresh = { type: "", name, parent: undefined, inputs: {}, dependencies: [], outputs: {} };
    seen.set(name, fresh);
    return fresh;
  };
  // Mocks get neither dependencies nor a component's outputs: only the requests contain them.
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
  // The SDK's mocks claim to support hooks but don't.
  const registeredHook = (_: unknown, callback: (error: null, answer: object) => void) => {
    callback(null, {});
  };
  Object.assign(monitor, {
    registerResourceHook: registeredHook,
    registerErrorHook: registeredHook,
  });
  // The SDK takes a stack trace at every promise, and jest would look up each line in source maps.
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

/** Whether `name` depends on `other`, directly or not. */
export function waitsFor(seen: Map<string, Registered>, name: string, other: string): boolean {
  const before = new Set([name]);
  for (const one of before) {
    for (const dependency of seen.get(one)?.dependencies ?? []) before.add(dependency);
  }
  return name !== other && before.has(other);
}

/** The value inside a secret; undefined if it isn't one. */
export function insideSecret(value: unknown): unknown {
  if (typeof value === "object" && value !== null && secretSignature in value && "value" in value) {
    return value.value;
  }
  return undefined;
}

/** The parts of the engine's RegisterResourceRequest used here. */
interface Request {
  getName(): string;
  getParent(): string;
  getDependenciesList(): string[];
}

/** The parts of its RegisterResourceOutputsRequest used here. */
interface OutputsRequest {
  getUrn(): string;
  getOutputs(): { toJavaScript(): Record<string, unknown> } | undefined;
}

/** The name in urn:pulumi:STACK::PROJECT::TYPE::NAME */
function nameOf(urn: string): string | undefined {
  return urn === "" || urn.includes("::pulumi:pulumi:Stack::") ? undefined : urn.split("::").at(-1);
}
