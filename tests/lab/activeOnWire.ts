// Who is active for virtual addresses, as the packets of a bridge tell it.

/** Who was active meanwhile; more than one is either a move or two at one time. */
export interface Active {
  /** By virtual address, the directors that have had it. */
  held: Record<string, string[]>;
  /** By virtual address, whose MAC address has claimed it, by ARP or by neighbour advertisements. */
  claimed: Record<string, string[]>;
  /** By virtual router ID, who has sent adverts other than the one of an orderly stop. */
  advertised: Record<string, string[]>;
}

/** What the lines of `tcpdump -e -v` say. */
export function onWire(
  text: string,
  addresses: readonly string[],
  nameOf: (mac: string) => string,
): Pick<Active, "claimed" | "advertised"> {
  const claimed = new Map<string, Set<string>>(addresses.map((address) => [address, new Set()]));
  const advertised = new Map<string, Set<string>>();
  // With -v what is said of a packet goes on in indented lines.
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

/** Of what was seen, what more than one director has done. */
export function severalActive({ held, claimed, advertised }: Active): string[] {
  return Object.entries({ held, claimed, advertised }).flatMap(([what, by]) =>
    Object.entries(by)
      .filter(([, names]) => names.length > 1)
      .map(([key, names]) => `${key} ${what} by ${names.join(" and ")}`),
  );
}

/** What would have been seen of directors that are active for these addresses all the time, and wasn't: then nothing is proven. */
export function unseen({ held, advertised }: Active, addresses: readonly string[]): string[] {
  return [
    ...addresses.filter((address) => (held[address] ?? []).length === 0),
    ...(Object.keys(advertised).length < 2 ? ["adverts of two virtual routers"] : []),
  ];
}
