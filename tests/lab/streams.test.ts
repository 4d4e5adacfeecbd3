/**
 * Long-lived TCP streams over power cuts of the active director, in either direction. What becomes of them with `mh` and
 * `sloppy_tcp`, and with neither, is what `npm run lab -- measure streams` shows.
 *
 * @set slice 2
 * @topology dev
 * @budgetSeconds 190
 */
import { measureStreams } from "../../lab/experiments/streams";
import { lab } from "./lab";
import { tell } from "./stack";

const streams = 100;

test("connection sync keeps established streams, whichever director dies", async () => {
  const figures = await measureStreams(lab, { streams, cuts: 2, only: ["wrr, sync"] }, (line) => {
    tell(`  ${line}`);
  });
  expect(figures.map(({ cut }) => cut).sort()).toEqual(["lvs1", "lvs2"]);
  for (const { old } of figures) expect(old.alive).toBeGreaterThanOrEqual(0.99 * streams);
});
