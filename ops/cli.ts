#!/usr/bin/env node
// The operator's command: `npx lvs-ha COMMAND`, and in a clone `npm run lvs -- COMMAND`.
import { inspect } from "node:util";
import { Command, CommanderError } from "commander";
import { packageVersion } from "../components/package";
import { addCompletion } from "./completion";
import { addDrain } from "./drain/command";
import { CouldNotLook, exitCodes, Interrupted, Refused, UsageError } from "./exit";
import { addFailover } from "./failover/command";
import { addScanHostKeys } from "./hostKeys/command";
import { addImport } from "./import/command";
import { addLogs } from "./logs/command";
import { addMaintenance } from "./maintenance/command";
import { addRepair } from "./repair/command";
import { endOnSignals, isInterrupted } from "./signals";
import { addStatus } from "./status/command";
import { addVerify } from "./verify/command";
import { complain } from "./voice";

const program = new Command("lvs-ha")
  .description("Looks after the load balancer that pulumi up has made.")
  .version(packageVersion())
  .exitOverride()
  .showHelpAfterError("(--help says more)");

addStatus(program);
addVerify(program);
addRepair(program);
addDrain(program);
addFailover(program);
addMaintenance(program);
addLogs(program);
addScanHostKeys(program);
addImport(program);
addCompletion(program);

const endings = [
  [UsageError, exitCodes.usage],
  [Refused, exitCodes.wrong],
  [CouldNotLook, exitCodes.couldNotLook],
  [Interrupted, exitCodes.interrupted],
] as const;

endOnSignals();

program.parseAsync().catch((error: unknown) => {
  if (error instanceof CommanderError) {
    // Commander has already printed the error. Help and version are no error: exit 0.
    process.exitCode = error.exitCode === 0 ? exitCodes.fine : exitCodes.usage;
    return;
  }
  complain(`lvs: ${error instanceof Error ? error.message : String(error)}`);
  const [, code] = endings.find(([kind]) => error instanceof kind) ?? [];
  // A failure caused by the signal counts as the interruption.
  process.exitCode = isInterrupted() ? exitCodes.interrupted : (code ?? exitCodes.couldNotLook);
  if (code === undefined) complain(inspect(error));
});
