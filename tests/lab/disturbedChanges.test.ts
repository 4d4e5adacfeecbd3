/**
 * What goes wrong while the stack is changed. One rerun of `pulumi up` ends each in the same bytes on every host.
 *
 * @set slice 8
 * @topology dev
 * @budgetSeconds 480
 */
import { setTimeout as delay } from "node:timers/promises";
import { waitFor } from "../../lab/waitFor";
import { activeDirector, findHost, hosts, ipvsTable, onHost, powerCut, powerOn } from "./lab";
import { fault } from "./fault";
import { conf, transitions } from "./keepalived";
import { configure, everywhere, pulumi, shell, up } from "./stack";
import {
  sameBytes,
  side,
  turn,
  converges,
  startUp,
  saidBy,
  untilDone,
  standby,
  isChanged,
  changeAndBack,
} from "./disturb";

changeAndBack();

test("kill -9 of the engine, or the operator's Ctrl-C, at one step boundary after the other", async () => {
  await fault("the engine killed (-9) or interrupted at one step after the other", async () => {
    let kills = 0;
    // Each of the three ways three times at least. A machine that is fast is done with one change before that.
    while (kills < 9) {
      turn();
      while (await isCut(kills)) {
        kills++;
        await pulumi("cancel", "--yes");
        if (kills > 80) throw new Error("no end in sight");
      }
      await converges();
    }
    return `${kills} times, then the same bytes`;
  });
}, 900_000);

/** Runs `pulumi up` and ends it at its next step boundary; false where it has none left. */
async function isCut(kills: number): Promise<boolean> {
  const running = await startUp();
  if (!(await untilDone(running, 1))) {
    const { exitCode: code } = await running.ended;
    if (code !== 0) throw new Error(`ended with ${code}:\n${saidBy(running)}`);
    return false;
  }
  // Now before it has noted what is done, now after that. With its plugins, as when the machine it runs on dies. Or by Ctrl-C.
  await delay(kills % 3 === 0 ? 1000 : 0);
  if (running.hasEnded()) {
    expect((await running.ended).exitCode).toBe(0);
    return false;
  }
  if (kills % 3 === 2) running.signal("SIGINT");
  else running.signal("SIGKILL", "group");
  await running.ended;
  return true;
}

test("the operator's Ctrl-C halfway", async () => {
  await fault("Ctrl-C halfway", async () => {
    turn();
    const running = await startUp();
    await untilDone(running, 5);
    running.signal("SIGINT");
    expect((await running.ended).exitCode).not.toBe(0);
    await converges();
    return sameBytes;
  });
});

test("a host's script killed at any moment: the old config or the new one is whole and serves, and the next run takes it up", async () => {
  const name = await standby();
  await fault("host script killed (-9) at 16 moments", async () => {
    let hits = 0;
    for (let i = 0; i < 16; i++) {
      const seconds = (0.03 + i * 0.05).toFixed(2);
      const old = await shell(name, `cat ${conf}`);
      const { exitCode } = await onHost(
        name,
        `{ echo '==> ${conf} <=='; sed 's/weight 7/weight ${20 + i}/; s/weight 1$/weight ${40 + i}/' ${conf}; echo '==> end <=='; } >/root/offer; timeout -s KILL ${seconds} /usr/local/lib/lvs-ha/keepalived.sh apply "$(cat /var/lib/lvs-ha/owners/keepalived.sh)" </root/offer`,
      );
      if (exitCode === 137) hits++;
      const offered = await shell(name, "sed '1d;$d' /root/offer");
      expect([old, offered]).toContain(await shell(name, `cat ${conf}`));
      expect(await shell(name, "systemctl is-active keepalived")).toBe("active");
    }
    // Later moments find the script done; earlier ones must have met it at work.
    expect(hits).toBeGreaterThanOrEqual(8);
    await shell(name, "rm /root/offer");
    turn();
    await converges();
    return `${hits} of 16 met it at work; ${sameBytes}`;
  });
});

test("a director whose power is cut before its config is proven starts with the one from before", async () => {
  const name = await standby();
  await fault("power cut between the swap of a config and its proof", async () => {
    const old = await shell(name, `cat ${conf}`);
    const journal = "/var/lib/lvs-ha/changes/keepalived.sh/files";
    await shell(
      name,
      [
        `{ echo '==> ${conf} <=='; sed 's/weight 7/weight 60/; s/weight 1$/weight 61/' ${conf}; echo '==> end <=='; } >/root/offer`,
        `cp ${conf} /root/old`,
        `setsid /usr/local/lib/lvs-ha/keepalived.sh apply "$(cat /var/lib/lvs-ha/owners/keepalived.sh)" </root/offer >/root/said 2>&1 & run=$!`,
        `while kill -0 $run && cmp -s /root/old ${conf}; do :; done`,
        "kill -KILL -- -$run",
        `test -e ${journal}`,
      ].join("\n"),
    );
    expect(await shell(name, `cat ${conf}`)).not.toBe(old);
    await powerCut(name);
    await powerOn(name);
    expect(await shell(name, `cat ${conf}`)).toBe(old);
    // Before anything of the stack's began, and with the root file system writable.
    const since = "systemctl show --property=ExecMainStartTimestampMonotonic --value";
    const exit = "systemctl show --property=ExecMainExitTimestampMonotonic --value";
    const told = await shell(
      name,
      [
        "systemctl show --property=Result --value lvs-ha-rollback.service",
        "journalctl -b -q -o cat -u lvs-ha-rollback.service | grep -c 'put back the files of'",
        `for unit in lvs-ha-firewall keepalived; do test "$(${exit} lvs-ha-rollback.service)" -lt "$(${since} $unit.service)" && echo "before $unit"; done`,
        "systemctl is-active keepalived",
      ].join("\n"),
    );
    expect(told.split("\n")).toEqual([
      "success",
      "1",
      "before lvs-ha-firewall",
      "before keepalived",
      "active",
    ]);
    await shell(name, "rm /root/offer /root/old /root/said");
    turn();
    await converges();
    return `the config from before; ${sameBytes}`;
  });
}, 600_000);

