// The state of a pair as `pulumi stack export` prints it: the components' inputs and outputs.
import { LvsHaPair } from "../../components";
import { register } from "./mocks";
import { argsOf } from "./stacks";

/**
 * Makes the state of a stack.
 * @param leftOut commands that this run leaves out, as with `--target`
 */
export function exportedState(
  stack: Record<string, unknown>,
  secrets: Record<string, string> = {},
  leftOut: readonly string[] = [],
): Promise<string> {
  return exportedStateOf(() => {
    new LvsHaPair("pair", argsOf(stack, secrets));
  }, leftOut);
}

/** Makes the state of any program. */
export async function exportedStateOf(
  program: () => void,
  leftOut: readonly string[] = [],
): Promise<string> {
  const registered = await register(program, undefined, leftOut);
  const components = [...registered.values()].filter(({ type }) => type.startsWith("lvs-ha:"));
  const parentOf = (name: string) =>
    components
      .map((component) => component.name)
      .filter((component) => component !== name && name.startsWith(`${component}-`))
      .sort((a, b) => b.length - a.length)[0];
  const urn = (name: string) => `urn:pulumi:test::lvs-ha::x::${name}`;
  const resources = [...registered.values()].map(
    ({ name, type, inputs, outputs, parent: given }) => {
      const parent = type.startsWith("command:") ? given : parentOf(name);
      return {
        urn: urn(name),
        type: type.replace("remote/command:", "remote:"),
        ...(parent === undefined ? {} : { parent: urn(parent) }),
        inputs: plaintext(inputs),
        outputs,
      };
    },
  );
  return JSON.stringify({ deployment: { resources } });
}

/**
 * Inputs as in `pulumi stack export --show-secrets`: mocks have a secret's value beside its mark.
 */
function plaintext(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(plaintext);
  if (typeof value !== "object" || value === null) return value;
  const entries = Object.entries(value).map(([key, inner]) => [key, plaintext(inner)] as const);
  const inside = entries.find(
    ([key]) => key === "value" && "4dabf18193072939515e22adb298388d" in value,
  );
  return inside === undefined
    ? Object.fromEntries(entries)
    : {
        "4dabf18193072939515e22adb298388d": "1b47061264138c4ac30d75fd1eb44270",
        plaintext: JSON.stringify(inside[1]),
      };
}
