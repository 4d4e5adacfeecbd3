// What keepalived must have made of its config in a director's kernel: what no script of a step's own knows.
import type { DirectorModel } from "../../components/model";
import { parseDaemons, wayOfDaemon, type SyncDaemon } from "../ipvs";
import { type Report, textOf } from "../report";
import type { StackHost, Step } from "../stack";
import { drainedByChangeFile, drainedFile, liveTable, tableNotes, wantedTable } from "./table";

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
  if (step === undefined || step.args[2] === "stopped") return [];
  return [ipvs(step, host.director), syncDaemons(step, host.director)];
}

function syncDaemons(step: Step, { syncDaemon }: DirectorModel): Expectation {
  const running = (report: Report) => parseDaemons(textOf(report, "ipvs-daemons"));
  const described = (daemons: SyncDaemon[]) =>
    lines(
      daemons
        // What the kernel doesn't tell is as it is wanted.
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
