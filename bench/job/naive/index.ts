// The job as a first Pulumi program has it: one remote command a step, told apart by its text. Nothing is proven, and there is no way back.
import { readFileSync } from "node:fs";
import { remote } from "@pulumi/command";
import type { Resource } from "@pulumi/pulumi";

import { type Job, keepalivedConf } from "../end";

const { JOB: file = "", SSH_AUTH_SOCK: agentSocketPath = "" } = process.env;
const job = JSON.parse(readFileSync(file, "utf8")) as Job;

type Host = Job["directors"][number];

/** The steps of a host, one after the other. */
function steps(host: Host, commands: Record<string, string>): void {
  const sudo = host.user === "root" ? "" : "sudo -n ";
  const connection = { host: host.host, user: host.user, agentSocketPath };
  let before: Resource[] = [];
  for (const [step, create] of Object.entries(commands)) {
    const name = `${host.name}-${step}`;
    before = [
      new remote.Command(
        name,
        { connection, create: `${sudo}sh -e`, stdin: create },
        { dependsOn: before },
      ),
    ];
  }
}

const install = (...packages: string[]) =>
  `DEBIAN_FRONTEND=noninteractive; export DEBIAN_FRONTEND
apt-get -qq update
apt-get -qq install --no-install-recommends ${packages.join(" ")} >/dev/null
`;

const write = (path: string, text: string) =>
  `cat >${path} <<'END'\n${text}${text.endsWith("\n") ? "" : "\n"}END\n`;

const sysctls = (...lines: string[]) =>
  `${write("/etc/sysctl.d/60-lvs.conf", lines.join("\n"))}sysctl -q -p /etc/sysctl.d/60-lvs.conf\n`;

const firewall = (...rules: string[]) =>
  write(
    "/etc/nftables.conf",
    `flush ruleset
table inet filter {
    chain input {
        type filter hook input priority 0; policy drop;
        ct state established,related accept
        iif lo accept
        meta l4proto { icmp, ipv6-icmp } accept
        ip saddr ${job.management} accept
        ip daddr ${job.vip} tcp dport ${job.port} accept
${rules.map((rule) => `        ${rule}\n`).join("")}    }
}
`,
  ) + "systemctl -q enable nftables\nsystemctl restart nftables\n";

for (const server of job.realServers) {
  steps(server, {
    packages: install("nftables"),
    sysctls: sysctls(
      "net.ipv4.conf.all.arp_ignore = 1",
      "net.ipv4.conf.all.arp_announce = 2",
      "net.ipv4.conf.lo.arp_ignore = 1",
      "net.ipv4.conf.lo.arp_announce = 2",
    ),
    vip: `${write(
      "/etc/systemd/system/lvs-vip.service",
      `[Unit]
Description=Virtual IP address
After=network.target
[Service]
Type=oneshot
RemainAfterExit=yes
ExecStart=/sbin/ip addr replace ${job.vip}/32 dev lo label lo:1
[Install]
WantedBy=multi-user.target
`,
    )}systemctl daemon-reload\nsystemctl -q enable lvs-vip\nsystemctl restart lvs-vip\n`,
    firewall: firewall(
      `ip saddr { ${job.directors.map(({ address }) => address).join(", ")} } tcp dport ${job.port} accept`,
    ),
  });
}

for (const director of job.directors) {
  steps(director, {
    packages: install("keepalived", "ipvsadm", "nftables"),
    sysctls: `modprobe ip_vs\n${sysctls("net.ipv4.vs.expire_nodest_conn = 1")}`,
    firewall: firewall("ip protocol vrrp accept"),
    keepalived: `${write(
      "/etc/keepalived/keepalived.conf",
      keepalivedConf(job, director),
    )}systemctl -q enable keepalived\nsystemctl reload-or-restart keepalived\n`,
  });
}
