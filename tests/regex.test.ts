// Every accepted regular expression is valid for PCRE2. keepalived reports an invalid one only once
// it runs.
import { spawnSync } from "node:child_process";
import fc from "fast-check";
import { canGoOn, hasAnchors, isRegex } from "../components/schema/regex";
import { runs, seed } from "./support/draws";

const numRuns = runs(6000);

// Debian's grep is built with PCRE2.
function isPcre2(pattern: string, locale: string): boolean {
  const env = { ...process.env, LC_ALL: locale };
  const { status, stderr } = spawnSync("grep", ["-qP", "-e", pattern], { input: "x", env });
  if (status === 0 || status === 1) return true;
  if (status === 2) return false;
  throw new Error(`grep ends with ${status}: ${String(stderr)}`);
}

test.each([
  "ok",
  "^HTTP\\S+ \\d+$",
  "a|b|",
  "(?:\\d{1,3}\\.){3}\\d{1,3}",
  "(up|ready)(?! later)",
  "[[:alpha:]_-]+",
  "[a-zA-Z0-9_.-]+@example\\.com",
  "[()\\]\\[]",
  "[\\x00-\\x1f]",
  "[^.]",
  "{ok}",
  "it's ü€😀",
])("%s is a regular expression", (pattern) => {
  expect(isRegex(pattern)).toBe(true);
  expect(isPcre2(pattern, "C")).toBe(true);
});

test.each([
  ["[^]", false],
  ["[]", false],
  ["\\u0041", false],
  ["\\p{Foo}", false],
  ["[a-\\d]", false],
  ["[:alpha:]", false],
  ["\\1", false],
  ["(((x{99}){99}){99})", false],
  ["(?i)ok", true],
  ["a++", true],
  ["(?>a)", true],
  ["\\Qa.b\\E", true],
])("%s is none, whether PCRE2 knows it (%j) or not", (pattern, known) => {
  expect(isRegex(pattern)).toBe(false);
  expect(isPcre2(pattern, "C")).toBe(known);
});

test(`whatever passes, PCRE2 takes (SEED=${seed})`, () => {
  const parts = fc.oneof(
    fc.constantFrom(...Array.from(String.raw`()[]{}^$.|?*+\-:=!<>,#a09 é😀`)),
    fc.constantFrom("(?:", "(?=", "(?!", "(?<n>", "(?i)", "[^", "[a-z]", "[:alpha:]", "[[:digit:]"),
    fc.constantFrom("\\d", "\\x41", "\\x", "\\u0041", "\\p{L}", "\\.", "\\1", "\\Q", "\\E"),
    fc.constantFrom("{2}", "{2,3}", "{3,2}", "{,3}", "{99}", "{999,}", "{1000}"),
  );
  const patterns = fc
    .sample(fc.array(parts, { minLength: 1, maxLength: 12 }), { seed, numRuns })
    .map((drawn) => drawn.join(""))
    .filter(isRegex);
  expect(patterns.length).toBeGreaterThan(numRuns / 20);
  const wrong = patterns.filter((pattern, i) => !isPcre2(pattern, i % 2 ? "C" : "C.UTF-8"));
  expect(wrong).toEqual([]);
}, 600_000);

test.each([
  "ok",
  "(up|ready)",
  "a+b",
  "a{3}",
  "ok(?=!)",
  "[+*]",
  "a\\+",
  "(a+|b)c",
  "a|b$",
  "(?!x)y",
])("a match of %s ends where it ends", (pattern) => {
  expect([isRegex(pattern), canGoOn(pattern)]).toEqual([true, false]);
});

test.each([
  "ok+",
  "a*",
  "ab?",
  "a{2,}",
  "a{2,3}",
  "a+?",
  "(a+)",
  "(a|b+)",
  "a+|b",
  "((a+){2})",
  "ok(?!ay)",
])("a match of %s could take in more", (pattern) => {
  expect([isRegex(pattern), canGoOn(pattern)]).toEqual([true, true]);
});

test.each([
  ["^a", true],
  ["a$", true],
  ["(^|x)a", true],
  ["[^a]b", false],
  ["\\^\\$", false],
  ["[$]", false],
])("%s has anchors: %s", (pattern, has) => {
  expect([isRegex(pattern), hasAnchors(pattern)]).toEqual([true, has]);
});
