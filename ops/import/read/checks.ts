// Checkers of a real server: TCP_CHECK, HTTP_GET and their like.
import { familyOf, type CheckType } from "../../../components/schema";
import { hasAnchors } from "../../../components/schema/regex";
import {
  blockNameOf,
  cannot,
  each,
  flag,
  integer,
  integerOf,
  keysOf,
  readBlock,
  seconds,
  word,
  type Keywords,
  type Read,
} from "./keywords";
import type { Statement } from "../syntax/parse";
import { defined } from "../plain";
import { Unfit, type Scribe } from "../report";
import { fillIn, readUser, type Scripts } from "./scripts";
import { regexKeys } from "../../../components/rules/checks";
import { checkShapes, urlShape, type CheckDraft, type Url } from "../shapes";
import { quotedWords } from "../syntax/words";

/** A checker as it is written; what it leaves out is not filled in yet. */
export interface CheckReading {
  type: CheckType;
  statement: Statement;
  draft: CheckDraft;
  /** What makes it ask for the virtual address at the real server; see the stack's `throughVirtualAddress`. */
  bindTo?: Statement;
  fwmark?: Statement;
  /** The virtual address that it asks for, where it asks through it. */
  asked?: string;
}

/** When a checker asks, as a virtual server or a real server says it for all of theirs. */
export interface Timing {
  retry?: number;
  delayBeforeRetrySeconds?: number;
  delayLoopSeconds?: number;
  warmupSeconds?: number;
  connectTimeoutSeconds?: number;
  alpha?: boolean;
}

/** Reads a checker's block. */
export function readCheck(statement: Statement, scripts: Scripts, scribe: Scribe): CheckReading {
  const kind = checkKinds.get(statement.keyword);
  if (!kind) throw new Unfit("is no checker");
  scribe.kept(statement, "type");
  const reading: CheckReading = { type: kind.type, statement, draft: {} };
  readBlock(statement, kind.keywords(scripts), reading, scribe);
  const missing = needed[kind.type];
  if (missing && reading.draft[missing.key] === undefined) {
    throw new Unfit(`has no ${missing.keyword}, so keepalived leaves it out`);
  }
  return reading;
}

/** Whether a checker asks a port of the real server. */
export function asksPort(type: CheckType | undefined): boolean {
  return type !== undefined && "port" in checkShapes[type];
}

/** What a checker is nothing without. */
const needed: Partial<Record<CheckType, { key: keyof CheckDraft; keyword: string }>> = {
  http: { key: "urls", keyword: "url" },
  https: { key: "urls", keyword: "url" },
  misc: { key: "script", keyword: "misc_path" },
  file: { key: "trackFile", keyword: "track_file" },
  bfd: { key: "session", keyword: "name" },
};

/** What keepalived does where neither checker, real server nor virtual server says it. */
export function withDefaults(
  { type, draft }: CheckReading,
  server: Timing,
  service: Timing & { delayLoopSeconds: number },
): CheckDraft {
  const check: CheckDraft = { type, ...draft };
  if (type === "file" || type === "bfd") return check;
  const given = { ...service, ...defined(server) };
  check.retry ??= given.retry ?? defaultRetry[type] ?? 1;
  check.delayBeforeRetrySeconds ??=
    given.delayBeforeRetrySeconds ??
    (type === "dns" ? given.delayLoopSeconds : (defaultDelayBeforeRetry[type] ?? 1));
  check.delayLoopSeconds ??= server.delayLoopSeconds;
  check.warmupSeconds ??= given.warmupSeconds;
  check.alpha ??= server.alpha;
  if (type !== "misc") check.connectTimeoutSeconds ??= given.connectTimeoutSeconds ?? 5;
  if (type === "http" || type === "https") check.httpProtocol ??= "1.0";
  if (type === "https") check.sni ??= false;
  return defined(check);
}

// keepalived's own: http_get_handler, dns_check_handler, misc_check_handler of keepalived/check.
const defaultRetry: Partial<Record<CheckType, number>> = { dns: 3, misc: 0 };
const defaultDelayBeforeRetry: Partial<Record<CheckType, number>> = { http: 3, https: 3 };

interface Kind {
  type: CheckType;
  keywords: (scripts: Scripts) => Keywords<CheckReading>;
}

