/** The lab proves to whoever looks on that the load balancer does what it says. */
import { powerOn, runInLab } from "./lab";
import { summary } from "./load";
import {
  activeDirector,
  arpAnswers,
  directors,
  ipvsTable,
  powerCutUnderLoad,
  realServers,
  replySenders,
  requests,
} from "./measure";
import { waitFor } from "./waitFor";

/** Tells a line of the proof. */
type Tell = (line: string) => void;

/** One claim, and what shows it. It throws when what is seen is something else. */
interface Claim {
  claim: string;
  show: (tell: Tell) => Promise<void>;
}

/** The claims, in an order in which each finds the lab as it needs it. */
export const claims: readonly Claim[] = [
  {
    claim: "both directors have the virtual server and every real server in their kernel",
    show: async (tell) => {
      for (const { name } of directors) {
        const table = await ipvsTable(name);
        tell(`${name}# ipvsadm -Ln\n${table}`);
        for (const { name: realServer, interfaces } of realServers) {
          expect(
            table.includes(`-> ${interfaces[1].ipv4}:80 `),
            `${realServer} is in ${name}'s table`,
          );
        }
      }
    },
  },
  {
    claim: "200 requests from the public network are spread over all real servers",
    show: async (tell) => {
      const load = await requests(200);
      tell(
        `${summary(load)}; ${Object.entries(load.byServer)
          .map(([name, count]) => `${name} ${count}`)
          .join(", ")}`,
      );
      expect(load.sent === 200 && load.answered === 200, "all 200 are answered");
      expect(
        sharesAreEqual(load.byServer, namesOf(realServers)),
        "equal weights get equal shares, and nobody else answers",
      );
    },
  },
  {
    claim: "the virtual IP's MAC address is the active director's, never a real server's",
    show: async (tell) => {
      const active = await activeDirector();
      const answers = await arpAnswers(10);
      tell(`asked 10 times: ${JSON.stringify(answers)}; active is ${active}`);
      expect(onlyFrom(answers, [active], 10), `${active} alone answers ARP`);
    },
  },
  {
    claim: "replies come straight from the real servers, not through a director",
    show: async (tell) => {
      const senders = await replySenders(30);
      tell(`packets from the virtual IP by sender: ${JSON.stringify(senders)}`);
      expect(onlyFrom(senders, namesOf(realServers)), "every real server sends, and nobody else");
    },
  },
  {
    claim: "when the active director's power is cut under load, the other takes over",
    show: async (tell) => {
      const { cut, active, load } = await powerCutUnderLoad({
        rate: 100,
        seconds: 12,
        cutAfterSeconds: 3,
      });
      tell(`${cut} cut off, ${active} took over: ${summary(load)}`);
      expect(tookOver(cut, active, namesOf(directors)), "the other director is active");
      expect(load.longestGapMs <= 3000, "the gap is below 3 s");
      await powerOn(cut);
      await waitFor(async () => (await ipvsTable(cut)).includes("->"), {
        what: `${cut} is back with its IPVS table`,
        timeoutSeconds: 90,
      });
      tell(`${cut} is back as the standby; ${await activeDirector()} stays active`);
    },
  },
  {
    claim: "a second pulumi up changes nothing",
    show: async (tell) => {
      const said = await runInLab([
        "pulumi",
        "up",
        "--yes",
        "--expect-no-changes",
        "--non-interactive",
        "--color=never",
      ]);
      tell(/^Resources:\n(.*unchanged.*)$/m.exec(said)?.[1]?.trim() ?? said);
    },
  },
];

/**
 * Shows every claim, telling as it goes.
 *
 * @throws Error naming the claim that doesn't hold, and what was seen
 */
export async function prove(tell: Tell): Promise<void> {
  for (const { claim, show } of claims) {
    try {
      await show(tell);
    } catch (error) {
      throw new Error(`not so: ${claim}. ${String(error)}`, { cause: error });
    }
    tell(`✔ ${claim}`);
  }
}

/** Whether these servers, and no others, have as many answers as each other: two is what a load's ends may make of it. */
export function sharesAreEqual(
  answers: Readonly<Record<string, number>>,
  servers: readonly string[],
): boolean {
  if (!onlyFrom(answers, servers)) return false;
  const counts = Object.values(answers);
  return Math.max(...counts) - Math.min(...counts) <= 2;
}

/** Whether each of these, and nobody else, was seen: at all, or just so often. */
export function onlyFrom(
  seen: Readonly<Record<string, number>>,
  names: readonly string[],
  times?: number,
): boolean {
  const counts = names.map((name) => seen[name] ?? 0);
  return (
    names.length > 0 &&
    Object.keys(seen).every((name) => names.includes(name)) &&
    counts.every((count) => (times === undefined ? count > 0 : count === times))
  );
}

/** Whether another director than the one that was cut off is active. */
export function tookOver(cut: string, active: string, directors: readonly string[]): boolean {
  return active !== cut && [cut, active].every((name) => directors.includes(name));
}

const namesOf = (hosts: readonly { name: string }[]) => hosts.map(({ name }) => name);

function expect(condition: boolean, what: string): void {
  if (!condition) throw new Error(`expected: ${what}`);
}
