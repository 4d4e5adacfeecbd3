// What is refused before any host is changed: what would take a service from clients that are connected to it.
import * as pulumi from "@pulumi/pulumi";
import { DeletionProtection } from "../../components/deletionProtection";
import type { Session } from "../../components/host/session";
import { settingsOf, smallStack } from "../support/stacks";

/**
 * A director that answers as protect.sh does and repeats its last answer. An error stands for a
 * director that can't be reached.
 */
class FakeDirector {
  readonly asked: { words: string[]; input: string; attempts?: number }[] = [];
  private readonly answers: (string | Error)[];
  readonly name: string;
  /** The peers that answer it on the network. */
  answering: string | Error = "";

  constructor(name: string, ...answers: (string | Error)[]) {
    this.name = name;
    this.answers = answers;
  }

  async run(
    words: string[],
    { input = "", attempts }: { input?: string; attempts?: number } = {},
  ): Promise<string> {
    await Promise.resolve();
    if (words.includes("answering")) {
      if (this.answering instanceof Error) throw this.answering;
      return this.answering;
    }
    const answer =
      (this.answers.length > 1 && words.includes("look")
        ? this.answers.shift()
        : this.answers[0]) ?? "";
    if (answer instanceof Error) throw answer;
    this.asked.push({ words, input, ...(attempts !== undefined && { attempts }) });
    return words.includes("look") ? answer : "serving\n";
  }
}

const protecting = (serving: FakeDirector[], inMaintenance: FakeDirector[] = []) =>
  new DeletionProtection(
    pulumi.output(settingsOf(smallStack())),
    {
      serving: serving as unknown as Session[],
      inMaintenance: inMaintenance as unknown as Session[],
    },
    pulumi.output(0),
  );

/** The answer to each of several changes; "goes on" if allowed. */
const said = async (protection: DeletionProtection, ...changes: { isNew: boolean }[]) =>
  (await Promise.allSettled(changes.map((change) => protection.check(change)))).map((result) =>
    result.status === "fulfilled" ? "goes on" : (result.reason as pulumi.RunError).message,
  );

const changed = { isNew: false };
const fresh = { isNew: true };
const gone = new Error("lvs1: No route to host");

test("each director is asked once, whatever is changed, with all places that the config has", async () => {
  const directors = [new FakeDirector("lvs1", ""), new FakeDirector("lvs2", "")];
  expect(await said(protecting(directors), fresh, changed, changed)).toEqual(
    Array(3).fill("goes on"),
  );
  for (const { asked } of directors) {
    expect(asked.map(({ words }) => words.slice(0, 2).join(" "))).toEqual([
      "sh -s",
      expect.stringMatching(/^sh \/run\/lvs-ha\/\w+\/protect\.sh$/) as string,
    ]);
    expect(asked[1]?.input).toBe(
      [
        "-t 192.0.2.100:80 -r 192.0.2.21:80",
        "-t 192.0.2.100:80 -r 192.0.2.22:80",
        "==> end <==\n",
      ].join("\n"),
    );
  }
});

test("what clients would lose is refused with the number of open connections, as the director knows it that knows most, and once in full", async () => {
  const web = "web 192.0.2.100:80 TCP";
  const protection = protecting([
    new FakeDirector("lvs1", `lost 37 ${web}\nlost 1 names 192.0.2.100:53 UDP\n`),
    new FakeDirector("lvs2", `lost 41 ${web}\n`),
  ]);
  const [first, ...others] = await said(protection, changed, changed, fresh);
  expect(first).toBe(
    `deletion protection: nothing was changed. Clients would lose ${web} (41 open connections), names 192.0.2.100:53 UDP (1 open connection): the virtual server goes, or all of its real servers do. Keep one of its real servers until those connections have ended, or allow it: pulumi config set lvs-ha:deletionProtection false`,
  );
  const short = "not changed either: deletion protection refuses this run";
  expect(others).toEqual([short, short]);
});

test("one director that can't be reached hinders nothing, and hides nothing", async () => {
  const dead = () => new FakeDirector("lvs1", gone);
  expect(await said(protecting([dead(), new FakeDirector("lvs2", "")]), changed, fresh)).toEqual([
    "goes on",
    "goes on",
  ]);
  const [text] = await said(
    protecting([dead(), new FakeDirector("lvs2", "lost 3 web x TCP\n")]),
    changed,
  );
  expect(text).toContain("3 open connections");
});

test("where no director can be asked, only what is new goes on: of a first install there are none yet", async () => {
  const all = [new FakeDirector("lvs1", gone), new FakeDirector("lvs2", gone)];
  expect(await said(protecting(all), changed, fresh)).toEqual([gone.message, "goes on"]);
});

test("with every director in maintenance nothing is asked, and all goes on", async () => {
  expect(await said(protecting([]), changed)).toEqual(["goes on"]);
});

