/**
 * What fails while the pair serves and nobody changes anything: it mends itself, and status says what it can't.
 *
 * @set slice 4
 * @topology dev
 * @budgetSeconds 150
 */
import { setTimeout as delay } from "node:timers/promises";
import { waitFor } from "../../lab/waitFor";
import {
  activeDirector,
  directors,
  holders,
  ipvsTable,
  realServers,
  requests,
  virtualIp,
} from "./lab";
import type { Status } from "../../ops/status/look";
import { fault } from "./fault";
import { transitions } from "./keepalived";
import { configure, everywhere, lvs, nobodyAsks, pulumi, shell, up } from "./stack";

const names = directors.map(({ name }) => name);
const web2 = realServers.find(({ name }) => name === "web2")?.public.ipv4 ?? "";

/** Whether a director has web2 in the virtual server's pool. */
const hasWeb2 = async (director: string) => (await ipvsTable(director)).includes(`-> ${web2}:80 `);

/** Waits until both directors have web2 in the pool, or neither has. */
async function untilWeb2(is: "in" | "out"): Promise<void> {
  for (const name of names) {
    await waitFor(async () => (await hasWeb2(name)) === (is === "in"), {
      what: `web2 is ${is} on ${name}`,
      timeoutSeconds: 30,
    });
  }
}

/** What status finds wrong. */
async function problems(): Promise<string[]> {
  const { stdout } = await lvs("status", "--json");
  return (JSON.parse(stdout) as Status).problems.map(({ text }) => text);
}

/** A server that takes connections and never answers is found by a check that asks something. */
const checks = (delayLoopSeconds: number) => [
  {
    type: "http",
    urls: [{ path: "/", status: [200] }],
    connectTimeoutSeconds: 2,
    delayLoopSeconds,
  },
];

beforeAll(async () => {
  configure((stack) => {
    nobodyAsks(stack);
    stack.virtualServers[0].checks = checks(2);
  });
  await up();
});

describe("a real server", () => {
  test("whose service dies and comes back, again and again, is out and in; no director changes its state", async () => {
    const before = await everywhere(transitions);
    const [times, downSeconds] = [4, 6];
    await fault(
      `real server's service dies ${times} times for ${downSeconds} s`,
      async () => {
        for (let i = 0; i < times; i++) {
          await shell("web2", "systemctl stop nginx");
          const began = Date.now();
          await untilWeb2("out");
          await delay(Math.max(0, began + downSeconds * 1000 - Date.now()));
          await shell("web2", "systemctl start nginx");
          await untilWeb2("in");
        }
        expect(await everywhere(transitions)).toEqual(before);
        return "out and in again each time, no transition";
      },
      // A third of the requests while no check has noticed: one interval of 2 s, one retry after 1 s, and a second to act.
      times * (2 + 1 + 1) * 34,
    );
  });

  test("that takes connections and answers nothing is out until it answers", async () => {
    await fault(
      "real server hangs",
      async () => {
        await shell("web2", "pkill -STOP nginx");
        await untilWeb2("out");
        const meanwhile = await requests({ count: 100 });
        await shell("web2", "pkill -CONT nginx");
        expect(meanwhile).toMatchObject({ lost: 0 });
        expect(meanwhile.byServer).not.toHaveProperty("web2");
        await untilWeb2("in");
        return "out while it hung, in again";
      },
      // A third of the requests until its check has failed, and those before that still waited for an answer.
      14 * 34,
    );
  });
});

test("directors that don't hear each other both serve, status and up say so, and they agree again by themselves", async () => {
  await fault(
    "partition between the directors",
    async () => {
      await Promise.all(
        names.map((name) =>
          shell(
            name,
            "nft 'table inet cut { chain in { type filter hook input priority -200; meta l4proto 112 drop; }; }'",
          ),
        ),
      );
      await waitFor(async () => (await holders()).length === 2, {
        what: `both directors hold ${virtualIp.ipv4}`,
        timeoutSeconds: 20,
      });
      expect(await problems()).toContainEqual(expect.stringContaining("SPLIT BRAIN"));
      configure((stack) => {
        nobodyAsks(stack);
        stack.virtualServers[0].checks = checks(3);
      });
      const { exitCode, stdout } = await pulumi("up", "--yes", "--skip-preview");
      expect(exitCode).not.toBe(0);
      expect(stdout).toMatch(
        /two directors hold one virtual address, lvs\d and another: 192[.]0[.]2[.]100 [(]lvs\d[)]/,
      );
      await Promise.all(names.map((name) => shell(name, "nft delete table inet cut")));
      await activeDirector();
      await waitFor(async () => (await problems()).length === 0, {
        what: "status finds nothing wrong",
        timeoutSeconds: 60,
      });
      await up();
      return "status and up said who both were; one holder again by itself";
    },
    // Connections under way when the neighbours learned of another director's MAC address, twice.
    6,
  );
});
