/**
 * Property values of resources, in the form in which engine and plugin exchange them: plain JSON.
 * An object with {@link signatureKey} stands for something that JSON can't express, and a few
 * strings stand for "not known yet". The constants are those of sdk/go/common/resource in Pulumi's
 * repository.
 */
import { isDeepStrictEqual } from "node:util";

/** One property value. */
export type Value = null | boolean | number | string | Value[] | Properties;

/** The properties of a resource, or a nested object. */
export interface Properties {
  [name: string]: Value;
}

/** How a property differs between two states of a resource. */
export type Change = "add" | "delete" | "update";

/** Marks a value as secret. A secret value stays as it is. */
export function secret(value: Value): Properties {
  return isSecret(value) ? value : { [signatureKey]: secretSignature, value };
}

/** The value inside a secret, or the value itself. Nested secrets stay secret. */
export function unwrapped(value: Value): Value {
  return isSecret(value) ? unwrapped(value.value ?? null) : value;
}

/** The value with all secrets inside it unwrapped: for use, never for display. */
export function revealed(value: Value): Value {
  const bare = unwrapped(value);
  if (Array.isArray(bare)) {
    return bare.map(revealed);
  }
  return isObject(bare) ? mapValues(bare, revealed) : bare;
}

/** Whether a value is marked as secret. */
export function isSecret(value: Value): value is Properties {
  return isObject(value) && value[signatureKey] === secretSignature;
}

/** Whether a value, secret or not, is known only during `pulumi up`. */
export function isUnknown(value: Value): boolean {
  const bare = unwrapped(value);
  return typeof bare === "string" && unknownStrings.has(bare);
}

/** Stands for a value that is known only during `pulumi up`. */
export const unknownValue = "04da6b54-80e4-46f7-96ec-b56ff0331ba9";

/** Whether a value is an object, not an array or null. */
export function isObject(value: Value | undefined): value is Properties {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** The properties without nulls, at any depth: null and absent mean the same to Pulumi. */
export function withoutNulls(properties: Properties): Properties {
  const present = Object.entries(properties).filter(([, value]) => value !== null);
  return mapValues(Object.fromEntries(present), (value) => {
    if (Array.isArray(value)) {
      return value.map((item) => (isObject(item) ? withoutNulls(item) : item));
    }
    return isObject(value) ? withoutNulls(value) : value;
  });
}

/** The properties with `change` applied to each value. */
export function mapValues(
  properties: Properties,
  change: (value: Value, name: string) => Value,
): Properties {
  return Object.fromEntries(
    Object.entries(properties).map(([name, value]) => [name, change(value, name)]),
  );
}

/**
 * The differences by property path, such as `environment.PATH` or `triggers[0]`. A secret is
 * compared as a whole: its content gets no paths.
 */
export function difference(before: Properties, after: Properties): Map<string, Change> {
  const changes = new Map<string, Change>();
  compareObjects("", before, after, changes);
  return changes;
}

const signatureKey = "4dabf18193072939515e22adb298388d";
const secretSignature = "1b47061264138c4ac30d75fd1eb44270";

// One string for each possible type: boolean, number, string, array, asset, archive, object.
const unknownStrings = new Set([
  "1c4a061d-8072-4f0a-a4cb-0ff528b18fe7",
  "3eeb2bf0-c639-47a8-9e75-3b44932eb421",
  unknownValue,
  "6a19a0b0-7e62-4c92-b797-7f8e31da9cc2",
  "030794c1-ac77-496b-92df-f27374a8bd58",
  "e48ece36-62e2-4504-bad9-02848725956a",
  "dd056dcd-154b-4c76-9bd3-c8f88648b5ff",
]);

function compareObjects(
  path: string,
  before: Properties,
  after: Properties,
  changes: Map<string, Change>,
): void {
  for (const name of new Set([...Object.keys(before), ...Object.keys(after)])) {
    compare(memberPath(path, name), before[name], after[name], changes);
  }
}

function compare(
  path: string,
  before: Value | undefined,
  after: Value | undefined,
  changes: Map<string, Change>,
): void {
  if (after === undefined) {
    changes.set(path, "delete");
  } else if (before === undefined) {
    changes.set(path, "add");
  } else if (isSecret(after) && isUnknown(after)) {
    // Pulumi's own comparison treats an unknown secret as unchanged.
  } else if (Array.isArray(before) && Array.isArray(after)) {
    const length = Math.max(before.length, after.length);
    for (let index = 0; index < length; index += 1) {
      compare(`${path}[${index}]`, before[index], after[index], changes);
    }
  } else if (isPlainObject(before) && isPlainObject(after)) {
    compareObjects(path, before, after, changes);
  } else if (!isDeepStrictEqual(before, after)) {
    changes.set(path, "update");
  }
}

function isPlainObject(value: Value): value is Properties {
  return isObject(value) && !(signatureKey in value);
}

function memberPath(path: string, name: string): string {
  if (!/^\w+$/.test(name)) {
    return `${path}["${name.replaceAll('"', '\\"')}"]`;
  }
  return path === "" ? name : `${path}.${name}`;
}
