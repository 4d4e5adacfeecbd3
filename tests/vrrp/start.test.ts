// How a director starts: network.sh before keepalived, as its unit has it, each release's keepalived, and a network that comes late.
import {
  copyFileSync,
  existsSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { renderKeepalived } from "../../components/render/keepalived";
import { waitFor } from "../../lab/waitFor";
import { settingsOf, smallStack } from "../support/stacks";
import type { KeepalivedVersion } from "../support/keepalived";
import { VrrpRig, vrrpConfig, type Background } from "../support/vrrpRig";

jest.setTimeout(120_000);
const vip = "192.0.2.100";
const own = "192.0.2.11/24";
const settings = settingsOf(smallStack());

const scripts = join(__dirname, "../../templates/scripts");

let rig: VrrpRig;
let folder: string;
let bootedAt: number;
let uptime: NodeJS.Timeout;

/** Two directors, and a neighbour of both, which is the bridge. */
async function build(version: KeepalivedVersion): Promise<void> {
  rig = await VrrpRig.build([
    { name: "lvs1", version, addresses: { eth0: ["10.10.0.11/24"], eth1: [own] } },
    { name: "lvs2", version, addresses: { eth0: ["10.10.0.12/24"], eth1: ["192.0.2.12/24"] } },
  ]);
}

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "lvs-ha-start-"));
  for (const name of ["files.sh", "foreign.sh", "ipvs.sh"])
    copyFileSync(join(scripts, name), join(folder, name));
  // A test has less patience than a director.
  const text = readFileSync(join(scripts, "network.sh"), "utf8")
    .replace("for_addresses=40\n", "for_addresses=8\n")
    .replace("for_neighbours=40\n", "for_neighbours=8\n");
  writeFileSync(join(folder, "network.sh"), text, { mode: 0o755 });
  // systemd, and what it would run: `follow` as a unit of its own, and the reload.
  program("systemd-run", ['while [ "$1" != "$FOLDER/network.sh" ]; do shift; done', '"$@" &']);
  program("systemctl", ['case $* in "is-active keepalived") echo active ;; *) exit 3 ;; esac']);
  program("keepalived.sh", ['echo "$*" >>"$FOLDER/told"', 'kill -HUP "$(cat "$FOLDER/pid")"']);
  boots();
});
afterEach(() => {
  clearInterval(uptime);
  rig.remove();
  rmSync(folder, { recursive: true });
});

function program(name: string, lines: string[]): void {
  writeFileSync(join(folder, name), ["#!/bin/sh", ...lines, ""].join("\n"), { mode: 0o755 });
}

/** The host's uptime begins anew, so many seconds ago. */
function boots(secondsAgo = 20): void {
  bootedAt = Date.now() - secondsAgo * 1000;
  const write = () => {
    const seconds = ((Date.now() - bootedAt) / 1000).toFixed(2);
    writeFileSync(join(folder, "uptime"), `${seconds} 0.00\n`);
  };
  write();
  clearInterval(uptime);
  uptime = setInterval(write, 200);
}

/** What the unit runs before keepalived. The config has the sync daemon and the real servers, too. */
function awaitNetwork(name: string, stack = settings): Background {
  const director = stack.directors.find((candidate) => candidate.name === name);
  if (director === undefined) throw new Error(`there is no director ${name}`);
  const conf = join(folder, `${name}.conf`);
  writeFileSync(conf, renderKeepalived(stack, director, false));
  const line = 'mount --bind "$FOLDER/uptime" /proc/uptime; exec "$FOLDER/network.sh" await "$1"';
  const env = [`FOLDER=${folder}`, `PATH=${folder}:/usr/sbin:/usr/bin:/sbin:/bin`];
  return rig
    .director(name)
    .background(["unshare", "--mount", "env", ...env, "sh", "-c", line, "sh", conf]);
}

/** Starts a director as systemd does; the milliseconds that network.sh has taken. */
async function start(name: string): Promise<{ milliseconds: number; said: string }> {
  const begun = Date.now();
  const network = awaitNetwork(name);
  expect(await network.ended).toBe(0);
  const milliseconds = Date.now() - begun;
  writeFileSync(join(folder, "pid"), String(rig.director(name).start(vrrpConfig(settings, name))));
  return { milliseconds, said: network.said() };
}

describe.each<KeepalivedVersion>(["2.2.7", "2.3.3"])("keepalived %s", (version) => {
  beforeEach(async () => {
    await build(version);
    // A real server.
    rig.addNeighbour("eth1", "192.0.2.21/24");
  });

  test("a standby whose own address comes 3 s late stands by, and serves when the active one dies", async () => {
    await start("lvs2");
    await rig.holds("lvs2", vip);
    const lvs1 = rig.director("lvs1");
    lvs1.removeAddress(own, "eth1");
    const starting = start("lvs1");
    await delay(3000);
    lvs1.addAddress(own, "eth1");
    const { said } = await starting;
    expect(said).toMatch(/^network: waiting for 192[.]0[.]2[.]11 on eth1$/m);
    await lvs1.is("BACKUP");
    await delay(2500);
    expect(rig.history(vip).map(({ director }) => director)).toEqual(["lvs2"]);
    await die("lvs2");
    await rig.holds("lvs1", vip);
  });

  test("a director that is booted behind a deaf port doesn't take over", async () => {
    await start("lvs2");
    await rig.holds("lvs2", vip);
    rig.director("lvs1").block("eth1");
    // As after a boot: it knows no neighbours.
    rig.director("lvs1").ip("neighbour flush dev eth1");
    const starting = start("lvs1");
    await delay(5000);
    rig.director("lvs1").unblock("eth1");
    const { milliseconds, said } = await starting;
    expect(milliseconds).toBeGreaterThan(5000);
    expect(said).toMatch(/^network: waiting for a neighbour to answer on eth1$/m);
    await rig.director("lvs1").is("BACKUP");
    await delay(2500);
    expect(rig.history(vip).map(({ director }) => director)).toEqual(["lvs2"]);
  });

  test("a keepalived that was killed, a lone director and a pair that starts together lose no time", async () => {
    const together = [start("lvs1"), start("lvs2")];
    for (const each of together) expect((await each).milliseconds).toBeLessThan(3000);
    await rig.heldByOne(vip);
    const [active = ""] = rig.holders(vip);
    const standby = active === "lvs1" ? "lvs2" : "lvs1";
    await die(standby);
    await rig.director(active).kill();
    // Long after the boot, when no neighbour answers either.
    boots(3600);
    rig.director(active).block("eth1");
    rig.director(active).ip("neighbour flush dev eth1");
    expect((await start(active)).milliseconds).toBeLessThan(2000);
    await rig.director(active).is("MASTER");
    rig.director(active).unblock("eth1");
    // The boot of one whose peer is down.
    await rig.director(active).stop();
    boots();
    rig.director(active).ip("neighbour flush dev eth1");
    const { milliseconds, said } = await start(active);
    expect(milliseconds).toBeLessThan(3500);
    expect(said).not.toContain("no neighbour");
    await rig.holds(active, vip);
  });
});

