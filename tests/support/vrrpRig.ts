// Directors that speak VRRP: the real keepalived of each Debian release, in network namespaces
// joined by bridges, without root or IPVS.
import { spawn, spawnSync, type ChildProcess } from "node:child_process";
import {
  appendFileSync,
  closeSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { renderKeepalived } from "../../components/render/keepalived";
import type { Settings } from "../../components/settings";
import { waitFor } from "../../lab/waitFor";
import { unpack, type KeepalivedVersion } from "./keepalived";

/**
 * Without root, keepalived can't run scripts (it may not call setgroups(2)) and counts each as
 * successful.
 */
export const isRoot = process.getuid?.() === 0;
const asRoot = isRoot ? [] : ["--map-root-user"];

/**
 * A director to build, with its addresses by interface: `{ eth1: ["192.0.2.11/24"] }`. Equal
 * interface names share a bridge.
 */
export interface DirectorPlan {
  name: string;
  version: KeepalivedVersion;
  addresses: Record<string, string[]>;
}

/**
 * When a director got and lost an address, in milliseconds since the epoch, by the kernel's own
 * messages.
 */
export interface Held {
  director: string;
  from: number;
  /** Infinity if the director still has it. */
  to: number;
}

/** A command that runs in the background. */
export interface Background {
  /** Its exit code, once it has ended. */
  ended: Promise<number | null>;
  hasEnded: () => boolean;
  /** Its output so far. */
  said: () => string;
}

/** The VRRP part of a director's keepalived.conf, as the stack renders it. */
export function vrrpConfig(settings: Settings, name: string): string {
  const director = settings.directors.find((candidate) => candidate.name === name);
  if (director === undefined) throw new Error(`there is no director ${name}`);
  const vrrp = { ...settings.vrrp, connectionSync: false };
  return renderKeepalived({ ...settings, vrrp, virtualServers: [] }, director, false);
}

/** Two or more directors. A test builds the rig and removes it at its end. */
export class VrrpRig {
  private readonly all: RigDirector[] = [];

  private constructor(
    private readonly folder: string,
    private readonly bridges: Namespace,
  ) {}

  /**
   * Builds a rig. The directors' interfaces are up with their addresses; keepalived doesn't run
   * yet.
   */
  static async build(plans: DirectorPlan[]): Promise<VrrpRig> {
    const folder = mkdtempSync(join(tmpdir(), "lvs-ha-vrrp-"));
    // A port that is no longer in a bridge must not answer for the bridge's address.
    const silent = "echo 1 >/proc/sys/net/ipv4/conf/all/arp_ignore";
    const script = `set -e; ip link set lo up; ${silent}; echo ready; exec cat`;
    const bridges = new Namespace(
      ["unshare", ...asRoot, "--net", "--mount", "sh", "-c", script],
      join(folder, "bridges"),
    );
    const rig = new VrrpRig(folder, bridges);
    try {
      await bridges.isReady();
      const interfaces = new Set(plans.flatMap(({ addresses }) => Object.keys(addresses)));
      bridges.ip([...interfaces].flatMap((name) => newBridge(name)));
      for (const plan of plans) {
        rig.all.push(await RigDirector.make(plan, bridges, join(folder, plan.name)));
      }
      return rig;
    } catch (error) {
      rig.remove();
      throw error;
    }
  }

  /** The director with a name. */
  director(name: string): RigDirector {
    const found = this.all.find((director) => director.name === name);
    if (found === undefined) throw new Error(`there is no director ${name} in the rig`);
    return found;
  }

  /** Names of the directors that have this address now. */
  holders(address: string): string[] {
    return this.all.filter((director) => director.has(address)).map(({ name }) => name);
  }

  /** Waits until only this director has the address; checks every 50 ms. */
  async holds(name: string, address: string, timeoutSeconds = 15): Promise<void> {
    const what = `${name} alone holds ${address}`;
    await waitFor(
      () => {
        const holders = this.holders(address);
        if (holders.join() === name) return true;
        const logs = this.all.map((director) => `\n${director.name}:\n${director.log()}`);
        throw new Error(`held by ${holders.join(" and ") || "no director"}${logs.join("")}`);
      },
      { what, timeoutSeconds, intervalSeconds: 0.05 },
    );
  }

  /** Waits until exactly one director has the address. */
  async heldByOne(address: string, timeoutSeconds = 15): Promise<void> {
    await waitFor(() => this.holders(address).length === 1, {
      what: `one director holds ${address}`,
      timeoutSeconds,
      intervalSeconds: 0.05,
    });
  }

  /** Adds another host to a bridge that answers ARP for this address: the bridge itself. */
  addNeighbour(name: string, address: string): void {
    this.bridges.ip([addAddress(address, name)]);
  }

  /** The directors that have held an address, in order of time. */
  history(address: string): Held[] {
    return this.all
      .flatMap((director) => director.history(address))
      .sort((a, b) => a.from - b.from);
  }

  /** Total milliseconds during which two or more directors held an address at once. */
  doublyHeld(address: string): number {
    return this.held(address, (count) => count > 1);
  }

  /** Total milliseconds without a holder of an address, since a director first held it. */
  unheld(address: string): number {
    return this.held(address, (count) => count === 0);
  }

  /** Ends every process of the rig and removes its files. */
  remove(): void {
    for (const director of this.all) director.remove();
    this.bridges.end();
    rmSync(this.folder, { recursive: true });
  }

  private held(address: string, counts: (holders: number) => boolean): number {
    const now = Date.now();
    const steps = this.history(address)
      .flatMap(({ from, to }) => [
        { at: from, by: 1 },
        { at: Math.min(to, now), by: to > now ? 0 : -1 },
      ])
      // At equal times, count a gain before a loss.
      .sort((a, b) => a.at - b.at || b.by - a.by);
    let [holders, sum] = [0, 0];
    steps.forEach(({ at, by }, i) => {
      holders += by;
      if (counts(holders)) sum += (steps[i + 1]?.at ?? now) - at;
    });
    return sum;
  }
}

/** A director of the rig. */
export class RigDirector {
  readonly name: string;
  /** Its /etc/keepalived, where files that a config names belong, such as lvs-ha-scripts/check. */
  readonly etc: string;
  private keepalived: ChildProcess | undefined;
  private commands = 0;

  private constructor(
    plan: DirectorPlan,
    private readonly root: string,
    private readonly bridges: Namespace,
    private readonly own: Namespace,
    private readonly folder: string,
  ) {
    this.name = plan.name;
    this.etc = join(folder, "etc");
  }

  /** Makes a director with its interfaces and addresses. */
  static async make(plan: DirectorPlan, bridges: Namespace, folder: string): Promise<RigDirector> {
    const root = await unpack(plan.version);
    // 2.3.3 doesn't start without a file of its package there.
    cpSync(join(root, "etc/keepalived"), join(folder, "etc"), { recursive: true });
    mkdirSync(join(folder, "etc", "lvs-ha-scripts"));
    const script = join(__dirname, "vrrp-director.sh");
    const own = new Namespace(
      [
        ...bridges.enter(["unshare", "--net", "--mount"]),
        ...["sh", script, root, join(folder, "etc")],
      ],
      join(folder, "namespace"),
    );
    const director = new RigDirector(plan, root, bridges, own, folder);
    await own.isReady();
    for (const [name, addresses] of Object.entries(plan.addresses)) {
      const port = director.port(name);
      bridges.ip([
        `link add ${port} type veth peer name ${name} netns ${own.pid}`,
        `link set ${port} master ${name} up`,
      ]);
      own.ip([...addresses.map((address) => addAddress(address, name)), `link set ${name} up`]);
    }
    const addresses = director.file("addresses");
    own.background(["ip", "-tshort", "-oneline", "monitor", "address"], addresses);
    const hears = () => {
      own.ip(["address replace 127.0.0.2/8 dev lo"]);
      return readFileSync(addresses, "utf8") !== "";
    };
    await waitFor(hears, { what: "the kernel tells of addresses", timeoutSeconds: 15 });
    return director;
  }

  /**
   * Starts keepalived in the foreground with VRRP only, logging to {@link log}. Returns its process
   * id.
   */
  start(config?: string): number {
    if (this.isRunning()) throw new Error(`keepalived of ${this.name} runs already`);
    if (config !== undefined) this.write(config);
    // keepalived ignores the pid file of a killed process.
    this.keepalived = this.own.background(
      ["chroot", this.root, "/usr/sbin/keepalived", "--vrrp", "--dont-fork", "--log-console"],
      this.file("log"),
    );
    return this.pid();
  }

  /** Whether keepalived is running. */
  isRunning(): boolean {
    return this.keepalived?.exitCode === null && this.keepalived.signalCode === null;
  }

  /** Stops keepalived in an orderly way, so that the others are told. */
  async stop(): Promise<void> {
    process.kill(this.pid(), "SIGTERM");
    await this.ended();
  }

  /** Kills all of its processes at once: its addresses stay, and the others hear nothing. */
  async kill(): Promise<void> {
    const killed = this.killAll();
    await this.ended();
    // A new keepalived takes a zombie for a running one.
    await waitFor(() => killed.every((pid) => !existsSync(`/proc/${pid}`)), {
      what: `the processes of ${this.name} are gone`,
      timeoutSeconds: 15,
      intervalSeconds: 0.05,
    });
  }

  /** Stops or continues all of its processes, like a pause of its machine. */
  signalAll(signal: "SIGSTOP" | "SIGCONT"): void {
    for (const pid of [this.pid(), ...childrenOf(this.pid())]) process.kill(pid, signal);
  }

  /** Makes keepalived read another config, or the same again. */
  reload(config?: string): void {
    if (config !== undefined) this.write(config);
    process.kill(this.pid(), "SIGHUP");
  }

  /** Waits until all of its instances, or one of them, have logged this state last. */
  async is(
    state: "MASTER" | "BACKUP" | "FAULT",
    instance = "",
    timeoutSeconds = 15,
  ): Promise<void> {
    await waitFor(
      () => {
        const states = Object.entries(this.states()).filter(([name]) => name.includes(instance));
        if (states.length > 0 && states.every(([, now]) => now === state)) return true;
        throw new Error(this.log());
      },
      { what: `${this.name} is ${state}`, timeoutSeconds, intervalSeconds: 0.05 },
    );
  }

  /** The state of each instance, by its latest log line since keepalived's last start. */
  states(): Record<string, string> {
    const [, log = ""] = /.*Starting Keepalived v([^]*)/.exec(this.log()) ?? [];
    const words = log.matchAll(/\((\S+)\) [Ee]ntering (\w+) (?:STATE|state)/g);
    return Object.fromEntries([...words].map(([, name = "", state = ""]) => [name, state]));
  }

  /**
   * Blocks frames on an interface while its link stays up, like a switch port that doesn't forward
   * yet.
   */
  block(name: string): void {
    this.bridges.ip([`link set ${this.port(name)} nomaster`]);
  }

  /** Ends {@link block}. */
  unblock(name: string): void {
    this.bridges.ip([`link set ${this.port(name)} master ${name}`]);
  }

  /** Adds an address to an interface. */
  addAddress(address: string, name: string): void {
    this.own.ip([addAddress(address, name)]);
  }

  /** Removes an address from an interface. */
  removeAddress(address: string, name: string): void {
    this.own.ip([`address delete ${address} dev ${name}`]);
  }

  /** Runs a line of `ip` in its network. */
  ip(line: string): void {
    this.own.ip([line]);
  }

  /** Runs a command in its network and with its files. Returns the standard output. */
  run(command: string[]): string {
    return this.own.run(command);
  }

  /** Runs a command in its network in the background. */
  background(command: string[]): Background {
    const file = this.file(`said-${this.commands++}`);
    const child = this.own.background(command, file);
    const ended = new Promise<number | null>((resolve) => child.once("exit", resolve));
    const hasEnded = () => child.exitCode !== null || child.signalCode !== null;
    return { ended, hasEnded, said: () => readFileSync(file, "utf8") };
  }

  /** Whether an address is on one of its interfaces now. */
  has(address: string): boolean {
    return this.run(["ip", "-oneline", "address"]).includes(` ${address}/`);
  }

  /** keepalived's log since the rig was built. */
  log(): string {
    return existsSync(this.file("log")) ? readFileSync(this.file("log"), "utf8") : "";
  }

  /** When the director has held an address. */
  history(address: string): Held[] {
    const held: Held[] = [];
    for (const line of readFileSync(this.file("addresses"), "utf8").split("\n")) {
      const [, time, deleted] = /^\[([^\]]+)\] (Deleted )?/.exec(line) ?? [];
      if (time === undefined || !line.includes(` ${address}/`)) continue;
      const at = Date.parse(`${time}Z`);
      const last = held.at(-1);
      if (deleted !== undefined) {
        if (last !== undefined) last.to = Math.min(last.to, at);
        // Only a flag of the address has changed: the director already had it.
      } else if (last?.to !== Infinity) {
        held.push({ director: this.name, from: at, to: Infinity });
      }
    }
    return held;
  }

  /** Ends the director's processes. */
  remove(): void {
    if (this.isRunning()) this.killAll();
    this.own.end();
  }

  private killAll(): number[] {
    const parent = this.pid();
    // Stopped first: a running parent would restart its child, or shut it down in an orderly way.
    process.kill(parent, "SIGSTOP");
    const all = [...childrenOf(parent), parent];
    for (const pid of all) process.kill(pid, "SIGKILL");
    return all;
  }

  private write(config: string): void {
    writeFileSync(join(this.etc, "keepalived.conf"), config);
  }

  private pid(): number {
    const pid = this.keepalived?.pid;
    if (pid === undefined || !this.isRunning()) {
      throw new Error(`keepalived of ${this.name} doesn't run; its log:\n${this.log()}`);
    }
    return pid;
  }

  private async ended(): Promise<void> {
    await waitFor(() => !this.isRunning(), {
      what: `keepalived of ${this.name} has ended`,
      timeoutSeconds: 15,
      intervalSeconds: 0.05,
    });
  }

  private port(name: string): string {
    return `${this.name}.${name}`;
  }

  private file(name: string): string {
    return join(this.folder, name);
  }
}

