// What an operator does with live traffic, under load: new connections at a steady rate, none tried again, lost = no answer in 4 s.
import { setTimeout as delay } from "node:timers/promises";
import { client, findHost, virtualIp } from "../../lab/hosts";
import { onHost, powerCut, powerOn, waitFor } from "../../lab/lab";
import { activeDirector, directors, ipvsTable, realServers } from "../../lab/measure";
import { listen } from "../../lab/tcpdump";
import { badConfigs } from "../support/badConfigs";
import type { Stack } from "../support/stacks";
import { noteFault } from "./faultMatrix";
import { conf, offer, pid, transitions } from "./keepalived";
import { configure, everywhere, lvs, nobodyAsks, pulumi, shell, tell, up } from "./stack";
import { underLoad } from "./underLoad";

/** Requests to the end of the work; longer than a test may take. */
const under = (rate: number, work: () => Promise<void>) => underLoad({ rate, seconds: 1180 }, work);

const names = directors.map(({ name }) => name);

/** Waits, as an operator does before a real server is switched off or removed, until the active director has no connection to it open. */
const noneOpen = async (name: string) => {
  const address = realServers.find((host) => host.name === name)?.interfaces[1].ipv4 ?? "";
  const drained = new RegExp(`${address.replaceAll(".", "\\.")}:80 +Route +0 +0 `);
  await waitFor(async () => drained.test(await ipvsTable(await activeDirector())), {
    what: `${name} has no open connection`,
    timeoutSeconds: 60,
  });
};

beforeAll(async () => {
  configure(nobodyAsks);
  await up();
});

test("20 config changes in 60 s under 300 requests a second: no VRRP transition, nothing lost", async () => {
  const before = await everywhere(transitions);
  const began = Date.now();
  const sizes = new Set<string | undefined>();
  const result = await under(300, async () => {
    for (let i = 0; i < 20; i++) {
      // The next whole turn: 20 changes, a director each, in 60 s.
      await delay(Math.max(0, began + i * 3000 - Date.now()));
      const { exitCode, stderr } = await onHost(
        names[i % 2] ?? "",
        offer(`/web2/,/weight/s/weight [0-9]*/weight ${2 + i}/`),
      );
      expect([exitCode, exitCode === 0 ? "" : stderr]).toEqual([0, ""]);
      const [, size] = /\(size=(\d+)\)/.exec(await ipvsTable(await activeDirector())) ?? [];
      sizes.add(size);
    }
  });
  tell(`  20 changes in ${((Date.now() - began) / 1000).toFixed(0)} s`);
  expect(Date.now() - began).toBeLessThan(75_000);
  expect(result).toMatchObject({ lost: 0 });
  // What was being scheduled anew while the connection table is resized could go astray.
  expect(sizes.size).toBe(1);
  for (const name of names) {
    expect(await shell(name, transitions)).toBe(before[name]);
    expect(await ipvsTable(name)).toMatch(/192\.0\.2\.22:80 +Route +(20|21) /);
  }
  // The hosts are not what the stack says now; a change of it brings both together.
  configure((stack) => {
    stack.realServers[1].weight = 2;
  });
  await up();
});

test("a real server is drained, removed, added again and reweighed: nothing lost", async () => {
  const result = await under(300, async () => {
    configure((stack) => {
      stack.maintenance = ["web2"];
    });
    await up();
    for (const name of names) expect(await ipvsTable(name)).toMatch(/192\.0\.2\.22:80 +Route +0 /);
    await noneOpen("web2");
    configure((stack) => {
      stack.realServers.splice(1, 1);
    });
    await up();
    configure();
    await up();
    configure((stack) => {
      stack.realServers[1].weight = 3;
    });
    await up();
  });
  expect(result).toMatchObject({ lost: 0 });
  expect(result.byServer.web2).toBeGreaterThan(0);
});

test("a change of the real servers goes through them one at a time, each drained: nothing lost", async () => {
  configure((stack) => {
    stack.kernel = { realServerSysctls: { "net.core.somaxconn": 5000 } };
  });
  const result = await under(300, async () => {
    const said = await up();
    for (const { interfaces } of realServers) {
      expect(said).toContain(`drain: ${interfaces[1].ipv4}: no new connections`);
      expect(said).toContain(`drain: ${interfaces[1].ipv4}: in again`);
    }
  });
  expect(result).toMatchObject({ lost: 0 });
  expect(new Set(Object.values(await everywhere("sysctl -n net.core.somaxconn"))).has("5000")).toBe(
    true,
  );
});

