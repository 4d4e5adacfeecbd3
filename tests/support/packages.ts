// Programs of Debian's that a test needs: unpacked once into the cache, never installed.
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { cached } from "../../lab/cache";
import { output } from "../../lab/run";

/** Unpacks a package of a Debian suite, with its libraries; the folder that is its root. */
export async function unpackPackage(suite: string, name: string): Promise<string> {
  const script = join(__dirname, "unpack-package.sh");
  const folder = await cached(
    {
      name: `test-${name}-${suite}`,
      ingredients: [readFileSync(script, "utf8")],
      build: async (directory) => {
        await output("sh", [script, suite, name, join(directory, "root")], { timeoutSeconds: 300 });
      },
    },
    () => undefined,
  );
  return join(folder, "root");
}
