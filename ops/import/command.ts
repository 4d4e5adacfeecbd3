// `lvs import`: turns the keepalived.conf of a hand-built pair into stack config.
import { existsSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { isatty } from "node:tty";
import { Option, type Command } from "commander";
import { CouldNotLook, exitCodes, UsageError } from "../exit";
import { printableIn } from "../printable";
import { leaveToSignals } from "../signals";
import { complain, printFile, printJson } from "../voice";
import { isChefNode, readChefNode } from "./chef";
import { diskFiles } from "./syntax/files";
import { notConfig, notText } from "./syntax/notConfig";
import { importConfig, renderReport, type DirectorConfig } from "./index";

interface Options {
  ipvsadm?: string;
  root?: string;
  host?: string;
  output?: string;
  json?: boolean;
  verbose?: boolean;
}

/** Adds `lvs import`. */
export function addImport(program: Command): void {
  program
    .command("import")
    .description("make stack config of an existing pair's keepalived.conf")
    .argument(
      "<conf...>",
      "keepalived.conf of one director, or better of each; or the JSON of nodes of the Chef cookbook lvs01",
    )
    .option("--ipvsadm <file>", "what the first director forwards: output of ipvsadm -Sn")
    .option(
      "--root <folder>",
      "the director's root folder, or a copy, for what is outside /etc/keepalived",
    )
    .option("--host <name>", "the director that the file is of, where lines begin with @NAME")
    .option("-o, --output <file>", "write the config there, to a file that isn't there yet")
    .addOption(
      new Option("--json", "print config and report as JSON").conflicts(["output", "verbose"]),
    )
    .option("-v, --verbose", "also report every line that was kept")
    .addHelpText(
      "after",
      "\nThe config goes to standard output, the report to standard error." +
        "\nExit code: 0 all of it is expressed, 1 something isn't, 2 usage, 3 a file can't be read.",
    )
    .action((files: [string, ...string[]], options: Options) => {
      // npm changes to the project's folder, but file names are relative to the caller's.
      process.chdir(process.env.INIT_CWD ?? ".");
      leaveToSignals();
      run(files, options);
    });
}

function run([first, ...others]: [string, ...string[]], options: Options): void {
  const { ipvsadm, output, json, verbose } = options;
  if (output !== undefined && existsSync(output)) {
    throw new UsageError(`${output} is there already: name another file, or remove it`);
  }
  const readDirector = (file: string) => directorConfig(file, read(file), options);
  const { yaml, config, report } = importConfig(
    [readDirector(first), ...others.map(readDirector)],
    ipvsadm === undefined ? undefined : { file: ipvsadm, text: read(ipvsadm) },
  );
  if (json) printJson({ config, report });
  else {
    if (output === undefined) printFile(yaml);
    else write(output, yaml);
    complain(renderReport(printableIn(report), { all: verbose }).trimEnd());
  }
  process.exitCode = report.inexpressible.length > 0 ? exitCodes.wrong : exitCodes.fine;
}

/**
 * A director's config from a file's text, either a keepalived.conf or a node's JSON.
 * @throws UsageError when it is neither
 */
export function directorConfig(
  file: string,
  text: string,
  { root, host }: Pick<Options, "root" | "host">,
): DirectorConfig {
  if (!isChefNode(text)) {
    const why = text.trim() === "" ? "it is empty" : notConfig(text);
    if (why !== undefined) throw new UsageError(`${file} is no keepalived.conf: ${why}`);
    return { file, text, files: diskFiles(file, root), host };
  }
  try {
    const chef = readChefNode(text);
    const shown = `${file}, as the cookbook's keepalived.conf`;
    return { file: shown, text: chef.keepalivedConf, host: host ?? chef.name, chef };
  } catch (error) {
    throw new UsageError(`${file} ${(error as Error).message}`);
  }
}

function read(file: string): string {
  const bytes = readBytes(file);
  const why = notText(bytes);
  if (why !== undefined) throw new UsageError(`${file} is no keepalived.conf: ${why}`);
  return bytes.toString("utf8");
}

function readBytes(file: string): Buffer {
  try {
    if (!hasAnEnd(file)) throw new Error("it is neither a regular file nor standard input");
    return readFileSync(file);
  } catch (error) {
    throw new CouldNotLook(`${file} can't be read: ${(error as Error).message}`);
  }
}

/**
 * Whether reading the file ends: a device may never end, and a FIFO blocks without a writer. Files
 * that the shell has opened do end.
 */
function hasAnEnd(file: string): boolean {
  const stat = statSync(file);
  const [, open] = /^\/(?:dev|proc\/self)\/(?:fd\/(\d+)|stdin)$/.exec(file) ?? [];
  const isOpen = file === "/dev/stdin" || open !== undefined;
  return stat.isFile() || (isOpen && (stat.isFIFO() || isatty(Number(open ?? 0))));
}

function write(file: string, text: string): void {
  try {
    writeFileSync(file, text, { flag: "wx" });
  } catch (error) {
    throw new CouldNotLook(`${file} can't be written: ${(error as Error).message}`);
  }
}
