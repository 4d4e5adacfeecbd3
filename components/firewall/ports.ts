// Openings to several ports of one place, as one.
import type { Opening } from "./openings";

/** A port is a range of one. */
export interface PortRange {
  first: number;
  last: number;
}

/** Openings that differ in nothing but their port. */
export interface Place<T extends Opening> {
  /** The first of them. */
  opening: T;
  /** In their order, none in two ranges; empty where the opening has every port. */
  ports: PortRange[];
}

/** Openings by place, in the order of the first one of each. */
export function byPlace<T extends Opening>(openings: T[]): Place<T>[] {
  const places = new Map<string, T[]>();
  for (const opening of openings) {
    const key = JSON.stringify({
      ...opening,
      port: opening.port !== undefined,
      fromPort: opening.fromPort !== undefined,
    });
    const others = places.get(key);
    if (others) others.push(opening);
    else places.set(key, [opening]);
  }
  return [...places.values()].flatMap((all) => {
    const [opening] = all;
    const ports = all.flatMap(({ port, fromPort }) => port ?? fromPort ?? []);
    return opening ? [{ opening, ports: apart(ports.map(rangeOf)) }] : [];
  });
}

/** The words for it: 80, or 8000-8099 with the separator between. */
export function portWords({ first, last }: PortRange, separator: string): string {
  return first === last ? String(first) : `${first}${separator}${last}`;
}

function rangeOf(port: number | string): PortRange {
  const [first = 0, last = first] = String(port).split("-").map(Number);
  return { first, last };
}

function apart(ranges: PortRange[]): PortRange[] {
  const merged: PortRange[] = [];
  for (const range of ranges.sort((a, b) => a.first - b.first)) {
    const before = merged.at(-1);
    if (before && range.first <= before.last) before.last = Math.max(before.last, range.last);
    else merged.push({ ...range });
  }
  return merged;
}
