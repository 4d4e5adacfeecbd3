// What goes wrong while the stack is changed. One rerun of `pulumi up` ends each in the same bytes on every host.
import { setTimeout as delay } from "node:timers/promises";
import { findHost, hosts, namespaces } from "../../lab/hosts";
import { guests, labEnv, onHost, powerCut, powerOn, waitFor } from "../../lab/lab";
import { activeDirector, directors, holders, ipvsTable } from "../../lab/measure";
import { inNamespace } from "../../lab/network";
import { projectRoot } from "../../lab/paths";
import { type RunningProgram, start } from "../../lab/run";
import type { Stack } from "../support/stacks";
import { fault } from "./fault";
import { conf, pid, transitions } from "./keepalived";
import { configFile, configure, everywhere, pulumi, shell, up } from "./stack";

/** Real servers change side by side: more is under way at each moment. A host that is off is given up soon. */
const quickly = (stack: Stack): void => {
  stack.rollout = { maxUnavailable: 3 };
  stack.ssh = { ...(stack.ssh as object), dialErrorLimit: 5 };
};

/** A change that every step of every host takes part in. */
const change = (stack: Stack): void => {
  quickly(stack);
  stack.realServers[1].weight = 7;
  stack.firewall = { allowFrom: ["10.0.0.0/8", "172.16.0.0/12"] };
  stack.kernel = {
    directorSysctls: { "net.core.somaxconn": 4321 },
    realServerSysctls: { "net.core.somaxconn": 4321 },
  };
};

/** Everything of the stack's on a host: files, rules, addresses, what is in the kernel. */
const bytes = [
  "find /etc/lvs-ha /etc/keepalived /etc/sysctl.d/90-lvs-ha.conf /etc/modules-load.d/lvs-ha.conf /etc/modprobe.d/lvs-ha.conf /etc/systemd/system/lvs-ha-vip.service /usr/local/lib/lvs-ha -type f ! -name ssh-clients.nft 2>/dev/null | sort | xargs md5sum",
  "ufw status",
  "sysctl -n net.core.somaxconn",
  "ip -4 -o addr show dev lo | cut -d ' ' -f 2-7",
  "ipvsadm -Sn 2>/dev/null | sort",
].join("; ");

/** The hosts as a change that nothing disturbs leaves them: before it, and after it. */
const clean: Record<"before" | "after", Record<string, string>> = { before: {}, after: {} };

/** How most of them end. */
const sameBytes = "one rerun: the same bytes";

let changed = false;

const side = () => (changed ? change : quickly);

/** Sets the config to the side where the hosts aren't. */
function turn(): void {
  changed = !changed;
  configure(side());
}

/** One more `up`, and every host is as a change that nothing disturbed leaves it. */
async function converges(): Promise<void> {
  await pulumi("cancel", "--yes");
  await up();
  const [active] = await holders();
  expect(active).toBeDefined();
  const wanted = changed ? clean.after : clean.before;
  await waitFor(
    async () => {
      const now = await everywhere(bytes);
      for (const [name, text] of Object.entries(now)) {
        if (text !== wanted[name])
          throw new Error(`${name} is otherwise:\n${text}\nwanted:\n${wanted[name]}`);
      }
      return true;
    },
    { what: "every host has the same bytes", timeoutSeconds: 30 },
  );
}

/** `pulumi up` that a test can end. */
async function startUp(): Promise<RunningProgram> {
  const up = ["up", "--yes", "--skip-preview", "--config-file", configFile, "--stack", "dev"];
  const quiet = ["--non-interactive", "--color=never"];
  const [file, words] = inNamespace(namespaces.operator, "pulumi", [...up, ...quiet]);
  return start(file, words, { cwd: projectRoot, env: await labEnv() });
}

const saidBy = (running: RunningProgram) => running.stdout() + running.stderr();

const done = /remote:Command \S+ (created|updated|deleted|replaced)/g;

/** Waits until so many more commands are done, or the run is over. */
async function untilDone(running: RunningProgram, count: number): Promise<boolean> {
  const limit = Date.now() + 300_000;
  while (!running.hasEnded() && Date.now() < limit) {
    if ((saidBy(running).match(done) ?? []).length >= count) return true;
    await delay(20);
  }
  return false;
}

const names = directors.map(({ name }) => name);
const standby = async () => {
  const active = await activeDirector();
  return names.find((name) => name !== active) ?? "";
};

beforeAll(async () => {
  configure(quickly);
  await up();
  clean.before = await everywhere(bytes);
  turn();
  await up();
  clean.after = await everywhere(bytes);
});

afterEach(async () => {
  // What one test has left off would be the next one's fault.
  for (const { host, guest } of guests()) if (!guest.isOn) await powerOn(host.name);
});

