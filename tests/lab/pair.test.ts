// The claims that the product makes, end to end on real kernels. Each test finds the lab as the one before left it.
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { hosts, virtualIp } from "../../lab/hosts";
import { onHost, powerCut, powerOn, waitFor } from "../../lab/lab";
import { startLoad, summary } from "../../lab/load";
import { activeDirector, directors, ipvsTable, realServers, requests } from "../../lab/measure";
import { statePath } from "../../lab/paths";
import { claims } from "../../lab/proof";
import { conf, offer } from "./keepalived";
import { added, configure, everywhere, logins, nobodyAsks, pulumi, shell, tell, up } from "./stack";

const load = (seconds: number) =>
  startLoad({ address: virtualIp.ipv4, port: 80, rate: 100, seconds });

test("pulumi up on the dev stack brings up the load balancer", async () => {
  configure();
  const began = Date.now();
  await up();
  tell(`pulumi up on new hosts: ${((Date.now() - began) / 1000).toFixed(0)} s`);
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
  await show(tell);
});

test("an up that has nothing to do opens no connection to any host", async () => {
  const before = await logins();
  await up("--expect-no-changes");
  expect(added(before, await logins())).toEqual({});
});

test("a changed weight previews as one changed line of each director's keepalived.conf, and nothing else", async () => {
  configure((stack) => {
    stack.realServers[1].weight = 5;
  });
  const before = await logins();
  const { stdout } = await pulumi("preview", "--diff");
  tell(stdout);
  const changed = stdout.split("\n").filter((line) => /^\s*[-+] /.test(line));
  expect(changed.map((line) => line.trim().replace(/\s+/g, " "))).toEqual(
    directors.flatMap(() => ["- weight 1", "+ weight 5"]),
  );
  expect(stdout).toMatch(/~ 2 to update\n +44 unchanged\n*$/);
  expect(added(before, await logins())).toEqual({});
});

