// Reads a real server's checkers: TCP_CHECK, HTTP_GET and so on.
import {
  checkers,
  checkTypes,
  type Option,
  type PartForm,
  type ValueForm,
} from "../../../components/keepalived/checkers";
import { familyOf, type CheckType } from "../../../components/schema";
import { regexKeys } from "../../../components/schema/checks";
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
import { checkShapes, urlShape, type CheckDraft, type Url } from "../shapes";
import { quotedWords } from "../syntax/words";

/** A checker as written, without defaults. */
export interface CheckReading {
  type: CheckType;
  statement: Statement;
  draft: CheckDraft;
  /** The address that the check is bound to; see the stack's `throughVirtualAddress`. */
  bindTo?: Statement;
  fwmark?: Statement;
  /** The virtual address that the check asks, when it goes through that address. */
  asked?: string;
}

/** A virtual server's or real server's timing for all of its checkers. */
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
  const type = typesByBlock.get(statement.keyword);
  if (!type) throw new Unfit("is no checker");
  scribe.kept(statement, "type");
  const reading: CheckReading = { type, statement, draft: {} };
  readBlock(statement, keywordsOf(type, scripts), reading, scribe);
  const options: Record<string, Option> = checkers[type].options;
  const given: Record<string, unknown> = reading.draft;
  for (const [key, option] of Object.entries(options)) {
    if ("needed" in option && given[key] === undefined) {
      throw new Unfit(`has no ${option.keyword}, so keepalived leaves it out`);
    }
  }
  return reading;
}

/**
 * The checker with the defaults that keepalived takes from the real server, the virtual server, or
 * itself.
 */
export function withDefaults(
  { type, draft }: CheckReading,
  server: Timing,
  service: Timing & { delayLoopSeconds: number },
): CheckDraft {
  const check: CheckDraft = { type, ...draft };
  const { transport, timing: own, options } = checkers[type];
  if (!own) return check;
  const given = { ...service, ...defined(server) };
  check.retry ??= given.retry ?? own.retry;
  check.delayBeforeRetrySeconds ??=
    given.delayBeforeRetrySeconds ??
    (own.delayBeforeRetrySeconds === "interval"
      ? given.delayLoopSeconds
      : own.delayBeforeRetrySeconds);
  check.delayLoopSeconds ??= server.delayLoopSeconds;
  check.warmupSeconds ??= given.warmupSeconds;
  check.alpha ??= server.alpha;
  if (transport) check.connectTimeoutSeconds ??= given.connectTimeoutSeconds ?? 5;
  const said = defined(check);
  return { ...said, ...ownValues(options), ...said };
}

/** keepalived's defaults of a checker's options, where the stack's differ. */
function ownValues(options: Record<string, Option>): CheckDraft {
  return defined(
    Object.fromEntries(
      Object.entries(options).map(([key, option]) => [
        key,
        "own" in option ? option.own : undefined,
      ]),
    ),
  );
}

/** Readers for the keys of a type of check. */
function key(type: CheckType) {
  const keys = keysOf(checkShapes[type]) as unknown as (
    key: string,
    value: (statement: Statement) => unknown,
    words?: number,
  ) => Read<CheckDraft>;
  return (
    name: string,
    // The key's own type checks the value.
    value: (statement: Statement) => unknown,
    words?: number,
  ): Read<CheckReading> => {
    const read = keys(name, value, words);
    return (reading, statement, scribe) => {
      read(reading.draft, statement, scribe);
    };
  };
}

// Keys that every type reads in the same way as `tcp`.
const tcp = key("tcp");

const timing: Keywords<CheckReading> = {
  retry: tcp("retry", integer),
  delay_before_retry: tcp("delayBeforeRetrySeconds", seconds),
  delay_loop: tcp("delayLoopSeconds", seconds),
  warmup: tcp("warmupSeconds", seconds),
  alpha: tcp("alpha", flag),
};

