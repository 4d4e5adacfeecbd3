// jest's config for the lab's tests, which need root. `npm run test:lab` (run.ts) chooses files;
// `npx jest --config tests/lab/jest.config.mjs NAME` runs one.
import base from "../../jest.config.mjs";

/** @type {import("jest").Config} */
export default {
  ...base,
  rootDir: "../..",
  testMatch: ["<rootDir>/tests/lab/**/*.test.ts"],
  testPathIgnorePatterns: ["/node_modules/"],
  globalSetup: "<rootDir>/tests/lab/setup.ts",
  testEnvironment: "<rootDir>/tests/lab/environment.ts",
  setupFilesAfterEnv: ["<rootDir>/tests/lab/begin.ts"],
  testSequencer: "<rootDir>/tests/lab/sequencer.mjs",
  // Each worker has a lab of its own; `npm run test:lab -- --labs 2` runs two.
  maxWorkers: 1,
  testTimeout: 600_000,
};
