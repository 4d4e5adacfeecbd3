/** The engine, built from its Go modules on machines that can't download it. */
import { existsSync } from "node:fs";
import { copyFile, mkdtemp, readFile, rm } from "node:fs/promises";
import { delimiter, join } from "node:path";

import { compareVersions } from "../../components/os/versions";
import type { CacheItem } from "../../lab/cache";
import { output } from "../../lab/run";

/** The oldest engine that runs this project: the first with error hooks. */
export const oldestEngine = "3.218.0";

/** The two programs, each built from its own module. `go.sum` pins every source file. */
const programs = [
  {
    module: "cli",
    files: [],
    program: "github.com/pulumi/pulumi/pkg/v3/cmd/pulumi",
    versionedBy: "github.com/pulumi/pulumi/pkg/v3",
    versionVariable: "github.com/pulumi/pulumi/sdk/v3/go/common/version.Version",
  },
  // Built from main.go: the only module of Pulumi's own language host that a proxy serves is older
  // than resource hooks.
  {
    module: "language",
    files: ["main.go"],
    program: ".",
    versionedBy: "github.com/pulumi/pulumi/sdk/v3",
    versionVariable: "main.version",
  },
] as const;

/**
 * The engine and its language host, built from their Go modules: about 8 minutes on 2 cores. The
 * build throws an Error without Go, or if the module pins another version.
 */
export async function engineBuild(version: string): Promise<CacheItem> {
  const source = (module: string, file: string) => join(__dirname, "engine", module, file);
  const sources = programs.flatMap(({ module, files }) =>
    ["go.mod", "go.sum", ...files].map((file) => source(module, file)),
  );
  const texts = await Promise.all(sources.map((file) => readFile(file, "utf8")));
  return {
    name: "engine-build",
    ingredients: [version, process.arch, ...texts],
    build: async (directory, report) => {
      await requireGo();
      for (const { module, files, program, versionedBy, versionVariable } of programs) {
        const work = await mkdtemp(join(directory, `${module}.`));
        for (const file of ["go.mod", "go.sum", ...files]) {
          await copyFile(source(module, file), join(work, file));
        }
        await requireModule(module, join(work, "go.mod"), versionedBy, version);
        report(`building the engine's ${module} program ${version}`);
        const setVersion = `-X ${versionVariable}=v${version}`;
        await output(
          "go",
          [
            "build",
            "-trimpath",
            "-ldflags",
            `-s -w ${setVersion}`,
            "-o",
            `${directory}/bin/`,
            program,
          ],
          {
            cwd: work,
            env: { ...process.env, CGO_ENABLED: "0" },
            timeoutSeconds: 3000,
            onLine: report,
            logFile: join(directory, "build.log"),
          },
        );
        await rm(work, { recursive: true });
      }
    },
  };
}

/** Go 1.21 is the first version that fetches a newer toolchain when a module asks for one. */
async function requireGo(): Promise<void> {
  const go = onPath("go");
  const version = go && /go(\d+\.\d+)/.exec(await output(go, ["env", "GOVERSION"]))?.[1];
  if (version && compareVersions(version, "1.21") >= 0) return;
  throw new Error(
    "Pulumi can't be downloaded here, and building it needs Go 1.21 or later on PATH; " +
      `this machine has ${version ? `Go ${version}` : "none"}. Install Pulumi (${oldestEngine} or later) or Go.`,
  );
}

async function requireModule(
  folder: string,
  goMod: string,
  module: string,
  version: string,
): Promise<void> {
  const found = new RegExp(`\\b${module} v(\\S+)`, "m").exec(await readFile(goMod, "utf8"))?.[1];
  if (found === version) return;
  throw new Error(
    `package.json pins @pulumi/pulumi ${version}, but tools/offline-engine/engine/${folder}/go.mod has ${module} v${String(found)}; ` +
      `in that folder, run: go get ${module}@v${version}`,
  );
}

/** The path of a program on PATH; undefined if it isn't there. */
export function onPath(program: string): string | undefined {
  const folders = (process.env.PATH ?? "").split(delimiter);
  return folders.map((folder) => join(folder, program)).find((file) => existsSync(file));
}
