/**
 * A firewall that would shut the operator out goes back by itself.
 *
 * @set slice 1
 * @topology dev
 * @budgetSeconds 300
 */
import { setTimeout as delay } from "node:timers/promises";
import { keyFile } from "../../lab/ssh";
import type { Status } from "../../ops/status/look";
import { unpackPackage } from "../support/packages";
import { findHost, inOperator, lab, networks, requests } from "./lab";
import { configure, everywhere, lvs, nobodyAsks, pulumi, tell, up } from "./stack";

/** What a host waits for another login, and what the timer adds at most, in seconds. */
const limit = 60;

/** Where the operator's connections come from, each from the next one, as behind a provider's NAT: none has two in the time of a test. */
const elsewhere = Array.from({ length: 100 }, (_, i) => `10.10.0.${100 + i}`);

/** A firewall, with logins let in from an office where this operator isn't. */
const ofOffice = (backend: string) => {
  configure((stack) => {
    stack.firewall = { backend, allowFrom: [], sshFrom: ["203.0.113.0/24"] };
    nobodyAsks(stack);
  });
};

let nft: (...words: string[]) => Promise<void>;

beforeAll(async () => {
  const root = await unpackPackage("trixie", "nftables");
  nft = async (...words) => {
    const { exitCode, stderr } = await inOperator("chroot", [root, "/usr/sbin/nft", ...words]);
    if (exitCode !== 0) throw new Error(`nft ${words.join(" ")}: ${stderr}`);
  };
  configure((stack) => {
    stack.firewall = { backend: "none" };
    nobodyAsks(stack);
  });
  await up();
});

/** Does something while each new connection to an SSH server comes from another address; those that are there stay as they are. */
async function behindNat<T>(work: () => Promise<T>): Promise<T> {
  const { bridge } = networks.private;
  for (const address of elsewhere) {
    await inOperator("ip", ["addr", "replace", `${address}/32`, "dev", bridge]);
  }
  const addresses = elsewhere.map((address, i) => `${i} : ${address}`).join(", ");
  await nft("add table ip elsewhere");
  try {
    await nft(
      "add chain ip elsewhere source { type nat hook postrouting priority srcnat; }; " +
        `add rule ip elsewhere source oifname ${bridge} tcp dport 22 tcp flags & (syn | ack) == syn snat to numgen inc mod ${elsewhere.length} map { ${addresses} }`,
    );
    return await work();
  } finally {
    await nft("delete table ip elsewhere");
    for (const address of elsewhere) {
      await inOperator("ip", ["addr", "del", `${address}/32`, "dev", bridge]);
    }
  }
}

/** Whether a new login to web1 comes through. */
async function comesIn(): Promise<boolean> {
  const { login, private: own } = findHost("web1");
  const { exitCode } = await inOperator("ssh", [
    ...["-F", "none", "-i", keyFile(lab), "-l", login.user, "-o", "BatchMode=yes"],
    ...["-o", "StrictHostKeyChecking=no", "-o", "UserKnownHostsFile=/dev/null"],
    ...["-o", "ConnectTimeout=2", "-o", "IdentitiesOnly=yes", own.ipv4, "true"],
  ]);
  return exitCode === 0;
}

/** An up, and how long no new login came through meanwhile: from the first that failed to the first that didn't any more, in seconds. */
async function watchedUp() {
  const over = new AbortController();
  const ended = pulumi("up", "--yes", "--skip-preview").finally(() => {
    over.abort();
  });
  let shutAt: number | undefined;
  let outSeconds = 0;
  while (!over.signal.aborted || shutAt !== undefined) {
    const isIn = await comesIn();
    const now = Date.now() / 1000;
    if (!isIn) shutAt ??= now;
    else if (shutAt !== undefined) {
      outSeconds = Math.max(outSeconds, now - shutAt);
      shutAt = undefined;
    }
    if (shutAt !== undefined && now - shutAt > 3 * limit) break;
    await delay(500);
  }
  const { exitCode, stdout, stderr } = await ended;
  return { exitCode, said: stdout + stderr, outSeconds };
}

test.each(["nftables", "ufw"])(
  "%s that lets no new login of the operator's in goes back within its limit, fails with the reason, and does so again",
  async (backend) => {
    ofOffice(backend);
    await behindNat(async () => {
      for (const turn of ["first", "next"]) {
        const { exitCode, said, outSeconds } = await watchedUp();
        tell(`${backend}, the ${turn} up: no new login for ${outSeconds.toFixed(0)} s`);
        expect([exitCode === 0, said]).toEqual([
          false,
          expect.stringContaining(`nobody could log in anew within ${limit} s of this change`),
        ]);
        expect(said).toMatch(/no other login while the firewall changes: web\d: .*timed out/);
        // It was shut out, or the test shows nothing.
        expect(outSeconds).toBeGreaterThan(0.5 * limit);
        expect(outSeconds).toBeLessThan(limit + 20);
        expect(await comesIn()).toBe(true);
        const { stdout } = await lvs("status", "--json");
        const { problems } = JSON.parse(stdout) as Status;
        expect(problems.map(({ text }) => text).join("\n")).toContain(
          "web1: a change of its firewall went back",
        );
      }
    });
  },
);

test("an operator whose next login comes from the same address stays in, though nobody has written it down, and is told so", async () => {
  ofOffice("nftables");
  const said = await up();
  expect(said).toContain("has logged in anew: the change stays");
  expect(said).toContain("is in neither firewall.sshFrom nor firewall.allowFrom");
  expect(await comesIn()).toBe(true);
  expect(await requests()).toMatchObject({ lost: 0 });
  const left = await everywhere(
    "ls /var/lib/lvs-ha/firewall-unconfirmed; systemctl list-units --all --plain --no-legend 'lvs-ha-firewall-guard*'; true",
  );
  expect(new Set(Object.values(left).map((text) => text.trim()))).toEqual(new Set([""]));
  const { stdout } = await lvs("status", "--json");
  expect((JSON.parse(stdout) as Status).problems).toEqual([]);
});

afterAll(async () => {
  configure(nobodyAsks);
  await up();
});
