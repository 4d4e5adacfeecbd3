// Scripts that a config names. The stack ships their texts, so each gets a name, and its text if
// available.
import { basename, dirname } from "node:path";
import { quote } from "shell-quote";
import { schema } from "../../../components/schema";
import { scriptCall, scriptName } from "../../../components/schema/scripts";
import type { ConfigFiles } from "../syntax/files";
import type { Keywords, Read } from "./keywords";
import type { Statement } from "../syntax/parse";
import { Unfit, type Scribe } from "../report";
import type { Secrets } from "../secrets";
import type { ScriptCall } from "../shapes";
import { scriptWords } from "../syntax/words";

/** Placeholder for a value that the imported files don't contain. */
export const fillIn = "FILL_IN";

/** Placeholder for an IPv6 address. */
export const fillIn6 = `${fillIn}_IPV6`;

/**
 * Folders of packaged programs: they are on the director already, so the stack ships a script that
 * runs them.
 */
const systemFolders = ["/bin", "/sbin", "/usr/bin", "/usr/sbin"];

/**
 * A word that a shell would act on but keepalived passes to the program: it runs a command's words
 * by execve(2), or quotes each one (system_call() and cmd_str_r() in notify.c, 2.2.7 and 2.3.3).
 * Quoted text such as `a|b` or `ss | grep x` is a different word.
 */
const shellOperator = /^(\|\|?|&&?|;|\d*[<>]\S*|&>\S*|\$\(\S*|`\S*)$/;

/** Only bash knows /dev/tcp. */
function isBash(word: string): boolean {
  return word.includes("/dev/tcp/");
}

/** The scripts found so far, by their names in the stack. */
export class Scripts {
  /** Texts by name. */
  readonly texts: Record<string, string> = {};
  private readonly names = new Map<string, string>();

  constructor(
    private readonly files: ConfigFiles,
    private readonly secrets: Secrets,
  ) {}

  /**
   * Reads the call in a script keyword's line.
   * @param behind the meaning of words after the command, which is one quoted word
   * @throws Unfit when keepalived couldn't read the line either
   */
  call(
    statement: Statement,
    scribe: Scribe,
    behind: "user" | "nothing" = "user",
  ): Extract<ScriptCall, { script: string }> {
    const read = scriptWords(statement.text);
    if (!read) throw new Unfit("is no command line that keepalived could read");
    const { command, rest } = read;
    const [user, group] = behind === "user" ? rest : [];
    if (behind === "nothing" && rest.length > 0) {
      scribe.changed(
        statement,
        command.join(" "),
        `keepalived does not read ${rest.join(" ")}: a command with arguments must be in quotes`,
      );
    }
    noGroup(user, group, statement, scribe);
    const [path = "", ...args] = command;
    if (group !== undefined && group !== user) {
      scribe.changed(
        statement,
        `user: ${user}`,
        `the stack runs it with ${user}'s own group, not ${group}`,
      );
    }
    const shipped = path.startsWith("/") && !systemFolders.includes(dirname(path));
    const call = shipped && scriptCall.shape.args.safeParse(args).success;
    const script = call ? this.shipped(path, scribe) : this.wrapped(command, statement, scribe);
    const operator = command.some(isBash)
      ? undefined
      : args.find((word) => shellOperator.test(word));
    if (operator !== undefined) {
      scribe.inexpressible(
        statement,
        `keepalived runs no shell for it: ${operator} and what follows are arguments of ${path}, so it never did what it reads like, and doesn't here; say in a script what is meant`,
      );
    }
    return {
      script,
      ...(call && args.length > 0 ? { args } : {}),
      ...(user === undefined ? {} : { user }),
    };
  }

  private shipped(path: string, scribe: Scribe): string {
    const known = this.names.get(path);
    if (known !== undefined) return known;
    const name = this.freeName(basename(path));
    this.names.set(path, name);
    const text = this.files.script(path);
    const fits = text !== undefined && schema.scripts.unwrap().safeParse({ [name]: text }).success;
    this.texts[name] = fits ? text : fillIn;
    if (!fits) scribe.fillIn(`/scripts.${name}`, `the text of ${path}, from the director`);
    return name;
  }

  /** Makes a one-line script that runs the command. */
  private wrapped(command: string[], statement: Statement, scribe: Scribe): string {
    const [program = ""] = command;
    // A redirection can't be the program to `exec`.
    const redirects = /^[<>|]/.test(program) || command.some(isBash);
    const line = redirects ? command.join(" ") : `exec ${quote(command)}`;
    const text = `#!${redirects ? "/bin/bash" : "/bin/sh"}\n${line}\n`;
    const known = this.names.get(text);
    if (known !== undefined) return known;
    const name = this.freeName(
      redirects
        ? "check"
        : command
            .filter((word) => this.secrets.text(word) === word)
            .slice(0, 3)
            .map((word) => basename(word).replace(/^-+/, ""))
            .join("-"),
    );
    this.names.set(text, name);
    this.texts[name] = text;
    scribe.changed(
      statement,
      `scripts.${name}`,
      `the stack runs scripts of its own only: this one runs ${redirects ? "the command" : program}, which each director must have`,
    );
    return name;
  }

  /** A name that the stack allows and no other script has. */
  private freeName(wanted: string): string {
    if (!(wanted in this.texts) && scriptName.safeParse(wanted).success) return wanted;
    const [, stem = "", ending = ""] = /^(.*?)(\.[A-Za-z]{1,5})?$/.exec(wanted) ?? [];
    const clean = stem
      .toLowerCase()
      .replace(/[^a-z0-9_-]+/g, "-")
      .replace(/^[^a-z]+|-+$/g, "")
      .slice(0, 28);
    for (let i = 1; ; i++) {
      const name = `${clean || "script"}${i === 1 ? "" : `-${i}`}${ending.toLowerCase()}`;
      if (!(name in this.texts) && scriptName.safeParse(name).success) return name;
    }
  }
}

/** Reads a keyword that names a script; a call without options becomes just the name. */
export function hook<Key extends string>(
  scripts: Scripts,
  key: Key,
): Read<Partial<Record<Key, ScriptCall>>> {
  return (draft, statement, scribe) => {
    const call = scripts.call(statement, scribe);
    draft[key] = Object.keys(call).length === 1 ? call.script : call;
    scribe.kept(statement, key);
  };
}

/** Makes readers for the script entries of a table of keywords. */
export function hooksOf<Draft>(
  scripts: Scripts,
  table: Readonly<Record<string, { names: readonly string[]; read?: unknown } | "structural">>,
): Keywords<Draft> {
  return Object.fromEntries(
    Object.entries(table).flatMap(([key, entry]) =>
      entry === "structural" || entry.read
        ? []
        : entry.names.map((keyword) => [keyword, hook(scripts, key) as Read<Draft>]),
    ),
  );
}

/** Reads `user USER [GROUP]`. */
export function readUser(draft: { user?: string }, statement: Statement, scribe: Scribe): void {
  const [user = "", group] = statement.args;
  if (!scriptCall.shape.user.safeParse(user).success) throw new Unfit(`${user} is no login`);
  draft.user = user;
  noGroup(user, group, statement, scribe);
  scribe.kept(statement, "user");
}

function noGroup(
  user: string | undefined,
  group: string | undefined,
  statement: Statement,
  scribe: Scribe,
): void {
  if (group === undefined || group === user) return;
  scribe.changed(
    statement,
    `user: ${user}`,
    `the stack runs it with ${user}'s own group, not ${group}`,
  );
}
