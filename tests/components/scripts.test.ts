// What a new version of the host scripts asks of the engine: only the commands of steps that use a
// changed script.
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { LvsHaPair } from "../../components";
import type * as hostScripts from "../../components/host/scripts";
import { scriptDigests, usedScripts } from "../../components/host/scriptUse";
import { parseSections } from "../../components/render/files";
import { shellCode } from "../../components/host/shellCode";
import { register, type Registered } from "../support/mocks";
import { argsOf, smallStack } from "../support/stacks";

const folder = join(__dirname, "../../templates/scripts");
const files = readdirSync(folder).sort();
const texts = Object.fromEntries(
  files.map((file) => [file, readFileSync(join(folder, file), "utf8")]),
);

// The version of the scripts that the next stack uses.
const version = (of: typeof texts) => ({ texts: of, digests: scriptDigests(of) });
let mockVersion = version(texts);
jest.mock("../../components/host/scripts", () => ({
  ...jest.requireActual<object>("../../components/host/scripts"),
  bundle: () => Object.values(mockVersion.texts).join(""),
  scriptsInTransit: () => `/run/lvs-ha/${JSON.stringify(mockVersion.texts).length}`,
  script: (file: string) => mockVersion.texts[file],
  scriptTexts: () => mockVersion.texts,
  scriptDigest: (file: string) => mockVersion.digests[file],
}));

/**
 * A stack with every kind of step. Without `metrics`, it lacks the one step that uses all scripts.
 */
function stackWithAll(metrics: boolean) {
  const stack = smallStack();
  stack.directors[0].keepalivedVersion = "1:2.3.3-1";
  return {
    ...stack,
    vrrp: { version: 2, advertIntervalSeconds: 1 },
    metrics: { enabled: metrics },
    ssh: { managedKey: true },
  };
}

async function commandsOf(of: typeof texts, metrics: boolean): Promise<Registered[]> {
  mockVersion = version(of);
  const seen = await register(() => {
    new LvsHaPair("p", argsOf(stackWithAll(metrics), { vrrpAuthPass: "canary01" }));
  });
  return [...seen.values()].filter(({ type }) => type.startsWith("command:"));
}

/** Names of the commands that run again after some scripts have changed. */
async function rerun(
  changed: string[],
  change: (text: string) => string,
  metrics = false,
): Promise<string[]> {
  const now = changed.map((file): [string, string] => [file, change(texts[file] ?? "")]);
  const before = await known(texts, metrics);
  const after = await known({ ...texts, ...Object.fromEntries<string>(now) }, metrics);
  expect([...after.keys()]).toEqual([...before.keys()]);
  return [...after].filter(([name, asked]) => before.get(name) !== asked).map(([name]) => name);
}

const asked = new Map<string, Map<string, string>>();

/** The requests to the engine, by name, sorted by name. */
async function known(of: typeof texts, metrics: boolean): Promise<Map<string, string>> {
  const key = JSON.stringify([of, metrics]);
  const all =
    asked.get(key) ??
    new Map(
      (await commandsOf(of, metrics))
        .map(({ name, inputs }): [string, string] => [name, JSON.stringify(inputs)])
        .sort(([a], [b]) => (a < b ? -1 : 1)),
    );
  asked.set(key, all);
  return all;
}

const withComment = (text: string) => `${text}\n# a comment\n`;
const withCode = (text: string) => `${text}:\n`;

const directors = ["lvs1", "lvs2"];
const realServers = ["web1", "web2"];
const hosts = [...directors, ...realServers];

test("comments are brought to the hosts, and no step runs for them", async () => {
  const others = files.filter((file) => file !== "authorize.sh");
  expect(await rerun(others, withComment)).toEqual(hosts.map((host) => `p-${host}-prepare`));
});

/**
 * For each script, the steps that run again on every host that has them when its code changes.
 * `prepare` brings the script.
 */
const table: Record<string, string[]> = {
  // Sent separately, before anything else is on the host.
  "authorize.sh": ["authorize"],
  "drain.sh": [],
  "earlier.sh": ["keepalived", "secrets", "system", "version"],
  "files.sh": ["keepalived", "secrets", "system", "version"],
  "firewall-guard.sh": ["system"],
  "firewall-others.sh": ["system"],
  "firewall-ufw.sh": ["system"],
  "firewall.sh": ["system"],
  "foreign.sh": ["keepalived", "secrets", "version"],
  "install.sh": [],
  "ipvs.sh": ["keepalived", "secrets", "version"],
  "keepalived.sh": ["keepalived", "secrets", "version"],
  "kernel.sh": ["system"],
  "metrics.sh": [],
  "network.sh": ["keepalived", "secrets", "version"],
  "packages.sh": ["version"],
  "peers.sh": [],
  "preflight.sh": [],
  "protect.sh": [],
  "rollback.sh": [],
  "secrets.sh": ["secrets"],
  "system.sh": ["system"],
  "transaction.sh": ["keepalived", "secrets", "system", "version"],
  "upgrades.sh": ["director's system"],
  "version.sh": ["version"],
  "vip.sh": ["real server's system"],
  "vrrp.sh": ["keepalived", "secrets", "version"],
};

