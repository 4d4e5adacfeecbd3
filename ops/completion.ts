// Shell completion. Names and options are in the printed text, so pressing Tab starts no program.
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { Argument, type Command } from "commander";
import { quote } from "shell-quote";
import { parseDocument } from "yaml";
import { z } from "zod";
import { namespace } from "../components/config";
import { hostLists, namedHosts } from "./config";
import { print } from "./voice";

/** The shell command is named lvs-ha, because LVM has a command named lvs. */
const name = "lvs-ha";

/** Adds `lvs completion`. */
export function addCompletion(program: Command): void {
  program
    .command("completion")
    .description(`print what makes ${name} a command of your shell, with completion`)
    .addArgument(new Argument("<shell>").choices(Object.keys(shells)))
    .addHelpText(
      "after",
      `\nPut this into ~/.bashrc or ~/.zshrc, with the project's folder in place of FOLDER:\n  eval "$(cd FOLDER && npx ${name} completion bash)"\nIn a clone of ${name} it is:\n  eval "$(npm --silent --prefix FOLDER run lvs -- completion bash)"`,
    )
    .action((shell: keyof typeof shells) => {
      print(shells[shell](program, hostsOf(project)));
    });
}

/** The folder of the program: npm runs its scripts there. */
const project = process.cwd();

/** Host names by the name of the argument that takes them: `real-server` or `host`. */
export type HostNames = Record<string, string[]>;

const stackFile = z
  .object({ config: z.record(z.string(), z.unknown()).catch({}) })
  .catch({ config: {} });

/** The hosts in the stack files of a folder, read now. */
export function hostsOf(folder: string): HostNames {
  const files = readdirSync(folder).filter((file) => /^Pulumi\..+\.yaml$/.test(file));
  const configs = files.map(
    (file) =>
      stackFile.parse(parseDocument(readFileSync(join(folder, file), "utf8")).toJS()).config,
  );
  const names = (list: (typeof hostLists)[number]) =>
    configs
      .flatMap((config) => namedHosts.catch([]).parse(config[`${namespace}:${list}`]))
      .map(({ name: host }) => host);
  // The files are unchecked and a shell reads the names: drop a name that could be more than a
  // word.
  const sorted = (all: string[]) =>
    [...new Set(all)].filter((word) => /^\w[\w.-]*$/.test(word)).sort();
  return {
    "real-server": sorted(names("realServers")),
    host: sorted(hostLists.flatMap(names)),
  };
}

/** The completion text by shell, for the program's current commands. */
export const shells = { bash, zsh };

function bash(program: Command, hosts: HostNames): string {
  const commands = program.commands.map((command) => command.name());
  return [
    shellFunction(),
    "_lvs_ha() {",
    "    local cur=${COMP_WORDS[COMP_CWORD]} command= word",
    '    for word in "${COMP_WORDS[@]:1:COMP_CWORD-1}"; do',
    `        case $word in ${commands.join("|")}) command=$word && break ;; esac`,
    "    done",
    "    case $command in",
    ...program.commands.map(
      (command) =>
        `    ${command.name()}) COMPREPLY=($(compgen -W ${quote([words(command, hosts).join(" ")])} -- "$cur")) ;;`,
    ),
    `    *) COMPREPLY=($(compgen -W ${quote([[...commands, "--help"].join(" ")])} -- "$cur")) ;;`,
    "    esac",
    "}",
    `complete -o default -F _lvs_ha ${name}`,
  ].join("\n");
}

function zsh(program: Command, hosts: HostNames): string {
  return [
    shellFunction(),
    "_lvs_ha() {",
    "    local -a commands",
    `    commands=(${program.commands.map((command) => described(command.name(), command.description())).join(" ")})`,
    "    if ((CURRENT == 2)); then",
    "        _describe command commands",
    "        return",
    "    fi",
    "    case $words[2] in",
    ...program.commands.map((command) => {
      const options = command.options.flatMap(({ long, description }) =>
        long ? [quote([`${long}[${description.replace(/[[\]]/g, "")}]`])] : [],
      );
      const choices = choicesOf(command, hosts);
      const rest = choices.length > 0 ? `*: :(${choices.join(" ")})` : "*: :_files";
      return `    ${command.name()}) _arguments ${[...options, quote([rest])].join(" ")} ;;`;
    }),
    "    esac",
    "}",
    "(( $+functions[compdef] )) || { autoload -Uz compinit && compinit; }",
    `compdef _lvs_ha ${name}`,
  ].join("\n");
}

/** A shell function that runs the command in the project's folder, from any working directory: the one that npm installed there, or a clone's. */
function shellFunction(): string {
  const installed = `node_modules/.bin/${name}`;
  const folder = quote([project]);
  return existsSync(join(project, installed))
    ? `${name}() { (INIT_CWD=$PWD && export INIT_CWD && cd ${folder} && exec ${installed} "$@"); }`
    : `${name}() { npm --silent --prefix ${folder} run lvs -- "$@"; }`;
}

function choicesOf(command: Command, hosts: HostNames): string[] {
  return command.registeredArguments.flatMap(
    (argument) => argument.argChoices ?? hosts[argument.name()] ?? [],
  );
}

function words(command: Command, hosts: HostNames): string[] {
  return [
    ...command.commands.map((inner) => inner.name()),
    ...choicesOf(command, hosts),
    ...command.options.flatMap(({ long, short }) => [long ?? short ?? ""]),
    "--help",
  ];
}

function described(word: string, description: string): string {
  return quote([`${word}:${description}`]);
}
