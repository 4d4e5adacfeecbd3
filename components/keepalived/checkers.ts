// Checkers of keepalived.conf(5): a row for each type of check, read by the rules, the renderers
// and the import.
import type { Check, CheckType } from "../schema";

/**
 * The defaults of queue_checker() in check_api.c; some checkers' own handlers change them
 * (http_get_handler() in check_http.c, for example).
 */
const usual: Timing = { retry: 1, delayBeforeRetrySeconds: 1 };

const web = {
  httpProtocol: { keyword: "http_protocol", form: "upperCase", own: "1.0" },
  virtualHost: { keyword: "virtualhost", form: "word" },
} as const;
const webEnd = {
  fastRecovery: { keyword: "fast_recovery", form: "flag" },
  urls: { keyword: "url", form: "urls", needed: true },
} as const;

/** Every type of check. */
export const checkers: { readonly [Type in CheckType]: Checker<Type> } = {
  tcp: {
    block: "TCP_CHECK",
    transport: "tcp",
    throughByDefault: true,
    timing: usual,
    options: {},
  },
  http: {
    block: "HTTP_GET",
    transport: "tcp",
    throughByDefault: true,
    timing: { ...usual, delayBeforeRetrySeconds: 3 },
    options: { ...web, ...webEnd },
  },
  https: {
    block: "SSL_GET",
    transport: "tcp",
    throughByDefault: true,
    timing: { ...usual, delayBeforeRetrySeconds: 3 },
    options: {
      ...web,
      sni: { keyword: "enable_sni", form: "flag", own: false },
      tlsCompliant: { keyword: "tls_compliant", form: "flag" },
      ...webEnd,
    },
  },
  smtp: {
    block: "SMTP_CHECK",
    transport: "tcp",
    throughByDefault: true,
    timing: usual,
    options: { heloName: { keyword: "helo_name", form: "word" } },
  },
  dns: {
    block: "DNS_CHECK",
    transport: "udp",
    throughByDefault: false,
    timing: { retry: 3, delayBeforeRetrySeconds: "interval" },
    options: {
      queryType: { keyword: "type", form: "upperCase" },
      queryName: { keyword: "name", form: "domain" },
    },
  },
  udp: {
    block: "UDP_CHECK",
    transport: "udp",
    throughByDefault: false,
    timing: usual,
    options: {
      payload: { keyword: "payload", form: "hexadecimal" },
      requireReply: { keyword: "require_reply", form: "flagOrHexadecimal" },
      minReplyLength: { keyword: "min_reply_length", form: "integer" },
      maxReplyLength: { keyword: "max_reply_length", form: "integer" },
    },
  },
  ping: {
    block: "PING_CHECK",
    transport: "icmp",
    throughByDefault: false,
    timing: usual,
    options: {},
  },
  misc: {
    block: "MISC_CHECK",
    transport: undefined,
    throughByDefault: false,
    timing: { ...usual, retry: 0 },
    options: {
      script: { keyword: "misc_path", form: "call", needed: true },
      args: { within: "script" },
      timeoutSeconds: { keyword: "misc_timeout", form: "integer" },
      dynamic: { keyword: "misc_dynamic", form: "presence" },
      user: { keyword: "user", form: "user" },
    },
  },
  file: {
    block: "FILE_CHECK",
    transport: undefined,
    throughByDefault: false,
    timing: undefined,
    options: {
      trackFile: { keyword: "track_file", form: "name", needed: true },
      weight: { keyword: "weight", form: "weight" },
      reverse: { within: "weight" },
    },
  },
  bfd: {
    block: "BFD_CHECK",
    transport: undefined,
    throughByDefault: false,
    timing: undefined,
    options: { session: { keyword: "name", form: "name", needed: true } },
  },
};

/** A check of one type. */
export type CheckOf<Type extends CheckType> = Extract<Check, { type: Type }>;

/** What a type of check means to keepalived and to this stack. */
export interface Checker<Type extends CheckType = CheckType> {
  /** The keyword of its block. */
  block: string;
  /**
   * How it reaches the real server. A tcp or udp check asks a port, and can ask through the virtual
   * address. Undefined if the check doesn't contact a real server itself.
   */
  transport: Transport<Type>;
  /** It asks through the virtual address by default, wherever that can work. */
  throughByDefault: "throughVirtualAddress" extends keyof CheckOf<Type> ? boolean : false;
  /** keepalived's default timing; undefined if the checker has none, because it reports at once. */
  timing: "retry" extends keyof CheckOf<Type> ? Timing : undefined;
  /** Keys that other types don't have, in the order of their lines. */
  options: Record<OwnKey<Type>, Option>;
}

/** keepalived's defaults when neither checker, real server nor virtual server sets them. */
export interface Timing {
  /** Retries after the first failure. */
  retry: number;
  /** Seconds; `interval` means the time between two checks. */
  delayBeforeRetrySeconds: number | "interval";
}

/** How a check's key is written and read. */
export type Option =
  | {
      keyword: string;
      form: Form;
      /** keepalived's default, if it differs from the stack's. */
      own?: string | boolean;
      /** Without this key keepalived ignores the checker. */
      needed?: true;
    }
  /** The key is on the line, or in the blocks, of another key. */
  | { within: string };

/**
 * The form after a keyword: one word (`name` is a tracked object's name, `domain` ignores a final
 * dot), a number, the keyword alone (`presence`, which can't be switched off), or several parts.
 * components/render/checks.ts writes it, ops/import/read/checks.ts reads it.
 */
export type Form = ValueForm | PartForm;

/** Forms with one value after the keyword. */
export type ValueForm =
  | ("word" | "name" | "upperCase" | "domain" | "integer" | "flag" | "presence")
  | ("hexadecimal" | "flagOrHexadecimal");

/** Forms with several parts. */
export type PartForm = "urls" | "call" | "user" | "weight";

type Transport<Type extends CheckType> = "port" extends keyof CheckOf<Type>
  ? "tcp" | "udp"
  : "connectTimeoutSeconds" extends keyof CheckOf<Type>
    ? "icmp"
    : undefined;

type OwnKey<Type extends CheckType> = Exclude<keyof CheckOf<Type>, SharedKey>;

/** Keys with the same meaning in every type that has them. */
type SharedKey = keyof CheckOf<"tcp">;

/** Checks that ask a port. */
export type PortCheck = {
  [Type in CheckType]: "port" extends keyof CheckOf<Type> ? CheckOf<Type> : never;
}[CheckType];

/** Types of check, in the order of the table. */
export const checkTypes = Object.keys(checkers) as CheckType[];

/** Whether checks of a type ask a port. If so, they can ask through the virtual address. */
export function typeAsksPort(type: CheckType): boolean {
  const { transport } = checkers[type];
  return transport === "tcp" || transport === "udp";
}

/** Whether a check asks a port. */
export function asksPort(check: Check): check is PortCheck {
  return typeAsksPort(check.type);
}
