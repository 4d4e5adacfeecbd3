/**
 * The operator's command on real hosts: what it finds, mends and moves, under load. Each test finds the lab as the one before left it.
 *
 * @set core
 * @topology dev
 * @budgetSeconds 200
 */
import { setTimeout as delay } from "node:timers/promises";
import { waitFor } from "../../lab/waitFor";
import type { KeepAlivePlan } from "../../lab/keepAliveClient";
import { activeDirector, directors, inClient, ipvsTable, requests, virtualIp } from "./lab";

import type { Status } from "../../ops/status/look";
import type { ThroughVip } from "../../ops/verify/through";
import type { Verification } from "../../ops/verify/verify";
import { configure, lossless, nobodyAsks, shell, up } from "./stack";
import type { Drained } from "./operatorCommands";
import { told, done, withoutLoss, healthy, addressOf, weights, openOf } from "./operatorCommands";

beforeAll(async () => {
  configure((stack) => {
    nobodyAsks(stack);
    lossless(stack);
  });
  await up();
  await healthy();
});

test("a pair that was just applied is healthy, and as the stack says", async () => {
  const status = JSON.parse(await done("status", "--json")) as Status;
  expect([status.healthy, status.virtualAddresses[0]?.holders?.length]).toEqual([true, 1]);
  const { clean, throughVip } = JSON.parse(await done("verify", "--json")) as Verification & {
    throughVip: ThroughVip[];
  };
  expect(clean).toBe(true);
  expect(throughVip.map(({ service, problem }) => [service, problem])).toEqual([
    [`TCP ${virtualIp.ipv4}:80`, null],
  ]);
  expect(throughVip[0]?.answer).toEqual(expect.any(String));
});

test("a sysctl that a later file sets otherwise at the next boot is named by verify, and systemd does so", async () => {
  const own = "/etc/sysctl.d/99-own.conf";
  const boot = "/lib/systemd/systemd-sysctl && sysctl -n net.ipv4.tcp_synack_retries";
  await shell("lvs1", `echo net.ipv4.tcp_synack_retries=5 >${own}`);
  try {
    const { stdout, exitCode } = await told("verify", "--json");
    expect(exitCode).toBe(1);
    const { hosts } = JSON.parse(stdout) as Verification;
    expect(hosts.flatMap(({ drifts }) => (drifts ?? []).flatMap(({ diff }) => diff))).toContain(
      `+${own}:1: net.ipv4.tcp_synack_retries = 5, in place of 2`,
    );
    expect(await shell("lvs1", boot)).toBe("5");
  } finally {
    expect(await shell("lvs1", `rm ${own}; ${boot}`)).toBe("2");
  }
});

describe("what somebody has changed by hand", () => {
  const conf = "/etc/keepalived/keepalived.conf";
  const sysctls = "/etc/sysctl.d/90-lvs-ha.conf";
  const script = "/usr/local/lib/lvs-ha/vip.sh";
  const unit = "/etc/systemd/system/lvs-ha-vip.service";
  const vip = virtualIp.ipv4;

  test("is named by verify, line by line", async () => {
    await shell("lvs1", "sysctl -qw net.ipv4.tcp_synack_retries=5");
    await shell("lvs1", `chmod 0644 ${conf}`);
    await shell("lvs2", `ipvsadm -e -t ${vip}:80 -r ${addressOf("web2")}:80 -g -w 7`);
    await shell("web1", `echo '# by hand' >>${sysctls}`);
    await shell("web1", `echo '# by hand' >>${script}`);
    await shell("web2", `echo '# by hand' >>${unit}`);
    await shell("web3", `ip addr del ${vip}/32 dev lo`);
    const { stdout, exitCode } = await told("verify", "--json");
    expect(exitCode).toBe(1);
    const { hosts } = JSON.parse(stdout) as Verification;
    const drifts = hosts.flatMap(({ name, drifts: found }) =>
      (found ?? []).map(({ title, diff }) => [
        name,
        title,
        diff.filter((line) => /^[-+]/.test(line)),
      ]),
    );
    expect(drifts).toEqual([
      ["lvs1", "sysctls", ["-net.ipv4.tcp_synack_retries = 2", "+net.ipv4.tcp_synack_retries = 5"]],
      ["lvs1", `mode of ${conf}`, ["-0640 root:root", "+0644 root:root"]],
      [
        "lvs2",
        "IPVS table",
        [`-  -> ${addressOf("web2")}:80 DR weight 1`, `+  -> ${addressOf("web2")}:80 DR weight 7`],
      ],
      ["web1", script, ["+# by hand"]],
      ["web1", sysctls, ["+# by hand"]],
      ["web2", unit, ["+# by hand"]],
      ["web3", "virtual addresses", [`-${vip} on lo`]],
    ]);
  });

  test("is mended by repair, with no request lost", async () => {
    // What web3 was sent until its check had failed is lost to whoever took its address away.
    for (const { name } of directors) {
      await waitFor(async () => !(await ipvsTable(name)).includes(`${addressOf("web3")}:80`), {
        what: `web3 is out of the pool on ${name}`,
        timeoutSeconds: 30,
      });
    }
    await withoutLoss(async () => {
      await done("repair", "--yes");
    });
    expect((JSON.parse(await done("verify", "--json")) as Verification).clean).toBe(true);
    expect(await shell("lvs1", `stat -c %a ${conf}; sysctl -n net.ipv4.tcp_synack_retries`)).toBe(
      "640\n2",
    );
    expect(await weights("web2")).toEqual(["1", "1"]);
    await healthy();
  });
});

