// The package's own folder: templates and host scripts are read from there, by the TypeScript sources and by the built code.
import { existsSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";

/** The nearest folder above with a package.json: built code is one folder deeper. */
function folderAbove(folder: string): string {
  return existsSync(join(folder, "package.json")) ? folder : folderAbove(dirname(folder));
}

const packageFolder = folderAbove(__dirname);

/** The path of a file of this package, by its path from package.json. */
export function packagePath(path: string): string {
  return join(packageFolder, path);
}

/** This package's version: package.json's. */
export function packageVersion(): string {
  const { version } = JSON.parse(readFileSync(packagePath("package.json"), "utf8")) as {
    version: string;
  };
  return version;
}
