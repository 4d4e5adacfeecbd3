// Deletion protection: what clients are connected to isn't taken from them by mistake. What changes is asked about here, before the first
// change; of a pair that goes, no program runs, and a command is undone first that refuses it (protect.sh).
import { setTimeout as sleep } from "node:timers/promises";
import * as pulumi from "@pulumi/pulumi";
import type { Host } from "./host/host";
import { bundle, scriptsHome, scriptsInTransit } from "./host/scripts";
import type { Session } from "./host/session";
import { ipvsPlaces } from "./render/ipvs";
import { withEnd } from "./render/files";
import type { Settings } from "./settings";

/** Who is asked. Their logins work when something is asked. */
export interface Directors {
  serving: readonly Session[];
  /** They may still have the virtual addresses, or be off. */
  inMaintenance: readonly Session[];
}

/** What a director answers, by the first word of a line. */
type Answer = Record<"lost" | "holds" | "standby" | "own" | "peer", string[]> & {
  director: string;
};

/** Keeps services from being taken from connected clients by a change, and a director whose keepalived runs from being left out of one. */
export class DeletionProtection {
  private readonly input: string;
  private found?: Promise<{ refusal?: string; unasked?: Error }>;
  /** What has been refused: the others are told shortly. */
  private refused = false;

  /** @param takeoverSeconds in which a standby takes an address that nobody has */
  constructor(
    settings: Pick<Settings, "virtualServers">,
    private readonly directors: Directors,
    private readonly takeoverSeconds: number,
  ) {
    this.input = withEnd(
      ipvsPlaces(settings)
        .map((place) => `${place}\n`)
        .join(""),
    );
  }

  /**
   * To be asked before each change of a host.
   * @throws pulumi.RunError when a virtual server with open connections would go, or all real servers that it has; when a host is active,
   * or may stand by, that is none of the directors; or when no director can be asked, unless the resource is new: there may be no directors yet
   */
  async check({ isNew }: { isNew: boolean }): Promise<void> {
    this.found ??= this.find();
    const { refusal, unasked } = await this.found;
    if (refusal !== undefined) {
      const isFirst = !this.refused;
      this.refused = true;
      throw new pulumi.RunError(
        isFirst ? refusal : "not changed either: deletion protection refuses this run",
      );
    }
    if (!isNew && unasked !== undefined) throw unasked;
  }

  private async find(): Promise<{ refusal?: string; unasked?: Error }> {
    const { answers, failed } = await this.ask(this.directors.serving);
    const takenOut = (await this.activeTakenOut(answers)) || (await this.standbyTakenOut(answers));
    const reasons = [lossOf(answers), takenOut].filter((text) => text !== "");
    return {
      ...(reasons.length > 0 && { refusal: refusalOf(reasons) }),
      ...(answers.length === 0 && { unasked: failed }),
    };
  }

  /**
   * A standby without an active director would soon be active itself: another host is. The others' new config no longer lets its adverts
   * in, and two would have the addresses.
   */
  private async activeTakenOut(first: Answer[]): Promise<string> {
    const { serving, inMaintenance } = this.directors;
    let elsewhere = heldElsewhere(first);
    // It may be in maintenance from now on; or it has just gone, and nobody has taken over yet.
    for (const seconds of [0, this.takeoverSeconds]) {
      if (elsewhere.length === 0) return "";
      await sleep(seconds * 1000);
      const { answers, failed } = await this.ask([...serving, ...inMaintenance]);
      // It may be the one that can't be asked.
      if (failed !== undefined) return "";
      elsewhere = heldElsewhere(answers);
    }
    if (elsewhere.length === 0) return "";
    return [
      `A host that is not in lvs-ha:directors is active, and for some seconds two would be: ${elsewhere.join(", ")}.`,
      "Put it back and in maintenance first (lvs maintenance on), so that another director takes over and it stays silent, or systemctl stop keepalived on that host",
    ].join(" ");
  }

