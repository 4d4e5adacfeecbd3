/** The bench's figures: samples, their medians, and tables of those. */
import { spread } from "../lab/experiments/figures";
import type { Machine } from "./machine";
import type { Cost } from "./measured";

/** The measured phases of a stack of one size, in the order in which they run. */
export const phases = ["preview", "cold", "noop", "change"] as const;

export type Phase = (typeof phases)[number];

/** Everything that is measured. */
export const subjects = ["emptyCold", "emptyNoop", "compile", "floor", ...phases] as const;

export type Subject = (typeof subjects)[number];

/** The name of each subject in a table. */
export const titles: Record<Subject, string> = {
  emptyCold: "empty program, first up",
  emptyNoop: "empty program, nothing to do",
  compile: "preview that compiles the program",
  floor: "floor: one login, `sh -s`",
  preview: "preview of everything",
  cold: "first up",
  noop: "nothing to do",
  change: "another scheduler",
};

/** Logins, as counted by the hosts. */
export interface Logins {
  all: number;
  /** The highest count of one director. */
  aDirector: number;
  aRealServer: number;
}

/** The result of one run. */
export interface Sample extends Cost {
  subject: Subject;
  /** 0 for an empty program. */
  hosts: number;
  services: number;
  logins: Logins;
  /** The size of the whole state after the run; absent without a state. */
  stateBytes?: number;
  /** The machine's load average over one minute, before the run. */
  load: number;
}

/** All figures of a bench: the content of docs/performance.json. */
export interface Figures {
  experiment: "engine";
  /** The start time, in ISO 8601. */
  measured: string;
  command: string;
  machine: Machine;
  /** The origin of the engine and its plugins. */
  engine: string;
  plugins: Record<string, string>;
  /** The machine's load average over one minute, at the start. */
  load: number;
  timeoutSeconds: number;
  samples: Sample[];
}

/** Whether the machine had other work when the bench began. */
export function wasBusy({ load }: Pick<Figures, "load">): boolean {
  return load > 0.5;
}

/** The warning about figures from a busy machine. */
export function busyWords({ load }: Pick<Figures, "load">): string {
  return `The machine had other work (load average ${load.toFixed(1)} when the bench began): these are no figures to go by.`;
}

/** The medians of one subject's samples at one size. */
export interface Figure {
  subject: Subject;
  hosts: number;
  services: number;
  runs: number;
  wallSeconds: number;
  /** Absent if every run ran out of time. */
  cpuSeconds?: number;
  /** Whether a run ran out of time: then the figures are lower bounds. */
  isCutOff: boolean;
  logins: Logins;
  stateBytesAHost?: number;
  peakMemoryBytes: number;
}

/** Figures by size, then in the order of {@link subjects}. Those without hosts come first. */
export function summary(samples: readonly Sample[]): Figure[] {
  const groups = new Map<string, [Sample, ...Sample[]]>();
  for (const sample of samples) {
    const key = [sample.hosts, sample.services, sample.subject].join();
    const group = groups.get(key);
    if (group) group.push(sample);
    else groups.set(key, [sample]);
  }
  return [...groups.values()]
    .map(figureOf)
    .sort(
      (a, b) =>
        a.hosts - b.hosts ||
        a.services - b.services ||
        subjects.indexOf(a.subject) - subjects.indexOf(b.subject),
    );
}

function figureOf(samples: [Sample, ...Sample[]]): Figure {
  const [{ subject, hosts, services }] = samples;
  const median = (figure: (sample: Sample) => number) => spread(samples.map(figure)).p50;
  const cpu = samples.flatMap(({ cpuSeconds }) => cpuSeconds ?? []);
  const state = samples.flatMap(({ stateBytes }) => stateBytes ?? []);
  return {
    subject,
    hosts,
    services,
    runs: samples.length,
    wallSeconds: median(({ wallSeconds }) => wallSeconds),
    ...(cpu.length > 0 ? { cpuSeconds: spread(cpu).p50 } : {}),
    isCutOff: cpu.length < samples.length,
    logins: {
      all: median(({ logins }) => logins.all),
      aDirector: median(({ logins }) => logins.aDirector),
      aRealServer: median(({ logins }) => logins.aRealServer),
    },
    ...(state.length > 0 && hosts > 0 ? { stateBytesAHost: spread(state).p50 / hosts } : {}),
    peakMemoryBytes: median(({ peakMemoryBytes }) => peakMemoryBytes),
  };
}

/** Header and rows of the table, as text. */
export function rows(figures: readonly Figure[]): string[][] {
  return [
    [
      "hosts",
      "virtual servers",
      "what",
      "CPU s",
      "wall s",
      "logins",
      "a director",
      "a real server",
      "state a host",
      "peak memory",
    ],
    ...figures.map((figure) => {
      const { subject, hosts, services, logins, stateBytesAHost: state } = figure;
      const count = (number: number) => (hosts === 0 ? "" : String(number));
      return [
        count(hosts),
        // The floor doesn't depend on the services.
        subject === "floor" ? "" : count(services),
        titles[subject],
        figure.cpuSeconds === undefined ? "?" : seconds(figure.cpuSeconds),
        `${figure.isCutOff ? "> " : ""}${seconds(figure.wallSeconds)}`,
        count(logins.all),
        count(logins.aDirector),
        count(logins.aRealServer),
        state === undefined ? "" : `${(state / 1000).toFixed(1)} kB`,
        `${Math.round(figure.peakMemoryBytes / 1e6)} MB`,
      ];
    }),
  ];
}

/** Two significant digits, but at most hundredths. */
export function seconds(number: number): string {
  return number.toFixed(number < 1 ? 2 : number < 20 ? 1 : 0);
}