describe("a real server", () => {
  test("that is drained gets nothing new and loses nothing, until it is undrained", async () => {
    await withoutLoss(async () => {
      expect(await done("drain", "web2")).toMatch(/no new connections; 0 open after/);
      expect(await weights("web2")).toEqual(["0", "0"]);
      expect((await requests()).byServer).not.toHaveProperty("web2");
      expect(await done("verify")).toContain("is drained: by lvs drain");
      await done("undrain", "web2");
      expect(await weights("web2")).toEqual(["1", "1"]);
      expect((await requests()).byServer).toHaveProperty("web2");
    });
  });

  test("is drained though the standby has not heard of connections' ends", async () => {
    const active = await activeDirector();
    const standby = directors.find(({ name }) => name !== active)?.name ?? "";
    const plan: KeepAlivePlan = {
      address: virtualIp.ipv4,
      port: 80,
      rate: 100,
      seconds: 15,
      requests: 3,
      heldMs: 3000,
    };
    const program = ["--import", "tsx", "lab/keepAliveClient.ts", JSON.stringify(plan)];
    const client = inClient(process.execPath, program, { timeoutSeconds: 120 });
    const hears = () => openOf("web2", standby);
    await waitFor(async () => (await hears()) > 0, {
      what: `${standby} is told of connections`,
      timeoutSeconds: 30,
    });
    // Until connections end as fast as they begin. What is told in the second after that, of ends too, is told once.
    await delay(4000);
    const deaf = "udp dport 8848 drop";
    await shell(
      standby,
      `nft 'table inet deaf { chain in { type filter hook input priority -300; ${deaf}; }; }'; sleep 1; nft delete table inet deaf`,
    );
    const { stdout, stderr, exitCode } = await client;
    expect([exitCode, JSON.parse(stdout)]).toEqual([0, { answered: 3 * 1500, lost: 0 }]);
    await waitFor(async () => (await openOf("web2", active)) === 0, {
      what: `${active} has no connection to web2: ${stderr}`,
      timeoutSeconds: 30,
    });
    // What connection sync still has to tell is told within some seconds.
    let ghosts = -1;
    await waitFor(
      async () => {
        const before = ghosts;
        ghosts = await hears();
        return ghosts === before;
      },
      { what: `${standby} is told no more`, timeoutSeconds: 60, intervalSeconds: 5 },
    );
    expect(ghosts).toBeGreaterThan(0);
    const { directors: told } = JSON.parse(await done("drain", "web2", "--json")) as Drained;
    expect(told.map(({ director, openConnections }) => [director, openConnections])).toEqual(
      directors.map(({ name }) => [name, 0]),
    );
    const heard = Object.fromEntries(told.map((one) => [one.director, one.heardConnections]));
    expect(heard).toEqual({ [active]: 0, [standby]: ghosts });
    await done("undrain", "web2");
    await healthy();
  });
});

describe("a standby that is not known to be fit", () => {
  /** What status says of it, once that is so; nobody hands over to it, or stops the other one. */
  async function isRefused(standby: string, state: string, why: string) {
    const active = await activeDirector();
    await waitFor(
      async () => {
        const { stdout, exitCode } = await told("status", "--json");
        const status = JSON.parse(stdout) as Status;
        const found = status.directors.find(({ name }) => name === standby)?.instances[0]?.state;
        return exitCode === 1 && !status.healthy && found === state;
      },
      { what: `lvs status has ${standby} in state ${state}`, timeoutSeconds: 30 },
    );
    for (const command of [
      ["failover", "--yes"],
      ["maintenance", "on", active, "--yes"],
    ]) {
      const { stderr, exitCode } = await told(...command);
      expect([command, exitCode, stderr]).toEqual([command, 1, expect.stringContaining(why)]);
      expect(await activeDirector()).toBe(active);
    }
  }
  const other = async () => {
    const active = await activeDirector();
    return directors.find(({ name }) => name !== active)?.name ?? "";
  };

  test("as its keepalived began with its interface down", async () => {
    const standby = await other();
    await shell(
      standby,
      "systemctl stop keepalived; ip link set eth1 down; systemctl start keepalived",
    );
    try {
      await isRefused(standby, "FAULT", `${standby} is in FAULT state`);
    } finally {
      await shell(standby, "ip link set eth1 up; systemctl restart keepalived");
    }
    await healthy();
  });

  test("as its journal no longer has what keepalived said", async () => {
    const standby = await other();
    await shell(standby, "journalctl -q --rotate; journalctl -q --vacuum-time=1s");
    await isRefused(standby, "unknown", `${standby} is in a state that is not known`);
    await shell(standby, "systemctl restart keepalived");
    await healthy();
  });
});

describe("the active director", () => {
  test("fails over in one step, and stands by; nothing is lost", async () => {
    const before = await activeDirector();
    const result = await withoutLoss(async () => {
      const told = JSON.parse(await done("failover", "--yes", "--json")) as {
        milliseconds: number;
        standsBy: boolean;
      };
      expect(told.standsBy).toBe(true);
      expect(await activeDirector()).not.toBe(before);
    });
    expect(result.longestGapMs).toBeLessThan(3000);
    await healthy();
    const active = await activeDirector();
    expect(await done("failover", "--yes", "--to", active)).toContain(
      `${active} is active already`,
    );
    expect(await activeDirector()).toBe(active);
  });
});
