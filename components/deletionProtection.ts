// Deletion protection: keeps connected clients from losing their service by mistake. A change is
// checked here before the first host is touched. On destroy no program runs, so the command that is
// undone first refuses it (protect.sh).
import { setTimeout as sleep } from "node:timers/promises";
import * as pulumi from "@pulumi/pulumi";
import type { Host } from "./host/host";
import { bundle, scriptsHome, scriptsInTransit } from "./host/scripts";
import type { Session } from "./host/session";
import { valueOf } from "./host/valueOf";
import { ipvsPlaces } from "./render/ipvs";
import { withEnd } from "./render/files";
import type { Settings } from "./settings";

/** The directors to ask. Their logins must work when they are asked. */
export interface Directors {
  serving: readonly Session[];
  /** These may still hold the virtual addresses, or be off. */
  inMaintenance: readonly Session[];
}

/** A director's answer: the rest of each line by its first word. */
type Answer = Record<"lost" | "holds" | "standby" | "own" | "peer", string[]> & {
  director: string;
};

/**
 * Refuses a change that would take a service from connected clients, or leave out a director whose
 * keepalived runs.
 */
export class DeletionProtection {
  private found?: Promise<{ refusal?: string; unasked?: Error }>;
  /** After the first refusal, later ones get a short message. */
  private refused = false;

  /**
   * @param takeoverSeconds how long a standby takes to take over an address that no director holds
   */
  constructor(
    private readonly settings: pulumi.Output<Pick<Settings, "virtualServers">>,
    private readonly directors: Directors,
    private readonly takeoverSeconds: pulumi.Output<number>,
  ) {}

  /**
   * Call this before each change of a host.
   * @throws pulumi.RunError when a virtual server with open connections, or all of its real
   * servers, would be removed; when a host outside the directors is active or may stand by; or when
   * no director can be asked, unless the resource is new, because there may be no directors yet
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
   * Detects an active director that the change removes: the remaining directors stand by for an
   * address that none of them holds. Their new config would not let its adverts in, so two
   * directors would hold the addresses.
   */
  private async activeTakenOut(first: Answer[]): Promise<string> {
    const { serving, inMaintenance } = this.directors;
    let elsewhere = heldElsewhere(first);
    // It may just have gone into maintenance, or have failed without a takeover yet: ask again
    // later.
    for (const seconds of [0, await valueOf(this.takeoverSeconds)]) {
      if (elsewhere.length === 0) return "";
      await sleep(seconds * 1000);
      const { answers, failed } = await this.ask([...serving, ...inMaintenance]);
      // The director that can't be asked may hold the address.
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
   * Detects a standby that the change removes. Without the others' unicast adverts it would take
   * the virtual addresses, too, until the engine undoes it, which happens last. With multicast it
   * still hears the adverts.
   */
  private async standbyTakenOut(first: Answer[]): Promise<string> {
    if (strangersOf(first).length === 0) return "";
    const { serving, inMaintenance } = this.directors;
    const { answers, failed } = await this.ask([...serving, ...inMaintenance]);
    // The address may belong to the director that can't be asked.
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

  /** Asks directors with this program's own scripts, whatever version they have. */
  private async ask(directors: readonly Session[]): Promise<{ answers: Answer[]; failed?: Error }> {
    const input = await valueOf(
      this.settings.apply((known) =>
        withEnd(
          ipvsPlaces(known)
            .map((place) => `${place}\n`)
            .join(""),
        ),
      ),
    );
    const results = await Promise.allSettled(
      directors.map(async (director) => {
        // A host in maintenance may be off: try once only.
        const attempts = this.directors.inMaintenance.includes(director) ? { attempts: 1 } : {};
        await director.run(["sh", "-s"], { input: bundle(), ...attempts });
        const script = `${scriptsInTransit()}/protect.sh`;
        const text = await director.run(["sh", script, "look"], {
          input,
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

/** Addresses that directors send adverts to and that belong to none of them. */
function strangersOf(answers: Answer[]): string[] {
  const own = new Set(answers.flatMap((answer) => answer.own));
  return [...new Set(answers.flatMap(({ peer }) => peer))].filter((address) => !own.has(address));
}

/**
 * Virtual addresses with a standby among these directors but no holder:
 * `192.0.2.100, for which lvs2 stands by`.
 */
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
 * Adds the command that refuses `pulumi destroy` of the pair when it is undone. It depends on
 * everything else, so the engine undoes it first. It exists as long as the pair, whichever director it is on,
 * and runs again when its arguments change.
 * @param after everything else in the pair
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

/**
 * Names the services that clients would lose. Directors may know different numbers of connections
 * to a service: the largest is used.
 */
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
