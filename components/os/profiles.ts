// What differs between systems, as data. A new system is a new row; a missing one fails to compile.
import type { StackConfig } from "../schema";

export interface OsProfile {
  /** ID and VERSION_ID of the host's /etc/os-release; another stops the preflight. */
  id: string;
  versionId: string;
  /** Version of the keepalived package (upstream part); decides which keywords exist. */
  keepalived: string;
  /** Packages of each role; the firewall's come with its back end. iproute2: keepalived 2.3.3 crashes without ip(8). */
  packages: Record<"director" | "realServer", string[]>;
}

export const osProfiles: Record<StackConfig["os"], OsProfile> = {
  debian12: {
    id: "debian",
    versionId: "12",
    keepalived: "2.2.7",
    packages: { director: ["keepalived", "ipvsadm", "iproute2", "nftables"], realServer: [] },
  },
  debian13: {
    id: "debian",
    versionId: "13",
    keepalived: "2.3.3",
    packages: { director: ["keepalived", "ipvsadm", "iproute2", "nftables"], realServer: [] },
  },
};
