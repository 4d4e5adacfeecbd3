/**
 * A lab: real Linux hosts on this machine, with everything that can be done to them. `cli.ts` and
 * the end-to-end tests use it.
 */
import { existsSync } from "node:fs";
import { mkdir, readFile, rm, rmdir, statfs } from "node:fs/promises";
import { delimiter, join } from "node:path";

import { startAptProxy, stopAptProxy } from "./aptProxy";
import { type Engine, ensureEngine } from "./engine";
import { Guest, type GuestKernel, type Machine } from "./guest";
import { builtImage } from "./image";
import { type Lab, labPath, recordLab } from "./instance";
import { kernelIsBuilt } from "./kernel";
import { withLock } from "./lock";
import { createNetwork, inNamespace, removeNetwork } from "./network";
import { ensurePackages } from "./packages";
import { cacheDirectory, projectRoot, stateRoot } from "./paths";
import { type Step, type StepTime, runSteps } from "./progress";
import { replaceFile } from "./replaceFile";
import { type RunOptions, type RunResult, output, run } from "./run";
import { writeSeed } from "./seed";
import { agentSocket, closeConnection, onHost, prepareSsh, stopSsh } from "./ssh";
import { type DebianRelease, type LabHost, findHost } from "./topology";
import { userModeLinux } from "./uml";
import { waitFor } from "./waitFor";

export { onHost } from "./ssh";
export { waitFor } from "./waitFor";

/** The kind of machine that runs the guests. */
const guestKind = userModeLinux;

/**
 * The limit per guest. The machine provides what is used: 0.1 GiB after boot, 0.5 GiB with packages
 * installed.
 */
const guestMemoryMiB = 1024;

/** Boot takes 6 s on 2 idle cores. */
const bootLimitSeconds = 120;

const engineFile = (lab: Lab) => labPath(lab, "engine.json");

/**
 * Brings up what isn't up: this machine's packages, kernel, images and engine (built unless
 * cached), networks, guests. On return, every guest has booted and accepts SSH logins.
 *
 * @returns how long each step took
 * @throws Error when this machine can't run the lab, another run is changing it, or a step fails
 */
export async function labUp(lab: Lab): Promise<StepTime[]> {
  const { hosts } = lab.topology;
  return changingLab(lab, async () => {
    await checkMachine(lab);
    await recordLab(lab);
    let kernel: GuestKernel | undefined;
    let authorizedKey = "";
    const images = new Map<DebianRelease, string>();
    const releases = [...new Set(hosts.map(({ release }) => release))];
    const prepared = () => {
      if (!kernel) throw new Error("guests can't start before their kernel is there");
      return kernel;
    };
    const step = (
      title: string,
      work: (report: (line: string) => void) => Promise<void>,
    ): Step => ({
      title,
      run: work,
    });
    return runSteps([
      step("packages of this machine", ensurePackages),
      {
        title: "kernel, images, engine",
        together: [
          step(`kernel (${guestKind.name})`, async (report) => {
            kernel = await guestKind.kernel(report);
            report(kernel.description);
          }),
          ...releases.map((release) =>
            step(`image of Debian ${release}`, async (report) => {
              images.set(release, await builtImage(release, report));
            }),
          ),
          step("Pulumi engine", async (report) => {
            await rememberEngine(lab, await ensureEngine(report));
          }),
        ],
      },
      step("networks, SSH agent, package proxy", async () => {
        await createNetwork(lab);
        authorizedKey = await prepareSsh(lab);
        await startAptProxy(lab);
      }),
      {
        title: "guests",
        together: hosts.map((host) =>
          step(host.name, async (report) => {
            const guest = new Guest(lab, host);
            if (!guest.isOn) {
              const machine =
                (await knownMachine(guest)) ??
                (await newMachine(
                  guest,
                  prepared(),
                  images.get(host.release) ?? "",
                  authorizedKey,
                ));
              report("booting");
              await guest.powerOn(guestKind, machine);
            }
            await booted(guest);
          }),
        ),
      },
    ]);
  });
}

/**
 * Ends and removes everything that {@link labUp} has started, even partly; the cache stays. Does
 * nothing if there is nothing.
 *
 * @throws Error when another run is changing the lab, or something can't be ended
 */
export async function labDown(lab: Lab): Promise<void> {
  await changingLab(lab, async () => {
    await stopSsh(lab);
    await Promise.all(guests(lab).map(({ guest }) => guest.powerCut()));
    await stopAptProxy(lab);
    await removeNetwork(lab);
    await rm(lab.directory, { recursive: true, force: true });
    await removeIfEmpty(stateRoot);
  });
}

