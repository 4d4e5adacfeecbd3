// A real server gets no new connections while it is changed, and a few at a time are.
import { randomUUID } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";
import * as pulumi from "@pulumi/pulumi";
import { bundle, scriptsInTransit } from "./host/scripts";
import { Semaphore } from "./host/semaphore";
import type { Session } from "./host/session";
import { withEnd } from "./render/files";

export interface RolloutArgs {
  /** The directors that serve, in an order that all runs keep. */
  directors: Session[];
  /** Their logins work once these stand. */
  ready: pulumi.Resource[];
  /** Real servers that may be without new connections at once. */
  maxUnavailable: number;
  /** How long a real server's open connections are waited for. */
  drainSeconds: number;
}

/** A real server as the directors know it. */
export interface Drainable {
  name: string;
  addresses: string[];
  /** It may be off, and others are changed whatever becomes of it. */
  inMaintenance: boolean;
  /** What they are to have of it from now on: lines of `ipvsadm -Sn` without weights. */
  entries: string[];
}

/** Another run may change real servers, too: it is waited for. */
const patienceSeconds = 1800;

/**
 * Takes real servers out of service around their change. What is known of it is on the directors, in a lease that ends with this
 * process: whatever has not been put back by then, the directors put back.
 */
export class Rollout {
  private readonly lease = randomUUID();
  private readonly places: Semaphore;
  /** Directors that serve, which have been told of the lease. */
  private serving?: Promise<Session[]>;
  /** Real servers that have been taken out, and the directors where. */
  private readonly away = new Map<string, { directors: Session[]; leave: () => void }>();
  /** The first real server whose change has failed: no other is begun. */
  private failed?: string;

  constructor(private readonly args: RolloutArgs) {
    this.places = new Semaphore(args.maxUnavailable);
  }

  /** A real server's change waits for these. */
  get ready(): pulumi.Resource[] {
    return this.args.ready;
  }

  /**
   * Stops new connections to a real server on every director that serves, and waits for those that are open.
   * @throws pulumi.RunError when a director can't be asked, or the change of another real server has failed meanwhile
   */
  async suspend(one: Drainable, resource: pulumi.Resource): Promise<void> {
    const { name, addresses } = one;
    const serving = await this.begin();
    if (serving.length === 0) return;
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
    // It is in no pool yet.
    if (away.directors.length === 0) this.end(name);
  }

  /**
   * Lets a real server that was suspended have new connections again, once the directors' checks find it well.
   * @throws pulumi.RunError when they don't
   */
  async restore(one: Drainable, resource: pulumi.Resource): Promise<void> {
    const { name, addresses, entries } = one;
    const directors = this.away.get(name)?.directors ?? [];
    const words = [...drain(), "restore", this.lease, ...addresses];
    const input = withEnd(entries.map((line) => `${line}\n`).join(""));
    // All of them wait for a round of the checks.
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

  /** A real server's change has failed. */
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

  /** Whether it was in a pool there. */
  private async take(
    director: Session,
    name: string,
    addresses: string[],
    resource: pulumi.Resource,
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

/** A version of its own, whatever the director has: its own change may come later. */
function drain(): string[] {
  return ["sh", `${scriptsInTransit()}/drain.sh`];
}

/** Shown live beside the resource, as what a command says is. */
function told({ name }: Session, resource: pulumi.Resource): (line: string) => void {
  return (line) => {
    void pulumi.log.info(`${name}: ${line}`, resource);
  };
}
