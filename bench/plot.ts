/**
 * The picture of the figures: CPU seconds and wall seconds by number of hosts, as an SVG for light
 * and dark pages.
 */
import { type Figure, type Figures, type Subject, seconds, summary, titles } from "./figures";

/** The lines, with their colours on a light and a dark page. */
const series: [subject: Subject, light: string, dark: string][] = [
  ["cold", "#0072b2", "#56b4e9"],
  ["change", "#c04a00", "#ff9e4a"],
  ["preview", "#7b4fa3", "#c9a6ec"],
  ["noop", "#007a5a", "#2ed6a1"],
  ["floor", "#5f5f5f", "#b0b0b0"],
];

const panel = { width: 400, height: 330, left: 52, right: 12, top: 34, bottom: 44 };
const legendHeight = 48;

/**
 * The picture. Of stacks with different numbers of virtual servers, it shows those with the fewest.
 */
export function plot({ samples }: Figures): string {
  const all = summary(samples).filter(({ hosts }) => hosts > 0);
  const fewest = Math.min(...all.map(({ services }) => services));
  const shown = all.filter(({ services, subject }) => services === fewest && isShown(subject));
  const width = panel.width * 2;
  const height = panel.height + legendHeight;
  const colours = (which: "light" | "dark") =>
    series
      .map(([subject, light, dark]) => `.${subject} { --c: ${which === "light" ? light : dark}; }`)
      .join(" ");
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" width="${width}" height="${height}" role="img" aria-label="CPU seconds and wall seconds by number of hosts">
<style>
  text { font: 12px system-ui, sans-serif; fill: #24292f; }
  .grid { stroke: #d0d7de; stroke-width: 1; }
  ${colours("light")}
  polyline { fill: none; stroke: var(--c); stroke-width: 2; }
  circle { fill: var(--c); stroke: var(--c); stroke-width: 2; }
  circle.cut { fill: none; }
  @media (prefers-color-scheme: dark) {
    text { fill: #e6edf3; }
    .grid { stroke: #3d444d; }
    ${colours("dark")}
  }
</style>
${drawPanel("CPU seconds", 0, shown, ({ cpuSeconds }) => cpuSeconds)}
${drawPanel("wall seconds", panel.width, shown, ({ wallSeconds }) => wallSeconds)}
${drawLegend(shown)}
</svg>
`;
}

/**
 * Both scales are logarithmic, so a cost proportional to the number of hosts is a straight line of
 * slope 1.
 */
function drawPanel(
  title: string,
  x: number,
  figures: readonly Figure[],
  value: (figure: Figure) => number | undefined,
): string {
  const values = figures.flatMap((figure) => value(figure) ?? []).filter((number) => number > 0);
  const counts = [...new Set(figures.map(({ hosts }) => hosts))].sort((a, b) => a - b);
  const across = scale(counts, panel.left, panel.width - panel.right);
  const decades = ticks(values);
  const down = scale(decades, panel.height - panel.bottom, panel.top);
  const lines = series.flatMap(([subject]) => {
    const points = figures
      .filter((figure) => figure.subject === subject)
      .flatMap((figure) => {
        const number = value(figure);
        return number === undefined || number <= 0 ? [] : [{ figure, number }];
      });
    if (points.length === 0) return [];
    const at = points.map(({ figure, number }) => [across(figure.hosts), down(number)] as const);
    return [
      `<g class="${subject}"><polyline points="${at.map((point) => point.map(round).join(",")).join(" ")}"/>`,
      ...points.map(({ figure, number }, i) => {
        const [cx = 0, cy = 0] = at[i] ?? [];
        const cut = figure.isCutOff ? ' class="cut"' : "";
        const words = `${titles[subject]}, ${figure.hosts} hosts: ${figure.isCutOff ? "more than " : ""}${seconds(number)} s`;
        return `<circle${cut} cx="${round(cx)}" cy="${round(cy)}" r="3.5"><title>${words}</title></circle>`;
      }),
      "</g>",
    ];
  });
  const [left, right, bottom] = [
    panel.left,
    panel.width - panel.right,
    panel.height - panel.bottom,
  ];
  return [
    `<g transform="translate(${x} 0)">`,
    `<text x="${left}" y="18" font-weight="bold">${title}</text>`,
    ...decades.map(
      (tick) =>
        `<line class="grid" x1="${left}" x2="${right}" y1="${round(down(tick))}" y2="${round(down(tick))}"/>` +
        `<text x="${left - 6}" y="${round(down(tick) + 4)}" text-anchor="end">${tick}</text>`,
    ),
    ...counts.map(
      (count) =>
        `<line class="grid" x1="${round(across(count))}" x2="${round(across(count))}" y1="${panel.top}" y2="${bottom}"/>` +
        `<text x="${round(across(count))}" y="${bottom + 18}" text-anchor="middle">${count}</text>`,
    ),
    `<text x="${(left + right) / 2}" y="${bottom + 36}" text-anchor="middle">hosts</text>`,
    ...lines,
    "</g>",
  ].join("\n");
}

function drawLegend(figures: readonly Figure[]): string {
  const present = series.filter(([subject]) =>
    figures.some((figure) => figure.subject === subject),
  );
  const entry = ([subject]: (typeof series)[number], i: number) => {
    const [x, y] = [panel.left + (i % 3) * 250, panel.height + 14 + Math.floor(i / 3) * 20];
    return (
      `<g class="${subject}"><polyline points="${x},${y} ${x + 22},${y}"/><circle cx="${x + 11}" cy="${y}" r="3.5"/></g>` +
      `<text x="${x + 28}" y="${y + 4}">${titles[subject].replaceAll("`", "")}</text>`
    );
  };
  return present.map(entry).join("\n");
}

function isShown(subject: Subject): boolean {
  return series.some(([one]) => one === subject);
}

/** The 1-2-5 steps of each power of ten, from below the smallest value to above the largest. */
function ticks(values: readonly number[]): number[] {
  const [least, most] = [Math.min(...values), Math.max(...values)];
  const steps = Array.from({ length: 24 }, (_, i) =>
    Number(`${[1, 2, 5][i % 3] ?? 1}e${Math.floor(i / 3) - 3}`),
  );
  const from = steps.findLastIndex((step) => step <= least);
  const to = steps.findIndex((step) => step >= most);
  return steps.slice(Math.max(0, from), to < 0 ? undefined : Math.max(to, from + 1) + 1);
}

/** A logarithmic scale. A single value is placed in the middle. */
export function scale(
  values: readonly number[],
  from: number,
  to: number,
): (value: number) => number {
  const [low, high] = [Math.log(Math.min(...values)), Math.log(Math.max(...values))];
  if (!(high > low)) return () => (from + to) / 2;
  return (value) => from + ((Math.log(value) - low) / (high - low)) * (to - from);
}

export function round(number: number): number {
  return Math.round(number * 10) / 10;
}