test("and is applied in one connection a director, with no request lost", async () => {
  const before = await logins();
  const running = await load(60);
  await up();
  const result = await running.end();
  tell(summary(result));
  expect(result).toMatchObject({ lost: 0, slow: 0 });
  expect(added(before, await logins())).toEqual(
    Object.fromEntries(directors.map(({ name }) => [name, 1])),
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
  expect(stdout).toMatch(/host key/i);
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
  expect(stdout).toContain("interface eth1 does not have 192.0.2.13/24; it has: 192.0.2.12/24");
  expect(stdout).toContain("no interface eth7; this host has: ");
  expect(stdout).toMatch(/20000000 sessions x \d+ B = \d+ MiB when full, of \d+ MiB memory/);
  expect(stdout).toContain("lower kernel.conntrackMax");
  expect(stdout).toContain("4 found; nothing was changed on this host");
  expect(await shell("lvs2", state)).toBe(before);
  configure();
  await up();
});

test("hosts that reboot come back as they were", async () => {
  const active = await activeDirector();
  const standby = directors.find(({ name }) => name !== active)?.name ?? "";
  for (const name of ["web2", standby]) {
    await powerCut(name);
    await powerOn(name);
  }
  const web2 = await shell(
    "web2",
    "ip -4 -o addr show dev lo; sysctl -n net.ipv4.conf.all.arp_ignore net.netfilter.nf_conntrack_max; ufw status | head -1",
  );
  expect(web2).toMatch(/192\.0\.2\.100\/32 .* lo:1/);
  expect(web2).toMatch(/\n1\n1000000\nStatus: active$/);
  await waitFor(async () => (await ipvsTable(standby)).includes("192.0.2.23:80"), {
    what: `${standby} has its IPVS table again`,
    timeoutSeconds: 30,
  });
  expect(
    await shell(
      standby,
      "sysctl -n net.netfilter.nf_conntrack_max; nft list table inet lvs_ha | grep -c notrack",
    ),
  ).toBe("2000000\n2");
  const result = await requests(60);
  expect(result).toMatchObject({ answered: 60 });
  expect(Object.keys(result.byServer).sort()).toEqual(realServers.map(({ name }) => name));
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
  expect(Object.keys((await requests(60)).byServer)).toContain("web3");
});

test("a renamed real server goes on answering: the old name undoes nothing of the new one's", async () => {
  configure((stack) => {
    stack.realServers[1].name = "www2";
  });
  const running = await load(120);
  await up();
  configure();
  await up();
  const result = await running.end();
  tell(summary(result));
  expect(result).toMatchObject({ lost: 0 });
  expect(await shell("web2", "ip -4 -o addr show dev lo")).toContain(`${virtualIp.ipv4}/32`);
});

test("the nftables back end lets in what ufw did, and gives way to it again", async () => {
  for (const backend of ["nftables", "ufw"]) {
    configure((stack) => {
      stack.firewall = { backend };
      nobodyAsks(stack);
    });
    await up();
    const result = await requests(100);
    tell(`${backend}: ${summary(result)}`);
    expect(result).toMatchObject({ answered: 100, slow: 0 });
    const status = await everywhere("ufw status | head -1");
    expect(new Set(Object.values(status))).toEqual(
      new Set([`Status: ${backend === "ufw" ? "active" : "inactive"}`]),
    );
    const filters = await everywhere(
      "nft list table inet lvs_ha 2>/dev/null | grep -c 'policy drop' || true",
    );
    const filtering = new Set(Object.values(filters));
    expect(filtering).toEqual(new Set([backend === "nftables" ? "1" : "0"]));
    // Direct routing: a director that tracked its half of the flows would never see them end.
    const active = await activeDirector();
    await waitFor(async () => !/Route +\d+ +[1-9]\d* /.test(await ipvsTable(active)), {
      what: "no connection is left active on the director",
      timeoutSeconds: 30,
    });
  }
});

test("no secret is in plain text: not in state, output, errors or process lists", async () => {
  const bootstrapKey = readFileSync(statePath("bootstrap_key"), "utf8");
  const authPass = "cAnArY42";
  configure((stack) => {
    stack.vrrp = { version: 2, advertIntervalSeconds: 1 };
    nobodyAsks(stack);
  });
  const said: string[] = [];
  const note = async (result: ReturnType<typeof pulumi>) => {
    const { stdout, stderr, exitCode } = await result;
    said.push(stdout, stderr);
    return exitCode;
  };
  await note(pulumi("config", "set", "--secret", "vrrpAuthPass", authPass));
  await note(pulumi("config", "set", "--secret", "sshPrivateKey", "--", bootstrapKey));
  // Every command line and environment on the hosts, over and over, until told to stop.
  const watch =
    "rm -f /run/enough; while [ ! -e /run/enough ]; do cat /proc/[0-9]*/cmdline /proc/[0-9]*/environ 2>/dev/null; sleep 0.02; done | tr '\\0' '\\n' | awk '!known[$0]++' >/run/seen";
  const watching = directors.map(({ name }) => onHost(name, watch, { timeoutSeconds: 300 }));
  expect(await note(pulumi("preview", "--diff"))).toBe(0);
  expect(await note(pulumi("up", "--yes", "--diff"))).toBe(0);
  for (const { name } of directors) {
    expect(
      await shell(
        name,
        "stat -c %a%U /etc/keepalived/lvs-ha-secrets.conf; cat /etc/keepalived/lvs-ha-secrets.conf",
      ),
    ).toBe(`600root\nauth_pass ${authPass}`);
  }
  // A failing command prints itself and what it said.
  const blocker = "/etc/keepalived/lvs-ha-secrets.conf.lvs-ha-new";
  await Promise.all(directors.map(({ name }) => shell(name, `mkdir ${blocker}`)));
  await note(pulumi("config", "set", "--secret", "vrrpAuthPass", `${authPass.slice(0, 7)}3`));
  expect(await note(pulumi("up", "--yes", "--diff"))).not.toBe(0);
  await Promise.all(directors.map(({ name }) => shell(name, `rmdir ${blocker}`)));
  await note(pulumi("stack", "output", "--json"));
  await note(pulumi("stack", "export"));

  const { stdout: shown } = await pulumi("stack", "export", "--show-secrets");
  const deployKey = /-----BEGIN OPENSSH PRIVATE KEY-----(?:(?!-----END).)+/.exec(shown)?.[0];
  // Of a key, the line that holds the private half; the ones before it are the same in every key, or public.
  const privateLine = (key: string | undefined) => key?.split(/(?:\\+n|\n)/)[3] ?? "";
  const canaries = [authPass.slice(0, 7), privateLine(deployKey), privateLine(bootstrapKey)];
  expect(canaries.map((canary) => canary.length >= 7)).toEqual([true, true, true]);

  const seen: Record<string, string> = { "what the engine said": said.join("\n") };
  for (const file of readdirSync(statePath("pulumi"), { recursive: true, withFileTypes: true })) {
    if (file.isFile()) seen[file.name] = readFileSync(join(file.parentPath, file.name), "utf8");
  }
  for (const [i, { name }] of directors.entries()) {
    await shell(name, "touch /run/enough");
    await watching[i];
    seen[`processes of ${name}`] = await shell(name, "cat /run/seen");
    seen[`log of ${name}`] = await shell(name, "journalctl -b --no-pager | tail -n 3000");
  }
  expect(seen["what the engine said"]).toContain("-secrets");
  expect(seen[`processes of ${directors[0]?.name ?? ""}`]).toContain("secrets.sh");
  expect(seen["dev.json"]).toContain("keepalived.conf");
  for (const [where, text] of Object.entries(seen)) {
    for (const canary of canaries) {
      if (text.includes(canary))
        throw new Error(`the canary ${canary} is in plain text in ${where}`);
    }
  }
  configure(nobodyAsks);
  await up();
});

test("the deploy key is rotated by replacing it: hosts then take the new one only", async () => {
  const keys =
    "cat /root/.ssh/authorized_keys /home/*/.ssh/authorized_keys 2>/dev/null | grep lvs-ha:";
  const before = await everywhere(keys);
  const { stdout } = await pulumi("stack", "--show-urns");
  const urn = /(urn:\S*pair-ssh-deploy-key)/.exec(stdout)?.[1] ?? "";
  await up("--replace", urn);
  const after = await everywhere(keys);
  for (const { name } of hosts) {
    expect(after[name]).toMatch(/^ssh-ed25519 \S+ lvs-ha:dev:pair-ssh-\S+$/);
    expect(after[name]).not.toBe(before[name]);
  }
});
