/**
 * A pair of which both directors run Debian 12, beside another lab; and what is left of it when it goes.
 *
 * @set slice 4
 * @topology bookworm
 * @budgetSeconds 150
 */
import { labOf } from "../../lab/instance";
import { labDown, labIsUp, labUp } from "../../lab/lab";
import { claims } from "../../lab/proof";
import { run } from "../../lab/run";
import { oneInterface } from "../../lab/topologies/oneInterface";
import { lab, namespaces } from "./lab";
import { configFile, tell } from "./stack";

test.each(claims)("$claim", async ({ show }) => {
  await show(lab, tell, ["--config-file", configFile]);
});

test("npm run lab -- down leaves no process, mount, namespace, device or file of a lab, and another lab as it was", async () => {
  const other = labOf(oneInterface, { name: "other" });
  try {
    await labUp(other);
    await labDown(lab);
    const say = async (command: string) => (await run("sh", ["-c", command])).stdout;
    const left = (await say("ip netns list")).split("\n").map((line) => line.split(" ")[0] ?? "");
    expect(left.filter((name) => Object.values(namespaces).includes(name))).toEqual([]);
    expect(await say(`ps -eo args | grep -F ${lab.directory}/ | grep -v grep`)).toBe("");
    expect(await say(`mount | grep -F "${lab.directory}/"`)).toBe("");
    expect(await say("ip -o link")).not.toMatch(/tap|br-p|client/);
    expect(await say(`ls -d ${lab.directory} 2>/dev/null`)).toBe("");
    expect(labIsUp(other)).toBe(true);
  } finally {
    await labDown(other);
  }
  expect((await run("ls", ["-d", other.directory])).exitCode).not.toBe(0);
});
