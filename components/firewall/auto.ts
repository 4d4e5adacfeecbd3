// Whichever firewall the host has: one that is switched on is told what the stack needs, and none is switched on.
import type { FirewallBackend } from "./openings";
import { ufw } from "./ufw";

/** What each says that a host may have, and the table for IPVS, which goes with all of them. firewall.sh takes what the host has. */
export const auto: FirewallBackend = {
  packages: [],
  render: (rules) => ufw.render(rules),
  // Where ufw is on, firewall.sh refuses what ufw has no word for.
  speaks: () => true,
};
