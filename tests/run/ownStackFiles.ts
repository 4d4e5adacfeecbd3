// No unit test reads the stacks' files of whoever works here: `npm test` says the same whatever they hold. The lab's is the tests' own.
import * as fs from "node:fs";
import { basename, dirname, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";

const root = join(__dirname, "../..");

/** Why a file may not be read; undefined for any other. */
export function whyNot(path: unknown): string | undefined {
  const name = path instanceof URL ? fileURLToPath(path) : path;
  if (typeof name !== "string" || dirname(resolve(name)) !== root) return undefined;
  return /^Pulumi\.(?!dev\.).+\.ya?ml$/.test(basename(name))
    ? `a test reads ${basename(name)}, which is no file of the repository: it would pass or fail by what somebody's stack is`
    : undefined;
}

/** What opens a file, in `fs` and in its promises. */
function guard(where: object, names: readonly string[]): void {
  const functions = where as Record<string, (...args: unknown[]) => unknown>;
  for (const name of names) {
    const original = functions[name];
    if (original === undefined) throw new Error(`fs has no ${name}`);
    if (guarded in original) continue;
    const guarding = function (this: unknown, path: unknown, ...more: unknown[]) {
      const why = whyNot(path);
      if (why !== undefined) throw new Error(why);
      return original.call(this, path, ...more);
    };
    functions[name] = Object.assign(guarding, original, { [guarded]: true });
  }
}

/** Of a worker's several test files, the first has done it. */
const guarded = Symbol.for("lvs-ha: reads no stack's file");

const real = (fs as unknown as { default?: typeof fs }).default ?? fs;
guard(real, ["readFileSync", "readFile", "openSync", "open", "createReadStream", "copyFileSync"]);
guard(real.promises, ["readFile", "open", "copyFile"]);
