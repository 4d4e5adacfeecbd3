// What differs between systems, as data: a row each. Where a row says "seen", it was looked at in the package itself.
import { debianFamily, type OsProfile } from "./profile";

/** By the name that `os` has for it. */
export const osProfiles = {
  debian11: debianFamily({
    title: "Debian 11",
    id: "debian",
    release: "11",
    keepalived: { version: "2.1.5", package: "1:2.1.5-0.2+deb11u1" },
    // Seen in linux-image-5.10.0-32-amd64 and -cloud-amd64, 5.10.223-1: all that keepalived 2.1.5 knows.
    lacksSchedulers: {
      twos: "its kernel, 5.10, does not have it, nor does its keepalived know it",
    },
    // Seen: ufw 0.36-7.1 says "Unsupported protocol 'vrrp'".
    lacksFirewalls: { ufw: "its ufw, 0.36, does not know VRRP" },
    proven: "programs",
  }),
  debian12: debianFamily({
    title: "Debian 12",
    id: "debian",
    release: "12",
    keepalived: { version: "2.2.7", package: "1:2.2.7-1+b2" },
    // Seen in linux-image-6.1.0-50-amd64 and -cloud-amd64, 6.1.176-1: "# CONFIG_IP_VS_TWOS is not set".
    lacksSchedulers: { twos: "its kernel, 6.1, is built without it" },
    proven: "guests",
  }),
  debian13: debianFamily({
    title: "Debian 13",
    id: "debian",
    release: "13",
    keepalived: { version: "2.3.3", package: "1:2.3.3-1" },
    // Seen in linux-image-6.12.117+deb13-amd64 and -cloud-amd64: every scheduler.
    proven: "guests",
  }),
  debian14: debianFamily({
    title: "Debian 14",
    id: "debian",
    // Testing has no VERSION_ID yet (seen in its base-files).
    release: "forky",
    keepalived: { version: "2.3.4", package: "1:2.3.4-1+b2" },
    // Seen in linux-modules-7.2.12+deb14-amd64: every scheduler.
    proven: "programs",
  }),
  ubuntu2204: debianFamily({
    title: "Ubuntu 22.04",
    id: "ubuntu",
    release: "22.04",
    // Ubuntu's list of packages: keepalived 2.2.4-0.2build1, ufw 0.36.1.
    keepalived: { version: "2.2.4", package: "1:2.2.4-0.2build1" },
    lacksSchedulers: { twos: "its keepalived, 2.2.4, does not know it" },
    // 0.36.2 is the first that has.
    lacksFirewalls: { ufw: "its ufw, 0.36.1, does not know VRRP" },
    proven: "goldens",
  }),
  ubuntu2404: debianFamily({
    title: "Ubuntu 24.04",
    id: "ubuntu",
    release: "24.04",
    // Ubuntu's list of packages: keepalived 2.2.8-1build2, ufw 0.36.2.
    keepalived: { version: "2.2.8", package: "1:2.2.8-1build2" },
    lacksSchedulers: { twos: "it is not known whether its kernel, 6.8, has it" },
    proven: "goldens",
  }),
  ubuntu2604: debianFamily({
    title: "Ubuntu 26.04",
    id: "ubuntu",
    release: "26.04",
    // Ubuntu's list of packages: keepalived 2.3.4-1, which is Debian 14's, ufw 0.36.2.
    keepalived: { version: "2.3.4", package: "1:2.3.4-1" },
    lacksSchedulers: { twos: "it is not known whether its kernel has it" },
    proven: "goldens",
  }),
} satisfies Record<string, OsProfile>;

export type OsName = keyof typeof osProfiles;

/** Their names, in the table's order. */
export const osNames = Object.keys(osProfiles) as OsName[];