test("kill -9 of the engine, or the operator's Ctrl-C, at every second step boundary, one after the other", async () => {
  await fault("the engine killed (-9) or interrupted at every second step", async () => {
    turn();
    let kills = 0;
    for (;;) {
      const running = await startUp();
      if (!(await untilDone(running, 2))) {
        const { exitCode: code } = await running.ended;
        if (code !== 0) throw new Error(`ended with ${code}:\n${saidBy(running)}`);
        break;
      }
      // Now before it has noted what is done, now after that. With its plugins, as when the machine it runs on dies. Or by Ctrl-C.
      await delay(kills % 3 === 0 ? 1000 : 0);
      if (running.hasEnded()) break;
      if (kills % 3 === 2) running.signal("SIGINT");
      else running.signal("SIGKILL", "group");
      await running.ended;
      kills++;
      await pulumi("cancel", "--yes");
      if (kills > 80) throw new Error("no end in sight");
    }
    await converges();
    return `${kills} times, then the same bytes`;
  });
}, 900_000);

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

/** Kills the SSH sessions that the stack's scripts run in, on a host; how many. The tests' own session is another. */
const cutSessions = [
  "n=0",
  "for p in $(pgrep -f '[/]usr/local/lib/lvs-ha/'); do",
  '  while [ "${p:-1}" -gt 1 ]; do',
  "    case $(cat /proc/$p/comm 2>/dev/null) in sshd*) kill -9 $p && n=$((n + 1)); break ;; esac",
  "    p=$(awk '{ print $4 }' /proc/$p/stat 2>/dev/null)",
  "  done",
  "done",
  "echo $n",
].join("\n");

test("every SSH connection cut while hosts are changed", async () => {
  await fault("SSH cut on every host, again and again", async () => {
    turn();
    const running = await startUp();
    let cut = 0;
    while (!running.hasEnded()) {
      const counts = await everywhere(cutSessions);
      cut += Object.values(counts).reduce((sum, count) => sum + Number(count), 0);
      await delay(1000);
    }
    await running.ended;
    expect(cut).toBeGreaterThan(0);
    await converges();
    return `${cut} sessions cut, one rerun: the same bytes`;
  });
});

test("a host's script killed at any moment: the next run takes it up", async () => {
  const name = await standby();
  await fault("host script killed (-9) at 16 moments", async () => {
    for (let i = 0; i < 16; i++) {
      const seconds = (0.03 + i * 0.05).toFixed(2);
      await onHost(
        name,
        `{ echo '==> ${conf} <=='; sed 's/weight 7/weight ${20 + i}/; s/weight 1$/weight ${40 + i}/' ${conf}; } >/root/offer; timeout -s KILL ${seconds} /usr/local/lib/lvs-ha/keepalived.sh apply "$(cat /var/lib/lvs-ha/owners/keepalived.sh)" </root/offer`,
      );
    }
    await shell(name, "rm /root/offer");
    turn();
    await converges();
    return sameBytes;
  });
});

test("a host whose power is cut while it is changed", async () => {
  await fault(
    "real server's power cut while it is changed",
    async () => {
      turn();
      const running = await startUp();
      await waitFor(() => Promise.resolve(saidBy(running).includes("pair-web2-kernel")), {
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
        const where = `${findHost(name).interfaces[0].ipv4}:22`.replaceAll(".", "\\.");
        expect(stdout).toMatch(new RegExp(`pair-${name}-\\S+ .*failed.* error: .*${where}`));
      }
      for (const { name } of hosts.filter((host) => !off.includes(host.name))) {
        expect(await shell(name, "sysctl -n net.core.somaxconn")).toBe(changed ? "4321" : "4096");
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

/** Leaves no block free, not even those that are root's. */
const fillDisk =
  "n=0; for size in 512M 64M 8M 1M 64K 4K; do while fallocate -l $size /root/fill.$n 2>/dev/null; do n=$((n + 1)); done; done; rm -f /root/fill.$n; df -P / | tail -1";

test("a director's disk is full: its old config serves, the director after it is untouched", async () => {
  // The order in which they change, whoever is active.
  const [next = "", first = ""] = names;
  await fault(`disk full on ${first}`, async () => {
    const state = `${pid}; md5sum ${conf}`;
    const before = [await shell(first, state), await shell(next, state)];
    await shell(first, fillDisk);
    try {
      turn();
      const { exitCode, stdout } = await pulumi("up", "--yes", "--skip-preview");
      expect(exitCode).not.toBe(0);
      expect(stdout).toMatch(/No space left on device|MiB free; at least/);
      expect([await shell(first, state), await shell(next, state)]).toEqual(before);
    } finally {
      await shell(first, "rm /root/fill.*");
    }
    await converges();
    return sameBytes;
  });
});

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
