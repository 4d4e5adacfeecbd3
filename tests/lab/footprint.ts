// What the stack changes on a host and has to put back. Packages stay, with what they brought.
import { readFileSync, writeFileSync } from "node:fs";
import { statePath } from "../../lab/paths";
import { everywhere } from "./stack";

const ofPackages = "grep -v -e python3 -e ipvsadm -e keepalived -e ufw -e config-opts";
const footprint = [
  `ls -A /etc/sysctl.d /etc/modules-load.d /etc/modprobe.d /usr/local/lib | ${ofPackages}`,
  `ls -A /etc/systemd/system /etc/systemd/system/*.wants | ${ofPackages}`,
  "ls -d /var/lib/lvs-ha /etc/lvs-ha /etc/keepalived/keepalived.conf /etc/keepalived/lvs-ha* /etc/systemd/system/keepalived.service.d 2>/dev/null",
  "ip -o addr show | cut -d ' ' -f 2-7",
  "sysctl net.ipv4.ip_forward net.ipv4.conf.all.arp_ignore net.ipv4.conf.lo.arp_announce net.ipv4.tcp_fin_timeout",
  "cat /root/.ssh/authorized_keys /home/*/.ssh/authorized_keys 2>/dev/null",
  "nft list tables 2>/dev/null | grep lvs_ha",
  "true",
].join("; ");

/** Every host's footprint, by host. */
export const footprints = () => everywhere(footprint);

const file = statePath("untouched.json");

/** Notes what the hosts are before the stack has touched them. */
export async function noteUntouched(): Promise<void> {
  writeFileSync(file, JSON.stringify(await footprints()));
}

/** What they were then. */
export function untouched(): Record<string, string> {
  return JSON.parse(readFileSync(file, "utf8")) as Record<string, string>;
}
