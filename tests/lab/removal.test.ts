// The lab goes: nothing is left of it.
import { namespaces } from "../../lab/hosts";
import { labDown } from "../../lab/lab";
import { stateDirectory } from "../../lab/paths";
import { run } from "../../lab/run";

test("npm run lab -- down leaves no process, mount, namespace, device or file", async () => {
  await labDown();
  const say = async (command: string) => (await run("sh", ["-c", command])).stdout;
  const left = (await say("ip netns list")).split("\n").map((line) => line.split(" ")[0]);
  expect(
    left.filter((name) => Object.values<string | undefined>(namespaces).includes(name)),
  ).toEqual([]);
  expect(await say(`ps -eo args | grep -F ${stateDirectory} | grep -v grep`)).toBe("");
  expect(await say(`mount | grep -F "${stateDirectory}/"`)).toBe("");
  expect(await say("ip -o link")).not.toMatch(/tap|br-p|client/);
  expect(await say(`ls -d ${stateDirectory} 2>/dev/null`)).toBe("");
});
