/**
 * The Pulumi engine and its plugins: those of the machine, else the official download; where that
 * can't be reached, the engine is built from its Go modules and the plugins are the lab's
 * stand-ins. The user's Pulumi home is not touched.
 */
import { existsSync } from "node:fs";
import { mkdir, readFile, rename, rm, symlink, writeFile } from "node:fs/promises";
import { homedir } from "node:os";
import { delimiter, join } from "node:path";

import { compareVersions } from "../components/os/versions";
import { engineBuild, oldestEngine, onPath } from "../tools/offline-engine/build";
import { bundlePlugin } from "../tools/offline-engine/plugins/bundle";
import { type CacheItem, type Report, cachePath, cached } from "./cache";
import { withLock } from "./lock";
import { cacheDirectory, projectRoot } from "./paths";
import { lastLines, output, run } from "./run";

/** A Pulumi engine that can run this project. */
export interface Engine {
  /** Folders to put first on PATH. */
  path: string[];
  /** `PULUMI_HOME`, with the plugins. */
  home: string;
  /** A description of where the engine comes from. */
  origin: string;
  /** A description of where each plugin comes from. */
  plugins: Record<string, string>;
}

interface Binaries {
  path: string[];
  origin: string;
}

/** Short, so that a machine that can't reach the download isn't held up. */
const downloadLimitSeconds = 60;

/**
 * Finds, downloads or builds the engine and its plugins. The first build takes about 8 minutes on 2
 * cores.
 */
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

/** Whether an engine is available without a download or a build. */
export async function hasEngine(): Promise<boolean> {
  return (await engineAtHand((await pinnedVersions()).engine)) !== undefined;
}

async function engineAtHand(version: string): Promise<Binaries | undefined> {
  return (await installedEngine()) ?? cachedDownload(version) ?? (await cachedBuild(version));
}

/** The versions in package.json, which the engine and the plugins must match. */
async function pinnedVersions(): Promise<Record<"engine" | "command" | "tls", string>> {
  const manifest = JSON.parse(await readFile(join(projectRoot, "package.json"), "utf8")) as {
    devDependencies: Record<string, string>;
  };
  const pin = (name: string) => {
    const version = manifest.devDependencies[name];
    if (version === undefined || !/^\d+\.\d+\.\d+$/.test(version)) {
      throw new Error(
        `package.json: devDependencies["${name}"] is ${String(version)}, and has to be one exact version`,
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

/** The engine on PATH, if it is new enough and its language host is there. */
async function installedEngine(): Promise<Binaries | undefined> {
  const [engine, languageHost] = [onPath("pulumi"), onPath("pulumi-language-nodejs")];
  if (engine === undefined || languageHost === undefined) return undefined;
  const env = { ...process.env, PULUMI_SKIP_UPDATE_CHECK: "true" };
  const version = (await output(engine, ["version"], { env })).trim().replace(/^v/, "");
  if (compareVersions(version, oldestEngine) < 0) return undefined;
  return { path: [], origin: `${engine} ${version}, which this machine has` };
}

function cachedDownload(version: string): Binaries | undefined {
  const directory = cachePath(downloadItem(version));
  return existsSync(directory) ? downloaded(directory, version) : undefined;
}

async function cachedBuild(version: string): Promise<Binaries | undefined> {
  const directory = cachePath(await engineBuild(version));
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

/** Uses the SDK's own installer for its version, in a separate process so that it can be ended. */
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
  return built(await cached(await engineBuild(version), report), version);
}

function downloaded(directory: string, version: string): Binaries {
  return { path: [join(directory, "bin")], origin: `${version}, the official download` };
}

function built(directory: string, version: string): Binaries {
  return { path: [join(directory, "bin")], origin: `${version}, built from its Go modules` };
}

interface PluginRequest {
  plugin: "command" | "tls";
  version: string;
  home: string;
  binaries: Binaries;
}

/** Puts a plugin into the lab's Pulumi home. Returns where it comes from. */
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
  // If an earlier run had to use a stand-in, don't ask again.
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

/**
 * Replaces the stand-in in one step and only if it differs: engines of other labs may be about to
 * start it.
 */
async function writeStandIn(plugin: "command" | "tls", folder: string): Promise<void> {
  const unfinished = `${folder}.unfinished-${process.pid}`;
  const name = `pulumi-resource-${plugin}`;
  const executable = join(folder, name);
  await mkdir(unfinished, { recursive: true });
  try {
    bundlePlugin(plugin, join(unfinished, name));
    await writeFile(
      join(unfinished, "stand-in"),
      "made by lvs-ha's lab from tools/offline-engine\n",
    );
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