/** Whether {@link labUp} has finished once: the engine is known, and the networks exist. */
export function labIsUp(lab: Lab): boolean {
  return existsSync(engineFile(lab)) && existsSync(`/run/netns/${lab.namespaces.client}`);
}

/** Cuts a host's power: it dies at once, without writing or sending anything. */
export async function powerCut(lab: Lab, name: string): Promise<void> {
  await guestOf(lab, name).powerCut();
  await closeConnection(lab, name);
}

/**
 * Switches a host on with its previous disk and waits until it has booted.
 *
 * @throws Error with its last console output if it doesn't boot
 */
export async function powerOn(lab: Lab, name: string): Promise<void> {
  const guest = guestOf(lab, name);
  const machine = await knownMachine(guest);
  if (!machine) throw new Error(`${name} has no disk; bring the lab up first: npm run lab -- up`);
  await guest.powerOn(guestKind, machine);
  await booted(guest);
}

/**
 * Gives a host a new disk, as if freshly installed, and waits until it has booted. It keeps its
 * name, addresses and keys.
 */
export async function resetHost(lab: Lab, name: string): Promise<void> {
  await powerCut(lab, name);
  await rm(guestOf(lab, name).disk, { force: true });
  await powerOn(lab, name);
}

/** The environment with the lab's engine, state and key. */
export async function labEnv(lab: Lab): Promise<NodeJS.ProcessEnv> {
  const engine = await rememberedEngine(lab);
  return {
    ...process.env,
    PATH: [...engine.path, process.env.PATH].join(delimiter),
    PULUMI_HOME: engine.home,
    // No metadata files beside the state: a killed engine may leave an empty one, and then no run
    // can read the state.
    PULUMI_BACKEND_URL: `file://${labPath(lab, "pulumi")}?metadata=skip`,
    // Not secret: the state it encrypts is thrown away with the lab.
    PULUMI_CONFIG_PASSPHRASE: "lvs-ha-lab",
    PULUMI_SKIP_UPDATE_CHECK: "true",
    PULUMI_STACK: labStack,
    SSH_AUTH_SOCK: agentSocket(lab),
  };
}

/**
 * Runs a program as the operator: in the lab's network, with {@link labEnv}, in the project's
 * folder.
 */
export async function inOperator(
  lab: Lab,
  command: string,
  args: readonly string[],
  options: RunOptions = {},
): Promise<RunResult> {
  const [file, words] = inNamespace(lab.namespaces.operator, command, args);
  return run(file, words, { cwd: projectRoot, env: await labEnv(lab), ...options });
}

/** Runs a program as the client host, which is on the public network only. */
export async function inClient(
  { namespaces }: Lab,
  command: string,
  args: readonly string[],
  options: RunOptions = {},
): Promise<RunResult> {
  const [file, words] = inNamespace(namespaces.client, command, args);
  return run(file, words, { cwd: projectRoot, ...options });
}

/**
 * Like {@link inOperator}, for a program that must succeed.
 *
 * @returns its standard output
 */
export async function runInLab(
  lab: Lab,
  [command, ...args]: readonly [string, ...string[]],
  options: RunOptions = {},
): Promise<string> {
  const [file, words] = inNamespace(lab.namespaces.operator, command, args);
  return output(file, words, {
    cwd: projectRoot,
    env: await labEnv(lab),
    timeoutSeconds: 600,
    ...options,
  });
}

/** The engine that {@link labUp} found. */
export async function rememberedEngine(lab: Lab): Promise<Engine> {
  if (!existsSync(engineFile(lab)))
    throw new Error("the lab is not up; bring it up with: npm run lab -- up");
  return JSON.parse(await readFile(engineFile(lab), "utf8")) as Engine;
}

/** The name of a lab's stack; with the dev topology, its config is Pulumi.dev.yaml. */
const labStack = "dev";

/** Makes sure that only one process at a time brings a lab up or down. */
function changingLab<T>(lab: Lab, action: () => Promise<T>): Promise<T> {
  return withLock(lab.directory, { waitSeconds: 0 }, action);
}

async function rememberEngine(lab: Lab, engine: Engine): Promise<void> {
  await mkdir(labPath(lab, "pulumi"), { recursive: true, mode: 0o700 });
  await replaceFile(engineFile(lab), JSON.stringify(engine, undefined, 2));
  const state = labPath(lab, "pulumi/.pulumi/stacks");
  if (!existsSync(join(projectRoot, "Pulumi.yaml")) || existsSync(state)) return;
  await output("pulumi", ["stack", "init", labStack, "--non-interactive"], {
    cwd: projectRoot,
    env: await labEnv(lab),
  });
}

