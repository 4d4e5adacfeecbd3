// Runs test files in the order in which they were asked for.
/* global process */
const { default: Sequencer } = require("@jest/test-sequencer");

const order = JSON.parse(process.env.TEST_ORDER ?? "[]");
const place = ({ path }) => order.findIndex((file) => path.endsWith(`/${file}`));

module.exports = class extends Sequencer {
  sort(tests) {
    return [...tests].sort((a, b) => place(a) - place(b));
  }
};
