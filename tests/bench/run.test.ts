// The bench itself, on stub hosts: what it counts, and that nothing of it is left.
import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { measureEngine } from "../../bench/engine";
import { requireRoot, withFarm } from "../../bench/farm";
import type { Figures, Sample } from "../../bench/figures";
import { measured } from "../../bench/measured";
import { projectRoot } from "../../lab/paths";
import { waitFor } from "../../lab/waitFor";

const isRoot = process.getuid?.() === 0;
if (!isRoot) process.stderr.write("the bench's own runs are skipped: they need root\n");

/** Whether there is an engine without a download or a build, which would take minutes. Jest must know that before its first test. */
function hasEngine(): boolean {
  const ask =
    'require("./lab/engine.ts").hasEngine().then((has) => process.exit(has ? 0 : 3), (error) => { console.error(error); process.exit(4); })';
  const words = ["--import", "tsx", "--eval", ask];
  const { status, stderr } = spawnSync(process.execPath, words, {
    cwd: projectRoot,
    encoding: "utf8",
  });
  if (status !== 0 && status !== 3) throw new Error(stderr);
  if (status === 3) {
    process.stderr.write(
      "the bench's runs of the engine are skipped: there is none yet; npm run lab -- up gets one\n",
    );
  }
  return status === 0;
}

/** An sshd may have to be fetched first, and a busy machine takes its time. */
const limit = 300_000;

let folder: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "lvs-ha-bench-test-"));
});

afterEach(() => {
  rmSync(folder, { recursive: true });
});

/** The processes with this word on their command lines. */
function processesWith(word: string): string[] {
  return readdirSync("/proc")
    .filter((pid) => /^\d+$/.test(pid) && Number(pid) !== process.pid)
    .flatMap((pid) => {
      try {
        const words = readFileSync(`/proc/${pid}/cmdline`, "utf8").split("\0");
        return words.some((one) => one.includes(word)) ? [words.join(" ")] : [];
      } catch {
        return [];
      }
    });
}

const silent = () => undefined;
const here = () => ({ network: "/proc/self/ns/net", folder, timeoutSeconds: 60 });

test("a user other than root is told to run it as root", () => {
  const getuid = jest.spyOn(process, "getuid").mockReturnValue(1000);
  try {
    expect(requireRoot).toThrow("run it as root");
  } finally {
    getuid.mockRestore();
  }
});