describe("a host that is active and none of the directors", () => {
  const standby = "standby 192.0.2.100\n";
  const holds = "holds 192.0.2.100\n";
  const refused =
    "deletion protection: nothing was changed. A host that is not in lvs-ha:directors is active, and for some seconds two would be: 192.0.2.100, for which lvs2 stands by. Put it back and in maintenance first (lvs maintenance on), so that another director takes over and it stays silent, or systemctl stop keepalived on that host, or allow it: pulumi config set lvs-ha:deletionProtection false";

  test.each<
    [who: string, serving: (string | Error)[][], inMaintenance: (string | Error)[][], is: string]
  >([
    ["is taken out", [[""], [standby]], [], refused],
    ["is taken out, with one in maintenance", [[standby]], [[""]], refused],
    ["isn't there: a director is active", [[holds], [standby]], [], "goes on"],
    ["isn't there: nobody runs keepalived", [[""], [""]], [], "goes on"],
    [
      "isn't there: somebody has just taken over",
      [
        [standby, standby, standby],
        [standby, standby, holds],
      ],
      [],
      "goes on",
    ],
    [
      "isn't there: the active one is in maintenance from now on",
      [[standby]],
      [[holds]],
      "goes on",
    ],
    ["may be there: one can't be asked", [[gone], [standby]], [], "goes on"],
    ["may be there: one in maintenance can't be asked", [[standby]], [[gone]], "goes on"],
    [
      "has one of two addresses",
      [[holds], [standby + "standby 192.0.2.101\n"]],
      [],
      refused.replace("192.0.2.100", "192.0.2.101"),
    ],
  ])("%s", async (_, serving, inMaintenance, is) => {
    // The last serving director is lvs2.
    const fake = (answers: (string | Error)[], i: number, of: unknown[]) =>
      new FakeDirector(i === of.length - 1 ? "lvs2" : "lvs1", ...answers);
    const atRest = inMaintenance.map((answers) => new FakeDirector("lvs3", ...answers));
    expect(await said(protecting(serving.map(fake), atRest), changed)).toEqual([is]);
    for (const { asked } of atRest) {
      for (const { attempts } of asked) expect(attempts).toBe(1);
    }
  });

  test("and clients that would lose a service are told together", async () => {
    const [text] = await said(
      protecting([new FakeDirector("lvs2", `${standby}lost 3 web x TCP\n`)]),
      changed,
    );
    expect(text).toMatch(
      /Clients would lose web x TCP \(3 .* ended\. A host that is not in .* stands by/,
    );
  });
});

describe("a host that may stand by and is none of the directors", () => {
  const lvs1 = "own 10.10.0.11\npeer 10.10.0.12\npeer 10.10.0.13\n";
  const lvs2 = "own 10.10.0.12\npeer 10.10.0.11\npeer 10.10.0.13\n";
  const refused =
    "deletion protection: nothing was changed. A host that is no longer in lvs-ha:directors may stand by, and without adverts it would take the virtual addresses, too: 10.10.0.13. Put it back and in maintenance first (lvs maintenance on), so that its keepalived is stopped, or allow it: pulumi config set lvs-ha:deletionProtection false";
  const lvs3 = "own 10.10.0.13\npeer 10.10.0.11\npeer 10.10.0.12\n";

  test.each<
    [
      who: string,
      serving: (string | Error)[],
      inMaintenance: (string | Error)[],
      answering: string[],
      is: string,
    ]
  >([
    ["is taken out", [lvs1, lvs2], [], ["10.10.0.12\n10.10.0.13\n", "10.10.0.11\n"], refused],
    ["answers only one", [lvs1, lvs2], [], ["", "10.10.0.13\n"], refused],
    ["is off", [lvs1, lvs2], [], ["10.10.0.12\n", "10.10.0.11\n"], "goes on"],
    ["isn't there", [lvs1, lvs2, lvs3], [], [], "goes on"],
    [
      "isn't there: it is in maintenance from now on",
      [lvs1, lvs2],
      [lvs3],
      ["10.10.0.13\n", ""],
      "goes on",
    ],
    [
      "isn't there: its address is another one from now on",
      [lvs1.replace("13", "14"), lvs2.replace("13", "14"), `own 10.10.0.14\n${lvs3}`],
      [],
      ["10.10.0.14\n"],
      "goes on",
    ],
    ["may be one that can't be asked", [lvs1, lvs2, gone], [], ["10.10.0.13\n"], "goes on"],
    ["may be one in maintenance that is off", [lvs1, lvs2], [gone], ["10.10.0.13\n"], "goes on"],
  ])("%s", async (_, serving, inMaintenance, answering, is) => {
    const fakes = serving.map((answer, i) => {
      const fake = new FakeDirector(`lvs${i + 1}`, answer);
      fake.answering = answering[i] ?? "";
      return fake;
    });
    const atRest = inMaintenance.map((answer) => new FakeDirector("lvs3", answer));
    expect(await said(protecting(fakes, atRest), changed)).toEqual([is]);
  });

  test("is no unknown one where nobody can say whether it answers", async () => {
    const director = new FakeDirector("lvs1", lvs1);
    director.answering = new Error("lvs1: no ip");
    expect(await said(protecting([director]), changed, fresh)).toEqual([
      "lvs1: no ip",
      "lvs1: no ip",
    ]);
  });

  test("is told of once where it is active", async () => {
    const [text] = await said(
      protecting([new FakeDirector("lvs1", `${lvs1}standby 192.0.2.100\n`)]),
      changed,
    );
    expect(text).toMatch(/^deletion protection: [^.]*\. A host that is not in .* is active/);
    expect(text).not.toContain("may stand by");
  });
});
