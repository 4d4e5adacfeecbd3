// Checks against real shells which text of a script counts as code.
import { spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { shellCode } from "../../components/host/shellCode";
import { runs, seed } from "../support/draws";

test.each<[string, string, string]>([
  ["comment lines and blank lines", "#!/bin/sh\n# a\n\necho a\n\t # b\n", "#!/bin/sh\necho a\n"],
  ["a comment with quotes in it", "# it's\necho a # b's\n# c\n", "echo a # b's\n"],
  ["those after a case", "case $1 in\na) b ;;\nesac\n# c\n", "case $1 in\na) b ;;\nesac\n"],
  ["those after a here-document", "cat <<-A | b\n# a\n\tA\n# b\n", "cat <<-A | b\n# a\n\tA\n"],
  [
    "those after strings within strings",
    `a "$(b 'c"' "d")" "\${e#f}" \${g:+--h "$i"} $# \${#j} $((1 + 1))\n# k\n`,
    `a "$(b 'c"' "d")" "\${e#f}" \${g:+--h "$i"} $# \${#j} $((1 + 1))\n`,
  ],
])("%s are no code", (_, text, code) => {
  expect(shellCode(text)).toBe(code);
});

test.each<[string, string]>([
  ["the program that runs it", "#!/bin/sh\n"],
  ["a string's line", "echo 'a\n# b\n\nc'\n"],
  ["a line of a string in double quotes", 'echo "a \\" $(echo \'"\')\n# b"\n'],
  ["a here-document's line", "cat <<A <<'B'\n# a\nA\n# b\nB\n"],
  ["a here-document's line that looks like the end of one with tabs", "cat <<A\n\tA\n# b\nA\n"],
  ["what a backslash makes a part of the line before", "echo a \\\n # b\necho c\\\n\necho d\n"],
  ["a line in a command substitution", "echo $(\n# a\necho b)\n"],
])("%s is code", (_, text) => {
  expect(shellCode(text)).toBe(text);
});

test.each<[string, string]>([
  ["a backquote", "echo `echo a`\n"],
  ["a pattern of a case in a command substitution", "echo $(case a in a) echo b ;; esac)\n"],
  ["a here-document in a command substitution", "echo $(cat <<A\na\nA\n)\n"],
  ["a here-document that a command substitution ends before", "echo $(cat <<A)\na\nA\n"],
  ["a # that a backslash puts into a word", "echo a\\\n#b'\n# c'\n"],
  ["a here-document whose end is made up", 'cat <<A"B"\na\nAB\n'],
  ["a here-document that a string comes after, over its line's end", 'cat <<A; echo "\nA\n"\nA\n'],
  ["a here-document with a line that goes on", "cat <<A\n\\\nA\nA\n"],
  ["a quote in an expansion in a string", 'echo "${a:-\'}"\n'],
  ["a # right after a )", "echo $(echo a)#b\n"],
  ["a string that doesn't end", "echo 'a\n"],
])("of a text with %s, all is code", (_, text) => {
  expect(shellCode(`${text}\n# a\n`)).toBe(`${text}\n# a\n`);
});

/** Parts of programs that contain text which could be mistaken for comments. */
const parts = [
  ...["# a", "# it's", '\t# "', "# `", "# <<A", "# $(", "# \\", "", " \t", "echo a"],
  ...["echo b # it's", "echo a#b", "echo 'a\n# b\n\nc'", 'echo "a\n# b\n"', "echo a \\\n# b"],
  ...[
    "echo a\\\n# b",
    "echo a\\\n # b",
    "echo a\\\n",
    "echo \\' \\# \\\\",
    'echo "\\""',
    "echo a;# it's",
    "echo '\n'#b'\n# c'",
  ],
  ...["cat <<A\n# a\n\nA", "cat <<'A'\n# a\\\nA", "cat <<-A\n\t# a\n\tA", "cat <<A\n\tA\n# c\nA"],
  ...[
    "cat <<A <<B\n# a\nA\n# b\nB",
    "cat <<A; echo b\n# it's $# ${#a}\nA",
    "echo $# ${#x} $((1 << 2))",
  ],
  ...['echo "$(echo \'"\'\n# b\necho "c")"', "echo $(\n# a )\necho b)", "echo ${x#a} ${x##*b}"],
  ...[
    "echo ${x:-a # b}",
    'echo ${x:-"a\n# b\n"}',
    "if :; then\n# a\necho b\nfi",
    "(echo a\n# b\n)",
  ],
  ...[
    "case a in\n# b\na) echo c ;;\nesac",
    "f() {\n# a )\necho b\n}",
    "f",
    "x=a#b\\\n# c",
    "echo $x",
  ],
];
const oddParts = [
  ...[
    "echo `echo a\n# b\n`",
    "echo $(case a in a) echo b;; esac\n# c\n)",
    "echo $(cat <<A\n# a\nA\n)",
  ],
  ...[
    "cat <<A\n# a\\\nA\n# b\nA",
    'cat <<A; echo "b\n# c\nA\n"\n# d\nA',
    "cat <<A\n$(echo a\n# b\n)\nA",
  ],
  ...["echo ${x:-'a\n# b\n'}", 'echo "${x:-\'}"', 'echo "${x:-"a\n# b\n"}"', "echo $'a\\'\n# b'"],
  ...["(echo a)#b'\n# c", "echo a;#\\\n# b", "echo a\\\n#b'\n# c'", "echo $(echo a)#'\n# b\n'"],
];
const slips = ["", "'", '"', "\\", "#", "\n", "`", "$(", ")", "${", "}", "<<A\n", " ", "A\n"];

/** Such parts in any order; sometimes with one character replaced or added. */
const program = fc
  .tuple(
    fc.array(
      fc.oneof(
        { weight: 15, arbitrary: fc.constantFrom(...parts) },
        { weight: 1, arbitrary: fc.constantFrom(...oddParts) },
      ),
      { minLength: 2, maxLength: 6 },
    ),
    fc.option(fc.tuple(fc.nat(200), fc.boolean(), fc.constantFrom(...slips)), { freq: 1 }),
  )
  .map(([lines, slip]) => {
    const text = `${lines.join("\n")}\n`;
    if (slip === null) return text;
    const [place, replaces, other] = slip;
    const at = place % text.length;
    return text.slice(0, at) + other + text.slice(replaces ? at + 1 : at);
  });

test.each(["dash", "bash"])("what %s does with the code is what it does with the text", (shell) => {
  const texts = fc.sample(program, { numRuns: runs(400, 3000), seed });
  const cut = texts.filter((text) => shellCode(text) !== text);
  const whole = outputs(shell, cut);
  const code = outputs(shell, cut.map(shellCode));
  let said = 0;
  for (const [i, text] of cut.entries()) {
    // A shell's error messages contain line numbers.
    const words = (output = "") => output.replace(/line \d+|: \d+: /g, "");
    expect([text, words(code[i])]).toEqual([text, words(whole[i])]);
    if (/^[abc]/.test(whole[i] ?? "")) said++;
  }
  // Enough of the programs must print something.
  expect(said).toBeGreaterThan(texts.length / 8);
});

/** What a shell does with each text: its output and exit code. Only cat can be run. */
function outputs(shell: string, texts: string[]): string[] {
  const folder = mkdtempSync(join(tmpdir(), "shell-code-"));
  try {
    mkdirSync(join(folder, "empty"));
    for (const [i, text] of texts.entries()) writeFileSync(join(folder, `${i}`), text);
    const { status, stderr } = spawnSync(
      shell,
      [
        "-c",
        // The only commands available are cat and the shell's builtins.
        'cat() { /bin/cat "$@"; }; PATH=/nowhere; i=0; while [ "$i" -lt "$1" ]; do (. "../$i"; echo "ends $?") >"../$i.out" 2>&1 </dev/null; i=$((i + 1)); done',
        shell,
        String(texts.length),
      ],
      { cwd: join(folder, "empty"), encoding: "utf8", timeout: 100_000 },
    );
    expect([status, stderr]).toEqual([0, ""]);
    return texts.map((_, i) => readFileSync(join(folder, `${i}.out`), "utf8"));
  } finally {
    rmSync(folder, { recursive: true });
  }
}
