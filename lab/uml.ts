/**
 * Guests as user-mode Linux: a Linux kernel that is an ordinary program. It needs no hardware
 * virtualization, no kernel module and no device other than /dev/net/tun, so it runs inside any
 * virtual machine and boots in seconds.
 */
import { join } from "node:path";

import type { GuestKind } from "./guest";
import { builtKernel } from "./kernel";
import type { GuestInterface } from "./topology";

/** Runs guests with the kernel that `kernel.ts` builds. */
export const userModeLinux: GuestKind = {
  name: "user-mode Linux",
  kernel: builtKernel,
  command: ({ host, kernel, directory, image, seed, memoryMiB }) => [
    kernel.file,
    `mem=${memoryMiB}M`,
    // Writes go to the guest's own sparse file.
    `ubd0=${join(directory, "disk.cow")},${image}`,
    `ubd1r=${seed}`,
    "root=/dev/ubda",
    "rootfstype=ext4",
    "rw",
    ...host.interfaces.map(vectorDevice),
    "con=null",
    "con0=null,fd:1",
    "ssl=null",
    `umid=${host.name}`,
    `uml_dir=${directory}/`,
    // System calls by seccomp instead of ptrace: several times faster.
    "seccomp=on",
    // On reboot the guest ends and its supervisor starts it again: rebooting in place, it would
    // find its own taps busy.
    "noreboot",
    "panic=1",
    "quiet",
  ],
};

/**
 * Without GRO the guest gets frames that it can't take ("Incoming GSO frames and GRO disabled"),
 * and downloads stall.
 */
function vectorDevice({ tap, mac }: GuestInterface, index: number): string {
  return `vec${index}:transport=tap,ifname=${tap},mac=${mac},depth=128,gro=1`;
}
