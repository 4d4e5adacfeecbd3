// docs/performance.md and its picture: of the figures that were kept when they were last measured.
import type { Figures } from "../../bench/figures";
import { page } from "../../bench/page";
import { plot } from "../../bench/plot";

const paths = { page: "docs/performance.md", plot: "docs/performance.svg" };

/** What the bench's figures are kept in. */
export const performanceFigures = "docs/performance.json";

/** The files, by path, of the figures' JSON. */
export function performanceDocs(json: string): Record<string, string> {
  const figures = JSON.parse(json) as Figures;
  return { [paths.page]: page(figures, paths), [paths.plot]: plot(figures) };
}
