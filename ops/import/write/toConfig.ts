// Turns the directors' configs into the stack config, with placeholders for what they lack.
import { secretSchema } from "../../../components/schema";
import type { DirectorReading } from "../read/director";
import { directorsOf, writeDirectors, type Director } from "./directors";
import { vrrpOf } from "./instances";
import type { RealServers } from "../names";
import type { Statement } from "../syntax/parse";
import { differences } from "../plain";
import type { Scribe } from "../report";
import { fillIn, type Scripts } from "../read/scripts";
import { daemonShape, type BfdSession, type Config } from "../shapes";
import { realServersOf, shortened, toVirtualServer } from "./virtualServers";

/** A stack config, with comments on some of its keys. */
export interface Imported {
  config: Config;
  /** Comments by key: `virtualServers[0]`. */
  comments: Map<string, string>;
}

/** Makes the stack config from the configs of one or more directors. The first one counts. */
export function toConfig(
  readings: [DirectorReading, ...DirectorReading[]],
  realServers: RealServers,
  scripts: Scripts,
  scribe: Scribe,
): Imported {
  const [first, ...others] = readings;
  const directors = directorsOf(readings, scribe);
  const services = first.services.map((service) => toVirtualServer(service, first, scribe));
  const members = realServersOf(realServers, services, first.services);
  const config: Config = {
    directors: writeDirectors(directors, scribe) as Config["directors"],
    realServers: members,
    virtualServers: services.map((service) =>
      shortened(service, members),
    ) as Config["virtualServers"],
    vrrp: vrrpOf(first, directors, scribe),
    tracking: { ...first.tracking, bfd: bfdOf(readings, directors) } as Config["tracking"],
    scripts: Object.fromEntries(Object.entries(scripts.texts).sort(([a], [b]) => (a < b ? -1 : 1))),
    daemon: daemonOf(first, scripts, scribe),
    email: emailOf(first, scribe),
    firewall: { backend: "none" },
  };
  secretOf(first, scribe);
  for (const other of others) compareDirectors(first, other, scribe);
  return { config, comments: commentsOf(first, config) };
}

/** Reports where another director differs: in the stack all are alike, and the first counts. */
function compareDirectors(first: DirectorReading, other: DirectorReading, scribe: Scribe): void {
  const common = (reading: DirectorReading) => ({
    virtualServers: reading.services.map((service) => {
      const { options, members } = toVirtualServer(service, reading, scribe);
      return { ...options, realServers: members };
    }),
    vrrp: vrrpOf(reading, [], scribe),
    tracking: { ...reading.tracking, bfd: [] },
    daemon: reading.globals.daemon,
    email: reading.globals.email,
  });
  for (const { at, here, there } of differences(common(first), common(other))) {
    scribe.report.changed.push({
      where: other.file,
      from: `${at}: ${shown(there)}`,
      to: `${at}: ${shown(here)}`,
      why: `the directors differ, and the stack's are alike: ${first.file} counts`,
    });
  }
}

function shown(value: unknown): string {
  return value === undefined ? "nothing" : JSON.stringify(value);
}

/** The daemon's settings. Reports the stack's defaults that differ from keepalived's. */
function daemonOf(
  { file, globals: { daemon } }: DirectorReading,
  scripts: Scripts,
  scribe: Scribe,
): Config["daemon"] {
  for (const [key, keyword] of [
    ["vrrpPriority", "vrrp_priority"],
    ["checkerPriority", "checker_priority"],
  ] as const) {
    if (daemon[key] !== undefined) continue;
    scribe.report.changed.push({
      where: file,
      from: `no ${keyword}`,
      to: `${keyword} ${daemonShape[key].parse(undefined)}`,
      why: "is the stack's default: without it, load on the host makes directors flip",
    });
  }
  if (daemon.scriptUser === undefined && Object.keys(scripts.texts).length > 0) {
    scribe.report.changed.push({
      where: file,
      from: "no script_user",
      to: `script_user ${daemonShape.scriptUser.parse(undefined)}`,
      why: "is the stack's default: without it, keepalived has keepalived_script run them where there is such a user",
    });
  }
  return daemon;
}

