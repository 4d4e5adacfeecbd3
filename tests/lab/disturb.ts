// A change that affects every step of every host, there and back. A disturbed change must end in
// the same bytes.
import { setTimeout as delay } from "node:timers/promises";
import { waitFor } from "../../lab/waitFor";
import { activeDirector, directors, guests, holders, labEnv, namespaces, powerOn } from "./lab";
import { inNamespace } from "../../lab/network";
import { projectRoot } from "../../lab/paths";
import { type RunningProgram, start } from "../../lab/run";
import type { Stack } from "../support/stacks";
import { configFile, configure, everywhere, pulumi, up } from "./stack";

/**
 * Real servers change in parallel, so that more is in progress at any moment. Gives up quickly on a
 * host that is off.
 */
export const quickly = (stack: Stack): void => {
  stack.rollout = { maxUnavailable: 3 };
  stack.ssh = { ...(stack.ssh as object), dialErrorLimit: 5 };
};

/** A change that affects every step of every host. */
export const change = (stack: Stack): void => {
  quickly(stack);
  stack.realServers[1].weight = 7;
  stack.firewall = { backend: "ufw", allowFrom: ["10.0.0.0/8", "172.16.0.0/12"] };
  stack.kernel = {
    directorSysctls: { "net.core.somaxconn": 4321 },
    realServerSysctls: { "net.core.somaxconn": 4321 },
  };
};

/** Everything of the stack on a host: files, rules, addresses, and the kernel's state. */
export const bytes = [
  "find /etc/lvs-ha /etc/keepalived /etc/sysctl.d/90-lvs-ha.conf /etc/modules-load.d/lvs-ha.conf /etc/modprobe.d/lvs-ha.conf /etc/systemd/system/lvs-ha-vip.service /etc/systemd/system/apt-daily-upgrade.service.d /usr/local/lib/lvs-ha -type f ! -name ssh-clients.nft 2>/dev/null | sort | xargs md5sum",
  "find /var/lib/lvs-ha -type f | sort | xargs md5sum",
  "systemctl is-enabled keepalived lvs-ha-vip ufw 2>&1; systemctl is-active keepalived lvs-ha-vip ufw 2>&1; true",
  "ufw status",
  "sysctl -n net.core.somaxconn",
  "ip -4 -o addr show dev lo | cut -d ' ' -f 2-7",
  "ipvsadm -Sn 2>/dev/null | sort",
].join("; ");

/** The hosts as an undisturbed change leaves them, before and after it. */
export const clean: Record<"before" | "after", Record<string, string>> = { before: {}, after: {} };

/** How most disturbed changes end. */
export const sameBytes = "one rerun: the same bytes";

let changed = false;

/** The config change of the current side. */
export const side = () => (changed ? change : quickly);

/** Configures the side that the hosts are not on. */
export function turn(): void {
  changed = !changed;
  configure(side());
}

/** Runs `up` once more and expects every host to be as after an undisturbed change. */
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

/** Starts a `pulumi up` that a test can end. */
export async function startUp(): Promise<RunningProgram> {
  const up = ["up", "--yes", "--skip-preview", "--config-file", configFile, "--stack", "dev"];
  const quiet = ["--non-interactive", "--color=never"];
  const [file, words] = inNamespace(namespaces.operator, "pulumi", [...up, ...quiet]);
  return start(file, words, { cwd: projectRoot, env: await labEnv() });
}

/** The output so far. */
export const saidBy = (running: RunningProgram) => running.stdout() + running.stderr();

const done = /remote:Command \S+ (created|updated|deleted|replaced)/g;

/** Waits until that many more commands are done or the run is over. */
export async function untilDone(running: RunningProgram, count: number): Promise<boolean> {
  const limit = Date.now() + 300_000;
  while (!running.hasEnded() && Date.now() < limit) {
    if ((saidBy(running).match(done) ?? []).length >= count) return true;
    await delay(20);
  }
  return false;
}

/** Names of the directors. */
export const names = directors.map(({ name }) => name);
/** The name of a director that isn't active. */
export const standby = async () => {
  const active = await activeDirector();
  return names.find((name) => name !== active) ?? "";
};

/** Whether the hosts should have the change now. */
export const isChanged = () => changed;

/** Records both sides and starts on one of them. A test file calls it once, at its top. */
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
    // A host that one test left off would make the next one fail.
    for (const { host, guest } of guests()) if (!guest.isOn) await powerOn(host.name);
  });
}
