// Traffic as rules compare it: which packets two flows have in common.
import type { Flow } from "../settings";

/** A flow of one port or range of ports; of every port where it has none. */
export interface PortFlow extends Omit<Flow, "ports"> {
  port?: number | string;
}

/** True when some packet belongs to both. */
export function overlapping(a: PortFlow, b: PortFlow): boolean {
  if (a.address !== b.address || a.protocol !== b.protocol) return false;
  const [left, right] = [rangeOf(a.port), rangeOf(b.port)];
  return left.first <= right.last && right.first <= left.last;
}

/** `192.0.2.100 8000-8099 TCP`, as an error names it. */
export function wordsOf({ address, protocol, port }: PortFlow): string {
  return `${address} ${port ?? "any port"} ${protocol}`;
}

function rangeOf(port: PortFlow["port"]): { first: number; last: number } {
  if (port === undefined) return { first: 0, last: 65535 };
  const [first = 0, last = first] = String(port).split("-").map(Number);
  return { first, last };
}
