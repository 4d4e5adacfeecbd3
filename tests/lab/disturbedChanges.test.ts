// What goes wrong while the stack is changed, and while it serves. One rerun of `pulumi up` ends each in the same bytes on every host.
import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { setTimeout as delay } from "node:timers/promises";
import { namespaces, virtualIp } from "../../lab/hosts";
import { labEnv, onHost, powerCut, powerOn, waitFor } from "../../lab/lab";
import { startLoad, summary } from "../../lab/load";
import { activeDirector, directors, holders } from "../../lab/measure";
import { inNamespace } from "../../lab/network";
import { projectRoot } from "../../lab/paths";
import type { Stack } from "../support/stacks";
import { noteFault } from "./faultMatrix";
import { configFile, configure, everywhere, pulumi, shell, tell, up } from "./stack";

/** Real servers change side by side: more is under way at each moment. */
const start = (stack: Stack): void => {
  stack.rollout = { maxUnavailable: 3 };
};

/** A change that every step of every host takes part in. */
const change = (stack: Stack): void => {
  start(stack);
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

let changed = false;

const side = () => (changed ? change : start);

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

/** Does it under load and notes what it cost. */
async function fault(
  name: string,
  work: () => Promise<string | undefined>,
  allowed = 0,
): Promise<void> {
  const load = await startLoad({ address: virtualIp.ipv4, port: 80, rate: 100, seconds: 880 });
  let ended = "FAILED";
  try {
    ended = (await work()) ?? "one rerun: the same bytes";
  } finally {
    const result = await load.end();
    tell(`${name}: ${summary(result)}`);
    noteFault({ fault: name, sent: result.sent, lost: result.lost, ended });
    if (ended !== "FAILED") expect(result.lost).toBeLessThanOrEqual(allowed);
  }
}

interface RunningUp {
  child: ChildProcess;
  said: () => string;
  ended: Promise<number | null>;
}

/** `pulumi up` that a test can end. */
async function startUp(): Promise<RunningUp> {
  const [file, words] = inNamespace(namespaces.operator, "pulumi", [
    "up",
    "--yes",
    "--skip-preview",
    "--config-file",
    configFile,
    "--stack",
    "dev",
    "--non-interactive",
    "--color=never",
  ]);
  const child = spawn(file, words, {
    cwd: projectRoot,
    env: await labEnv(),
    stdio: ["ignore", "pipe", "pipe"],
    // A process group of its own, which can be killed as a whole.
    detached: true,
  });
  let said = "";
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding("utf8").on("data", (text: string) => {
      said += text;
    });
  }
  const ended = once(child, "exit").then(([code]) => code as number | null);
  return { child, said: () => said, ended };
}

const done = /remote:Command \S+ (created|updated|deleted|replaced)/g;

/** Waits until so many more commands are done, or the run is over. */
async function untilDone(running: RunningUp, count: number): Promise<boolean> {
  const limit = Date.now() + 300_000;
  while (running.child.exitCode === null && Date.now() < limit) {
    if ((running.said().match(done) ?? []).length >= count) return true;
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
  configure(start);
  await up();
  clean.before = await everywhere(bytes);
  turn();
  await up();
  clean.after = await everywhere(bytes);
});

afterAll(async () => {
  configure();
  await up();
});

test("kill -9 of the engine at every step boundary, one after the other", async () => {
  await fault("the engine killed (-9) at each step", async () => {
    turn();
    let kills = 0;
    for (;;) {
      const running = await startUp();
      if (!(await untilDone(running, 1))) {
        const code = await running.ended;
        if (code !== 0) throw new Error(`ended with ${code}:\n${running.said()}`);
        break;
      }
      // Now before it has noted what is done, now after that. With its plugins, as when the machine it runs on dies.
      await delay(kills % 2 === 0 ? 1000 : 0);
      if (running.child.exitCode !== null) break;
      process.kill(-(running.child.pid ?? NaN), "SIGKILL");
      await running.ended;
      kills++;
      await pulumi("cancel", "--yes");
      if (kills > 80) throw new Error("no end in sight");
    }
    await converges();
    return `${kills} kills, then the same bytes`;
  });
}, 900_000);

test("the operator's Ctrl-C halfway", async () => {
  await fault("Ctrl-C halfway", async () => {
    turn();
    const running = await startUp();
    await untilDone(running, 5);
    running.child.kill("SIGINT");
    expect(await running.ended).not.toBe(0);
    await converges();
    return undefined;
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
    while (running.child.exitCode === null) {
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
  const conf = "/etc/keepalived/keepalived.conf";
  const reference = await shell(name, bytes);
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
    await up();
    turn();
    await converges();
    expect(await shell(name, bytes)).toBe(reference);
    return undefined;
  });
});

test("a host whose power is cut while it is changed", async () => {
  await fault(
    "real server's power cut while it is changed",
    async () => {
      turn();
      const running = await startUp();
      await waitFor(() => Promise.resolve(running.said().includes("pair-web2-kernel")), {
        what: "web2 is being changed",
        timeoutSeconds: 120,
      });
      await powerCut("web2");
      await powerOn("web2");
      await running.ended;
      await converges();
      return undefined;
    },
    // It had been drained: only checks that found it well again before it was gone can lose any.
    50,
  );
});
