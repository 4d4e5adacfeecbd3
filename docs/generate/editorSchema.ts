// The config's schema as JSON Schema, with which editors complete and check Pulumi.<stack>.yaml.
import { z } from "zod";
import { namespace, secretNames } from "../../components/config";
import {
  address,
  addressOrLoopback,
  addressWithPrefix,
  hostAddress,
  hostName,
  ipv6Address,
  ipv6AddressWithPrefix,
  schema,
  secretSchema,
  subnet,
  virtualAddress,
  type SecretName,
} from "../../components/schema";
import { secretMeanings } from "./secrets";
import { allowed, keyOf, written } from "./words";

type JsonSchema = z.core.JSONSchema.BaseSchema;

/**
 * In draft 7, the newest that every editor knows. It describes each key by itself and can't express
 * rules between keys.
 */
export function editorSchema(): JsonSchema {
  const { properties, required } = jsonSchema(z.strictObject(schema));
  return {
    $schema: "http://json-schema.org/draft-07/schema#",
    type: "object",
    // Pulumi's own keys: https://www.pulumi.com/docs/iac/concepts/projects/stack-settings-file/
    properties: {
      secretsprovider: { type: "string", description: "Who encrypts the stack's secrets" },
      encryptedkey: { type: "string", description: "Written by pulumi" },
      encryptionsalt: { type: "string", description: "Written by pulumi: the passphrase's salt" },
      environment: { description: "Pulumi ESC environments that config comes from" },
      config: {
        type: "object",
        properties: { ...ofNamespace(properties ?? {}), ...ofNamespace(secrets()) },
        // Keys in other namespaces belong to other programs, unless they are misspelt keys of this
        // one.
        patternProperties: {
          [`^(?!${namespace}:)(?!.*:(${[...Object.keys(properties ?? {}), ...secretNames].join("|")})$)`]:
            {},
        },
        additionalProperties: false,
      },
    },
    additionalProperties: false,
    // With an environment, its values may supply the required keys.
    if: { required: ["environment"] },
    else: {
      properties: {
        config: { type: "object", required: required?.map((key) => `${namespace}:${key}`) },
      },
      required: ["config"],
    },
  };
}

/** The JSON Schema of one config type, in the form in which users write it. */
export function jsonSchema(type: z.ZodType): JsonSchema {
  return z.toJSONSchema(type, {
    io: "input",
    target: "draft-7",
    override: ({ zodSchema, jsonSchema: json }) => {
      explain(zodSchema as z.core.$ZodType as z.ZodType, json);
    },
  });
}

function ofNamespace<T>(properties: Record<string, T>): Record<string, T> {
  return Object.fromEntries(
    Object.entries(properties).map(([key, value]) => [`${namespace}:${key}`, value]),
  );
}

function secrets(): Record<string, JsonSchema> {
  return Object.fromEntries(
    (Object.keys(secretSchema) as SecretName[]).map((key) => [
      key,
      {
        type: "object",
        description: `${secretMeanings[key]}.\nWritten by: pulumi config set --secret ${namespace}:${key}`,
        properties: { secure: { type: "string" } },
        required: ["secure"],
        additionalProperties: false,
      },
    ]),
  );
}

function explain(given: z.ZodType, json: JsonSchema): void {
  const { type, fallback, meaning } = keyOf(given);
  const description = [
    ...(meaning ? [sentence(meaning)] : []),
    ...(type instanceof z.ZodObject || (type instanceof z.ZodLiteral && type.values.size === 1)
      ? []
      : [sentence(allowed(type))]),
    ...(fallback === undefined ? [] : [`Default: ${written(fallback)}`]),
  ].join("\n");
  if (description) json.description = description;
  delete json.since;
  delete json.valuesSince;
  if (isEmpty(json.default)) delete json.default;
  const pattern = patterns.get(type._zod.def);
  if (pattern !== undefined) json.pattern = pattern;
  if (json.pattern !== undefined) json.patternErrorMessage = `It must be ${allowed(type)}`;
}

function sentence(text: string): string {
  return `${text.charAt(0).toUpperCase()}${text.slice(1)}.`;
}

function isEmpty(value: unknown): boolean {
  return typeof value === "object" && value !== null && Object.keys(value).length === 0;
}

const octet = "(25[0-5]|2[0-4]\\d|1?\\d?\\d)";
const ipv4 = `${octet}(\\.${octet}){3}`;
const ipv6 = "[0-9A-Fa-f.]*:[0-9A-Fa-f.]*:[0-9A-Fa-f:.]*";
const label = "[A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?";
const dns = `${label}(\\.${label})*`;

/**
 * Patterns for what the program checks by parsing. They refuse nothing that the program accepts.
 */
const patterns = new Map<unknown, string>(
  (
    [
      [address, `^(${ipv4}|${ipv6})$`],
      [addressOrLoopback, `^(${ipv4}|${ipv6})$`],
      [ipv6Address, `^${ipv6}$`],
      [addressWithPrefix, `^(${ipv4}|${ipv6})/\\d+$`],
      [ipv6AddressWithPrefix, `^${ipv6}/\\d+$`],
      [virtualAddress, `^(${ipv4}|${ipv6})(/\\d+)?$`],
      [subnet, `^(${ipv4}|${ipv6})/\\d+$`],
      [hostName, `^${dns}$`],
      [hostAddress, `^(${dns}|${ipv6})$`],
    ] as const
  ).map(([type, pattern]) => [type._zod.def, pattern]),
);
