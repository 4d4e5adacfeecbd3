// A login to a host that waits for one: its firewall has been changed, and the change goes back unless somebody can log in anew.
import { setTimeout as sleep } from "node:timers/promises";
import * as pulumi from "@pulumi/pulumi";
import { scriptsHome } from "./scripts";
import type { Session } from "./session";

const firewall = `${scriptsHome}/firewall.sh`;

/** Between two questions, of which each takes a while where the host has nothing to tell. */
const pauseSeconds = 1;

/** Confirms what a host's command changes of its firewall, beside that command: it ends when the host has heard of another login. */
export class Confirmation {
  private ended = new AbortController();

  /**
   * @param present to ask the host by, which is no login more where it stays open
   * @param anew logs in for each of its commands
   */
  constructor(
    private readonly present: Session,
    private readonly anew: Session,
  ) {}

  /** The command is about to run. Nobody waits for this, and whether it works is that command's own business. */
  begin(): void {
    this.end();
    this.ended = new AbortController();
    void this.watch(this.ended.signal);
  }

  /** The command has ended, however it did. */
  end(): void {
    this.ended.abort();
  }

  private async watch(signal: AbortSignal): Promise<void> {
    let through = this.present;
    let isTold = false;
    const isOver = () => signal.aborted;
    while (!isOver()) {
      try {
        const waits = await through.run([firewall, "asks"], { attempts: 1, signal });
        if (waits !== "") {
          through = this.anew;
          await this.anew.run([firewall, "confirm"], { attempts: 1, signal });
          return;
        }
      } catch (error) {
        // The connection that is there may be one that the change has cut.
        if (through === this.anew && !isTold && !isOver()) {
          isTold = true;
          // Not beside the command: its URN comes when it has ended.
          void pulumi.log.warn(
            `no other login while the firewall changes: ${error instanceof Error ? error.message : String(error)}`,
          );
        }
        through = this.anew;
      }
      await sleep(pauseSeconds * 1000, undefined, { signal }).catch(() => undefined);
    }
  }
}
