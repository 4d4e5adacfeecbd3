/**
 * Experiment: how long the failure of a director goes unnoticed. Cuts power repeatedly under
 * requests, and compares adverts on the wire with what clients saw.
 */
import { cpus } from "node:os";
import { setTimeout as delay } from "node:timers/promises";

import type { Lab } from "../instance";
import { startLoad } from "../load";
import { table } from "../table";
import { type Heard, startCapture } from "../vrrpCapture";
import { machineLoad, spread, spreadText } from "./figures";
import { activeOfWholePair, cutAt } from "./powerCuts";
import { withStackConfig } from "./stack";

/** One power cut. All times are in milliseconds. */
export interface CutFigures {
  cut: string;
  /** From the last advert to the first of the next director. */
  silence: number;
  /** {@link silence} by RFC 5798, for the priority that the next director announces. */
  theory: number;
  /** From the cut to the next director's first gratuitous ARP. */
  claimed: number;
  /** The longest time between two answers. */
  gap: number;
  sent: number;
  lost: number;
  /** Requests answered after a second or more, because their first packet was dropped. */
  slow: number;
  /** The machine's load average. */
  load: number;
}

/** Cuts at one advert interval. */
export interface DetectionFigures {
  advertIntervalSeconds: number;
  cuts: CutFigures[];
}

/** Requests per second: enough to know the gap within a few milliseconds. */
const rate = 200;
const beforeCutMs = 2000;
const afterCutMs = 3000;

/** Measures power cuts for each advert interval. */
export async function measureDetection(
  lab: Lab,
  series: readonly { advertIntervalSeconds: number; cuts: number }[],
  tell: (line: string) => void,
): Promise<DetectionFigures[]> {
  return withStackConfig(lab, async (apply) => {
    const figures: DetectionFigures[] = [];
    for (const { advertIntervalSeconds, cuts } of series) {
      tell(`${advertIntervalSeconds} s: applying`);
      await apply((stack) => {
        stack.vrrp = { version: 3, advertIntervalSeconds };
      });
      const found: CutFigures[] = [];
      for (let number = 1; number <= cuts; number++) {
        const each = await oneCut(lab, advertIntervalSeconds);
        found.push(each);
        const { cut, silence, claimed, gap, lost } = each;
        const times = [silence, claimed, gap].map(Math.round).join(", ");
        tell(
          `${advertIntervalSeconds} s, cut ${number} (${cut}): silence, claimed, gap: ${times} ms; ${lost} lost`,
        );
      }
      figures.push({ advertIntervalSeconds, cuts: found });
    }
    return figures;
  });
}

/** The figures as a table. */
export function detectionTable(figures: readonly DetectionFigures[]): string {
  return table([
    [
      "ADVERT s",
      "CUTS",
      "THEORY ms",
      "SILENCE ms p50 / p95 / max",
      "CUT TO ARP ms",
      "GAP ms p50 / p95 / max",
      "LOST",
      "TOOK 1 s",
      `LOAD, ${cpus().length} CPUS`,
    ],
    ...figures.map(({ advertIntervalSeconds, cuts }) => {
      const all = (key: "silence" | "claimed" | "gap" | "theory" | "lost" | "slow" | "sent") =>
        cuts.map((cut) => cut[key]);
      const sum = (key: "lost" | "slow" | "sent") => all(key).reduce((a, b) => a + b, 0);
      return [
        String(advertIntervalSeconds),
        String(cuts.length),
        [...new Set(all("theory").map(Math.round))].sort().join(", "),
        spreadText(all("silence")),
        spreadText(all("claimed")),
        spreadText(all("gap")),
        `${sum("lost")} of ${sum("sent")}`,
        String(sum("slow")),
        loads(cuts),
      ];
    }),
  ]);
}

/** The lowest and highest load of the machine. */
function loads(cuts: readonly CutFigures[]): string {
  const { min, max } = spread(cuts.map(({ load }) => load));
  return `${min.toFixed(1)}–${max.toFixed(1)}`;
}

async function oneCut(lab: Lab, advertIntervalSeconds: number): Promise<CutFigures> {
  const director = await activeOfWholePair(lab);
  const capture = await startCapture(lab);
  const load = await startLoad(lab, {
    address: lab.topology.virtualIp.ipv4,
    port: 80,
    rate,
    seconds: (beforeCutMs + afterCutMs) / 1000,
  });
  await delay(beforeCutMs);
  const cut = await cutAt(lab, director);
  const { sent, lost, slow, longestGapMs: gap } = await load.result;
  const busy = machineLoad();
  const times = takeover(await capture.end(), cut, advertIntervalSeconds);
  return { cut: director, ...times, gap, sent, lost, slow, load: busy };
}

/**
 * Computes the times of a takeover from what the wire said.
 *
 * @throws Error when another director was active, or none took over
 */
export function takeover(
  heard: readonly Heard[],
  cut: { director: string; at: number },
  advertIntervalSeconds: number,
): Pick<CutFigures, "silence" | "claimed" | "theory"> {
  const last = heard.findLast(({ kind, from }) => kind === "advert" && from === cut.director);
  const next = heard.filter(({ from }) => from !== cut.director);
  const early = next.find(({ at }) => at < cut.at);
  if (early)
    throw new Error(`${early.from} said that it is active before ${cut.director} was cut off`);
  const advert = next.find(({ kind }) => kind === "advert");
  const claim = next.find(({ kind }) => kind === "claim");
  if (!last || !advert || !claim) throw new Error(`nobody took over from ${cut.director}`);
  // RFC 5798, 6.1: Master_Down_Interval = 3 * Master_Adver_Interval + Skew_Time.
  const skew = (256 - (advert.priority ?? 0)) / 256;
  return {
    silence: advert.at - last.at,
    theory: (3 + skew) * advertIntervalSeconds * 1000,
    claimed: claim.at - cut.at,
  };
}
