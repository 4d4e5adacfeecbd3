// docs/config.md: a section for each top-level key, a table for each object, a row for each key.
import { z } from "zod";
import { namespace } from "../../components/config";
import { schema, secretSchema, type SecretName } from "../../components/schema";
import { scriptCall } from "../../components/schema/scripts";
import { secretMeanings } from "./secrets";
import { allowed, keyOf, written } from "./words";

/** The place of an object's table. Other keys of the same type link to it. */
interface Place {
  section: string;
  /** In the form of the program's error messages: `virtualServers[].traffic[]`. */
  path: string;
  type: z.ZodObject | z.ZodDiscriminatedUnion;
}

type Places = Map<unknown, Place>;

/** The reference. Its examples come from a stack file that has every top-level key. */
export function reference(exampleFile: string): string {
  const places: Places = new Map();
  // Many keys name a script: the `scripts` section describes what they share.
  addPlaces(scriptCall, "scripts", "a script's call", places);
  for (const [name, type] of Object.entries(schema)) addPlaces(type, name, name, places);
  const sections = Object.entries(schema).map(([name, type]) => [
    `## ${name}`,
    paragraph(type),
    ...example(exampleFile, name),
    ...[...places.values()]
      .filter((place) => place.section === name)
      .flatMap((place) => placeBlocks(place, places)),
  ]);
  const blocks = [...sections.flat(), ...secretsSection];
  return `${[...introduction, contents(blocks), ...blocks].join("\n\n")}\n`;
}

const introduction = [
  "<!-- Made from components/schema by `npm run docs`: edit that, not this. -->",
  "# Configuration",
  `Every key of \`Pulumi.<stack>.yaml\`, in the namespace \`${namespace}\`. A key without a default is required where its row says
so, and can be left out otherwise. Durations say their unit in their name. Values are those of
keepalived.conf(5) and ipvsadm(8); where a keyword of theirs has another name here, the error says which. _The cookbook_ is the pair of Chef cookbooks that this stack
[took over from](../README.md#coming-from-the-chef-cookbooks).`,
  `A key that isn't here is an error. So is a value that isn't allowed, and what doesn't go together: two hosts of one name, say,
or direct routing to another port. \`pulumi preview\` tells all errors at once, each with key, value and what is allowed, and
touches no host for it. What only a newer keepalived knows says so: [keepalived-versions.md](keepalived-versions.md) has that, and what each
version gets wrong.`,
  "## In an editor",
  `[config.schema.json](config.schema.json) is a JSON Schema of the same keys. Editors that use
[yaml-language-server](https://github.com/redhat-developer/yaml-language-server) (VS Code with Red Hat's YAML extension, Neovim,
Emacs, Helix …) complete, explain and check keys by it, where the stack's file names it:`,
  fenced("# yaml-language-server: $schema=docs/config.schema.json\nconfig:"),
  `It knows each key for itself. What must hold between keys (a name that points at something, a port that forwarding can't
change, what a VRRP version or a host's keepalived knows) is for \`pulumi preview\` to find, and so are a few texts that no
pattern describes. Keys that come from a Pulumi ESC \`environment\` are not missed.`,
  "## All keys",
];

const secretsSection = [
  "## Secrets",
  `All optional. In plain text each is an error; \`pulumi config set --secret\` asks for the value, or reads it from standard input, and
writes it encrypted:`,
  fenced(
    `pulumi config set --secret ${namespace}:vrrpAuthPass
pulumi config set --secret ${namespace}:sshPrivateKey <~/.ssh/id_ed25519`,
    "sh",
  ),
  table(
    ["key", "type", "meaning"],
    (Object.keys(secretSchema) as SecretName[]).map((name) => [
      `\`${name}\``,
      prose(allowed(secretSchema[name])),
      prose(secretMeanings[name]),
    ]),
  ),
];

/** Finds every object below a type, parents first, each once. */
function addPlaces(given: z.ZodType, section: string, path: string, places: Places): void {
  const { type } = keyOf(given);
  if (type instanceof z.ZodObject || type instanceof z.ZodDiscriminatedUnion) {
    if (places.has(type._zod.def)) return;
    places.set(type._zod.def, { section, path, type });
    for (const [key, below] of objectsOf(type).flatMap((object) => Object.entries(object.shape))) {
      addPlaces(below, section, `${path}.${key}`, places);
    }
  } else {
    for (const [below, suffix] of partsOf(type)) {
      addPlaces(below, section, path + suffix, places);
    }
  }
}

/** The element types of a list, record or choice, and the path suffix for each. */
function partsOf(type: z.ZodType): [z.ZodType, string][] {
  if (type instanceof z.ZodArray) return [[type.element as z.ZodType, "[]"]];
  if (type instanceof z.ZodRecord) return [[type.valueType as z.ZodType, ".NAME"]];
  if (type instanceof z.ZodUnion) return (type.options as z.ZodType[]).map((part) => [part, ""]);
  return [];
}

function objectsOf(type: Place["type"]): z.ZodObject<Record<string, z.ZodType>>[] {
  const objects = type instanceof z.ZodObject ? [type] : type.options;
  return objects as z.ZodObject<Record<string, z.ZodType>>[];
}

function placeBlocks({ section, path, type }: Place, places: Places): string[] {
  return [
    ...(path.replace(/\[\]$/, "") === section ? [] : [`### ${path}`]),
    ...(type instanceof z.ZodObject
      ? objectBlocks(Object.entries(objectsOf(type)[0]?.shape ?? {}), places)
      : checkBlocks(type, places)),
  ];
}

type Row = [key: string, type: z.ZodType];

