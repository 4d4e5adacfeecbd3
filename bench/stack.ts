/** A stack of stub hosts: its config, the engine's state, and the engine's runs on it. */
import { mkdir, readFile, stat, symlink, writeFile } from "node:fs/promises";
import { delimiter, join } from "node:path";
import { parse, stringify } from "yaml";

import type { Engine } from "../lab/engine";
import { projectRoot } from "../lab/paths";
import { output } from "../lab/run";
import type { StackConfig } from "../lab/stackConfig";
import type { Farm } from "./farm";
import { type Cost, type MeasureOptions, measured } from "./measured";

/** The size of a stack, and its rollout settings. */
export interface Size {
  /** All hosts: two directors, the rest real servers. */
  hosts: number;
  /** Virtual servers. Each has every real server. */
  services: number;
  /** Real servers changed at a time. @default the config's default */
  maxUnavailable?: number;
  /** Whether all hosts are behind the farm's last host. @default false */
  bastion?: boolean;
}

/** Where and how the engine runs. */
export interface Bench {
  farm: Farm;
  engine: Engine;
  /**
   * The folder for the programs' temporary files. One of them is read again: the compiled program.
   */
  temporary: string;
  /** Seconds after which a run is ended. */
  timeoutSeconds: number;
}

/** The stack's config, without its namespace: the required keys; the rest has defaults. */
export function stackOf(
  { hosts, services, maxUnavailable, bastion = false }: Size,
  { addresses, hostKey }: Pick<Farm, "addresses" | "hostKey">,
): StackConfig {
  const all = addresses.slice(0, hosts).map((host) => ({ host, hostKey }));
  const [first, ...rest] = all.slice(2).map((host, i) => ({ name: `web${i + 1}`, ...host }));
  const virtualServers = Array.from({ length: services }, (_, i) => ({
    name: `service${i + 1}`,
    // Each address has ten ports.
    address: `10.99.200.${1 + Math.floor(i / 10)}`,
    port: 8000 + (i % 10),
    scheduler: "wrr",
  }));
  const [service, ...others] = virtualServers;
  if (first === undefined || service === undefined) {
    throw new Error(`${hosts} hosts and ${services} virtual servers: at least 3 and 1 are needed`);
  }
  const proxy = addresses.at(-1);
  return {
    ...(bastion && proxy !== undefined ? { ssh: { proxy: { host: proxy, hostKey } } } : {}),
    directors: all
      .slice(0, 2)
      .map((host, i) => ({ name: `lvs${i + 1}`, ...host, vrrpAddress: `${host.host}/16` })),
    realServers: [first, ...rest],
    virtualServers: [service, ...others],
    ...(maxUnavailable === undefined ? {} : { rollout: { maxUnavailable } }),
  };
}

/** The measured change: every virtual server gets another scheduler. */
export function change(config: StackConfig): void {
  for (const service of config.virtualServers) service.scheduler = "wlc";
}

/**
 * A program for the engine, with its own state and home. It reads and writes nothing of the user's
 * or the lab's.
 */
export class BenchStack {
  private constructor(
    private readonly bench: Bench,
    private readonly folder: string,
    private readonly project: string,
    private readonly configFile: string,
  ) {}

  /** The product's program, with this config. */
  static async ofHosts(bench: Bench, folder: string, config: StackConfig): Promise<BenchStack> {
    const stack = new BenchStack(bench, folder, projectRoot, join(folder, "Pulumi.dev.yaml"));
    await stack.init();
    // The salt in this file belongs to the passphrase.
    const { encryptionsalt } = parse(
      await readFile(join(projectRoot, "Pulumi.dev.yaml"), "utf8"),
    ) as ConfigFile;
    await writeFile(stack.configFile, stringify({ encryptionsalt, config: qualified(config) }));
    await stack.pulumi(["config", "set", "--secret", `${prefix}sshPrivateKey`], bench.farm.key);
    return stack;
  }

  /** A program without resources, otherwise as `pulumi new typescript` makes it. */
  static async empty(bench: Bench, folder: string): Promise<BenchStack> {
    const project = join(folder, "program");
    await mkdir(project, { recursive: true });
    for (const [file, text] of Object.entries(emptyProgram)) {
      await writeFile(join(project, file), text);
    }
    await symlink(join(projectRoot, "node_modules"), join(project, "node_modules"));
    const stack = new BenchStack(bench, folder, project, join(project, "Pulumi.dev.yaml"));
    await stack.init();
    return stack;
  }

