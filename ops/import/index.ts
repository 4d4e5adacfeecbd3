// Turns an existing pair's keepalived.conf into stack config YAML, and reports what became of each
// line.
import { secretsPath } from "../../components/keepalived/facts";
import { UsageError } from "../exit";
import { cookbookHosts, cookbookPassword, type ChefNode } from "./chef";
import { readDirector } from "./read/director";
import { checkImported, idleIn } from "./write/filled";
import { noFiles, type ConfigFiles } from "./syntax/files";
import { mergeIpvsadm } from "./read/ipvs";
import type { Place } from "./syntax/lines";
import { Names, RealServers } from "./names";
import { parse, type Parsed } from "./syntax/parse";
import { Scribe, type Report } from "./report";
import { Scripts } from "./read/scripts";
import { Secrets } from "./secrets";
import type { Config } from "./shapes";
import { toConfig } from "./write/toConfig";
import { withoutSecrets } from "./write/withoutSecrets";
import { concise, toYaml } from "./write/yaml";

export { renderReport, type Report } from "./report";

/** One director's keepalived.conf. */
export interface DirectorConfig {
  /** The file's name in messages; relative includes are looked up beside it. */
  file: string;
  text: string;
  /** Finds the includes and scripts. @default none are found */
  files?: ConfigFiles;
  /** The director's name, for lines that begin with `@NAME`. @default the file's router_id */
  host?: string;
  /** The other attributes of the node, if the config comes from the Chef cookbook lvs01. */
  chef?: ChefNode;
}

/**
 * Makes stack config from the config of one or more directors. The first one counts; the others add
 * only what is their own.
 * @param ipvsadm the first director's IPVS rules: output of `ipvsadm -Sn`
 */
export function importConfig(
  directors: [DirectorConfig, ...DirectorConfig[]],
  ipvsadm?: { file: string; text: string },
): { yaml: string; report: Report; config: Config } {
  const report: Report = { kept: [], changed: [], inexpressible: [], toFillIn: [] };
  const scribe = Scribe.of(report);
  const realServers = new RealServers(new Names());
  const configs = directors.flatMap(perHost).map((director) => ({
    ...director,
    parsed: parse(director.text, { ...director, configId: director.host }),
  }));
  const secrets = new Secrets(configs.map(({ parsed }) => parsed));
  const scripts = new Scripts(directors[0].files ?? noFiles, secrets);
  const [leading, ...others] = configs.map(({ file, host, parsed }) => {
    const same = configs.filter((other) => other.file === file);
    recordLines(parsed, scribe);
    recordSkipped(
      same.map((other) => other.parsed),
      scribe,
    );
    return readDirector(file, parsed, { scripts, realServers, scribe }, host);
  });
  if (leading === undefined) throw new Error("there is nothing to import");
  if (ipvsadm) mergeIpvsadm(ipvsadm, leading, realServers, scribe);
  const imported = toConfig([leading, ...others], realServers, scripts, scribe);
  for (const [at, text] of imported.comments) imported.comments.set(at, secrets.line(text));
  const { chef } = directors[0];
  if (chef) {
    Object.assign(imported.config, cookbookHosts(chef, imported.comments));
    const password = report.toFillIn.find(({ at }) => at === "vrrpAuthPass");
    if (password) password.what = cookbookPassword;
  }
  const config = withoutIdle(
    withoutSecrets(concise(imported.config), imported.comments, secrets, scribe),
    scribe,
  );
  if (!config.vrrp?.instances) scribe.moved("vrrp.instances[VI_1]", "vrrp");
  const { os, errors } = checkImported(config);
  if (os !== undefined) config.os = os;
  for (const error of errors) {
    const at = error.replace(/: .*$/s, "");
    const { where, text } = scribe.origin(byName(config, at)) ?? {
      where: "stack config",
      text: at,
    };
    report.inexpressible.push({ where, text, why: error });
  }
  scribe.close();
  secrets.hideIn(report);
  return { yaml: toYaml(config, imported.comments, report), report, config };
}