function objectBlocks(rows: Row[], places: Places): string[] {
  const inherited = rows.flatMap(([key, type]) => {
    const parent = /^As `(\w+)\.\w+`, which holds where it is left out$/.exec(keyOf(type).meaning);
    return parent?.[1] === undefined ? [] : [{ key, parent: parent[1] }];
  });
  const own = rows.filter(([key]) => !inherited.some((row) => row.key === key));
  const parent = inherited[0]?.parent ?? "";
  return [
    ...(own.length > 0
      ? [
          table(
            ["key", "type", "default", "meaning"],
            own.map(([key, type]) => cells(key, type, places)),
          ),
        ]
      : []),
    ...(inherited.length > 0
      ? [
          `And these, which are as [\`${parent}\`](#${slug(parent)})'s; what is left out is as it is there: ${inherited.map(({ key }) => `\`${key}\``).join(", ")}.`,
        ]
      : []),
  ];
}

/** Keys that at least half of the types share are described once, first. */
function checkBlocks(union: z.ZodDiscriminatedUnion, places: Places): string[] {
  const discriminator = union.def.discriminator;
  const types = objectsOf(union).map(({ shape }) => ({
    type: keyOf(shape[discriminator] ?? z.never()),
    shape: Object.entries(shape).filter(([key]) => key !== discriminator),
  }));
  const nameOf = ({ type }: (typeof types)[number]) => allowed(type.type);
  const knowing = (key: string, known: z.ZodType) =>
    types.filter(({ shape }) => shape.some(([other, its]) => other === key && its === known));
  const shared = new Map(
    types
      .flatMap(({ shape }) => shape)
      .filter(([key, type]) => knowing(key, type).length >= types.length / 2),
  );
  return [
    `\`${discriminator}\` is one of those below; it is required. These keys are of several types:`,
    table(
      ["key", `known to`, "type", "default", "meaning"],
      [...shared].map(([key, type]) => {
        const [name, ...others] = cells(key, type, places);
        const known = knowing(key, type);
        const rest = types.filter((one) => !known.includes(one));
        const who =
          rest.length < known.length
            ? `all but ${rest.map(nameOf).join(", ")}`
            : known.map(nameOf).join(", ");
        return [name ?? "", who, ...others];
      }),
    ),
    ...types.flatMap((one) => [
      `#### ${discriminator}: ${nameOf(one).replaceAll("`", "")}`,
      `${prose(one.type.meaning)}.`,
      ...objectBlocks(
        one.shape.filter(([key, type]) => shared.get(key) !== type),
        places,
      ),
    ]),
  ];
}

function cells(key: string, given: z.ZodType, places: Places): string[] {
  const { type, required, fallback, meaning } = keyOf(given);
  if (meaning === "") throw new Error(`${key}: its .describe() is missing in components/schema`);
  const links = [...new Set(placesIn(type, places))].map((path) => ` ([keys](#${slug(path)}))`);
  return [
    `\`${key}\``,
    prose(allowed(type)).replace(/^an? /, "") + links.join(""),
    fallback === undefined ? (required ? "required" : "") : `\`${written(fallback)}\``,
    prose(meaning),
  ];
}

function placesIn(given: z.ZodType, places: Places): string[] {
  const { type } = keyOf(given);
  const place = places.get(type._zod.def);
  return place ? [place.path] : partsOf(type).flatMap(([part]) => placesIn(part, places));
}

function paragraph(given: z.ZodType): string {
  const { type, required, fallback, meaning } = keyOf(given);
  const held =
    fallback === undefined
      ? required
        ? "Required."
        : "Optional."
      : `Default: \`${written(fallback)}\`.`;
  const what = allowed(type);
  return type instanceof z.ZodObject
    ? `${prose(meaning)}.${required ? " Required." : ""}`
    : `${prose(meaning)}. ${what.charAt(0).toUpperCase()}${prose(what.slice(1))}. ${held}`;
}

/** A top-level key's text in the stack file; empty if the file lacks it. */
function example(file: string, name: string): string[] {
  const key = `  ${namespace}:${name}:`;
  const lines = file.split("\n");
  const start = lines.findIndex((line) => line.startsWith(key));
  if (start < 0) return [];
  const length = lines.slice(start + 1).findIndex((line) => !line.startsWith("   "));
  return [fenced(["config:", ...lines.slice(start, start + 1 + length)].join("\n"))];
}

function contents(blocks: string[]): string {
  return blocks
    .flatMap((block) => /^(##|###) (.*)$/.exec(block)?.slice(1, 3) ?? [])
    .reduce<string[]>((lines, word, i, words) => {
      if (i % 2 === 0) return lines;
      const indent = words[i - 1] === "##" ? "" : "  ";
      return [...lines, `${indent}- [${prose(word)}](#${slug(word)})`];
    }, [])
    .join("\n");
}

function table(head: string[], rows: string[][]): string {
  const line = (texts: string[]) => `| ${texts.join(" | ")} |`;
  return [line(head), line(head.map(() => "---")), ...rows.map(line)].join("\n");
}

function fenced(text: string, language = "yaml"): string {
  return `\`\`\`${language}\n${text}\n\`\`\``;
}

/** Escapes text for Markdown, also inside tables. Text in backticks stays unchanged. */
function prose(text: string): string {
  return text
    .split(/(`[^`]*`)/)
    .map((part) => (part.startsWith("`") ? part : part.replace(/[\\*_<]/g, "\\$&")))
    .join("")
    .replaceAll("|", "\\|");
}

/** The anchor that GitHub gives a heading. */
function slug(heading: string): string {
  return heading
    .toLowerCase()
    .replace(/[^a-z0-9 _-]/g, "")
    .replaceAll(" ", "-");
}
