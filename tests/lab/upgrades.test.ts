/**
 * What an operator does with live traffic, under load: new connections at a steady rate, none tried again, lost = no answer in 4 s.
 * Versions of keepalived, who takes over, bad configs, a lost state.
 *
 * @set slice 7
 * @topology dev
 * @budgetSeconds 420
 */
import { setTimeout as delay } from "node:timers/promises";
import { activeDirector, client, directors, findHost, listen, onHost, virtualIp } from "./lab";
import { withEnd } from "../../components/render/files";
import { badConfigs } from "../support/badConfigs";
import { noteFault } from "./faultMatrix";
import { conf, pid } from "./keepalived";
import { configure, everywhere, lvs, nobodyAsks, pulumi, shell, up } from "./stack";
import { lossless } from "./stack";
import { under } from "./underLoad";

const names = directors.map(({ name }) => name);

beforeAll(async () => {
  configure(nobodyAsks);
  await up();
});

test("keepalived is upgraded on both directors, and taken back, one after the other: nothing lost", async () => {
  const versions: Record<string, string> = {};
  for (const name of names) versions[name] = await shell(name, installed);
  const newer: Record<string, string> = {};
  for (const name of names) newer[name] = await shell(name, offerUpgrade);
  const atVersion = (of: Record<string, string>) => {
    configure((stack) => {
      lossless(stack);
      for (const director of stack.directors)
        director.keepalivedVersion = of[String(director.name)];
    });
  };
  configure(lossless);
  await up();
  const result = await under(300, async () => {
    for (const wanted of [newer, versions]) {
      atVersion(wanted);
      const said = await up();
      const [first, second] = ["lvs2", "lvs1"].map((name) =>
        said.search(new RegExp(`pair-${name}-version (created|updated)`)),
      );
      expect(first).toBeGreaterThan(0);
      expect(second).toBeGreaterThan(first ?? 0);
      for (const name of names) {
        expect(await shell(name, `${installed}; apt-mark showhold`)).toBe(
          `${wanted[name] ?? ""}\nkeepalived`,
        );
      }
    }
  });
  expect(result).toMatchObject({ lost: 0 });
  configure(lossless);
  await up();
  for (const name of names) {
    expect(
      await shell(name, "apt-mark showhold; rm /etc/apt/sources.list.d/lab-upgrade.list"),
    ).toBe("");
  }
});

const installed = "dpkg-query -W -f '${Version}\\n' keepalived";

/** A package source on the host that has a newer keepalived: the same one under another version, which it prints. */
const offerUpgrade = `
  set -e
  rm -rf /srv/lab-upgrade && mkdir -p /srv/lab-upgrade && cd /srv/lab-upgrade
  apt-get -q download keepalived >/dev/null 2>&1
  dpkg-deb -R keepalived_*.deb tree && rm keepalived_*.deb
  version=$(dpkg-query -W -f '\${Version}' keepalived)+lab1
  sed -i "s/^Version: .*/Version: $version/" tree/DEBIAN/control
  dpkg-deb -b tree keepalived.deb >/dev/null && rm -r tree
  {
    dpkg-deb -f keepalived.deb
    echo Filename: ./keepalived.deb
    echo "Size: $(stat -c %s keepalived.deb)"
    echo "SHA256: $(sha256sum <keepalived.deb | cut -d ' ' -f 1)"
  } >Packages
  echo 'deb [trusted=yes] file:/srv/lab-upgrade ./' >/etc/apt/sources.list.d/lab-upgrade.list
  echo "$version"`;

test("who takes over sends no new connection to a drained real server, also where it was told of the old one before it had that server: nothing lost", async () => {
  configure(lossless);
  await up();
  const { ipv4, tap } = findHost("web1").public;
  const place = `-t ${virtualIp.ipv4}:80 -r ${ipv4}:80`;
  const active = await activeDirector();
  const standby = names.find((name) => name !== active) ?? "";
  let asked = "";
  const result = await under(300, async () => {
    await delay(2000);
    // As when the standby's check finds the real server well a second later than the active director's.
    await shell(standby, `ipvsadm -d ${place}`);
    await delay(1000);
    await shell(standby, `ipvsadm -a ${place} -g -w 1`);
    await delay(1000);
    const { exitCode } = await lvs("failover", "--yes", "--to", standby);
    expect(exitCode).toBe(0);
    for (const name of names) await shell(name, `ipvsadm -e ${place} -g -w 0`);
    await delay(500);
    const syns = `tcp[tcpflags] & (tcp-syn | tcp-ack) == tcp-syn and src ${client.ipv4}`;
    const listening = await listen(tap, ["-l", syns]);
    // The client's ports come round within eleven seconds.
    await delay(15_000);
    asked = (await listening.end()).trim();
    for (const name of names) await shell(name, `ipvsadm -e ${place} -g -w 1`);
  });
  expect(asked).toBe("");
  expect(result).toMatchObject({ lost: 0 });
});

test("50 bad configs that no schema has stopped: each director refuses them all, and the old ones go on serving", async () => {
  const before = await everywhere(`if [ -e ${conf} ]; then md5sum ${conf}; ${pid}; fi`);
  const refusesAll = async (name: string) => {
    const bad = Object.entries(badConfigs(await shell(name, `cat ${conf}`)));
    expect(bad.length).toBeGreaterThanOrEqual(50);
    for (const [what, text] of bad) {
      const { exitCode, stderr } = await onHost(
        name,
        `/usr/local/lib/lvs-ha/keepalived.sh apply "$(cat /var/lib/lvs-ha/owners/keepalived.sh)"`,
        { input: withEnd(`==> ${conf} <==\n${text}`) },
      );
      if (exitCode === 0) throw new Error(`${name} took ${what}:\n${stderr}`);
      expect(stderr).toContain("the config from before is serving");
    }
  };
  const result = await under(100, async () => {
    await Promise.all(names.map(refusesAll));
  });
  expect(result).toMatchObject({ lost: 0 });
  expect(await everywhere(`if [ -e ${conf} ]; then md5sum ${conf}; ${pid}; fi`)).toEqual(before);
  for (const name of names) expect(await shell(name, "ls /etc/keepalived")).not.toContain("new");
});

test("a lost state: up takes the running pair over without a restart or a reload, and nothing is lost", async () => {
  const before = await everywhere(pid);
  const reloads = "journalctl -b -u keepalived -o cat | grep -c '^Reloading' || [ $? = 1 ]";
  const reloaded = await everywhere(reloads);
  const result = await under(300, async () => {
    await loseState();
    await up();
  });
  const { sent, lost } = result;
  noteFault({ fault: "the state is lost", sent, lost, ended: "taken over by up" });
  expect(lost).toBe(0);
  expect(await everywhere(pid)).toEqual(before);
  expect(await everywhere(reloads)).toEqual(reloaded);
});

/** The state goes; the hosts stay as they are. */
async function loseState(): Promise<void> {
  await pulumi("stack", "rm", "--force", "--yes", "--preserve-config");
  await pulumi("stack", "init");
}
