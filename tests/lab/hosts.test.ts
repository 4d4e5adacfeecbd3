/**
 * What becomes of hosts over their life with the stack: reboots, other names, another firewall, secrets, another deploy key.
 *
 * @set slice 7
 * @topology dev
 * @budgetSeconds 280
 */
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { waitFor } from "../../lab/waitFor";
import { summary } from "../../lab/load";
import {
  activeDirector,
  directors,
  hosts,
  ipvsTable,
  lab,
  onHost,
  powerCut,
  powerOn,
  realServers,
  requests,
  startLoad,
  virtualIp,
} from "./lab";
import { labPath } from "../../lab/instance";
import { bytes } from "./disturb";
import { configure, everywhere, nobodyAsks, pulumi, shell, tell, up } from "./stack";

const load = (seconds: number) =>
  startLoad({ address: virtualIp.ipv4, port: 80, rate: 100, seconds });

test("hosts that reboot come back as they were, to the byte", async () => {
  const active = await activeDirector();
  const standby = directors.find(({ name }) => name !== active)?.name ?? "";
  for (const name of ["web2", standby]) {
    const before = await shell(name, bytes);
    expect(before).toContain(name === standby ? `-t ${virtualIp.ipv4}:80` : `${virtualIp.ipv4}/32`);
    await powerCut(name);
    await powerOn(name);
    await waitFor(
      async () => {
        const now = await shell(name, bytes);
        if (now === before) return true;
        throw new Error(`it was:\n${before}\nand is:\n${now}`);
      },
      { what: `${name} is as it was`, timeoutSeconds: 30 },
    );
  }
  const result = await requests();
  expect(result).toMatchObject({ answered: 60 });
  expect(Object.keys(result.byServer).sort()).toEqual(realServers.map(({ name }) => name));
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

test("a renamed director goes on serving: the old name stops nothing of the new one's", async () => {
  const state = "systemctl show -P MainPID keepalived; systemctl is-enabled keepalived";
  const before = await shell("lvs2", state);
  configure((stack) => {
    stack.directors[1].name = "lb2";
  });
  const running = await load(240);
  await up();
  expect(await shell("lvs2", "ipvsadm -Sn")).toContain(`-t ${virtualIp.ipv4}:80`);
  expect(await shell("lvs2", state)).toBe(before);
  configure();
  await up();
  const result = await running.end();
  tell(summary(result));
  expect(result).toMatchObject({ lost: 0 });
  expect(await shell("lvs2", state)).toBe(before);
});

test("the nftables back end lets in what ufw did, and gives way to it again", async () => {
  for (const backend of ["nftables", "ufw"]) {
    configure((stack) => {
      stack.firewall = { backend };
      nobodyAsks(stack);
    });
    await up();
    const result = await requests({ count: 100 });
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
    await waitFor(
      async () => {
        const open = await shell(active, "ipvsadm -Lnc | grep ESTABLISHED || [ $? = 1 ]");
        if (open === "") return true;
        throw new Error(`${await ipvsTable(active)}\n${open}`);
      },
      { what: "no connection is left active on the director", timeoutSeconds: 30 },
    );
  }
});

test("the stack's table is there again after whatever nftables.service does, which flushes all tables", async () => {
  const list = "nft -s list table inet lvs_ha";
  const before = await shell("lvs2", list);
  // Its first start flushes it for good, as docs/operations.md says.
  await shell("lvs2", "systemctl start nftables && systemctl restart lvs-ha-firewall");
  try {
    for (const verb of ["restart", "reload", "restart", "start"]) {
      if (verb === "start") await shell("lvs2", "systemctl stop nftables");
      await shell("lvs2", `systemctl ${verb} nftables`);
      // systemctl doesn't wait for what a unit's job brings with it.
      await waitFor(
        async () => (await shell("lvs2", "nft list tables")).includes("table inet lvs_ha"),
        { what: `the table is there after ${verb}`, timeoutSeconds: 5, intervalSeconds: 0.2 },
      );
      expect([verb, await shell("lvs2", list)]).toEqual([verb, before]);
    }
  } finally {
    // Flushed, too, were ufw's own rules.
    await shell("lvs2", "systemctl stop nftables; systemctl restart lvs-ha-firewall && ufw reload");
  }
});

test("no secret is in plain text: not in state, output, errors or process lists", async () => {
  const bootstrapKey = readFileSync(labPath(lab, "bootstrap_key"), "utf8");
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
  for (const file of readdirSync(labPath(lab, "pulumi"), {
    recursive: true,
    withFileTypes: true,
  })) {
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
