/**
 * Experiment: what becomes of long-lived TCP streams when the active director's power is cut, with
 * different ways to preserve them: connection sync, a scheduler that gives the same result on both
 * directors, both, or neither.
 */
import { cpus } from "node:os";

import type { Lab } from "../instance";
import { directorsOf } from "../measure";
import { type Stream, type Survival, runStreams, survival } from "../streams";
import { table } from "../table";
import { asRoot } from "./asRoot";
import { echoPort, withEchoServers } from "./echo";
import { machineLoad, spreadText } from "./figures";
import { activeOfWholePair, cutAt } from "./powerCuts";
import { type StackConfig, withStackConfig } from "./stack";

/** A way to preserve streams, as keys of the stack's config. */
interface Configuration {
  name: string;
  virtualServer: { scheduler: string; schedulerFlags?: readonly string[] };
  vrrp: { connectionSync: boolean; syncDaemon?: { maxLength: number } };
  directorSysctls?: Record<string, string | number>;
}

/** The result for one configuration. */
export interface StreamFigures {
  configuration: Configuration;
  /** The machine's load average. */
  load: number;
  cut: string;
  /** Streams that had been open for at least 5 s at the cut. */
  old: Survival;
  /** Streams opened in the last second before the cut. */
  young: Survival;
}

/** Hashes the client's address and port: both directors choose the same real server. */
const mh = { scheduler: "mh", schedulerFlags: ["mh-port"] };
const wrr = { scheduler: "wrr" };

/** Lets a director accept a connection in the middle instead of only at its SYN. */
const sloppy = { "net.ipv4.vs.sloppy_tcp": 1 };

/**
 * The kernel announces a connection with its third packet, and holds announcements for up to 3 s
 * until a datagram is full (ip_vs_sync.c). These settings announce it with its first packet after
 * the handshake, in a datagram of its own, and again every 10 s. The price is two datagrams per
 * connection instead of one for 20 connections.
 */
const atOnce = { "net.ipv4.vs.sync_threshold": "0 0", "net.ipv4.vs.sync_refresh_period": 10 };
const smallDatagrams = { connectionSync: true, syncDaemon: { maxLength: 1 } };

/** The configurations to compare. */
export const configurations: readonly Configuration[] = [
  { name: "wrr", virtualServer: wrr, vrrp: { connectionSync: false } },
  { name: "wrr, sync", virtualServer: wrr, vrrp: { connectionSync: true } },
  {
    name: "wrr, sync at once",
    virtualServer: wrr,
    vrrp: smallDatagrams,
    directorSysctls: atOnce,
  },
  {
    name: "mh, sloppy_tcp",
    virtualServer: mh,
    vrrp: { connectionSync: false },
    directorSysctls: sloppy,
  },
  {
    name: "mh, sloppy_tcp, sync",
    virtualServer: mh,
    vrrp: { connectionSync: true },
    directorSysctls: sloppy,
  },
];

/** Streams have this long to prove that they are alive. */
const afterCutMs = 15_000;

/**
 * Measures the configurations by power cuts of the active director; two cuts test both directions.
 */
export async function measureStreams(
  lab: Lab,
  { streams, only, cuts }: { streams: number; only?: readonly string[]; cuts: number },
  tell: (line: string) => void,
): Promise<StreamFigures[]> {
  const figures: StreamFigures[] = [];
  await withEchoServers(lab, () =>
    withStackConfig(lab, async (apply) => {
      for (const configuration of configurations) {
        if (only && !only.includes(configuration.name)) continue;
        tell(`${configuration.name}: applying`);
        await apply((stack) => {
          configure(lab, stack, configuration);
        });
        for (let cut = 1; cut <= cuts; cut++) {
          const found = await throughCut(lab, configuration, streams);
          tell(
            `${configuration.name}, ${found.cut} cut: ${counts("old", found)}, ${counts("young", found)}`,
          );
          figures.push(found);
        }
      }
    }),
  );
  return figures;
}

function counts(age: "old" | "young", figures: StreamFigures): string {
  const { alive, streams } = figures[age];
  return `${alive} of ${streams} ${age} ones alive`;
}

/** The figures as a table. */
export function streamTable(figures: readonly StreamFigures[]): string {
  const count = ({ reset, stuck, other }: Survival) =>
    [reset, stuck, Object.values(other).reduce((sum, each) => sum + each, 0)].join(" / ");
  return table([
    [
      "CONFIGURATION",
      "OLD: ALIVE",
      "RESET / STUCK / OTHER",
      "FIRST BYTE ms p50 / p95 / max",
      "YOUNG: ALIVE",
      "RESET / STUCK / OTHER",
      `LOAD, ${cpus().length} CPUS`,
    ],
    ...figures.map(({ configuration, old, young, load }) => [
      configuration.name,
      `${old.alive} of ${old.streams}`,
      count(old),
      spreadText(old.firstByteMs),
      `${young.alive} of ${young.streams}`,
      count(young),
      load.toFixed(1),
    ]),
  ]);
}

function configure(lab: Lab, stack: StackConfig, configuration: Configuration): void {
  const { virtualServer, vrrp, directorSysctls = {} } = configuration;
  stack.virtualServers.push({
    name: "echo",
    address: lab.topology.virtualIp.ipv4,
    port: echoPort,
    ...virtualServer,
  });
  stack.vrrp = vrrp;
  stack.kernel = { directorSysctls };
}

async function throughCut(
  lab: Lab,
  configuration: Configuration,
  count: number,
): Promise<StreamFigures> {
  const director = await activeOfWholePair(lab);
  if (!configuration.vrrp.connectionSync) await stopSyncDaemons(lab);
  const start = Date.now() + 3000;
  const cutTime = start + 8000;
  const running = runStreams(lab, {
    address: lab.topology.virtualIp.ipv4,
    port: echoPort,
    byteEveryMs: 200,
    groups: [
      { name: "old", count, from: start, until: start + 3000 },
      { name: "young", count, from: cutTime - 1000, until: cutTime },
    ],
    endAt: cutTime + afterCutMs,
    quietMs: 1000,
  });
  const [streams, cut] = await Promise.all([running, cutAt(lab, director, cutTime)]);
  const load = machineLoad();
  const ofGroup = (name: string) =>
    survival(
      streams.filter(({ group }: Stream) => group === name),
      cut.at,
    );
  await activeOfWholePair(lab);
  return { configuration, load, cut: director, old: ofGroup("old"), young: ofGroup("young") };
}

/**
 * keepalived (2.2.7, 2.3.3) starts the kernel's sync daemon on a reload that asks for it, but
 * doesn't stop it on a reload that doesn't.
 */
async function stopSyncDaemons(lab: Lab): Promise<void> {
  const stop = ["master", "backup"].map((state) => `ipvsadm --stop-daemon ${state}`);
  for (const { name } of directorsOf(lab)) {
    const left = await asRoot(lab, name, [...stop, "ipvsadm -L --daemon"].join("; "));
    if (left !== "") throw new Error(`${name} still has its ${left}`);
  }
}
