// `npm run test:lab`: end to end on the lab's hosts, in the order of the tests. Needs root.
import base from "../../jest.config.mjs";

/** @type {import("jest").Config} */
export default {
  ...base,
  rootDir: "../..",
  testMatch: ["<rootDir>/tests/lab/**/*.test.ts"],
  testPathIgnorePatterns: ["/node_modules/"],
  globalSetup: "<rootDir>/tests/lab/setup.ts",
  globalTeardown: "<rootDir>/tests/lab/teardown.ts",
  testEnvironment: "<rootDir>/tests/lab/environment.ts",
  testSequencer: "<rootDir>/tests/lab/sequencer.mjs",
  maxWorkers: 1,
  testTimeout: 600_000,
};
