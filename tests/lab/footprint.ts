// What the stack changes on a host and must restore. Packages stay, with what they installed.
import { readFileSync } from "node:fs";
import { asRoot } from "../../lab/experiments/asRoot";
import { type Lab, labOf, labPath } from "../../lab/instance";

const ofPackages = "grep -v -e python3 -e ipvsadm -e keepalived -e ufw -e config-opts";

/** Network values of the kernel that nobody sets: counters, and effects of use. */
const ofUse =
  "grep -v -e '[.]nf_conntrack_count ' -e 'stable_secret' -e 'random' -e 'nf_conntrack_expect_max' -e 'nf_conntrack_buckets'";

const footprint = [
  `ls -A /etc/sysctl.d /etc/modules-load.d /etc/modprobe.d /usr/local/lib | ${ofPackages}`,
  `ls -A /etc/systemd/system /etc/systemd/system/*.wants | ${ofPackages}`,
  `systemctl list-unit-files --state=enabled --no-legend --plain | cut -d ' ' -f 1 | ${ofPackages}`,
  "ls -d /var/lib/lvs-ha /etc/lvs-ha /etc/keepalived/keepalived.conf /etc/keepalived/lvs-ha* /etc/systemd/system/keepalived.service.d 2>/dev/null",
  "ip -o addr show | cut -d ' ' -f 2-7",
  // Values that exist without further modules: a loaded module adds more.
  `sysctl -a 2>/dev/null | grep -e '^net[.]ipv[46][.]\\(conf\\|ip_forward\\|tcp_\\)' -e '^net[.]core[.]' | ${ofUse}`,
  "cat /root/.ssh/authorized_keys /home/*/.ssh/authorized_keys 2>/dev/null",
  "sha256sum /etc/fstab /etc/hosts /etc/hostname /etc/network/interfaces /etc/sysctl.conf /etc/ssh/sshd_config /etc/ssh/sshd_config.d/* 2>/dev/null",
  "apt-mark showhold",
  "nft list tables 2>/dev/null | grep lvs_ha",
  "true",
].join("; ");

/** Every host's footprint, by host. */
export async function footprints(lab: Lab): Promise<Record<string, string>> {
  const found = lab.topology.hosts.map(
    async ({ name }) => [name, await asRoot(lab, name, footprint)] as const,
  );
  return Object.fromEntries(await Promise.all(found));
}

/**
 * The footprints before the stack touched the hosts: those of the first lab, whose snapshot all
 * labs of its topology start with.
 */
export function untouched({ topology }: Lab): Record<string, string> {
  const file = labPath(labOf(topology), "untouched.json");
  return JSON.parse(readFileSync(file, "utf8")) as Record<string, string>;
}
