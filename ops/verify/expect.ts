// What keepalived must have made of its config in a director's kernel, and what of a change to a real server must be over: what no script
// of a step's own knows.
import { type DirectorConfig, readDirectorConfig } from "../directorConfig";
import { shortestForm, parseDaemons, type SyncDaemon } from "../ipvs";
import { type Report, textOf } from "../report";
import type { StackHost, Step } from "../stack";
import { directorConfigText, isInMaintenance } from "../steps";
import {
  drainedByChangeFile,
  drainedFile,
  leftDrained,
  liveTable,
  tableNotes,
  wantedTable,
} from "./table";

/** One thing that must be so: two texts that must be the same. */
export interface Expectation {
  step: Step;
  title: string;
  /** What the host must be asked for it: see report.sh. */
  questions: string[];
  /** Answers without which nothing can be compared. */
  needs: string[];
  want: (report: Report) => string;
  have: (report: Report) => string;
  /** What is worth knowing, and is no drift. */
  notes?: (report: Report) => string[];
}

/** What must be so on a host beside what its scripts know. */
export function expectations(host: StackHost): Expectation[] {
  const step = host.steps.find(({ script }) => script === "keepalived.sh");
  const serves = step !== undefined && !isInMaintenance(host);
  return [
    ...(serves ? inKernel(step, host, directorConfigText(host)) : []),
    ...host.restores.map(restored),
  ];
}

/** What keepalived makes of its config in the kernel. */
function inKernel(step: Step, host: StackHost, text: string): Expectation[] {
  const config = readDirectorConfig(text);
  return [ipvs(step, host, config), syncDaemons(step, config)];
}

function syncDaemons(step: Step, { syncDaemon }: DirectorConfig): Expectation {
  const running = (report: Report) => parseDaemons(textOf(report, "ipvs-daemons"));
  const described = (daemons: SyncDaemon[]) =>
    lines(
      daemons
        .map(({ state, interface: device, syncId }) => `${state} on ${device}, id ${syncId}`)
        .sort(),
    );
  return {
    step,
    title: "connection sync daemons",
    questions: ["director"],
    needs: ["ipvs-daemons"],
    want: (report) => {
      if (syncDaemon === undefined) return "";
      const states: SyncDaemon["state"][] =
        syncDaemon.instance === undefined
          ? ["backup", "master"]
          : // One at a time, by the instance's state.
            [running(report)[0]?.state ?? "backup"];
      const { interface: device, syncId = running(report)[0]?.syncId ?? 0 } = syncDaemon;
      return described(states.map((state) => ({ state, interface: device, syncId })));
    },
    have: (report) => described(running(report)),
  };
}

function ipvs(step: Step, { restores }: StackHost, config: DirectorConfig): Expectation {
  return {
    step,
    title: "IPVS table",
    questions: ["director", "ipvs-rules", `file=${drainedFile}`, `file=${drainedByChangeFile}`],
    needs: ["ipvs-rules", "ipvs-thresholds"],
    want: (report) => wantedTable(config, report),
    have: (report) => liveTable(config, report),
    notes: (report) => tableNotes(config, report, restores.flatMap(restoredAddresses)),
  };
}

/** Who was drained for a change is in again: the engine may have been killed before it came to that. */
function restored(step: Step): Expectation {
  const addresses = restoredAddresses(step);
  return {
    step,
    title: `new connections to ${addresses.join(", ")}`,
    questions: [],
    needs: ["ipvs-rules"],
    want: () => "",
    have: (report) =>
      lines(leftDrained(report, addresses).map((key) => `${key} is still drained by a change`)),
  };
}

function restoredAddresses({ args }: Step): string[] {
  return args.slice(1).map(shortestForm);
}

function lines(words: readonly string[]): string {
  return words.map((word) => `${word}\n`).join("");
}
