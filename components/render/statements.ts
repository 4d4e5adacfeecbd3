// Lines of keepalived.conf(5): a keyword and its value, or a block of lines.

export type Line = string;

type Value = string | number | boolean | undefined;

/** One line a keyword, in the order given: `true` is the keyword alone; what is false or undefined is left out. */
export function statements(values: Record<string, Value>): Line[] {
  return Object.entries(values).flatMap(([keyword, value]) => {
    if (value === undefined || value === false) return [];
    return [value === true ? keyword : `${keyword} ${value}`];
  });
}

/** A block of lines; none when it would be empty. */
export function block(heading: string, lines: Line[]): Line[] {
  return lines.length === 0 ? [] : [`${heading} {`, ...lines.map((line) => `    ${line}`), "}"];
}
