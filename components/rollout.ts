// Changes a few real servers at a time, each without new connections meanwhile.
import { randomUUID } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";
import * as pulumi from "@pulumi/pulumi";
import { bundle, scriptsInTransit } from "./host/scripts";
import { Semaphore } from "./host/semaphore";
import type { Session } from "./host/session";
import { valueOf } from "./host/valueOf";
import { withEnd } from "./render/files";

/** Arguments of {@link Rollout}. */
export interface RolloutArgs {
  /** The serving directors, in an order that all runs share. */
  directors: Session[];
  /** Resources that must exist before the directors' logins work. */
  ready: pulumi.Resource[];
  /** How many real servers may be without new connections at once. */
  maxUnavailable: number;
  /** Seconds to wait for a real server's open connections. */
  drainSeconds: number;
}

/** A real server as the directors know it. */
export interface Drainable {
  name: string;
  /** The real server may be off. The change of others goes on even if its change fails. */
  inMaintenance: boolean;
  place: pulumi.Output<Place>;
}

interface Place {
  addresses: string[];
  /** Its lines of `ipvsadm -Sn` without weights, as the directors will have them. */
  entries: string[];
}

/** How long to wait for another run that changes real servers. */
const patienceSeconds = 1800;

/**
 * Takes real servers out of service during their change. The directors keep the record, in a lease
 * that ends with this process: they put back whatever is still out then.
 */
export class Rollout {
  private readonly lease = randomUUID();
  private readonly places: Semaphore;
  /** The serving directors, which know of the lease. */
  private serving?: Promise<Session[]>;
  /** Real servers that are out, with the directors concerned. */
  private readonly away = new Map<string, { directors: Session[]; leave: () => void }>();
  /** The first real server whose change failed: no other change is begun. */
  private failed?: string;

  constructor(private readonly args: RolloutArgs) {
    this.places = new Semaphore(args.maxUnavailable);
  }

  /** Resources that a real server's change waits for. */
  get ready(): pulumi.Resource[] {
    return this.args.ready;
  }

  /**
   * Stops new connections to a real server on every serving director, and waits for the open ones
   * to end.
   * @throws pulumi.RunError when a director can't be asked, or another real server's change has
   * failed meanwhile
   */
  async suspend(one: Drainable, resource: pulumi.ComponentResource): Promise<void> {
    const { name, place } = one;
    const serving = await this.begin();
    if (serving.length === 0) return;
    const { addresses } = await valueOf(place);
    const leave = await this.places.enter();
    const away = { directors: [] as Session[], leave };
    this.away.set(name, away);
    try {
      for (const director of serving) {
        if (await this.take(director, name, addresses, resource)) away.directors.push(director);
      }
    } catch (error) {
      this.fail(one);
      throw error;
    }
    // The real server is in no pool yet.
    if (away.directors.length === 0) this.end(name);
  }

  /**
   * Allows new connections to a suspended real server again, once the directors' checks succeed.
   * @throws pulumi.RunError when they don't succeed
   */
  async restore(one: Drainable, resource: pulumi.ComponentResource): Promise<void> {
    const { name, place } = one;
    const directors = this.away.get(name)?.directors ?? [];
    // In a preview nothing was suspended, and the addresses may not be known.
    if (directors.length === 0) {
      this.end(name);
      return;
    }
    const { addresses, entries } = await valueOf(place);
    const words = [...drain(), "restore", this.lease, ...addresses];
    const input = withEnd(entries.map((line) => `${line}\n`).join(""));
    // In parallel: each director waits for a round of checks.
    const results = await Promise.allSettled(
      directors.map((director) => director.run(words, { input, tell: told(director, resource) })),
    );
    for (const result of results) {
      if (result.status === "fulfilled") continue;
      this.fail(one);
      throw result.reason;
    }
    this.end(name);
  }

  /** Notes that a real server's change has failed. */
  fail({ name, inMaintenance }: Drainable): void {
    if (!inMaintenance) this.failed ??= name;
    this.end(name);
  }

  private end(name: string): void {
    this.away.get(name)?.leave();
    this.away.delete(name);
  }

  private begin(): Promise<Session[]> {
    this.serving ??= Promise.all(
      this.args.directors.map(async (director) => {
        const said = await director.run(["sh", "-s"], { input: bundle() });
        if (!said.includes("serving")) return [];
        await director.hold([...drain(), "hold", this.lease]);
        return [director];
      }),
    ).then((directors) => directors.flat());
    return this.serving;
  }

  /** Takes the real server out on one director. Returns whether it was in a pool there. */
  private async take(
    director: Session,
    name: string,
    addresses: string[],
    resource: pulumi.ComponentResource,
  ): Promise<boolean> {
    const { maxUnavailable, drainSeconds } = this.args;
    const limits = [this.lease, String(maxUnavailable), String(drainSeconds)];
    const words = [...drain(), "suspend", ...limits, ...addresses];
    const tell = told(director, resource);
    for (let waited = 0; waited < patienceSeconds; waited += 1) {
      if (this.failed !== undefined) {
        throw new pulumi.RunError(`${name} is not changed: the change of ${this.failed} failed`);
      }
      const said = await director.run(words, { tell });
      if (!said.includes("busy")) return said.includes("drained");
      await sleep(1000);
    }
    throw new pulumi.RunError(
      `${director.name} has been waiting for ${patienceSeconds} s to take ${name} out: another run changes real servers`,
    );
  }
}

/** drain.sh of this program's version: the director's own update may come later. */
function drain(): string[] {
  return ["sh", `${scriptsInTransit()}/drain.sh`];
}

/**
 * Shows lines live beside the resource. It is a component, whose URN is known at once: a command's comes when the command has ended, and
 * the SDK holds back every message of the program until then.
 */
function told({ name }: Session, resource: pulumi.ComponentResource): (line: string) => void {
  return (line) => {
    void pulumi.log.info(`${name}: ${line}`, resource);
  };
}
