// Limits of the lab's programs and waits: each ends when its time is over, whatever is still open, and takes along what it started.
import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { OutOfTime, withLimit } from "../../lab/limit";
import { run, start } from "../../lab/run";
import { waitFor } from "../../lab/waitFor";

const folder = mkdtempSync(join(tmpdir(), "lvs-ha-limits-"));
afterAll(() => {
  rmSync(folder, { recursive: true });
});

const isAlive = (pid: number) => existsSync(`/proc/${pid}`);
const dead = (pid: number) =>
  waitFor(() => !isAlive(pid), { what: `process ${pid} has ended`, timeoutSeconds: 10 });

test("a program that runs out of time is ended with its children, and the error says what it said", async () => {
  const running = run("sh", ["-c", "sleep 60 & echo child $!; wait"], { timeoutSeconds: 0.5 });
  const error = await running.then(() => "it ended", String);
  expect(error).toMatch(/was not done after 0\.5 s and was ended; it last said:\nchild \d+/);
  await dead(Number(/child (\d+)/.exec(error)?.[1]));
});

test("it doesn't wait for whoever else holds the program's outputs", async () => {
  // As a client of a shared SSH connection does, which hands them to another process.
  const file = join(folder, "holder");
  await expect(
    run("sh", ["-c", `setsid sh -c 'echo $$ >${file}.pid; exec sleep 60' & sleep 60`], {
      timeoutSeconds: 0.5,
    }),
  ).rejects.toThrow(OutOfTime);
  const { stdout } = await run("cat", [`${file}.pid`]);
  expect(isAlive(Number(stdout))).toBe(true);
  process.kill(Number(stdout), "SIGKILL");
});

test("a wait ends when its time is over, though the look that is under way never does", async () => {
  const never = new Promise<boolean>(() => undefined);
  await expect(waitFor(() => never, { what: "the moon", timeoutSeconds: 0.2 })).rejects.toThrow(
    "waited 0.2 s for this: the moon. Last seen: no answer yet",
  );
});

test("a wait says what was last seen, and its looks stop with it", async () => {
  let looks = 0;
  const look = () => {
    looks += 1;
    throw new Error(`look ${looks}`);
  };
  const wait = { what: "it", timeoutSeconds: 0.2, intervalSeconds: 0.01 };
  await expect(waitFor(look, wait)).rejects.toThrow(/Last seen: look \d+$/);
  const before = looks;
  await run("sleep", ["0.1"]);
  expect(looks).toBe(before);
});

describe("what has run out of time", () => {
  test("can't start anything any more, and what it left running is ended", async () => {
    const pids: number[] = [];
    let afterwards: Promise<unknown> | undefined;
    const action = async () => {
      pids.push(start("sleep", ["60"]).pid);
      await new Promise((resolve) => setTimeout(resolve, 300));
      afterwards = run("true", []);
      await afterwards;
    };
    await expect(withLimit(0.1, "the test's time is over", action)).rejects.toThrow(
      "the test's time is over",
    );
    for (const pid of pids) await dead(pid);
    await waitFor(() => afterwards !== undefined, { what: "it goes on", timeoutSeconds: 5 });
    await expect(afterwards).rejects.toThrow("the test's time is over");
  });

  test("ends what runs inside it, whose own limits are longer", async () => {
    const inner = () => run("sleep", ["60"], { timeoutSeconds: 50 });
    await expect(withLimit(0.1, "outer", inner)).rejects.toThrow("outer");
    const waiting = () => waitFor(() => false, { what: "nothing", timeoutSeconds: 50 });
    await expect(withLimit(0.1, "outer", waiting)).rejects.toThrow("outer");
  });
});

test("what was left running by work that ended well is ended, too", async () => {
  const pid = await withLimit(10, "never", () => start("sleep", ["60"]).pid);
  await dead(pid);
});

test("a program that ends well gives its status and both of its outputs", async () => {
  const lines: string[] = [];
  const result = await run("sh", ["-c", "cat; echo err >&2; exit 3"], {
    input: "in\n",
    onLine: (line) => lines.push(line),
  });
  expect(result).toEqual({ stdout: "in\n", stderr: "err\n", exitCode: 3 });
  expect(lines.sort()).toEqual(["err", "in"]);
  await expect(run("/nowhere/program", [])).rejects.toThrow("ENOENT");
});
