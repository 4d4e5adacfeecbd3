// Makes foreign text safe for a terminal: output of hosts, files and programs must not control it.

/**
 * The text with each character that controls a terminal or can't be seen replaced by its code:
 * `<U+001B>`. Line feeds and tabs stay. Replaced are the control characters of C0 and C1, changes
 * of text direction, characters without width, and spaces that look like the usual one.
 */
export function printable(text: string): string {
  return text.replace(unseen, named);
}

const unseen =
  // eslint-disable-next-line no-control-regex -- they are what is looked for
  /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u00a0\u00ad\u061c\u180e\u2000-\u200f\u2028-\u202f\u205f-\u206f\u3000\ufeff\ufff9-\ufffb]|[\u{e0000}-\u{e007f}]/gu;

function named(character: string): string {
  const code = character.codePointAt(0) ?? 0;
  return `<U+${code.toString(16).toUpperCase().padStart(4, "0")}>`;
}

/** The same for JSON text. Its value stays the same, because JSON can escape each character. */
export function printableJson(json: string): string {
  return json.replace(unseen, (character) =>
    character
      .split("")
      .map((unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, "0")}`)
      .join(""),
  );
}

/** A copy of foreign data in which every text is printable. */
export function printableIn<Facts>(facts: Facts): Facts {
  if (typeof facts === "string") return printable(facts) as Facts;
  if (Array.isArray(facts)) return facts.map(printableIn) as Facts;
  if (typeof facts !== "object" || facts === null) return facts;
  return Object.fromEntries(
    Object.entries(facts).map(([key, value]) => [printable(key), printableIn(value as unknown)]),
  ) as Facts;
}
