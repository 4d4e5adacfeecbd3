// Reads what instances and checks track: vrrp_script, vrrp_track_process, track_file, bfd_instance.
import * as tables from "../../../components/keepalived/keywords/tracking";
import { familyOf } from "../../../components/schema";
import {
  blockNameOf,
  cannot,
  each,
  integerOf,
  keptName,
  readBlock,
  readersOf,
  seconds,
  word,
  type Keywords,
  type Read,
} from "./keywords";
import type { Statement } from "../syntax/parse";
import { Unfit, type Scribe } from "../report";
import { readUser, type Scripts } from "./scripts";
import {
  bfdShape,
  trackedFileShape,
  trackedProcessShape,
  trackedScriptShape,
  type BfdSession,
  type TrackedFile,
  type TrackedProcess,
  type TrackedScript,
} from "../shapes";

/** Everything that a config tracks, in its order. */
export interface TrackingReading {
  scripts: TrackedScript[];
  processes: TrackedProcess[];
  files: TrackedFile[];
  bfd: BfdReading[];
}

/** A BFD session with one director's addresses. */
export interface BfdReading extends Omit<BfdSession, "neighbor" | "source"> {
  neighbor?: string;
  source?: string;
}

/** Reads the top-level blocks of tracked objects. */
export function readTracking(
  statements: Statement[],
  scripts: Scripts,
  scribe: Scribe,
): TrackingReading {
  const all = <Draft>(
    keywords: string[],
    key: string,
    read: (statement: Statement, here: Scribe) => Draft,
  ): Draft[] =>
    statements
      .filter(({ keyword }) => keywords.includes(keyword))
      .map((statement) => {
        const name = blockNameOf(statement.args[0] ?? "");
        const here = scribe.in(`tracking.${key}[${name}]`);
        keptName(statement, name, here);
        return read(statement, here);
      });
  return {
    scripts: all(["vrrp_script"], "scripts", (statement, here) =>
      readBlock<TrackedScript>(
        statement,
        scriptKeywords(scripts),
        // keepalived's defaults are the stack's, too.
        { name: blockNameOf(word(statement)) },
        here,
      ),
    ).filter((script) => script.script !== undefined),
    processes: all(["vrrp_track_process"], "processes", (statement, here) =>
      readBlock(statement, processKeywords, { name: blockNameOf(word(statement)) }, here),
    ),
    files: all(["track_file", "vrrp_track_file"], "files", (statement, here) =>
      readBlock(statement, fileKeywords, { name: blockNameOf(word(statement)) }, here),
    ),
    bfd: all(["bfd_instance"], "bfd", (statement, here) =>
      // keepalived's defaults, which differ from the stack's.
      ({
        minRxMilliseconds: 10,
        minTxMilliseconds: 10,
        ...readBlock<BfdReading>(
          statement,
          bfdKeywords,
          { name: blockNameOf(word(statement)) },
          here,
        ),
      }),
    ),
  };
}

/** Reads `weight NUMBER [reverse]` of a tracked object. */
function weight<Draft extends { weight?: number; reverse?: boolean }>(): Read<Draft> {
  return (draft, statement, scribe) => {
    const [text = "", sense] = statement.args;
    draft.weight = integerOf(text);
    if (sense === "reverse") draft.reverse = true;
    else if (sense !== undefined) throw new Unfit(`${sense} is no option of a weight`);
    scribe.kept(statement, "weight");
  };
}

function scriptKeywords(scripts: Scripts): Keywords<TrackedScript> {
  return {
    ...readersOf(trackedScriptShape, tables.scriptKeywords),
    script(draft, statement, scribe) {
      Object.assign(draft, scripts.call(statement, scribe, "nothing"));
      scribe.kept(statement, "script");
    },
    weight: weight(),
    user: readUser,
  };
}

const processKeywords: Keywords<TrackedProcess> = {
  ...readersOf(trackedProcessShape, tables.processKeywords),
  process(draft, statement, scribe) {
    const [name = "", ...parameters] = statement.args;
    const given = { process: name, ...(parameters.length > 0 ? { parameters } : {}) };
    for (const key of Object.keys(given) as (keyof typeof given)[]) {
      const { error } = trackedProcessShape[key].safeParse(given[key]);
      if (error) throw new Unfit(`${key}: ${error.issues[0]?.message ?? ""}`);
    }
    Object.assign(draft, given);
    scribe.kept(statement, "process");
  },
  weight: weight(),
  delay(draft, statement, scribe) {
    draft.forkDelaySeconds = draft.terminateDelaySeconds = seconds(statement);
    scribe.kept(statement, "forkDelaySeconds");
  },
};

const fileKeywords: Keywords<TrackedFile> = {
  ...readersOf(trackedFileShape, tables.fileKeywords),
  weight: weight(),
  init_file(draft, statement, scribe) {
    const number = statement.args.find((arg) => arg !== "overwrite");
    draft.initialValue = integerOf(number ?? "0");
    if (statement.args.includes("overwrite")) {
      scribe.changed(
        statement,
        `initialValue: ${draft.initialValue}`,
        "a file that is there keeps its number",
      );
    }
    scribe.kept(statement, "initialValue");
  },
};

const bfdKeywords: Keywords<BfdReading> = {
  ...readersOf(bfdShape, tables.bfdKeywords, { minRxMilliseconds: 10, minTxMilliseconds: 10 }),
  neighbor_ip: neighbor,
  neighbour_ip: neighbor,
  source_ip(draft, statement, scribe) {
    draft.source = addressArgument(statement);
    scribe.kept(statement, "source");
  },
  weight: weight(),
  ...each(
    "vrrp checker",
    cannot<BfdReading>("the stack lets both the VRRP and the checker process know of a session"),
  ),
};

function neighbor(draft: BfdReading, statement: Statement, scribe: Scribe): void {
  draft.neighbor = addressArgument(statement);
  scribe.kept(statement, "neighbor");
}

function addressArgument(statement: Statement): string {
  const address = word(statement);
  if (familyOf(address) === undefined) throw new Unfit(`${address} is no address`);
  return address;
}
