// Colours, and the stream that a command prints to.
import { colorsOn, outputFor } from "../../ops/voice";

const terminal = { isTTY: true };

test.each<[string, { isTTY?: boolean }, NodeJS.ProcessEnv, boolean]>([
  ["a terminal has colours", terminal, {}, true],
  ["a pipe has none", {}, {}, false],
  ["nor has one in CI", {}, { CI: "true" }, false],
  ["nor a terminal that can't", terminal, { TERM: "dumb" }, false],
  ["NO_COLOR switches them off", terminal, { NO_COLOR: "1", FORCE_COLOR: "1" }, false],
  ["FORCE_COLOR switches them on", {}, { FORCE_COLOR: "1" }, true],
  ["FORCE_COLOR=0 switches them off", terminal, { FORCE_COLOR: "0" }, false],
])("%s", (_, stream, env, wanted) => {
  expect(colorsOn(stream, env).isColorSupported).toBe(wanted);
});

test("with --json a person reads on standard error", () => {
  expect(outputFor({ json: true }).stream).toBe(process.stderr);
  expect(outputFor({}).stream).toBe(process.stdout);
});
