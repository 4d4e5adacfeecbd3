// Moments of a host script: each program that it runs is one. At one of them the script is killed,
// its disk is full, or /etc becomes read-only.
import { chmodSync, copyFileSync, mkdirSync } from "node:fs";
import { join } from "node:path";
import type { PretendHost } from "./host";

const watched = `
  apt-get apt-mark awk basename cat chmod chown cmp comm cp curl cut
  dirname dpkg dpkg-query find flock grep head ip ipvsadm journalctl keepalived ln
  mkdir mktemp modprobe mv nft readlink rm rmdir sed sha256sum sort stat
  ss sync systemctl systemd-run sysctl tac tail timeout touch tr udevadm ufw uname wc
`
  .trim()
  .split(/\s+/);

/** Counts the programs of runs started with `atMoment`, in $FOLDER/tmp/moments. */
export function watch(host: PretendHost): void {
  mkdirSync(join(host.folder, "watch"));
  for (const name of watched) {
    copyFileSync(join(__dirname, "moment.sh"), join(host.folder, "watch", name));
    chmodSync(join(host.folder, "watch", name), 0o755);
  }
}

/** A shell line that runs a command and does something before program number `moment`. */
export const atMoment = (command: string, moment: number, does: "kill" | "fill" | "lock") =>
  `AT=${moment} DOES=${does} PATH=$FOLDER/watch:$PATH setsid --wait sh -c 'echo $$ >$FOLDER/tmp/group; exec "$@"' sh ${command}`;