/** Readers of a check's keys. */
function key<Type extends keyof typeof checkShapes>(type: Type) {
  const keys = keysOf(checkShapes[type]) as unknown as (
    key: keyof CheckDraft,
    value: (statement: Statement) => unknown,
    words?: number,
  ) => Read<CheckDraft>;
  return (
    name: keyof (typeof checkShapes)[Type] & keyof CheckDraft,
    // Whether it fits is asked of the key's own type.
    value: (statement: Statement) => unknown,
    words?: number,
  ): Read<CheckReading> => {
    const read = keys(name, value, words);
    return (reading, statement, scribe) => {
      read(reading.draft, statement, scribe);
    };
  };
}

const tcp = key("tcp");
const http = key("http");
const https = key("https");
const udp = key("udp");

const timing: Keywords<CheckReading> = {
  retry: tcp("retry", integer),
  delay_before_retry: tcp("delayBeforeRetrySeconds", seconds),
  delay_loop: tcp("delayLoopSeconds", seconds),
  warmup: tcp("warmupSeconds", seconds),
  alpha: tcp("alpha", flag),
};

const logAllFailures: Keywords<CheckReading> = {
  log_all_failures: tcp("logAllFailures", flag),
};

const connection: Keywords<CheckReading> = {
  ...timing,
  ...logAllFailures,
  connect_ip: tcp("address", word),
  connect_port: tcp("port", integer),
  connect_timeout: tcp("connectTimeoutSeconds", seconds),
  bind_if: tcp("bindInterface", word),
  bindto(reading, statement) {
    if (familyOf(word(statement)) === undefined)
      throw new Unfit(`${word(statement)} is no address`);
    reading.bindTo = statement;
  },
  fwmark(reading, statement) {
    integer(statement);
    reading.fwmark = statement;
  },
  bind_port: cannot(
    "has no effect without bindto; with it, the kernel refuses the port for a minute after each check, which then fails",
  ),
  nb_get_retry: cannot(
    "keepalived knows it in HTTP_GET and SSL_GET only, so it has no effect; retry is meant",
  ),
};

const url = keysOf(urlShape, { path: fillIn });

/** A list to which each line adds. */
function more<Key extends "status" | "regexOptions">(
  name: Key,
  value: (statement: Statement) => NonNullable<Url[Key]>,
): Read<Url> {
  return (draft, statement, scribe) => {
    const known: unknown[] = draft[name] ?? [];
    const read: Read<Url> = url(
      name,
      (line) => [...new Set([...known, ...value(line)])] as never,
      64,
    ) as never;
    read(draft, statement, scribe);
  };
}

const urlKeywords: Keywords<Url> = {
  path: url("path", word),
  digest: url("digest", (statement) => word(statement).toLowerCase()),
  virtualhost: url("virtualHost", word),
  status_code: more("status", ({ args }) =>
    args.map((code) => (/^\d+$/.test(code) ? Number(code) : code)),
  ),
  regex: url(
    "regex",
    ({ text }) => {
      const [, pattern, more] = quotedWords(text) ?? [];
      if (pattern === undefined || more !== undefined)
        throw new Unfit("is not one regular expression");
      return pattern;
    },
    64,
  ),
  regex_no_match: url("regexNoMatch", () => true, 0),
  regex_options: more("regexOptions", ({ args }) => args as NonNullable<Url["regexOptions"]>),
  ...each(
    "regex_min_offset regex_max_offset",
    cannot<Url>("keepalived counts from the body or from the header, by how the answer comes in"),
  ),
  regex_stack: url(
    "regexStack",
    ({ args: [start = "", max = ""] }) => ({
      startBytes: integerOf(start),
      maxBytes: integerOf(max),
    }),
    2,
  ),
  tls_compliant: cannot("the stack has it for the whole check"),
};

