// Changes that fail halfway, and what makes them fail.
import { renderFiles } from "../../components/render/files";
import type { PretendHost } from "./host";
import { parts, withData, type Change } from "./parts";

/**
 * A program that fails at a moment if $FOLDER/tmp/fails exists. If $FOLDER/tmp/fill exists, the
 * disk is full from then on.
 */
export const failing = (host: PretendHost, program: string, when: string, code = "exit 1") => {
  host.program(program, [
    `if ${when} && [ -e $FOLDER/tmp/fails ]; then`,
    "  [ ! -e $FOLDER/tmp/fills ] || dd if=/dev/zero of=/etc/full bs=4k 2>/dev/null || :",
    `  ${code}`,
    "fi",
    `if [ -x "$FOLDER/stand-ins/${program}" ]; then exec "$FOLDER/stand-ins/${program}" "$@"; fi`,
    `PATH=\${PATH#*:} exec ${program} "$@"`,
  ]);
};

export interface Failure {
  script: string;
  /** The stack's earlier change. */
  made: Change;
  fails: Change;
  around: (host: PretendHost) => void;
}

const first = (script: string): Change => {
  const [change] = Object.values(parts[script]?.changes ?? {})[0] ?? [];
  if (!change) throw new Error(`no change of ${script}`);
  return change;
};
const conf = (...lines: string[]) =>
  withData([
    ...lines,
    "include /etc/keepalived/lvs-ha-secrets.conf",
    "virtual_server 192.0.2.100 80 {",
    "    lvs_sched rr",
    "    lvs_method DR",
    "    real_server 192.0.2.21 80 {",
    "        weight 1",
    "    }",
    "}",
  ]);
const operator = "203.0.113.9 40000 10.10.0.11 22";

export const failures: Record<string, Failure> = {
  "a config that keepalived doesn't take": {
    script: "keepalived.sh",
    made: { input: conf("# says Reload complete", "# first") },
    fails: { input: conf("# deaf", "# second") },
    around: (host) => {
      failing(
        host,
        "keepalived",
        "[ $1 != --config-test ] && grep -q '^# deaf' /etc/keepalived/keepalived.conf",
        'echo "Reloading ..." >>"$FOLDER/journal"; exit 0',
      );
    },
  },
  "a reload that fails": {
    script: "keepalived.sh",
    made: { input: conf("# says Reload complete", "# first") },
    fails: { input: conf("# says Reload complete", "# second") },
    around: (host) => {
      failing(
        host,
        "keepalived",
        "[ $1 != --config-test ] && grep -q '^# second' /etc/keepalived/keepalived.conf",
      );
    },
  },
  "a config that keepalived refuses": {
    script: "keepalived.sh",
    made: { input: conf("# says Reload complete", "# first") },
    fails: { input: conf("nonsense") },
    around: (host) => {
      failing(host, "keepalived", "[ $1 = --config-test ] && ! grep -n nonsense $3", "exit 1");
    },
  },
  "secrets that keepalived doesn't take": {
    script: "secrets.sh",
    made: { input: "auth_pass first\n" },
    fails: { input: "auth_pass second\n" },
    around: (host) => {
      host.write(
        "/etc/keepalived/keepalived.conf",
        conf("# says Reload complete").split(" <==\n")[1] ?? "",
      );
      host.write("/systemd/active/keepalived.service", "active\n");
      failing(
        host,
        "keepalived",
        "[ $1 = reload ] && grep -q second /etc/keepalived/lvs-ha-secrets.conf",
      );
    },
  },
  "a table that the kernel doesn't take": {
    script: "firewall.sh",
    made: {
      args: ["nftables", operator],
      input: renderFiles({ "/etc/lvs-ha/firewall.nft": ["table inet lvs_ha { chain first }"] }),
    },
    fails: {
      args: ["nftables", operator],
      input: renderFiles({ "/etc/lvs-ha/firewall.nft": ["table inet lvs_ha { chain second }"] }),
    },
    around: (host) => {
      failing(host, "nft", "[ $1 = -f ] && grep -q second $2");
    },
  },
  "a rule that ufw doesn't take, after a table that the kernel took": {
    script: "firewall.sh",
    made: {
      args: ["ufw", operator],
      input: renderFiles({ ufw: ["allow from 192.0.2.0/24", "allow from 192.0.2.1"] }),
    },
    fails: {
      args: ["ufw", operator],
      input: renderFiles({
        ufw: ["allow from 192.0.2.0/24", "allow from 192.0.2.2", "allow from 192.0.2.3"],
        "/etc/lvs-ha/firewall.nft": ["table inet lvs_ha { chain second }"],
      }),
    },
    around: (host) => {
      failing(host, "ufw", 'case $* in "allow from 192.0.2.3 "*) : ;; *) false ;; esac');
    },
  },
  "ufw's rules, one of which it keeps": {
    script: "firewall.sh",
    made: {
      args: ["ufw", operator],
      input: renderFiles({ ufw: ["allow from 192.0.2.0/24", "allow from 192.0.2.1"] }),
    },
    fails: { args: ["ufw", operator], input: renderFiles({ ufw: ["allow from 192.0.2.2"] }) },
    around: (host) => {
      failing(host, "ufw", '[ "$*" = "delete allow from 192.0.2.1" ]');
    },
  },
  "addresses that can't come": {
    script: "vip.sh",
    made: { input: "192.0.2.100 lo\n" },
    fails: { input: "192.0.2.101 lo\n2001:db8::100 ip6tnl0\n" },
    around: (host) => {
      failing(host, "modprobe", "[ $1 = ip6_tunnel ]");
      host.program("udevadm", []);
    },
  },
  "a sysctl that the kernel doesn't take": {
    script: "kernel.sh",
    made: first("kernel.sh"),
    fails: {
      input: renderFiles({
        "/etc/modules-load.d/lvs-ha.conf": ["ip_vs"],
        "/etc/modprobe.d/lvs-ha.conf": ["options ip_vs conn_tab_bits=12"],
        "/etc/sysctl.d/90-lvs-ha.conf": [
          "net.ipv4.tcp_ecn = 2",
          "net.ipv4.ip_forward = 0",
          "net.ipv4.tcp_fin_timeout = 26",
        ],
      }),
    },
    around: (host) => {
      host.program("modprobe", []);
      failing(host, "sysctl", 'case "$*" in *=26) : ;; *) false ;; esac');
    },
  },
  "an exporter that shows nothing": {
    script: "metrics.sh",
    made: first("metrics.sh"),
    fails: { args: ["real-server", "serving", "30"], input: `${"0".repeat(64)}  /etc/hosts\n` },
    around: (host) => {
      parts["metrics.sh"]?.around?.(host);
      host.program("curl", [
        "[ ! -e $FOLDER/tmp/fails ] || exit 1",
        "cat /var/lib/prometheus/node-exporter/lvs-ha.prom",
      ]);
    },
  },
  "a version that isn't to be had": {
    script: "version.sh",
    made: { args: ["1:2.2.7-1"] },
    fails: { args: ["1:2.2.8-1"] },
    around: (host) => {
      parts["version.sh"]?.around?.(host);
      failing(host, "apt-get", ":");
    },
  },
};
