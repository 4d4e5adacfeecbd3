// The stack goes, then the lab: nothing is left of either.
import { namespaces } from "../../lab/hosts";
import { labDown } from "../../lab/lab";
import { directors } from "../../lab/measure";
import { stateDirectory } from "../../lab/paths";
import { run } from "../../lab/run";
import { footprints, untouched } from "./footprint";
import { everywhere, pulumi, shell } from "./stack";

test("pulumi destroy puts the hosts back as they were", async () => {
  const { stdout, stderr, exitCode } = await pulumi("destroy", "--yes");
  expect([exitCode, exitCode === 0 ? "" : stdout + stderr]).toEqual([0, ""]);
  expect(await footprints()).toEqual(untouched());
  expect(new Set(Object.values(await everywhere("ufw status 2>&1 | head -1")))).toEqual(
    new Set(["Status: inactive"]),
  );
  for (const { name } of directors) {
    expect(await shell(name, "ipvsadm -Sn; systemctl is-active keepalived || true")).toBe(
      "inactive",
    );
  }
});

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
