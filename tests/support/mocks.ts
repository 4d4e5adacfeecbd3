// A stack under Pulumi's mocks: what was asked of the engine, and in which order.
import * as pulumi from "@pulumi/pulumi";

export interface Registered {
  type: string;
  name: string;
  inputs: Record<string, unknown>;
  /** Counted over all resources: when its registration was asked for, and when it was answered. */
  asked: number;
  answered: number;
}

/** How a secret travels to the engine (and into mocks). */
const secretSignature = "4dabf18193072939515e22adb298388d";

/** Runs a program and gives everything that it registered, by name. Its commands print what `prints` says. */
export async function register(
  program: () => void,
  prints = (name: string) => `stdout of ${name}`,
): Promise<Map<string, Registered>> {
  const seen = new Map<string, Registered>();
  let clock = 0;
  await pulumi.runtime.setMocks(
    {
      newResource: async ({ type, name, inputs, custom }) => {
        const asked = ++clock;
        // Whoever waits for this resource is asked for only after it is answered; whoever doesn't, before.
        await new Promise((resolve) => setTimeout(resolve, 5));
        const outputs: Record<string, unknown> = { ...(inputs as object) };
        if (type === "command:remote/command:Command" || type === "command:remote:Command") {
          outputs.stdout = prints(name);
        }
        if (type === "tls:index/privateKey:PrivateKey") {
          outputs.publicKeyOpenssh = "ssh-ed25519 AAAAdeploy\n";
          outputs.privateKeyOpenssh = {
            [secretSignature]: "1b47061264138c4ac30d75fd1eb44270",
            value: "PRIVATE",
          };
        }
        seen.set(name, {
          type,
          name,
          inputs: inputs as Record<string, unknown>,
          asked,
          answered: ++clock,
        });
        return { id: custom ? `${name}-id` : "", state: outputs };
      },
      call: ({ inputs }) => inputs as Record<string, unknown>,
    },
    "lvs-ha",
    "test",
  );
  program();
  await pulumi.runtime.disconnect();
  return seen;
}

/** The value inside a secret; undefined when it is not one. */
export function insideSecret(value: unknown): unknown {
  if (typeof value === "object" && value !== null && secretSignature in value && "value" in value) {
    return value.value;
  }
  return undefined;
}
