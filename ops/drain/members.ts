// A real server as the directors know it: its addresses, and the pools where it is the last one.
import { UsageError } from "../exit";
import type { Stack, StackHost } from "../stack";
import type { Status } from "../status/look";

/**
 * The addresses to which the directors forward a real server's connections, managed or not.
 * @throws UsageError when no virtual server has a real server of that name
 */
export function realServerAddresses({ hosts }: Stack, realServer: string): string[] {
  const members = hosts.flatMap(membersOf);
  const own = members.filter(({ name }) => name === realServer).map(({ address }) => address);
  if (own.length > 0) return [...new Set(own)];
  const known = [...new Set(members.map(({ name }) => name))].sort().join(", ");
  throw new UsageError(`no virtual server has a real server ${realServer}; they have ${known}`);
}

function membersOf({ director }: StackHost) {
  return director.services
    .filter(({ forChecks }) => !forChecks)
    .flatMap(({ realServers }) => realServers);
}

/** Where a real server is the last one in a pool: `web on lvs1, lvs2`. */
export function lastIn({ virtualServers }: Status, realServer: string): string[] {
  return virtualServers.flatMap(({ name, realServers }) => {
    const own = realServers.find((member) => member.name === realServer)?.states ?? {};
    const directors = Object.keys(own).filter(
      (director) =>
        own[director] === "in" &&
        !realServers.some(
          (member) => member.name !== realServer && member.states[director] === "in",
        ),
    );
    return directors.length > 0 ? [`${name} on ${directors.join(", ")}`] : [];
  });
}