/** Namespaces that last as long as a process. */
class Namespace {
  private readonly holder: ChildProcess;
  private readonly others: ChildProcess[] = [];

  constructor(
    command: string[],
    private readonly said: string,
  ) {
    this.holder = start(command, said, "pipe");
  }

  /** The process that holds the namespaces. */
  get pid(): number {
    if (this.holder.pid === undefined) throw new Error("the namespaces' process did not start");
    return this.holder.pid;
  }

  async isReady(): Promise<void> {
    await waitFor(
      () => {
        const said = readFileSync(this.said, "utf8");
        if (said.includes("ready\n")) return true;
        throw new Error(said || "it has said nothing");
      },
      { what: "namespaces for the VRRP rig", timeoutSeconds: 15, intervalSeconds: 0.02 },
    );
  }

  /** A command line that runs a command in these namespaces. */
  enter(command: string[]): string[] {
    const user = isRoot ? [] : ["--user", "--preserve-credentials"];
    return ["nsenter", "--target", String(this.pid), ...user, "--net", "--mount", ...command];
  }

  run(command: string[], input = ""): string {
    const [program = "", ...args] = this.enter(command);
    const { status, stdout, stderr, error } = spawnSync(program, args, {
      input,
      encoding: "utf8",
      timeout: 15_000,
    });
    if (error) throw error;
    if (status !== 0) throw new Error(`${command.join(" ")}: ${stderr}${input}`);
    return stdout;
  }

