/** Results of long builds, kept between runs and rebuilt when their ingredients change. */
import { createHash } from "node:crypto";
import { existsSync } from "node:fs";
import { mkdir, rename, rm } from "node:fs/promises";
import { join } from "node:path";

import { withLock } from "./lock";
import { cacheDirectory } from "./paths";

/** Reports progress, a line at a time. */
export type Report = (line: string) => void;

/** A thing to build once. */
export interface CacheItem {
  /** The kind of thing: a folder in the cache. */
  name: string;
  /** Everything that the result depends on, as text. */
  ingredients: readonly string[];
  /** Fills the folder. After a failure only `build.log` is kept, if there is one. */
  build: (directory: string, report: Report) => Promise<void>;
}

/** Longer than any build takes: the limit for a run that waits for another run's build. */
const buildLimitSeconds = 3600;

/**
 * The folder of a thing, built now if necessary. Two runs that need the same thing build it once.
 *
 * @throws Error from the build
 */
export async function cached(item: CacheItem, report: Report): Promise<string> {
  const directory = cachePath(item);
  if (existsSync(directory)) return directory;
  await withLock(
    directory,
    {
      waitSeconds: buildLimitSeconds,
      onWait: (holder) => {
        report(`${holder}, and builds it`);
      },
    },
    async () => {
      if (existsSync(directory)) return;
      const unfinished = `${directory}.unfinished`;
      await rm(unfinished, { recursive: true, force: true });
      await mkdir(unfinished, { recursive: true });
      await item.build(unfinished, report);
      await rename(unfinished, directory);
    },
  );
  return directory;
}

/** Where a thing is or would be. */
export function cachePath({ name, ingredients }: Pick<CacheItem, "name" | "ingredients">): string {
  const digest = createHash("sha256").update(JSON.stringify(ingredients)).digest("hex");
  return join(cacheDirectory(), name, digest.slice(0, 16));
}
