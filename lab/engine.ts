/**
 * The Pulumi engine and its plugins. What the machine has is used; else the official download; where that can't be reached, the
 * engine is built from its Go modules and plugins are the lab's own stand-ins. The user's Pulumi home isn't touched.
 */
import { existsSync } from "node:fs";
import {
  copyFile,
  mkdir,
  mkdtemp,
  readFile,
  rename,
  rm,
  symlink,
  writeFile,
} from "node:fs/promises";
import { homedir } from "node:os";
import { delimiter, join } from "node:path";

import { type CacheItem, type Report, cachePath, cached } from "./cache";
import { withLock } from "./lock";
import { cacheDirectory, projectRoot } from "./paths";
import { bundlePlugin } from "./plugins/bundle";
import { lastLines, output, run } from "./run";

/** A Pulumi engine that can run this project. */
export interface Engine {
  /** Folders for the front of PATH. */
  path: string[];
  /** `PULUMI_HOME`: plugins. */
  home: string;
  /** Where the engine comes from, in words. */
  origin: string;
  /** Where each plugin comes from, in words. */
  plugins: Record<string, string>;
}

interface Binaries {
  path: string[];
  origin: string;
}

/** The first with hooks for errors. An older engine on PATH is left alone. */
const oldestEngine = "3.218.0";

/** A machine without a way to the download must not wait for it long. */
const downloadLimitSeconds = 60;

/** Finds, downloads or builds the engine and its plugins. The first build takes about 8 minutes on 2 cores. */
export async function ensureEngine(report: Report): Promise<Engine> {
  const versions = await pinnedVersions();
  const binaries =
    (await engineAtHand(versions.engine)) ??
    (await downloadedEngine(versions.engine, report)) ??
    (await builtEngine(versions.engine, report));
  report(`engine: ${binaries.origin}`);
  const home = join(cacheDirectory(), "pulumi-home");
  const plugins = await Promise.all(
    (["command", "tls"] as const).map(async (plugin) => {
      const request = { plugin, version: versions[plugin], home, binaries };
      const origin = await ensurePlugin(request, report);
      report(`plugin ${plugin}: ${origin}`);
      return [plugin, origin] as const;
    }),
  );
  return { ...binaries, home, plugins: Object.fromEntries(plugins) };
}

/** Whether {@link ensureEngine} has an engine without a download or a build. */
export async function hasEngine(): Promise<boolean> {
  return (await engineAtHand((await pinnedVersions()).engine)) !== undefined;
}

async function engineAtHand(version: string): Promise<Binaries | undefined> {
  return (await installedEngine()) ?? cachedDownload(version) ?? (await cachedBuild(version));
}

/** The versions that package.json pins, which the engine and the plugins are to match. */
async function pinnedVersions(): Promise<Record<"engine" | "command" | "tls", string>> {
  const manifest = JSON.parse(await readFile(join(projectRoot, "package.json"), "utf8")) as {
    dependencies: Record<string, string>;
  };
  const pin = (name: string) => {
    const version = manifest.dependencies[name];
    if (version === undefined || !/^\d+\.\d+\.\d+$/.test(version)) {
      throw new Error(
        `package.json: dependencies["${name}"] is ${String(version)}, and has to be one exact version`,
      );
    }
    return version;
  };
  return {
    engine: pin("@pulumi/pulumi"),
    command: pin("@pulumi/command"),
    tls: pin("@pulumi/tls"),
  };
}

/** The engine on PATH, when it is new enough and has its language host. */
async function installedEngine(): Promise<Binaries | undefined> {
  const [engine, languageHost] = [onPath("pulumi"), onPath("pulumi-language-nodejs")];
  if (engine === undefined || languageHost === undefined) return undefined;
  const env = { ...process.env, PULUMI_SKIP_UPDATE_CHECK: "true" };
  const version = (await output(engine, ["version"], { env })).trim().replace(/^v/, "");
  if (version.localeCompare(oldestEngine, "en", { numeric: true }) < 0) return undefined;
  return { path: [], origin: `${engine} ${version}, which this machine has` };
}

function cachedDownload(version: string): Binaries | undefined {
  const directory = cachePath(downloadItem(version));
  return existsSync(directory) ? downloaded(directory, version) : undefined;
}

async function cachedBuild(version: string): Promise<Binaries | undefined> {
  const directory = cachePath(await buildItem(version));
  return existsSync(directory) ? built(directory, version) : undefined;
}

async function downloadedEngine(version: string, report: Report): Promise<Binaries | undefined> {
  report(`trying the official download of Pulumi ${version}`);
  try {
    return downloaded(await cached(downloadItem(version), report), version);
  } catch (error) {
    report(`no official download: ${lastLines(String(error), 1)}`);
    return undefined;
  }
}

