// Generates docs/performance.md and its pictures from the stored figures.
import type { Figures } from "../../bench/figures";
import type { PacketFigures } from "../../bench/packets";
import { packetPlot, packetsSection } from "../../bench/packetsPage";
import { page } from "../../bench/page";
import { plot } from "../../bench/plot";

const paths = { page: "docs/performance.md", plot: "docs/performance.svg" };

/** What the benches' figures are kept in: of the engine, and of the packet filter. */
export const performanceFigures = "docs/performance.json";
export const packetFigures = "docs/packets.json";

/** The files, by path, of the figures' JSON; without those of the packet filter, the page has no section on it. */
export function performanceDocs(json: string, packetsJson?: string): Record<string, string> {
  const figures = JSON.parse(json) as Figures;
  const packets =
    packetsJson === undefined ? undefined : (JSON.parse(packetsJson) as PacketFigures);
  return {
    [paths.page]:
      page(figures, paths) + (packets ? `\n${packetsSection(packets, "packets.svg")}\n` : ""),
    [paths.plot]: plot(figures),
    ...(packets ? { "docs/packets.svg": packetPlot(packets) } : {}),
  };
}
