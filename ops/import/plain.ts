// Compares plain values and removes empty ones.

/** The object without its undefined entries. */
export function defined<T extends object>(value: T): T {
  return Object.fromEntries(Object.entries(value).filter(([, entry]) => entry !== undefined)) as T;
}

/** The object without its undefined and empty entries. */
export function withoutEmpty<T extends object>(value: T): Partial<T> {
  return Object.fromEntries(
    Object.entries(value).filter(
      ([, entry]) =>
        entry !== undefined &&
        !(typeof entry === "object" && entry !== null && Object.keys(entry as object).length === 0),
    ),
  ) as Partial<T>;
}

/** Whether two values are equal, regardless of the order of their keys. */
export function same(a: unknown, b: unknown): boolean {
  return JSON.stringify(sorted(a)) === JSON.stringify(sorted(b));
}

/**
 * The places where two values differ. List items with the same name are compared with each other.
 */
export function differences(
  a: unknown,
  b: unknown,
  at = "",
): { at: string; here: unknown; there: unknown }[] {
  if (same(a, b)) return [];
  const [left, right] = [entriesOf(a), entriesOf(b)];
  if (!left || !right) return [{ at, here: a, there: b }];
  return [...new Set([...left.keys(), ...right.keys()])].flatMap((key) =>
    differences(
      left.get(key),
      right.get(key),
      at === "" ? key : `${at}${key.startsWith("[") ? "" : "."}${key}`,
    ),
  );
}

function entriesOf(value: unknown): Map<string, unknown> | undefined {
  if (Array.isArray(value)) {
    const items: unknown[] = value;
    return new Map(items.map((item, i) => [`[${nameOf(item) ?? i}]`, item]));
  }
  return typeof value === "object" && value !== null ? new Map(Object.entries(value)) : undefined;
}

function nameOf(item: unknown): string | undefined {
  if (typeof item === "string") return item;
  if (typeof item !== "object" || item === null || !("name" in item)) return undefined;
  return String(item.name);
}

function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sorted);
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(
    Object.entries(value)
      .map(([key, entry]) => [key, sorted(entry)] as const)
      .sort(([x], [y]) => (x < y ? -1 : 1)),
  );
}
