// The directors' state: virtual addresses, and real servers in pools. Services are named as in
// `ipvsadm -Sn`.
import { waitFor } from "../../lab/waitFor";
import {
  directors as directorHosts,
  activeDirector,
  holders,
  ipvsTable,
  realServers as webHosts,
} from "./lab";
import { shell } from "./stack";

/** Names of the lab's directors. */
export const directors = directorHosts.map(({ name }) => name);

/** Names of the lab's real servers. */
export const webs = webHosts.map(({ name }) => name);

/**
 * Waits until exactly one director has an address, or the wanted one alone if given. Returns its
 * name.
 */
export function activeFor(address: string, wanted?: string): Promise<string> {
  return waitFor(
    async () => {
      const found = await holders(address);
      const [only] = found;
      if (found.length === 1 && (wanted ?? only) === only) return only;
      throw new Error(`held by ${found.join(" and ") || "nobody"}`);
    },
    { what: `${wanted ?? "one director"} holds ${address}`, timeoutSeconds: 40 },
  );
}

/** Weights of a service's real servers on a director, by address as in `ipvsadm -Sn`. */
export async function weightsOf(
  service: string,
  director: string,
): Promise<Record<string, number>> {
  const rows = (await shell(director, "ipvsadm -Sn")).split("\n");
  return Object.fromEntries(
    rows
      .filter((row) => row.startsWith(`-a ${service} -r `))
      .map((row) => {
        const [, , , , real = ""] = row.split(" ");
        return [real.replace(/:\d+$/, ""), Number(/ -w (\d+)/.exec(row)?.[1])];
      }),
  );
}

/**
 * Addresses of a service's real servers with a weight above 0, on a director or on the active one.
 */
export async function poolOf(service: string, director?: string): Promise<string[]> {
  const weights = await weightsOf(service, director ?? (await holders())[0] ?? "");
  return Object.keys(weights).filter((real) => weights[real] !== 0);
}

/** Waits until the services have every real server, on all directors. */
export async function settled(services: string[]): Promise<void> {
  for (const director of directors) {
    for (const service of services) {
      await waitFor(
        async () => {
          const pool = await poolOf(service, director);
          if (pool.length === webs.length) return true;
          throw new Error(`in the pool: ${pool.join(", ") || "nobody"}`);
        },
        { what: `${director} has all real servers in ${service}`, timeoutSeconds: 30 },
      );
    }
  }
}

/** Waits until a real server is in none of the services, on all directors. */
export async function outOf(services: string[], realServer: string): Promise<void> {
  for (const director of directors) {
    for (const service of services) {
      await waitFor(async () => !(await poolOf(service, director)).includes(realServer), {
        what: `${realServer} is out of ${service} on ${director}`,
        timeoutSeconds: 15,
      });
    }
  }
}

/**
 * Waits until the active director has no open connection to a real server, as an operator does
 * before switching it off.
 */
export const noneOpen = async (name: string) => {
  const address = webHosts.find((host) => host.name === name)?.public.ipv4 ?? "";
  const drained = new RegExp(`${address.replaceAll(".", "\\.")}:80 +Route +0 +0 `);
  await waitFor(async () => drained.test(await ipvsTable(await activeDirector())), {
    what: `${name} has no open connection`,
    timeoutSeconds: 60,
  });
};
