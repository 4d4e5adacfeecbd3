// The bench's page and picture, of small figures.
import { markdownTable, meaning, page } from "../../bench/page";
import { plot } from "../../bench/plot";
import { summary } from "../../bench/figures";
import { performanceDocs } from "../../docs/generate/performance";
import { sample, sampleFigures } from "./sample";

const text = (change = {}) =>
  page(sampleFigures(change), { page: "docs/performance.md", plot: "docs/performance.svg" });

test("the page says when, by which command and on which machine, and shows the picture beside it", () => {
  expect(text()).toContain("2026-03-29");
  expect(text()).toContain("`npm run bench -- engine --hosts 5 50`");
  expect(text()).toContain("2 cores (A CPU), 16 GB, Linux 6.12, Node 20.19.0");
  expect(text()).toContain("1.2.1, official");
  expect(text()).toContain("](performance.svg)");
});

test("the page and the picture that npm run docs makes of the kept figures are those that the bench writes", () => {
  const paths = { page: "docs/performance.md", plot: "docs/performance.svg" };
  expect(performanceDocs(JSON.stringify(sampleFigures()))).toEqual({
    "docs/performance.md": page(sampleFigures(), paths),
    "docs/performance.svg": plot(sampleFigures()),
  });
});

test("every figure is a row of its table", () => {
  const figures = summary(sampleFigures().samples);
  const [, table = ""] = /(\| hosts [^]*?)\n\n/.exec(text()) ?? [];
  expect(table.split("\n")).toHaveLength(figures.length + 2);
});

test("figures of a busy machine are told as none to go by", () => {
  expect(text()).not.toContain("no figures to go by");
  expect(text({ load: 7.5 })).toContain("load average 7.5 when the bench began");
});

test("what the figures mean is said in their own numbers", () => {
  expect(meaning(summary(sampleFigures().samples))).toEqual([
    "A first `up` takes 7.0 CPU s for 5 hosts and 140 for 50: 10 times the hosts cost 20 times the CPU time.",
    "With nothing to do, an `up` logs in nowhere; it takes an empty program's CPU time 2 times with 5 hosts and 8 times with 50 hosts.",
    "A first `up` of 50 hosts logs in 12 times to a director and 4 times to a real server; one login to each host and nothing else takes 1.4 CPU s, and that `up` 100 times as much.",
  ]);
});

test("what was not measured, or was cut off, is not said", () => {
  expect(meaning([])).toEqual([]);
  const cut = sample({ hosts: 100, cpuSeconds: undefined });
  expect(meaning(summary([sample(), cut]))).toEqual([]);
});

test("a table's columns have one width, and a cell's length doesn't move the others", () => {
  expect(
    markdownTable([
      ["a", "long title"],
      ["cell", ""],
    ]),
  ).toBe("| a    | long title |\n| ---- | ---------- |\n| cell |            |");
});

describe("the picture", () => {
  const picture = plot(sampleFigures());

  test("is well-formed, and has no number that is none", () => {
    const open: string[] = [];
    for (const [, close, name = "", empty] of picture.matchAll(/<(\/?)(\w+)[^<>]*?(\/?)>/g)) {
      if (close) expect(open.pop()).toBe(name);
      else if (!empty) open.push(name);
    }
    expect(open).toEqual([]);
    expect(picture).not.toMatch(/NaN|Infinity|undefined/);
  });

  test("has a point for each figure, in both halves, where there is a number", () => {
    // Two cold, two idle, one floor; and the one that was cut off has no CPU seconds.
    expect(picture.match(/<title>/g)).toHaveLength(5 + 6);
    expect(picture).toContain("first up, 50 hosts: 140 s");
    expect(picture).toMatch(/class="cut"[^>]*><title>another scheduler, 50 hosts: more than 600 s/);
  });

  test("has a line that climbs as fast as the hosts do where the cost does", () => {
    const samples = [5, 50, 500].map((hosts) =>
      sample({ hosts, cpuSeconds: hosts, wallSeconds: 1 }),
    );
    const [, line = ""] = /<polyline points="([^"]*)"/.exec(plot(sampleFigures({ samples }))) ?? [];
    const [a, b, c] = line
      .split(" ")
      .map((point) => point.split(",").map(Number) as [number, number]);
    if (!a || !b || !c) throw new Error(`not three points: ${line}`);
    expect([b[0] - a[0], b[1] - a[1]]).toEqual([
      expect.closeTo(c[0] - b[0], 0),
      expect.closeTo(c[1] - b[1], 0),
    ]);
    expect(c[1]).toBeLessThan(a[1]);
  });

  test("of a single size, too, has its points inside", () => {
    const one = plot(sampleFigures({ samples: [sample()] }));
    expect(one).not.toMatch(/NaN|Infinity/);
    expect(one.match(/<title>/g)).toHaveLength(2);
  });

  test("has colours for light and for dark pages", () => {
    expect(picture).toContain("@media (prefers-color-scheme: dark)");
  });
});
