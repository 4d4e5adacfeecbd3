// Generates docs/performance.md and its pictures from the stored figures.
import type { Figures } from "../../bench/figures";
import type { JobFigures } from "../../bench/job";
import { jobPlot, jobSection } from "../../bench/jobPage";
import type { PacketFigures } from "../../bench/packets";
import { packetPlot, packetsSection } from "../../bench/packetsPage";
import { page } from "../../bench/page";
import { plot } from "../../bench/plot";

const paths = { page: "docs/performance.md", plot: "docs/performance.svg" };

/** What the benches' figures are kept in: of the engine, of the packet filter, and of the job beside its peers. */
export const performanceFigures = "docs/performance.json";
export const packetFigures = "docs/packets.json";
export const jobFigures = "docs/job.json";

/** The files, by path, of the figures' JSON; the page has a section on what there are figures of. */
export function performanceDocs(
  json: string,
  { packets, job }: { packets?: string | undefined; job?: string | undefined } = {},
): Record<string, string> {
  const sections: string[] = [];
  const pictures: Record<string, string> = {};
  if (packets !== undefined) {
    const figures = JSON.parse(packets) as PacketFigures;
    sections.push(packetsSection(figures, "packets.svg"));
    pictures["docs/packets.svg"] = packetPlot(figures);
  }
  if (job !== undefined) {
    const figures = JSON.parse(job) as JobFigures;
    sections.push(jobSection(figures, "job.svg"));
    pictures["docs/job.svg"] = jobPlot(figures);
  }
  const figures = JSON.parse(json) as Figures;
  return {
    [paths.page]: page(figures, paths) + sections.map((section) => `\n${section}\n`).join(""),
    [paths.plot]: plot(figures),
    ...pictures,
  };
}
