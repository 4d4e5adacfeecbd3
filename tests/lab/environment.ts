// Runs each test and hook of the lab inside its limit: when that has passed, or the test is over, everything it started is ended,
// and what goes on of it can start nothing more. (By itself jest lets a test that has run out of time go on beside the next ones.)
import type { Circus } from "@jest/types";
import NodeEnvironment from "jest-environment-node";
import { shareLimits, withLimit } from "../../lab/limit";

/** jest's own limit comes after ours, as a last resort. */
const graceSeconds = 30;

export default class LabEnvironment extends NodeEnvironment {
  private readonly limited = new WeakSet<object>();

  override async setup(): Promise<void> {
    await super.setup();
    shareLimits(this.global);
  }

  handleTestEvent(event: Circus.Event, state: Circus.State): void {
    if (event.name === "test_start") this.limit(event.test, event.test.name, state);
    if (event.name === "hook_start") this.limit(event.hook, event.hook.type, state);
  }

  private limit(work: Circus.TestEntry | Circus.Hook, name: string, state: Circus.State): void {
    const fn = work.fn as (() => Promise<void>) | undefined;
    if (!fn || this.limited.has(work)) return;
    this.limited.add(work);
    const seconds = (work.timeout ?? state.testTimeout) / 1000;
    work.timeout = (seconds + graceSeconds) * 1000;
    const message = `"${name}" was not done after ${seconds} s`;
    work.fn = () => withLimit(seconds, message, fn);
  }
}
