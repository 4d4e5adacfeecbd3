/**
 * Experiment: the active director stands still for a moment, like a virtual machine during a
 * snapshot or a migration, and goes on. If that is longer than a standby waits, the other takes
 * over. Measured: how long both are active then, and what clients lose.
 */
import { setTimeout as delay } from "node:timers/promises";

import type { Lab } from "../instance";
import { guests } from "../lab";
import { startLoad } from "../load";
import { activeDirector } from "../measure";
import { runStreams, survival, type Survival } from "../streams";
import { table } from "../table";
import { type Heard, startCapture } from "../vrrpCapture";
import { echoPort, withEchoServers } from "./echo";
import { spreadText } from "./figures";
import { activeOfWholePair } from "./powerCuts";
import { withStackConfig } from "./stack";

/** A pause. Times are in milliseconds. */
export interface PauseFigures {
  seconds: number;
  paused: string;
  /**
   * How long both were active: from the end of the pause to the last advert or claim of the
   * director that was not active at the end. 0 if there was none.
   */
  both: number;
  /** The paused director was active again at the end. */
  backAgain: boolean;
  sent: number;
  lost: number;
  /** The lost requests that ended in a reset. */
  reset: number;
  slow: number;
  /** Streams opened before the pause. */
  before: Survival;
  /** Streams opened during the pause, on the new active director if there was one. */
  meanwhile: Survival;
}

const streams = 50;
const rate = 300;
const beforeMs = 2000;
const afterMs = 6000;

/**
 * With these settings both directors choose the same real server, and accept a connection in the
 * middle.
 */
const alike = { scheduler: "mh", schedulerFlags: ["mh-port"] };
const sloppy = { directorSysctls: { "net.ipv4.vs.sloppy_tcp": 1 } };

/**
 * Runs pauses of each length in turn, each with a complete pair. With `mh`, both directors choose
 * the same real servers.
 */
export async function measurePauses(
  lab: Lab,
  { seconds, times, mh }: { seconds: readonly number[]; times: number; mh?: boolean },
  tell: (line: string) => void,
): Promise<PauseFigures[]> {
  const figures: PauseFigures[] = [];
  await withEchoServers(lab, () =>
    withStackConfig(lab, async (apply) => {
      await apply((stack) => {
        const { ipv4: address } = lab.topology.virtualIp;
        stack.virtualServers.push({ name: "echo", address, port: echoPort, scheduler: "wrr" });
        if (!mh) return;
        for (const service of stack.virtualServers) Object.assign(service, alike);
        stack.kernel = sloppy;
      });
      for (const each of seconds) {
        for (let time = 1; time <= times; time++) {
          const found = await onePause(lab, each);
          const { paused, both, lost, reset, slow } = found;
          tell(
            `${each} s, ${time} (${paused}): both active for ${Math.round(both)} ms; ${lost} lost, ${reset} of them reset, ${slow} slow; streams alive: ${alive(found.before)} before, ${alive(found.meanwhile)} meanwhile`,
          );
          figures.push(found);
        }
      }
    }),
  );
  return figures;
}

const alive = (of: Survival) => `${of.alive} of ${of.streams}`;

/** The figures as a table. */
export function pauseTable(figures: readonly PauseFigures[]): string {
  const lengths = [...new Set(figures.map(({ seconds }) => seconds))];
  return table([
    [
      "PAUSE s",
      "TIMES",
      "BOTH ACTIVE ms p50 / p95 / max",
      "BACK AGAIN",
      "LOST",
      "RESET",
      "TOOK 1 s",
      "STREAMS ALIVE: BEFORE",
      "MEANWHILE",
    ],
    ...lengths.map((seconds) => {
      const own = figures.filter((each) => each.seconds === seconds);
      const streamsAlive = (when: "before" | "meanwhile") => {
        const total = (key: "alive" | "streams") =>
          own.reduce((all, each) => all + each[when][key], 0);
        return `${total("alive")} of ${total("streams")}`;
      };
      const sum = (key: "sent" | "lost" | "reset" | "slow") =>
        own.reduce((all, each) => all + each[key], 0);
      return [
        String(seconds),
        String(own.length),
        spreadText(own.map(({ both }) => both)),
        String(own.filter(({ backAgain }) => backAgain).length),
        `${sum("lost")} of ${sum("sent")}`,
        String(sum("reset")),
        String(sum("slow")),
        streamsAlive("before"),
        streamsAlive("meanwhile"),
      ];
    }),
  ]);
}

async function onePause(lab: Lab, seconds: number): Promise<PauseFigures> {
  const paused = await activeOfWholePair(lab);
  const pid = guests(lab).find(({ host }) => host.name === paused)?.guest.pid;
  if (pid === undefined) throw new Error(`${paused} is off`);
  const capture = await startCapture(lab);
  const start = Date.now() + 1500;
  const stopAt = start + beforeMs;
  const goOnAt = stopAt + seconds * 1000;
  const streaming = runStreams(lab, {
    address: lab.topology.virtualIp.ipv4,
    port: echoPort,
    byteEveryMs: 200,
    groups: [
      { name: "before", count: streams, from: start, until: stopAt - 500 },
      { name: "meanwhile", count: streams, from: stopAt, until: goOnAt },
    ],
    endAt: goOnAt + afterMs,
    quietMs: 1000,
  });
  const load = await startLoad(lab, {
    address: lab.topology.virtualIp.ipv4,
    port: 80,
    rate,
    seconds: (goOnAt + afterMs - Date.now()) / 1000,
  });
  await delay(stopAt - Date.now());
  process.kill(-pid, "SIGSTOP");
  await delay(goOnAt - Date.now());
  process.kill(-pid, "SIGCONT");
  const wentOn = Date.now();
  const { sent, lost, slow, errors } = await load.result;
  const found = await streaming;
  const ofGroup = (name: string) =>
    survival(
      found.filter(({ group }) => group === name),
      wentOn,
    );
  const heard = await capture.end();
  const active = await activeDirector(lab);
  return {
    seconds,
    paused,
    both: bothActive(heard, wentOn, active),
    backAgain: active === paused,
    sent,
    lost,
    reset: errors.ECONNRESET ?? 0,
    slow,
    before: ofGroup("before"),
    meanwhile: ofGroup("meanwhile"),
  };
}

/**
 * How long after the pause the director that isn't active at the end announced itself; 0 if only
 * one did.
 */
function bothActive(heard: readonly Heard[], wentOn: number, active: string): number {
  const after = heard.filter(({ at, priority }) => at >= wentOn && priority !== 0);
  if (new Set(after.map(({ from }) => from)).size < 2) return 0;
  const others = after.filter(({ from }) => from !== active);
  return Math.max(0, ...others.map(({ at }) => at - wentOn));
}
