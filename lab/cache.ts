/** Things that take long to build, kept between runs and built again when what they are built from changes. */
import { createHash } from "node:crypto";
import { existsSync } from "node:fs";
import { mkdir, rename, rm } from "node:fs/promises";
import { join } from "node:path";

import { withLock } from "./lock";
import { cacheDirectory } from "./paths";

/** Tells what is going on, a line at a time. */
export type Report = (line: string) => void;

/** A thing to be built once. */
export interface CacheItem {
  /** The kind of thing: a folder in the cache. */
  name: string;
  /** Everything the result depends on, as text. */
  ingredients: readonly string[];
  /** Fills the folder. When it fails, nothing of it is kept but `build.log`, if it wrote one. */
  build: (directory: string, report: Report) => Promise<void>;
}

/** Longer than any build takes: a run that waits for another's build gives up after it. */
const buildLimitSeconds = 3600;

/**
 * The folder of a thing, built now if it isn't there. Two runs that need the same thing build it once.
 *
 * @throws Error as the build
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

/** Where a thing is, or would be. */
export function cachePath({ name, ingredients }: Pick<CacheItem, "name" | "ingredients">): string {
  const digest = createHash("sha256").update(JSON.stringify(ingredients)).digest("hex");
  return join(cacheDirectory(), name, digest.slice(0, 16));
}
