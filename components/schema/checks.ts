// Health checks: how a real server proves itself, one shape a checker of keepalived.conf(5).
import { z } from "zod";
import { laterValues, valuesSince } from "./laterValues";
import { canGoOn, isRegex, looksBehind } from "./regex";
import { scriptCall } from "./scripts";
import {
  addressOrLoopback,
  blockName,
  flag,
  hostName,
  integer,
  interfaceName,
  listOf,
  matching,
  oneOf,
  port,
  seconds,
  word,
} from "./types";

/** When a checker asks, and how often it must be disappointed. */
const timing = {
  retry: integer(0, 1000, "a number of retries")
    .default(1)
    .describe("Failures in a row, after the first, that take the real server out"),
  delayBeforeRetrySeconds: seconds(0, 3600)
    .default(1)
    .describe("Seconds from a failure to the next try"),
  delayLoopSeconds: seconds(0.1, 3600)
    .optional()
    .describe("Seconds between checks; the virtual server's where it is left out"),
  warmupSeconds: seconds(0, 3600)
    .optional()
    .describe(
      "The first check comes at a random moment within these seconds; the virtual server's interval where it is left out",
    ),
  alpha: flag.optional().describe("The real server is out until this check has succeeded once"),
};

const connection = {
  ...timing,
  connectTimeoutSeconds: seconds(0.1, 3600)
    .default(3)
    .describe("Seconds that an answer may take (the cookbook's value)"),
  address: addressOrLoopback
    .optional()
    .describe("Address checked; the real server's where it is left out"),
  port: port.optional().describe("Port checked; the real server's where it is left out"),
  bindInterface: interfaceName
    .optional()
    .describe("Interface that the check leaves by; the route decides where it is left out"),
  logAllFailures: flag.optional().describe("Every failure is logged, not the last of a row only"),
};

const throughVirtualAddress = flag
  .optional()
  .describe(
    "The check asks for the virtual address at the real server, so that one that lacks it on its loopback is out. Where it is left out: true for `tcp`, `http`, `https` and `smtp` with DR and TUN where the directors share the address's network; false for `dns` and `udp`",
  );

const tcp = z.strictObject({
  type: z.literal("tcp").describe("The real server accepts a connection"),
  ...connection,
  throughVirtualAddress,
});

const statusCode = z.union(
  [
    integer(100, 599, "an HTTP status"),
    matching(/^[1-5]\d\d-[1-5]\d\d$/, "a range of HTTP statuses (200-299)").refine(
      (range) => range.slice(0, 3) <= range.slice(4),
      { error: "is not a range of HTTP statuses, the lower first (200-299)" },
    ),
  ],
  { error: "is neither an HTTP status (200) nor a range of them (200-299)" },
);

const regexOptions = [
  "caseless",
  "dotall",
  "dollar_endonly",
  "extended",
  "multiline",
  "ungreedy",
  "utf",
  "ucp",
] as const;

const stackBytes = integer(1, 67108864, "a number of bytes");

