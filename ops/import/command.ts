// `lvs import`: an existing pair's keepalived.conf as stack config, for a pair that somebody built by hand.
import { readFileSync, writeFileSync } from "node:fs";
import { basename } from "node:path";
import type { Command } from "commander";
import { CouldNotLook, exitCodes, UsageError } from "../exit";
import { isChefNode, readChefNode } from "./chef";
import { diskFiles } from "./files";
import { importConfig, renderReport, type DirectorConfig } from "./index";

interface Options {
  ipvsadm?: string;
  root?: string;
  host?: string;
  output?: string;
  force?: boolean;
  verbose?: boolean;
}

/** Adds `import` to the program. */
export function addImport(program: Command): void {
  program
    .command("import")
    .description("make stack config of an existing pair's keepalived.conf")
    .argument(
      "<conf...>",
      "keepalived.conf of one director, or better of each; or a Chef node's JSON of the cookbook lvs01",
    )
    .option("--ipvsadm <file>", "output of ipvsadm -Sn or ipvsadm -Ln of the first director, too")
    .option(
      "--root <folder>",
      "the director's root folder, or a copy of it: for included files and scripts outside /etc/keepalived",
    )
    .option("--host <name>", "take the lines that begin with @NAME for this host only")
    .option("-o, --output <file>", "write the config there instead of printing it")
    .option("--force", "overwrite the file")
    .option("-v, --verbose", "also list every line that was kept")
    .addHelpText(
      "after",
      "\nThe config goes to standard output, a report to standard error: what was kept, what was changed and why,\n" +
        "what could not be expressed, and what is to be filled in (it says FILL_IN there).\n" +
        "What the files have below /etc/keepalived is looked for beside them: copy that folder from each director.\n" +
        "Exit code: 0 everything is expressed, 1 something isn't, 2 usage, 3 a file can't be read.",
    )
    .action((files: string[], options: Options) => {
      run(files, options);
    });
}

function run([first = "", ...others]: string[], options: Options): void {
  const { output, force = false } = options;
  const node = readNode(first);
  const { yaml, report } = importConfig({
    configs: [
      directorConfig(first, options),
      ...others.map((file) => directorConfig(file, options)),
    ],
    ...(options.ipvsadm === undefined
      ? {}
      : { ipvsadm: { file: options.ipvsadm, text: read(options.ipvsadm) } }),
    ...(node ? { chef: node } : {}),
  });
  if (output === undefined) process.stdout.write(yaml);
  else write(output, yaml, force);
  process.stderr.write(renderReport(report, { all: options.verbose }));
  process.exitCode = report.inexpressible.length > 0 ? exitCodes.wrong : exitCodes.fine;
}

function readNode(file: string): ReturnType<typeof readChefNode> | undefined {
  const text = read(file);
  return isChefNode(text) ? chefNode(file, text) : undefined;
}

function directorConfig(file: string, { root, host }: Options): DirectorConfig {
  const text = read(file);
  const conf = isChefNode(text) ? chefNode(file, text).keepalivedConf : text;
  return { file, text: conf, files: diskFiles(file, root), host };
}

function chefNode(file: string, text: string): ReturnType<typeof readChefNode> {
  try {
    return readChefNode(text);
  } catch (error) {
    throw new UsageError(`${basename(file)} ${(error as Error).message}`);
  }
}

function read(file: string): string {
  try {
    return readFileSync(file, "utf8");
  } catch (error) {
    throw new CouldNotLook(`${file} cannot be read: ${(error as Error).message}`);
  }
}

function write(file: string, text: string, force: boolean): void {
  try {
    writeFileSync(file, text, { flag: force ? "w" : "wx" });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "EEXIST") {
      throw new UsageError(`${file} is there already; --force overwrites it`);
    }
    throw new CouldNotLook(`${file} cannot be written: ${(error as Error).message}`);
  }
}
