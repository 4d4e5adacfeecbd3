// components/args.ts: what a program gives to LvsHaPair, as TypeScript with each key's meaning, so that editors tell it.
import { z } from "zod";
import { schema, secretSchema, type SecretName } from "../../components/schema";
import { standIn } from "../../components/schema/outputs";
import { scriptCall } from "../../components/schema/scripts";
import { secretMeanings } from "./secrets";
import { allowed, keyOf, written } from "./words";

/** The file's text. */
export function argsModule(): string {
  const interfaces = new Interfaces();
  const keys = [
    ...Object.entries(schema).flatMap(([name, type]) =>
      interfaces.key({ path: name, words: [name] }, type),
    ),
    ...(Object.keys(secretSchema) as SecretName[]).flatMap((name) => [
      ...comment([
        sentence(secretMeanings[name]),
        `A secret: ${allowed(secretSchema[name])}.`,
        "@default none",
      ]),
      `${name}?: pulumi.Input<string>;`,
    ]),
  ];
  return [
    "// Made from components/schema by `npm run docs`: edit that, not this.",
    'import type * as pulumi from "@pulumi/pulumi";',
    "",
    "/**",
    " * What a load balancer is made of: the keys of the stack config, and its secrets. Addresses, host keys, ports, weights and secrets may be",
    " * Outputs; whatever decides which resources there are is plain.",
    " */",
    ...declared("LvsHaPairArgs", keys),
    ...interfaces.texts.flatMap((text) => ["", ...text]),
    "",
  ].join("\n");
}

/** Where a type is: its path as in the program's errors, and a name of each key on the way. */
interface Place {
  path: string;
  words: string[];
}

/** Names that say more than the first key which has them. */
const names = new Map<unknown, string>([[scriptCall._zod.def, "ScriptCallConfig"]]);

/** One for each object of the schema, wherever it is used. */
class Interfaces {
  readonly texts: string[][] = [];
  private readonly names = new Map<unknown, string>();

  /** A key's line, with its comment above. */
  key(place: Place, given: z.ZodType): string[] {
    const { type, required, fallback, meaning } = keyOf(given);
    const hasOwnKeys = type instanceof z.ZodObject || type instanceof z.ZodDiscriminatedUnion;
    return [
      ...comment([
        ...(meaning === "" ? [] : [sentence(meaning)]),
        ...(hasOwnKeys ? [] : [sentence(allowed(type))]),
        ...(fallback === undefined ? [] : [`@default ${written(fallback)}`]),
      ]),
      `${place.path.replace(/.*\./, "")}${required ? "" : "?"}: ${this.typeOf(place, type)};`,
    ];
  }

  private typeOf(place: Place, given: z.ZodType): string {
    const { type } = keyOf(given);
    if (type instanceof z.ZodObject) return this.nameOf(place, type);
    if (type instanceof z.ZodUnion) {
      const options = type.options as z.ZodType[];
      const parts = [...new Set(options.map((option) => this.typeOf(place, option)))];
      // Where one of several texts and numbers may be an Output, all may.
      const plain = parts.filter((part) => /^("|(pulumi\.Input<)?(string|number)\b)/.test(part));
      if (!plain.some((part) => part.startsWith("pulumi"))) return parts.join(" | ");
      const kinds = ["number", "string"].filter((kind) =>
        plain.some((part) => part.includes(kind)),
      );
      return [
        `pulumi.Input<${kinds.join(" | ")}>`,
        ...parts.filter((part) => !plain.includes(part)),
      ].join(" | ");
    }
    if (type instanceof z.ZodArray) {
      const element = this.typeOf(one(place, "[]"), type.element as z.ZodType);
      return /[ |]/.test(element) ? `(${element})[]` : `${element}[]`;
    }
    if (type instanceof z.ZodRecord) {
      return `Record<string, ${this.typeOf(one(place, ".NAME"), type.valueType as z.ZodType)}>`;
    }
    const text = plainType(type);
    return standIn(type) === undefined ? text : `pulumi.Input<${text}>`;
  }

  private nameOf(place: Place, type: z.ZodObject): string {
    const known = this.names.get(type._zod.def);
    if (known !== undefined) return known;
    const name = names.get(type._zod.def) ?? this.freeName(place, type);
    this.names.set(type._zod.def, name);
    const text: string[] = [];
    this.texts.push(text);
    const keys = Object.entries(type.shape as Record<string, z.ZodType>).flatMap(([key, below]) =>
      this.key({ path: `${place.path}.${key}`, words: [...place.words, key] }, below),
    );
    text.push(`/** \`${place.path}\` */`, ...declared(name, keys));
    return name;
  }

  /** `DirectorConfig`; with the names above it where that is taken. */
  private freeName(place: Place, type: z.ZodObject): string {
    const taken = new Set(this.names.values());
    const kind = (type.shape as Record<string, z.ZodType>).type;
    const words = [
      ...place.words.map(capital),
      ...(kind instanceof z.ZodLiteral ? [capital(String([...kind.values][0]))] : []),
    ];
    for (let length = kind === undefined ? 1 : 2; length <= words.length; length += 1) {
      const last = words.slice(-length);
      const name = `${(kind === undefined ? last : last.toReversed()).join("")}Config`;
      if (!taken.has(name)) return name;
    }
    throw new Error(`no name is left for ${place.path}`);
  }
}

/** The place of what a list or a set has many of. */
function one({ path, words }: Place, suffix: string): Place {
  const singular = (words.at(-1) ?? "").replace(/(?<=ss)es$|s$/, "");
  return { path: path + suffix, words: [...words.slice(0, -1), singular] };
}

function plainType(type: z.ZodType): string {
  if (type instanceof z.ZodEnum) {
    return type.options.map((value) => JSON.stringify(value)).join(" | ");
  }
  if (type instanceof z.ZodLiteral) {
    return [...type.values].map((value) => JSON.stringify(value)).join(" | ");
  }
  if (type instanceof z.ZodBoolean) return "boolean";
  if (type instanceof z.ZodNumber) return "number";
  if (type instanceof z.ZodString) return "string";
  throw new Error(`a type that args can't be made of: ${type.type}`);
}

function declared(name: string, keys: string[]): string[] {
  return [`export interface ${name} {`, ...keys.map((line) => `  ${line}`), "}"];
}

function comment(lines: string[]): string[] {
  return ["/**", ...lines.map((line) => ` * ${line.replaceAll("*/", "*\\/")}`), " */"];
}

function sentence(text: string): string {
  return `${capital(text)}.`;
}

function capital(text: string): string {
  return `${text.charAt(0).toUpperCase()}${text.slice(1)}`;
}
