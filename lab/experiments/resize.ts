/**
 * Experiment: what requests lose while a real server is drained, with and without a resize of
 * IPVS's connection table. Some kernels resize the table as connections come; here it is resized
 * fifty times a second, or left as the stack sets it.
 */
import { setTimeout as delay } from "node:timers/promises";

import type { Lab } from "../instance";
import { type LoadResult, startLoad, summary } from "../load";
import { activeDirector, realServersOf } from "../measure";
import { table } from "../table";
import { asRoot } from "./asRoot";
import { withStackConfig } from "./stack";

/** The result with or without resizing. */
export interface ResizeFigures {
  resized: boolean;
  drains: number;
  load: LoadResult;
}

const port = 80;
const lfactor = "net.ipv4.vs.conn_lfactor";

/**
 * Drains a real server repeatedly under 300 requests a second, first without resizing the table,
 * then with it.
 *
 * @throws Error when the directors' kernel can't resize the table
 */
export async function measureResize(
  lab: Lab,
  { drains }: { drains: number },
  tell: (line: string) => void,
): Promise<ResizeFigures[]> {
  const figures: ResizeFigures[] = [];
  const { virtualIp } = lab.topology;
  await withStackConfig(lab, async (apply) => {
    await apply(({ virtualServers: [service] }) => {
      Object.assign(service, { scheduler: "mh", schedulerFlags: ["mh-port"] });
    });
    const director = await activeDirector(lab);
    const realServer = `${realServersOf(lab)[0]?.public.ipv4 ?? ""}:${port}`;
    const weigh = `ipvsadm -e -t ${virtualIp.ipv4}:${port} -r ${realServer} -g -w`;
    const file = `/proc/sys/${lfactor.replaceAll(".", "/")}`;
    const resize = `for i in $(seq 100); do echo -$((3 + i % 3)) >${file}; sleep 0.02; done`;
    // One command that restores everything at its end, even if this process is killed.
    const drain = (meanwhile: string) =>
      `set -e; kept=$(cat ${file}); trap "echo $kept >${file}; ${weigh} 1" EXIT; ${weigh} 0; ${meanwhile}; sleep 2`;
    for (const resized of [false, true]) {
      const running = await startLoad(lab, {
        address: virtualIp.ipv4,
        port,
        rate: 300,
        seconds: drains * 30,
      });
      try {
        for (let i = 0; i < drains; i++) {
          // The client's ports repeat after ten seconds at the earliest and then meet entries of
          // the drained real server.
          await delay(8000);
          await asRoot(lab, director, drain(resized ? resize : "sleep 2"));
        }
      } finally {
        const load = await running.end();
        figures.push({ resized, drains, load });
        tell(`${resized ? "resized" : "left alone"}: ${summary(load)}`);
      }
    }
  });
  return figures;
}

/** The figures as a table. */
export function resizeTable(figures: readonly ResizeFigures[]): string {
  return table([
    ["CONNECTION TABLE", "DRAINS", "SENT", "LOST", "WHY"],
    ...figures.map(({ resized, drains, load: { sent, lost, errors } }) => [
      resized ? "resized 50 times a second" : "left alone",
      String(drains),
      String(sent),
      String(lost),
      Object.entries(errors)
        .map(([reason, count]) => `${count} ${reason}`)
        .join(", ") || "-",
    ]),
  ]);
}
