/**
 * A stack that names no firewall: the hosts' own is as they have it, and lets in what the stack needs.
 *
 * @set slice 5
 * @topology dev
 * @budgetSeconds 150
 */
import { summary } from "../../lab/load";
import { waitFor } from "../../lab/waitFor";
import { requests } from "./lab";
import { done, healthy, told } from "./operatorCommands";
import { configure, everywhere, nobodyAsks, shell, tell, up } from "./stack";

const own = (backend: string) => {
  configure((stack) => {
    stack.firewall = { backend };
    nobodyAsks(stack);
  });
};

const ufw = async () => {
  const status = await everywhere("ufw status | head -1");
  return Object.fromEntries(
    Object.entries(status).map(([name, text]) => [name, text.trim().replace("Status: ", "")]),
  );
};
const off = { lvs1: "inactive", lvs2: "inactive", web1: "inactive", web2: "inactive" };

/** Every real server has its share of the requests. */
async function served(): Promise<void> {
  await healthy();
  const result = await requests({ count: 100 });
  tell(summary(result));
  expect(result).toMatchObject({ answered: 100, slow: 0 });
}

afterAll(async () => {
  await shell("web1", "ufw --force reset >/dev/null; rm -f /etc/ufw/*.rules.20*");
  configure(nobodyAsks);
  await up();
});

test("without a firewall that is on, none is switched on", async () => {
  // The dev stack has ufw.
  own("none");
  await up();
  expect(await ufw()).toMatchObject(off);
  own("auto");
  await up();
  expect(await ufw()).toMatchObject(off);
  await served();
  await done("verify");
});

test("an ufw that is switched on afterwards is named by verify, mended by repair, and the operator's to the end", async () => {
  await shell("web1", "ufw allow 22/tcp >/dev/null; ufw --force enable >/dev/null");
  const drifted = await told("verify", "--no-through-vip");
  expect([drifted.exitCode, drifted.stdout]).toEqual([
    1,
    expect.stringMatching(/web1 .*differ[^]* ufw \(pair-web1-system\)/),
  ]);
  await done("repair", "--yes");
  expect(await ufw()).toMatchObject({ ...off, web1: "active" });
  await served();
  await done("verify");

  // What is let in changes by ufw's own words from now on.
  configure((stack) => {
    stack.firewall = { backend: "auto", allowFrom: ["10.0.0.0/8", "172.16.0.0/12"] };
    nobodyAsks(stack);
  });
  await up();
  expect(await shell("web1", "ufw show added")).toContain("allow from 172.16.0.0/12");

  await shell("web1", "ufw disable >/dev/null");
  await done("verify");
  own("auto");
  await up();
  const rules = await shell("web1", "ufw show added");
  expect(rules).toContain("ufw allow 22/tcp");
  expect(rules).not.toContain("lvs-ha");
  await waitFor(async () => (await requests({ count: 10 })).answered === 10, {
    what: "the pool serves",
    timeoutSeconds: 30,
  });
});
