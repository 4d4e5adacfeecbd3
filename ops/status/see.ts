// Asks a stack's hosts for their status, now.
import { CouldNotLook } from "../exit";
import { ask } from "../report";
import type { Ssh } from "../ssh";
import type { Stack, StackHost } from "../stack";
import { drainedByChangeFile } from "../verify/table";
import { look, type Status, withdrawnFile } from "./look";

/** Asks every host for its status, in one connection each. */
export async function see(ssh: Ssh, stack: Stack): Promise<Status> {
  return look(stack, await ask(ssh, stack.hosts, questions), new Date());
}

/**
 * Like {@link see}, for actions that depend on the directors' state.
 * @throws CouldNotLook when no director could be asked
 */
export async function seeDirectors(ssh: Ssh, stack: Stack): Promise<Status> {
  const status = await see(ssh, stack);
  if (status.directors.some(({ unreachable }) => unreachable === null)) return status;
  throw new CouldNotLook("no director could be asked");
}

function questions({ role }: StackHost): string[] {
  if (role !== "director") return ["host"];
  return [
    "host",
    "director",
    ...[drainedByChangeFile, withdrawnFile].map((file) => `file=${file}`),
  ];
}
