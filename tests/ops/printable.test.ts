// Text from a host, a file or a program can't control the terminal, whichever command prints it.
import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import pc from "picocolors";
import { entriesOf, factsOf, lineOf } from "../../ops/logs/entries";
import { printable, printableIn, printableJson } from "../../ops/printable";
import { look } from "../../ops/status/look";
import { picture as statusPicture } from "../../ops/status/picture";
import { picture as verifyPicture } from "../../ops/verify/picture";
import { throughPicture } from "../../ops/verify/through";
import { complain, print, printJson, printJsonLine, redraw, outputFor } from "../../ops/voice";
import { edit, sampleAnswers, sampleStack, sampleTime, sectionsOf } from "./sampleHosts";

const plain = pc.createColors(false);
/** Clears the screen, in both notations; sets the title; and hides the text after it. */
const evil = "\u001b[2J\u009b2J\u001b]0;title\u0007\u001b[8m\r\u202e\u00a0\ufeff\u{e0041}";

// eslint-disable-next-line no-control-regex -- they must not be there
const steering = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u00a0\u202e\ufeff]|\u{e0041}/u;

test("each character that steers, or that nobody sees, is shown by its name, and no other is touched", () => {
  expect(printable("a\tb\nc é € 漢 🙂 ●✘")).toBe("a\tb\nc é € 漢 🙂 ●✘");
  expect(printable("\u001b[2J\u007f\u009b\u0085")).toBe("<U+001B>[2J<U+007F><U+009B><U+0085>");
  expect(printable("\r\u0000\u0008\u000b")).toBe("<U+000D><U+0000><U+0008><U+000B>");
  expect(printable("\u00a0\ufeff\u200b\u202e\u2028\u{e0041}")).toBe(
    "<U+00A0><U+FEFF><U+200B><U+202E><U+2028><U+E0041>",
  );
  expect(printableIn({ [`k\u001b`]: ["\u001b", 1, null, { a: "\u0007" }] })).toEqual({
    "k<U+001B>": ["<U+001B>", 1, null, { a: "<U+0007>" }],
  });
});

test("JSON keeps its value", () => {
  const text = printableJson(JSON.stringify({ evil }));
  expect(text).not.toMatch(steering);
  expect(JSON.parse(text)).toEqual({ evil });
});

test("status shows a host's words so", () => {
  const answers = sampleAnswers((hosts) => {
    sectionsOf(hosts, "web1").set("kernel", { status: 0, text: `${evil}\n` });
    edit(
      sectionsOf(hosts, "lvs1"),
      "addresses",
      '"ifname":"eth1"',
      `"ifname":${JSON.stringify(evil)}`,
    );
  });
  answers.set("web2", { unreachable: `said ${evil}` });
  const text = statusPicture(look(sampleStack(), answers, sampleTime()), plain);
  expect(text).toContain("said <U+001B>[2J");
  expect(text).not.toMatch(steering);
});

test("verify shows them so", () => {
  const drift = { urn: "u", resource: evil, title: evil, diff: [`+${evil}`] };
  const unknown = [{ resource: evil, title: evil, why: evil }];
  const host = { name: "lvs1", checked: 1, unknown, notes: [evil] };
  const text = verifyPicture(
    {
      clean: false,
      hosts: [
        { ...host, role: "director", unreachable: null, drifts: [drift] },
        { ...host, role: "director", unreachable: evil, drifts: [] },
      ],
    } as unknown as Parameters<typeof verifyPicture>[0],
    plain,
  );
  const through = throughPicture(
    [{ name: "web", service: "s", asked: evil, answer: evil, problem: null }],
    plain,
  );
  expect(text).toContain("+<U+001B>[2J");
  expect(text + through).not.toMatch(steering);
});

test("logs shows them so", () => {
  const [entry] = entriesOf("lvs1", `1795414349.5 h x: ${evil}\n`);
  if (entry === undefined) throw new Error("no entry");
  expect(lineOf(entry, 4, plain)).not.toMatch(steering);
  expect(factsOf(entry).text).toBe(`x: ${evil}`);
});

describe("whatever is written", () => {
  const written: string[] = [];
  beforeEach(() => {
    written.length = 0;
    for (const stream of [process.stdout, process.stderr]) {
      jest.spyOn(stream, "write").mockImplementation((text) => {
        written.push(String(text));
        return true;
      });
    }
  });
  afterEach(() => {
    jest.restoreAllMocks();
  });

  test("is printable but for its colours", () => {
    print(evil);
    complain(evil);
    outputFor({}).say(evil);
    outputFor({ json: true }).say(evil);
    printJson({ evil });
    printJsonLine({ evil });
    const red = pc.createColors(true).red("red");
    print(red);
    const text = written.join("");
    expect(text).toContain(`${red}\n`);
    expect(text.replaceAll("\u001b[8m", "").replace(red, "")).not.toMatch(steering);
  });

  test("is drawn anew line by line, and nothing in it goes elsewhere", () => {
    redraw(`one\ntwo ${evil}`);
    const [text = ""] = written;
    expect(text.startsWith("\u001b[Hone\u001b[K\ntwo <U+001B>[2J")).toBe(true);
    expect(text.endsWith("\u001b[K\n\u001b[J")).toBe(true);
  });
});

test("voice.ts alone writes", () => {
  const root = join(__dirname, "../..");
  const files = spawnSync("git", ["ls-files", "-co", "--exclude-standard", "ops/*.ts"], {
    cwd: root,
    encoding: "utf8",
  })
    .stdout.trim()
    .split("\n");
  expect(files).toContain("ops/voice.ts");
  const writing = files.filter((file) =>
    /\bconsole\.|\bstd(?:out|err)\.write\b/.test(readFileSync(join(root, file), "utf8")),
  );
  expect(writing).toEqual(["ops/voice.ts"]);
});
