/**
 * The stack goes where the config allows it, and the hosts are as they were before it.
 *
 * @set core
 * @topology dev
 * @budgetSeconds 88
 */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { waitFor } from "../../lab/waitFor";
import { activeDirector, directors, inClient, ipvsTable, lab, virtualIp } from "./lab";
import { footprints, untouched } from "./footprint";
import { configure, everywhere, nobodyAsks, pulumi, shell, up } from "./stack";
import { underLoad } from "./underLoad";
import type { Stack } from "../support/stacks";

const isProtected = (stack: Stack) => {
  nobodyAsks(stack);
  stack.deletionProtection = true;
};

/** All that a change or a destroy would touch. */
const state = async () => [
  await footprints(lab),
  await everywhere(
    "sha256sum /etc/keepalived/keepalived.conf /etc/lvs-ha/* /usr/local/lib/lvs-ha/* 2>/dev/null; nft list ruleset 2>/dev/null | grep -v counter; true",
  ),
];

/** Holds connections open from the client while something is done. */
async function connected(count: number, work: () => Promise<void>): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), "lvs-ha-connected-"));
  const open = `for i in $(seq ${count}); do exec {fd}<>/dev/tcp/${virtualIp.ipv4}/80; done; while [ -e ${folder} ]; do sleep 0.2; done`;
  const clients = inClient("bash", ["-c", open]);
  try {
    const active = await activeDirector();
    await waitFor(async () => connections(await ipvsTable(active)) >= count, {
      what: `${active} has ${count} connections`,
      timeoutSeconds: 15,
    });
    await work();
  } finally {
    await rm(folder, { recursive: true });
    await clients;
  }
}

/** ActiveConn of all real servers of the virtual server. */
function connections(table: string): number {
  const [, own = ""] = table.split(`TCP  ${virtualIp.ipv4}:80 `);
  const [pool = ""] = own.split(/\n(?=TCP|FWM)/);
  return [...pool.matchAll(/-> .* (\d+) +\d+ *$/gm)].reduce((sum, [, n]) => sum + Number(n), 0);
}

test("deletion protection refuses a destroy under load, and says how many connections are open: nothing changes, no request is lost", async () => {
  configure(isProtected);
  await up();
  const before = await state();
  await connected(5, async () => {
    const result = await underLoad({ rate: 100, seconds: 60 }, async () => {
      const { stdout, stderr, exitCode } = await pulumi("destroy", "--yes");
      // The preferred director tells. Of connections that another holds, and that have said nothing yet, it has not heard.
      const [, holds, open] =
        /deletion protection is on, and nothing was undone: lvs\d (holds [\d.]+|stands by); open connections[a-z ]*: (\d+)/.exec(
          stdout + stderr,
        ) ?? [];
      expect([holds, Number(open) >= (holds === "stands by" ? 0 : 5), stdout + stderr]).toEqual([
        expect.any(String),
        true,
        expect.stringContaining("pulumi config set lvs-ha:deletionProtection false"),
      ]);
      expect(exitCode).not.toBe(0);
    });
    expect(result).toMatchObject({ lost: 0 });
  });
  expect(await state()).toEqual(before);
});

test("deletion protection refuses a change that takes a virtual server from connected clients, before any host is touched", async () => {
  const before = await state();
  const otherPort = (stack: Stack) => {
    isProtected(stack);
    stack.virtualServers[0].port = 8080;
  };
  configure(otherPort);
  await connected(5, async () => {
    const { stdout, stderr, exitCode } = await pulumi("up", "--yes", "--skip-preview");
    expect(exitCode).not.toBe(0);
    expect(stdout + stderr).toMatch(
      new RegExp(`Clients would lose web ${virtualIp.ipv4}:80 TCP \\(\\d+ open connections?\\)`),
    );
    expect(await state()).toEqual(before);
  });
});

test("by the way that the message names, pulumi destroy puts the hosts back as they were", async () => {
  configure(nobodyAsks);
  await up();
  const { stdout, stderr, exitCode } = await pulumi("destroy", "--yes");
  expect([exitCode, exitCode === 0 ? "" : stdout + stderr]).toEqual([0, ""]);
  expect(await footprints(lab)).toEqual(untouched(lab));
  expect(new Set(Object.values(await everywhere("ufw status 2>&1 | head -1")))).toEqual(
    new Set(["Status: inactive"]),
  );
  for (const { name } of directors) {
    expect(await shell(name, "ipvsadm -Sn; systemctl is-active keepalived || true")).toBe(
      "inactive",
    );
  }
});
