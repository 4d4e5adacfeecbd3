// Stacks with changing virtual addresses of both families, one instance each; and what happens to
// the addresses meanwhile.
import fc from "fast-check";
import { findHost, holders, startLoad, virtualIp } from "./lab";
import { severalActive, unseen } from "./activeOnWire";
import { watchActive } from "./activeWatch";
import { directors, webs } from "./pools";
import { configure, nobodyAsks, pulumi, shell, tell, up } from "./stack";
import { summary } from "../../lab/load";
import { waitFor } from "../../lab/waitFor";
import type { Stack } from "../support/stacks";

/** Virtual addresses, in the config's order. */
export interface Addresses {
  ipv4: string[];
  ipv6: string[];
}

/** The virtual addresses of the first stack. */
export const first: Addresses = { ipv4: [virtualIp.ipv4], ipv6: [virtualIp.ipv6] };

/** Configures two instances with these addresses. */
export function configureAddresses(
  { ipv4, ipv6 }: Addresses,
  change: (stack: Stack) => void = () => undefined,
): void {
  configure((stack) => {
    nobodyAsks(stack);
    stack.directors.forEach((director, i) => {
      director.vrrpAddress6 = `${findHost(directors[i] ?? "").public.ipv6}/64`;
    });
    stack.realServers.forEach((realServer, i) => {
      realServer.address6 = findHost(webs[i] ?? "").public.ipv6;
    });
    const [web] = stack.virtualServers;
    const serve = (addresses: string[], vrrpInstance: string) =>
      addresses.map((address) => ({
        ...web,
        name: `web-${address.replaceAll(/[.:]+/g, "-")}`,
        address,
        vrrpInstance,
      }));
    const [one, ...others] = [...serve(ipv4, "VI_1"), ...serve(ipv6, "VI_6")];
    if (one === undefined) throw new Error("a stack has a virtual address");
    stack.virtualServers = [one, ...others];
    stack.vrrp = {
      instances: [
        { name: "VI_1", virtualRouterId: 51 },
        { name: "VI_6", virtualRouterId: 56 },
      ],
    };
    change(stack);
  });
}

const kinds = ["add", "remove", "change"] as const;

/**
 * Draws changes of addresses from a seed. Each starts from the addresses that the previous one
 * left.
 */
export function drawChanges(count: number, seed: number): { what: string; to: Addresses }[] {
  const one = fc.record({
    kind: fc.constantFrom(...kinds),
    family: fc.constantFrom("ipv4" as const, "ipv6" as const),
    // Place 0 is the one that might be mistaken for the advertised address.
    place: fc.oneof(fc.constant(0), fc.nat(3)),
  });
  let now = first;
  let fresh = 101;
  return fc.sample(one, { seed, numRuns: count }).map(({ kind, family, place }) => {
    const own = [...now[family]];
    const at = place % own.length;
    const another = family === "ipv4" ? `192.0.2.${fresh++}` : `2001:db8:0:2::${fresh++}`;
    // One address of each family stays.
    const done = kind === "remove" && own.length === 1 ? "add" : kind;
    if (done === "add") own.splice(at, 0, another);
    else if (done === "remove") own.splice(at, 1);
    else own.splice(at, 1, another);
    const what = `${done} ${done === "remove" ? (now[family][at] ?? "") : another} at place ${at} of ${family}`;
    now = { ...now, [family]: own };
    return { what, to: now };
  });
}

const all = ({ ipv4, ipv6 }: Addresses) => [...ipv4, ...ipv6];

/**
 * Runs an action that leads from some addresses to others, with requests to each one that stays.
 * Expects no lost request, and no two active directors.
 */
export async function withoutTwoActive(
  { before, after }: { before: Addresses; after: Addresses },
  work: () => Promise<void>,
): Promise<void> {
  const stay = all(before).filter((address) => all(after).includes(address));
  const watch = await watchActive([...new Set([...all(before), ...all(after)])]);
  const loads = await Promise.all(
    stay.map((address) => startLoad({ address, port: 80, rate: 30, seconds: 580 })),
  );
  try {
    await work();
  } finally {
    const results = await Promise.all(loads.map((load) => load.end()));
    const active = await watch.end();
    results.forEach((result, i) => {
      tell(`  ${stay[i]}: ${summary(result)}`);
    });
    expect(severalActive(active)).toEqual([]);
    expect(unseen(active, all(after))).toEqual([]);
    expect(results.map(({ lost }) => lost)).toEqual(stay.map(() => 0));
  }
}

/** Waits until exactly one director holds each address. */
export async function held(addresses: Addresses): Promise<void> {
  for (const address of all(addresses)) {
    await waitFor(async () => (await holders(address)).length === 1, {
      what: `one director holds ${address}`,
      timeoutSeconds: 30,
    });
  }
}

/** Makes changes one after the other; in some, a second director refuses at first. */
async function makeChanges(count: number, seed: number): Promise<void> {
  const [active = ""] = directors;
  const folder = "/etc/keepalived";
  let before = first;
  for (const [i, { what, to }] of drawChanges(count, seed).entries()) {
    const refuses = i % 3 === 2;
    tell(
      `change ${i + 1} (SEED=${seed}): ${what}${refuses ? `, which ${active} refuses at first` : ""}`,
    );
    configureAddresses(to);
    await withoutTwoActive({ before, after: to }, async () => {
      if (refuses) {
        await shell(
          active,
          `mount --bind ${folder} ${folder} && mount -o remount,bind,ro ${folder}`,
        );
        const { exitCode } = await pulumi("up", "--yes", "--skip-preview");
        expect(exitCode).not.toBe(0);
        await shell(active, `umount ${folder}`);
      }
      await up();
      await held(to);
    });
    before = to;
  }
}

/**
 * Tests five changes, or CHANGES, with the day's seed or SEED. Each file with such changes calls
 * this.
 */
export function testChanges(): void {
  const seed = Number(process.env.SEED ?? Math.floor(Date.now() / 86_400_000));
  const count = Number(process.env.CHANGES ?? 5);

  beforeAll(async () => {
    configureAddresses(first);
    await up();
    await held(first);
  });

  test(`changes (${count}, SEED=${seed}): no two directors are active for an address, nothing is lost`, async () => {
    await makeChanges(count, seed);
  });
}