  /**
   * A standby that the others no longer send their adverts to takes the virtual addresses, too, until it is undone: the engine undoes
   * last. By multicast it goes on hearing them.
   */
  private async standbyTakenOut(first: Answer[]): Promise<string> {
    if (strangersOf(first).length === 0) return "";
    const { serving, inMaintenance } = this.directors;
    const { answers, failed } = await this.ask([...serving, ...inMaintenance]);
    // An address may be that of the one that can't be asked.
    if (failed !== undefined) return "";
    const strangers = strangersOf(answers);
    if (strangers.length === 0) return "";
    const script = `${scriptsInTransit()}/protect.sh`;
    const texts = await Promise.all(
      serving.map((director) => director.run(["sh", script, "answering"])),
    );
    const answering = new Set(texts.flatMap((text) => text.split("\n")));
    const there = strangers.filter((address) => answering.has(address));
    if (there.length === 0) return "";
    return [
      `A host that is no longer in lvs-ha:directors may stand by, and without adverts it would take the virtual addresses, too: ${there.join(", ")}.`,
      "Put it back and in maintenance first (lvs maintenance on), so that its keepalived is stopped",
    ].join(" ");
  }

  /** By a version of its own, whatever the directors have. */
  private async ask(directors: readonly Session[]): Promise<{ answers: Answer[]; failed?: Error }> {
    const results = await Promise.allSettled(
      directors.map(async (director) => {
        // Nobody waits for a host in maintenance.
        const attempts = this.directors.inMaintenance.includes(director) ? { attempts: 1 } : {};
        await director.run(["sh", "-s"], { input: bundle(), ...attempts });
        const script = `${scriptsInTransit()}/protect.sh`;
        const text = await director.run(["sh", script, "look"], {
          input: this.input,
          ...attempts,
        });
        return answerOf(director.name, text);
      }),
    );
    const failed = results.find((result) => result.status === "rejected");
    return {
      answers: results.flatMap((one) => (one.status === "fulfilled" ? [one.value] : [])),
      ...(failed && { failed: failed.reason as Error }),
    };
  }
}

function answerOf(director: string, text: string): Answer {
  const of = (word: string) =>
    text
      .split("\n")
      .flatMap((line) => (line.startsWith(`${word} `) ? [line.slice(word.length + 1)] : []));
  return {
    director,
    lost: of("lost"),
    holds: of("holds"),
    standby: of("standby"),
    own: of("own"),
    peer: of("peer"),
  };
}

/** Whom directors send their adverts to, and who is none of them. */
function strangersOf(answers: Answer[]): string[] {
  const own = new Set(answers.flatMap((answer) => answer.own));
  return [...new Set(answers.flatMap(({ peer }) => peer))].filter((address) => !own.has(address));
}

/** Virtual addresses that somebody stands by for, and none of these directors has: `192.0.2.100, for which lvs2 stands by`. */
function heldElsewhere(answers: Answer[]): string[] {
  const held = new Set(answers.flatMap(({ holds }) => holds));
  const standbys = new Map(
    answers.flatMap(({ director, standby }) => standby.map((address) => [address, director])),
  );
  return [...standbys]
    .filter(([address]) => !held.has(address))
    .map(([address, director]) => `${address}, for which ${director} stands by`);
}

/**
 * The command whose undoing refuses that the pair goes: the engine undoes it first, as it waits for all others. It stands as long as the
 * pair does, whoever its director is, and is run again where what it says differs.
 * @param after all that the pair is
 */
export function protect(
  name: string,
  { director, isOn }: { director: Host; isOn: boolean },
  after: pulumi.Input<pulumi.Resource>[],
  parent: pulumi.Resource,
): void {
  const owner = `${pulumi.getProject()}/${pulumi.getStack()}/${name}`;
  const path = `${scriptsHome}/protect.sh`;
  director.aside(`${name}-deletion-protection`, [path, "claim", owner], {
    undo: [path, "release", owner, isOn ? "on" : "off", director.shortName],
    after,
    parent,
  });
}

/** Directors know of more or fewer connections to the same service: the most of each. */
function lossOf(answers: Answer[]): string {
  const most = new Map<string, number>();
  for (const line of answers.flatMap(({ lost }) => lost)) {
    const [, count = "", service = ""] = /^(\d+) (.+)$/.exec(line) ?? [];
    most.set(service, Math.max(Number(count), most.get(service) ?? 0));
  }
  if (most.size === 0) return "";
  const each = [...most].map(
    ([service, connections]) =>
      `${service} (${connections} open connection${connections === 1 ? "" : "s"})`,
  );
  return [
    `Clients would lose ${each.join(", ")}: the virtual server goes, or all of its real servers do.`,
    "Keep one of its real servers until those connections have ended",
  ].join(" ");
}

function refusalOf(reasons: string[]): string {
  return [
    `deletion protection: nothing was changed. ${reasons.join(". ")},`,
    "or allow it: pulumi config set lvs-ha:deletionProtection false",
  ].join(" ");
}