  /** Runs lines of `ip` in order. */
  ip(lines: string[]): void {
    if (lines.length > 0) this.run(["ip", "-batch", "-"], lines.join("\n"));
  }

  /** Runs a command in the background, with its output in a file. */
  background(command: string[], said: string): ChildProcess {
    const child = start(this.enter(command), said, "ignore");
    this.others.push(child);
    return child;
  }

  end(): void {
    for (const child of [...this.others, this.holder]) child.kill("SIGKILL");
  }
}

function start(
  [program = "", ...args]: string[],
  said: string,
  input: "pipe" | "ignore",
): ChildProcess {
  appendFileSync(said, "");
  const log = openSync(said, "a");
  // The times of `ip -tshort` and of the log have no time zone.
  const env = { ...process.env, TZ: "UTC" };
  const child = spawn(program, args, { stdio: [input, log, log], env });
  closeSync(log);
  return child;
}

function childrenOf(pid: number): number[] {
  const children = readFileSync(`/proc/${pid}/task/${pid}/children`, "utf8");
  return children.split(" ").filter(Boolean).map(Number);
}

function newBridge(name: string): string[] {
  // Without snooping, multicast reaches every port at once.
  return [`link add ${name} type bridge forward_delay 0 mcast_snooping 0`, `link set ${name} up`];
}

function addAddress(address: string, name: string): string {
  // A test that wants tentative addresses adds them with ip().
  return `address add ${address} dev ${name}${address.includes(":") ? " nodad" : ""}`;
}
