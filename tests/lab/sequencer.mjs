// The lab's test files by name, or the other way round: none needs what another one left behind.
import Sequencer from "@jest/test-sequencer";

export default class extends Sequencer {
  sort(tests) {
    const sorted = [...tests].sort((a, b) => (a.path < b.path ? -1 : 1));
    return process.env.LVS_HA_TEST_REVERSE === undefined ? sorted : sorted.reverse();
  }
}
