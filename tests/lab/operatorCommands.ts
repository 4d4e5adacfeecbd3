// Runs the operator's command in a test, under load.
import { waitFor } from "../../lab/waitFor";
import { directors, ipvsTable, realServers } from "./lab";

import type { LoadResult } from "../../lab/load";
import type { RunResult } from "../../lab/run";
import type { Status } from "../../ops/status/look";
import { lvs, tell } from "./stack";
import { underLoad } from "./underLoad";

/** Runs the operator's command and prints its output; a failing exit code is a result. */
export async function told(...args: string[]): Promise<RunResult> {
  const result = await lvs(...args);
  tell(`lvs ${args.join(" ")}: ${result.exitCode}\n${result.stdout}${result.stderr}`.trimEnd());
  return result;
}

/** Like {@link told}, for a command that must exit with 0. Returns its standard output. */
export async function done(...args: string[]): Promise<string> {
  const { stdout, stderr, exitCode } = await told(...args);
  if (exitCode !== 0) throw new Error(`lvs ${args.join(" ")} ended with ${exitCode}: ${stderr}`);
  return stdout;
}

/** Runs an action while requests come, and expects no lost request. */
export async function withoutLoss(work: () => Promise<void>): Promise<LoadResult> {
  const result = await underLoad({ rate: 50, seconds: 540 }, work);
  expect(result).toMatchObject({ lost: 0 });
  expect(result.answered).toBe(result.sent);
  return result;
}

/** Waits until `lvs status` finds no problem. */
export const healthy = () =>
  waitFor(
    async () => {
      const { stdout } = await told("status", "--json");
      const { problems } = JSON.parse(stdout) as Status;
      if (problems.length === 0) return true;
      throw new Error(problems.map(({ text }) => text).join("; "));
    },
    { what: "lvs status finds nothing wrong", timeoutSeconds: 60, intervalSeconds: 2 },
  );

/** Names of the real servers. */
export const webs = realServers.map(({ name }) => name);
/** A real server's public IPv4 address. */
export const addressOf = (name: string) =>
  realServers.find((host) => host.name === name)?.public.ipv4 ?? "";

/** A real server's weight in every director's kernel. */
export const weights = (name: string) =>
  Promise.all(
    directors.map(async (director) => {
      const row = new RegExp(`-> ${addressOf(name)}:80 +Route +(\\d+) `);
      return row.exec(await ipvsTable(director.name))?.[1];
    }),
  );

/** A real server's active connections in a director's kernel. */
export async function openOf(name: string, director: string): Promise<number> {
  const row = new RegExp(`-> ${addressOf(name)}:80 +Route +\\d+ +(\\d+) `);
  return Number(row.exec(await ipvsTable(director))?.[1]);
}

/** Parts of the output of `lvs drain --json`. */
export interface Drained {
  directors: { director: string; openConnections: number; heardConnections: number }[];
}
