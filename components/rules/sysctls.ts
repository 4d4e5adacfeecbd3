// Rules about sysctls: the config may not override a value that the stack needs.
import type { Family, StackConfig } from "../schema";
import { familyOfService, instancesOf, membersOf } from "../settings";
import { rule, type Rule } from "./rule";

type List = "directorSysctls" | "realServerSysctls";

/** A sysctl that must have one of some values, or not be set. */
interface Needed {
  /** The words of the sysctl's name. */
  name: string[];
  allowed: string[];
  /** What another value does. */
  why: string;
}

/** Rules about sysctls. */
export const sysctlRules: Rule[] = [
  rule({
    needs: ["kernel"],
    find: ({ kernel }) => contradictions(kernel, "realServerSysctls", arpOfRealServers),
  }),
  rule({
    needs: ["kernel", "directors", "realServers", "virtualServers", "vrrp", "maintenance"],
    find: (config) => {
      const { kernel, directors, virtualServers } = config;
      const instances = instancesOf(config);
      const addresses = instances.flatMap(({ virtualAddresses }) => virtualAddresses);
      const devices = (family: Family) => [
        "all",
        ...instances.flatMap((instance) => (instance.family === family ? instance.interface : [])),
        ...addresses.flatMap((virtual) =>
          virtual.address.includes(":") === (family === "inet6") ? virtual.interface : [],
        ),
      ];
      const nat = new Set(
        virtualServers
          .filter((service) =>
            [
              ...membersOf(config, service.realServers),
              ...(service.sorryServer ? [service.sorryServer] : []),
            ].some(({ forwarding = service.forwarding }) => forwarding === "NAT"),
          )
          .map(familyOfService),
      );
      const six = virtualServers.filter((service) => familyOfService(service) === "inet6");
      return [
        ...contradictions(kernel, "directorSysctls", [
          ...(nat.has("inet")
            ? [
                ["net", "ipv4", "ip_forward"],
                ["net", "ipv4", "conf", "all", "forwarding"],
              ].map(forwards)
            : []),
          ...(nat.has("inet6") ? [forwards(["net", "ipv6", "conf", "all", "forwarding"])] : []),
          // Only 8 suppresses every reply: arp_ignore() in arp.c, which uses the larger of the
          // values for all and for the interface.
          ...devices("inet").map((device) => ({
            name: ["net", "ipv4", "conf", device, "arp_ignore"],
            allowed: ["0", "1", "2", "3", "4", "5", "6", "7"],
            why: "keeps the active director from answering ARP for the virtual addresses",
          })),
          ...(addresses.some(({ address }) => address.includes(":")) ||
          directors.some(({ vrrpAddress, vrrpAddress6 = vrrpAddress }) =>
            vrrpAddress6.includes(":"),
          )
            ? devices("inet6").map(hasIpv6)
            : []),
        ]),
        ...contradictions(
          kernel,
          "realServerSysctls",
          (six.length > 0 ? ["all", "lo"] : []).map(hasIpv6),
        ),
      ];
    },
  }),
];

function forwards(name: string[]): Needed {
  return {
    name,
    allowed: ["1"],
    why: "lets no answer of a real server behind NAT through a director",
  };
}

function hasIpv6(device: string): Needed {
  return {
    name: ["net", "ipv6", "conf", device, "disable_ipv6"],
    allowed: ["0"],
    why: "switches IPv6 off, and the stack has IPv6 addresses",
  };
}

/**
 * Keeps real servers from answering ARP for the virtual addresses on their loopback; vip.sh sets it
 * again with each address.
 */
const arpOfRealServers: Needed[] = ["all", "lo"].flatMap((device) =>
  (
    [
      ["arp_ignore", "1"],
      ["arp_announce", "2"],
    ] as const
  ).map(([key, value]) => ({
    name: ["net", "ipv4", "conf", device, key],
    allowed: [value],
    why: "lets the real servers answer ARP for the virtual addresses, which is the active director's to do",
  })),
);

function contradictions(kernel: StackConfig["kernel"], list: List, needed: Needed[]): string[] {
  return Object.entries(kernel[list]).flatMap(([key, value]) => {
    const broken = needed.find(
      ({ name, allowed }) => isNamed(name, key) && !allowed.includes(value),
    );
    return broken
      ? [`kernel.${list}.${key}: "${value}" ${broken.why}; it must be ${broken.allowed.join(", ")}`]
      : [];
  });
}

/**
 * Whether a key names a sysctl, directly or by a pattern. The first dot or slash is the separator;
 * the other stands for a dot or slash inside a word: sysctl.d(5).
 */
function isNamed(name: string[], key: string): boolean {
  const parting = /[./]/.exec(key)?.[0] ?? ".";
  const words = key.split(parting).map((word) => word.replaceAll("/", "."));
  // sysctl(8) also accepts a mix such as net.ipv4/conf/all.
  return [words, key.split(/[./]/)].some(
    (spelt) =>
      spelt.length === name.length && name.every((word, i) => matches(spelt[i] ?? "", word)),
  );
}

function matches(pattern: string, word: string): boolean {
  const parts = pattern.split("*").map((part) => part.replace(/[.\\+?^${}()|[\]]/g, "\\$&"));
  return new RegExp(`^${parts.join(".*")}$`).test(word);
}
