/** Runs commands on the lab's hosts as root, for any login user. */
import { quote } from "shell-quote";

import type { Lab } from "../instance";
import { onHost } from "../lab";
import type { RunOptions } from "../run";
import { findHost } from "../topology";

/**
 * Runs a shell command as root, which must succeed.
 *
 * @returns its standard output without the final newline
 */
export async function asRoot(
  lab: Lab,
  host: string,
  command: string,
  options: RunOptions = {},
): Promise<string> {
  const words =
    findHost(lab.topology, host).login.user === "root"
      ? command
      : quote(["sudo", "-n", "sh", "-c", command]);
  const { stdout, stderr, exitCode } = await onHost(lab, host, words, options);
  if (exitCode !== 0) throw new Error(`${host}: ${command} ended with ${exitCode}: ${stderr}`);
  return stdout.trimEnd();
}
