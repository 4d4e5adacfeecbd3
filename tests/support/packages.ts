// Debian programs for tests, unpacked once into the cache and never installed.
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { cached } from "../../lab/cache";
import { output } from "../../lab/run";

/** Unpacks a package of a Debian suite with its libraries. Returns their root folder. */
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
