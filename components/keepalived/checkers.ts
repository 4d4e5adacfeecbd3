// Checkers of keepalived.conf(5): a row a type of check, from which rules, texts and the import take what they need to know of it.
import type { Check, CheckType } from "../schema";

/** queue_checker() in check_api.c; some checkers' handlers (http_get_handler() in check_http.c and its like) set another one. */
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

/** What a type of check is, to keepalived and to this stack. */
export interface Checker<Type extends CheckType = CheckType> {
  /** The keyword that begins its block. */
  block: string;
  /**
   * What its question goes by. By tcp and udp it asks a port, and can ask through the virtual address; undefined where it asks no real
   * server itself.
   */
  transport: Transport<Type>;
  /** It asks through the virtual address unless the config says otherwise, wherever that can work. */
  throughByDefault: "throughVirtualAddress" extends keyof CheckOf<Type> ? boolean : false;
  /** keepalived's own; undefined where the checker has no timing: it tells at once. */
  timing: "retry" extends keyof CheckOf<Type> ? Timing : undefined;
  /** Keys that other types don't have, in the order of their lines. */
  options: Record<OwnKey<Type>, Option>;
}

/** What keepalived does where neither checker, real server nor virtual server says it. */
export interface Timing {
  /** Failures after the first. */
  retry: number;
  /** `interval`: as long as from one check to the next. */
  delayBeforeRetrySeconds: number | "interval";
}

/** How a key of a check is written, and read again. */
export type Option =
  | {
      keyword: string;
      form: Form;
      /** keepalived's own value, where the stack's default is another. */
      own?: string | boolean;
      /** Without it keepalived leaves the checker out. */
      needed?: true;
    }
  /** The key is on the line, or in the blocks, of another key. */
  | { within: string };

/**
 * What stands behind a keyword: one word (`name` is that of something tracked, `domain` one whose
 * last dot means nothing), a number, the keyword
 * alone (`presence`: there is no off), or something of more parts: components/render/checks.ts writes it, ops/import/read/checks.ts reads
 * it.
 */
export type Form = ValueForm | PartForm;

/** Forms of one value behind a keyword. */
export type ValueForm =
  | ("word" | "name" | "upperCase" | "domain" | "integer" | "flag" | "presence")
  | ("hexadecimal" | "flagOrHexadecimal");

/** Forms of more than that. */
export type PartForm = "urls" | "call" | "user" | "weight";

type Transport<Type extends CheckType> = "port" extends keyof CheckOf<Type>
  ? "tcp" | "udp"
  : "connectTimeoutSeconds" extends keyof CheckOf<Type>
    ? "icmp"
    : undefined;

type OwnKey<Type extends CheckType> = Exclude<keyof CheckOf<Type>, SharedKey>;

/** Keys that mean the same in every type that has them. */
type SharedKey = keyof CheckOf<"tcp">;

/** Checks that ask a port. */
export type PortCheck = {
  [Type in CheckType]: "port" extends keyof CheckOf<Type> ? CheckOf<Type> : never;
}[CheckType];

/** Types of check, in the order of the table. */
export const checkTypes = Object.keys(checkers) as CheckType[];

/** Whether checks of a type ask a port: all of them can ask through the virtual address. */
export function typeAsksPort(type: CheckType): boolean {
  const { transport } = checkers[type];
  return transport === "tcp" || transport === "udp";
}

/** The same of a check. */
export function asksPort(check: Check): check is PortCheck {
  return typeAsksPort(check.type);
}
