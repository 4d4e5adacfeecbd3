/** tcpdump on a bridge or tap of a lab, for as long as something takes. */
import type { Lab } from "./instance";
import { inNamespace } from "./network";
import { start } from "./run";
import { waitFor } from "./waitFor";

/** A tcpdump that listens. */
export interface Listening {
  /** Ends it, and gives what it printed; once more, the same. */
  end(): Promise<string>;
}

/**
 * Starts tcpdump and comes back when it listens.
 *
 * @throws Error with what tcpdump said when it can't
 */
export async function listen(
  { namespaces }: Lab,
  device: string,
  words: readonly string[],
): Promise<Listening> {
  const tcpdump = ["-n", "-i", device, ...words];
  // It ends when its input does, and so with this process at the latest.
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
