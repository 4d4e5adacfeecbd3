// The stack that the lab's tests put on a topology's hosts.
import { stackFile } from "../../lab/stackConfig";
import type { Topology } from "../../lab/topology";
import type { Stack } from "../support/stacks";

/** Checks that decide within 5 s instead of 11 s, which tests would mostly spend waiting. */
export const quickChecks = {
  delayLoopSeconds: 1,
  checks: [{ type: "tcp", connectTimeoutSeconds: 1, retry: 1, delayBeforeRetrySeconds: 1 }],
};

/**
 * A config file: the topology's own stack with {@link quickChecks}, without deletion protection,
 * and with a change.
 */
export function stackText(
  topology: Topology,
  change: (stack: Stack) => void = () => undefined,
): string {
  return stackFile(topology, (own) => {
    const stack = own as Stack;
    Object.assign(stack.virtualServers[0], quickChecks);
    stack.deletionProtection = false;
    change(stack);
  });
}
