// Rules about health checks.
import { asksPort, checkers } from "../keepalived/checkers";
import { checkedFamily, isLinkLocal, type Check, type StackConfig } from "../schema";
import { regexKeys } from "../schema/checks";
import { hasAnchors } from "../schema/regex";
import {
  addressesOf,
  checksOf,
  familyOfService,
  firstPort,
  flowsOf,
  membersOf,
  ownAddress,
} from "../settings";
import { repeated, rule, type Rule } from "./rule";

type Service = StackConfig["virtualServers"][number];

/** A check, its place, and the forwarding methods of its real servers. */
interface Placed {
  at: string;
  check: Check;
  forwardings: Service["forwarding"][];
}

/** Rules about checks. */
export const checkRules: Rule[] = [
  rule({
    needs: ["virtualServers"],
    // keepalived lets a real server watch a session once.
    find: ({ virtualServers }) =>
      virtualServers.flatMap((service, i) =>
        [
          { at: `virtualServers[${i}].checks`, checks: service.checks },
          ...(service.realServers ?? []).map(({ checks }, k) => ({
            at: `virtualServers[${i}].realServers[${k}].checks`,
            checks,
          })),
        ].flatMap(({ at, checks = [] }) =>
          repeated(
            "BFD session",
            checks.map((check, j) => ({
              at: `${at}[${j}].session`,
              value: check.type === "bfd" ? check.session : undefined,
            })),
          ),
        ),
      ),
  }),
  rule({
    needs: ["virtualServers"],
    find: ({ virtualServers }) =>
      virtualServers.flatMap((service, i) =>
        written(service, i).flatMap(({ at, check }) => errorsWithin(check, at)),
      ),
  }),
  rule({
    needs: ["virtualServers", "directors"],
    find: ({ virtualServers, directors }) =>
      virtualServers.flatMap((service, i) => {
        const family = familyOfService(service);
        return written(service, i).flatMap(({ at, check, forwardings }) => {
          if (!("connectTimeoutSeconds" in check)) return [];
          const errors: string[] = [];
          if (check.address !== undefined && checkedFamily(check.address) !== family) {
            errors.push(`${at}.address: "${check.address}" is not of the virtual server's family`);
          }
          if (!asksPort(check) || !check.throughVirtualAddress) return errors;
          const through = `${at}.throughVirtualAddress: true`;
          for (const key of ["address", "bindInterface"] as const) {
            if (check[key] !== undefined) {
              errors.push(`${through} says where the check goes, and ${key} does so, too`);
            }
          }
          if (forwardings.includes("NAT")) {
            errors.push(
              `${through} is for DR and TUN; behind NAT, no real server has the virtual address`,
            );
          }
          const lacking = directors.filter(
            (director) => ownAddress(director, family) === undefined,
          );
          if (lacking.length > 0) {
            errors.push(
              `${through} needs an address of the same family of every director to come from: give ${lacking.map(({ name }) => name).join(", ")} vrrpAddress6`,
            );
          }
          return errors;
        });
      }),
  }),
  rule({
    needs: ["virtualServers", "realServers", "maintenance"],
    find: ({ virtualServers, realServers, maintenance }) =>
      virtualServers.flatMap((service, i) => {
        const port = firstPort(flowsOf(service)[0]);
        // A fwmark service's real servers have no port that a check could ask.
        return membersOf({ realServers, maintenance }, service.realServers).flatMap((member) =>
          checksOf(service, member).flatMap((check) =>
            service.fwmark !== undefined &&
            asksPort(check) &&
            check.port === undefined &&
            member.port === undefined &&
            port === undefined
              ? [
                  `virtualServers[${i}].checks: a check of type ${check.type} needs a port, and ${service.name} marks all ports; set the check's port`,
                ]
              : [],
          ),
        );
      }),
  }),
  rule({
    needs: ["virtualServers", "realServers", "maintenance"],
    find: ({ virtualServers, realServers, maintenance }) =>
      virtualServers.flatMap((service, i) => {
        const [flow] = flowsOf(service);
        return membersOf({ realServers, maintenance }, service.realServers).flatMap((member) => {
          const realServer = realServers.find(({ name }) => name === member.name);
          const own = realServer && addressesOf(realServer)[familyOfService(service)];
          return checksOf(service, member).flatMap((check) => {
            if (!("connectTimeoutSeconds" in check)) return [];
            const isThrough = asksPort(check) && check.throughVirtualAddress;
            const asked = isThrough ? flow?.address : (check.address ?? own);
            return asked !== undefined && isLinkLocal(asked) && check.bindInterface === undefined
              ? [
                  `virtualServers[${i}].checks: the check of type ${check.type} asks "${asked}" of ${member.name}, which is link-local, and doesn't say by which interface; set bindInterface, or another address`,
                ]
              : [];
          });
        });
      }),
  }),
  rule({
    needs: ["virtualServers"],
    find: ({ virtualServers }) =>
      virtualServers.flatMap((service, i) => {
        const [flow, ...others] = flowsOf(service);
        if (flow === undefined || [flow, ...others].some(({ protocol }) => protocol === "TCP")) {
          return [];
        }
        return written(service, i).flatMap(({ at, check }) =>
          asksPort(check) && checkers[check.type].transport === "tcp" && check.port === undefined
            ? [
                `${at}.type: "${check.type}" of a ${flow.protocol} service would take every real server out; set the check's port to a TCP port that tells its health`,
              ]
            : [],
        );
      }),
  }),
];