const url = z.strictObject({
  path: word(255, "a URL's path")
    .refine((value) => value.startsWith("/"), { error: "is not a URL's path: it begins with /" })
    .describe("Path asked for"),
  status: listOf(statusCode, "HTTP statuses")
    .min(1, { error: "is empty: name a status, or leave the key out for 200-299" })
    .max(64, { error: "has more than 64 statuses" })
    .optional()
    .describe("Statuses that are right; 200-299 where it is left out"),
  digest: matching(/^[0-9a-f]{32}$/, "an MD5 digest (32 hexadecimal digits, of genhash(1))")
    .optional()
    .describe("MD5 of the body, as genhash(1) prints it"),
  virtualHost: hostName.optional().describe("Host header; the check's where it is left out"),
  regex: matching(
    /^(?!@)[^"\p{C}]{1,200}$/u,
    'a regular expression without " (200 characters at most)',
  )
    .refine((pattern) => !looksBehind(pattern), {
      error:
        "looks behind, by (?<=, (?<!, \\A, \\b or \\B: keepalived before 2.4.0 writes past its buffer there",
      abort: true,
    })
    .refine((pattern) => isRegex(pattern) && !/\$\{?[A-Za-z_]/.test(pattern), {
      error:
        "is not a regular expression of what every PCRE2 takes (characters, . ^ $ |, classes, (…), (?:…), (?=…), (?!…), * + ? {2,5} and these with ?, \\d \\s \\w and their capitals, \\n \\r \\t \\x41, \\ before punctuation; regexOptions for what (?i) would say), or has a letter after $",
    })
    .refine((pattern) => !isRegex(pattern) || !canGoOn(pattern), {
      error:
        "could take in more at its end, and is not found by keepalived where the answer ends there; say what it must have at least (ok for ok+, done for done.*)",
    })
    .optional()
    .describe("Regular expression (PCRE2) that the answer must match: its body, or its header"),
  regexNoMatch: flag.optional().describe("The answer must not match `regex`"),
  regexOptions: listOf(oneOf(regexOptions), "PCRE2 options")
    .optional()
    .describe("How `regex` is read: pcre2api(3)"),
  regexStack: z
    .strictObject({
      startBytes: stackBytes.describe("Bytes that it begins with"),
      maxBytes: stackBytes.describe("Bytes that it may grow to"),
    })
    .optional()
    .describe(
      "Stack for `regex`, where it needs more than PCRE2's own 32 KiB; the largest of all checks is taken: pcre2jit(3)",
    ),
});

/** Keys of a URL that say how its `regex` is matched. */
export const regexKeys = ["regexNoMatch", "regexOptions", "regexStack"] as const;

const httpVersions = ["1.0", "1.0C", "1.1"] as const;

/** YAML reads 1.1 without quotes as a number, and 1.0 as 1. */
const httpProtocol = z
  .literal([...httpVersions, 1, 1.1], { error: `is not one of ${httpVersions.join(", ")}` })
  .transform((value) => (value === 1 ? "1.0" : value === 1.1 ? "1.1" : value));

const http = {
  ...connection,
  throughVirtualAddress,
  urls: listOf(url, "URLs")
    .min(1, { error: "is empty: keepalived asks for at least one URL" })
    .default([{ path: "/" }])
    .describe("What is asked for; all must be right"),
  virtualHost: hostName
    .optional()
    .describe("Host header; the address that is checked where it is left out"),
  httpProtocol: httpProtocol.default("1.1").describe("HTTP version"),
  fastRecovery: flag.optional().describe("All URLs are asked at once when the real server returns"),
};

const httpCheck = z.strictObject({
  type: z.literal("http").describe("An HTTP request is answered rightly"),
  ...http,
});

const httpsCheck = z.strictObject({
  type: z.literal("https").describe("The same over TLS; the certificate is not verified"),
  ...http,
  sni: flag.default(true).describe("`virtualHost` is named in the TLS handshake"),
  tlsCompliant: flag.optional().describe("Ends TLS by close_notify").meta({ since: "2.2.8" }),
});

const smtp = z.strictObject({
  type: z.literal("smtp").describe("A mail server greets and answers HELO"),
  ...connection,
  throughVirtualAddress,
  heloName: hostName.optional().describe("Name given in HELO"),
});

const dns = z.strictObject({
  type: z.literal("dns").describe("A DNS query over UDP is answered"),
  ...connection,
  throughVirtualAddress,
  queryType: oneOf(["A", "NS", "CNAME", "SOA", "MX", "TXT", "AAAA"])
    .default("SOA")
    .describe("Record asked for"),
  // keepalived takes a first label of one character for an empty one: dns_name_handler() in check_dns.c.
  queryName: matching(
    /^(\.|[A-Za-z0-9_-]{1,63}|[A-Za-z0-9_-]{2,63}(\.[A-Za-z0-9_-]{1,63}){1,8})$/,
    "a domain name whose first label has two characters or more, without a dot at its end",
  )
    .max(253, { error: "is longer than 253 characters" })
    .default(".")
    .describe("Name asked for"),
});

const hexBytes = (wild: boolean) =>
  matching(
    wild ? /^([0-9A-FXa-fx]{2}){1,255}$/ : /^([0-9A-Fa-f]{2}){1,255}$/,
    `bytes as hexadecimal digits, two each${wild ? "; X stands for any" : ""}`,
  );

const udp = z.strictObject({
  type: z
    .literal("udp")
    .describe("No ICMP error comes back for a datagram, or the right reply if one is required"),
  ...connection,
  throughVirtualAddress,
  payload: hexBytes(false)
    .optional()
    .describe("Datagram sent; random where it is left out")
    .meta({ since: "2.2.0", ...valuesSince(laterValues.bytesEndingInFf) }),
  requireReply: z
    // 3e728324: before, a reply of any bytes would do.
    .union([flag, hexBytes(true).meta({ since: "2.2.0" })], {
      error: "is neither true, false nor hexadecimal digits",
    })
    .default(false)
    .describe("A reply must come, and begin with these bytes where they are given")
    .meta(valuesSince(laterValues.bytesEndingInFf)),
  minReplyLength: integer(0, 65535, "a number of bytes")
    .optional()
    .describe("Bytes, at least")
    .meta({ since: "2.2.0" }),
  maxReplyLength: integer(0, 65535, "a number of bytes")
    .optional()
    .describe("Bytes, at most")
    .meta({ since: "2.2.0" }),
});

const ping = z.strictObject({
  type: z.literal("ping").describe("An ICMP echo request is answered"),
  ...timing,
  connectTimeoutSeconds: connection.connectTimeoutSeconds,
  address: connection.address,
  bindInterface: connection.bindInterface,
  logAllFailures: connection.logAllFailures,
});

const misc = z.strictObject({
  type: z.literal("misc").describe("A script of `scripts` ends with 0"),
  ...timing,
  ...scriptCall.shape,
  timeoutSeconds: integer(1, 3600, "a number of seconds")
    .optional()
    .describe("Seconds that the script may take; the interval where it is left out"),
  // Before, 0 became 1, and a second such check of a real server was in the way (3f0ce185).
  dynamic: flag
    .optional()
    .describe("Exit codes 2–255 set the weight to the code less 2")
    .meta({ since: "2.2.0" }),
});

// Before 2.2.0, one that a reload brought was not looked at (fa143f0e).
const file = z
  .strictObject({
    type: z.literal("file").describe("A number in a file of `tracking.files` adds to the weight"),
    trackFile: blockName.describe("Name in `tracking.files`").meta({ since: "2.2.0" }),
    weight: integer(-2147483647, 2147483647, "a weight")
      .refine((value) => value !== 0, { error: "is not a weight other than 0" })
      .optional()
      .describe("Multiplies the number; the tracked file's where it is left out"),
    reverse: flag.optional().describe("The number's sign is turned"),
  })
  .meta({ since: "2.2.0" });

const bfd = z.strictObject({
  type: z.literal("bfd").describe("A BFD session of `tracking.bfd` is up"),
  session: blockName.describe("Name in `tracking.bfd`"),
});

const types = [tcp, httpCheck, httpsCheck, smtp, dns, udp, ping, misc, file, bfd] as const;

/** A health check. */
export const check = z.discriminatedUnion("type", types, {
  error: `is not one of ${types.map(({ shape }) => shape.type.value).join(", ")}`,
});

export type Check = z.output<typeof check>;
export type CheckType = Check["type"];

/** Each type's keys. */
export const checkShapes = Object.fromEntries(
  types.map(({ shape }) => [shape.type.value, shape]),
) as { [Type in CheckType]: ShapeOf<Type> };

type ShapeOf<Type extends CheckType> = Extract<
  (typeof types)[number]["shape"],
  { type: z.ZodLiteral<Type> }
>;
