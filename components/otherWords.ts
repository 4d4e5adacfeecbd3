// Translates words of keepalived.conf(5) and of other load balancers, and our own keys without their unit, to config keys and values.
import {
  daemonKeywords,
  emailKeywords,
  paceKeywords,
  syncOptions,
} from "./keepalived/keywords/globals";
import { bfdKeywords, fileKeywords } from "./keepalived/keywords/tracking";
import { memberKeywords, virtualServerKeywords } from "./keepalived/keywords/virtualServers";
import {
  garpKeywords,
  groupKeywords,
  instanceKeywords,
  notifyKeywords,
  trackKeywords,
} from "./keepalived/keywords/vrrp";
import { nearest } from "./nearest";

/** keepalived's keywords with the config key that writes each: `["scheduler", "lvs_sched"]`. */
const keepalivedWords: (readonly [key: string, word: string])[] = [
  ...wordsOf(virtualServerKeywords),
  ...wordsOf(memberKeywords),
  ...wordsOf(instanceKeywords),
  ...wordsOf(groupKeywords),
  ...wordsOf(daemonKeywords),
  ...wordsOf(emailKeywords),
  ...wordsOf(bfdKeywords),
  ...wordsOf(fileKeywords),
  ...wordsOf(garpKeywords, "garp."),
  ...wordsOf(paceKeywords, "garp."),
  ...wordsOf(notifyKeywords, "notify."),
  ...wordsOf(syncOptions, "syncDaemon."),
  ...Object.entries(trackKeywords),
];

function wordsOf(table: object, parent = ""): (readonly [string, string])[] {
  return Object.entries(table).flatMap(([key, entry]: [string, unknown]) =>
    hasNames(entry) ? entry.names.map((word) => [parent + key, word] as const) : [],
  );
}

function hasNames(entry: unknown): entry is { names: readonly string[] } {
  return typeof entry === "object" && entry !== null && "names" in entry;
}

/** Other names of config keys. The first key that exists at the place is meant. */
const synonyms: Record<string, readonly string[]> = {
  algorithm: ["scheduler"],
  balance: ["scheduler"],
  lbpolicy: ["scheduler"],
  method: ["forwarding"],
  kind: ["forwarding"],
  mode: ["protocol"],
  healthcheck: ["checks"],
  check: ["checks"],
  probe: ["checks"],
  bind: ["address"],
  ip: ["address", "host"],
  vip: ["address"],
  virtualip: ["address"],
  hostname: ["host"],
  persistence: ["persistenceTimeoutSeconds"],
  sticky: ["persistenceTimeoutSeconds"],
  stickiness: ["persistenceTimeoutSeconds"],
  maxconn: ["upperThreshold"],
  backup: ["sorryServer"],
  vrid: ["virtualRouterId"],
  routerid: ["virtualRouterId"],
  usevmac: ["vmac"],
  server: ["realServers"],
  servers: ["realServers"],
  members: ["realServers"],
  backend: ["realServers", "virtualServers"],
  backends: ["realServers", "virtualServers"],
  upstream: ["realServers"],
  upstreams: ["realServers"],
  frontend: ["virtualServers"],
  frontends: ["virtualServers"],
  services: ["virtualServers"],
  loadbalancers: ["directors"],
  nodes: ["directors"],
  url: ["urls"],
  sshuser: ["user"],
  sshport: ["port"],
  prio: ["priority"],
  proto: ["protocol"],
};

/** Words for settings that are made in another place here, or in another way. */
const elsewhere: Record<string, string> = {
  authpass: "the password is the secret lvs-ha:vrrpAuthPass",
  authtype: "it is PASS where the secret lvs-ha:vrrpAuthPass is set",
  authentication: "the password is the secret lvs-ha:vrrpAuthPass",
  nopreempt: "here it is preempt: false",
  noaccept: "here it is accept: false",
  donttrackprimary: "here it is trackPrimaryInterface: false",
  state: "priority decides here which director is active",
  virtualipaddress: "here it is the address of each of virtualServers, and vrrp.virtualAddresses",
  virtualserver: "here it is virtualServers",
  realserver: "here it is realServers",
  vrrpinstance: "here it is vrrp.instances",
  vrrpsyncgroup: "here it is vrrp.syncGroups",
  unicastsrcip: "here it is each director's vrrpAddress",
  unicastpeer: "here it is vrrp.unicast: true, for all directors",
  lvssyncdaemon: "here it is vrrp.connectionSync and vrrp.syncInterface",
  lvssyncdaemoninterface: "here it is vrrp.syncInterface",
  ipfamily: "the address says it",
  interface: "here it is vrrp.interface, for all directors",
  iface: "here it is vrrp.interface, for all directors",
};

/** Other names of values. */
const otherValues: Record<string, string> = {
  roundrobin: "rr",
  weightedroundrobin: "wrr",
  leastconn: "lc",
  leastconnection: "lc",
  leastconnections: "lc",
  weightedleastconn: "wlc",
  weightedleastconnection: "wlc",
  weightedleastconnections: "wlc",
  source: "sh",
  sourcehash: "sh",
  iphash: "sh",
  maglev: "mh",
  // SSL_GET is keepalived's.
  ssl: "https",
  icmp: "ping",
  script: "misc",
  exec: "misc",
  direct: "DR",
  directrouting: "DR",
  gatewaying: "DR",
  masq: "NAT",
  masquerading: "NAT",
  ipip: "TUN",
  tunnel: "TUN",
  tunneling: "TUN",
};

/** keepalived's checkers, which are types of `checks` here. */
const checker = /^(tcp|http|ssl|smtp|dns|udp|ping|misc|file|bfd)_(check|get)$/i;

/**
 * A clause that says what an unknown key was probably meant to be: `did you mean scheduler?`
 * @param known the keys that exist at its place
 */
export function meantKey(word: string, known: readonly string[]): string | undefined {
  const plain = normal(word);
  const [, type] = checker.exec(word) ?? [];
  if (type !== undefined && known.includes("checks"))
    return "here it is one of checks, by its type";
  // Comes before the keywords, because some of these mean the opposite of the key that writes them.
  if (elsewhere[plain] !== undefined) return elsewhere[plain];
  const isKnown = (key: string) => known.includes(key.split(".")[0] ?? "");
  const byNormal = new Map(known.map((key) => [normal(key), key]));
  const meant =
    byNormal.get(plain) ??
    keepalivedWords.find(([key, keyword]) => isKnown(key) && normal(keyword) === plain)?.[0] ??
    synonyms[plain]?.find(isKnown) ??
    nearest(word, known) ??
    byNormal.get(nearest(plain, [...byNormal.keys()]) ?? "");
  return meant === undefined ? undefined : `did you mean ${meant}?`;
}

/** The value that a wrong text was probably meant to be. */
export function meantValue(text: string, values: readonly string[]): string | undefined {
  const plain = normal(text.replace(/_(check|get)$/i, ""));
  const byNormal = new Map(values.map((value) => [normal(value), value]));
  const near = plain.length < 4 ? undefined : nearest(plain, [...byNormal.keys()]);
  return (
    byNormal.get(plain) ??
    values.find((value) => value === otherValues[plain]) ??
    (near === undefined ? undefined : byNormal.get(near))
  );
}

/** A word without case, separators, and the unit at the end of a key. */
function normal(word: string): string {
  return word
    .replace(/[-_ ]/g, "")
    .toLowerCase()
    .replace(/(?<=.)(seconds|adverts)$/, "");
}
