// The order of the lab's test files: each finds the lab as the one before left it, and the last takes it down.
import Sequencer from "@jest/test-sequencer";

const order = [
  "pair",
  "destroy",
  // Finds hosts without the stack, and leaves them so.
  "takeover",
  "operator",
  "services",
  "checks",
  "vrrp",
  "streams",
  "metrics",
  "production",
  "disturbedChanges",
  "outages",
  "removal",
];

const place = ({ path }) => order.findIndex((name) => path.endsWith(`/${name}.test.ts`));

export default class extends Sequencer {
  sort(tests) {
    const stranger = tests.find((test) => place(test) < 0);
    if (stranger) throw new Error(`${stranger.path} has no place in the order of the lab's tests`);
    return [...tests].sort((a, b) => place(a) - place(b));
  }
}
