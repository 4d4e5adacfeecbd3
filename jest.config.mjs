// `npm test`: everything that needs neither root nor the lab.
/** @type {import("jest").Config} */
export default {
  testEnvironment: "<rootDir>/tests/run/environment.ts",
  testSequencer: "<rootDir>/tests/run/sequencer.mjs",
  testMatch: ["<rootDir>/tests/**/*.test.ts"],
  testPathIgnorePatterns: ["/node_modules/", "<rootDir>/tests/lab/"],
  setupFiles: ["<rootDir>/tests/run/ownStackFiles.ts"],
  transform: {
    "\\.ts$": ["@swc/jest", { jsc: { parser: { syntax: "typescript" }, target: "es2022" } }],
  },
  // By default one less than there are CPUs: on two, the files would wait for each other.
  maxWorkers: "100%",
  testTimeout: 30_000,
};
