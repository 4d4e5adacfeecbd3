// Formats lines of keepalived.conf(5): a keyword with its value, or a block of lines.

/** A line of keepalived.conf(5), without indentation. */
export type Line = string;

type Value = string | number | boolean | undefined;

/**
 * A line per keyword, in the given order. `true` gives the keyword alone; false and undefined are
 * left out.
 */
export function statements(values: Record<string, Value>): Line[] {
  return Object.entries(values).flatMap(([keyword, value]) => {
    if (value === undefined || value === false) return [];
    return [value === true ? keyword : `${keyword} ${value}`];
  });
}

/** A block of lines, or nothing if it would be empty. */
export function block(heading: string, lines: Line[]): Line[] {
  return lines.length === 0 ? [] : [`${heading} {`, ...lines.map((line) => `    ${line}`), "}"];
}
