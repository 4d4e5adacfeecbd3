// Reads virtual_server and virtual_server_group.
import { Address4, Address6 } from "ip-address";
import {
  canonical,
  checkedFamily,
  familyOf,
  withoutPrefix,
  type Family,
} from "../../../components/schema";
import {
  memberKeywords as memberTable,
  sorryServerKeywords,
  virtualServerKeywords,
} from "../../../components/keepalived/keywords/virtualServers";
import { typeAsksPort } from "../../../components/keepalived/checkers";
import { checkKeywords, readCheck, type CheckReading, type Timing } from "./checks";
import { mails, smtpAlert, type Globals } from "./globals";
import {
  cannot,
  passedOn,
  each,
  flag,
  integer,
  integerOf,
  keysOf,
  readBlock,
  readersOf,
  seconds,
  within,
  word,
  type Keywords,
  type Read,
} from "./keywords";
import { commentedName, nameOfPort, type Names, type RealServers } from "../names";
import { UsageError } from "../../exit";
import type { Statement } from "../syntax/parse";
import { Unfit, type Scribe } from "../report";
import { fillIn, hooksOf, type Scripts } from "./scripts";
import {
  memberShape,
  sorryServerShape,
  virtualServerShape,
  type Member,
  type SorryServer,
  type VirtualServer,
} from "../shapes";

/** A virtual server's protocol. */
export type Protocol = "TCP" | "UDP" | "SCTP";

/** The address and port, or the mark, that a virtual server serves. */
export type Target =
  | { address: string; port: number; family: Family; fwmark?: undefined }
  | { fwmark: number; family?: Family; address?: undefined };

/** A virtual server as written, with keepalived's defaults. */
export interface ServiceReading {
  name: string;
  statement: Statement;
  target: Target;
  options: VirtualServer;
  timing: Timing & { delayLoopSeconds: number };
  members: MemberReading[];
  sorry?: SorryServer;
}

/** A real server of a virtual server, as written. */
export interface MemberReading {
  statement: Statement;
  /** The port as written, which checks ask; 0 if there is none. */
  writtenPort: number;
  /** The real server's name in the stack. */
  name: string;
  address: string;
  /** 0 means the virtual server's port. */
  port: number;
  options: Member;
  weight: number;
  timing: Timing;
  checks: CheckReading[];
}

/** What reading virtual servers needs. */
export interface ServiceContext {
  globals: Globals;
  scripts: Scripts;
  names: Names;
  realServers: RealServers;
  scribe: Scribe;
}

/** More than a pair has; the limit keeps the comparison of all with all short. */
const maxServices = 2500;

/**
 * Reads every virtual server. A group becomes one virtual server per entry.
 * @throws UsageError when there are too many
 */
export function readServices(statements: Statement[], context: ServiceContext): ServiceReading[] {
  const { scribe } = context;
  const groups = new Map<string, { statement: Statement; targets: Target[] }>();
  const marks = new Map<number, Statement>();
  for (const statement of statements) {
    if (statement.keyword !== "virtual_server_group") continue;
    const name = statement.args[0] ?? "";
    groups.set(name, { statement, targets: groupTargets(statement, scribe) });
  }
  let count = 0;
  return statements
    .filter(({ keyword }) => keyword === "virtual_server")
    .flatMap((statement) => {
      try {
        const read = readService(statement, groups, context).filter(({ target, name }) => {
          if (target.fwmark === undefined) return true;
          const other = marks.get(target.fwmark);
          if (!other) {
            marks.set(target.fwmark, statement);
            return true;
          }
          scribe.inexpressible(
            statement,
            `fwmark ${target.fwmark} is on line ${other.line} already: in the stack a mark is of one virtual server, of IPv4 or IPv6; give ${name} a mark of its own`,
          );
          return false;
        });
        count += read.length;
        if (count > maxServices) {
          throw new UsageError(
            `${statement.file}:${statement.line}: import takes ${maxServices} virtual servers at most; a group is one for each of its addresses`,
          );
        }
        return read;
      } catch (error) {
        if (!(error instanceof Unfit)) throw error;
        scribe.inexpressible(statement, error.message);
        return [];
      }
    });
}

