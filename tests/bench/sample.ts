// A bench's figures, small: two sizes, two rounds of one of them, a run that was cut off.
import type { Figures, Sample } from "../../bench/figures";

export function sample(change: Partial<Sample> = {}): Sample {
  return {
    subject: "cold",
    hosts: 5,
    services: 1,
    wallSeconds: 10,
    cpuSeconds: 5,
    peakMemoryBytes: 500e6,
    logins: { all: 36, aDirector: 12, aRealServer: 4 },
    load: 0.2,
    ...change,
  };
}

const none = { all: 0, aDirector: 0, aRealServer: 0 };
const once = { all: 50, aDirector: 1, aRealServer: 1 };

export function sampleFigures(change: Partial<Figures> = {}): Figures {
  return {
    experiment: "engine",
    measured: "2026-03-29T12:00:00.000Z",
    command: "npm run bench -- engine --hosts 5 50",
    machine: { cpu: "A CPU", cores: 2, memoryBytes: 16e9, kernel: "6.12", node: "20.19.0" },
    engine: "3.245.0, built from its Go modules",
    plugins: { command: "1.2.1, official" },
    load: 0.1,
    timeoutSeconds: 600,
    samples: [
      sample({ subject: "noop", cpuSeconds: 3, logins: none, stateBytes: 2e6 }),
      sample({ cpuSeconds: 5, stateBytes: 2e6 }),
      sample({ cpuSeconds: 9, stateBytes: 2e6 }),
      sample({ cpuSeconds: 7, stateBytes: 2e6 }),
      sample({ hosts: 50, cpuSeconds: 140, wallSeconds: 200, stateBytes: 20e6 }),
      sample({ subject: "noop", hosts: 50, cpuSeconds: 12, logins: none, stateBytes: 20e6 }),
      sample({ subject: "floor", hosts: 50, cpuSeconds: 1.4, wallSeconds: 1, logins: once }),
      sample({ subject: "change", hosts: 50, cpuSeconds: undefined, wallSeconds: 600 }),
      sample({ subject: "emptyNoop", hosts: 0, services: 0, cpuSeconds: 1.5, logins: none }),
    ],
    ...change,
  };
}
