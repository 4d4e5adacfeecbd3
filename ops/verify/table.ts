// The IPVS table as text, once as keepalived.conf wants it and once as the kernel has it: equal
// unless something has drifted.
import type { DirectorModel, Member, Service } from "../../components/model";
import {
  addressOf,
  shortestForm,
  destinationKey,
  parseRules,
  parseThresholds,
  type Rule,
} from "../ipvs";
import { moveKey, parsePoolLog, type Move } from "../log";
import { linesIn, parsed, type Report } from "../report";

/**
 * The IPVS table that the kernel should have. A real server that keepalived itself removed is not
 * expected, and a weight that a check or a drain has set is taken from the kernel.
 */
export function wantedTable({ services }: DirectorModel, report: Report): string {
  const moves = parsed(report, "pool-log", parsePoolLog);
  const drained = drainedOn(report);
  const rules = rulesOf(report);
  return services
    .map((service) => {
      const live = rules.get(service.service);
      return text(
        heading(service),
        service.realServers
          .filter((member) => isThere(live, member) || !isOut(service, member, moves, live))
          .map((member) => {
            const there = find(live, member.endpoint);
            const isHeld =
              moves.get(key(service, member))?.out === true ||
              (there?.weight === 0 && drained.has(destinationKey(service.service, there.name)));
            const weight =
              (member.weightIsDynamic || isHeld) && there ? there.weight : member.weight;
            return row({ ...member, weight });
          }),
      );
    })
    .sort()
    .join("");
}

/** The kernel's IPVS table for the config's services. */
export function liveTable({ services }: DirectorModel, report: Report): string {
  const thresholds = parsed(report, "ipvs-thresholds", parseThresholds);
  const rules = rulesOf(report);
  return services
    .flatMap((service) => {
      const live = rules.get(service.service);
      if (live === undefined) return [];
      return text(
        heading(live),
        live.destinations
          .filter(({ name }) => name !== service.sorryServer || isReal(service, name))
          .map(({ name, ...rest }) => {
            const limits = thresholds.get(destinationKey(service.service, name));
            return row({
              ...rest,
              endpoint: name,
              upperThreshold: limits?.upper ?? 0,
              lowerThreshold: limits?.lower ?? 0,
            });
          }),
      );
    })
    .sort()
    .join("");
}

/** Notes on real servers out of a pool or drained, and on services that are not the stack's. */
export function tableNotes({ services }: DirectorModel, report: Report): string[] {
  const moves = parsed(report, "pool-log", parsePoolLog);
  const rules = rulesOf(report);
  const known = new Set(services.map(({ service }) => service));
  const changed = drainedByChange(report);
  return [
    ...services.flatMap((service) => {
      const live = rules.get(service.service);
      if (live === undefined) return [];
      return service.realServers
        .filter((member) => isOut(service, member, moves, live))
        .map(({ name }) => `${name} is out of the pool of ${service.name}: its check fails`);
    }),
    ...heldBack(report).map(({ key, address }) =>
      changed.has(address)
        ? `${key} is drained: by a change, at whose end this director puts it in again once its checks succeed`
        : `${key} is drained: by lvs drain; lvs undrain puts it in again`,
    ),
    ...[...rules.keys()]
      .filter((service) => !known.has(service))
      .map((service) => `${service} is in the kernel and not of the stack`),
  ];
}

function rulesOf(report: Report): Map<string, Rule> {
  return new Map(parsed(report, "ipvs-rules", parseRules).map((rule) => [rule.service, rule]));
}

/**
 * Where drain.sh notes drained real servers, as rules. keepalived may have brought one back since.
 */
export const drainedFile = "/run/lvs-ha-drained";

/**
 * Where drain.sh notes the addresses of real servers that a change has drained and not put back.
 */
export const drainedByChangeFile = "/run/lvs-ha-drained-by-change";

/** The addresses of real servers that a change has drained and not put back. */
export function drainedByChange(report: Report): Set<string> {
  const lines = parsed(report, `file ${drainedByChangeFile}`, (text) =>
    linesIn(text).map(shortestForm),
  );
  return new Set(lines);
}

/** Real servers at weight 0 because drain.sh drained them. */
function heldBack(report: Report): { key: string; address: string }[] {
  const drained = drainedOn(report);
  return [...rulesOf(report).values()].flatMap(({ service, destinations }) =>
    destinations
      .filter(({ weight }) => weight === 0)
      .map(({ name }) => ({ key: destinationKey(service, name), address: addressOf(name) }))
      .filter(({ key }) => drained.has(key)),
  );
}

function drainedOn(report: Report): Set<string> {
  // parseRules needs a service before its real servers: add one for each line.
  const rules = parsed(report, `file ${drainedFile}`, (notes) =>
    parseRules(notes.replace(/^-a (.*?) -r .*$/gm, "-A $1") + notes),
  );
  return new Set(
    rules.flatMap(({ service, destinations }) =>
      destinations.map(({ name }) => destinationKey(service, name)),
    ),
  );
}

/**
 * Whether keepalived itself took the real server out, by its log or in favour of the sorry server.
 */
function isOut(
  service: Service,
  member: Member,
  moves: Map<string, Move>,
  live: Rule | undefined,
): boolean {
  const there = find(live, member.endpoint);
  if (there !== undefined && (there.weight > 0 || member.weight === 0)) return false;
  const move = moves.get(key(service, member));
  if (move === undefined && member.startsOut) return true;
  const sorry =
    service.sorryServer === undefined ? undefined : find(live, service.sorryServer)?.weight;
  return move?.out === true || (sorry ?? 0) > 0;
}

function key({ service }: Service, { logged }: Member): string {
  return moveKey(service, logged);
}

function isThere(live: Rule | undefined, { endpoint }: Member): boolean {
  return find(live, endpoint) !== undefined;
}

function isReal({ realServers }: Service, endpoint: string): boolean {
  return realServers.some((member) => member.endpoint === endpoint);
}

function find(rule: Rule | undefined, endpoint: string): Rule["destinations"][number] | undefined {
  return rule?.destinations.find(({ name }) => name === endpoint);
}

function text(first: string, rows: string[]): string {
  return [first, ...rows.sort()].map((line) => `${line}\n`).join("");
}

function heading(rule: Omit<Rule, "destinations">): string {
  const mask = rule.persistenceMask;
  return [
    rule.service,
    rule.scheduler,
    ...(rule.schedulerFlags.length > 0 ? [`(${rule.schedulerFlags.join(",")})`] : []),
    ...(rule.persistenceSeconds > 0 ? [`persistent ${rule.persistenceSeconds}`] : []),
    // A mask of all bits is the default.
    ...(mask === undefined || mask === "255.255.255.255" || mask === "128" ? [] : [`mask ${mask}`]),
    ...(rule.persistenceEngine === undefined ? [] : [`pe ${rule.persistenceEngine}`]),
    ...(rule.onePacketScheduling ? ["ops"] : []),
  ].join(" ");
}

function row(
  member: Pick<Member, "endpoint" | "forwarding" | "weight" | "upperThreshold" | "lowerThreshold">,
): string {
  const { endpoint, forwarding, weight, upperThreshold, lowerThreshold } = member;
  const limits =
    upperThreshold || lowerThreshold ? ` thresholds ${upperThreshold} ${lowerThreshold}` : "";
  return `  -> ${endpoint} ${forwarding} weight ${weight}${limits}`;
}
