// The status of a stack's hosts, asked now.
import { ask } from "../report";
import type { Ssh } from "../ssh";
import type { Stack, StackHost } from "../stack";
import { drainedByChangeFile } from "../verify/table";
import { look, type Status } from "./look";

/** Asks every host, in one connection each. */
export async function see(ssh: Ssh, stack: Stack): Promise<Status> {
  return look(stack, await ask(ssh, stack.hosts, questions), new Date());
}

function questions({ role }: StackHost): string[] {
  return role === "director" ? ["host", "director", `file=${drainedByChangeFile}`] : ["host"];
}