function readService(
  statement: Statement,
  groups: Map<string, { statement: Statement; targets: Target[] }>,
  context: ServiceContext,
): ServiceReading[] {
  const targets = targetsOf(statement, groups);
  const [first] = targets;
  if (!first) throw new Unfit("its group has no entry that could be taken over");
  const protocol = protocolOf(statement);
  const name = context.names.take(
    commentedName(statement),
    first.fwmark === undefined ? nameOfPort(first.port, protocol) : `fwmark-${first.fwmark}`,
  );
  const scribe = context.scribe.in(`virtualServers[${name}]`);
  if (targets.length === 1)
    scribe.kept(statement, first.fwmark === undefined ? "address" : "fwmark");
  else {
    scribe.changed(
      statement,
      `${targets.length} virtual servers: ${targets.map(written).join(", ")}`,
      "the stack has no groups: each entry is a virtual server of its own, and its real servers are checked for each",
    );
  }
  const service: ServiceReading = {
    name,
    statement,
    target: first,
    options: { protocol },
    timing: { delayLoopSeconds: 60 },
    members: [],
  };
  readBlock(statement, serviceKeywords(service, { ...context, scribe }), service, scribe);
  if (service.members.length === 0)
    throw new Unfit("has no real server, so keepalived leaves it out");
  finish(service, context.globals, scribe);
  return targets.map((target, i) => ({
    ...service,
    target,
    name: i === 0 ? name : context.names.take(`${name}-${i + 1}`),
  }));
}

const keepalivedsOwn = { delayLoopSeconds: 60, scheduler: "wlc" };
const service = keysOf(virtualServerShape, keepalivedsOwn);
const member = keysOf(memberShape, { weight: 1 });
const sorry = keysOf(sorryServerShape);

/** keepalived takes UDP for a missing protocol, and logs an error. */
function protocolOf({ block, args }: Statement): Protocol {
  const said = block?.findLast(({ keyword }) => keyword === "protocol")?.args[0]?.toUpperCase();
  if (said === "TCP" || said === "UDP" || said === "SCTP") return said;
  return args[0] === "fwmark" ? "TCP" : "UDP";
}

type Defaults = ServiceReading & { weight?: number; flags?: Set<1 | 2> };

