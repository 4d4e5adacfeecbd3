// The meaning of a keepalived.conf, statement by statement, with keepalived's defaults: to compare
// two configs that should mean the same.
import { parse, type Parsed, type Statement } from "../../../ops/import/syntax/parse";
import type { ConfigFiles } from "../../../ops/import/syntax/files";

/**
 * Facts, one per line: `192.0.2.100:80 TCP -> 192.0.2.21:80 weight 2`. They don't depend on the
 * import's own interpretation.
 */
export function meaningOf(text: string, files?: ConfigFiles, configId?: string): string[] {
  const { statements }: Parsed = parse(text, { file: "keepalived.conf", files, configId });
  const facts = statements.flatMap((statement) => {
    const { keyword, args, block = [] } = statement;
    if (keyword === "virtual_server") return serviceFacts(statement, statements);
    if (keyword === "virtual_server_group") return [];
    const at = keyword === "global_defs" ? keyword : `${keyword} ${args.join(" ")}`;
    const given = keyword === "vrrp_instance" ? withDefaults(block, instanceDefaults) : block;
    return given.flatMap((inner) => flat(inner, at));
  });
  return [...new Set(facts)].sort();
}

/** The lines that only one of the two has: `-` for the first, `+` for the second. */
export function differenceOf(before: string[], after: string[]): string[] {
  return [
    ...before.filter((fact) => !after.includes(fact)).map((fact) => `- ${fact}`),
    ...after.filter((fact) => !before.includes(fact)).map((fact) => `+ ${fact}`),
  ];
}

const instanceDefaults = ["priority 100", "advert_int 1", "version 2"];
const serviceDefaults = ["lvs_sched wlc", "lvs_method NAT", "delay_loop 60", "protocol UDP"];

/** Keywords with two names (keepalived.conf(5)), and a check's old name for retry. */
const synonyms: Record<string, string> = {
  lb_algo: "lvs_sched",
  lb_kind: "lvs_method",
  nb_get_retry: "retry",
};

function serviceFacts({ args, block = [] }: Statement, all: Statement[]): string[] {
  const own = withDefaults(block, serviceDefaults);
  const protocol = own.find(({ keyword }) => keyword === "protocol")?.args[0] ?? "";
  return targets(args, all).flatMap((target) => {
    const at = target.startsWith("fwmark") ? target : `${target} ${protocol}`;
    return own.flatMap((inner) =>
      inner.keyword === "real_server" ? serverFacts(inner, own, at, target) : timed(inner, at),
    );
  });
}

function targets([first = "", second = ""]: string[], all: Statement[]): string[] {
  if (first === "fwmark") return [`fwmark ${second}`];
  if (first !== "group") return [`${first}:${second}`];
  const group = all.find(
    ({ keyword, args }) => keyword === "virtual_server_group" && args[0] === second,
  );
  return (group?.block ?? []).map(({ keyword, args: [port = ""] }) =>
    keyword === "fwmark" ? `fwmark ${port}` : `${keyword}:${port}`,
  );
}

function serverFacts(server: Statement, service: Statement[], outer: string, target: string) {
  const [address = "", port = "0"] = server.args;
  const shown = port === "0" ? (target.split(":").at(-1) ?? "") : port;
  const at = `${outer} -> ${address}:${target.startsWith("fwmark") ? port : shown}`;
  const own = withDefaults(server.block ?? [], ["weight 1"]);
  return own.flatMap((inner) =>
    inner.block && inner.keyword !== "authentication"
      ? checkFacts(inner, [own, service], `${at} ${inner.keyword}`, address)
      : timed(inner, at),
  );
}

const timings = [
  "retry",
  "delay_before_retry",
  "connect_timeout",
  "warmup",
  "alpha",
  "http_protocol",
];

/** A check's own lines, and its timing from whichever level sets it. */
function checkFacts(check: Statement, outer: Statement[][], at: string, server: string): string[] {
  const block = check.block ?? [];
  const [delayLoop = ""] = outer.flatMap((level) =>
    level.flatMap(({ keyword, args }) => (keyword === "delay_loop" ? args : [])),
  );
  const inherited = timings.flatMap((keyword) => {
    const said = [block, ...outer].flatMap((level) =>
      level.filter((statement) => (synonyms[statement.keyword] ?? statement.keyword) === keyword),
    );
    const [first] = said;
    if (keyword === "alpha" && first && !block.includes(first)) return [];
    return first
      ? [`${at} ${keyword} ${first.args.map(number).join(" ")}`.trimEnd()]
      : (checkDefaults(check.keyword, delayLoop)[keyword] ?? []).map(
          (value) => `${at} ${keyword} ${value}`,
        );
  });
  const rest = block.filter(
    ({ keyword, args }) =>
      !timings.includes(synonyms[keyword] ?? keyword) &&
      // The check asks the real server itself anyway.
      !(keyword === "connect_ip" && args[0] === server),
  );
  return [at, ...inherited, ...rest.flatMap((inner) => flat(inner, at))];
}

/** keepalived.conf(5): a checker's defaults. */
function checkDefaults(kind: string, delayLoop: string): Record<string, string[]> {
  const web = kind === "HTTP_GET" || kind === "SSL_GET";
  return {
    retry: [kind === "DNS_CHECK" ? "3" : kind === "MISC_CHECK" ? "0" : "1"],
    delay_before_retry: [kind === "DNS_CHECK" ? delayLoop : web ? "3" : "1"],
    ...(web ? { http_protocol: ["1"] } : {}),
    ...(kind === "MISC_CHECK" ? {} : { connect_timeout: ["5"] }),
  };
}

/** A service's timing for its checks is listed with the checks. */
function timed(statement: Statement, at: string): string[] {
  return timings.slice(0, 4).includes(synonyms[statement.keyword] ?? statement.keyword)
    ? []
    : flat(statement, at);
}

function flat({ keyword, args, block }: Statement, outer: string): string[] {
  // A flag without a value is on.
  const words = args.join() === "on" ? [] : args.map(number);
  const at = [outer, synonyms[keyword] ?? keyword, ...words].join(" ");
  return block ? block.flatMap((inner) => flat(inner, at)) : [at];
}

function number(word: string): string {
  return /^\d*\.?\d+$/.test(word) ? String(Number(word)) : word;
}

function withDefaults(block: Statement[], defaults: string[]): Statement[] {
  const said = block.map(({ keyword }) => synonyms[keyword] ?? keyword);
  const missing = defaults.flatMap((line) => {
    const [keyword = "", ...args] = line.split(" ");
    const place = { file: "", line: 0, above: [], text: line };
    return said.includes(keyword) ? [] : [{ ...place, keyword, args }];
  });
  return [...block, ...missing];
}
