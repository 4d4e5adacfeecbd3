// `lvs logs`: merges the journals of keepalived and of the stack's own services, from all hosts.
import type { Command } from "commander";
import { CouldNotLook, exitCodes, UsageError } from "../exit";
import { type StackCommandOptions, stackCommand, wholeNumber } from "../options";
import { type Ssh, withSsh } from "../ssh";
import { readStack, type StackHost } from "../stack";
import { colorsOn, complain, print as printLine, printJsonLine } from "../voice";
import { entriesOf, type Entry, EntryReader, factsOf, inOrder, lineOf } from "./entries";

interface Options extends StackCommandOptions {
  since?: string;
  follow?: boolean;
  lines?: number | "all";
  json?: boolean;
}

/** Adds `lvs logs`. */
export function addLogs(program: Command): void {
  stackCommand(program, "logs")
    .description("print the logs of keepalived and of the stack's services, in order of time")
    .argument("[host]", "of one host alone, by its name in the stack")
    .option("--since <time>", 'from then on, as journalctl(1) takes it ("10 min ago")')
    .option(
      "-n, --lines <number>",
      "of each host, the latest, or all (100, or with --since all)",
      lineCount,
    )
    .option("-f, --follow", "go on printing what is new, until Ctrl-C")
    .option("--json", "print each entry as a line of JSON")
    .addHelpText(
      "after",
      "\nExit code: 0 done, 1 a host could not be asked, 2 usage, 3 none could.",
    )
    .action(async (host: string | undefined, options: Options) => {
      const stack = await readStack(options);
      const hosts = stack.hosts.filter(({ name }) => host === undefined || name === host);
      if (hosts.length === 0) {
        const known = stack.hosts.map(({ name }) => name).join(", ");
        throw new UsageError(`no host ${host ?? ""} in the stack; it has ${known}`);
      }
      const width = Math.max(...hosts.map(({ name }) => name.length));
      const colors = colorsOn(process.stdout);
      const print = (entry: Entry) => {
        if (options.json) printJsonLine(factsOf(entry));
        else printLine(lineOf(entry, width, colors));
      };
      const failures = await withSsh(hosts, { timeoutSeconds: options.timeout }, (ssh) =>
        options.follow
          ? followAll(ssh, hosts, options, print)
          : printAll(ssh, hosts, options, print),
      );
      for (const failure of failures) complain(`lvs: ${failure}`);
      if (failures.length === hosts.length) throw new CouldNotLook("no host could be asked");
      process.exitCode = failures.length > 0 ? exitCodes.wrong : exitCodes.fine;
    });
}

/** Parses what journalctl(1) accepts for `--lines`: a number or `all`. */
function lineCount(text: string): number | "all" {
  return text === "all" ? text : wholeNumber(0, 1_000_000)(text);
}

/** @throws UsageError when the host rejected the time: every other host would reject it too */
function mustBeTime(since: string | undefined, said: string): void {
  if (since === undefined || !said.includes("Failed to parse timestamp")) return;
  throw new UsageError(
    `--since: ${since} is not a time that journalctl(1) takes; "10 min ago", "yesterday" and "2026-11-23 05:35" are`,
  );
}

type Print = (entry: Entry) => void;

/** Prints the merged journals. Returns one line for each host that failed. */
async function printAll(
  ssh: Ssh,
  hosts: readonly StackHost[],
  options: Options,
  print: Print,
): Promise<string[]> {
  const results = await Promise.all(
    hosts.map(async (host) => {
      const { stdout, stderr, exitCode } = await ssh.run(host, journal(options));
      mustBeTime(options.since, stderr);
      return {
        entries: entriesOf(host.name, stdout),
        failures: exitCode === 0 ? [] : [`${host.name}: ${stderr.trim() || "no answer"}`],
      };
    }),
  );
  inOrder(results.flatMap(({ entries }) => entries)).forEach(print);
  return results.flatMap(({ failures }) => failures);
}

/** After this silence the latest entry is complete: its lines are written at once. */
const silenceMilliseconds = 200;

async function followAll(
  ssh: Ssh,
  hosts: readonly StackHost[],
  options: Options,
  print: Print,
): Promise<string[]> {
  const readers = hosts.map(({ name }) => new EntryReader(name, print));
  const endAll = () => {
    for (const reader of readers) reader.end();
  };
  // On Ctrl-C, print the entries received so far.
  process.once("exit", endAll);
  const ends = await Promise.all(
    hosts.map(async (host, i) => {
      let silence: NodeJS.Timeout | undefined;
      const onLine = (line: string) => {
        clearTimeout(silence);
        readers[i]?.line(line);
        silence = setTimeout(() => readers[i]?.end(), silenceMilliseconds);
      };
      const { stderr, exitCode } = await ssh.follow(host, journal(options), onLine);
      const said = stderr.trim();
      return `${host.name}: ended with ${exitCode}${said && `: ${said}`}`;
    }),
  );
  process.off("exit", endAll);
  endAll();
  for (const end of ends) mustBeTime(options.since, end);
  return ends;
}

function journal(options: Options): string[] {
  const { since, lines } = options;
  const number = lines ?? (since === undefined ? 100 : undefined);
  return [
    "journalctl",
    "--no-pager",
    "-q",
    "-o",
    "short-unix",
    "-u",
    "keepalived",
    "-u",
    "lvs-ha-*",
    ...(since === undefined ? [] : [`--since=${since}`]),
    ...(number === undefined ? [] : [`--lines=${number}`]),
    ...(options.follow ? ["--follow"] : []),
  ];
}
