// The workflows' form: actions are pinned, permissions are listed, and no secret is in a shell
// line.
import { execFile, execFileSync, spawnSync } from "node:child_process";
import {
  appendFileSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { parse } from "yaml";

const root = join(__dirname, "..");
const workflowsFolder = join(root, ".github/workflows");

interface Step {
  uses?: string;
  run?: string;
  if?: string;
  env?: Record<string, string>;
}

type Concurrency = string | { group: string; "cancel-in-progress": boolean };

interface Job {
  name?: string;
  if?: string;
  needs?: string[] | string;
  concurrency?: Concurrency;
  strategy?: { matrix?: { node?: number[] } };
  permissions?: object;
  "timeout-minutes"?: number;
  uses?: string;
  steps?: Step[];
}

interface Workflow {
  permissions?: object;
  on?: string | Record<string, unknown>;
  concurrency?: Concurrency;
  jobs: Record<string, Job>;
}

const workflows = readdirSync(workflowsFolder).map((file): [string, Workflow, string] => {
  const text = readFileSync(join(workflowsFolder, file), "utf8");
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

// A value pasted into a shell line before the shell reads it could be more than one word.
test.each(workflows)("%s gives its shells data by the environment alone", (_, workflow) => {
  for (const { run = "" } of stepsOf(workflow)) expect(run).not.toContain("${{");
});

const named = (name: string): Workflow => {
  const found = workflows.find(([file]) => file === name);
  if (!found) throw new Error(`no ${name}`);
  return found[1];
};

/** The groups in which runs wait for one another: a workflow's own and those of its jobs. */
const groupsOf = ({ concurrency, jobs }: Workflow) =>
  [concurrency, ...Object.values(jobs).map((job) => job.concurrency)].flatMap((own) =>
    own === undefined ? [] : [typeof own === "string" ? own : own.group],
  );

test("a change that waits to be applied gives way to a newer one, and to nothing else", () => {
  const up = named("up.yml");
  expect(up.concurrency).toMatchObject({ "cancel-in-progress": false });
  // GitHub cancels a run that waits in a group when another one arrives to wait:
  // https://docs.github.com/en/actions/how-tos/write-workflows/choose-when-workflows-run/control-workflow-concurrency
  for (const [file, workflow] of workflows.filter(([name]) => name !== "up.yml")) {
    for (const theirs of groupsOf(workflow)) {
      const known = theirs.split("${{")[0] ?? "";
      for (const ours of groupsOf(up)) {
        expect([
          file,
          theirs === ours || (theirs.includes("${{") && ours.startsWith(known)),
        ]).toEqual([file, false]);
      }
    }
  }
  expect(groupsOf(up)).not.toEqual([]);
});

test("the night's comparison finds that main isn't what is applied, and asks before and afterwards whether a change is under way", () => {
  const { steps = [], permissions } = Object.values(named("drift.yml").jobs)[0] ?? {};
  const at = steps.findIndex(({ run = "" }) => / verify .*--preview/.test(run));
  expect(at).toBeGreaterThan(0);
  const asks = steps.findIndex(({ run = "" }) => run.includes("upUnderWay.mjs"));
  expect(asks).toBeLessThan(at);
  expect(asks).toBeGreaterThanOrEqual(0);
  expect(steps[at]?.if).toBe("steps.up.outputs.under-way == 'no'");
  expect(steps[at]?.run).toContain('upUnderWay.mjs "$begun"');
  expect(permissions).toMatchObject({ actions: "read" });
});

describe("whether a change is under way", () => {
  const run = (status: string, updated_at = "2026-11-28T03:00:00Z") => ({ status, updated_at });
  const since = "2026-11-28T03:23:00Z";

  test.each<[string, object[], string | undefined, string]>([
    ["no run at all", [], since, "no"],
    ["one that is applied now", [run("completed"), run("in_progress")], undefined, "yes"],
    ["one that waits for its approval", [run("waiting")], since, "no"],
    ["one that waits for a runner", [run("queued"), run("pending")], since, "no"],
    ["one that ended before", [run("completed")], since, "no"],
    ["one that ended meanwhile", [run("completed", "2026-11-28T03:24:00Z")], since, "yes"],
    ["one that ended, and nobody asks since when", [run("completed")], undefined, "no"],
  ])("%s", async (_, runs, from, answer) => {
    const { status, stdout } = await underWay(200, { workflow_runs: runs }, from);
    expect([status, stdout]).toEqual([0, `${answer}\n`]);
  });

  test("is an error where GitHub doesn't say", async () => {
    const { status, stderr } = await underWay(403, {});
    expect(status).not.toBe(0);
    expect(stderr).toContain("GitHub answers 403");
  });

  async function underWay(code: number, body: object, from?: string) {
    const asked: string[] = [];
    const server = createServer((request, response) => {
      asked.push(`${request.url} ${request.headers.authorization}`);
      response.writeHead(code).end(JSON.stringify(body));
    });
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    try {
      const { port } = server.address() as AddressInfo;
      const args = [join(root, ".github/upUnderWay.mjs"), ...(from === undefined ? [] : [from])];
      const env = {
        ...process.env,
        GITHUB_API_URL: `http://127.0.0.1:${port}`,
        GITHUB_REPOSITORY: "owner/pair",
        GITHUB_TOKEN: "token",
      };
      const ended = await new Promise<{ status: number; stdout: string; stderr: string }>(
        (resolve) => {
          const child = execFile(process.execPath, args, { env }, (_, stdout, stderr) => {
            resolve({ status: child.exitCode ?? -1, stdout, stderr });
          });
        },
      );
      expect(asked).toEqual([
        "/repos/owner/pair/actions/workflows/up.yml/runs?per_page=30 Bearer token",
      ]);
      return ended;
    } finally {
      server.close();
    }
  }
});

describe("what docs/github.md has main protected by", () => {
  const docs = readFileSync(join(root, "docs/github.md"), "utf8");
  const [, sentence = ""] = /\*\*Protect `main`\*\*: ([^]*?)\n\n/.exec(docs) ?? [];
  const required = [...sentence.matchAll(/`([^`]+)`/g)].map(([, name = ""]) => name);

  test("are checks by name", () => {
    expect(required).toEqual(["test", "preview"]);
  });

  test.each(required)("%s is the name of one job, and reports on every pull request", (name) => {
    const found = workflows.flatMap(([, workflow]) =>
      Object.entries(workflow.jobs).flatMap(([id, job]) =>
        (job.name ?? id) === name ? [{ workflow, id, job }] : [],
      ),
    );
    expect(found).toHaveLength(1);
    const [{ workflow, job } = { workflow: undefined, job: undefined }] = found;
    const triggers = workflow?.on;
    const isAsked =
      triggers === "pull_request" || (typeof triggers === "object" && "pull_request" in triggers);
    expect(isAsked).toBe(true);
    // With a filter, a pull request outside it would wait for the check forever.
    expect(typeof triggers === "object" ? (triggers.pull_request ?? null) : null).toBeNull();
    // A required check counts as passed if it is skipped.
    expect(job?.if).toBe("always()");
    expect(job?.strategy).toBeUndefined();
  });

  /** The check's result when the jobs that it needs have these results. */
  function verdict(name: string, results: Record<string, string>): boolean {
    const job = workflows.flatMap(([, { jobs }]) => (name in jobs ? [jobs[name]] : []))[0];
    expect(Object.keys(results).filter((key) => !key.includes("."))).toEqual(job?.needs);
    const [step] = job?.steps ?? [];
    const env = Object.fromEntries(
      Object.entries(step?.env ?? {}).map(([key, expression]) => {
        const [, of = "", output] =
          /^\$\{\{ needs\.(\w+)\.(?:result|outputs\.(\w+)) \}\}$/.exec(expression) ?? [];
        return [key, results[output === undefined ? of : `${of}.${output}`] ?? ""];
      }),
    );
    const { status } = spawnSync("bash", ["-e", "-c", step?.run ?? "exit 9"], {
      env: { ...process.env, ...env },
    });
    return status === 0;
  }

  test("test passes when all was tested, or nothing had to be, and else never", () => {
    const of = (changes: string, code: string, unit: string, lab: string) =>
      verdict("test", { changes, "changes.code": code, unit, lab });
    expect(of("success", "true", "success", "success")).toBe(true);
    expect(of("success", "false", "skipped", "skipped")).toBe(true);
    for (const bad of ["failure", "cancelled", "skipped"]) {
      expect(of("success", "true", bad, "success")).toBe(false);
      expect(of("success", "true", "success", bad)).toBe(false);
      expect(of(bad, "", "skipped", "skipped")).toBe(false);
    }
  });

  test("preview passes when one of both was previewed, and else never", () => {
    const of = (stack: string, program: string) => verdict("preview", { stack, program });
    expect(of("success", "skipped")).toBe(true);
    expect(of("skipped", "success")).toBe(true);
    for (const bad of ["failure", "cancelled", "skipped"]) {
      expect(of(bad, "skipped")).toBe(false);
      expect(of("skipped", bad)).toBe(false);
    }
  });
});

describe("what a change costs", () => {
  const folder = mkdtempSync(join(tmpdir(), "lvs-ha-changed-"));
  const git = (...args: string[]) =>
    execFileSync("git", ["-c", "user.name=a", "-c", "user.email=a@example.org", ...args], {
      cwd: folder,
      encoding: "utf8",
      stdio: ["ignore", "pipe", "ignore"],
    }).trim();
  afterAll(() => {
    rmSync(folder, { recursive: true });
  });
  git("init", "-q");
  git("commit", "-q", "--allow-empty", "-m", "first");

  const of = (base: string) =>
    execFileSync("sh", [join(root, ".github/changed.sh"), base], { cwd: folder, encoding: "utf8" });

  /** The jobs that a commit with these files triggers. */
  function changed(...files: string[]): string {
    for (const file of files) {
      mkdirSync(dirname(join(folder, file)), { recursive: true });
      appendFileSync(join(folder, file), "more\n");
    }
    git("add", "-A");
    git("commit", "-q", "--allow-empty", "-m", "next");
    return of(git("rev-parse", "HEAD^"));
  }

  test.each([
    ["a stack's file", ["Pulumi.prod.yaml"], false],
    ["several stacks' files", ["Pulumi.prod.yaml", "Pulumi.staging.yaml"], false],
    ["nothing", [], false],
    ["the lab's stack", ["Pulumi.dev.yaml"], true],
    ["the project's file", ["Pulumi.yaml"], true],
    ["a stack's file and the program", ["Pulumi.prod.yaml", "index.ts"], true],
    ["a file of that name elsewhere", ["examples/Pulumi.prod.yaml"], true],
  ])("%s: the tests %p %p", (_, files, code) => {
    expect(changed(...files)).toBe(`code=${code}\n`);
  });

  test("all is tested where nobody knows what was there before", () => {
    for (const base of ["", "0".repeat(40), "nowhere"]) expect(of(base)).toBe("code=true\n");
  });

  test("no test job runs for nothing, and every one for the rest", () => {
    const { jobs } = named("test.yml");
    for (const name of jobs.test?.needs ?? []) {
      if (name === "changes") continue;
      expect(jobs[name]?.if).toBe("needs.changes.outputs.code == 'true'");
    }
  });
});

test("what is audited is all that runs with the stack's secrets, in the versions that are pinned: Pulumi's SDKs, and no tools", () => {
  const folder = mkdtempSync(join(tmpdir(), "lvs-ha-audited-"));
  const npm = `#!/bin/sh\ncat package.json >${folder}/audited\necho "npm $*"\n`;
  writeFileSync(join(folder, "npm"), npm, { mode: 0o755 });
  const said = execFileSync(process.execPath, [".github/audit.mjs"], {
    cwd: root,
    env: { ...process.env, PATH: `${folder}:${process.env.PATH}` },
    encoding: "utf8",
  });
  const { dependencies, devDependencies } = JSON.parse(
    readFileSync(join(folder, "audited"), "utf8"),
  ) as Record<string, object | undefined>;
  rmSync(folder, { recursive: true });
  expect(said).toMatch(/\nnpm audit --audit-level=high\n$/);
  const pinned = JSON.parse(readFileSync(join(root, "package.json"), "utf8")) as Record<
    "dependencies" | "devDependencies" | "peerDependencies",
    Record<string, string>
  >;
  const sdks = Object.keys(pinned.peerDependencies).map((name) => [
    name,
    pinned.devDependencies[name],
  ]);
  expect(sdks).toHaveLength(3);
  expect(dependencies).toEqual({ ...pinned.dependencies, ...Object.fromEntries(sdks) });
  expect(devDependencies).toBeUndefined();
});

test("npm test runs on the oldest Node that package.json allows, and on those after it", () => {
  const { engines } = JSON.parse(readFileSync(join(root, "package.json"), "utf8")) as {
    engines: { node: string };
  };
  const oldest = Number(/^>=(\d+)/.exec(engines.node)?.[1]);
  expect(named("test.yml").jobs.unit?.strategy?.matrix?.node).toEqual([
    oldest,
    oldest + 2,
    oldest + 4,
  ]);
});
