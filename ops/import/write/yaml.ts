// Writes stack config as a Pulumi file, without defaults and with comments on what to do.
import { Document, isScalar, isMap, isSeq, type Node } from "yaml";
import { z } from "zod";
import { namespace } from "../../../components/config";
import { schema } from "../../../components/schema";
import { printable } from "../../printable";
import { same } from "../plain";
import type { Report } from "../report";
import { fillIn } from "../read/scripts";
import type { Config } from "../shapes";

/** The config in the schema's order, without keys that are equal to their defaults. */
export function concise(config: Config): Config {
  return Object.fromEntries(
    (Object.keys(schema) as (keyof Config)[]).flatMap((key) => {
      const value = withoutDefaults(schema[key], config[key]);
      return value === undefined ? [] : [[key, value]];
    }),
  );
}

/** The text of a Pulumi.STACK.yaml. */
export function toYaml(config: Config, comments: Map<string, string>, report: Report): string {
  const keys = Object.entries(config).map(([key, value]) => [`${namespace}:${key}`, value]);
  // Repeat common parts instead of using aliases: people read Pulumi.STACK.yaml.
  const document = new Document(
    { config: Object.fromEntries(keys) as Config },
    { aliasDuplicateObjects: false },
  );
  const open = report.toFillIn.filter(({ at }) => at !== "vrrpAuthPass").length;
  document.commentBefore = [
    " Imported from keepalived.conf. Look it through, then apply it: pulumi preview --diff, pulumi up.",
    ...(open > 0 ? [` To be filled in, where it says ${fillIn}: ${open} values.`] : []),
    ...report.toFillIn
      .filter(({ at }) => at === "vrrpAuthPass")
      .map(({ what }) => ` Secret: ${what}`),
  ].join("\n");
  for (const [at, text] of comments) {
    const node = nodeAt(document, at);
    const lines = printable(text)
      .split("\n")
      .map((line) => ` ${line}`);
    if (isScalar(node)) node.comment = lines.join(" ");
    else if (node) node.commentBefore = lines.join("\n");
  }
  for (const { at, what } of report.toFillIn) {
    const node = nodeAt(document, at);
    if (isScalar(node)) node.comment = ` ${what}`;
    else if (node)
      node.commentBefore = [node.commentBefore, ` ${fillIn}: ${what}`].filter(Boolean).join("\n");
  }
  const yaml = document.toString({ lineWidth: 0 });
  // The library double-quotes text with these characters but doesn't escape them.

  return yaml.replace(/[\u007f-\u009f]/g, (char) => `\\x${char.charCodeAt(0).toString(16)}`);
}

/** The node at a path like `virtualServers[web].traffic`; items by index or name. */
function nodeAt(document: Document, at: string): Node | undefined {
  let node: unknown = document.get("config", true);
  for (const [, key, item] of at.matchAll(/([^.[\]]+)|\[([^\]]*)\]/g)) {
    if (key !== undefined && isMap(node)) {
      node = node.get(
        node.items.length > 0 && node === document.get("config", true)
          ? `${namespace}:${key}`
          : key,
        true,
      );
    } else if (item !== undefined && isMap(node)) {
      node = node.get(item, true);
    } else if (item !== undefined && isSeq(node)) {
      const byName = node.items.findIndex((entry) => isMap(entry) && entry.get("name") === item);
      node = node.items[byName >= 0 ? byName : Number(item)];
    } else return undefined;
  }
  return node === undefined ? undefined : (node as Node);
}

function withoutDefaults(type: unknown, value: unknown): unknown {
  if (value === undefined) return undefined;
  if (type instanceof z.ZodDefault || type instanceof z.ZodPrefault) {
    const inner = withoutDefaults(type.unwrap(), value);
    const usual = (type as z.ZodType).safeParse(undefined).data;
    const said = (type as z.ZodType).safeParse(value);
    if (said.success && same(said.data, usual)) return undefined;
    return inner;
  }
  if (type instanceof z.ZodOptional) return withoutDefaults(type.unwrap(), value);
  if (type instanceof z.ZodArray && Array.isArray(value)) {
    return value.map((item: unknown) => withoutDefaults(type.element, item));
  }
  if (type instanceof z.ZodObject && typeof value === "object" && value !== null) {
    const given = value as Record<string, unknown>;
    return Object.fromEntries(
      Object.entries(type.shape as Record<string, unknown>).flatMap(([key, below]) => {
        const kept = withoutDefaults(below, given[key]);
        return kept === undefined ? [] : [[key, kept]];
      }),
    );
  }
  return value;
}