function serviceKeywords(reading: ServiceReading, context: ServiceContext): Keywords<Defaults> {
  const { scripts } = context;
  return {
    ...each("flag-3 hashed", cannot<Defaults>()),
    ...within<Defaults, VirtualServer>(({ options }) => options, {
      snmp_name: passedOn(),
      ...readersOf(virtualServerShape, virtualServerKeywords, keepalivedsOwn),
      ...hooksOf(scripts, virtualServerKeywords),
      lvs_method: orFillIn(service("forwarding", forwarding, 3)),
      lb_kind: orFillIn(service("forwarding", forwarding, 3)),
      ...Object.fromEntries(
        (["sh-port", "sh-fallback", "mh-port", "mh-fallback"] as const).map((flagName) => [
          flagName,
          (options: VirtualServer, statement: Statement, scribe: Scribe) => {
            options.schedulerFlags = [...(options.schedulerFlags ?? []), flagName];
            scribe.kept(statement, "schedulerFlags");
          },
        ]),
      ),
      persistence_timeout(options, statement, scribe) {
        // A missing number means 360, ipvsadm(8)'s default. keepalived refuses 0, so there is no
        // persistence then.
        const timeout = statement.args.length === 0 ? 360 : integer(statement);
        if (timeout === 0) {
          scribe.changed(
            statement,
            "persistenceTimeoutSeconds: 0",
            "keepalived refuses 0; without the line there is no persistence",
          );
        } else {
          service("persistenceTimeoutSeconds", () => timeout)(options, statement, scribe);
        }
      },
      persistence_granularity(options, statement, scribe) {
        // The granularity alone also gives keepalived a timeout (pgr_handler() in check_parser.c),
        // even if the stack refuses the mask.
        options.persistenceTimeoutSeconds ??= 360;
        service("persistenceGranularity", (line) => prefixLength(word(line)))(
          options,
          statement,
          scribe,
        );
      },
      smtp_alert: smtpAlert(context.globals),
    }),
    protocol({ options }, statement, scribe) {
      if (reading.target.fwmark !== undefined) {
        scribe.changed(
          statement,
          "nothing",
          "a firewall mark has no protocol: keepalived ignores it",
        );
        return;
      }
      if (!["TCP", "UDP", "SCTP"].includes(word(statement).toUpperCase())) {
        throw new Unfit(`${word(statement)} is no protocol: keepalived takes UDP`);
      }
      scribe.kept(statement, options.protocol === undefined ? "" : "protocol");
    },
    ip_family({ target }, statement, scribe) {
      const family = word(statement);
      if (family !== "inet" && family !== "inet6")
        throw new Unfit(`${family} is no address family`);
      target.family = family;
      scribe.kept(statement, "traffic");
    },
    ...within<Defaults, Timing>(({ timing }) => timing, timingKeywords),
    delay_loop({ timing, options }, statement, scribe) {
      service("delayLoopSeconds", seconds)(options, statement, scribe);
      timing.delayLoopSeconds = options.delayLoopSeconds ?? timing.delayLoopSeconds;
    },
    weight(draft, statement, scribe) {
      draft.weight = integer(statement);
      scribe.kept(statement, "realServers[].weight");
    },
    "flag-1": schedulerFlag(1),
    "flag-2": schedulerFlag(2),
    sorry_server(draft, statement, scribe) {
      const [address = "", port = "0"] = statement.args;
      if (familyOf(address) === undefined) throw new Unfit(`${address} is no address`);
      draft.sorry = { address, ...(Number(port) > 0 ? { port: integerOf(port) } : {}) };
      const { target } = draft;
      if (draft.sorry.port === undefined && target.fwmark === undefined) {
        draft.sorry.port = target.port;
        const why = "no port is given, and the stack's sorry server has one: the virtual server's";
        scribe.changed(statement, `sorryServer.port: ${target.port}`, why);
      } else scribe.kept(statement, "sorryServer");
    },
    ...Object.fromEntries(
      Object.entries(readersOf(sorryServerShape, sorryServerKeywords)).map(([keyword, read]) => [
        keyword,
        afterSorry(read),
      ]),
    ),
    sorry_server_lvs_method: afterSorry(orFillIn(sorry("forwarding", forwarding, 3))),
    real_server(draft, statement, scribe) {
      const member = readMember(statement, context, scribe);
      const other = draft.members.find(({ name }) => name === member.name);
      if (!other) draft.members.push(member);
      else if (other.writtenPort === member.writtenPort) {
        scribe.leftOut(
          statement,
          `is on line ${other.statement.line} already: keepalived removes the second`,
        );
      } else {
        throw new Unfit(
          `${member.name} is on line ${other.statement.line} with port ${other.writtenPort}: in the stack, a real server is in a virtual server once`,
          "that one alone",
        );
      }
    },
  };
}

const timingKeywords: Keywords<Timing> = {
  retry: timingOf("retry", integer),
  delay_before_retry: timingOf("delayBeforeRetrySeconds", seconds),
  warmup: timingOf("warmupSeconds", seconds),
  connect_timeout: timingOf("connectTimeoutSeconds", seconds),
};

/** A server's timing goes into each of its checks. */
function timingOf<Key extends keyof Timing>(
  key: Key,
  value: (statement: Statement) => NonNullable<Timing[Key]>,
) {
  return (timing: Timing, statement: Statement, scribe: Scribe) => {
    timing[key] = value(statement);
    scribe.kept(statement, `checks[].${key}`);
  };
}

function schedulerFlag(flagNumber: 1 | 2) {
  return (draft: Defaults, statement: Statement, scribe: Scribe) => {
    draft.flags = new Set([...(draft.flags ?? []), flagNumber]);
    scribe.kept(statement, "schedulerFlags");
  };
}

function afterSorry(read: Read<SorryServer>) {
  return (draft: Defaults, statement: Statement, scribe: Scribe) => {
    if (!draft.sorry)
      throw new Unfit("stands before the sorry server, where keepalived ignores it");
    read(draft.sorry, statement, scribe.in("sorryServer"));
  };
}

/** The prefix length of `255.255.255.0` or `24`. @throws Unfit for anything else */
export function prefixLength(mask: string): number {
  if (/^\d{1,3}$/.test(mask)) return Number(mask);
  if (familyOf(mask) !== "inet") throw new Unfit(`${mask} is no netmask`);
  const bits = mask
    .split(".")
    .map((byte) => Number(byte).toString(2).padStart(8, "0"))
    .join("");
  if (!/^1*0*$/.test(bits)) throw new Unfit(`${mask} is a netmask with gaps`);
  return bits.replace(/0+$/, "").length;
}

