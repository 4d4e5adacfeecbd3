/** Cuts the active director's power, each time with a complete pair. */
import { setTimeout as delay } from "node:timers/promises";

import type { Lab } from "../instance";
import { guests, onHost, powerCut, powerOn } from "../lab";
import { activeDirector, directorsOf, realServersOf } from "../measure";
import { waitFor } from "../waitFor";

/** A power cut. */
export interface Cut {
  director: string;
  /** When the director's processes were killed, in milliseconds since the epoch. */
  at: number;
}

/**
 * Waits until the pair is complete: every host is on, and both directors have every real server in
 * each virtual server. Returns the active director.
 */
export async function activeOfWholePair(lab: Lab): Promise<string> {
  for (const { host, guest } of guests(lab)) if (!guest.isOn) await powerOn(lab, host.name);
  await waitFor(
    async () => {
      const tables = await Promise.all(directorsOf(lab).map(({ name }) => servers(lab, name)));
      const same = tables.every((each) => each === tables[0]);
      // Services with a mark belong to checks, with one real server each: don't count them.
      const count = (option: string) =>
        tables[0]?.match(RegExp(`^${option} -t `, "gm"))?.length ?? 0;
      if (same && count("-A") > 0 && count("-a") === count("-A") * realServersOf(lab).length)
        return true;
      throw new Error(tables.join("\n-- and --\n"));
    },
    { what: "the directors have all real servers", timeoutSeconds: 90, intervalSeconds: 0.5 },
  );
  return activeDirector(lab);
}

/** Cuts a director's power at the given time (milliseconds since the epoch), or now. */
export async function cutAt(lab: Lab, director: string, time = 0): Promise<Cut> {
  await delay(Math.max(0, time - Date.now()));
  const at = Date.now();
  await powerCut(lab, director);
  return { director, at };
}

/** A director's virtual and real servers, sorted, because their order has no meaning here. */
async function servers(lab: Lab, director: string): Promise<string> {
  const { stdout, stderr, exitCode } = await onHost(lab, director, "ipvsadm -Sn");
  if (exitCode !== 0) throw new Error(`ipvsadm -Sn on ${director}: ${stderr}`);
  return stdout.trimEnd().split("\n").sort().join("\n");
}
