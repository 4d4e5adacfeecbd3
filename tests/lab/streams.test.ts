// Long-lived TCP streams over power cuts of the active director, in either direction.
import { measureStreams, type StreamFigures } from "../../lab/experiments/streams";
import { tell } from "./stack";

const streams = 100;
// What becomes of them without either is what `npm run lab -- measure streams` shows beside these.
const only = ["wrr, sync", "mh, sloppy_tcp"];

let measured: StreamFigures[] = [];

beforeAll(async () => {
  measured = await measureStreams({ streams, cuts: 2, only }, (line) => {
    tell(`  ${line}`);
  });
}, 1_200_000);

/** What became of streams at two cuts: of the one director, then of the other. */
function throughBothCuts(name: string): StreamFigures[] {
  const figures = measured.filter(({ configuration }) => configuration.name === name);
  expect(figures.map(({ cut }) => cut).sort()).toEqual(["lvs1", "lvs2"]);
  return figures;
}

test("connection sync keeps established streams, whichever director dies", () => {
  for (const { old } of throughBothCuts("wrr, sync")) {
    expect(old.alive).toBeGreaterThanOrEqual(0.99 * streams);
  }
});

test("mh with sloppy_tcp keeps all, young ones too, without any sync", () => {
  for (const { old, young } of throughBothCuts("mh, sloppy_tcp")) {
    expect([old.alive, young.alive]).toEqual([streams, streams]);
  }
});
