// A director's model must agree with its texts, and must be enough for everything that the
// operator's command prints.
import fc from "fast-check";
import { directorModel, directorSchema } from "../../components/model";
import { check } from "../../components/config";
import { renderKeepalived } from "../../components/render/keepalived";
import type { Settings } from "../../components/settings";
import { realServerAddresses } from "../../ops/drain/members";
import { planFailover } from "../../ops/failover/plan";
import { type Stack, stackOf } from "../../ops/stack";
import { look } from "../../ops/status/look";
import { expectations } from "../../ops/verify/expect";
import { verified } from "../../ops/verify/verify";
import { wholeStacks } from "../render/wholeStacks";
import { stackArb } from "../support/arbitraries";
import { runs, seed } from "../support/draws";
import { exportedState } from "../support/exportedState";
import { saidIn } from "../support/saidInConfig";
import { raw, settingsOf, smallStack } from "../support/stacks";
import { edit, sample, sampleAnswers, sampleTime, sectionsOf, withModels } from "./sampleHosts";
import { doesTwo, saysOfTwo } from "./twoInstances";

/** The same facts from the model and from keepalived.conf, for each director. */
function bothOf(settings: Settings): [model: unknown, said: unknown][] {
  return settings.directors.map((director) => {
    const { services, instances, syncDaemon } = directorSchema.parse(
      JSON.parse(JSON.stringify(directorModel(settings, director))),
    );
    const said = saidIn(renderKeepalived(settings, director, false));
    return [
      { instances, syncDaemon, services: services.map((service) => ({ ...service, ...unsaid })) },
      {
        syncDaemon: undefined,
        ...said,
        services: said.services.map((service) => ({
          ...service,
          ...unsaid,
        })),
      },
    ];
  });
}

/** Facts about a virtual server that keepalived.conf doesn't contain. */
const unsaid = { vrrpInstance: undefined, traffic: undefined };

test.each(Object.entries(wholeStacks))(
  "what the directors of %s say of themselves is what their keepalived.conf says",
  (_, { stack, authPass }) => {
    const settings = settingsOf(stack, authPass === undefined ? {} : { vrrpAuthPass: authPass });
    for (const [model, said] of bothOf(settings)) expect(model).toEqual(said);
  },
);

test("so do the directors of any stack", () => {
  fc.assert(
    fc.property(stackArb(), (stack) => {
      const { settings } = check(raw(stack));
      fc.pre(settings !== undefined);
      for (const [model, said] of bothOf(settings)) expect(model).toEqual(said);
    }),
    { seed, numRuns: runs(50, 500) },
  );
});

test("a mark's traffic is told as its clients come: each port, the first of a range, none where it has all", () => {
  const stack = smallStack();
  stack.virtualServers = [
    {
      name: "ftp",
      fwmark: 7,
      traffic: [
        { address: "192.0.2.100", ports: [21, "8000-8099"] },
        { address: "192.0.2.101", protocol: "UDP" },
      ],
      checks: [{ type: "tcp", port: 21 }],
    },
  ];
  const settings = settingsOf(stack);
  const [director] = settings.directors;
  if (director === undefined) throw new Error("no director");
  const [service] = directorModel(settings, director).services;
  expect(service).toMatchObject({ service: "FWM 7", isMark: true, vrrpInstance: "VI_1" });
  expect(service?.traffic).toEqual([
    { protocol: "TCP", address: "192.0.2.100", port: 21 },
    { protocol: "TCP", address: "192.0.2.100", port: 8000 },
    { protocol: "UDP", address: "192.0.2.101" },
  ]);
});

test.each([
  ["lvs1", "pair-lvs1-keepalived"],
  ["web2", "pair-web2-system"],
])("of %s that a run leaves out, nothing is said that isn't there yet", async (name, command) => {
  const state = await exportedState(smallStack(), {}, [command]);
  expect(() => stackOf(state)).toThrow(`the last pulumi up left ${name} out`);
});

/**
 * A state whose texts have no comments and no names of virtual servers, real servers and instances.
 */
function bare(state: string): string {
  const { deployment, ...rest } = JSON.parse(state) as {
    deployment: { resources: { inputs?: { stdin?: string } }[] };
  };
  for (const { inputs } of deployment.resources) {
    if (typeof inputs?.stdin === "string") inputs.stdin = withoutNames(inputs.stdin);
  }
  return JSON.stringify({ deployment, ...rest });
}

function withoutNames(text: string): string {
  return text.replace(/^ *#.*\n/gm, "").replace(/^(vrrp_instance|router_id) .*/gm, "$1 x");
}

/**
 * All answers of the operator's command about two directors that are active for one instance each,
 * with one real server gone.
 */
function answersOf(stack: Stack, isBare = false): unknown {
  const answers = sampleAnswers((hosts) => {
    saysOfTwo("lvs1", sectionsOf(hosts, "lvs1"), 3);
    saysOfTwo("lvs2", sectionsOf(hosts, "lvs2"), 500);
    for (const name of ["lvs1", "lvs2"]) {
      edit(sectionsOf(hosts, name), "ipvs-rules", /-a .*192\.0\.2\.22:80 .*\n/, "");
    }
    for (const sections of isBare ? hosts.values() : []) {
      for (const [question, { status, text }] of sections) {
        if (!question.startsWith("file ")) continue;
        sections.set(question, { status, text: withoutNames(text) });
      }
    }
  }, stack);
  const status = look(stack, answers, sampleTime());
  return {
    status,
    failover: planFailover(stack, status, { instance: "VI_2" }),
    drain: realServerAddresses(stack, "web2"),
    verify: stack.hosts.map((host) => verified(host, expectations(host), answers.get(host.name))),
  };
}

test("no answer rests on a comment or a name in a rendered text", () => {
  const state = withModels(doesTwo, sample("state.json"));
  const answers = answersOf(stackOf(state));
  expect(bare(state)).not.toBe(state);
  expect(answersOf(stackOf(bare(state)), true)).toEqual(answers);
  expect(answers).toMatchObject({ drain: ["192.0.2.22"], failover: { from: "lvs2" } });
});

test("twenty real servers behind a hundred virtual servers take less than 30 KB of state a host for it", async () => {
  const stack = smallStack();
  const numbered = <T>(count: number, one: (i: number) => T): T[] =>
    Array.from({ length: count }, (_, i) => one(i));
  const [real] = stack.realServers;
  stack.realServers = numbered(20, (i) => ({
    ...{ ...real, name: `web${i}`, host: `10.10.0.${100 + i}`, address: `192.0.2.${21 + i}` },
  })) as unknown as typeof stack.realServers;
  // Every second one has a pool of its own.
  stack.virtualServers = numbered(100, (i) => ({
    ...{ name: `service${i}`, address: `192.0.2.${100 + i}`, port: 80, scheduler: "wrr" },
    ...(i % 2 === 0 ? {} : { realServers: numbered(20, (j) => ({ name: `web${j}`, weight: i })) }),
  })) as unknown as typeof stack.virtualServers;
  const { deployment } = JSON.parse(await exportedState(stack)) as {
    deployment: { resources: { type: string; outputs: { model?: object } }[] };
  };
  const models = deployment.resources.flatMap(({ outputs: { model } }) => model ?? []);
  expect(models).toHaveLength(22);
  // In the form that the engine writes into a file.
  const size = JSON.stringify(models, null, 4).length;
  expect(size / models.length).toBeLessThan(30_000);
});