/** The resources of each step. */
const places: Record<string, string[]> = {
  authorize: hosts.map((host) => `p-ssh-${host}-authorize`),
  prepare: hosts.map((host) => `p-${host}-prepare`),
  system: hosts.map((host) => `p-${host}-system`),
  "director's system": directors.map((host) => `p-${host}-system`),
  "real server's system": realServers.map((host) => `p-${host}-system`),
  secrets: directors.map((host) => `p-${host}-secrets`),
  version: ["p-lvs1-version"],
  keepalived: directors.map((host) => `p-${host}-keepalived`),
};

test("the table has every script", () => {
  expect(Object.keys(table)).toEqual(files);
});

test.each(Object.entries(table))(
  "code in %s runs %j again, and no other step",
  async (file, steps) => {
    expect(await rerun([file], withCode)).toEqual(
      ["prepare", ...steps].flatMap((step) => places[step] ?? []).sort(),
    );
  },
);

test("metrics, which look for scripts that were changed by hand, are told of every change", async () => {
  const told = hosts.flatMap((host) => [`p-${host}-metrics`, `p-${host}-prepare`]);
  expect(await rerun(["drain.sh"], withComment, true)).toEqual(told);
  expect(await rerun(["metrics.sh"], withCode, true)).toEqual(told);
});

test("every script is run or used by a step", async () => {
  const run = (await commandsOf(texts, true)).flatMap(
    ({ inputs: { create, delete: undo, stdin } }) => [
      ...[create, undo].flatMap(
        (line) =>
          /\/(?:usr\/local\/lib\/lvs-ha|run\/lvs-ha\/\w+)\/([\w-]+\.sh) /.exec(String(line))?.[1] ??
          [],
      ),
      // The scripts that system.sh runs.
      ...parseSections(String(stdin)).map(({ words: [file = ""] }) => file),
    ],
  );
  const used = run.flatMap((file) => (file in texts ? usedScripts(file, texts) : []));
  expect([...new Set([...used, "authorize.sh", "drain.sh", "rollback.sh"])].sort()).toEqual(files);
});

test("a script names others by paths that can be read from its text", () => {
  const unread = files.flatMap((file) => {
    const seen = usedScripts(file, texts);
    return (texts[file] ?? "")
      .split("\n")
      .filter((line) => !/^\s*#/.test(line))
      .flatMap((line) =>
        [...line.matchAll(/([^\s"'=;|&()]*)\.sh\b/g)].map(([word, path = ""]) => ({
          word,
          name: `${/[^/]*$/.exec(path)?.[0] ?? ""}.sh`,
          line,
        })),
      )
      .filter(({ word, name }) => !(word.includes("/") && seen.includes(name)))
      .map(({ line }) => `${file}: ${line.trim()}`);
  });
  // install.sh handles all scripts: it installs them, and verify looks for them.
  const all = 'install.sh: for script in "$stage"/*.sh; do';
  // The called script is named in the input, which is part of the step's digest.
  const told = 'system.sh: [ "$script" != firewall.sh ] || set -- "$@" "$client"';
  // No step runs this line.
  const steps = 'rollback.sh: "$here/$step.sh" rollback "$@" || failed="$failed $step"';
  expect(unread).toEqual([all, all, steps, told]);
});

test("scripts that use each other, and one that is used by way of another, count", () => {
  const own = {
    "a.sh": '. "${0%/*}/b.sh"\n',
    "b.sh": 'exec "$here/c.sh" try\n',
    "c.sh": "cat <<UNIT\nExecStart=${0%/*}/a.sh up\nUNIT\n",
    "d.sh": '# "${0%/*}/a.sh"\n"${0%/*}/elsewhere.sh"\n',
  };
  expect(usedScripts("b.sh", own)).toEqual(["a.sh", "b.sh", "c.sh"]);
  expect(usedScripts("d.sh", own)).toEqual(["d.sh"]);
  const was = scriptDigests(own);
  const now = scriptDigests({ ...own, "c.sh": `${own["c.sh"]}:\n` });
  expect(Object.keys(own).filter((file) => was[file as keyof typeof own] !== now[file])).toEqual([
    "a.sh",
    "b.sh",
    "c.sh",
  ]);
});

test("a step's digest is that of the files as they are", () => {
  const { scriptDigest } = jest.requireActual<typeof hostScripts>("../../components/host/scripts");
  for (const file of files) expect(scriptDigest(file)).toBe(scriptDigests(texts)[file]);
  expect(() => scriptDigest("absent.sh")).toThrow("there is no script absent.sh");
});

test("of every script, the code is told apart from the comments", () => {
  for (const file of files) {
    const text = texts[file] ?? "";
    expect([file, shellCode(text) !== text]).toEqual([file, true]);
    expect([file, shellCode(withComment(text))]).toEqual([file, shellCode(text)]);
    expect([file, shellCode(withCode(text))]).not.toEqual([file, shellCode(text)]);
  }
});
