// shellcheck passes on every shell script in the repository.
import { spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { bundle } from "../components/host/scripts";
import { unpackPackage } from "./support/packages";

const root = join(__dirname, "..");
const scripts = spawnSync(
  "git",
  ["ls-files", "--cached", "--others", "--exclude-standard", "*.sh", ".ci/run"],
  {
    cwd: root,
    encoding: "utf8",
  },
)
  .stdout.trim()
  .split("\n");

let shellcheck: { command: string; env: NodeJS.ProcessEnv };

beforeAll(async () => {
  const folder = await unpackPackage("bookworm", "shellcheck");
  // This machine may lack shellcheck's libraries. The C library is the machine's own.
  const libraries = ["libgmp.so.10", "libffi.so.8"].map((file) =>
    join(folder, "usr/lib/x86_64-linux-gnu", file),
  );
  shellcheck = {
    command: join(folder, "usr/bin/shellcheck"),
    env: { ...process.env, LC_ALL: "C.UTF-8", LD_PRELOAD: libraries.join(":") },
  };
}, 300_000);

function check(args: string[], input?: string): string {
  const { stdout, stderr, error } = spawnSync(shellcheck.command, args, {
    cwd: root,
    encoding: "utf8",
    env: shellcheck.env,
    input,
  });
  if (error) throw error;
  return stdout + stderr;
}

test("there are scripts to check", () => {
  expect(scripts).toContain("templates/scripts/keepalived.sh");
});

test.each(scripts)("%s is shellcheck-clean", (script) => {
  expect(check(["-x", "-s", "sh", script])).toBe("");
});

/** A script without its comment lines. */
const code = (script: string) => readFileSync(join(root, script), "utf8").replace(/^\s*#.*$/gm, "");

test("a config of the stack's is read by no script: foreign.sh reads others', for ipvs.sh alone", () => {
  const reader = "templates/scripts/foreign.sh";
  const functions = [...code(reader).matchAll(/^(\w+)\(\) \{$/gm)].map(([, name = ""]) => name);
  expect(functions).toEqual(expect.arrayContaining(["foreign", "statements", "read_ipvs"]));
  const calls = new RegExp(`(?<![\\w.$/])(${functions.join("|")})(?= ["$])`, "g");
  const called = scripts
    .filter((script) => script !== reader)
    .flatMap((script) => [...code(script).matchAll(calls)].map(([name]) => `${script}: ${name}`));
  expect(called).toEqual([
    "templates/scripts/ipvs.sh: foreign",
    // Reads the keys that directors must have alike, which arrive as such a text.
    "templates/scripts/peers.sh: statements",
  ]);
  // Nor is a config the input of an awk program.
  for (const script of scripts.filter((name) => /^(templates|ops)/.test(name) && name !== reader)) {
    const fed = /^\s*' "?\$(conf|staged|previous)\b/m.exec(code(script));
    expect([script, fed]).toEqual([script, null]);
  }
});

test("what goes to a host in one piece is POSIX sh too", () => {
  expect(check(["-s", "sh", "--severity=error", "-"], bundle())).toBe("");
});

test("shellcheck finds what is wrong, so that its silence means something", () => {
  expect(check(["-s", "sh", "-"], "#!/bin/sh\nrm $1\n")).toContain("SC2086");
});
