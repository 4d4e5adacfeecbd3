/**
 * The claims that the product makes, end to end on real kernels. Each test finds the lab as the one before left it.
 *
 * @set core
 * @topology dev
 * @budgetSeconds 200
 */
import { setTimeout as delay } from "node:timers/promises";
import { waitFor } from "../../lab/waitFor";
import { summary } from "../../lab/load";
import { directors, inClient, ipvsTable, lab, onHost, requests, startLoad, virtualIp } from "./lab";
import { claims } from "../../lab/proof";
import { conf, offer } from "./keepalived";
import { added, configFile, configure, logins, pulumi, shell, tell, up } from "./stack";

const load = (seconds: number) =>
  startLoad({ address: virtualIp.ipv4, port: 80, rate: 100, seconds });

test("the first pulumi up has brought up the load balancer, and its outputs say so", async () => {
  configure();
  const { stdout } = await pulumi("stack", "output", "--json");
  const outputs = JSON.parse(stdout) as Record<string, unknown>;
  expect(outputs.virtualAddresses).toEqual([`${virtualIp.ipv4}/32`]);
  for (const { name } of directors) {
    expect((outputs.ipvsTables as Record<string, string[]>)[name]).toContain(
      `TCP  ${virtualIp.ipv4}:80 wrr`,
    );
  }
});

test.each(claims)("$claim", async ({ show }) => {
  await show(lab, tell, ["--config-file", configFile]);
});

test("a request that is lost is counted: the client's packets go nowhere for 5 s", async () => {
  const running = await load(20);
  await delay(1000);
  // To a MAC address that nobody has.
  const nowhere = ["lladdr", "02:00:00:00:ff:ff", "dev", "eth1", "nud", "permanent"];
  await inClient("ip", ["neigh", "replace", virtualIp.ipv4, ...nowhere]);
  await delay(5000);
  await inClient("ip", ["neigh", "del", virtualIp.ipv4, "dev", "eth1"]);
  await delay(1000);
  const { sent, answered, lost, slow } = await running.end();
  tell(`  ${sent} sent, ${answered} answered, ${lost} lost, ${slow} slow`);
  expect(sent).toBe(answered + lost);
  // A SYN is sent again after 1 s and after 3 s: who began in the first second of the five got none through within 4 s.
  expect(lost).toBeGreaterThan(50);
  expect(slow).toBeGreaterThan(100);
});

test("an up that has nothing to do opens no connection to any host", async () => {
  const before = await logins();
  await up("--expect-no-changes");
  expect(added(before, await logins())).toEqual({});
});

test("a changed weight previews as one changed line of each director's keepalived.conf, the same as data, and a question who is active", async () => {
  configure((stack) => {
    stack.realServers[1].weight = 5;
  });
  const before = await logins();
  const { stdout } = await pulumi("preview", "--diff");
  tell(stdout);
  const changed = stdout.split("\n").filter((line) => /^\s*[-+] /.test(line));
  const words = (line: string) =>
    line
      .trim()
      .replace(/\s+/g, " ")
      .replace(/[0-9a-f]{64}/, "SUM");
  const entry = `-a -t ${virtualIp.ipv4}:80 -r 192.0.2.22:80 -g -w`;
  expect(changed.map(words)).toEqual(
    directors.flatMap(() => [
      ...["- weight 1", "+ weight 5", "- =conf SUM", "+ =conf SUM"],
      ...[`- ${entry} 1`, `+ ${entry} 5`],
    ]),
  );
  expect(stdout).toMatch(/~ 4 to update\n +28 unchanged\n*$/);
  for (const { name } of directors) expect(stdout).toContain(`pair-${name}-join`);
  expect(added(before, await logins())).toEqual({});
});

test("and is applied in one connection a director, one to ask, and one that tells who changes it, with no request lost", async () => {
  const before = await logins();
  const running = await load(60);
  await up();
  const result = await running.end();
  tell(summary(result));
  expect(result).toMatchObject({ lost: 0, slow: 0 });
  expect(added(before, await logins())).toEqual(
    Object.fromEntries(directors.map(({ name }) => [name, 3])),
  );
  for (const { name } of directors) {
    expect(await ipvsTable(name)).toMatch(/-> 192\.0\.2\.22:80 +Route +5 /);
  }
});

test("a config that keepalived refuses changes nothing: its own words are the error, the old one serves", async () => {
  const [director] = directors;
  if (!director) throw new Error("no director");
  const before = await shell(director.name, `md5sum ${conf}; systemctl show -P MainPID keepalived`);
  const { stderr, exitCode } = await onHost(director.name, offer("s/wrr/wrrr/"));
  expect(exitCode).toBe(1);
  expect(stderr).toContain("Invalid lvs_scheduler 'wrrr'");
  expect(stderr).toContain("the config from before is serving");
  expect(await shell(director.name, `md5sum ${conf}; systemctl show -P MainPID keepalived`)).toBe(
    before,
  );
  expect(await shell(director.name, "ls /etc/keepalived")).not.toContain("lvs-ha");
});

