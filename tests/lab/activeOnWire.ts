// Tells from the packets of a bridge which directors are active for virtual addresses.

/** Which directors were active during a watch. Several mean a move, or two at once. */
export interface Active {
  /** By virtual address, the directors that have had it. */
  held: Record<string, string[]>;
  /**
   * By virtual address, the hosts that have claimed it by ARP or neighbour advertisements, by MAC
   * address.
   */
  claimed: Record<string, string[]>;
  /** By virtual router id, the hosts that have sent adverts other than that of an orderly stop. */
  advertised: Record<string, string[]>;
}

/** Parses the output of `tcpdump -e -v`. */
export function onWire(
  text: string,
  addresses: readonly string[],
  nameOf: (mac: string) => string,
): Pick<Active, "claimed" | "advertised"> {
  const claimed = new Map<string, Set<string>>(addresses.map((address) => [address, new Set()]));
  const advertised = new Map<string, Set<string>>();
  // With -v, a packet continues in indented lines.
  for (const packet of text.split(/\n(?=\S)/)) {
    const [, mac] = /^\S+ ([0-9a-f:]{17}) > /.exec(packet) ?? [];
    if (mac === undefined) continue;
    const from = nameOf(mac);
    const [, id, priority] =
      /Advertisement, (?:\(ttl \d+\), )?vrid (\d+), prio (\d+)/.exec(packet) ?? [];
    if (id !== undefined) {
      if (priority === "0") continue;
      advertised.set(id, (advertised.get(id) ?? new Set()).add(from));
      continue;
    }
    const [, claim] = /(?:tell|Reply|tgt is) ([0-9a-f.:]+?)(?:,| is-at|$)/m.exec(packet) ?? [];
    if (claim !== undefined) claimed.get(claim)?.add(from);
  }
  const plain = (found: Map<string, Set<string>>) =>
    Object.fromEntries([...found].map(([key, from]) => [key, [...from]]));
  return { claimed: plain(claimed), advertised: plain(advertised) };
}

/** What was seen of more than one director. */
export function severalActive({ held, claimed, advertised }: Active): string[] {
  return Object.entries({ held, claimed, advertised }).flatMap(([what, by]) =>
    Object.entries(by)
      .filter(([, names]) => names.length > 1)
      .map(([key, names]) => `${key} ${what} by ${names.join(" and ")}`),
  );
}

/**
 * What should have been seen from directors that are always active for these addresses, but wasn't:
 * then the watch proves nothing.
 */
export function unseen({ held, advertised }: Active, addresses: readonly string[]): string[] {
  return [
    ...addresses.filter((address) => (held[address] ?? []).length === 0),
    ...(Object.keys(advertised).length < 2 ? ["adverts of two virtual routers"] : []),
  ];
}
