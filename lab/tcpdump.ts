/** tcpdump on a bridge or tap of the lab, for as long as something takes. */
import { spawn } from "node:child_process";

import { namespaces } from "./hosts";
import { inNamespace } from "./network";
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
export async function listen(device: string, words: readonly string[]): Promise<Listening> {
  const tcpdump = ["-n", "-i", device, ...words];
  // It ends when its input does, and so with this process at the latest.
  const script = 'tcpdump "$@" & cat >/dev/null; kill -INT $!; wait $!';
  const [command, args] = inNamespace(namespaces.operator, "sh", ["-c", script, "sh", ...tcpdump]);
  const child = spawn(command, args, { stdio: ["pipe", "pipe", "pipe"] });
  let printed = "";
  let complained = "";
  child.stdout.setEncoding("utf8").on("data", (chunk: string) => (printed += chunk));
  child.stderr.setEncoding("utf8").on("data", (chunk: string) => (complained += chunk));
  const closed = new Promise<void>((resolve, reject) => {
    child.once("error", reject);
    child.once("close", () => {
      resolve();
    });
  });
  await waitFor(() => complained.includes("listening on"), {
    what: `tcpdump listens on ${device} (it says: ${complained})`,
    timeoutSeconds: 10,
    intervalSeconds: 0.02,
  });
  return {
    end: async () => {
      child.stdin.end();
      await closed;
      return printed;
    },
  };
}
