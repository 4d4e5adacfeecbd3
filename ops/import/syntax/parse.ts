// Parses keepalived.conf into a tree of statements, and reports everything wrong with it.
import { checkers, checkTypes } from "../../../components/keepalived/checkers";
import { noFiles, type ConfigFiles } from "./files";
import { LineReader, type Findings, type Line, type Place } from "./lines";
import { splitWords } from "./words";

/** One line of the config, with its block if it has one. */
export interface Statement extends Place {
  keyword: string;
  /** The words after the keyword, with variables replaced and quotes removed. */
  args: string[];
  /**
   * The whole line as keepalived's script keywords see it, with quotes: see {@link quotedWords}.
   */
  text: string;
  block?: Statement[];
  /** Comments on the lines directly above; `beside` is the one at the end of the line. */
  above: string[];
  beside?: string;
}

/** A parsed config. */
export interface Parsed extends Findings {
  statements: Statement[];
}

/** How to parse a config. */
export interface ParseOptions {
  /** The file's name, for messages and for relative includes. @default "keepalived.conf" */
  file?: string;
  /** Finds includes. @default none are found: each is a problem */
  files?: ConfigFiles;
  /** What `@NAME` is compared with: `--config-id`, or the host's name up to its first dot. */
  configId?: string;
}

/** Parses a config like keepalived 2.2.7 to 2.3.3. Every line is in the tree or in the findings. */
export function parse(text: string, options: ParseOptions = {}): Parsed {
  const { file = "keepalived.conf", files = noFiles, configId } = options;
  const reader = new LineReader({ file, text }, files, configId);
  const statements: Statement[] = [];
  const open: Open[] = [{ block: statements, kind: "keywords" }];
  // The statement just read, whose block may open next.
  let last: Statement | undefined;
  const enter = (of: Statement, kind: BlockKind) => {
    if (open.length > maxNesting) {
      reader.stop(of.text, `blocks stand in one another more than ${maxNesting} deep here`);
    }
    of.block = [];
    open.push({ of, block: of.block, kind });
    last = undefined;
  };
  for (let line = reader.next(); line; line = reader.next()) {
    const kind = last && blockKind(last.keyword, open.at(-1));
    if (line.text === "{") {
      if (!last) {
        reader.problem("{", "opens no block: keepalived ignores it", line);
        continue;
      }
      if (!kind) {
        const outer = open.at(-1)?.of?.keyword ?? "the file's top level";
        const why = `keepalived knows no block ${last.keyword} here: it takes what stands in it for a part of ${outer}`;
        reader.problem(last.text, why, line);
      }
      enter(last, kind ?? "keywords");
      continue;
    }
    if (last && kind) {
      const why = '"{" is missing behind it: keepalived reads on as if it were there';
      reader.problem(last.text, why, last);
      enter(last, kind);
    }
    if (line.text === "}") {
      if (open.length > 1) open.pop();
      else reader.problem("}", "closes no block", line);
      last = undefined;
      continue;
    }
    const statement = toStatement(line, reader);
    if (!statement) continue;
    open.at(-1)?.block.push(statement);
    last = statement;
  }
  for (const { of } of open) {
    if (of) reader.problem(of.text, `"}" is missing: its block goes on to the end`, of);
  }
  return { statements, ...reader.findings };
}

/** Limit of nested blocks; keepalived's own are at most four deep. */
const maxNesting = 64;

/**
 * Whether a block holds keywords or values: a value such as a script's name may look like a
 * keyword.
 */
type BlockKind = "keywords" | "values";

interface Open {
  of?: Statement;
  block: Statement[];
  kind: BlockKind;
}

function blockKind(keyword: string, { of, kind }: Open = { block: [], kind: "keywords" }) {
  if (kind === "values") return undefined;
  const here = `${of?.keyword ?? "top"} ${keyword}`;
  return blocksByParent.has(here) ? blocksByParent.get(here) : blocks.get(keyword);
}

/** Whether a keyword has a block anywhere. */
export function isBlock(keyword: string): boolean {
  return blocks.has(keyword);
}

/**
 * Keywords with a block (install_sublevel, install_keyword_root and alloc_value_block in
 * keepalived's parsers).
 */
const blocks = new Map<string, BlockKind>([
  ...keys(
    "keywords",
    "global_defs vrrp_instance authentication vrrp_sync_group vrrp_script vrrp_track_process",
  ),
  ...keys(
    "keywords",
    "vrrp_track_file track_group garp_group bfd_instance SSL virtual_server real_server",
  ),
  ...checkTypes.flatMap((type) => keys("keywords", checkers[type].block)),
  // In HTTP_GET and SSL_GET, and in SMTP_CHECK.
  ...keys("keywords", "url host"),
  ...keys(
    "values",
    "notification_email static_ipaddress static_routes static_rules linkbeat_interfaces",
  ),
  ...keys("values", "interface_up_down_delays interfaces group virtual_server_group unicast_peer"),
  ...keys("values", "track_interface track_script track_file track_process track_bfd"),
  ...keys("values", "virtual_ipaddress virtual_ipaddress_excluded virtual_routes virtual_rules"),
]);

/** Exceptions that depend on the enclosing block. */
const blocksByParent = new Map<string, BlockKind | undefined>([
  ["top track_file", "keywords"],
  ["FILE_CHECK track_file", undefined],
]);

function keys(kind: BlockKind, names: string): [string, BlockKind][] {
  return names.split(" ").map((name) => [name, kind]);
}

function toStatement(line: Line, reader: LineReader): Statement | undefined {
  const { words, unmatched } = splitWords(line.text);
  if (unmatched !== undefined) {
    reader.problem(
      line.text,
      `a quote is opened and never closed: keepalived drops ${JSON.stringify(unmatched)}`,
      line,
    );
  }
  const [keyword, ...args] = words;
  if (keyword === undefined) return undefined;
  if (line.text.endsWith("\\")) {
    reader.problem(line.text, 'a "\\" at the end joins lines in definitions only', line);
  }
  return { keyword, args, ...line };
}