/**
 * Reads `DR`, `NAT`, `TUN`, `TUN type ipip`. keepalived doesn't know other spellings and takes NAT.
 */
function forwarding({ args: [method, option, type] }: Statement): "DR" | "NAT" | "TUN" {
  if (option !== undefined && !(option === "type" && type === "ipip")) {
    throw new Unfit(`the stack tunnels by IPIP only, not with ${option} ${type ?? ""}`);
  }
  if (method === "DR" || method === "NAT" || method === "TUN") return method;
  throw new Unfit(
    `${method} is no method: keepalived ignores it; DR, NAT and TUN are known, in capitals`,
  );
}

/** Writes a placeholder for a method that the stack lacks: a wrong one would lose every packet. */
function orFillIn<Draft extends { forwarding?: "DR" | "NAT" | "TUN" }>(
  read: Read<Draft>,
): Read<Draft> {
  return (draft, statement, scribe) => {
    try {
      read(draft, statement, scribe);
    } catch (error) {
      if (!(error instanceof Unfit)) throw error;
      draft.forwarding = fillIn as never;
      scribe.fillIn("forwarding", `DR, NAT or TUN, for ${statement.text}`);
      throw new Unfit(error.message, `forwarding: ${fillIn}`);
    }
  };
}

function readMember(statement: Statement, context: ServiceContext, outer: Scribe): MemberReading {
  const [address = "", port = "0"] = statement.args;
  if (familyOf(address) === undefined) throw new Unfit(`${address} is no address`);
  const name = context.realServers.at(address, commentedName(statement));
  const scribe = outer.in(`realServers[${name}]`);
  scribe.kept(statement, "address");
  const reading: MemberReading = {
    statement,
    name,
    address,
    port: integerOf(port),
    writtenPort: integerOf(port),
    options: {},
    weight: -1,
    timing: {},
    checks: [],
  };
  return readBlock(statement, memberKeywords(context), reading, scribe);
}

function memberKeywords({ scripts, globals }: ServiceContext): Keywords<MemberReading> {
  return {
    ...within<MemberReading, Member>(({ options }) => options, {
      snmp_name: passedOn(),
      ...readersOf(memberShape, memberTable),
      ...hooksOf(scripts, memberTable),
      lvs_method: orFillIn(member("forwarding", forwarding, 3)),
    }),
    weight(reading, statement, scribe) {
      member("weight", integer)(reading.options, statement, scribe);
      reading.weight = reading.options.weight ?? reading.weight;
    },
    ...within<MemberReading, Timing>(({ timing }) => timing, {
      ...timingKeywords,
      delay_loop: timingOf("delayLoopSeconds", seconds),
      alpha: timingOf("alpha", flag),
    }),
    smtp_alert(_, statement, scribe) {
      // If mail is set up, keepalived reports real servers by default.
      if (flag(statement) || !mails(globals)) {
        scribe.kept(statement, "/email");
      } else
        scribe.inexpressible(
          statement,
          "the stack mails of every real server, where it mails at all",
        );
    },
    virtualhost: cannot("the stack has it for the virtual server, for a check and for a URL"),
    ...Object.fromEntries(
      checkKeywords.map((keyword) => [
        keyword,
        (reading: MemberReading, statement: Statement, scribe: Scribe) => {
          const here = scribe.in(`checks[${reading.checks.length}]`);
          reading.checks.push(readCheck(statement, scripts, here));
        },
      ]),
    ),
  };
}

