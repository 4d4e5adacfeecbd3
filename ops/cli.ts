// The operator's command: `npm run lvs -- COMMAND`.
import { Command, CommanderError } from "commander";
import { addCompletion } from "./completion";
import { CouldNotLook, exitCodes, UsageError } from "./exit";
import { addScanHostKeys } from "./hostKeys/command";
import { addLogs } from "./logs/command";
import { addRepair } from "./repair/command";
import { addStatus } from "./status/command";
import { addVerify } from "./verify/command";

const program = new Command("lvs")
  .description("Looks after the load balancer that pulumi up has made.")
  .exitOverride()
  .showHelpAfterError("(--help says more)");

addStatus(program);
addVerify(program);
addRepair(program);
addLogs(program);
addScanHostKeys(program);
addCompletion(program);

// Keys and passwords in files go away with this process, whatever ends it.
for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) {
  process.once(signal, () => process.exit(130));
}

program.parseAsync().catch((error: unknown) => {
  if (error instanceof CommanderError) {
    // Commander has said what is wrong; help and version end well.
    process.exitCode = error.exitCode === 0 ? exitCodes.fine : exitCodes.usage;
    return;
  }
  console.error(`lvs: ${error instanceof Error ? error.message : String(error)}`);
  process.exitCode = error instanceof UsageError ? exitCodes.usage : exitCodes.couldNotLook;
  if (!(error instanceof UsageError || error instanceof CouldNotLook)) console.error(error);
});
