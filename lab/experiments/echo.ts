/** Makes real servers echo a stream: runs lab/echo.pl as a service of its own. */
import { readFile } from "node:fs/promises";
import { join } from "node:path";

import type { Lab } from "../instance";
import { realServersOf } from "../measure";
import { asRoot } from "./asRoot";

/** The port that the echo servers listen on. */
export const echoPort = 7000;
const echoUnit = "lvs-ha-lab-echo";

/** Runs echo servers on the real servers during an action. */
export async function withEchoServers<T>(lab: Lab, action: () => Promise<T>): Promise<T> {
  const stop = `if systemctl -q is-active ${echoUnit}; then systemctl stop ${echoUnit}; fi`;
  const program = await readFile(join(__dirname, "../echo.pl"), "utf8");
  for (const { name } of realServersOf(lab)) {
    await asRoot(lab, name, `${stop}; cat >/run/${echoUnit}.pl`, { input: program });
    const command = `perl /run/${echoUnit}.pl ${echoPort} ${name}`;
    await asRoot(lab, name, `systemd-run --unit ${echoUnit} --collect --quiet ${command}`);
  }
  try {
    return await action();
  } finally {
    for (const { name } of realServersOf(lab)) await asRoot(lab, name, stop);
  }
}