test("a host whose power is cut while it is changed", async () => {
  await fault(
    "real server's power cut while it is changed",
    async () => {
      turn();
      // Where all change at once, the one that is left to serve may be this one.
      configure((stack) => {
        side()(stack);
        stack.rollout = { maxUnavailable: 2 };
      });
      const running = await startUp();
      const isChanging = () => /pair-web2-system .*(kernel|firewall|vip): /.test(saidBy(running));
      await waitFor(() => Promise.resolve(isChanging()), {
        what: "web2 is being changed",
        timeoutSeconds: 120,
      });
      await powerCut("web2");
      await powerOn("web2");
      await running.ended;
      await converges();
      return sameBytes;
    },
    // It had been drained: only checks that found it well again before it was gone can lose any.
    50,
  );
});

test("a real server and the standby director are off, in maintenance: up ends clearly, and the others converge", async () => {
  const off = ["web3", await standby()];
  await fault(
    "a real server and the standby are off meanwhile",
    async () => {
      await Promise.all(off.map(powerCut));
      await waitFor(
        async () => !(await ipvsTable(await activeDirector())).includes("192.0.2.23:80"),
        {
          what: "web3 is out of the pool",
          timeoutSeconds: 60,
        },
      );
      turn();
      configure((stack) => {
        side()(stack);
        stack.maintenance = off;
      });
      const { exitCode, stdout } = await pulumi(
        "up",
        "--yes",
        "--skip-preview",
        "--continue-on-error",
      );
      expect(exitCode).not.toBe(0);
      for (const name of off) {
        const where = `${findHost(name).private.ipv4}:22`.replaceAll(".", "\\.");
        expect(stdout).toMatch(new RegExp(`pair-${name}-\\S+ .*failed.* error: .*${where}`));
      }
      for (const { name } of hosts.filter((host) => !off.includes(host.name))) {
        expect(await shell(name, "sysctl -n net.core.somaxconn")).toBe(
          isChanged() ? "4321" : "4096",
        );
      }
      await Promise.all(off.map(powerOn));
      configure(side());
      await converges();
      return "the others changed; these followed in one rerun: the same bytes";
    },
    // A third of the requests, until web3's check has failed: 3 s between checks, two of 3 s, and one between these.
    11 * 34,
  );
});

test("the package manager's lock is held by somebody else: up waits for it", async () => {
  await fault("dpkg's lock held for 15 s", async () => {
    await shell("lvs2", "dpkg --purge tree 2>/dev/null");
    const held = onHost(
      "lvs2",
      `perl -e 'open(F, ">", "/var/lib/dpkg/lock-frontend"); fcntl(F, 7, pack("s s x4 q q i x4", 1, 0, 0, 0, 0)) or die; sleep 15'`,
    ).then(() => Date.now());
    const applied = withPackage("tree").then(() => Date.now());
    expect(await applied).toBeGreaterThan(await held);
    expect(await shell("lvs2", "command -v tree")).toBe("/usr/bin/tree");
    await converges();
    return sameBytes;
  });
});

test("a host's package source is down: the error says so, and the packages come with the next run", async () => {
  await fault("package source down on one host", async () => {
    const down = "/etc/apt/apt.conf.d/zz-source-down";
    await shell(
      "web2",
      `dpkg --purge ncdu 2>/dev/null; apt-get clean; echo 'Acquire::http::Proxy "http://127.0.0.1:9";' >${down}`,
    );
    await expect(withPackage("ncdu")).rejects.toThrow(
      /ncdu[^]*Connection refused|Connection refused[^]*ncdu/,
    );
    await shell("web2", `rm ${down}`);
    await withPackage("ncdu");
    expect(await shell("web2", "command -v ncdu")).toBe("/usr/bin/ncdu");
    await converges();
    return sameBytes;
  });
});

/** The stack with one package more on every host. */
async function withPackage(name: string): Promise<void> {
  const now = side();
  configure((stack) => {
    now(stack);
    stack.packages = ["curl", name];
  });
  try {
    await up();
  } finally {
    configure(now);
  }
}

test("two runs at once: the second is refused, the first goes through", async () => {
  await fault("two runs at once", async () => {
    turn();
    const first = await startUp();
    await untilDone(first, 1);
    const second = await pulumi("up", "--yes", "--skip-preview");
    expect(second.exitCode).not.toBe(0);
    expect(second.stdout + second.stderr).toContain("locked by");
    expect((await first.ended).exitCode).toBe(0);
    await converges();
    return "the second refused, the first went through";
  });
});

test("the active director's clock jumps an hour while it is changed: no transition, and the change goes through", async () => {
  await fault("clock jumps an hour, forth and back", async () => {
    const active = await activeDirector();
    const before = await everywhere(transitions);
    turn();
    const running = await startUp();
    await waitFor(
      () =>
        Promise.resolve(
          running.hasEnded() || saidBy(running).includes(`pair-${active}-keepalived`),
        ),
      {
        what: `${active} is being changed`,
        timeoutSeconds: 300,
        intervalSeconds: 0.02,
      },
    );
    await shell(active, "date -s '+1 hour' >/dev/null");
    expect((await running.ended).exitCode).toBe(0);
    await shell(active, "date -s '-1 hour' >/dev/null");
    expect(await everywhere(transitions)).toEqual(before);
    await converges();
    return "no transition, the change went through";
  });
});
