// Keeps secrets in script arguments and check paths out of the stack file, which anyone may read.
import type { Scribe } from "../report";
import { fillIn } from "../read/scripts";
import { tellsSecret, type Secrets } from "../secrets";
import type { Config } from "../shapes";

/**
 * The config with a placeholder for each such secret, each reported. Texts of scripts stay whole;
 * the report names them.
 */
export function withoutSecrets(
  config: Config,
  comments: Map<string, string>,
  secrets: Secrets,
  scribe: Scribe,
): Config {
  const walk = (value: unknown, at: string, isCommand: boolean): unknown => {
    if (Array.isArray(value)) {
      return value.map((item, i) => walk(item, `${at}[${i}]`, isCommand));
    }
    if (typeof value === "object" && value !== null) {
      return Object.fromEntries(
        Object.entries(value).map(([key, inner]) => [
          key,
          walk(inner, key.includes(".") ? `${at}[${key}]` : `${at}.${key}`, mayHold(key)),
        ]),
      );
    }
    if (typeof value !== "string" || !isCommand) return value;
    const shown = secrets.text(value, "", fillIn);
    if (shown === value) return value;
    scribe.fillIn(`/${at}`, inTheClear);
    return shown;
  };
  const scriptText = ([name, text]: [string, string]) => {
    const at = `scripts[${name}]`;
    // The import itself made this script from a command in the config.
    if (/^#!\S+\n[^\n]+\n$/.test(text)) return [name, walk(text, at, true)];
    if (tellsSecret(text) || secrets.text(text) !== text) {
      comments.set(at, "It names a password or a key. Here it is in clear: look it through");
      scribe.report.changed.push({
        where: at,
        from: `the text of ${name}, which only the director had`,
        to: "the same in the stack file, in clear",
        why: "it names a password or a key: have it read that from a file of root's on the directors",
      });
    }
    return [name, text];
  };
  return Object.fromEntries(
    Object.entries(config).map(([key, value]) => [
      key,
      key === "scripts"
        ? Object.fromEntries(Object.entries(config.scripts ?? {}).map(scriptText))
        : walk(value, key, false),
    ]),
  );
}

/** Keys whose value is part of a command line or a request. */
function mayHold(key: string): boolean {
  return ["args", "path"].includes(key);
}

const inTheClear =
  "a password or a key stood here, which the stack file, the state and the process list would show: let the script read it from a file of root's on the directors";