test("a config that is right but never gets live is taken back", async () => {
  const [director] = directors;
  if (!director) throw new Error("no director");
  const before = await shell(director.name, `md5sum ${conf}`);
  const running = await load(60);
  // A scheduler whose module is not there: keepalived's own check cannot see it.
  const { stderr, exitCode } = await onHost(
    director.name,
    `f=$(modinfo -n ip_vs_nq) && rmmod ip_vs_nq 2>/dev/null; mv "$f" /root/held &&
      ${offer("s/wrr/nq/")}; code=$?; mv /root/held "$f"; exit $code`,
    { timeoutSeconds: 120 },
  );
  const result = await running.end();
  tell(stderr.trim());
  expect(exitCode).toBe(1);
  expect(stderr).toMatch(/not in the kernel: -A -t 192\.0\.2\.100:80 -s nq/);
  expect(await shell(director.name, `md5sum ${conf}`)).toBe(before);
  await waitFor(async () => (await ipvsTable(director.name)).includes(":80 wrr"), {
    what: "the old config is live again",
    timeoutSeconds: 10,
  });
  tell(`meanwhile: ${summary(result)}`);
  expect(result).toMatchObject({ lost: 0 });
});

test("bad input is told before any host is touched", async () => {
  configure((stack) => {
    stack.virtualServers[0].port = 0;
    stack.typo = 1;
  });
  const before = await logins();
  const { stdout, stderr, exitCode } = await pulumi("up", "--yes", "--skip-preview");
  configure();
  expect(exitCode).not.toBe(0);
  expect(stdout + stderr).toContain("the stack config has 2 errors; no host was touched");
  expect(stdout + stderr).toContain("virtualServers[0].port: 0 is not a port (1–65535)");
  expect(added(before, await logins())).toEqual({});
});

test("another host key than the pinned one: nothing runs", async () => {
  configure((stack) => {
    stack.realServers[1].hostKey = stack.realServers[0].hostKey;
    stack.ssh = { ...(stack.ssh as object), dialErrorLimit: 2 };
    stack.kernel = { realServerSysctls: { "net.core.somaxconn": 5000 } };
  });
  const before = await logins();
  const { stdout, exitCode } = await pulumi(
    "up",
    "--yes",
    "--skip-preview",
    "--target",
    "**web2**",
  );
  expect(exitCode).not.toBe(0);
  expect(stdout).toMatch(/pair-\S*web2\S*[^]*host key mismatch/);
  expect(added(before, await logins())).toEqual({});
});

test("a host that isn't what the config says is refused before anything on it changes", async () => {
  configure((stack) => {
    stack.directors[1] = { ...stack.directors[1], os: "debian13", vrrpAddress: "192.0.2.13/24" };
    stack.vrrp = { syncInterface: "eth7" };
    stack.kernel = { conntrackMax: 20000000 };
  });
  const state =
    "find /etc /usr/local/lib /var/lib/lvs-ha -newer /etc/keepalived/keepalived.conf -type f | sort";
  const before = await shell("lvs2", state);
  const { stdout, exitCode } = await pulumi(
    "up",
    "--yes",
    "--skip-preview",
    "--target",
    "**lvs2**",
  );
  expect(exitCode).not.toBe(0);
  expect(stdout).toContain("the stack config says debian 13, /etc/os-release says debian 12");
  // Where it is the active one, others are there, too.
  expect(stdout).toMatch(
    /interface eth1 does not have 192\.0\.2\.13\/24; it has: (\S+ )*192\.0\.2\.12\/24\b/,
  );
  expect(stdout).toContain("no interface eth7; this host has: ");
  expect(stdout).toMatch(/20000000 sessions x \d+ B = \d+ MiB when full, of \d+ MiB memory/);
  expect(stdout).toContain("lower kernel.conntrackMax");
  expect(stdout).toContain("4 found; nothing was changed on this host");
  expect(await shell("lvs2", state)).toBe(before);
  configure();
  await up();
});

test("a real server that is taken out of the stack leaves the directors before it loses the virtual IP; nothing is lost", async () => {
  configure((stack) => {
    stack.realServers.pop();
  });
  const running = await load(120);
  await up();
  const result = await running.end();
  tell(summary(result));
  expect(result).toMatchObject({ lost: 0 });
  expect(await shell("web3", "ip -4 -o addr show dev lo")).not.toContain(virtualIp.ipv4);
  expect(await shell("web3", "ls /usr/local/lib")).not.toContain("lvs-ha");
  for (const { name } of directors) expect(await ipvsTable(name)).not.toContain("192.0.2.23");
  configure();
  await up();
  expect(Object.keys((await requests()).byServer)).toContain("web3");
});
