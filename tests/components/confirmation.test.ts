// While a host's system changes, the program logs in anew where the host waits for that; by servers of the tests' whose hosts are pretended.
import { setTimeout as delay } from "node:timers/promises";
import * as pulumi from "@pulumi/pulumi";
import { waitFor } from "../../lab/waitFor";
import { Confirmation } from "../../components/host/confirmation";
import type { RunOptions, Session } from "../../components/host/session";

let warned: string[];
beforeEach(() => {
  warned = [];
  jest.spyOn(pulumi.log, "warn").mockImplementation((text) => {
    warned.push(text);
    return Promise.resolve();
  });
});

/** A login whose answers are these, one after the other, an error where it fails; without any more, it says nothing for a while. */
function login(...answers: (string | Error)[]) {
  const asked: string[] = [];
  const run = async (words: readonly string[], { signal, attempts }: RunOptions = {}) => {
    asked.push(words.at(-1) ?? "");
    expect([attempts, signal?.aborted]).toEqual([1, false]);
    const answer = answers.shift();
    if (answer instanceof Error) throw answer;
    if (answer === undefined) await delay(30_000, undefined, { signal });
    return answer ?? "";
  };
  return { asked, session: { run } as unknown as Session };
}

const waits = "1796000000 203.0.113.9\n";

test("a host that waits is logged in to anew, once", async () => {
  const [present, anew] = [login("", waits), login("")];
  const confirmation = new Confirmation(present.session, anew.session);
  confirmation.begin();
  await waitFor(() => anew.asked.length > 0, { what: "a login", timeoutSeconds: 5 });
  await delay(50);
  confirmation.end();
  expect([present.asked, anew.asked, warned]).toEqual([["asks", "asks"], ["confirm"], []]);
});

test("a host that doesn't wait is logged in to no second time, and nobody asks it any more when its command has ended", async () => {
  const [present, anew] = [login(), login()];
  const confirmation = new Confirmation(present.session, anew.session);
  confirmation.begin();
  confirmation.end();
  await delay(1200);
  expect([present.asked, anew.asked, warned]).toEqual([["asks"], [], []]);
});

test("that no new login comes through is told, once, and it is tried until the command ends", async () => {
  const refused = new pulumi.RunError("web1: Connection timed out");
  const [present, anew] = [login(waits), login(refused, refused, waits, "")];
  const confirmation = new Confirmation(present.session, anew.session);
  confirmation.begin();
  await waitFor(() => anew.asked.length === 4, { what: "four logins", timeoutSeconds: 10 });
  confirmation.end();
  expect(anew.asked).toEqual(["confirm", "asks", "asks", "confirm"]);
  expect(warned).toEqual(["no other login while the firewall changes: web1: Connection timed out"]);
}, 15_000);

test("where the change has cut the connection that was there, a new one asks and confirms", async () => {
  const [present, anew] = [login(new pulumi.RunError("web1: Broken pipe")), login(waits, "")];
  const confirmation = new Confirmation(present.session, anew.session);
  confirmation.begin();
  await waitFor(() => anew.asked.length === 2, { what: "two logins", timeoutSeconds: 10 });
  confirmation.end();
  expect([anew.asked, warned]).toEqual([["asks", "confirm"], []]);
}, 15_000);
