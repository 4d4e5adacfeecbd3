// What is refused before any host is changed: what would take a service from clients that are connected to it.
import type * as pulumi from "@pulumi/pulumi";
import { DeletionProtection } from "../../components/deletionProtection";
import type { Session } from "../../components/host/session";
import { settingsOf, smallStack } from "../support/stacks";

/** A director that answers as protect.sh does; an error is one that can't be logged in to. */
class FakeDirector {
  readonly asked: { words: string[]; input: string }[] = [];

  constructor(private readonly answer: string | Error) {}

  async run(words: string[], { input = "" }: { input?: string } = {}): Promise<string> {
    await Promise.resolve();
    if (this.answer instanceof Error) throw this.answer;
    this.asked.push({ words, input });
    return words.includes("lost") ? this.answer : "serving\n";
  }
}

const protecting = (...directors: FakeDirector[]) =>
  new DeletionProtection(settingsOf(smallStack()), directors as unknown as Session[]);

/** What is said to each of some changes; "goes on" where it is allowed. */
const said = async (protection: DeletionProtection, ...changes: { isNew: boolean }[]) =>
  (await Promise.allSettled(changes.map((change) => protection.check(change)))).map((result) =>
    result.status === "fulfilled" ? "goes on" : (result.reason as pulumi.RunError).message,
  );

const changed = { isNew: false };
const fresh = { isNew: true };
const gone = new Error("lvs1: No route to host");

test("each director is asked once, whatever is changed, with all places that the config has", async () => {
  const directors = [new FakeDirector(""), new FakeDirector("")];
  expect(await said(protecting(...directors), fresh, changed, changed)).toEqual(
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
  const protection = protecting(
    new FakeDirector(`37 ${web}\n1 names 192.0.2.100:53 UDP\n`),
    new FakeDirector(`41 ${web}\n`),
  );
  const [first, ...others] = await said(protection, changed, changed, fresh);
  expect(first).toBe(
    `deletion protection: nothing was changed. Clients would lose ${web} (41 open connections), names 192.0.2.100:53 UDP (1 open connection): the virtual server goes, or all of its real servers do. Keep one of its real servers until those connections have ended, or allow it: pulumi config set lvs-ha:deletionProtection false`,
  );
  const short = "not changed either: deletion protection refuses this run";
  expect(others).toEqual([short, short]);
});

test("one director that can't be reached hinders nothing, and hides nothing", async () => {
  const dead = () => new FakeDirector(gone);
  expect(await said(protecting(dead(), new FakeDirector("")), changed, fresh)).toEqual([
    "goes on",
    "goes on",
  ]);
  const [text] = await said(protecting(dead(), new FakeDirector("3 web x TCP\n")), changed);
  expect(text).toContain("3 open connections");
});

test("where no director can be asked, only what is new goes on: of a first install there are none yet", async () => {
  const all = [new FakeDirector(gone), new FakeDirector(gone)];
  expect(await said(protecting(...all), changed, fresh)).toEqual([gone.message, "goes on"]);
});

test("with every director in maintenance nothing is asked, and all goes on", async () => {
  expect(await said(protecting(), changed)).toEqual(["goes on"]);
});