/** The guest's machine of its last start, if the image still exists. */
async function knownMachine(guest: Guest): Promise<Machine | undefined> {
  const file = machineFile(guest);
  if (!existsSync(file)) return undefined;
  const machine = JSON.parse(await readFile(file, "utf8")) as Machine;
  return existsSync(machine.image) && existsSync(machine.kernel.file) ? machine : undefined;
}

async function newMachine(
  guest: Guest,
  kernel: GuestKernel,
  image: string,
  authorizedKey: string,
): Promise<Machine> {
  const { lab, host, directory } = guest;
  const seed = join(directory, "seed.ext4");
  const machine: Machine = { host, kernel, directory, image, seed, memoryMiB: guestMemoryMiB };
  await mkdir(directory, { recursive: true });
  // A disk of another image doesn't fit this one.
  await rm(guest.disk, { force: true });
  await writeSeed(seed, lab.topology, host, { kernel, authorizedKey });
  await replaceFile(machineFile(guest), JSON.stringify(machine, undefined, 2));
  return machine;
}

function machineFile(guest: Guest): string {
  return join(guest.directory, "machine.json");
}

/** Waits until a guest accepts logins and its init has finished booting. */
async function booted(guest: Guest): Promise<void> {
  const { lab, host } = guest;
  const { name } = host;
  const isReady = async () => {
    if (!guest.isOn) return "off";
    // Poll instead of --wait, which may wait forever for a boot that has already ended (systemd
    // 252).
    const { stdout } = await onHost(lab, name, "systemctl is-system-running", {
      timeoutSeconds: 10,
    });
    // "degraded" counts as ready: a unit of the stack may have failed.
    if (/^(running|degraded|maintenance)$/m.test(stdout)) return "ready";
    throw new Error(`its init is ${stdout.trim() || "silent"}`);
  };
  const problem = await waitFor(isReady, {
    what: `${name} takes SSH logins`,
    timeoutSeconds: bootLimitSeconds,
  }).then(
    (state) => (state === "off" ? `${name} went off while it booted` : undefined),
    (error: unknown) => String(error),
  );
  if (problem !== undefined) {
    throw new Error(
      `${problem}\nIts console, ${guest.consoleLog}, ends with:\n${await guest.consoleTail()}`,
    );
  }
}

/** Checks what the lab can't fix itself. Errors say what to do. */
async function checkMachine(lab: Lab): Promise<void> {
  if (process.getuid?.() !== 0) throw new Error("the lab makes network namespaces: run it as root");
  if (!existsSync("/dev/net/tun")) {
    throw new Error(
      "the lab's guests need /dev/net/tun, which is missing; load it with: modprobe tun",
    );
  }
  await mkdir(stateRoot, { recursive: true, mode: 0o700 });
  await mkdir(cacheDirectory(), { recursive: true });
  const needed = [
    {
      folder: "/dev/shm",
      GiB: (lab.topology.hosts.length * guestMemoryMiB) / 1024,
      what: "the guests' memory",
    },
    { folder: stateRoot, GiB: 3, what: "the guests' disks" },
    { folder: cacheDirectory(), GiB: (await kernelIsBuilt()) ? 1 : 8, what: "builds" },
  ];
  for (const { folder, GiB, what } of needed) {
    const { bavail, bsize } = await statfs(folder);
    const free = (bavail * bsize) / 2 ** 30;
    if (free < GiB && !labIsUp(lab)) {
      throw new Error(`${folder} has ${free.toFixed(1)} GiB left, and ${what} may take ${GiB} GiB`);
    }
  }
}

/** Every guest of a lab, for callers that need its processes and consoles. */
export function guests(lab: Lab): { host: LabHost; guest: Guest }[] {
  return lab.topology.hosts.map((host) => ({ host, guest: new Guest(lab, host) }));
}

/** Whether a host's power is on; one that is off will not answer. */
export function isOn(lab: Lab, name: string): boolean {
  return guestOf(lab, name).isOn;
}

function guestOf(lab: Lab, name: string): Guest {
  return new Guest(lab, findHost(lab.topology, name));
}

/** Removes the folder unless another lab still uses it. */
async function removeIfEmpty(folder: string): Promise<void> {
  try {
    await rmdir(folder);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code !== "ENOTEMPTY" && code !== "ENOENT") throw error;
  }
}