/** Fills in defaults and settles what depends on several lines. */
function finish(reading: Defaults, globals: Globals, scribe: Scribe): void {
  const { options, statement, target } = reading;
  options.scheduler ??= "wlc";
  options.forwarding ??= "NAT";
  options.delayLoopSeconds ??= reading.timing.delayLoopSeconds;
  options.smtpAlert ??=
    mails(globals) && (globals.smtpAlert.checker ?? globals.smtpAlert.all ?? false);
  if (options.persistenceGranularity !== undefined) options.persistenceTimeoutSeconds ??= 360;
  for (const number of reading.flags ?? []) {
    const name = number === 1 ? "fallback" : "port";
    if (options.scheduler !== "sh" && options.scheduler !== "mh") continue;
    options.schedulerFlags = [...(options.schedulerFlags ?? []), `${options.scheduler}-${name}`];
  }
  delete reading.flags;
  const fallback = `${options.scheduler}-fallback` as const;
  if (
    (fallback === "sh-fallback" || fallback === "mh-fallback") &&
    !options.schedulerFlags?.includes(fallback)
  ) {
    const line = statement.block?.findLast(({ keyword }) => /^l(vs_sched|b_algo)$/.test(keyword));
    scribe.changed(
      line ?? statement,
      `lvs_sched ${options.scheduler} with ${fallback}`,
      "the stack always sets it: without it, a drained real server's clients get no answer",
    );
  }
  options.schedulerFlags = options.schedulerFlags?.filter((name) =>
    name.startsWith(`${options.scheduler}-`),
  );
  for (const entry of reading.members) {
    if (entry.weight < 0) entry.weight = reading.weight ?? 1;
    const port = target.fwmark === undefined ? target.port : 0;
    const way = entry.options.forwarding ?? options.forwarding;
    if (entry.port !== 0 && way !== "NAT" && entry.port !== port) {
      scribe.changed(entry.statement, `port ${port}`, portWhy(way, entry.port));
    }
    if (entry.port === 0 || way !== "NAT") entry.port = port;
    for (const { type, draft, statement: line } of entry.checks) {
      const isOwn = draft.port !== undefined || !typeAsksPort(type);
      if (isOwn || entry.writtenPort !== 0 || target.fwmark !== undefined) continue;
      scribe.changed(
        line,
        `port ${port}`,
        "its real server has no port, and keepalived asks port 0",
      );
    }
  }
  delete reading.weight;
  limitQuorum(reading, scribe);
  const { sorry: stand } = reading;
  const way = stand?.forwarding ?? options.forwarding;
  const sorryLine = statement.block?.find(({ keyword }) => keyword === "sorry_server");
  if (stand && sorryLine) {
    const port = target.fwmark === undefined ? target.port : undefined;
    if (way !== "NAT" && stand.port !== port) {
      if (stand.port !== undefined) {
        scribe.changed(sorryLine, `sorryServer.port: ${port ?? "none"}`, portWhy(way, stand.port));
      }
      if (port === undefined) delete stand.port;
      else stand.port = port;
    }
    const twin = reading.members.find(
      ({ address, writtenPort }) =>
        canonical(address) === canonical(String(stand.address)) &&
        writtenPort === Number(sorryLine.args[1] ?? 0),
    );
    const inhibits = twin?.options.inhibitOnFailure ?? options.inhibitOnFailure ?? false;
    if (twin && way === "NAT" && inhibits !== (stand.inhibitOnFailure ?? false)) {
      stand.inhibitOnFailure = inhibits;
      const why = "it is one of the real servers, whose inhibit_on_failure keepalived takes";
      scribe.changed(sorryLine, `sorryServer.inhibitOnFailure: ${inhibits}`, why);
    }
    const isMember = reading.members.some(
      ({ address }) => canonical(address) === canonical(String(stand.address)),
    );
    if (isMember && way !== "NAT") {
      scribe.inexpressible(
        sorryLine,
        "is one of the real servers; a sorry server of the stack stands in for all of them",
      );
      delete reading.sorry;
    }
  }
}

function portWhy(way: string, port: number): string {
  return way === fillIn
    ? `DR and TUN cannot change ports; if it is NAT, give it port ${port}`
    : `${way} cannot change ports: keepalived takes the virtual server's`;
}

/**
 * Limits quorum and hysteresis: keepalived lowers a quorum that can't be reached and a hysteresis
 * not below it; the stack also lowers a hysteresis with which a lost quorum could never return.
 */
