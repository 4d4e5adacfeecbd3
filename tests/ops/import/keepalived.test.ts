// The parser is held to the real keepalived: any text, every version that it reads like, the same words on the same lines.
import { hostname } from "node:os";
import fc from "fast-check";
import type { ConfigFiles } from "../../../ops/import/syntax/files";
import { runs, seed } from "../../support/draws";
import { configTest, unpack } from "../../support/keepalived";
import { lastLine, readByKeepalived, readByUs, readVersions } from "./oracle";

// The only file beside keepalived.conf on the test's director.
const included = "/etc/keepalived/lvs-ha-secrets.conf";
const configId = hostname().split(".")[0] ?? "";

const word = fc.oneof(
  fc.constantFrom(
    "a",
    "bc",
    "1",
    "d-e",
    "$A",
    "${A}",
    "$B",
    "${B}x",
    "$C",
    "x${C}",
    "$none",
    "${A}${B}",
  ),
  fc.constantFrom(
    '"',
    '""',
    '"q r"',
    '"q # r"',
    '"{"',
    "'s t'",
    "\\",
    "\\#",
    "\\!",
    "\\n",
    "$",
    "@",
    "~",
    "é",
  ),
);
const gap = fc.constantFrom(" ", "\t", "  ", "");
const words = fc.array(fc.tuple(word, gap), { maxLength: 5 }).map((parts) => parts.flat().join(""));
const comment = fc.constantFrom("", "", "", " # c", "!c", '\t#c "q', " # c \\");
const statement = words.map((text) => `include_check ${text}`);
const line = fc.oneof(
  { weight: 6, arbitrary: statement },
  { weight: 2, arbitrary: words },
  fc.tuple(fc.constantFrom("$A", "$B", "$C"), words).map(([name, text]) => `${name}=${text}`),
  fc.tuple(fc.constantFrom("$A", "$B", "$C"), words).map(([name, text]) => `${name}=${text}\\`),
  fc
    .tuple(fc.constantFrom(`@${configId}`, `@^${configId}`, "@other", "@^other"), statement)
    .map(([condition, text]) => `${condition} ${text}`),
  fc.constantFrom(
    "",
    "   ",
    "# comment",
    "{",
    "}",
    "x { y",
    "z }",
    "global_defs {",
    "global_defs",
    "$A",
    "$B",
    "include",
    `include ${included}`,
    "include nowhere",
    "}}",
  ),
);
const text = fc
  .array(fc.tuple(gap, line, comment, fc.constantFrom("\n", "\n", "\r\n")), {
    minLength: 1,
    maxLength: 14,
  })
  .map((lines) => `global_defs {\n${lines.flat().join("")}\n${lastLine}`);

/** Texts that have failed this test before. */
const examples = [
  "global_defs {\n }\n  # c \\\n \n\n",
  "global_defs {\n include_check a # c \\\n include_check b\n",
  "global_defs {\n $C=a 's t' $A \n $A=\" \\! $B $C \\\n include_check \n include_check ${B}x x${C} \n",
];

function filesOf(content: string): ConfigFiles {
  return {
    matches: (pattern) => (pattern === included ? [included] : []),
    read: () => ({ text: content }),
    script: () => undefined,
  };
}

describe.each(readVersions)("keepalived %s", (version) => {
  let folder: string;
  beforeAll(async () => {
    folder = await unpack(version);
  }, 300_000);

  test("reads the same words on the same lines of any text", () => {
    fc.assert(
      fc.property(text, fc.array(line, { maxLength: 3 }), (config, lines) => {
        const content = `${lines.join("\n")}\n`;
        const { read, problems } = readByUs(config, filesOf(content), configId);
        // keepalived never finishes reading these.
        fc.pre(!problems.some((why) => why.endsWith("the rest is unread")));
        const { says } = configTest(folder, config, content);
        expect(read).toEqual(readByKeepalived(says));
      }),
      {
        seed,
        numRuns: runs(50),
        examples: examples.map((it): [string, string[]] => [it + lastLine, []]),
      },
    );
  }, 600_000);
});
