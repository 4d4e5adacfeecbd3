// Node's environment, in which the tests of the files in SKIPPED_TEST_FILES are counted and not run.
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, relative } from "node:path";
import { TestEnvironment } from "jest-environment-node";

/** What Jest's runner keeps of a `describe`, or of the file. */
interface Block {
  type: "describeBlock";
  mode?: "skip" | "only" | "todo" | null;
  children: (Block | { type: "test" })[];
}

type Options = ConstructorParameters<typeof TestEnvironment>;

export default class extends TestEnvironment {
  private readonly isSkipped: boolean;
  private readonly before = process.env.TMPDIR;
  private scratch: string | undefined;

  constructor(...[config, context]: Options) {
    super(config, context);
    const file = relative(config.projectConfig.rootDir, context.testPath);
    this.isSkipped = (process.env.SKIPPED_TEST_FILES ?? "").split(":").includes(file);
  }

  // What a file makes as it is loaded, its hooks would remove, and they don't run.
  override async setup(): Promise<void> {
    await super.setup();
    if (!this.isSkipped) return;
    this.scratch = mkdtempSync(join(tmpdir(), "lvs-ha-skipped-"));
    process.env.TMPDIR = this.scratch;
  }

  override async teardown(): Promise<void> {
    if (this.scratch !== undefined) {
      rmSync(this.scratch, { recursive: true });
      if (this.before === undefined) delete process.env.TMPDIR;
      else process.env.TMPDIR = this.before;
    }
    await super.teardown();
  }

  handleTestEvent(event: { name: string }, state: { rootDescribeBlock: Block }): void {
    if (event.name === "run_start" && this.isSkipped) skip(state.rootDescribeBlock);
  }
}

function skip(block: Block): void {
  block.mode = "skip";
  for (const child of block.children) if (child.type === "describeBlock") skip(child);
}
