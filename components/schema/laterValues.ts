// Values of keys that every keepalived knows, which an older one refuses or gets wrong: what the docs say, and rules/versions.ts asks.

interface LaterValue {
  /** Which values, in the docs' words. */
  values: string;
  /** The first release that takes them. */
  since: string;
}

export const laterValues = {
  /** 6f9ace3c: vrrp_script's times in fractions of a second. */
  scriptTimeFraction: { values: "a fraction", since: "2.3.2" },
  /** 94d40e3b: a run is left out while the last one is still there. */
  scriptTimeoutAboveInterval: { values: "more than the interval", since: "2.3.3" },
  /** a205e87e: routes that name no interface can be tracked. */
  routeWithoutDevice: { values: "left out", since: "2.3.2" },
  /** e7bf4d16: hexadecimal digits that end in ff. */
  bytesEndingInFf: { values: "with `ff` at its end", since: "2.3.3" },
  /** dd6927f9: it was cut to what the delay of going down may be. */
  longUpDelay: { values: "as long as an instance takes to miss a director", since: "2.3.3" },
  /** b1d9e375: one that waits for its turn was sent once. */
  pacedArps: { values: "with more than one ARP a round", since: "2.3.2" },
  /** The same of IPv6. */
  pacedAdverts: { values: "with more than one advert a round", since: "2.3.2" },
  /** e2b4d108: before, 0 became 1, so that the real server got connections. */
  noWeight: { values: "0", since: "2.2.0" },
  /** 915a170a: use_vmac was dropped where there are unicast peers. */
  vmacOfUnicast: { values: "where `unicast` is true", since: "2.2.5" },
} satisfies Record<string, LaterValue>;

/** A key's metadata that tells of them. */
export function valuesSince(...later: LaterValue[]): { valuesSince: Record<string, string> } {
  return { valuesSince: Object.fromEntries(later.map(({ values, since }) => [values, since])) };
}
