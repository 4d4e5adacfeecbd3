// The bench of packet filters: what it measures on this machine, and what it makes of figures.
import { performanceDocs } from "../../docs/generate/performance";
import {
  directorTable,
  filters,
  measurePackets,
  type PacketFigures,
  type PacketSample,
} from "../../bench/packets";
import { packetMeaning, packetPlot, packetRows, packetSummary } from "../../bench/packetsPage";
import { sampleFigures } from "./sample";

const run = (filter: PacketSample["filter"], services: number, packets: number): PacketSample => ({
  ...{ filter, services, packets, wallSeconds: 2, cpuSeconds: 0.5, load: 0.1 },
});

const figures: PacketFigures = {
  experiment: "packets",
  measured: "2026-03-29T10:00:00.000Z",
  command: "npm run bench -- packets",
  machine: sampleFigures().machine,
  nft: "bookworm",
  load: 0.1,
  samples: [
    ...[100_000, 300_000, 150_000].map((packets) => run("nftables", 1, packets)),
    run("nftables", 1000, 120_000),
    run("none", 1, 200_000),
  ],
};

test("figures are medians, by table and by services", () => {
  expect(packetRows(packetSummary(figures)).slice(1)).toEqual([
    ["`nftables`", "1", "300,000", "75,000"],
    ["`nftables`", "1000", "240,000", "60,000"],
    ["`none` and `ufw`: the table for IPVS alone", "1", "400,000", "100,000"],
  ]);
  expect(packetMeaning(packetSummary(figures))).toEqual([
    "`nftables`: with 1000 services, 80 % of what it is with 1.",
  ]);
});

test("the page has a section on them, and a picture with a point for each", () => {
  const docs = performanceDocs(JSON.stringify(sampleFigures()), {
    packets: JSON.stringify(figures),
  });
  expect(docs["docs/performance.md"]).toContain("](packets.svg)");
  expect(docs["docs/performance.md"]).not.toContain("no figures to go by");
  expect(docs["docs/packets.svg"]).toBe(packetPlot(figures));
  expect(packetPlot(figures).match(/<title>/g)).toHaveLength(3);
  expect(packetPlot(figures)).not.toMatch(/NaN|Infinity|undefined/);
  const busy = performanceDocs(JSON.stringify(sampleFigures()), {
    packets: JSON.stringify({ ...figures, load: 3 }),
  });
  expect(busy["docs/performance.md"]).toContain("load average 3.0 when the bench began");
});

test("no rule is one service's: a table's chains are the same with one and with a thousand", () => {
  const chains = (filter: PacketSample["filter"], services: number) =>
    directorTable(filter, services).table.replace(/elements = \{[^}]*\}/g, "");
  for (const filter of filters) expect(chains(filter, 1000)).toBe(chains(filter, 1));
});

const asRoot = process.getuid?.() === 0 ? test : test.skip;

asRoot(
  "SYNs to the last of many services get through each table",
  async () => {
    const kept: number[] = [];
    const { samples } = await measurePackets(
      { services: [1, 1000], rounds: 1, seconds: 1, command: "npm test" },
      () => undefined,
      (all) => kept.push(all.samples.length),
    );
    expect(samples.map(({ filter, services }) => `${filter} ${services}`)).toEqual(
      filters.flatMap((filter) => [`${filter} 1`, `${filter} 1000`]),
    );
    expect(kept).toEqual([1, 2, 3, 4, 5, 6]);
    for (const { packets, cpuSeconds } of samples) {
      expect(packets).toBeGreaterThan(100);
      expect(cpuSeconds).toBeGreaterThan(0);
    }
  },
  200_000,
);
