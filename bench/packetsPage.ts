/** The cost of packet filters, for readers: a section of docs/performance.md and its picture. */
import { spread } from "../lab/experiments/figures";
import { busyWords, wasBusy } from "./figures";
import { machineWords } from "./machine";
import { type Filter, type PacketFigures, filterTitles, filters } from "./packets";
import { markdownTable } from "./page";
import { round, scale } from "./plot";

/** The medians of one table's samples. */
interface PacketFigure {
  filter: Filter;
  services: number;
  runs: number;
  aCpuSecond: number;
  aSecond: number;
}

/** Figures by table, then by number of services. */
export function packetSummary({ samples }: Pick<PacketFigures, "samples">): PacketFigure[] {
  const counts = [...new Set(samples.map(({ services }) => services))].sort((a, b) => a - b);
  return filters.flatMap((filter) =>
    counts.flatMap((services): PacketFigure[] => {
      const own = samples.filter((one) => one.filter === filter && one.services === services);
      if (own.length === 0) return [];
      return [
        {
          filter,
          services,
          runs: own.length,
          aCpuSecond: spread(own.map(({ packets, cpuSeconds }) => packets / cpuSeconds)).p50,
          aSecond: spread(own.map(({ packets, wallSeconds }) => packets / wallSeconds)).p50,
        },
      ];
    }),
  );
}

/** Header and rows of the table, as text. */
export function packetRows(figures: readonly PacketFigure[]): string[][] {
  return [
    ["table of", "services", "SYNs a CPU second", "SYNs a second"],
    ...figures.map(({ filter, services, aCpuSecond, aSecond }) => [
      filterTitles[filter],
      String(services),
      thousands(aCpuSecond),
      thousands(aSecond),
    ]),
  ];
}

/** The section's text, in Markdown. */
export function packetsSection(figures: PacketFigures, plot: string): string {
  const all = packetSummary(figures);
  const runs = Math.max(...all.map((one) => one.runs));
  return [
    "## What the packet filter costs",
    "SYNs that get through a director's nftables table to where IPVS takes them, by number of services. Each goes to the last service.",
    ...(wasBusy(figures) ? [`**${busyWords(figures)}**`] : []),
    markdownTable([
      ["", ""],
      ["measured", figures.measured.slice(0, 10)],
      ["command", `\`${figures.command}\``],
      ["runs", runs === 1 ? "one of each" : `${runs} of each, the figures are medians`],
      ["machine", machineWords(figures.machine)],
      ["load average", `${figures.load.toFixed(1)} when it began`],
    ]),
    `![SYNs a CPU second by number of services](${plot})`,
    markdownTable(packetRows(all)),
    packetMeaning(all).join(" "),
    `- **SYNs**: Ethernet frames, sent into a veth in a network namespace. A packet's way into the host is walked in its sender's time: the
  CPU seconds are the sender's, and have the sending in them.
- **Tables**: \`/etc/lvs-ha/firewall.nft\` as a director gets it, ten services an address, loaded by Debian's nft (${figures.nft}). A chain at
  IPVS's priority counts what comes, and ends its way.`,
  ].join("\n\n");
}

/** Sentences about the figures. A sentence that the figures don't support is left out. */
export function packetMeaning(all: readonly PacketFigure[]): string[] {
  return filters.flatMap((filter) => {
    const own = all.filter((one) => one.filter === filter);
    const [few, many] = [own[0], own.at(-1)];
    if (!few || !many || few === many) return [];
    const percent = Math.round((100 * many.aCpuSecond) / few.aCpuSecond);
    return [
      `${filterTitles[filter]}: with ${many.services} services, ${percent} % of what it is with ${few.services}.`,
    ];
  });
}

const colours: Record<Filter, [light: string, dark: string]> = {
  nftables: ["#0072b2", "#56b4e9"],
  ranges: ["#c04a00", "#ff9e4a"],
  none: ["#007a5a", "#2ed6a1"],
};

/** The picture. The axis starts at 0, so that equal heights are equal speeds. */
export function packetPlot(figures: PacketFigures): string {
  const all = packetSummary(figures);
  const counts = [...new Set(all.map(({ services }) => services))].sort((a, b) => a - b);
  const [width, height, left, right, top, bottom] = [520, 380, 62, 508, 34, 270];
  const step = 10 ** Math.floor(Math.log10(Math.max(...all.map(({ aCpuSecond }) => aCpuSecond))));
  const most = step * Math.ceil(Math.max(...all.map(({ aCpuSecond }) => aCpuSecond)) / step);
  const across = scale(counts, left, right);
  const down = (value: number) => bottom - (value / most) * (bottom - top);
  const styles = (which: 0 | 1) =>
    filters.map((filter) => `.${filter} { --c: ${colours[filter][which]}; }`).join(" ");
  const ticks = Array.from({ length: most / step + 1 }, (_, i) => i * step);
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" width="${width}" height="${height}" role="img" aria-label="SYNs a CPU second by number of services">
<style>
  text { font: 12px system-ui, sans-serif; fill: #24292f; }
  .grid { stroke: #d0d7de; stroke-width: 1; }
  ${styles(0)}
  polyline { fill: none; stroke: var(--c); stroke-width: 2; }
  circle { fill: var(--c); }
  @media (prefers-color-scheme: dark) {
    text { fill: #e6edf3; }
    .grid { stroke: #3d444d; }
    ${styles(1)}
  }
</style>
<text x="${left}" y="18" font-weight="bold">SYNs a CPU second</text>
${ticks
  .map(
    (tick) =>
      `<line class="grid" x1="${left}" x2="${right}" y1="${round(down(tick))}" y2="${round(down(tick))}"/><text x="${left - 6}" y="${round(down(tick) + 4)}" text-anchor="end">${thousands(tick)}</text>`,
  )
  .join("\n")}
${counts
  .map(
    (count) =>
      `<line class="grid" x1="${round(across(count))}" x2="${round(across(count))}" y1="${top}" y2="${bottom}"/><text x="${round(across(count))}" y="${bottom + 18}" text-anchor="middle">${count}</text>`,
  )
  .join("\n")}
<text x="${(left + right) / 2}" y="${bottom + 36}" text-anchor="middle">services</text>
${filters
  .flatMap((filter, i) => {
    const own = all.filter((one) => one.filter === filter);
    if (own.length === 0) return [];
    const points = own.map((one) => [round(across(one.services)), round(down(one.aCpuSecond))]);
    const y = bottom + 58 + i * 20;
    return [
      `<g class="${filter}"><polyline points="${points.map((point) => point.join(",")).join(" ")}"/>`,
      ...own.map(
        (one, j) =>
          `<circle cx="${points[j]?.[0] ?? 0}" cy="${points[j]?.[1] ?? 0}" r="3.5"><title>${filterTitles[filter].replaceAll("`", "")}, ${one.services} services: ${thousands(one.aCpuSecond)}</title></circle>`,
      ),
      `<polyline points="${left},${y} ${left + 22},${y}"/><text x="${left + 28}" y="${y + 4}">${filterTitles[filter].replaceAll("`", "")}</text></g>`,
    ];
  })
  .join("\n")}
</svg>
`;
}

/** Rounded to thousands, 348000 as 348,000: further digits are noise. */
function thousands(number: number): string {
  return (Math.round(number / 1000) * 1000).toLocaleString("en-GB");
}
