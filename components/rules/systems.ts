// Rules about what a director's system does not have, whatever its keepalived's version: schedulers, firewalls, parts of keepalived.
import { osProfiles, type OsName } from "../os/profiles";
import type { KeepalivedFeature } from "../os/profile";
import type { StackConfig } from "../schema";
import { instancesOf } from "../settings";
import { written } from "./checks";
import { rule, type Rule } from "./rule";

/** Any director can become the active one: a stack can have what all of their systems have. */
export const systemRules: Rule[] = [
  rule({
    needs: ["os", "directors", "virtualServers"],
    find: (config) =>
      config.virtualServers.flatMap(({ scheduler }, i) =>
        systemsOf(config).flatMap(({ title, lacksSchedulers }) =>
          lacksSchedulers[scheduler] === undefined
            ? []
            : [
                `virtualServers[${i}].scheduler: "${scheduler}" is not available on ${title}: ${lacksSchedulers[scheduler]}; every director needs it`,
              ],
        ),
      ),
  }),
  rule({
    needs: ["os", "directors", "firewall"],
    find: ({ os, directors, firewall: { backend } }) =>
      directors.flatMap((director, i) => {
        const name = director.os ?? os;
        const { title, lacksFirewalls } = osProfiles[name];
        // `auto` may find any of them on the host, and this one is the system's own.
        const lack = lacksFirewalls[backend === "auto" ? "ufw" : backend];
        return lack === undefined
          ? []
          : [
              `${director.os === undefined ? "os" : `directors[${i}].os`}: "${name}" does not work with firewall.backend ${backend}: on ${title}, ${lack}; set firewall.backend to nftables or none`,
            ];
      }),
  }),
  rule({
    needs: ["os", "directors", "virtualServers", "vrrp", "tracking"],
    find: (config) =>
      systemsOf(config).flatMap(({ title, keepalived: { features } }) =>
        asked(config).flatMap(({ at, value, feature }) =>
          features.includes(feature)
            ? []
            : [
                `${at}: ${JSON.stringify(value)} needs a keepalived built with ${words[feature]}, and that of ${title} is built without; every director needs it`,
              ],
        ),
      ),
  }),
];

/** The systems of the directors, each once. */
function systemsOf({ os, directors }: Pick<StackConfig, "os" | "directors">) {
  const names = new Set<OsName>(directors.map((director) => director.os ?? os));
  return [...names].map((name) => osProfiles[name]);
}

const words: Record<KeepalivedFeature, string> = {
  bfd: "BFD",
  regex: "regular expressions (PCRE2)",
  noAccept: "nftables or iptables",
};

/** What a config asks for that a keepalived can be built without: configure.ac. */
function asked(
  config: Pick<StackConfig, "directors" | "virtualServers" | "vrrp" | "tracking">,
): { at: string; value: unknown; feature: KeepalivedFeature }[] {
  return [
    ...config.tracking.bfd.map(({ name }, i) => ({
      at: `tracking.bfd[${i}].name`,
      value: name,
      feature: "bfd" as const,
    })),
    ...config.virtualServers
      .flatMap(written)
      .flatMap(({ at, check }) =>
        check.type === "http" || check.type === "https"
          ? check.urls.flatMap(({ regex }, j) =>
              regex === undefined
                ? []
                : [{ at: `${at}.urls[${j}].regex`, value: regex, feature: "regex" as const }],
            )
          : [],
      ),
    ...instancesOf(config).flatMap(({ accept }, i) =>
      accept === false
        ? [
            {
              at: `${config.vrrp.instances?.[i]?.accept === false ? `vrrp.instances[${i}]` : "vrrp"}.accept`,
              value: false,
              feature: "noAccept" as const,
            },
          ]
        : [],
    ),
  ];
}