  /** Changes the config for later runs. */
  async configure(edit: (config: StackConfig) => void): Promise<void> {
    const file = parse(await readFile(this.configFile, "utf8")) as ConfigFile;
    const config = Object.fromEntries(
      Object.entries(file.config).map(([key, value]) => [key.slice(prefix.length), value]),
    ) as StackConfig;
    edit(config);
    await writeFile(this.configFile, stringify({ ...file, config: qualified(config) }));
  }

  /** Runs the engine: `preview`, or `up` without a preview. */
  measure(command: "preview" | "up"): Promise<Cost> {
    const words = command === "up" ? ["up", "--yes", "--skip-preview"] : ["preview"];
    return measured(["pulumi", ...words, ...this.words], {
      ...this.options,
      network: this.bench.farm.network,
      folder: this.folder,
      timeoutSeconds: this.bench.timeoutSeconds,
    });
  }

  /** The size of the state file. */
  async stateBytes(): Promise<number> {
    const name = /^name: (\S+)$/m.exec(
      await readFile(join(this.project, "Pulumi.yaml"), "utf8"),
    )?.[1];
    return (await stat(join(this.folder, `state/.pulumi/stacks/${name ?? ""}/dev.json`))).size;
  }

  private async init(): Promise<void> {
    await mkdir(join(this.folder, "state"), { recursive: true });
    await mkdir(join(this.folder, "home"), { recursive: true });
    await symlink(join(this.bench.engine.home, "plugins"), join(this.folder, "home/plugins"));
    // `stack init` leaves the project's existing config for that name unchanged; the empty program
    // has its own.
    await output("pulumi", ["stack", "init", "dev", "--non-interactive"], this.options);
  }

  private async pulumi(words: string[], input: string): Promise<void> {
    await output("pulumi", [...words, ...this.words], { ...this.options, input });
  }

  private get words(): string[] {
    return [
      "--stack",
      "dev",
      "--config-file",
      this.configFile,
      "--non-interactive",
      "--color=never",
    ];
  }

  private get options(): Pick<MeasureOptions, "cwd" | "env"> {
    const { engine } = this.bench;
    // Settings that the user has for other stacks would change the figures.
    const env = Object.fromEntries(
      Object.entries(process.env).filter(
        ([name]) => !/^(PULUMI_.*|SSH_AUTH_SOCK|NODE_OPTIONS|NODE_ENV)$/.test(name),
      ),
    );
    return {
      cwd: this.project,
      env: {
        ...env,
        PATH: [...engine.path, process.env.PATH].join(delimiter),
        TMPDIR: this.bench.temporary,
        PULUMI_HOME: join(this.folder, "home"),
        PULUMI_BACKEND_URL: `file://${join(this.folder, "state")}?metadata=skip`,
        PULUMI_CONFIG_PASSPHRASE: "lvs-ha-lab",
        PULUMI_SKIP_UPDATE_CHECK: "true",
      },
    };
  }
}

interface ConfigFile {
  encryptionsalt: string;
  config: Record<string, unknown>;
}

const prefix = "lvs-ha:";

function qualified(config: StackConfig): Record<string, unknown> {
  return Object.fromEntries(Object.entries(config).map(([key, value]) => [prefix + key, value]));
}

/** The program's files, by name. */
const emptyProgram = {
  "Pulumi.yaml": "name: empty\nruntime:\n  name: nodejs\n  options:\n    packagemanager: npm\n",
  "package.json": '{ "name": "empty", "main": "index.ts" }\n',
  "tsconfig.json": `${JSON.stringify({
    compilerOptions: {
      strict: true,
      outDir: "bin",
      target: "es2020",
      module: "commonjs",
      moduleResolution: "node",
      sourceMap: true,
      experimentalDecorators: true,
      pretty: true,
      noFallthroughCasesInSwitch: true,
      noImplicitReturns: true,
      forceConsistentCasingInFileNames: true,
    },
    files: ["index.ts"],
  })}\n`,
  "index.ts":
    'import * as pulumi from "@pulumi/pulumi";\n\nexport const stack = pulumi.getStack();\n',
};
