// Directors that speak VRRP: each Debian release's real keepalived, in network namespaces joined by bridges, without root or IPVS.
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

/** Without root, keepalived can't run scripts (it may not call setgroups(2)), and takes each for one that succeeds. */
export const isRoot = process.getuid?.() === 0;
const asRoot = isRoot ? [] : ["--map-root-user"];

/** A director to be, and its addresses by interface: `{ eth1: ["192.0.2.11/24"] }`. Equal interfaces share a bridge. */
export interface DirectorPlan {
  name: string;
  version: KeepalivedVersion;
  addresses: Record<string, string[]>;
}

/** When a director got an address, and when it lost it: milliseconds since the epoch, by the kernel's own messages. */
export interface Held {
  director: string;
  from: number;
  /** Infinity: it has it still. */
  to: number;
}

/** A command that goes on. */
export interface Background {
  /** Its exit code, once it has ended. */
  ended: Promise<number | null>;
  hasEnded: () => boolean;
  /** What it has said so far. */
  said: () => string;
}

/** The VRRP part of a director's keepalived.conf, as the stack renders it. */
export function vrrpConfig(settings: Settings, name: string): string {
  const director = settings.directors.find((candidate) => candidate.name === name);
  if (director === undefined) throw new Error(`there is no director ${name}`);
  const vrrp = { ...settings.vrrp, connectionSync: false };
  return renderKeepalived({ ...settings, vrrp, virtualServers: [] }, director, false);
}

/** Two or more directors. A test builds it, and removes it at its end. */
export class VrrpRig {
  private readonly all: RigDirector[] = [];

  private constructor(
    private readonly folder: string,
    private readonly bridges: Namespace,
  ) {}

  /** The directors' interfaces are up and have their addresses; keepalived doesn't run yet. */
  static async build(plans: DirectorPlan[]): Promise<VrrpRig> {
    const folder = mkdtempSync(join(tmpdir(), "lvs-ha-vrrp-"));
    // A port that is no bridge's any more must not answer for a bridge's address.
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

  director(name: string): RigDirector {
    const found = this.all.find((director) => director.name === name);
    if (found === undefined) throw new Error(`there is no director ${name} in the rig`);
    return found;
  }

  /** Names of the directors that have this address now. */
  holders(address: string): string[] {
    return this.all.filter((director) => director.has(address)).map(({ name }) => name);
  }

  /** Waits until this director has the address, and no other; looks every 50 ms. */
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

  /** Waits until any director has the address, and no other. */
  async heldByOne(address: string, timeoutSeconds = 15): Promise<void> {
    await waitFor(() => this.holders(address).length === 1, {
      what: `one director holds ${address}`,
      timeoutSeconds,
      intervalSeconds: 0.05,
    });
  }

  /** Another host on a bridge, which answers ARP for this address: the bridge itself. */
  addNeighbour(name: string, address: string): void {
    this.bridges.ip([addAddress(address, name)]);
  }

  /** Who has held an address, in the order of its coming. */
  history(address: string): Held[] {
    return this.all
      .flatMap((director) => director.history(address))
      .sort((a, b) => a.from - b.from);
  }

  /** For how many milliseconds in all two or more directors have held an address at one time. */
  doublyHeld(address: string): number {
    return this.held(address, (count) => count > 1);
  }

  /** For how many milliseconds in all, since a director first held it, no director has held an address. */
  unheld(address: string): number {
    return this.held(address, (count) => count === 0);
  }

  /** Ends every process of the rig, and removes its files. */
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
      // Of two at one time, what comes counts before what goes.
      .sort((a, b) => a.at - b.at || b.by - a.by);
    let [holders, sum] = [0, 0];
    steps.forEach(({ at, by }, i) => {
      holders += by;
      if (counts(holders)) sum += (steps[i + 1]?.at ?? now) - at;
    });
    return sum;
  }
}

/** One of them. */
export class RigDirector {
  readonly name: string;
  /** Its /etc/keepalived: what a config names, such as lvs-ha-scripts/check, is put here. */
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

