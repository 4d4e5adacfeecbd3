// Long-lived TCP streams over power cuts of the active director, in either direction.
import { measureStreams, type StreamFigures } from "../../lab/experiments/streams";
import { configure, nobodyAsks, tell, up } from "./stack";

const streams = 100;

afterAll(async () => {
  configure(nobodyAsks);
  await up();
});

/** What became of streams that had been open for seconds, at two cuts: of the one director, then of the other. */
async function throughBothCuts(only: string): Promise<StreamFigures[]> {
  const figures = await measureStreams({ streams, cuts: 2, only }, (line) => {
    tell(`  ${line}`);
  });
  expect(figures.map(({ cut }) => cut).sort()).toEqual(["lvs1", "lvs2"]);
  return figures;
}

test("connection sync keeps established streams, whichever director dies", async () => {
  for (const { old } of await throughBothCuts("wrr, sync")) {
    expect(old.alive).toBeGreaterThanOrEqual(0.99 * streams);
  }
});

test("mh with sloppy_tcp keeps all, young ones too, without any sync", async () => {
  for (const { old, young } of await throughBothCuts("mh, sloppy_tcp")) {
    expect([old.alive, young.alive]).toEqual([streams, streams]);
  }
});

test("without either they are lost: it is these that keep them", async () => {
  for (const { old } of await throughBothCuts("wrr")) expect(old.alive).toBe(0);
});
