// Renders checkers of keepalived.conf(5), and the services through which a check reaches a virtual
// address at one real server.
import {
  asksPort,
  checkers,
  type CheckOf,
  type Form,
  type Option,
  type PartForm,
} from "../keepalived/checkers";
import { checkedFamily, type Check, type Family } from "../schema";
import type { CheckSettings, Settings, Through } from "../settings";
import { definedWeight } from "../tracking";
import { block, statements, type Line } from "./statements";
import { weightText } from "./weights";

type Call = (hook: { script: string; args?: string[]; user?: string }) => string | undefined;

/** Renders a checker. `ownAddress` is the director's, the source when it asks a virtual address. */
export function renderCheck(
  { check, port, through }: CheckSettings,
  ownAddress: string | undefined,
  serviceHasPort: boolean,
  tracking: Settings["tracking"],
  call: Call,
): { heading: string; lines: Line[] } {
  return {
    heading: checkers[check.type].block,
    lines: [
      ...connectionLines(check, port, through, ownAddress, serviceHasPort),
      ...ownLines(check, { tracking, call }),
      ...timingLines(check),
    ],
  };
}

/**
 * A fwmark service for each real server that is asked through a virtual address, with that real
 * server alone. The check's socket carries the mark, so IPVS sends its packets the same way as
 * clients' packets, and a real server without the virtual address fails.
 */
export function renderThroughServices(virtualServers: Settings["virtualServers"]): {
  comment: string;
  service: string;
  lines: Line[];
  realServers: { comment: string; address: string; lines: Line[]; checks: [] }[];
}[] {
  return throughWays(virtualServers).map(({ mark, realServer, realAddress, forwarding }) => {
    const family: Family = checkedFamily(realAddress);
    return {
      comment: throughName(realServer),
      service: `fwmark ${mark}`,
      lines: statements({ lvs_sched: "rr", lvs_method: forwarding, ip_family: family }),
      realServers: [
        {
          comment: realServer,
          address: `${realAddress} 0`,
          lines: ["weight 1"],
          checks: [],
        },
      ],
    };
  });
}

/** The ways from checks through a virtual address to a real server, without duplicates. */
export function throughWays(virtualServers: Settings["virtualServers"]): Through[] {
  const asked = new Map<number, Through>();
  for (const { through } of virtualServers.flatMap(({ realServers }) =>
    realServers.flatMap(({ checks }) => checks),
  )) {
    if (through) asked.set(through.mark, through);
  }
  return [...asked.values()];
}

/** The comment that names such a service. */
export function throughName(realServer: string): string {
  return `checks of ${realServer} through its virtual addresses`;
}

function connectionLines(
  check: Check,
  port: number | undefined,
  through: Through | undefined,
  ownAddress: string | undefined,
  serviceHasPort: boolean,
): Line[] {
  if (!("connectTimeoutSeconds" in check)) return [];
  if (through) {
    return statements({
      connect_ip: through.virtualAddress,
      connect_port: port,
      bindto: ownAddress,
      fwmark: through.mark,
      connect_timeout: check.connectTimeoutSeconds,
    });
  }
  return statements({
    connect_ip: check.address,
    // A fwmark service's real servers have no port, so the check names it.
    connect_port: asksPort(check) ? (check.port ?? (serviceHasPort ? undefined : port)) : undefined,
    bind_if: check.bindInterface,
    connect_timeout: check.connectTimeoutSeconds,
  });
}

function timingLines(check: Check): Line[] {
  if (!("retry" in check)) return [];
  return statements({
    retry: check.retry,
    delay_before_retry: check.delayBeforeRetrySeconds,
    delay_loop: check.delayLoopSeconds,
    warmup: check.warmupSeconds,
    alpha: check.alpha === undefined ? undefined : check.alpha ? "on" : "off",
    log_all_failures: "logAllFailures" in check && check.logAllFailures,
  });
}

interface Context {
  tracking: Settings["tracking"];
  call: Call;
}

/** Lines of the keys that other types of check don't have. */
function ownLines(check: Check, context: Context): Line[] {
  const values: Partial<Record<string, unknown>> = check;
  const options: Record<string, Option> = checkers[check.type].options;
  return Object.entries(options).flatMap(([key, option]) => {
    if ("within" in option) return [];
    const { keyword, form } = option;
    return isPart(form)
      ? parts[form](keyword, check, context)
      : statements({ [keyword]: values[key] as string | number | boolean | undefined });
  });
}

function isPart(form: Form): form is PartForm {
  return form in parts;
}

/** Options with more than one word after the keyword. */
const parts: Record<PartForm, (keyword: string, check: Check, context: Context) => Line[]> = {
  urls: (keyword, check) =>
    "urls" in check ? check.urls.flatMap((url) => block(keyword, urlLines(url))) : [],
  call: (keyword, check, { call }) =>
    "script" in check
      ? statements({ [keyword]: call({ script: check.script, args: check.args }) })
      : [],
  user: (keyword, check) => ("user" in check ? statements({ [keyword]: check.user }) : []),
  weight: (keyword, check, { tracking }) =>
    "trackFile" in check
      ? statements({
          [keyword]: weightText(check, definedWeight(tracking, "files", check.trackFile)),
        })
      : [],
};

function urlLines(url: CheckOf<"http">["urls"][number]): Line[] {
  return statements({
    path: url.path,
    status_code: url.status?.join(" "),
    digest: url.digest,
    virtualhost: url.virtualHost,
    regex: url.regex === undefined ? undefined : quotedRegex(url.regex),
    regex_no_match: url.regexNoMatch,
    regex_options: url.regexOptions?.join(" "),
    regex_stack: url.regexStack && `${url.regexStack.startBytes} ${url.regexStack.maxBytes}`,
  });
}

/** keepalived removes one level of backslashes before PCRE2 sees the pattern. */
function quotedRegex(pattern: string): string {
  return `"${pattern.replaceAll("\\", "\\\\")}"`;
}
