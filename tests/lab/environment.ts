// Runs each test and hook of the lab with its time limit. When the limit has passed or the test is
// over, everything it started is ended, and leftovers of it can't start anything more. (jest itself
// lets a test that ran out of time continue beside the next ones.) Tests of a slice don't start
// when the run has no time left for them.
import type { EnvironmentContext, JestEnvironmentConfig } from "@jest/environment";
import type { Circus } from "@jest/types";
import NodeEnvironment from "jest-environment-node";
import { shareLimits, withLimit } from "../../lab/limit";
import { readHead } from "./files";

const exit = () => process.exit(1);

/** jest's own limit comes after ours, as a last resort. */
const graceSeconds = 30;

/** The test environment of the lab's tests. */
export default class LabEnvironment extends NodeEnvironment {
  private readonly limited = new WeakSet<object>();
  private readonly isOfSlice: boolean;

  constructor(config: JestEnvironmentConfig, context: EnvironmentContext) {
    super(config, context);
    this.isOfSlice = readHead(context.testPath).set !== "core";
  }

  /** Called by jest before a test file. */
  override async setup(): Promise<void> {
    await super.setup();
    shareLimits(this.global);
    // A worker of jest would live on if jest was killed.
    if (process.connected) process.once("disconnect", exit);
  }

  /** Called by jest after a test file. */
  override async teardown(): Promise<void> {
    // The listener would keep a worker from ending after its work.
    process.off("disconnect", exit);
    await super.teardown();
  }

  /** Called by jest for each event: sets limits, and skips tests that are too late. */
  handleTestEvent(event: Circus.Event, state: Circus.State): void {
    if (event.name === "run_describe_start" && this.isTooLate()) event.describeBlock.mode = "skip";
    if (event.name === "test_start") {
      if (this.isTooLate() && event.test.mode !== "skip") {
        event.test.mode = "skip";
        process.stderr.write(`  skipped: ${event.test.name}: the run's time for slices is over\n`);
      }
      this.limit(event.test, event.test.name, state);
    }
    if (event.name === "hook_start") this.limit(event.hook, event.hook.type, state);
  }

  private isTooLate(): boolean {
    const until = process.env.LVS_HA_SLICE_UNTIL;
    return this.isOfSlice && until !== undefined && Date.now() / 1000 > Number(until);
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
