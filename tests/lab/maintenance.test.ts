/**
 * Hosts that the operator takes out of service, and back, under load.
 *
 * @set slice 5
 * @topology dev
 * @budgetSeconds 180
 */
import { waitFor } from "../../lab/waitFor";
import {
  activeDirector,
  directors,
  ipvsTable,
  powerCut,
  powerOn,
  realServers,
  requests,
  virtualIp,
} from "./lab";

import { configure, lossless, nobodyAsks, shell, up } from "./stack";
import { told, done, withoutLoss, healthy, webs, weights } from "./operatorCommands";

beforeAll(async () => {
  configure((stack) => {
    nobodyAsks(stack);
    lossless(stack);
  });
  await up();
  await healthy();
});

describe("a real server", () => {
  test("that is the last one is not drained", async () => {
    const [last = "", ...others] = webs;
    for (const name of others) await done("drain", name);
    const { exitCode, stderr } = await told("drain", last);
    expect([exitCode, stderr]).toEqual([1, expect.stringContaining(`${last} is the last one`)]);
    expect(await weights(last)).toEqual(["1", "1"]);
    for (const name of others) await done("undrain", name);
    await healthy();
  });

  test("in maintenance may be switched off and on, and serves again afterwards; nothing is lost", async () => {
    await withoutLoss(async () => {
      expect(await done("maintenance", "on", "web3", "--yes")).toContain("gets no new connections");
      expect(await weights("web3")).toEqual(["0", "0"]);
      expect(await done("maintenance", "on", "web3", "--yes")).toContain("in maintenance already");
      await waitFor(
        async () =>
          !/192\.0\.2\.23:80 +Route +0 +[1-9]/.test(await ipvsTable(await activeDirector())),
        {
          what: "no connection to web3 is open",
          timeoutSeconds: 30,
        },
      );
      await powerCut("web3");
      await powerOn("web3");
      await done("maintenance", "off", "web3", "--yes");
      expect(await weights("web3")).toEqual(["1", "1"]);
      expect((await requests()).byServer).toHaveProperty("web3");
    });
    await healthy();
  });
});

test("a real server of both families is drained for both, and undrained", async () => {
  configure((stack) => {
    nobodyAsks(stack);
    stack.directors.forEach((director, i) => {
      director.vrrpAddress6 = `${directors[i]?.public.ipv6}/64`;
    });
    stack.realServers.forEach((realServer, i) => {
      realServer.address6 = realServers[i]?.public.ipv6;
    });
    const [web] = stack.virtualServers;
    stack.virtualServers.push({ ...web, name: "web6", address: virtualIp.ipv6 });
  });
  await up();
  const own = realServers.find(({ name }) => name === "web2")?.public;
  const weightsNow = () =>
    Promise.all(
      directors.map(async ({ name }) => {
        const table = await shell(name, "ipvsadm -Sn");
        return [`${own?.ipv4}:80`, `[${own?.ipv6}]:80`].map(
          (place) => table.split(` -r ${place} -g -w `)[1]?.split("\n")[0],
        );
      }),
    );
  await waitFor(async () => (await weightsNow()).flat().every((weight) => weight === "1"), {
    what: "web2 is in for both families on both directors",
    timeoutSeconds: 60,
  });
  await done("drain", "web2");
  expect(await weightsNow()).toEqual(directors.map(() => ["0", "0"]));
  await done("undrain", "web2");
  expect(await weightsNow()).toEqual(directors.map(() => ["1", "1"]));
});

describe("the active director", () => {
  test("in maintenance may be switched off and on, and stands by afterwards; nothing is lost", async () => {
    const before = await activeDirector();
    await withoutLoss(async () => {
      expect(await done("maintenance", "on", before, "--yes")).toContain("may be rebooted");
      expect(await activeDirector()).not.toBe(before);
      const alone = await told("failover", "--yes");
      expect([alone.exitCode, alone.stderr]).toEqual([
        1,
        expect.stringContaining(`${before} is in maintenance`),
      ]);
      await powerCut(before);
      await powerOn(before);
      expect(await shell(before, "systemctl is-active keepalived || true")).toBe("inactive");
      await done("maintenance", "off", before, "--yes");
    });
    expect(await activeDirector()).not.toBe(before);
    await healthy();
  });
});
