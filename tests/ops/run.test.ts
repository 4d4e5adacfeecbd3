// How programs that the command runs are ended when their time is up.
import { run } from "../../ops/run";

const stubborn = ["-c", 'trap "" TERM; while :; do sleep 0.2; done'];

test("a program that has time for it ends as it wants, one whose time is up is asked to", async () => {
  const [quick, slow] = await Promise.all([
    run("sh", ["-c", "cat; exit 3"], { input: "said", timeoutSeconds: 20 }),
    run("sleep", ["60"], { timeoutSeconds: 0.2 }),
  ]);
  expect(quick).toEqual({ stdout: "said", stderr: "", exitCode: 3, timedOut: false });
  expect(slow).toMatchObject({ exitCode: 128 + 15, timedOut: true });
});

test("one that doesn't listen is killed, and nobody waits for what it has left behind", async () => {
  const begin = performance.now();
  const [deaf, childless] = await Promise.all([
    run("sh", stubborn, { timeoutSeconds: 0.2 }),
    // The shell ends, but its child keeps its outputs open.
    run("sh", ["-c", "sleep 20 & echo so far; wait"], { timeoutSeconds: 0.2 }),
  ]);
  expect(deaf).toMatchObject({ exitCode: 128 + 9, timedOut: true });
  expect(childless).toMatchObject({ stdout: "so far\n", exitCode: 128 + 15, timedOut: true });
  expect(performance.now() - begin).toBeLessThan(15_000);
});
