// Firewall back ends, a file each, and the firewall of each host in the words of the one that it has.
import { renderFiles } from "../render/files";
import type { StackConfig } from "../schema";
import type { DirectorSettings, Settings } from "../settings";
import { auto } from "./auto";
import { neededLines } from "./needed";
import { none } from "./none";
import { nftables } from "./nftables";
import {
  directorRules,
  realServerRules,
  type FirewallBackend,
  type FirewallRules,
} from "./openings";
import { ufw } from "./ufw";

/** By the name that `firewall.backend` has for it. */
export const firewallBackends: Record<StackConfig["firewall"]["backend"], FirewallBackend> = {
  auto,
  ufw,
  nftables,
  none,
};

/** Their names, in the order of the table. */
export const backendNames = Object.keys(firewallBackends) as StackConfig["firewall"]["backend"][];

/** A director's firewall, as firewall.sh takes it. */
export function renderDirectorFirewall(settings: Settings, director: DirectorSettings): string {
  return render(settings, directorRules(settings, director));
}

/** A real server's firewall, as firewall.sh takes it. */
export function renderRealServerFirewall(settings: Settings, name: string): string {
  return render(settings, realServerRules(settings, name));
}

function render({ firewall }: Settings, rules: FirewallRules): string {
  const needed = neededLines(rules);
  return renderFiles({
    ...(needed.length > 0 ? { needed } : {}),
    ...(firewall.backend === "none" ? {} : { logins: rules.logins }),
    ...firewallBackends[firewall.backend].render(rules),
  });
}