/** Turns `virtualServers[0].port` into the report's form, `virtualServers[web].port`. */
function byName(config: Config, path: string): string {
  let value: unknown = config;
  return path.replace(/([^.[\]]+)|\[([^\]]*)\]/g, (part, key?: string, item?: string) => {
    value = (value as Record<string, unknown> | undefined)?.[key ?? item ?? ""];
    if (item === undefined) return part;
    if (typeof value === "string") return `[${value}]`;
    const { name } = (value ?? {}) as { name?: string };
    return name === undefined ? part : `[${name}]`;
  });
}

/** Removes keys without effect, because the stack refuses them. */
function withoutIdle(config: Config, scribe: Scribe): Config {
  const found = idleIn(config);
  if (found.length === 0) return config;
  // When a whole entry is removed, its keys need no line of their own.
  const idle = found.filter(
    (key) =>
      !found.some(
        (other) =>
          other !== key && other.whole !== undefined && key.at.startsWith(`${other.whole}.`),
      ),
  );
  const rest = structuredClone(config);
  // From the end, so that removing an item doesn't move the ones still to be removed.
  for (const { at, whole = at } of idle.toReversed()) leaveOut(rest, whole);
  for (const { at, value, why } of idle) {
    scribe.report.changed.push({
      where: "stack config",
      from: `${at}: ${JSON.stringify(value)}`,
      to: "nothing, as it has no effect",
      why: `it ${why}`,
    });
  }
  // A key that only named a removed entry has no effect now: check again.
  return withoutIdle(concise(rest), scribe);
}

/** Removes the value at a path like `vrrp.trackFiles[0]`. */
function leaveOut(config: object, path: string): void {
  const keys = path.split(/[.[\]]+/).filter(Boolean);
  const last = keys.pop() ?? "";
  const holder = keys.reduce<unknown>(
    (value, key) => (value as Record<string, unknown>)[key],
    config,
  );
  if (Array.isArray(holder)) holder.splice(Number(last), 1);
  else Reflect.deleteProperty(holder as object, last);
}

/** With more names, they are not directors but switches (`--config-id`). */
const maxHosts = 16;

/** A file with `@NAME` lines for several hosts counts as a config for each of them. */
function perHost(director: DirectorConfig): DirectorConfig[] {
  if (director.host !== undefined) return [director];
  const { skipped } = parse(director.text, { ...director, configId: undefined });
  const hosts = new Set(skipped.flatMap(({ text }) => /^@\^?(\S+)/.exec(text)?.[1] ?? []));
  if (hosts.size > maxHosts) {
    throw new UsageError(
      `${director.file} has lines for ${hosts.size} names behind @, and a pair has ${maxHosts} directors at most: say which one it is of with --host`,
    );
  }
  return hosts.size === 0 ? [director] : [...hosts].map((host) => ({ ...director, host }));
}

/** Reports lines that are not statements: definitions, includes and problems. */
function recordLines({ definitions, includes, problems }: Parsed, scribe: Scribe): void {
  for (const definition of definitions) {
    const text = `$${definition.name}=${definition.value}`;
    const at = where(definition);
    if (definition.used) {
      scribe.report.kept.push({ where: at, text, to: "its value, wherever it stands" });
    } else {
      scribe.report.changed.push({ where: at, from: text, to: "nothing", why: "is used nowhere" });
    }
  }
  for (const include of includes) {
    if (include.files.length === 0) continue;
    const text = `include ${include.pattern}`;
    scribe.report.kept.push({
      where: where(include),
      text,
      to: `what is in ${include.files.join(", ")}`,
    });
  }
  // The stack's own secrets file is readable by root alone, so its include is no problem.
  scribe.remarks(problems.filter(({ text }) => text !== `include ${secretsPath}`));
}

/** Reports `@NAME` lines that apply to none of the file's directors. */
function recordSkipped([first, ...others]: Parsed[], scribe: Scribe): void {
  for (const line of first?.skipped ?? []) {
    const isSame = (other: Place) => where(other) === where(line);
    if (!others.every(({ skipped }) => skipped.some(isSame))) continue;
    const { text: from, why } = line;
    scribe.report.changed.push({ where: where(line), from, to: "nothing", why });
  }
}

function where({ file, line }: Place): string {
  return `${file}:${line}`;
}
