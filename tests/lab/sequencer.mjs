// Sorts the lab's test files by name, or in reverse: none depends on another.
import Sequencer from "@jest/test-sequencer";

export default class extends Sequencer {
  sort(tests) {
    const sorted = [...tests].sort((a, b) => (a.path < b.path ? -1 : 1));
    return process.env.LVS_HA_TEST_REVERSE === undefined ? sorted : sorted.reverse();
  }
}