/** BFD sessions, with addresses by director. */
function bfdOf(readings: DirectorReading[], directors: Director[]): BfdSession[] {
  return (readings[0]?.tracking.bfd ?? []).map((session) => {
    const everywhere = readings.map(({ tracking }) =>
      tracking.bfd.find(({ name }) => name === session.name),
    );
    const byDirector = (value: "neighbor" | "source") =>
      Object.fromEntries(
        everywhere.flatMap((own, i) => {
          const address = own?.[value];
          return address === undefined ? [] : [[directors[i]?.name ?? "", address]];
        }),
      );
    const neighbors = byDirector("neighbor");
    const source = byDirector("source");
    const alike = new Set(Object.values(neighbors)).size === 1;
    return {
      ...session,
      neighbor: alike ? (session.neighbor ?? fillIn) : neighbors,
      source: Object.keys(source).length > 0 ? source : undefined,
    };
  });
}

function emailOf({ globals: { email } }: DirectorReading, scribe: Scribe): Config["email"] {
  if (email.to === undefined || email.smtpServer === undefined) return undefined;
  if (email.from === undefined) {
    scribe.fillIn("email.from", "the sender, which was keepalived@ and the host's name");
  }
  return { ...email, to: email.to, smtpServer: email.smtpServer, from: email.from ?? fillIn };
}

/** Reports where to find the password, which belongs to the stack's secrets. */
function secretOf({ instances }: DirectorReading, scribe: Scribe): void {
  const secured = instances.filter(({ authType, options }) => authType && options.version === 2);
  const [instance] = secured;
  if (!instance) return;
  const { authPass, authType } = instance;
  const pass = authPass?.args[0];
  const command = "pulumi config set --secret lvs-ha:vrrpAuthPass";
  const from = authPass ?? authType;
  scribe.fillIn("vrrpAuthPass", `${command}, with the auth_pass of ${from?.file}:${from?.line}`);
  if (authPass && pass !== undefined && pass.length > 8) {
    scribe.changed(
      authPass,
      "vrrpAuthPass",
      "keepalived takes its first 8 characters: give the stack those",
    );
  } else if (authPass && !secretSchema.vrrpAuthPass.safeParse(pass).success) {
    scribe.inexpressible(
      authPass,
      "the stack takes letters, digits and _.,:+=@^~- only: choose another password",
    );
  }
  for (const { statement, options, authType: own, name } of instances) {
    if (own || options.version !== 2) continue;
    scribe.changed(
      statement,
      `authentication in ${name}, too`,
      "the stack has one password for all instances",
    );
  }
}

/** Comments on some keys, and the file's own comments other than names. */
function commentsOf(
  { services, instances }: DirectorReading,
  { virtualServers, vrrp }: Config,
): Map<string, string> {
  const comments = new Map([
    [
      "realServers",
      "managed: false leaves a real server as it is. Give it host and hostKey and take the line away, and the stack sets it up",
    ],
    [
      "firewall.backend",
      "the import knows nothing of the hosts' firewalls: none leaves them alone",
    ],
  ]);
  const add = (at: string, { above, beside }: Statement, name: string) => {
    const text = [...above, beside].filter(
      (line) => line !== undefined && line !== "" && line !== name,
    );
    if (text.length > 0) comments.set(at, text.join("\n"));
  };
  services.forEach(({ statement, name }, i) => {
    if (virtualServers?.[i]) add(`virtualServers[${i}]`, statement, name);
  });
  instances.forEach(({ statement, name }, i) => {
    add(vrrp?.instances ? `vrrp.instances[${i}]` : "vrrp", statement, name);
  });
  return comments;
}
