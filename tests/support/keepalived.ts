// The real keepalived of each Debian release, for --config-test: unpacked once into the cache, run in namespaces without root.
import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { unpackPackage } from "./packages";

/** The Debian release that carries each keepalived. */
export const suites = { "2.2.7": "bookworm", "2.3.3": "trixie" } as const;

export type KeepalivedVersion = keyof typeof suites;

/** Unpacks a version's binary and libraries; the folder to give to {@link configTest}. */
export function unpack(version: KeepalivedVersion): Promise<string> {
  return unpackPackage(suites[version], "keepalived");
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
      folder,
      secrets,
    ],
    { input: text, encoding: "utf8", timeout: 20_000 },
  );
  if (error) throw error;
  return { code: status ?? -1, says: stdout + stderr };
}
