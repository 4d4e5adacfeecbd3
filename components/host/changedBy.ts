// Who changes a host, and by which version of the program: told to hosts by the program as it runs, so that it is in no state and no preview.
import { execFileSync } from "node:child_process";
import * as pulumi from "@pulumi/pulumi";
import { quote } from "shell-quote";
import { packageVersion } from "../package";

/** What stands on each host of the last run that changed it. */
export interface ChangedBy {
  /** PROJECT/STACK */
  stack: string;
  /** This program's. */
  version: string;
  /** Of the folder in which the engine ran the program, by `git describe`; null where that is no git repository. */
  revision: string | null;
}

/** Where it stands; the file's own time is that of the change. */
export const changedByFile = "/var/lib/lvs-ha/changed-by";

/** Where it is brought with scripts, which `install.sh` takes along: a host that is refused was not changed. */
const inTransit = "/run/lvs-ha/changed-by";

/**
 * Lines of shell that note it on a host, whole or not at all.
 * @param file where
 */
function noted(file: string): string[] {
  return [
    `printf '%s\\n' ${quote([JSON.stringify(changedBy())])} >${file}.new`,
    `mv -f ${file}.new ${file}`,
  ];
}

/** Lines of shell that note it on a host, beside the scripts that come. */
export function noteInTransit(): string[] {
  return noted(inTransit);
}

/** Lines of shell that note it on a host that has the scripts. */
export function noteChange(): string[] {
  return [`[ -d ${changedByFile.replace(/\/[^/]*$/, "")} ] || exit 0`, ...noted(changedByFile)];
}

let known: ChangedBy | undefined;

function changedBy(): ChangedBy {
  known ??= {
    stack: `${pulumi.getProject()}/${pulumi.getStack()}`,
    version: packageVersion(),
    revision: revision(),
  };
  return known;
}

function revision(): string | null {
  try {
    const words = ["describe", "--always", "--dirty", "--abbrev=12"];
    return execFileSync("git", words, {
      encoding: "utf8",
      timeout: 10_000,
      stdio: ["ignore", "pipe", "ignore"],
    }).trim();
  } catch {
    return null;
  }
}
