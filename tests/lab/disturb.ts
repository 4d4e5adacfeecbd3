// A change that every step of every host takes part in, forth and back, and what a disturbed one has to end in: the same bytes.
import { setTimeout as delay } from "node:timers/promises";
import { waitFor } from "../../lab/waitFor";
import { activeDirector, directors, guests, holders, labEnv, namespaces, powerOn } from "./lab";
import { inNamespace } from "../../lab/network";
import { projectRoot } from "../../lab/paths";
import { type RunningProgram, start } from "../../lab/run";
import type { Stack } from "../support/stacks";
import { configFile, configure, everywhere, pulumi, up } from "./stack";

/** Real servers change side by side: more is under way at each moment. A host that is off is given up soon. */
export const quickly = (stack: Stack): void => {
  stack.rollout = { maxUnavailable: 3 };
  stack.ssh = { ...(stack.ssh as object), dialErrorLimit: 5 };
};

/** A change that every step of every host takes part in. */
export const change = (stack: Stack): void => {
  quickly(stack);
  stack.realServers[1].weight = 7;
  stack.firewall = { backend: "ufw", allowFrom: ["10.0.0.0/8", "172.16.0.0/12"] };
  stack.kernel = {
    directorSysctls: { "net.core.somaxconn": 4321 },
    realServerSysctls: { "net.core.somaxconn": 4321 },
  };
};

/** Everything of the stack's on a host: files, rules, addresses, what is in the kernel. */
export const bytes = [
  "find /etc/lvs-ha /etc/keepalived /etc/sysctl.d/90-lvs-ha.conf /etc/modules-load.d/lvs-ha.conf /etc/modprobe.d/lvs-ha.conf /etc/systemd/system/lvs-ha-vip.service /etc/systemd/system/apt-daily-upgrade.service.d /usr/local/lib/lvs-ha -type f ! -name ssh-clients.nft 2>/dev/null | sort | xargs md5sum",
  "find /var/lib/lvs-ha -type f | sort | xargs md5sum",
  "systemctl is-enabled keepalived lvs-ha-vip ufw 2>&1; systemctl is-active keepalived lvs-ha-vip ufw 2>&1; true",
  "ufw status",
  "sysctl -n net.core.somaxconn",
  "ip -4 -o addr show dev lo | cut -d ' ' -f 2-7",
  "ipvsadm -Sn 2>/dev/null | sort",
].join("; ");

/** The hosts as a change that nothing disturbs leaves them: before it, and after it. */
export const clean: Record<"before" | "after", Record<string, string>> = { before: {}, after: {} };

/** How most of them end. */
export const sameBytes = "one rerun: the same bytes";

let changed = false;

export const side = () => (changed ? change : quickly);

/** Sets the config to the side where the hosts aren't. */
export function turn(): void {
  changed = !changed;
  configure(side());
}

/** One more `up`, and every host is as a change that nothing disturbed leaves it. */
export async function converges(): Promise<void> {
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
export async function startUp(): Promise<RunningProgram> {
  const up = ["up", "--yes", "--skip-preview", "--config-file", configFile, "--stack", "dev"];
  const quiet = ["--non-interactive", "--color=never"];
  const [file, words] = inNamespace(namespaces.operator, "pulumi", [...up, ...quiet]);
  return start(file, words, { cwd: projectRoot, env: await labEnv() });
}

export const saidBy = (running: RunningProgram) => running.stdout() + running.stderr();

const done = /remote:Command \S+ (created|updated|deleted|replaced)/g;

/** Waits until so many more commands are done, or the run is over. */
export async function untilDone(running: RunningProgram, count: number): Promise<boolean> {
  const limit = Date.now() + 300_000;
  while (!running.hasEnded() && Date.now() < limit) {
    if ((saidBy(running).match(done) ?? []).length >= count) return true;
    await delay(20);
  }
  return false;
}

export const names = directors.map(({ name }) => name);
export const standby = async () => {
  const active = await activeDirector();
  return names.find((name) => name !== active) ?? "";
};

/** Whether the hosts are to have the change now. */
export const isChanged = () => changed;

/** Notes both sides, and begins on one. A test file calls it once, at its top. */
export function changeAndBack(): void {
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
}
