// Check of the stand-in providers: which values each type of property takes.
import { checkInputs, type Field, type FieldType } from "../../tools/offline-engine/plugins/check";
import { secret, type Value } from "../../tools/offline-engine/plugins/properties";

const reasons = (field: Field, value: Value) =>
  checkInputs({ it: field }, { it: value }).failures.map(
    ({ property, reason }) => `${property}: ${reason}`,
  );

/** Values of every kind, and the types that take them. */
const values: [string, Value, string[]][] = [
  ["a whole number", 2, ["number", "integer"]],
  ["zero", 0, ["number", "integer"]],
  ["a negative whole number", -1, ["number", "integer"]],
  ["a fraction", 2.5, ["number"]],
  ["a number as text", "2", ["string"]],
  ["an empty text", "", ["string"]],
  ["yes or no", false, ["boolean"]],
  ["an array", ["a", 1], ["any[]"]],
  ["an empty array", [], ["any[]"]],
  ["an object of texts", { a: "b" }, ["string{}"]],
  ["an object with a number", { a: 1 }, []],
  ["an object that fits", { inner: 1 }, ["object"]],
  ["nothing", null, []],
];

const types: Record<string, FieldType> = {
  ...{ string: "string", boolean: "boolean", number: "number", integer: "integer" },
  ...{ "any[]": "any[]", "string{}": "string{}", object: { inner: { type: "integer" } } },
};

describe.each(values)("%s", (_, value, taken) => {
  test(`is taken where it fits: ${taken.join(", ") || "nowhere"}`, () => {
    const takers = Object.keys(types).filter(
      (name) => reasons({ type: types[name] ?? "string" }, value).length === 0,
    );
    expect(takers).toEqual(taken);
  });

  test("is taken or refused alike when it is secret", () => {
    const takers = Object.keys(types).filter(
      (name) => reasons({ type: types[name] ?? "string" }, secret(value)).length === 0,
    );
    expect(takers).toEqual(taken);
  });
});

test.each<[FieldType, Value, string]>([
  ["integer", 2.5, "it: must be a whole number; got a value of type number"],
  ["number", "2", "it: must be a number; got a value of type string"],
  ["any[]", "a", "it: must be an array; got a value of type string"],
  ["string{}", ["a"], "it: must be an object; got a value of type array"],
  ["string{}", { a: 1 }, "it.a: must be a string; got a value of type number"],
  [
    { inner: { type: "integer" } },
    { inner: 0.5 },
    "it.inner: must be a whole number; got a value of type number",
  ],
])("a property of type %j says what is wrong with %j, and where", (type, value, reason) => {
  expect(reasons({ type }, value)).toEqual([reason]);
});

test("a property with few values takes these alone, and tells no secret one", () => {
  const field: Field = { type: "string", oneOf: ["RSA", "ED25519"] };
  expect(reasons(field, "RSA")).toEqual([]);
  expect(reasons(field, "DSA")).toEqual(['it: must be one of RSA, ED25519, not "DSA"']);
  expect(reasons(field, secret("DSA"))).toEqual(["it: must be one of RSA, ED25519"]);
  expect(reasons({ ...field, secret: true }, "DSA")).toEqual(["it: must be one of RSA, ED25519"]);
});
