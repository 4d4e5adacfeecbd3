// Starts the long test files first, so that no worker is left with one at the end; the others in
// jest's own order, by earlier durations.
import { readFileSync } from "node:fs";
import { join } from "node:path";
import Sequencer from "@jest/test-sequencer";

const sets = JSON.parse(readFileSync(join(import.meta.dirname, "sets.json"), "utf8"));
const seconds = Object.assign({}, ...Object.values(sets));

const secondsOf = ({ path, context }) =>
  seconds[path.slice(context.config.rootDir.length + 1)] ?? 0;

export default class extends Sequencer {
  sort(tests) {
    return super.sort(tests).sort((a, b) => secondsOf(b) - secondsOf(a));
  }
}
