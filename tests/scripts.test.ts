// Shell scripts: every one of the repository's, by shellcheck.
import { spawnSync } from "node:child_process";
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
  // Its own libraries may be missing on this machine; the C library is this machine's.
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

test("what goes to a host in one piece is POSIX sh too", () => {
  expect(check(["-s", "sh", "--severity=error", "-"], bundle())).toBe("");
});

test("shellcheck finds what is wrong, so that its silence means something", () => {
  expect(check(["-s", "sh", "-"], "#!/bin/sh\nrm $1\n")).toContain("SC2086");
});
