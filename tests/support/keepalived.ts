// The real keepalived of each Debian release, for --config-test: unpacked once into the cache, run in namespaces without root.
import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { cached } from "../../lab/cache";
import { output } from "../../lab/run";
import { readFileSync } from "node:fs";

/** The Debian release that carries each keepalived. */
export const suites = { "2.2.7": "bookworm", "2.3.3": "trixie" } as const;

export type KeepalivedVersion = keyof typeof suites;

/** Unpacks a version's binary and libraries; the folder to give to {@link configTest}. */
export function unpack(version: KeepalivedVersion): Promise<string> {
  const script = join(__dirname, "get-keepalived.sh");
  return cached(
    {
      name: `keepalived-${version}`,
      ingredients: [readFileSync(script, "utf8"), suites[version]],
      build: async (directory) => {
        await output("sh", [script, suites[version], join(directory, "root")], {
          timeoutSeconds: 300,
        });
      },
    },
    () => undefined,
  );
}

/** keepalived's verdict: its exit code (0 is a yes) and its words. */
export function configTest(
  folder: string,
  text: string,
  secrets = "",
): { code: number; says: string } {
  const { status, stdout, stderr, error } = spawnSync(
    "unshare",
    [
      "--map-root-user",
      "--net",
      "--mount",
      "sh",
      join(__dirname, "config-test.sh"),
      join(folder, "root"),
      secrets,
    ],
    { input: text, encoding: "utf8", timeout: 20_000 },
  );
  if (error) throw error;
  return { code: status ?? -1, says: stdout + stderr };
}
