// What a row of profiles.ts says, and what the members of a family have in common.
import type { firewallBackends } from "../schema";
import type { schedulers } from "../schema/virtualServers";

/** What a build of keepalived can leave out, and a stack can ask for. */
export const keepalivedFeatures = ["bfd", "regex", "noAccept"] as const;
export type KeepalivedFeature = (typeof keepalivedFeatures)[number];

/**
 * What of a system was run, the most first. "guests": hosts of it, set up by the stack, end to end. "programs": its own keepalived and nft, on
 * what the stack renders; no host of it. "goldens": nothing of it; there are rendered files that a person has read.
 */
export const proofs = ["guests", "programs", "goldens"] as const;

/** What differs between systems. What differs by keepalived's version alone (its log, its config test) is found on the host. */
export interface OsProfile {
  /** As people call it: "Debian 12". */
  title: string;
  /** ID of the host's /etc/os-release; another stops the preflight. */
  id: string;
  /** VERSION_ID there; VERSION_CODENAME where that is a release to come, which has no VERSION_ID. */
  release: string;
  keepalived: {
    /** Its upstream version, which decides what it knows. */
    version: string;
    /** Its package's version when the row was written. */
    package: string;
    features: readonly KeepalivedFeature[];
    /** Its service of systemd. */
    service: string;
    /** Where an operator gives it options, in DAEMON_ARGS. */
    optionsFile: string;
    /** Where the stack's scripts for it live. */
    scriptsFolder: string;
  };
  /** Packages of each role; the firewall's come with its back end. */
  packages: Record<"director" | "realServer", readonly string[]>;
  /** Schedulers that its directors can't have, with the reason. */
  lacksSchedulers: Partial<Record<(typeof schedulers)[number], string>>;
  /** Back ends that its directors can't have, with the reason. */
  lacksFirewalls: Partial<Record<(typeof firewallBackends)[number], string>>;
  proven: (typeof proofs)[number];
}

interface DebianMember
  extends
    Pick<OsProfile, "title" | "id" | "release" | "proven">,
    Partial<Pick<OsProfile, "lacksSchedulers" | "lacksFirewalls">> {
  keepalived: Pick<OsProfile["keepalived"], "version" | "package">;
}

/** Debian and what is made of it: apt, systemd, and Debian's packaging of keepalived, which builds it with all features (seen, 2.1.5 to 2.3.4). */
export function debianFamily({ keepalived, ...own }: DebianMember): OsProfile {
  return {
    lacksSchedulers: {},
    lacksFirewalls: {},
    ...own,
    keepalived: {
      ...keepalived,
      features: keepalivedFeatures,
      service: "keepalived.service",
      optionsFile: "/etc/default/keepalived",
      scriptsFolder: "/etc/keepalived/lvs-ha-scripts",
    },
    packages: {
      // iproute2: keepalived 2.3.3 crashes without ip(8).
      director: ["keepalived", "ipvsadm", "iproute2", "nftables"],
      realServer: [],
    },
  };
}
