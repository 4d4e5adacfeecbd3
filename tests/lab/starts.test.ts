/**
 * Directors that start before their network is there: an address that comes late, a port that doesn't forward yet.
 *
 * @set slice 2
 * @topology dev
 * @budgetSeconds 260
 */
import { setTimeout as delay } from "node:timers/promises";
import { inNamespace } from "../../lab/network";
import { output } from "../../lab/run";
import type { LabHost } from "../../lab/topology";
import { waitFor } from "../../lab/waitFor";
import {
  activeDirector,
  directors,
  holders,
  namespaces,
  networks,
  powerCut,
  powerOn,
  requests,
  virtualIp,
} from "./lab";
import { done, healthy } from "./operatorCommands";
import { shell, tell } from "./stack";
import { under } from "./underLoad";

const [first, second] = directors as [LabHost, LabHost];

/** The active director and the standby. */
async function roles(): Promise<[LabHost, LabHost]> {
  return (await activeDirector()) === first.name ? [first, second] : [second, first];
}

const log = (name: string) => shell(name, "journalctl -u keepalived -b -q --no-pager -o cat");

/** Takes a director's port off the public bridge, whose link stays up, or puts it back. */
async function port({ public: { tap } }: LabHost, is: "deaf" | "forwarding"): Promise<void> {
  const place = is === "deaf" ? ["nomaster"] : ["master", networks.public.bridge];
  await output(...inNamespace(namespaces.operator, "ip", ["link", "set", tap, ...place]));
}

/** The active director's power is cut: the other one serves. */
async function survives(active: LabHost, standby: LabHost): Promise<void> {
  await powerCut(active.name);
  await waitFor(async () => (await holders()).join() === standby.name, {
    what: `${standby.name} holds ${virtualIp.ipv4}`,
    timeoutSeconds: 20,
  });
  expect(await requests({ count: 20 })).toMatchObject({ lost: 0 });
  await powerOn(active.name);
  await healthy();
  expect(await activeDirector()).toBe(standby.name);
}

test("a standby whose address comes 3 s after its keepalived stands by, and serves when the active one dies", async () => {
  await healthy();
  const [active, standby] = await roles();
  const { name: device, ipv4 } = standby.public;
  await shell(
    standby.name,
    [
      "systemctl stop keepalived",
      `ip -4 address flush dev ${device}`,
      "systemctl start --no-block keepalived",
      "sleep 3",
      `ip address add ${ipv4}/24 dev ${device}`,
    ].join("\n"),
  );
  await healthy();
  expect(await log(standby.name)).toContain(`network: waiting for ${ipv4} on ${device}`);
  expect(await activeDirector()).toBe(active.name);
  await survives(active, standby);
});

test("one whose address comes after a minute serves, too, without anybody's help", async () => {
  const [, standby] = await roles();
  const { name: device, ipv4 } = standby.public;
  await shell(
    standby.name,
    [
      "systemctl stop keepalived",
      `ip -4 address flush dev ${device}`,
      "systemctl start keepalived",
      "systemctl is-active lvs-ha-network",
      `ip address add ${ipv4}/24 dev ${device}`,
    ].join("\n"),
    { timeoutSeconds: 90 },
  );
  await healthy();
  const daemons = await shell(standby.name, "ipvsadm -L --daemon");
  expect(daemons).toContain("master sync daemon");
  expect(daemons).toContain("backup sync daemon");
  expect(await shell(standby.name, "systemctl is-active lvs-ha-network || true")).toBe("inactive");
});

test("a director with the higher priority that is booted behind a deaf port doesn't take over: nothing lost", async () => {
  await healthy();
  if ((await activeDirector()) === first.name) await done("failover", "--yes");
  const result = await under(100, async () => {
    await powerCut(first.name);
    await port(first, "deaf");
    // It has booted when keepalived has started.
    const booted = powerOn(first.name);
    await waitFor(async () => (await log(first.name)).includes("waiting for a neighbour"), {
      what: `${first.name} waits for a neighbour`,
      timeoutSeconds: 30,
    });
    await delay(20_000);
    expect(await log(first.name)).not.toContain("Keepalived");
    await port(first, "forwarding");
    await booted;
    expect(await log(first.name)).not.toContain("no neighbour has answered");
    await healthy();
    expect(await activeDirector()).toBe(second.name);
    expect(await log(first.name)).not.toContain("MASTER");
  });
  tell(`  ${result.sent} requests, ${result.lost} lost`);
  expect(result).toMatchObject({ lost: 0 });
}, 300_000);