test.each<KeepalivedVersion>(["2.2.7", "2.3.3"])(
  "keepalived %s is started in the end without its addresses, and recovers when they come",
  async (version) => {
    await build(version);
    const lvs1 = rig.director("lvs1");
    lvs1.removeAddress(own, "eth1");
    lvs1.removeAddress("10.10.0.11/24", "eth0");
    const { milliseconds, said } = await start("lvs1");
    expect(milliseconds).toBeGreaterThan(7000);
    expect(said).toContain(
      "network: keepalived starts without an IPv4 address on eth0 and 192.0.2.11 on eth1; it gets a reload when that is there",
    );
    await waitFor(() => "VI_1" in lvs1.states(), { what: "its state", timeoutSeconds: 5 });
    lvs1.addAddress(own, "eth1");
    await delay(2500);
    expect(existsSync(join(folder, "told"))).toBe(false);
    lvs1.addAddress("10.10.0.11/24", "eth0");
    await rig.holds("lvs1", vip);
    await waitFor(() => existsSync(join(folder, "told")), { what: "a reload", timeoutSeconds: 5 });
    expect(readFileSync(join(folder, "told"), "utf8")).toBe("recover\n");
    await lvs1.is("MASTER");
  },
);

test.each<KeepalivedVersion>(["2.2.7", "2.3.3"])(
  "keepalived %s is started when the further interfaces are there that its config names",
  async (version) => {
    await build(version);
    const lvs1 = rig.director("lvs1");
    const stack = smallStack();
    stack.vrrp = {
      trackInterfaces: [{ name: "eth5" }],
      virtualAddresses: [{ address: "192.0.2.105", interface: "eth6" }],
      virtualRoutes: [{ to: "203.0.113.0/24", via: "192.0.2.1", device: "eth7" }],
    };
    boots(3600);
    const network = awaitNetwork("lvs1", settingsOf(stack));
    await waitFor(() => network.said().includes("waiting"), {
      what: "its word",
      timeoutSeconds: 5,
    });
    expect(network.said()).toBe(
      "network: waiting for the interface eth5 and the interface eth6 and the interface eth7\n",
    );
    lvs1.ip("link add eth5 type veth peer name eth6");
    await delay(500);
    expect(network.hasEnded()).toBe(false);
    lvs1.ip("link add eth7 type veth peer name eth8");
    for (const name of ["eth5", "eth6", "eth7", "eth8"]) lvs1.ip(`link set ${name} up`);
    expect(await network.ended).toBe(0);
    lvs1.start(vrrpConfig(settingsOf(stack), "lvs1"));
    await rig.holds("lvs1", vip);
  },
);

test("an IPv6 address counts once it may be bound to", async () => {
  await build("2.3.3");
  const stack = smallStack();
  for (const [i, director] of stack.directors.entries()) {
    director.vrrpAddress = `2001:DB8:0:0::1${i + 1}/64`;
  }
  Object.assign(stack, {
    realServers: stack.realServers.map((server, i) => ({ ...server, address: `2001:db8::2${i}` })),
    virtualServers: [{ name: "web", address: "2001:db8::100", port: 80 }],
  });
  boots(3600);
  const lvs1 = rig.director("lvs1");
  const network = awaitNetwork("lvs1", settingsOf(stack));
  await waitFor(() => network.said().includes("waiting"), { what: "its word", timeoutSeconds: 5 });
  expect(network.said()).toMatch(/^network: waiting for 2001:db8::11 on eth1$/im);
  lvs1.ip("address add 2001:db8::11/64 dev eth1");
  expect(lvs1.run(["ip", "address", "show", "dev", "eth1", "tentative"])).toContain("2001:db8::11");
  await delay(300);
  // Before the look: what is tentative then was so all the time.
  const hasEnded = network.hasEnded();
  expect(lvs1.run(["ip", "address", "show", "dev", "eth1", "tentative"])).toContain("2001:db8::11");
  expect(hasEnded).toBe(false);
  await network.ended;
  // The link-local one may still be.
  expect(lvs1.run(["ip", "address", "show", "dev", "eth1", "tentative"])).not.toContain(
    "2001:db8::11",
  );
});

/** A host's death, as the others see it. */
async function die(name: string): Promise<void> {
  const killed = rig.director(name).kill();
  rig.director(name).block("eth1");
  if (rig.director(name).has(vip)) rig.director(name).removeAddress(`${vip}/32`, "eth1");
  await killed;
}
