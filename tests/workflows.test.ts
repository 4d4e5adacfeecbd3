// The workflows' shape: what they use is pinned, what they may is said, and no secret is in a shell line.
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { parse } from "yaml";

const folder = join(__dirname, "../.github/workflows");

interface Step {
  uses?: string;
  run?: string;
}

interface Job {
  permissions?: object;
  "timeout-minutes"?: number;
  uses?: string;
  steps?: Step[];
}

interface Workflow {
  permissions?: object;
  concurrency?: { group: string; "cancel-in-progress": boolean };
  jobs: Record<string, Job>;
}

const workflows = readdirSync(folder).map((file): [string, Workflow, string] => {
  const text = readFileSync(join(folder, file), "utf8");
  return [file, parse(text) as Workflow, text];
});

const stepsOf = ({ jobs }: Workflow) => Object.values(jobs).flatMap(({ steps = [] }) => steps);

test.each(workflows)(
  "%s pins what it uses by commit, and says which release that is",
  (_, workflow, text) => {
    const used = [
      ...Object.values(workflow.jobs).flatMap(({ uses = [] }) => uses),
      ...stepsOf(workflow).flatMap(({ uses = [] }) => uses),
    ].filter((uses) => !uses.startsWith("./"));
    expect(used.length).toBeGreaterThan(0);
    for (const uses of used) {
      expect(uses).toMatch(/^[\w.-]+\/[\w./-]+@[0-9a-f]{40}$/);
      expect(text).toMatch(new RegExp(`${uses} # v\\d`));
    }
  },
);

test.each(workflows)("%s has no permission but what a job asks for", (_, { permissions, jobs }) => {
  expect(permissions).toEqual({});
  for (const job of Object.values(jobs)) expect(job.permissions).toBeDefined();
});

test.each(workflows)("%s ends by itself", (_, { jobs }) => {
  for (const job of Object.values(jobs)) expect(job["timeout-minutes"]).toBeGreaterThan(0);
});

// What is pasted into a shell line before a shell reads it may be more than a word.
test.each(workflows)("%s gives its shells data by the environment alone", (_, workflow) => {
  for (const { run = "" } of stepsOf(workflow)) expect(run).not.toContain("${{");
});

test("what changes hosts and what compares them wait for each other", () => {
  const group = (name: string) =>
    workflows.find(([file]) => file === name)?.[1].concurrency ?? `no ${name}`;
  expect(group("drift.yml")).toEqual({ group: "up", "cancel-in-progress": false });
  expect(group("up.yml")).toEqual(group("drift.yml"));
});
