/**
 * The faults that happen most: connections that are cut, a disk that is full, a daemon that dies.
 *
 * @set core
 * @topology dev
 * @budgetSeconds 170
 */
import { activeDirector, holders } from "./lab";
import { conf, pid } from "./keepalived";
import { everywhere, pulumi, shell, lvs } from "./stack";
import { sameBytes, turn, converges, startUp, names, changeAndBack } from "./disturb";
import { setTimeout as delay } from "node:timers/promises";
import { waitFor } from "../../lab/waitFor";
import type { Status } from "../../ops/status/look";
import { fault } from "./fault";

changeAndBack();

/** What status finds wrong. */
async function problems(): Promise<string[]> {
  const { stdout } = await lvs("status", "--json");
  return (JSON.parse(stdout) as Status).problems.map(({ text }) => text);
}

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

test("keepalived is killed, all of it, on the active director: the other takes over, it stands by again, nobody did anything", async () => {
  await fault(
    "keepalived killed (-9) on the active director",
    async () => {
      const active = await activeDirector();
      await shell(active, "pkill -KILL -x keepalived");
      const began = Date.now();
      await waitFor(
        async () => {
          const found = await holders();
          if (found.length === 1 && found[0] !== active) return true;
          throw new Error(`held by ${found.join(" and ") || "nobody"}`);
        },
        { what: "the other director alone holds the address", timeoutSeconds: 20 },
      );
      const taken = ((Date.now() - began) / 1000).toFixed(1);
      await waitFor(async () => (await problems()).length === 0, {
        what: "status finds nothing wrong",
        timeoutSeconds: 60,
      });
      return `the other took over, and the pair was whole again (one holder after ${taken} s)`;
    },
    // Those that were under way on the one that was killed.
    20,
  );
});
