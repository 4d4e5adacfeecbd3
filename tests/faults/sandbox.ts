// Where faults are tried: a copy of the tree, in namespaces of its own that see the rest of the machine read-only.
import { spawnSync } from "node:child_process";
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { cacheDirectory } from "../../lab/paths";
import { lastLines, run, type RunResult } from "../../lab/run";
import { unpackPackage } from "../support/packages";
import { type Fault, withFault } from "./faults";

/** How test files ended that were run with a fault in the tree. */
export type Outcome =
  | { outcome: "survived" }
  | { outcome: "killed"; file: string; test: string }
  | { outcome: "hung" }
  | { outcome: "crashed" };

/** A test file that was run without a fault. */
export interface Unhurt {
  passed: boolean;
  seconds: number;
  /** What jest says of its failures. */
  message: string;
}

/** A copy of the tree. It goes when this process ends, whether by itself or by a signal. */
export class Sandbox {
  private readonly folder = mkdtempSync(join(tmpdir(), "lvs-ha-faults-"));
  private readonly tree = join(this.folder, "tree");

  private constructor(
    private readonly root: string,
    private readonly bubblewrap: string,
  ) {
    process.once("exit", () => {
      rmSync(this.folder, { recursive: true, force: true });
    });
    for (const file of files(root)) {
      mkdirSync(dirname(join(this.tree, file)), { recursive: true });
      cpSync(join(root, file), join(this.tree, file), { verbatimSymlinks: true });
    }
    mkdirSync(join(this.tree, "node_modules"));
    mkdirSync(join(this.folder, "jest"));
  }

  /** Copies the tree as it is now: what git knows, and what isn't in its ignore files. */
  static async of(root: string): Promise<Sandbox> {
    const folder = await unpackPackage("bookworm", "bubblewrap");
    return new Sandbox(root, join(folder, "usr/bin/bwrap"));
  }

  /** Runs all of these test files without a fault. Here they may unpack the packages that they need. */
  async unhurt(tests: readonly string[], workers: number): Promise<Map<string, Unhurt>> {
    const cache = cacheDirectory();
    const { exitCode, stdout, stderr } = await this.jest(
      ["--bind", cache, cache],
      ["--maxWorkers", String(workers)],
      tests,
      hourSeconds,
    );
    if (!stdout.startsWith("{")) {
      throw new Error(`jest ends with status ${exitCode}:\n${lastLines(stderr)}`);
    }
    const { testResults } = JSON.parse(stdout) as JestReport;
    return new Map(
      testResults.map(({ name, status, message, startTime, endTime }) => [
        name.slice(tree.length + 1),
        { passed: status === "passed", seconds: (endTime - startTime) / 1000, message },
      ]),
    );
  }

  /** Runs test files in this order with a fault in the tree, up to the first that fails, and no longer than this. */
  async hurt(fault: Fault, tests: readonly string[], limitSeconds: number): Promise<Outcome> {
    const cache = cacheDirectory();
    const path = join(this.tree, fault.file);
    const text = readFileSync(path, "utf8");
    writeFileSync(path, withFault(text, fault));
    const { exitCode, stderr } = await this.jest(
      ["--ro-bind", cache, cache, "--unshare-net"],
      ["--bail", "--maxWorkers", "1"],
      tests,
      limitSeconds,
    );
    writeFileSync(path, text);
    const [, file] = /^FAIL (\S+)/m.exec(stderr) ?? [];
    const [, test = ""] = /^ {2}● (.+)$/m.exec(stderr) ?? [];
    if (exitCode === 0) return { outcome: "survived" };
    if (file !== undefined) return { outcome: "killed", file, test };
    return { outcome: exitCode === killed ? "hung" : "crashed" };
  }

  private jest(
    mounts: readonly string[],
    options: readonly string[],
    tests: readonly string[],
    limitSeconds: number,
  ): Promise<RunResult> {
    const args = [
      ...["-s", "KILL", String(limitSeconds), this.bubblewrap],
      ...["--die-with-parent", "--unshare-user", "--unshare-pid", "--unshare-ipc"],
      ...["--uid", "0", "--gid", "0"],
      ...["--ro-bind", "/", "/", "--dev-bind", "/dev", "/dev", "--bind", "/sys", "/sys"],
      ...["--proc", "/proc", "--tmpfs", "/tmp", ...mounts],
      ...["--ro-bind", this.tree, tree],
      ...["--ro-bind", join(this.root, "node_modules"), `${tree}/node_modules`],
      ...["--bind", join(this.folder, "jest"), "/tmp/jest"],
      ...["--setenv", "TEST_ORDER", JSON.stringify(tests), "--chdir", tree],
      ...[process.execPath, "node_modules/jest/bin/jest.js", "--ci", "--json", "--silent"],
      ...["--testSequencer", `${tree}/tests/faults/sequencer.cjs`, "--cacheDirectory", "/tmp/jest"],
      // A test that is slow on a busy machine is no killed fault.
      ...["--testTimeout", "120000", ...options, "--runTestsByPath", ...tests],
    ];
    return run("timeout", args, { timeoutSeconds: limitSeconds + 60 });
  }
}

const hourSeconds = 3600;

/** The status of `timeout` when it has killed. */
const killed = 137;

/** Where the copy is seen by what runs in it. */
const tree = "/tmp/tree";

interface JestReport {
  testResults: {
    name: string;
    status: string;
    message: string;
    startTime: number;
    endTime: number;
  }[];
}

function files(root: string): string[] {
  const args = ["ls-files", "--cached", "--others", "--exclude-standard", "-z"];
  const { status, stdout, stderr } = spawnSync("git", args, { cwd: root, encoding: "utf8" });
  if (status !== 0) throw new Error(`git ls-files: ${stderr}`);
  return stdout.split("\0").filter((file) => file !== "" && existsSync(join(root, file)));
}
