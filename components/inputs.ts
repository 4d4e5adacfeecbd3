// A program's args. Plain values are checked at once and decide which resources there are. Outputs are checked when they are known: every
// login waits for that.
import * as pulumi from "@pulumi/pulumi";
import type { LvsHaPairArgs } from "./args";
import {
  breaches,
  isRecord,
  NotYetKnown,
  parse,
  path,
  secretErrors,
  secretNames,
  settingNames,
  typesAt,
  unfilled,
  unknownKeys,
} from "./config";
import { hasKeys } from "./rules/rule";
import type { SecretName } from "./schema";
import { standIn } from "./schema/outputs";
import { resolve, shapeOf, type Settings, type Shape } from "./settings";

/** Args in the form that the components use. */
export interface Taken {
  shape: Shape;
  /** Derive what you need with `apply`: in `pulumi.all`, the SDK would copy the whole stack each time. */
  settings: pulumi.Output<Settings>;
  secrets: Secrets;
}

/** The secrets that are given, apart from the settings: each stays an Output that the engine knows to be secret. */
export type Secrets = Partial<Record<SecretName, pulumi.Output<string>>>;

/** A value that is an Output or a promise, and its place. */
interface Later {
  at: PropertyKey[];
  input: pulumi.Input<unknown>;
}

/**
 * Checks args.
 * @param of the component, for messages: `LvsHaPair "web"`
 * @throws pulumi.RunError with a line for each error: key, value, what is allowed
 */
export function take(of: string, args: LvsHaPairArgs): Taken {
  const { values, later, misplaced } = plain(args);
  const secretsGiven = secretNames.filter((name) => args[name] !== undefined);
  const { config, errors } = parse(values);
  const found = [
    ...unknownKeys(Object.keys(args)),
    ...misplaced.map(
      (at) =>
        `${at}: is an Output, but it decides which resources there are, and must be plain; addresses, host keys, ports, weights and secrets may be Outputs`,
    ),
    ...errors.filter((error) => !misplaced.some((at) => error.startsWith(`${at}: `))),
    ...unfilled(config, ""),
  ];
  for (const { at } of later) if (String(at[0]) in config) hide(config, at);
  found.push(...breaches(config, (name) => secretsGiven.includes(name)));
  if (found.length > 0 || !hasKeys(config, settingNames)) throw refusal(of, found);
  return {
    shape: shapeOf(config),
    settings:
      later.length === 0
        ? known(resolve(config))
        : pulumi
            .all([
              pulumi.all(later.map(({ input }) => input)),
              Promise.all(later.map(({ input }) => pulumi.isSecret(pulumi.output(input)))),
            ])
            .apply(([inputs, areSecret]) =>
              completed(of, values, later, inputs, { areSecret, secretsGiven }),
            ),
    secrets: takeSecrets(of, args),
  };
}

/** Checks the whole args, and returns the settings. */
function completed(
  of: string,
  values: ReadonlyMap<string, unknown>,
  later: Later[],
  inputs: unknown[],
  { areSecret, secretsGiven }: { areSecret: boolean[]; secretsGiven: SecretName[] },
): Settings {
  const whole = structuredClone(Object.fromEntries(values));
  later.forEach(({ at }, i) => {
    const [holder, key] = placeOf(whole, at);
    holder[key] = inputs[i];
  });
  const { config, errors } = parse(new Map(Object.entries(whole)));
  const found = [
    ...errors,
    ...unfilled(config, ""),
    ...breaches(config, (name) => secretsGiven.includes(name)),
  ];
  if (found.length === 0 && hasKeys(config, settingNames)) return resolve(config);
  const hidden = inputs.filter((_, i) => areSecret[i]).map(String);
  throw refusal(
    of,
    found.map((error) =>
      hidden.reduce((text, secret) => text.replaceAll(secret, "(secret, not shown)"), error),
    ),
  );
}

/** The args without secrets, and with a valid value in place of each Output. */
function plain(args: object): {
  values: Map<string, unknown>;
  later: Later[];
  misplaced: string[];
} {
  const later: Later[] = [];
  const misplaced: string[] = [];
  const without = (value: unknown, at: PropertyKey[]): unknown => {
    if (pulumi.Output.isInstance(value) || value instanceof Promise) {
      const [instead] = typesAt(at).flatMap((type) => standIn(type) ?? []);
      if (instead === undefined) misplaced.push(path(at));
      else later.push({ at, input: value });
      return instead;
    }
    if (Array.isArray(value)) return value.map((inner, i) => without(inner, [...at, i]));
    if (!isRecord(value)) return value;
    // Given by mistake instead of one of its outputs: the error names its class.
    if (pulumi.Resource.isInstance(value)) return `[${value.constructor.name}]`;
    return Object.fromEntries(
      Object.entries(value).map(([key, inner]) => [key, without(inner, [...at, key])]),
    );
  };
  const values = new Map(
    Object.entries(args).flatMap(([key, value]) =>
      (secretNames as string[]).includes(key) ? [] : [[key, without(value, [key])]],
    ),
  );
  return { values, later, misplaced };
}

/** Makes reading a value that is not known yet throw {@link NotYetKnown}. */
function hide(config: object, at: PropertyKey[]): void {
  const [holder, key] = placeOf(config, at);
  Object.defineProperty(holder, key, {
    enumerable: true,
    get: () => {
      throw new NotYetKnown(path(at));
    },
  });
}

/** The object or list that holds a path's last key, and that key. */
function placeOf(root: object, at: PropertyKey[]): [Record<PropertyKey, unknown>, PropertyKey] {
  type Holder = Record<PropertyKey, unknown>;
  const holder = at.slice(0, -1).reduce((inner, key) => inner[key] as Holder, root as Holder);
  return [holder, at.at(-1) ?? ""];
}

/** The given secrets; each is checked when it is known. */
function takeSecrets(of: string, args: LvsHaPairArgs): Secrets {
  return Object.fromEntries(
    secretNames.flatMap((name) => {
      const { [name]: given } = args;
      if (given === undefined) return [];
      const checked = pulumi.secret(given).apply((value) => {
        const errors = secretErrors(name, value);
        if (errors.length > 0) throw refusal(of, errors);
        return value;
      });
      return [[name, checked]];
    }),
  );
}

/**
 * Finds the host that args name.
 * @param key the arg that names it
 * @throws pulumi.RunError with the names that exist
 */
export function chosen<T extends { name: string }>(
  of: string,
  key: string,
  name: string,
  list: readonly T[],
): T {
  const found = list.find((one) => one.name === name);
  if (found !== undefined) return found;
  const known = list.map((one) => one.name).join(", ");
  throw refusal(of, [`${key}: ${JSON.stringify(name)} is not one of ${known}`]);
}

/** An Output of a value without inner Outputs. `pulumi.output` would walk through the whole stack. */
function known<T>(value: T): pulumi.Output<T> {
  return pulumi.output(undefined).apply(() => value as pulumi.Input<T>) as pulumi.Output<T>;
}

function refusal(of: string, errors: string[]): pulumi.RunError {
  const unique = [...new Set(errors)];
  const count = unique.length === 1 ? "1 error" : `${unique.length} errors`;
  const error = new pulumi.RunError(
    [`${of}: the args have ${count}; no host was touched:`, ...unique.map((e) => `  ${e}`)].join(
      "\n",
    ),
  );
  // The engine doesn't show it. If an Output fails with an error that has a stack, the SDK formats the error with all promises behind it,
  // which takes a minute.
  error.stack = undefined;
  return error;
}
