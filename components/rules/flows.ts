// Compares traffic for the rules: the packets that two flows have in common.
import type { Flow } from "../settings";

/** A flow of one port or port range; without `port`, of every port. */
export interface PortFlow extends Omit<Flow, "ports"> {
  port?: number | string;
}

/** Whether some packet belongs to both flows. */
export function overlapping(a: PortFlow, b: PortFlow): boolean {
  if (a.address !== b.address || a.protocol !== b.protocol) return false;
  const [left, right] = [rangeOf(a.port), rangeOf(b.port)];
  return left.first <= right.last && right.first <= left.last;
}

/** A flow in an error's words: `192.0.2.100 8000-8099 TCP`. */
export function wordsOf({ address, protocol, port }: PortFlow): string {
  return `${address} ${port ?? "any port"} ${protocol}`;
}

function rangeOf(port: PortFlow["port"]): { first: number; last: number } {
  if (port === undefined) return { first: 0, last: 65535 };
  const [first = 0, last = first] = String(port).split("-").map(Number);
  return { first, last };
}
