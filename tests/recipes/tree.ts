// A copy of the tree in which something new is tried, and who asks for the rest of it: the compiler, by file, and tests, by name.
import { spawnSync } from "node:child_process";
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { projectRoot } from "../../lab/paths";

export class Tree {
  private readonly folder = mkdtempSync(join(tmpdir(), "lvs-ha-recipes-"));
  private readonly root = join(this.folder, "tree");

  /** Copies what git knows, and what its ignore files don't name. */
  constructor() {
    const args = ["ls-files", "--cached", "--others", "--exclude-standard", "-z"];
    const { status, stdout, stderr } = spawnSync("git", args, {
      cwd: projectRoot,
      encoding: "utf8",
    });
    if (status !== 0) throw new Error(`git ls-files: ${stderr}`);
    for (const file of stdout.split("\0").filter((name) => name !== "")) {
      // node_modules may be a link, which the ignore files don't name.
      if (file === "node_modules" || !existsSync(join(projectRoot, file))) continue;
      mkdirSync(dirname(join(this.root, file)), { recursive: true });
      cpSync(join(projectRoot, file), join(this.root, file), { verbatimSymlinks: true });
    }
    symlinkSync(join(projectRoot, "node_modules"), join(this.root, "node_modules"));
  }

  remove(): void {
    rmSync(this.folder, { recursive: true, force: true });
  }

  /** Makes a file. */
  add(file: string, text: string): void {
    if (existsSync(join(this.root, file))) throw new Error(`there is a ${file} already`);
    writeFileSync(join(this.root, file), text);
  }

  /** Puts a text behind the only place that has these words. */
  insert(file: string, behind: string, text: string): void {
    const path = join(this.root, file);
    const [before, after, ...more] = readFileSync(path, "utf8").split(behind);
    if (before === undefined || after === undefined || more.length > 0) {
      throw new Error(`${file} has ${JSON.stringify(behind)} in no place, or in several`);
    }
    writeFileSync(path, before + behind + text + after);
  }

  /** How many errors the compiler has, by file. */
  compile(): Record<string, number> {
    const { stdout } = this.run(
      ["node_modules/typescript/bin/tsc", "--noEmit", "--pretty", "false"],
      ["--tsBuildInfoFile", join(this.folder, "tsbuildinfo")],
    );
    const errors: Record<string, number> = {};
    for (const [, file = ""] of stdout.matchAll(/^(\S+)\(\d+,\d+\): error TS/gm)) {
      errors[file] = (errors[file] ?? 0) + 1;
    }
    return errors;
  }

  /** Names of the tests in these files that fail. */
  failures(...files: string[]): string[] {
    const { stdout, stderr } = this.run(
      ["node_modules/jest/bin/jest.js", "--ci", "--json", "--silent", "--maxWorkers", "1"],
      ["--cacheDirectory", join(this.folder, "jest"), "--testTimeout", "120000"],
      ["--runTestsByPath", ...files],
    );
    if (!stdout.startsWith("{")) throw new Error(`jest: ${stderr}`);
    const { testResults } = JSON.parse(stdout) as JestReport;
    return testResults.flatMap(({ message, assertionResults }) => {
      if (assertionResults.length === 0) throw new Error(message);
      return assertionResults
        .filter(({ status }) => status === "failed")
        .map(({ fullName }) => fullName);
    });
  }

  private run(...args: string[][]): { stdout: string; stderr: string } {
    const { stdout, stderr, error } = spawnSync(process.execPath, args.flat(), {
      cwd: this.root,
      encoding: "utf8",
      maxBuffer: 1 << 28,
      // This test may be one of a slice, whose left-out files are no matter of the copy.
      env: { ...process.env, SKIPPED_TEST_FILES: "" },
    });
    if (error) throw error;
    return { stdout, stderr };
  }
}

interface JestReport {
  testResults: { message: string; assertionResults: { status: string; fullName: string }[] }[];
}