test("a change that breaks the first real server stops there, and going back puts it in again: nothing lost", async () => {
  configure();
  await up();
  const old = await shell("web2", "sysctl -n net.core.somaxconn");
  // Whatever the change is: the service is gone once it is there.
  const broken =
    "systemd-run --quiet --collect --unit=lab-break --path-property=PathChanged=/etc/sysctl.d/90-lvs-ha.conf";
  await shell("web1", `${broken} systemctl stop nginx`);
  const result = await under(300, async () => {
    configure((stack) => {
      stack.kernel = { realServerSysctls: { "net.core.somaxconn": 5100 } };
    });
    const { exitCode, stdout } = await pulumi("up", "--yes", "--skip-preview");
    expect(exitCode).not.toBe(0);
    expect(stdout).toMatch(/pair-web1-restore-.*192\.0\.2\.21 is out of .* its check fails/);
    for (const name of ["web2", "web3"]) {
      expect(await shell(name, "sysctl -n net.core.somaxconn")).toBe(old);
    }
    await shell("web1", "systemctl stop lab-break.path; systemctl start nginx");
    configure();
    await up();
  });
  expect(result).toMatchObject({ lost: 0 });
  for (const name of names) expect(await ipvsTable(name)).toMatch(/192\.0\.2\.21:80 +Route +1 /);
});

test("a check that nobody passes stops at the standby, whose old one is back; the active director isn't touched: nothing lost", async () => {
  // Directors change by their priorities: the lower one is the standby, unless there was a failover since.
  const [active = ""] = names;
  const { exitCode: moved } = await lvs("failover", "--yes", "--to", active);
  expect(moved).toBe(0);
  const state = `${pid}; md5sum ${conf}`;
  const before = await everywhere(`if [ -e ${conf} ]; then ${state}; fi`);
  const result = await under(300, async () => {
    configure((stack) => {
      stack.virtualServers[0].checks = [{ type: "http", urls: [{ path: "/", status: [204] }] }];
    });
    const { exitCode, stdout } = await pulumi("up", "--yes", "--skip-preview");
    expect(exitCode).not.toBe(0);
    expect(stdout).toContain("every real server fails the checks that have changed");
    expect(await everywhere(`if [ -e ${conf} ]; then ${state}; fi`)).toEqual(before);
    configure();
    await up();
  });
  expect(result).toMatchObject({ lost: 0 });
  expect(await activeDirector()).toBe(active);
});

/** Requests under way survive a failover where both directors compute the same real server for them. */
const lossless = (stack: Stack): void => {
  Object.assign(stack.virtualServers[0], { scheduler: "mh", schedulerFlags: ["mh-port"] });
  stack.kernel = { sloppyTcp: true };
};

test("every host is rebooted in maintenance: nothing lost", async () => {
  const hosts = [...realServers, ...directors].map(({ name }) => name);
  const inMaintenance = (maintenance: string[]) => {
    configure((stack) => {
      lossless(stack);
      stack.maintenance = maintenance;
    });
  };
  inMaintenance([]);
  await up();
  const began = Date.now();
  const result = await under(300, async () => {
    for (const name of hosts) {
      inMaintenance([name]);
      await up();
      if (names.includes(name)) {
        expect(await shell(name, "systemctl is-active keepalived || true")).toBe("inactive");
      } else {
        await delay(3000);
        await noneOpen(name);
      }
      await powerCut(name);
      await powerOn(name);
      inMaintenance([]);
      await up();
      tell(
        `  ${name} has been away; ${((Date.now() - began) / 1000).toFixed(0)} s since the beginning`,
      );
    }
  });
  expect(result).toMatchObject({ lost: 0 });
  for (const name of names) {
    expect(
      await shell(name, "systemctl is-active keepalived; systemctl is-enabled keepalived"),
    ).toBe("active\nenabled");
  }
}, 1_200_000);

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
  const { ipv4, tap } = findHost("web1").interfaces[1];
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
        { input: `==> ${conf} <==\n${text}` },
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
