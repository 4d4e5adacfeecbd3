/** Demonstrates that the load balancer does what it claims. */
import type { Lab } from "./instance";
import { inOperator, powerOn, runInLab } from "./lab";
import { summary } from "./load";
import { lastLines } from "./run";
import {
  activeDirector,
  arpAnswers,
  directorsOf,
  ipvsTable,
  powerCutUnderLoad,
  realServersOf,
  replySenders,
  requests,
} from "./measure";
import { configWords } from "./stackConfig";
import { waitFor } from "./waitFor";

/** Prints a line of the demonstration. */
type Tell = (line: string) => void;

/** A claim and its demonstration, which throws if the claim doesn't hold. */
interface Claim {
  claim: string;
  /** @param config the engine options that select the stack's config */
  show: (lab: Lab, tell: Tell, config: readonly string[]) => Promise<void>;
}

/** The claims, in an order in which each one finds the lab as it needs it. */
export const claims: readonly Claim[] = [
  {
    claim: "both directors have the virtual server and every real server in their kernel",
    show: async (lab, tell) => {
      for (const { name } of directorsOf(lab)) {
        const table = await ipvsTable(lab, name);
        tell(`${name}# ipvsadm -Ln\n${table}`);
        for (const {
          name: realServer,
          public: { ipv4 },
        } of realServersOf(lab)) {
          expect(table.includes(`-> ${ipv4}:80 `), `${realServer} is in ${name}'s table`);
        }
      }
    },
  },
  {
    claim: "200 requests from the public network are spread over all real servers",
    show: async (lab, tell) => {
      const load = await requests(lab, { count: 200 });
      tell(
        `${summary(load)}; ${Object.entries(load.byServer)
          .map(([name, count]) => `${name} ${count}`)
          .join(", ")}`,
      );
      expect(load.sent === 200 && load.answered === 200, "all 200 are answered");
      expect(
        sharesAreEqual(load.byServer, namesOf(realServersOf(lab))),
        "equal weights get equal shares, and nobody else answers",
      );
    },
  },
  {
    claim: "the virtual IP's MAC address is the active director's, never a real server's",
    show: async (lab, tell) => {
      const active = await activeDirector(lab);
      const answers = await arpAnswers(lab, 10);
      tell(`asked 10 times: ${JSON.stringify(answers)}; active is ${active}`);
      expect(onlyFrom(answers, [active], 10), `${active} alone answers ARP`);
    },
  },
  {
    claim: "replies come straight from the real servers, not through a director",
    show: async (lab, tell) => {
      const senders = await replySenders(lab, 30);
      tell(`packets from the virtual IP by sender: ${JSON.stringify(senders)}`);
      expect(
        onlyFrom(senders, namesOf(realServersOf(lab))),
        "every real server sends, and nobody else",
      );
    },
  },
  {
    claim: "when the active director's power is cut under load, the other takes over",
    show: async (lab, tell) => {
      const { cut, active, load } = await powerCutUnderLoad(lab, {
        rate: 100,
        seconds: 12,
        cutAfterSeconds: 3,
      });
      tell(`${cut} cut off, ${active} took over: ${summary(load)}`);
      expect(tookOver(cut, active, namesOf(directorsOf(lab))), "the other director is active");
      expect(load.longestGapMs <= 3000, "the gap is below 3 s");
      await powerOn(lab, cut);
      await waitFor(async () => (await ipvsTable(lab, cut)).includes("->"), {
        what: `${cut} is back with its IPVS table`,
        timeoutSeconds: 90,
      });
      tell(`${cut} is back as the standby; ${await activeDirector(lab)} stays active`);
    },
  },
  {
    claim: "a second pulumi up changes nothing",
    show: async (lab, tell, config) => {
      const said = await runInLab(lab, [
        "pulumi",
        "up",
        "--yes",
        "--expect-no-changes",
        "--non-interactive",
        "--color=never",
        ...config,
      ]);
      tell(/^Resources:\n(.*unchanged.*)$/m.exec(said)?.[1]?.trim() ?? said);
    },
  },
];

/**
 * Only for a stack with deletion protection, as Pulumi.dev.yaml's has by default: the tests' stack
 * has none.
 */
const refusal: Claim = {
  claim: "pulumi destroy is refused while the pair serves",
  show: async (lab, tell, config) => {
    const words = ["destroy", "--yes", "--skip-preview", "--non-interactive", "--color=never"];
    const { stdout, stderr, exitCode } = await inOperator(lab, "pulumi", [...words, ...config], {
      timeoutSeconds: 120,
    });
    const said = /protect: (deletion protection is on.*)/.exec(stdout + stderr)?.[1];
    tell(said ?? lastLines(stdout + stderr));
    expect(exitCode !== 0 && said !== undefined, "the engine is refused, with the reason");
    const { sent, answered } = await requests(lab, { count: 20 });
    expect(answered === sent, "the pair serves as before");
  },
};

/**
 * Demonstrates every claim and prints the evidence.
 *
 * @throws Error naming the claim that failed, and what was seen
 */
export async function prove(lab: Lab, tell: Tell): Promise<void> {
  for (const { claim, show } of [...claims, refusal]) {
    try {
      await show(lab, tell, configWords(lab));
    } catch (error) {
      throw new Error(`not so: ${claim}. ${String(error)}`, { cause: error });
    }
    tell(`✔ ${claim}`);
  }
}

/**
 * Whether exactly these servers answered, equally often. A difference of two may come from the ends
 * of a load.
 */
export function sharesAreEqual(
  answers: Readonly<Record<string, number>>,
  servers: readonly string[],
): boolean {
  if (!onlyFrom(answers, servers)) return false;
  const counts = Object.values(answers);
  return Math.max(...counts) - Math.min(...counts) <= 2;
}

/** Whether exactly these names were seen; with `times`, each exactly that often. */
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

/** Whether a director other than the one that was cut off is active. */
export function tookOver(cut: string, active: string, directors: readonly string[]): boolean {
  return active !== cut && [cut, active].every((name) => directors.includes(name));
}

const namesOf = (hosts: readonly { name: string }[]) => hosts.map(({ name }) => name);

function expect(condition: boolean, what: string): void {
  if (!condition) throw new Error(`expected: ${what}`);
}
