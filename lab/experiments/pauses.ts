/**
 * Experiment: the active director stands still for a moment, as a virtual machine does for a snapshot or a move, and goes on. The other
 * takes over if that is longer than a standby waits; for how long both are active then, and what clients lose.
 */
import { setTimeout as delay } from "node:timers/promises";

import type { Lab } from "../instance";
import { guests } from "../lab";
import { startLoad } from "../load";
import { activeDirector } from "../measure";
import { table } from "../table";
import { type Heard, startCapture } from "../vrrpCapture";
import { spreadText } from "./figures";
import { activeOfWholePair } from "./powerCuts";

/** A pause. Times are in milliseconds. */
export interface PauseFigures {
  seconds: number;
  paused: string;
  /** From when it went on: until the last advert or claim of the one that was not active in the end. 0: there was none. */
  both: number;
  /** It is active again in the end. */
  backAgain: boolean;
  sent: number;
  lost: number;
  /** Of these, requests that ended in a reset. */
  reset: number;
  slow: number;
}

const rate = 300;
const beforeMs = 2000;
const afterMs = 6000;

/** Pauses of each length, one after the other, each on a pair that is whole. */
export async function measurePauses(
  lab: Lab,
  { seconds, times }: { seconds: readonly number[]; times: number },
  tell: (line: string) => void,
): Promise<PauseFigures[]> {
  const figures: PauseFigures[] = [];
  for (const each of seconds) {
    for (let time = 1; time <= times; time++) {
      const found = await onePause(lab, each);
      const { paused, both, lost, reset, slow } = found;
      tell(
        `${each} s, ${time} (${paused}): both active for ${Math.round(both)} ms; ${lost} lost, ${reset} of them reset, ${slow} slow`,
      );
      figures.push(found);
    }
  }
  return figures;
}

/** The figures for people. */
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
    ],
    ...lengths.map((seconds) => {
      const own = figures.filter((each) => each.seconds === seconds);
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
      ];
    }),
  ]);
}

async function onePause(lab: Lab, seconds: number): Promise<PauseFigures> {
  const paused = await activeOfWholePair(lab);
  const pid = guests(lab).find(({ host }) => host.name === paused)?.guest.pid;
  if (pid === undefined) throw new Error(`${paused} is off`);
  const capture = await startCapture(lab);
  const load = await startLoad(lab, {
    address: lab.topology.virtualIp.ipv4,
    port: 80,
    rate,
    seconds: (beforeMs + afterMs) / 1000 + seconds,
  });
  await delay(beforeMs);
  process.kill(-pid, "SIGSTOP");
  await delay(seconds * 1000);
  process.kill(-pid, "SIGCONT");
  const wentOn = Date.now();
  const { sent, lost, slow, errors } = await load.result;
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
  };
}

/** From when the paused one went on, how long the one that isn't active in the end said that it was; 0 where only one did. */
function bothActive(heard: readonly Heard[], wentOn: number, active: string): number {
  const after = heard.filter(({ at, priority }) => at >= wentOn && priority !== 0);
  if (new Set(after.map(({ from }) => from)).size < 2) return 0;
  const others = after.filter(({ from }) => from !== active);
  return Math.max(0, ...others.map(({ at }) => at - wentOn));
}
