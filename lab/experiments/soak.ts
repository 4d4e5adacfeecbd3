/**
 * Experiment: whether a short advert interval works while every host installs packages. No power is
 * cut, so each change of roles is a false one. The directors get CPUs that the real servers don't
 * use, as on separate hosts: if all guests shared the CPUs, a guest could wait for a CPU as long as
 * three adverts take.
 */
import { setTimeout as delay } from "node:timers/promises";

import type { Lab } from "../instance";
import { type LoadResult, startLoad, summary } from "../load";
import { directorsOf } from "../measure";
import { type Heard, startCapture } from "../vrrpCapture";
import { waitFor } from "../waitFor";
import { table } from "../table";
import { asRoot } from "./asRoot";
import { type Spread, machineLoad, spread } from "./figures";
import { type CpuShares, withDirectorsOnTheirOwnCpus } from "./cpus";
import { activeOfWholePair } from "./powerCuts";
import { withStackConfig } from "./stack";

/** The result of a soak. */
export interface SoakFigures {
  advertIntervalSeconds: number;
  minutes: number;
  /** Changes of roles that keepalived logged, by director. */
  transitions: Record<string, number>;
  /** How often keepalived logged that a timer fired late, by director. */
  late: Record<string, number>;
  /** Directors that sent adverts: one, if all is well. */
  announcers: string[];
  /** Time between adverts of the active director, in milliseconds. */
  advertSpacing: Spread;
  requests: LoadResult;
  /** Rounds of package work done meanwhile, by host. */
  rounds: Record<string, number>;
  /** The machine's CPUs that the directors and the real servers ran on. */
  cpus: CpuShares;
  /** The machine's load average, once a minute. */
  loads: number[];
}

/** Requests per second. */
const rate = 50;

const aptUnit = "lvs-ha-lab-apt";
const roundsFile = `/run/${aptUnit}.rounds`;
const stopFile = `/run/${aptUnit}.stop`;

/**
 * Packages whose reinstallation restarts nothing measured. Some have triggers that read and write a
 * lot.
 */
const packages = "iproute2 libc-bin openssh-client perl-base procps tzdata";

/** Repeats the package work until the stop file appears. */
const aptWork = [
  "set -e",
  "export DEBIAN_FRONTEND=noninteractive LC_ALL=C.UTF-8",
  `until [ -e ${stopFile} ]; do`,
  "apt-get -q -o DPkg::Lock::Timeout=60 update",
  "apt-get clean",
  `apt-get -q -y -o DPkg::Lock::Timeout=60 install --reinstall ${packages}`,
  `echo >>${roundsFile}`,
  "done",
].join("\n");

/** Soaks the pair at an advert interval. */
export async function measureSoak(
  lab: Lab,
  { minutes, advertIntervalSeconds }: { minutes: number; advertIntervalSeconds: number },
  tell: (line: string) => void,
): Promise<SoakFigures> {
  return withStackConfig(lab, async (apply) => {
    tell(`${advertIntervalSeconds} s: applying`);
    await apply((stack) => {
      stack.vrrp = { version: 3, advertIntervalSeconds };
    });
    const active = await activeOfWholePair(lab);
    return withDirectorsOnTheirOwnCpus(lab, async (cpus) => {
      await startAptWork(lab);
      const since = await asRoot(lab, active, "date +%s");
      const capture = await startCapture(lab);
      const load = await startLoad(lab, {
        address: lab.topology.virtualIp.ipv4,
        port: 80,
        rate,
        seconds: minutes * 60,
      });
      const loads: number[] = [];
      for (let minute = 1; minute <= minutes; minute++) {
        await delay(60_000);
        loads.push(machineLoad());
        tell(`minute ${minute}: load average ${machineLoad().toFixed(1)}`);
      }
      const requests = await load.result;
      const heard = await capture.end();
      const rounds = await stopAptWork(lab);
      return {
        advertIntervalSeconds,
        minutes,
        transitions: await journalLines(lab, "Entering (MASTER|BACKUP|FAULT) STATE", since),
        late: await journalLines(
          lab,
          "thread timer expired|rlimit_rttime|exited due to signal",
          since,
        ),
        announcers: [...new Set(adverts(heard).map(({ from }) => from))],
        advertSpacing: spread(spacings(adverts(heard).filter(({ from }) => from === active))),
        requests,
        rounds,
        cpus,
        loads,
      };
    });
  });
}

