// The order of versions.
import { compareVersions } from "../../components/os/versions";

test.each([
  ["2.2.8", "2.2.10"],
  ["2.2.8", "2.3"],
  ["1.9", "1.21"],
  ["3.199.9", "3.200.0-alpha.1"],
])("%s is older than %s", (older, newer) => {
  expect(compareVersions(older, newer)).toBeLessThan(0);
  expect(compareVersions(newer, older)).toBeGreaterThan(0);
});

test("a version is as old as itself, whatever stands behind it", () => {
  expect(compareVersions("3.200.0", "3.200.0-alpha.1+dirty")).toBe(0);
});
