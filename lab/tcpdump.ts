/** Runs tcpdump on a lab's bridge or tap. */
import type { Lab } from "./instance";
import { inNamespace } from "./network";
import { start } from "./run";
import { waitFor } from "./waitFor";

/** A running tcpdump. */
export interface Listening {
  /** Ends tcpdump and returns its output; further calls return the same. */
  end(): Promise<string>;
}

/**
 * Starts tcpdump and returns once it listens.
 *
 * @throws Error with tcpdump's output if it can't listen
 */
export async function listen(
  { namespaces }: Lab,
  device: string,
  words: readonly string[],
): Promise<Listening> {
  const tcpdump = ["-n", "-i", device, ...words];
  // tcpdump ends when this input ends, at the latest with this process.
  const script = 'tcpdump "$@" & cat >/dev/null; kill -INT $!; wait $!';
  const [command, args] = inNamespace(namespaces.operator, "sh", ["-c", script, "sh", ...tcpdump]);
  const program = start(command, args, { input: "pipe" });
  await waitFor(() => program.stderr().includes("listening on") || program.hasEnded(), {
    what: `tcpdump listens on ${device}`,
    timeoutSeconds: 10,
    intervalSeconds: 0.02,
  });
  if (program.hasEnded()) throw new Error(`tcpdump on ${device}: ${program.stderr()}`);
  return {
    end: async () => {
      program.endInput();
      return (await program.ended).stdout;
    },
  };
}