const web: Keywords<CheckReading> = {
  ...connection,
  nb_get_retry(reading, statement, scribe) {
    reading.draft.retry = integer(statement);
    scribe.changed(statement, `retry ${reading.draft.retry}`, "keepalived has given it this name");
  },
  virtualhost: http("virtualHost", word),
  http_protocol: http("httpProtocol", (statement) => word(statement).toUpperCase()),
  fast_recovery: http("fastRecovery", flag),
  url(reading, statement, scribe) {
    scribe.kept(statement, "urls");
    const read: Url = readBlock(statement, urlKeywords, {}, scribe.in("urls"));
    if (read.path === undefined) {
      const path = statement.block?.find(({ keyword }) => keyword === "path");
      if (!path) throw new Unfit("has no path, so keepalived leaves it out");
      // Without it the stack would ask for another one.
      read.path = fillIn;
      scribe.fillIn("urls[].path", `a path that the stack can express, for ${path.text}`);
    }
    const idle = read.regex === undefined ? regexKeys.filter((key) => key in read) : [];
    if (idle.length > 0) {
      scribe.changed(
        statement,
        "url without its regex options",
        "there is no regex that they could be for",
      );
      for (const key of idle) Reflect.deleteProperty(read, key);
    }
    if (read.regex !== undefined && hasAnchors(read.regex)) {
      const options = read.regexOptions ?? [];
      if (!options.includes("multiline")) {
        read.regexOptions = [...options, "multiline"];
        scribe.changed(
          statement,
          "regexOptions with multiline",
          "without it, keepalived finds ^ only before the header, and $ never",
        );
      }
    }
    reading.draft.urls = [...(reading.draft.urls ?? []), { ...read, path: read.path }];
  },
};

const kinds: Record<string, Kind> = {
  TCP_CHECK: { type: "tcp", keywords: () => connection },
  HTTP_GET: {
    type: "http",
    keywords: () => ({ ...web, ...each("enable_sni tls_compliant", cannot("is for SSL_GET")) }),
  },
  SSL_GET: {
    type: "https",
    keywords: () => ({
      ...web,
      enable_sni: https("sni", flag),
      tls_compliant: https("tlsCompliant", flag),
    }),
  },
  SMTP_CHECK: {
    type: "smtp",
    keywords: () => ({
      ...connection,
      helo_name: key("smtp")("heloName", word),
      host(reading, statement, scribe) {
        if (reading.draft.address !== undefined || reading.draft.port !== undefined) {
          throw new Unfit("is a second host of one check: give it a check of its own");
        }
        readBlock(statement, connection, reading, scribe);
        const why = "keepalived has done away with this block";
        scribe.changed(statement, "SMTP_CHECK's own connect_ip and connect_port", why);
      },
    }),
  },
  DNS_CHECK: {
    type: "dns",
    keywords: () => ({
      ...connection,
      type: key("dns")("queryType", (statement) => word(statement).toUpperCase()),
      // keepalived asks for the name as it stands, whose last dot says nothing.
      name: key("dns")("queryName", (statement) => word(statement).replace(/(?<=.)\.$/, "")),
    }),
  },
  UDP_CHECK: {
    type: "udp",
    keywords: () => ({
      ...connection,
      payload: udp("payload", hex, 64),
      require_reply: udp(
        "requireReply",
        (statement) => statement.args.length === 0 || hex(statement),
        64,
      ),
      min_reply_length: udp("minReplyLength", integer),
      max_reply_length: udp("maxReplyLength", integer),
    }),
  },
  PING_CHECK: {
    type: "ping",
    keywords: () => ({ ...connection, connect_port: cannot("a ping has no port") }),
  },
  MISC_CHECK: {
    type: "misc",
    keywords: (scripts) => ({
      ...timing,
      log_all_failures: cannot(),
      misc_path({ draft }, statement, scribe) {
        Object.assign(draft, scripts.call(statement, scribe, "nothing"));
        scribe.kept(statement, "script");
      },
      misc_timeout: key("misc")("timeoutSeconds", integer),
      misc_dynamic: key("misc")("dynamic", () => true, 0),
      user({ draft }, statement, scribe) {
        readUser(draft, statement, scribe);
      },
    }),
  },
  FILE_CHECK: {
    type: "file",
    keywords: () => ({
      track_file: key("file")("trackFile", (statement) => blockNameOf(word(statement))),
      weight({ draft }, statement, scribe) {
        const [text = "", sense] = statement.args;
        draft.weight = integerOf(text);
        if (sense === "reverse") draft.reverse = true;
        scribe.kept(statement, "weight");
      },
    }),
  },
  BFD_CHECK: {
    type: "bfd",
    keywords: () => ({
      name: key("bfd")("session", (statement) => blockNameOf(word(statement))),
      alpha: cannot(),
    }),
  },
};

const checkKinds = new Map(Object.entries(kinds));

/** Keywords that begin a checker. */
export const checkKeywords = Object.keys(kinds);

/** Hexadecimal digits, with or without space between the bytes. */
function hex({ args }: Statement): string {
  return args.join("").replace(/\s+/g, "");
}
