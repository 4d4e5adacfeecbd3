/**
 * Tables of a resource's properties, the check of a program's inputs against them, and their
 * schema.
 */
import {
  isObject,
  isSecret,
  isUnknown,
  mapValues,
  secret,
  unwrapped,
  type Properties,
  type Value,
} from "./properties";

/**
 * The type of a property. `any[]` is an array of anything, `string{}` an object of strings, Fields
 * an object.
 */
export type FieldType = "string" | "boolean" | "number" | "integer" | "any[]" | "string{}" | Fields;

/** One property of a resource or of a nested object. */
export interface Field {
  type: FieldType;
  /** The only allowed values of a string. */
  oneOf?: readonly string[];
  required?: boolean;
  /** Secret in inputs and state, even if the program doesn't mark it. */
  secret?: boolean;
  /** The value that Check fills in if the program gives none. */
  default?: Value;
}

/** The properties of a resource or of a nested object, by name. */
// An interface because a type alias can't refer to itself.
// eslint-disable-next-line @typescript-eslint/consistent-indexed-object-style
export interface Fields {
  [name: string]: Field;
}

/** An invalid input. The text never contains a value that is, or should be, secret. */
export interface Failure {
  /** The property's path, such as `connection.port`. */
  property: string;
  reason: string;
}

/**
 * Checks a program's inputs.
 * @returns the inputs, marked secret as the table says, with defaults filled in if nothing failed
 */
export function checkInputs(
  fields: Fields,
  inputs: Properties,
): { inputs: Properties; failures: Failure[] } {
  const failures = objectFailures(fields, inputs, "", false);
  const complete = failures.length === 0 ? withDefaults(fields, inputs) : inputs;
  return { inputs: withSecrets(fields, complete), failures };
}

/** The table as the part of Pulumi's package schema that describes one object type. */
export function objectSchema(fields: Fields): { properties: Properties; required: string[] } {
  return {
    properties: Object.fromEntries(
      Object.entries(fields).map(([name, field]) => [
        name,
        {
          ...typeSchema(field.type),
          ...(field.secret === true ? { secret: true } : {}),
          ...(field.default === undefined ? {} : { default: field.default }),
        },
      ]),
    ),
    required: Object.keys(fields).filter((name) => fields[name]?.required === true),
  };
}

function objectFailures(
  fields: Fields,
  inputs: Properties,
  path: string,
  hidden: boolean,
): Failure[] {
  const missing = Object.keys(fields)
    .filter((name) => fields[name]?.required === true && !(name in inputs))
    .map((name) => ({ property: path + name, reason: `missing required property "${name}"` }));
  const wrong = Object.entries(inputs).flatMap(([name, value]) => {
    const field = fields[name];
    if (field === undefined) {
      const reason = `unrecognized property "${name}"; there are ${Object.keys(fields).join(", ")}`;
      return [{ property: path + name, reason }];
    }
    return valueFailures(field, value, path + name, hidden);
  });
  return [...missing, ...wrong];
}

function valueFailures(field: Field, value: Value, property: string, hidden: boolean): Failure[] {
  if (isUnknown(value)) {
    return [];
  }
  const bare = unwrapped(value);
  const isHidden = hidden || field.secret === true || isSecret(value);
  if (typeof field.type === "object") {
    return isObject(bare)
      ? objectFailures(field.type, bare, `${property}.`, isHidden)
      : [wrongType(property, "an object", bare)];
  }
  switch (field.type) {
    case "any[]":
      return Array.isArray(bare) ? [] : [wrongType(property, "an array", bare)];
    case "string{}":
      return isObject(bare)
        ? Object.entries(bare).flatMap(([name, item]) =>
            valueFailures({ type: "string" }, item, `${property}.${name}`, isHidden),
          )
        : [wrongType(property, "an object", bare)];
    case "integer":
      return Number.isInteger(bare) ? [] : [wrongType(property, "a whole number", bare)];
    default:
      if (typeof bare !== field.type) {
        return [wrongType(property, `a ${field.type}`, bare)];
      }
      return typeof bare === "string" && field.oneOf?.includes(bare) === false
        ? [notAllowed(property, field.oneOf, isHidden ? undefined : bare)]
        : [];
  }
}

function wrongType(property: string, expected: string, value: Value): Failure {
  const actual = Array.isArray(value) ? "array" : typeof value;
  return { property, reason: `must be ${expected}; got a value of type ${actual}` };
}

function notAllowed(property: string, allowed: readonly string[], value?: string): Failure {
  const seen = value === undefined ? "" : `, not ${JSON.stringify(value)}`;
  return { property, reason: `must be one of ${allowed.join(", ")}${seen}` };
}

function withDefaults(fields: Fields, inputs: Properties): Properties {
  const defaults = Object.entries(fields).flatMap(([name, field]) =>
    field.default === undefined || name in inputs ? [] : [[name, field.default] as const],
  );
  return mapValues({ ...inputs, ...Object.fromEntries(defaults) }, (value, name) =>
    inside(value, fields[name], withDefaults),
  );
}

function withSecrets(fields: Fields, inputs: Properties): Properties {
  return mapValues(inputs, (value, name) => {
    const done = inside(value, fields[name], withSecrets);
    return fields[name]?.secret === true ? secret(done) : done;
  });
}

/**
 * Applies a change to an object with fields of its own, keeping its secret mark. Returns other
 * values unchanged.
 */
function inside(
  value: Value,
  field: Field | undefined,
  change: (fields: Fields, inputs: Properties) => Properties,
): Value {
  const bare = unwrapped(value);
  if (typeof field?.type !== "object" || !isObject(bare)) {
    return value;
  }
  const changed = change(field.type, bare);
  return isSecret(value) ? secret(changed) : changed;
}

function typeSchema(type: FieldType): Properties {
  if (typeof type === "object") {
    return { type: "object", ...objectSchema(type) };
  }
  switch (type) {
    case "any[]":
      return { type: "array", items: { $ref: "pulumi.json#/Any" } };
    case "string{}":
      return { type: "object", additionalProperties: { type: "string" } };
    default:
      return { type };
  }
}