/** The figures as a table. */
export function soakTable(figures: SoakFigures): string {
  const sum = (counts: Record<string, number>) =>
    Object.values(counts).reduce((total, count) => total + count, 0);
  const { p50, p95, max } = figures.advertSpacing;
  const limit = `${(3 * figures.advertIntervalSeconds * 1000).toFixed(0)} ms without one is a failover`;
  return table([
    ["SOAK", ""],
    ["advert interval", `${figures.advertIntervalSeconds} s, for ${figures.minutes} minutes`],
    ["transitions", String(sum(figures.transitions))],
    ["keepalived was late", `${sum(figures.late)} times`],
    ["announced by", figures.announcers.join(", ")],
    [
      "between adverts",
      `${[p50, p95, max].map(Math.round).join(" / ")} ms (p50 / p95 / max); ${limit}`,
    ],
    ["requests", summary(figures.requests)],
    [
      "package work",
      Object.entries(figures.rounds)
        .map(([name, count]) => `${name} ${count}`)
        .join(", ") + " rounds",
    ],
    [
      "CPUs",
      `directors on ${figures.cpus.directors.join(", ")}; real servers on ${figures.cpus.realServers.join(", ")}`,
    ],
    ["load average", figures.loads.map((load) => load.toFixed(1)).join(", ")],
  ]);
}

async function startAptWork(lab: Lab): Promise<void> {
  // An interrupted soak leaves its work running.
  await stopAptWork(lab);
  for (const { name } of lab.topology.hosts) {
    await asRoot(lab, name, `rm -f ${stopFile} ${roundsFile} && cat >/run/${aptUnit}.sh`, {
      input: `${aptWork}\n`,
    });
    await asRoot(lab, name, `systemd-run --unit ${aptUnit} --quiet sh /run/${aptUnit}.sh`);
  }
}

/**
 * Stops the work after the current round.
 *
 * @returns the rounds done, by host
 * @throws Error with the output of a host whose work failed
 */
async function stopAptWork(lab: Lab): Promise<Record<string, number>> {
  await Promise.all(lab.topology.hosts.map(({ name }) => asRoot(lab, name, `touch ${stopFile}`)));
  const rounds = await Promise.all(
    lab.topology.hosts.map(async ({ name }) => {
      const state = await waitFor(
        async () => {
          const now = await asRoot(lab, name, `systemctl show -P ActiveState ${aptUnit}`);
          return now === "active" ? undefined : now;
        },
        { what: `${name} is done with its packages`, timeoutSeconds: 300, intervalSeconds: 2 },
      );
      if (state === "failed") {
        const said = `journalctl -u ${aptUnit} -n 20 -o cat; systemctl reset-failed ${aptUnit}`;
        throw new Error(`the package work on ${name} failed: ${await asRoot(lab, name, said)}`);
      }
      const count = await asRoot(lab, name, `cat ${roundsFile} 2>/dev/null | wc -l`);
      return [name, Number(count)] as const;
    }),
  );
  return Object.fromEntries(rounds);
}

/** Counts matching lines in each director's keepalived log. */
async function journalLines(
  lab: Lab,
  pattern: string,
  since: string,
): Promise<Record<string, number>> {
  const counts: Record<string, number> = {};
  for (const { name } of directorsOf(lab)) {
    const journal = `journalctl -u keepalived -o cat --since @${since}`;
    counts[name] = Number(
      await asRoot(lab, name, `${journal} | grep -cE '${pattern}' || [ $? = 1 ]`),
    );
  }
  return counts;
}

function adverts(heard: readonly Heard[]): Heard[] {
  return heard.filter(({ kind }) => kind === "advert");
}

function spacings(heard: readonly Heard[]): number[] {
  return heard.slice(1).map(({ at }, index) => at - (heard[index]?.at ?? at));
}
