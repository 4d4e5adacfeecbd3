// Keeps unit tests from reading the developer's own stack files, so that `npm test` has the same
// result whatever they contain. The lab's stack file belongs to the tests.
import * as fs from "node:fs";
import { basename, dirname, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";

const root = join(__dirname, "../..");

/** Why a file may not be read; undefined if it may. */
export function whyNot(path: unknown): string | undefined {
  const name = path instanceof URL ? fileURLToPath(path) : path;
  if (typeof name !== "string" || dirname(resolve(name)) !== root) return undefined;
  return /^Pulumi\.(?!dev\.).+\.ya?ml$/.test(basename(name))
    ? `a test reads ${basename(name)}, which is no file of the repository: it would pass or fail by what somebody's stack is`
    : undefined;
}

/** Wraps functions that open files, in `fs` or in its promises. */
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

/** A worker runs several test files; the first one installs the guards. */
const guarded = Symbol.for("lvs-ha: reads no stack's file");

const real = (fs as unknown as { default?: typeof fs }).default ?? fs;
guard(real, ["readFileSync", "readFile", "openSync", "open", "createReadStream", "copyFileSync"]);
guard(real.promises, ["readFile", "open", "copyFile"]);
