// Compares keepalived's work in a director's kernel with its config. The steps' own scripts don't
// check it.
import type { DirectorModel } from "../../components/model";
import { parseDaemons, wayOfDaemon, type SyncDaemon } from "../ipvs";
import { type Report, textOf } from "../report";
import type { StackHost, Step } from "../stack";
import { drainedByChangeFile, drainedFile, liveTable, tableNotes, wantedTable } from "./table";

/** One comparison: two texts that must be equal. */
export interface Expectation {
  step: Step;
  title: string;
  /** The questions to ask the host: see report.sh. */
  questions: string[];
  /** Answers without which nothing can be compared. */
  needs: string[];
  want: (report: Report) => string;
  have: (report: Report) => string;
  /** Facts worth showing that are not drift. */
  notes?: (report: Report) => string[];
}

/** The comparisons for a host beyond those that its scripts make. */
export function expectations(host: StackHost): Expectation[] {
  const step = host.steps.find(({ script }) => script === "keepalived.sh");
  if (step === undefined || step.args[2] === "stopped") return [];
  return [ipvs(step, host.director), syncDaemons(step, host.director)];
}

function syncDaemons(step: Step, { syncDaemon }: DirectorModel): Expectation {
  const running = (report: Report) => parseDaemons(textOf(report, "ipvs-daemons"));
  const described = (daemons: SyncDaemon[]) =>
    lines(
      daemons
        // Settings that the kernel doesn't report are assumed to be as wanted.
        .map((daemon) => `${daemon.state} on ${wayOfDaemon({ ...syncDaemon, ...daemon })}`)
        .sort(),
    );
  return {
    step,
    title: "connection sync daemons",
    questions: ["director"],
    needs: ["ipvs-daemons"],
    want: () => {
      if (syncDaemon === undefined) return "";
      const roles = ["backup", "master"] as const;
      return described(roles.map((state) => ({ state, ...syncDaemon })));
    },
    have: (report) => described(running(report)),
  };
}

function ipvs(step: Step, director: DirectorModel): Expectation {
  return {
    step,
    title: "IPVS table",
    questions: ["director", "ipvs-rules", `file=${drainedFile}`, `file=${drainedByChangeFile}`],
    needs: ["ipvs-rules", "ipvs-thresholds"],
    want: (report) => wantedTable(director, report),
    have: (report) => liveTable(director, report),
    notes: (report) => tableNotes(director, report),
  };
}

function lines(words: readonly string[]): string {
  return words.map((word) => `${word}\n`).join("");
}
