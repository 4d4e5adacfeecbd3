// Drift in the state: what repair changes in it, and what it leaves alone.
import { withMarks } from "../../ops/repair/mark";
import { stackOf } from "../../ops/stack";
import { sample, sampleStack } from "./sampleHosts";

interface State {
  deployment: { resources: { urn: string; inputs?: object; outputs?: object }[] };
}

const urnOf = (name: string) =>
  sampleStack()
    .hosts.flatMap(({ steps }) => steps)
    .find((step) => step.name === name)?.urn ?? "";

test("only the drifted resources' command lines differ from what the program asks for", () => {
  const before = (JSON.parse(sample("state.json")) as State).deployment.resources;
  const urn = urnOf("pair-web3-system");
  const after = (JSON.parse(withMarks(sample("state.json"), [urn])) as State).deployment.resources;
  expect(after.filter((resource) => resource.urn !== urn)).toEqual(
    before.filter((resource) => resource.urn !== urn),
  );
  const changed = after.find((resource) => resource.urn === urn);
  const create =
    /^sudo -n \/usr\/local\/lib\/lvs-ha\/system\.sh apply pair-web3-system\/10\.10\.0\.23 "\$SSH_CONNECTION" # scripts \w+ # drifted$/;
  expect(changed?.inputs).toHaveProperty("create", expect.stringMatching(create));
  expect(changed?.outputs).toHaveProperty("create", expect.stringMatching(create));
});

test("a mark is a comment: what a resource did is read from the state all the same, and marked once", () => {
  const urns = [urnOf("pair-lvs1-system"), urnOf("pair-ssh-lvs1-authorize")];
  const once = withMarks(sample("state.json"), urns);
  expect(stackOf(once)).toEqual(sampleStack());
  expect(withMarks(once, urns)).toBe(once);
});

test("a resource that is gone by now is an error, and changes nothing", () => {
  expect(() => withMarks(sample("state.json"), ["urn:pulumi:dev::lvs-ha::x::gone"])).toThrow(
    "look again: lvs verify",
  );
});

test("a resource that is about to be deleted is left alone: its successor of the same name is marked", () => {
  const state = JSON.parse(sample("state.json")) as State;
  const urn = urnOf("pair-web3-system");
  const { resources } = state.deployment;
  const at = resources.findIndex((resource) => resource.urn === urn);
  const old = { ...structuredClone(resources[at]), urn, delete: true };
  resources.splice(at, 0, old);
  const marked = JSON.parse(withMarks(JSON.stringify(state), [urn])) as State;
  expect(marked.deployment.resources[at]).toEqual(old);
  expect(marked.deployment.resources[at + 1]?.inputs).toHaveProperty(
    "create",
    expect.stringMatching(/ # drifted$/),
  );
});
