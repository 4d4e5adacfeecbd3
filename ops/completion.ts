// Shell completion, from the commands themselves: what a shell needs to know is in the text, so that Tab starts nothing.
import { join } from "node:path";
import { Argument, type Command } from "commander";
import { quote } from "shell-quote";

/** The name that a shell gets for the command: LVM has the name lvs. */
const name = "lvs-ha";

export function addCompletion(program: Command): void {
  program
    .command("completion")
    .description(`print what makes ${name} a command of your shell, with completion`)
    .addArgument(new Argument("<shell>").choices(Object.keys(shells)))
    .addHelpText(
      "after",
      '\nPut this into ~/.bashrc or ~/.zshrc, in the project\'s folder FOLDER:\n  eval "$(npm --silent --prefix FOLDER run lvs -- completion bash)"',
    )
    .action((shell: keyof typeof shells) => {
      console.log(shells[shell](program));
    });
}

/** By shell, the text for the program's commands as they are now. */
export const shells = { bash, zsh };

function bash(program: Command): string {
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
        `    ${command.name()}) COMPREPLY=($(compgen -W ${quote([words(command).join(" ")])} -- "$cur")) ;;`,
    ),
    `    *) COMPREPLY=($(compgen -W ${quote([[...commands, "--help"].join(" ")])} -- "$cur")) ;;`,
    "    esac",
    "}",
    `complete -o default -F _lvs_ha ${name}`,
  ].join("\n");
}

function zsh(program: Command): string {
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
      const choices = command.registeredArguments.flatMap(({ argChoices = [] }) => argChoices);
      const rest = choices.length > 0 ? `*: :(${choices.join(" ")})` : "*: :_files";
      return `    ${command.name()}) _arguments ${[...options, quote([rest])].join(" ")} ;;`;
    }),
    "    esac",
    "}",
    "(( $+functions[compdef] )) || { autoload -Uz compinit && compinit; }",
    `compdef _lvs_ha ${name}`,
  ].join("\n");
}

/** Runs the command in the project's folder, from wherever the shell is. */
function shellFunction(): string {
  const folder = quote([join(__dirname, "..")]);
  return `${name}() { npm --silent --prefix ${folder} run lvs -- "$@"; }`;
}

function words(command: Command): string[] {
  return [
    ...command.commands.map((inner) => inner.name()),
    ...command.registeredArguments.flatMap(({ argChoices = [] }) => argChoices),
    ...command.options.flatMap(({ long, short }) => [long ?? short ?? ""]),
    "--help",
  ];
}

function described(word: string, description: string): string {
  return quote([`${word}:${description}`]);
}