function limitQuorum({ options, members, statement }: ServiceReading, scribe: Scribe): void {
  const total = members.reduce((sum, { weight }) => sum + weight, 0);
  const line = (name: string) =>
    statement.block?.find(({ keyword }) => keyword === name) ?? statement;
  if ((options.quorum ?? 1) > total && total > 0) {
    options.quorum = total;
    scribe.changed(
      line("quorum"),
      `quorum: ${total}`,
      "it is what all real servers weigh: keepalived takes no more",
    );
  }
  const quorum = options.quorum ?? 1;
  if (
    (options.hysteresis ?? 0) >= quorum &&
    options.hysteresis !== undefined &&
    options.hysteresis > 0
  ) {
    options.hysteresis = quorum - 1;
    scribe.changed(
      line("hysteresis"),
      `hysteresis: ${quorum - 1}`,
      "it must be below the quorum: keepalived takes no more",
    );
  }
  if ((options.hysteresis ?? 0) > 0 && quorum + (options.hysteresis ?? 0) > total && total > 0) {
    options.hysteresis = total - quorum;
    scribe.changed(
      line("hysteresis"),
      `hysteresis: ${options.hysteresis}`,
      "with more, all real servers together don't regain a quorum that was lost",
    );
  }
}

function targetsOf(
  { args }: Statement,
  groups: Map<string, { statement: Statement; targets: Target[] }>,
): Target[] {
  const [first = "", second = ""] = args;
  if (first === "fwmark") return [{ fwmark: fwmarkOf(second) }];
  if (first === "group") {
    const group = groups.get(second);
    if (!group) throw new Unfit(`there is no virtual_server_group ${second}`);
    return group.targets;
  }
  const family = familyOf(first);
  if (family === undefined) throw new Unfit(`${first} is no address`);
  // keepalived drops a prefix (inet_stosockaddr() in utils.c).
  return [{ address: withoutPrefix(first), port: portOf(second), family }];
}

function fwmarkOf(text: string): number {
  const mark = integerOf(text);
  if (mark < 1) throw new Unfit(`${mark} is no firewall mark`);
  return mark;
}

function portOf(text: string): number {
  const port = integerOf(text === "" ? "0" : text);
  if (port === 0) {
    throw new Unfit(
      "a virtual server for all ports of an address is a fwmark with traffic here: mark what it is for",
    );
  }
  if (port > 65535 || port < 0) throw new Unfit(`${port} is no port`);
  return port;
}

function written(target: Target): string {
  return target.fwmark === undefined
    ? `${target.address} ${target.port}`
    : `fwmark ${target.fwmark}`;
}

/**
 * Reads lines of `ADDRESS PORT`, `ADDRESS-LAST PORT`, `NETWORK/PREFIX PORT` or
 * `fwmark NUMBER [inet|inet6]`.
 */
function groupTargets(statement: Statement, scribe: Scribe): Target[] {
  const here = scribe.in("virtualServers[]");
  here.kept(statement, "address");
  return (statement.block ?? []).flatMap((line) => {
    try {
      const targets = groupEntry(line);
      here.kept(line, "address");
      return targets;
    } catch (error) {
      if (!(error instanceof Unfit)) throw error;
      scribe.inexpressible(line, error.message);
      return [];
    }
  });
}

function groupEntry({ keyword, args: [first = "", family] }: Statement): Target[] {
  if (keyword === "fwmark") {
    return [
      { fwmark: fwmarkOf(first), ...(family === "inet" || family === "inet6" ? { family } : {}) },
    ];
  }
  const port = portOf(first);
  return range(keyword).map((address) => ({ address, port, family: checkedFamily(address) }));
}

/** A longer range is taken for a mistake. */
const maxRange = 1024n;

function range(text: string): string[] {
  const [first = "", last] = text.split("-");
  const family = familyOf(first);
  if (family === undefined) throw new Unfit(`${first} is no address`);
  const parse = (address: string) =>
    family === "inet" ? new Address4(address) : new Address6(address);
  const start = parse(first);
  let end = first.includes("/") ? start.endAddress().bigInt() : start.bigInt();
  if (last !== undefined) {
    // A range ends with an address or its last byte (for IPv6, the last 16 bits in hexadecimal).
    const whole = familyOf(last) === family;
    const mask = family === "inet" ? 0xffn : 0xffffn;
    end = whole
      ? parse(last).bigInt()
      : (start.bigInt() & ~mask) | BigInt(family === "inet" ? last : `0x${last}`);
  }
  if (end < start.bigInt() || end - start.bigInt() >= maxRange)
    throw new Unfit(`${text} is no range`);
  const addresses: string[] = [];
  for (let address = start.bigInt(); address <= end; address++) {
    addresses.push(
      family === "inet"
        ? Address4.fromBigInt(address).correctForm()
        : Address6.fromBigInt(address).correctForm(),
    );
  }
  return addresses;
}