/** The SDK's own installation of its own version, in a process of its own so that it can be given up. */
function downloadItem(version: string): CacheItem {
  const install =
    'require("@pulumi/pulumi/automation").PulumiCommand.install(JSON.parse(process.argv[1]))' +
    ".catch((error) => { console.error(error.message); process.exit(1); })";
  return {
    name: "engine-download",
    ingredients: [version, process.arch, install],
    build: async (root) => {
      await output(process.execPath, ["-e", install, JSON.stringify({ root })], {
        cwd: projectRoot,
        timeoutSeconds: downloadLimitSeconds,
      });
    },
  };
}

async function builtEngine(version: string, report: Report): Promise<Binaries> {
  return built(await cached(await buildItem(version), report), version);
}

function downloaded(directory: string, version: string): Binaries {
  return { path: [join(directory, "bin")], origin: `${version}, the official download` };
}

function built(directory: string, version: string): Binaries {
  return { path: [join(directory, "bin")], origin: `${version}, built from its Go modules` };
}

/** The two programs, each in a module of its own. `go.sum` pins every source file. */
const programs = [
  {
    module: "cli",
    files: [],
    program: "github.com/pulumi/pulumi/pkg/v3/cmd/pulumi",
    versionedBy: "github.com/pulumi/pulumi/pkg/v3",
    versionVariable: "github.com/pulumi/pulumi/sdk/v3/go/common/version.Version",
  },
  // Pulumi's own has no module that a proxy serves, but for one that is older than resource hooks.
  {
    module: "language",
    files: ["main.go"],
    program: ".",
    versionedBy: "github.com/pulumi/pulumi/sdk/v3",
    versionVariable: "main.version",
  },
] as const;

async function buildItem(version: string): Promise<CacheItem> {
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

/** Go 1.21 is the first that fetches the newer toolchain which a module asks for. */
async function requireGo(): Promise<void> {
  const go = onPath("go");
  const version = go && /go(\d+\.\d+)/.exec(await output(go, ["env", "GOVERSION"]))?.[1];
  if (version && version.localeCompare("1.21", "en", { numeric: true }) >= 0) return;
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
    `package.json pins @pulumi/pulumi ${version}, but lab/engine/${folder}/go.mod has ${module} v${String(found)}; ` +
      `in that folder, run: go get ${module}@v${version}`,
  );
}

interface PluginRequest {
  plugin: "command" | "tls";
  version: string;
  home: string;
  binaries: Binaries;
}

/** Puts a plugin into the lab's Pulumi home and tells where it is from. */
async function ensurePlugin(
  { plugin, version, home, binaries }: PluginRequest,
  report: Report,
): Promise<string> {
  const name = `resource-${plugin}-v${version}`;
  const folder = join(home, "plugins", name);
  const standInMark = join(folder, "stand-in");
  const isOfficial = () => existsSync(folder) && !existsSync(standInMark);
  if (isOfficial()) return `${version}, official`;
  await mkdir(join(home, "plugins"), { recursive: true });

  const users = join(process.env.PULUMI_HOME ?? join(homedir(), ".pulumi"), "plugins", name);
  if (existsSync(users)) {
    await rm(folder, { recursive: true, force: true });
    await symlink(users, folder);
    return `${version}, official, from ${users}`;
  }
  // Once it had to be a stand-in, later runs don't ask again.
  if (!existsSync(standInMark)) {
    report(`trying the official download of plugin ${plugin} ${version}`);
    const env = {
      ...process.env,
      PATH: [...binaries.path, process.env.PATH].join(delimiter),
      PULUMI_HOME: home,
      PULUMI_SKIP_UPDATE_CHECK: "true",
    };
    const install = ["plugin", "install", "resource", plugin, version, "--non-interactive"];
    const attempt = run("pulumi", install, { env, timeoutSeconds: downloadLimitSeconds });
    const said = await attempt.then(({ stderr }) => stderr, String);
    if (isOfficial()) return `${version}, official`;
    report(`no official download: ${lastLines(said, 1)}`);
  }
  await withLock(folder, { waitSeconds: 60 }, () => writeStandIn(plugin, folder));
  return `${version}, the lab's stand-in (the official plugin can't be downloaded here)`;
}

/** In one step, and only where it is another one: engines of other labs may be about to start it. */
async function writeStandIn(plugin: "command" | "tls", folder: string): Promise<void> {
  const unfinished = `${folder}.unfinished-${process.pid}`;
  const name = `pulumi-resource-${plugin}`;
  const executable = join(folder, name);
  await mkdir(unfinished, { recursive: true });
  try {
    bundlePlugin(plugin, join(unfinished, name));
    await writeFile(join(unfinished, "stand-in"), "made by lvs-ha's lab from lab/plugins\n");
    if (!existsSync(executable)) {
      await rm(folder, { recursive: true, force: true });
      await rename(unfinished, folder);
    } else if (!(await readFile(executable)).equals(await readFile(join(unfinished, name)))) {
      await rename(join(unfinished, name), executable);
    }
  } finally {
    await rm(unfinished, { recursive: true, force: true });
  }
}

function onPath(program: string): string | undefined {
  const folders = (process.env.PATH ?? "").split(delimiter);
  return folders.map((folder) => join(folder, program)).find((file) => existsSync(file));
}
