// The operator's command on real hosts: what it finds, mends and moves, under load. Each test finds the lab as the one before left it.
import { virtualIp } from "../../lab/hosts";
import type { KeepAlivePlan } from "../../lab/keepAliveClient";
import { inClient, powerCut, powerOn, waitFor } from "../../lab/lab";
import type { LoadResult } from "../../lab/load";
import { activeDirector, directors, ipvsTable, realServers, requests } from "../../lab/measure";
import type { RunResult } from "../../lab/run";
import type { Status } from "../../ops/status/look";
import type { ThroughVip } from "../../ops/verify/through";
import type { Verification } from "../../ops/verify/verify";
import { configure, lvs, nobodyAsks, shell, tell, up } from "./stack";
import { underLoad } from "./underLoad";

/** The operator's command, told; how it ended is a result. */
async function told(...args: string[]): Promise<RunResult> {
  const result = await lvs(...args);
  tell(`lvs ${args.join(" ")}: ${result.exitCode}\n${result.stdout}${result.stderr}`.trimEnd());
  return result;
}

/** The same, which has to end with 0; what it printed. */
async function done(...args: string[]): Promise<string> {
  const { stdout, stderr, exitCode } = await told(...args);
  if (exitCode !== 0) throw new Error(`lvs ${args.join(" ")} ended with ${exitCode}: ${stderr}`);
  return stdout;
}

/** Does something while requests come, none of which may be lost. */
async function withoutLoss(work: () => Promise<void>): Promise<LoadResult> {
  const result = await underLoad({ rate: 50, seconds: 540 }, work);
  expect(result).toMatchObject({ lost: 0 });
  expect(result.answered).toBe(result.sent);
  return result;
}

const healthy = () =>
  waitFor(
    async () => {
      const { stdout } = await told("status", "--json");
      const { problems } = JSON.parse(stdout) as Status;
      if (problems.length === 0) return true;
      throw new Error(problems.map(({ text }) => text).join("; "));
    },
    { what: "lvs status finds nothing wrong", timeoutSeconds: 60, intervalSeconds: 2 },
  );

const webs = realServers.map(({ name }) => name);
const addressOf = (name: string) =>
  realServers.find((host) => host.name === name)?.interfaces[1].ipv4 ?? "";

/** Its weight in every director's kernel. */
const weights = (name: string) =>
  Promise.all(
    directors.map(async (director) => {
      const row = new RegExp(`-> ${addressOf(name)}:80 +Route +(\\d+) `);
      return row.exec(await ipvsTable(director.name))?.[1];
    }),
  );

/** Its connections that count as active in a director's kernel. */
async function openOf(name: string, director: string): Promise<number> {
  const row = new RegExp(`-> ${addressOf(name)}:80 +Route +\\d+ +(\\d+) `);
  return Number(row.exec(await ipvsTable(director))?.[1]);
}

/** Of `lvs drain --json`. */
interface Drained {
  directors: { director: string; openConnections: number; heardConnections: number }[];
}

beforeAll(async () => {
  configure(nobodyAsks);
  await up();
  await healthy();
});

test("a pair that was just applied is healthy, and as the stack says", async () => {
  const status = JSON.parse(await done("status", "--json")) as Status;
  expect([status.healthy, status.virtualAddresses[0]?.holders.length]).toEqual([true, 1]);
  const { clean, throughVip } = JSON.parse(await done("verify", "--json")) as Verification & {
    throughVip: ThroughVip[];
  };
  expect(clean).toBe(true);
  expect(throughVip.map(({ service, problem }) => [service, problem])).toEqual([
    [`TCP ${virtualIp.ipv4}:80`, null],
  ]);
  expect(throughVip[0]?.answer).toEqual(expect.any(String));
});

describe("what somebody has changed by hand", () => {
  const conf = "/etc/keepalived/keepalived.conf";
  const sysctls = "/etc/sysctl.d/90-lvs-ha.conf";
  const vip = virtualIp.ipv4;

  test("is named by verify, line by line", async () => {
    await shell("lvs1", "sysctl -qw net.ipv4.tcp_synack_retries=5");
    await shell("lvs1", `chmod 0644 ${conf}`);
    await shell("lvs2", `ipvsadm -e -t ${vip}:80 -r ${addressOf("web2")}:80 -g -w 7`);
    await shell("web1", `echo '# by hand' >>${sysctls}`);
    await shell("web3", `ip addr del ${vip}/32 dev lo`);
    const { stdout, exitCode } = await told("verify", "--json");
    expect(exitCode).toBe(1);
    const { hosts } = JSON.parse(stdout) as Verification;
    const drifts = hosts.flatMap(({ name, drifts: found }) =>
      found.map(({ title, diff }) => [name, title, diff.filter((line) => /^[-+]/.test(line))]),
    );
    expect(drifts).toEqual([
      ["lvs1", "sysctls", ["-net.ipv4.tcp_synack_retries = 2", "+net.ipv4.tcp_synack_retries = 5"]],
      ["lvs1", `mode of ${conf}`, ["-0640 root:root", "+0644 root:root"]],
      [
        "lvs2",
        "IPVS table",
        [`-  -> ${addressOf("web2")}:80 DR weight 1`, `+  -> ${addressOf("web2")}:80 DR weight 7`],
      ],
      ["web1", sysctls, ["+# by hand"]],
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
      expect((await requests(60)).byServer).not.toHaveProperty("web2");
      expect(await done("verify")).toContain("is drained: by lvs drain");
      await done("undrain", "web2");
      expect(await weights("web2")).toEqual(["1", "1"]);
      expect((await requests(60)).byServer).toHaveProperty("web2");
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
    // From connections of which it was told to the end of some of these.
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
    const ghosts = await hears();
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
      expect((await requests(60)).byServer).toHaveProperty("web3");
    });
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