  static async make(plan: DirectorPlan, bridges: Namespace, folder: string): Promise<RigDirector> {
    const root = await unpack(plan.version);
    // 2.3.3 doesn't start without a file of the package's there.
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

  /** keepalived's process in the foreground, VRRP alone, its log in {@link log}; its process's number. */
  start(config?: string): number {
    if (this.isRunning()) throw new Error(`keepalived of ${this.name} runs already`);
    if (config !== undefined) this.write(config);
    // A pid file of one that was killed is no obstacle for keepalived.
    this.keepalived = this.own.background(
      ["chroot", this.root, "/usr/sbin/keepalived", "--vrrp", "--dont-fork", "--log-console"],
      this.file("log"),
    );
    return this.pid();
  }

  isRunning(): boolean {
    return this.keepalived?.exitCode === null && this.keepalived.signalCode === null;
  }

  /** An orderly stop: the others are told. */
  async stop(): Promise<void> {
    process.kill(this.pid(), "SIGTERM");
    await this.ended();
  }

  /** The death of all of its processes at once: addresses stay, the others hear nothing. */
  async kill(): Promise<void> {
    const killed = this.killAll();
    await this.ended();
    // A new one takes a zombie for a keepalived that runs.
    await waitFor(() => killed.every((pid) => !existsSync(`/proc/${pid}`)), {
      what: `the processes of ${this.name} are gone`,
      timeoutSeconds: 15,
      intervalSeconds: 0.05,
    });
  }

  /** All of its processes stand still, as they do while their machine does; and go on. */
  signalAll(signal: "SIGSTOP" | "SIGCONT"): void {
    for (const pid of [this.pid(), ...childrenOf(this.pid())]) process.kill(pid, signal);
  }

  /** Has it read another config, or the same one anew. */
  reload(config?: string): void {
    if (config !== undefined) this.write(config);
    process.kill(this.pid(), "SIGHUP");
  }

  /** Waits until its instances, or one of them, have last said that they are in this state. */
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

  /** The state of each instance, by its last word since keepalived's last start. */
  states(): Record<string, string> {
    const [, log = ""] = /.*Starting Keepalived v([^]*)/.exec(this.log()) ?? [];
    const words = log.matchAll(/\((\S+)\) [Ee]ntering (\w+) (?:STATE|state)/g);
    return Object.fromEntries([...words].map(([, name = "", state = ""]) => [name, state]));
  }

  /** Frames stop on an interface, and its link stays up: a switch port that doesn't forward yet. */
  block(name: string): void {
    this.bridges.ip([`link set ${this.port(name)} nomaster`]);
  }

  unblock(name: string): void {
    this.bridges.ip([`link set ${this.port(name)} master ${name}`]);
  }

  addAddress(address: string, name: string): void {
    this.own.ip([addAddress(address, name)]);
  }

  removeAddress(address: string, name: string): void {
    this.own.ip([`address delete ${address} dev ${name}`]);
  }

  /** A line of `ip`, in its network. */
  ip(line: string): void {
    this.own.ip([line]);
  }

  /** A command in its network and with its files; what it says on standard output. */
  run(command: string[]): string {
    return this.own.run(command);
  }

  /** A command in its network that goes on meanwhile. */
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

  history(address: string): Held[] {
    const held: Held[] = [];
    for (const line of readFileSync(this.file("addresses"), "utf8").split("\n")) {
      const [, time, deleted] = /^\[([^\]]+)\] (Deleted )?/.exec(line) ?? [];
      if (time === undefined || !line.includes(` ${address}/`)) continue;
      const at = Date.parse(`${time}Z`);
      const last = held.at(-1);
      if (deleted !== undefined) {
        if (last !== undefined) last.to = Math.min(last.to, at);
        // A flag of the address has changed: it was there before.
      } else if (last?.to !== Infinity) {
        held.push({ director: this.name, from: at, to: Infinity });
      }
    }
    return held;
  }

  remove(): void {
    if (this.isRunning()) this.killAll();
    this.own.end();
  }

  private killAll(): number[] {
    const parent = this.pid();
    // One that runs would start its child again, or have it end in order.
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

/** Namespaces that last as long as a process does. */
class Namespace {
  private readonly holder: ChildProcess;
  private readonly others: ChildProcess[] = [];

  constructor(
    command: string[],
    private readonly said: string,
  ) {
    this.holder = start(command, said, "pipe");
  }

  /** The process that holds them. */
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

  /** A command as one in these namespaces. */
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

  /** Lines of `ip`, one after the other. */
  ip(lines: string[]): void {
    if (lines.length > 0) this.run(["ip", "-batch", "-"], lines.join("\n"));
  }

  /** A command that goes on, and what it says in a file. */
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
  // The times of `ip -tshort` and of the log are without a zone.
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
  // Tentative addresses are the test's to ask for, by ip().
  return `address add ${address} dev ${name}${address.includes(":") ? " nodad" : ""}`;
}
