// If one host gives a malformed answer, that host is named and all others are checked as usual.
import { type Answer, isAnswered } from "../../ops/report";
import { interfaceAddresses } from "../../ops/reportFacts";
import { look } from "../../ops/status/look";
import { expectations } from "../../ops/verify/expect";
import { verified } from "../../ops/verify/verify";
import { sampleAnswers, sampleReport, sampleStack, sampleTime, sectionsOf } from "./sampleHosts";

const stack = sampleStack();
const wanted = look(stack, sampleAnswers(), sampleTime());

function answers(name: string, question: string, text: string): Map<string, Answer> {
  return sampleAnswers((hosts) => sectionsOf(hosts, name).set(question, { status: 0, text }));
}

/** Texts that no command prints, each put in place of a real answer. */
const malformed = [
  "\n",
  "[",
  "null",
  "{}",
  '[{"ifname":"eth1","addr_info":[{"local":"not:an:address"}]}]',
  '[{"ifname":7}]',
  '[{"ifname":"eth1","addr_info":{"local":1}}]',
  "not:an:address\n",
  "not:an:address lo\n",
  "TCP  [not:an:address]:80 wrr\n  -> [:::]:80 Route x y z\n",
  "TCP  192.0.2.100:80 wrr\n  -> 192.0.2.22:80 Route 1\n",
  "-A -t [not:an:address]:80 -s wrr\n-a -t [not:an:address]:80 -r [:::]:80 -g -w x\n",
  "1795414000.5 lvs1 Keepalived_healthcheckers[9]: Removing service [a:b]:tcp:80 from VS [c:d]:tcp:80\n",
  "99999999999999999999.5 MASTER VI_1\n",
  "99999999999999999999.5 lvs1 Keepalived_healthcheckers[9]: Removing service [192.0.2.22]:tcp:80 from VS [192.0.2.100]:tcp:80\n",
  "99999999999999999999\n",
  "some\0thing\u001b[2J",
];

describe.each(["lvs1", "web1"])("of %s", (name) => {
  const questions = [
    ...sampleReport(name).keys(),
    "file /run/lvs-ha-drained-by-change",
    "file /run/lvs-ha-drained",
  ];

  test.each(questions)("a malformed answer to %j leaves the status of all others as it is", (q) => {
    for (const text of malformed) {
      const status = look(stack, answers(name, q, text), sampleTime());
      const others = (seen: typeof status) =>
        [...seen.directors, ...seen.realServers].filter((host) => host.name !== name);
      expect(others(status)).toEqual(others(wanted));
      expect(JSON.stringify(status)).not.toContain("NaN");
      for (const { unreachable } of [...status.directors, ...status.realServers]) {
        if (unreachable !== null) {
          expect(unreachable).toMatch(new RegExp(`^its answer to "${q}" can't be read: `));
        }
      }
    }
  });

  test.each(questions)("nor is the comparison with the stack ended by it: %j", (q) => {
    const host = stack.hosts.find((one) => one.name === name);
    if (host === undefined) throw new Error(`no host ${name}`);
    for (const text of malformed) {
      const found = verified(host, expectations(host), answers(name, q, text).get(name));
      expect(found.unreachable === null).toBe(found.drifts !== null);
    }
  });
});

test.each<[question: string, text: string, why: string]>([
  ["addresses", "[", "is not JSON"],
  ["addresses", '[{"ifname":7}]', "ifname"],
  ["addresses", '[{"ifname":"eth1","addr_info":[{"local":"not:an:address"}]}]', "not:an:address"],
  ["now", "soon", "soon"],
  ["ipvs", "TCP  [not:an:address]:80 wrr\n", "not:an:address"],
  ["ipvs", "TCP  192.0.2.100:80 wrr\n  -> 192.0.2.22:80 Route 1\n", "192.0.2.22:80 Route 1"],
  ["conntrack", "many\nmore\n", "many"],
])("an answer to %s like %j is told with its host, and why", (question, text, why) => {
  const status = look(stack, answers("lvs2", question, text), sampleTime());
  const told = `lvs2 can't be reached: its answer to "${question}" can't be read: `;
  expect(status.problems).toEqual([
    { severity: "fault", text: expect.stringContaining(told) as string },
  ]);
  expect(status.problems[0]?.text).toContain(why);
  expect(status.directors[1]?.instances).toMatchObject([{ state: "unknown" }]);
  expect(status.virtualAddresses[0]?.holders).toEqual(["lvs1"]);
});

test("verify tells it with its host, too", () => {
  const host = stack.hosts.find(({ name }) => name === "web1");
  if (host === undefined) throw new Error("no web1");
  const question = "verify pair-web1-system kernel.sh";
  const found = verified(host, expectations(host), answers("web1", question, "[").get("web1"));
  expect(found).toMatchObject({ checked: null, drifts: null, unknown: null, notes: null });
  expect(found.unreachable).toMatch(
    /^its answer to "verify pair-web1-system kernel.sh" can't be read: /,
  );
});

test("an answer that was not given is none, and nothing to be read", () => {
  const report = sampleReport("web1");
  report.set("addresses", { status: 1, text: "[" });
  expect([isAnswered(report, "addresses"), interfaceAddresses(report)]).toEqual([false, []]);
});