(isRoot ? describe : describe.skip)("as root", () => {
  test(
    "the floor logs in once to each stub host, and no sshd outlives the action",
    async () => {
      const own = join(folder, "farm");
      const counts = await withFarm(own, 3, silent, async (farm) => {
        const program = join(projectRoot, "bench/floor.mjs");
        const command = [process.execPath, program, farm.keyFile, ...farm.addresses.slice(0, 2)];
        const cost = await measured(command, { ...here(), network: farm.network });
        expect(cost.cpuSeconds).toBeGreaterThan(0.01);
        expect(cost.peakMemoryBytes).toBeGreaterThan(10e6);
        expect(processesWith(own)).not.toEqual([]);
        return farm.logins();
      });
      expect(counts).toEqual([1, 1, 0]);
      await waitFor(() => processesWith(own).length === 0, {
        what: `no process has ${own} on its command line`,
        timeoutSeconds: 5,
      });
    },
    limit,
  );

  test("what makes stub hosts of a machine refuses to, in namespaces that aren't its own", () => {
    // In a machine of its own, in case it doesn't.
    const namespaces = ["--mount", "--net", "--pid", "--fork", "--mount-proc"];
    const script = join(projectRoot, "bench/farm.sh");
    const start = (outside: string) =>
      spawnSync("unshare", [
        ...[...namespaces, "sh", "-c", `sh "$0" "$1" /bin/true "${outside}"; mount -t tmpfs`],
        ...[script, folder],
      ]).stdout.toString();
    const own = (kind: string) => `$(readlink /proc/self/ns/${kind})`;
    const other = { mnt: "mnt:[1]", net: "net:[1]" };
    const mounted = / \/run type tmpfs \(rw,relatime,mode=755/;
    expect(start(`${other.mnt} ${other.net}`)).toMatch(mounted);
    expect(start(`${own("mnt")} ${other.net}`)).not.toMatch(mounted);
    expect(start(`${other.mnt} ${own("net")}`)).not.toMatch(mounted);
    expect(start("")).not.toMatch(mounted);
  });

  test("what waits for every process refuses to, where that would be the machine's", () => {
    const script = join(projectRoot, "bench/measured.sh");
    const { status, stderr } = spawnSync("sh", [script, join(folder, "times"), "echo"]);
    expect([status, stderr.toString()]).toEqual([1, expect.stringContaining("as process 1")]);
  });

  const busy = "i=0; while [ $i -lt 200000 ]; do i=$((i + 1)); done";

  test.each([
    ["a child", `sh -c '${busy}'`],
    [
      "a process whose parent ended before it",
      `(sh -c '${busy}; : >done' &); until [ -e done ]; do sleep 0.05; done`,
    ],
    ["a process that ends after the program", `sh -c '${busy}' &`],
  ])("the CPU time of %s is counted", async (_, script) => {
    const cost = await measured(["sh", "-c", script], { ...here(), cwd: folder });
    expect(cost.cpuSeconds).toBeGreaterThan(0.05);
  });

  test("what a program leaves running ends with it", async () => {
    await measured(["sh", "-c", `sh -c 'sleep 60; : ${folder}' &`], here());
    expect(processesWith(folder)).toEqual([]);
  });

  test("a program that fails is an error with its own words", async () => {
    const failing = measured(["sh", "-c", "echo no such luck >&2; exit 3"], here());
    await expect(failing).rejects.toThrow(/ended with status 3:\nno such luck/);
  });

  test("a program that runs out of time is a result without CPU time, and all of it is ended", async () => {
    const script = `sh -c 'sleep 60; : ${folder}' & sleep 60`;
    const cost = await measured(["sh", "-c", script], { ...here(), timeoutSeconds: 1 });
    expect(cost).toMatchObject({ wallSeconds: 1 });
    expect(cost).not.toHaveProperty("cpuSeconds");
    await waitFor(() => processesWith(folder).length === 0, {
      what: "its processes have ended",
      timeoutSeconds: 5,
    });
  });

  test(
    "the hosts and a run end with a bench that is killed",
    async () => {
      const own = join(folder, "killed");
      const script = `
        const run = (farm) =>
          require("./bench/measured.ts").measured(["sh", "-c", "sleep 900; : ${own}/run"], {
            network: farm.network,
            folder: "${folder}",
            timeoutSeconds: 900,
          });
        require("./bench/farm.ts").withFarm("${own}", 1, () => undefined, run);`;
      const bench = spawn(process.execPath, ["--import", "tsx", "--eval", script], {
        cwd: projectRoot,
        stdio: "ignore",
      });
      const ended = once(bench, "exit");
      const others = () => processesWith(own).filter((words) => !words.includes("--eval"));
      try {
        await waitFor(
          () =>
            ["sleep 900", "sshd -D"].every((it) => others().some((words) => words.includes(it))),
          { what: "a host and a run are there", timeoutSeconds: 240 },
        );
      } finally {
        bench.kill("SIGKILL");
      }
      await ended;
      await waitFor(() => others().length === 0, { what: "both have ended", timeoutSeconds: 5 });
    },
    limit,
  );

  (hasEngine() ? describe : describe.skip)("with an engine", () => {
    test(
      "three hosts are set up, and nothing to do costs no login",
      async () => {
        const kept: Figures[] = [];
        const { samples } = await measureEngine(
          {
            sizes: [{ hosts: 3, services: 1 }],
            only: ["cold", "noop"],
            rounds: 1,
            timeoutSeconds: 280,
            command: "npm test",
          },
          silent,
          (figures) => kept.push(structuredClone(figures)),
        );
        const [cold, noop] = samples as [Sample, Sample];
        expect(samples.map(({ subject }) => subject)).toEqual(["cold", "noop"]);
        expect(kept.map((figures) => figures.samples.length)).toEqual([1, 2]);
        const { all, aDirector, aRealServer } = cold.logins;
        expect(aDirector).toBeGreaterThan(0);
        // One of the directors refuses for all of them that the stack is destroyed.
        expect(all).toBe(2 * aDirector - 1 + aRealServer);
        expect(noop.logins).toEqual({ all: 0, aDirector: 0, aRealServer: 0 });
        expect(cold.stateBytes).toBeGreaterThan(1000);
        for (const { cpuSeconds, peakMemoryBytes } of samples) {
          // An engine and a program: less than this was not all of them.
          expect(cpuSeconds).toBeGreaterThan(0.5);
          expect(peakMemoryBytes).toBeGreaterThan(100e6);
        }
      },
      limit,
    );

    test(
      "Ctrl-C ends it with all that it started, and removes its folder",
      async () => {
        const own = join(folder, "temporary");
        mkdirSync(own);
        const words = ["--import", "tsx", "bench/cli.ts", "engine", "--hosts", "3"];
        const bench = spawn(process.execPath, words, {
          cwd: projectRoot,
          env: { ...process.env, TMPDIR: own },
          stdio: "ignore",
        });
        const ended = once(bench, "exit");
        const scratch = () => readdirSync(own).filter((name) => name.startsWith("lvs-ha-bench-"));
        try {
          await waitFor(() => processesWith(own).some((words) => words.includes("pulumi")), {
            what: "the bench runs the engine",
            timeoutSeconds: 240,
          });
          expect(scratch()).toHaveLength(1);
          bench.kill("SIGINT");
          await ended;
        } finally {
          bench.kill("SIGKILL");
        }
        expect(bench.exitCode).toBe(130);
        expect(scratch()).toEqual([]);
        await waitFor(() => processesWith(own).length === 0, {
          what: "all that it started has ended",
          timeoutSeconds: 5,
        });
      },
      limit,
    );
  });
});
