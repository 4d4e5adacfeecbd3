// Checkers of keepalived.conf(5), and the services by which a check reaches a virtual address at one real server.
import type { Check, CheckType, Family } from "../schema";
import { checkedFamily } from "../schema";
import type { CheckSettings, Settings, Through } from "../settings";
import { definedWeight } from "../tracking";
import { block, statements, type Line } from "./statements";
import { weightText } from "./weights";

type Call = (hook: { script: string; args?: string[]; user?: string }) => string | undefined;

const headings: Record<CheckType, string> = {
  tcp: "TCP_CHECK",
  http: "HTTP_GET",
  https: "SSL_GET",
  smtp: "SMTP_CHECK",
  dns: "DNS_CHECK",
  udp: "UDP_CHECK",
  ping: "PING_CHECK",
  misc: "MISC_CHECK",
  file: "FILE_CHECK",
  bfd: "BFD_CHECK",
};

/** A checker; `ownAddress` is the director's, from which it asks for a virtual address. */
export function renderCheck(
  { check, port, through }: CheckSettings,
  ownAddress: string | undefined,
  serviceHasPort: boolean,
  tracking: Settings["tracking"],
  call: Call,
): { heading: string; lines: Line[] } {
  return {
    heading: headings[check.type],
    lines: [
      ...connectionLines(check, port, through, ownAddress, serviceHasPort),
      ...ownLines(check, tracking, call),
      ...timingLines(check),
    ],
  };
}

/**
 * For each way to a real server that is asked through a virtual address, a fwmark service with that real server alone. The check's socket
 * carries the mark, so IPVS sends it there by the way that clients' packets take, and a real server without the address is out.
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
      comment: checksOf(realServer),
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

/** The ways to real servers that checks go through a virtual address, each once. */
export function throughWays(virtualServers: Settings["virtualServers"]): Through[] {
  const asked = new Map<number, Through>();
  for (const { through } of virtualServers.flatMap(({ realServers }) =>
    realServers.flatMap(({ checks }) => checks),
  )) {
    if (through) asked.set(through.mark, through);
  }
  return [...asked.values()];
}

/** What such a service is called. */
export function checksOf(realServer: string): string {
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
    // In a fwmark service a real server has no port of its own.
    connect_port:
      check.type === "ping" ? undefined : (check.port ?? (serviceHasPort ? undefined : port)),
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

function ownLines(check: Check, tracking: Settings["tracking"], call: Call): Line[] {
  switch (check.type) {
    case "http":
    case "https":
      return [
        ...statements({
          http_protocol: check.httpProtocol,
          virtualhost: check.virtualHost,
          enable_sni: check.type === "https" && check.sni,
          tls_compliant: check.type === "https" && check.tlsCompliant,
          fast_recovery: check.fastRecovery,
        }),
        ...check.urls.flatMap((url) =>
          block(
            "url",
            statements({
              path: url.path,
              status_code: url.status?.join(" "),
              digest: url.digest,
              virtualhost: url.virtualHost,
              regex: url.regex === undefined ? undefined : quotedRegex(url.regex),
              regex_no_match: url.regexNoMatch,
              regex_options: url.regexOptions?.join(" "),
              regex_stack:
                url.regexStack && `${url.regexStack.startBytes} ${url.regexStack.maxBytes}`,
            }),
          ),
        ),
      ];
    case "smtp":
      return statements({ helo_name: check.heloName });
    case "dns":
      return statements({ type: check.queryType, name: check.queryName });
    case "udp":
      return statements({
        payload: check.payload,
        require_reply: check.requireReply,
        min_reply_length: check.minReplyLength,
        max_reply_length: check.maxReplyLength,
      });
    case "misc":
      return statements({
        misc_path: call({ script: check.script, args: check.args }),
        misc_timeout: check.timeoutSeconds,
        misc_dynamic: check.dynamic,
        user: check.user,
      });
    case "file":
      return statements({
        track_file: check.trackFile,
        weight: weightText(check, definedWeight(tracking, "files", check.trackFile)),
      });
    case "bfd":
      return statements({ name: check.session });
    case "tcp":
    case "ping":
      return [];
  }
}

/** keepalived takes one level of backslashes away before PCRE2 sees the rest. */
function quotedRegex(pattern: string): string {
  return `"${pattern.replaceAll("\\", "\\\\")}"`;
}
