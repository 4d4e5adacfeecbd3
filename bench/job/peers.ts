/** Who does the job: a row each. */
import { cp, mkdir, symlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { stringify } from "yaml";

import { type Report, cached } from "../../lab/cache";
import type { Lab } from "../../lab/instance";
import { labEnv } from "../../lab/lab";
import { projectRoot } from "../../lab/paths";
import { output } from "../../lab/run";
import { sshCommand } from "../../lab/ssh";
import { stackFile } from "../../lab/stackConfig";
import type { Verification } from "../../ops/verify/verify";
import { type Job, keepalivedConf } from "./end";

/** A command of the operator's. */
export interface Command {
  words: readonly string[];
  cwd?: string;
  env?: NodeJS.ProcessEnv;
}

/** One way to do the job, with a folder of its own for as long as one life of the lab's hosts. */
export interface Peer {
  /** What brings the hosts to the job, whatever they are. */
  apply(job: Job): Promise<Command>;
  /** What tells how the hosts differ from it; absent where the peer has no such thing. */
  drift?(job: Job): Promise<Command>;
  /** The hosts that it has named, in what it has said. */
  drifted?(said: string, names: readonly string[]): string[];
}

/** In the order in which they are shown. */
export const peerNames = ["floor", "ansible", "naive", "lvs-ha"] as const;

export type PeerName = (typeof peerNames)[number];

/** What each is, in a table. */
export const peerTitles: Record<PeerName, string> = {
  floor: "floor: `ssh HOST sh -s`, all at once",
  ansible: "Ansible",
  naive: "naive Pulumi program",
  "lvs-ha": "this",
};

/** Of `pip`. */
export const ansibleVersion = "2.18.19";

const makers: Record<PeerName, (lab: Lab, folder: string, report: Report) => Promise<Peer>> = {
  floor: (lab, folder) => Promise.resolve(floor(lab, folder)),
  ansible,
  naive,
  "lvs-ha": product,
};

/** A peer whose hosts are as freshly installed. */
export async function newPeer(
  name: PeerName,
  lab: Lab,
  folder: string,
  report: Report,
): Promise<Peer> {
  await mkdir(folder, { recursive: true });
  return makers[name](lab, folder, report);
}

/** One login a host, all at once; real servers and directors don't wait for each other. */
function floor(lab: Lab, folder: string): Peer {
  return {
    async apply(job) {
      const place = [job.vip, String(job.port), job.management];
      const hosts = [
        ...job.realServers.map((host) => ({
          host,
          script: "real-server.sh",
          more: [] as string[],
        })),
        ...job.directors.map((host) => ({
          host,
          script: "director.sh",
          more: [Buffer.from(keepalivedConf(job, host)).toString("base64")],
        })),
      ];
      const lines = hosts.map(({ host, script, more }) => {
        // The namespace is the caller's.
        const [, , ...ssh] = sshCommand(lab, host.name, ["-o", "ControlPath=none"])[1];
        const sudo = host.user === "root" ? [] : ["sudo", "-n"];
        const words = [...ssh, ...sudo, "sh", "-s", "--", ...place, ...more];
        return `${words.join(" ")} <${join(__dirname, "hosts", script)} & all="$all $!"`;
      });
      const file = join(folder, "floor.sh");
      const wait = 'status=0; for one in $all; do wait "$one" || status=1; done; exit $status';
      await writeFile(file, ["all=", ...lines, wait, ""].join("\n"));
      return { words: ["sh", file] };
    },
  };
}

async function ansible(lab: Lab, folder: string, report: Report): Promise<Peer> {
  const home = await cached(
    {
      name: "ansible",
      ingredients: [ansibleVersion],
      async build(directory, tell) {
        tell(`installing ansible-core ${ansibleVersion}`);
        await output("python3", ["-m", "venv", "--copies", directory], { timeoutSeconds: 120 });
        const words = ["-m", "pip", "install", "-q", `ansible-core==${ansibleVersion}`];
        await output(join(directory, "bin/python3"), words, { timeoutSeconds: 600 });
      },
    },
    report,
  );
  await cp(join(__dirname, "ansible"), folder, { recursive: true });
  const settings = sshCommand(lab, "lvs1", [])[1].at(-2) ?? "";
  await writeFile(
    join(folder, "ansible.cfg"),
    `[defaults]
forks = ${lab.topology.hosts.length}
interpreter_python = /usr/bin/python3
[ssh_connection]
pipelining = True
ssh_args = -F ${settings} -o ControlMaster=auto -o ControlPersist=60s
control_path_dir = ${folder}/cp
`,
  );
  const play = async (job: Job, ...more: string[]): Promise<Command> => {
    const file = join(folder, "job.json");
    await writeFile(file, JSON.stringify(job));
    const group = (hosts: { name: string }[]) => ({
      hosts: Object.fromEntries(hosts.map(({ name }) => [name, {}])),
    });
    const children = { directors: group(job.directors), real_servers: group(job.realServers) };
    await writeFile(join(folder, "inventory.yml"), stringify({ all: { children } }));
    return {
      // The folder was built under another name: its programs name that one.
      words: [
        ...[join(home, "bin/python3"), "-m", "ansible", "playbook", "-i", "inventory.yml"],
        ...["--extra-vars", `@${file}`, "site.yml", ...more],
      ],
      cwd: folder,
      env: { ...(await labEnv(lab)), ANSIBLE_CONFIG: join(folder, "ansible.cfg"), HOME: folder },
    };
  };
  return {
    apply: (job) => play(job),
    drift: (job) => play(job, "--check", "--diff"),
    drifted: (said, names) =>
      names.filter((name) => new RegExp(`^${name} +:.* (changed|failed)=[1-9]`, "m").test(said)),
  };
}

async function naive(lab: Lab, folder: string): Promise<Peer> {
  await cp(join(__dirname, "naive/Pulumi.yaml"), join(folder, "Pulumi.yaml"));
  // Compiled before, as everybody's program is who cares; its SDKs are this project's.
  const program = join(folder, "index.js");
  await output(join(projectRoot, "node_modules/.bin/esbuild"), [
    join(__dirname, "naive/index.ts"),
    ...["--bundle", "--platform=node", "--packages=external", `--outfile=${program}`],
  ]);
  await writeFile(
    join(folder, "package.json"),
    JSON.stringify({ name: "naive", main: "index.js" }),
  );
  await symlink(join(projectRoot, "node_modules"), join(folder, "node_modules"));
  const env = await ownState(lab, folder);
  const job = join(folder, "job.json");
  const engine = async (wanted: Job, ...words: string[]): Promise<Command> => {
    await writeFile(job, JSON.stringify(wanted));
    return {
      words: ["pulumi", ...words, "--non-interactive", "--color=never", "--stack=dev"],
      cwd: folder,
      env: { ...env, JOB: job },
    };
  };
  return {
    apply: (wanted) => engine(wanted, "up", "--yes", "--skip-preview"),
    drift: (wanted) => engine(wanted, "preview", "--refresh", "--diff"),
    drifted: (said, names) =>
      names.filter((name) => new RegExp(`^ *[~+-].*${name}-`, "m").test(said)),
  };
}

async function product(lab: Lab, folder: string): Promise<Peer> {
  const config = join(folder, "Pulumi.dev.yaml");
  const env = await ownState(lab, folder, projectRoot);
  const configure = async (job: Job) => {
    const text = stackFile(lab.topology, (stack) => {
      const weights = new Map(job.realServers.map(({ name, weight }) => [name, weight]));
      const [first, ...rest] = stack.realServers
        .filter(({ name }) => weights.has(name as string))
        .map((server) => ({ ...server, weight: weights.get(server.name as string) }));
      if (first) stack.realServers = [first, ...rest];
      stack.firewall = { backend: "nftables", allowFrom: [job.management] };
      stack.packages = [];
      stack.deletionProtection = false;
      const [service] = stack.virtualServers;
      Object.assign(service, {
        scheduler: job.scheduler,
        delayLoopSeconds: 1,
        checks: [{ type: "tcp", connectTimeoutSeconds: 1, retry: 1, delayBeforeRetrySeconds: 1 }],
      });
    });
    await writeFile(config, text);
    return ["--config-file", config, "--stack=dev"];
  };
  const common = ["--yes", "--skip-preview", "--non-interactive", "--color=never"];
  return {
    async apply(job) {
      return {
        words: ["pulumi", "up", ...common, ...(await configure(job))],
        cwd: projectRoot,
        env,
      };
    },
    async drift(job) {
      const words = [
        "--import",
        "tsx",
        "ops/cli.ts",
        "verify",
        "--json",
        ...(await configure(job)),
      ];
      return { words: [process.execPath, ...words], cwd: projectRoot, env };
    },
    drifted(said, names) {
      const { hosts } = JSON.parse(said.slice(0, said.lastIndexOf("}") + 1)) as Verification;
      const differing = hosts.filter(({ drifts }) => drifts !== null && drifts.length > 0);
      return names.filter((name) => differing.some((host) => host.name === name));
    },
  };
}

/** A state of its own, with a stack, for a program in a folder. */
async function ownState(lab: Lab, folder: string, program = folder): Promise<NodeJS.ProcessEnv> {
  const state = join(folder, "state");
  await mkdir(state);
  const env = {
    ...(await labEnv(lab)),
    PULUMI_BACKEND_URL: `file://${state}?metadata=skip`,
    PULUMI_STACK: "dev",
  };
  await output("pulumi", ["stack", "init", "dev", "--non-interactive"], { cwd: program, env });
  return env;
}