/** Every check in a virtual server's config. */
export function written(service: Service, i: number): Placed[] {
  const members = service.realServers ?? [];
  const ways = members
    .filter(({ checks }) => checks === undefined)
    .map(({ forwarding }) => forwarding ?? service.forwarding);
  return [
    ...(service.checks ?? []).map((check, j) => ({
      at: `virtualServers[${i}].checks[${j}]`,
      check,
      forwardings: service.realServers ? ways : [service.forwarding],
    })),
    ...members.flatMap(({ forwarding, checks }, k) =>
      (checks ?? []).map((check, j) => ({
        at: `virtualServers[${i}].realServers[${k}].checks[${j}]`,
        check,
        forwardings: [forwarding ?? service.forwarding],
      })),
    ),
  ];
}

function errorsWithin(check: Check, at: string): string[] {
  switch (check.type) {
    case "http":
    case "https":
      return check.urls.flatMap((url, i) => {
        if (url.regex === undefined) {
          return regexKeys.flatMap((key) =>
            url[key] === undefined
              ? []
              : [`${at}.urls[${i}].${key}: ${JSON.stringify(url[key])} needs regex`],
          );
        }
        const { regex, regexOptions = [], regexStack: stack } = url;
        const wrong = `${at}.urls[${i}].regex: ${JSON.stringify(regex)}`;
        return [
          ...(stack && stack.startBytes > stack.maxBytes
            ? [
                `${at}.urls[${i}].regexStack.startBytes: ${stack.startBytes} is above maxBytes (${stack.maxBytes})`,
              ]
            : []),
          // In extended mode a comment may hide a parenthesis, and a quantifier after a space has
          // nothing to repeat.
          ...(regexOptions.includes("extended") && /#|\s[*+?{]/.test(regex)
            ? [
                `${wrong} has # or a space before a quantifier, which the option extended takes for something else; write \\x23 or \\x20`,
              ]
            : []),
          // keepalived also matches the header, and the part of the body in the same packet:
          // check_regex() in check_http.c.
          ...(hasAnchors(regex) && !regexOptions.includes("multiline")
            ? [
                `${wrong} has ^ or $, which stand for the ends of a line with multiline in regexOptions; without it, keepalived finds ^ only before the header, and $ never`,
              ]
            : []),
        ];
      });
    case "udp": {
      const { minReplyLength: min = 0, maxReplyLength: max = 255, requireReply } = check;
      return [
        ...(min > max
          ? [
              `${at}.minReplyLength: ${min} is above maxReplyLength (${max}${check.maxReplyLength === undefined ? ", keepalived's own" : ""})`,
            ]
          : []),
        ...(requireReply === false &&
        (check.minReplyLength !== undefined || check.maxReplyLength !== undefined)
          ? [`${at}.requireReply: false, but a reply's length is given; set it to true`]
          : []),
      ];
    }
    default:
      return [];
  }
}