const connection: Keywords<CheckReading> = {
  ...timing,
  log_all_failures: tcp("logAllFailures", flag),
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

/** A list that grows with each line. */
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

/** Every keyword of a checker's block. */
function keywordsOf(type: CheckType, scripts: Scripts): Keywords<CheckReading> {
  const { transport, timing: own } = checkers[type];
  const options: Record<string, Option> = checkers[type].options;
  return {
    ...(transport ? connection : own ? timing : {}),
    ...Object.fromEntries(
      Object.entries(options).flatMap(([name, option]) =>
        "within" in option ? [] : [[option.keyword, readerOf(type, name, option.form, scripts)]],
      ),
    ),
    ...notOfStack[type],
  };
}

function readerOf(
  type: CheckType,
  name: string,
  form: ValueForm | PartForm,
  scripts: Scripts,
): Read<CheckReading> {
  if (form in parts) return parts[form as PartForm](scripts);
  const { value, words } = values[form as ValueForm];
  return key(type)(name, value, words);
}

/**
 * By form: how to read a value, and how many words of the statement have a meaning (1 by default).
 */
const values: Record<ValueForm, { value: (statement: Statement) => unknown; words?: number }> = {
  word: { value: word },
  name: { value: (statement) => blockNameOf(word(statement)) },
  upperCase: { value: (statement) => word(statement).toUpperCase() },
  // keepalived asks for the name as written; a final dot makes no difference.
  domain: { value: (statement) => word(statement).replace(/(?<=.)\.$/, "") },
  integer: { value: integer },
  flag: { value: flag },
  presence: { value: () => true, words: 0 },
  hexadecimal: { value: hex, words: 64 },
  flagOrHexadecimal: {
    value: (statement) => statement.args.length === 0 || hex(statement),
    words: 64,
  },
};

const parts: Record<PartForm, (scripts: Scripts) => Read<CheckReading>> = {
  urls: () => readUrl,
  call:
    (scripts) =>
    ({ draft }, statement, scribe) => {
      Object.assign(draft, scripts.call(statement, scribe, "nothing"));
      scribe.kept(statement, "script");
    },
  user:
    () =>
    ({ draft }, statement, scribe) => {
      readUser(draft, statement, scribe);
    },
  weight:
    () =>
    ({ draft }, statement, scribe) => {
      const [text = "", sense] = statement.args;
      draft.weight = integerOf(text);
      if (sense === "reverse") draft.reverse = true;
      scribe.kept(statement, "weight");
    },
};

function readUrl(reading: CheckReading, statement: Statement, scribe: Scribe): void {
  scribe.kept(statement, "urls");
  const read: Url = readBlock(statement, urlKeywords, {}, scribe.in("urls"));
  if (read.path === undefined) {
    const path = statement.block?.find(({ keyword }) => keyword === "path");
    if (!path) throw new Unfit("has no path, so keepalived leaves it out");
    // Without a path, the stack would ask for its own default.
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
}

const retryOfWeb: Keywords<CheckReading> = {
  nb_get_retry(reading, statement, scribe) {
    reading.draft.retry = integer(statement);
    scribe.changed(statement, `retry ${reading.draft.retry}`, "keepalived has given it this name");
  },
};

/** Keywords of a checker that the stack has no key for, or a different one. */
const notOfStack: Partial<Record<CheckType, Keywords<CheckReading>>> = {
  http: { ...retryOfWeb, ...each("enable_sni tls_compliant", cannot("is for SSL_GET")) },
  https: retryOfWeb,
  smtp: {
    host(reading, statement, scribe) {
      if (reading.draft.address !== undefined || reading.draft.port !== undefined) {
        throw new Unfit("is a second host of one check: give it a check of its own");
      }
      readBlock(statement, connection, reading, scribe);
      const why = "keepalived has done away with this block";
      scribe.changed(statement, "SMTP_CHECK's own connect_ip and connect_port", why);
    },
  },
  ping: { connect_port: cannot("a ping has no port") },
  misc: { log_all_failures: cannot() },
  bfd: { alpha: cannot() },
};

const typesByBlock = new Map(checkTypes.map((type) => [checkers[type].block, type]));

/** Keywords that begin a checker. */
export const checkKeywords = [...typesByBlock.keys()];

/** Hexadecimal digits, with or without space between bytes. */
function hex({ args }: Statement): string {
  return args.join("").replace(/\s+/g, "");
}
