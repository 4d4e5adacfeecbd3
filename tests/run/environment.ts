// A Node environment that counts the tests of the files in SKIPPED_TEST_FILES without running them.
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, relative } from "node:path";
import { TestEnvironment } from "jest-environment-node";

/** Jest's own record of a `describe` block, or of a file. */
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

  // Skipped files don't run the hooks that would remove their temporary files, so these go into a
  // scratch folder.
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
