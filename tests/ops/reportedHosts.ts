// Hosts that report.sh is asked on: one that has everything, and one that has nothing yet. Their programs answer to the words
// that the report asks with, and to no others; what a program would change shows in the host's files.
import { mkdirSync, symlinkSync } from "node:fs";
import { join } from "node:path";
import { PretendHost } from "../scripts/host";
import { differences, hostTree } from "../scripts/hostTree";

/** What the programs of a full host say. */
export const says = {
  keepalived: "Keepalived v2.2.7 (01/16,2022)",
  "ipvsadm -Ln": "TCP  192.0.2.100:80 wlc\n  -> 192.0.2.21:80 Route 1 0 2\n",
  "ipvsadm -Ln --rate --exact": "TCP  192.0.2.100:80 4 18 0 1143 0\n",
  "ipvsadm -L --daemon": "master sync daemon (mcast=eth0, syncid=51)\n",
  "ipvsadm -Sn": "-A -t 192.0.2.100:80 -s wlc\n",
  "ipvsadm -Ln --thresholds": "TCP  192.0.2.100:80 wlc\n  -> 192.0.2.21:80 0 0 0 2\n",
  "nft -s list table inet lvs_ha": "table inet lvs_ha {\n\tchain live {\n\t}\n}\n",
  "ufw show added": "Added user rules:\nufw allow from 10.10.0.9 comment 'lvs-ha'\n",
};

/** The file that `nft=` is asked about. */
export const nftFile = "/etc/lvs-ha/firewall.nft";
export const nftText = "table inet lvs_ha {\n\tchain file {\n\t}\n}\n";

/** Lines of a journal, newest first, a minute apart, of process 8. */
const journal = (...messages: string[]) =>
  messages.map((message, i) => {
    const [, process = "Keepalived_vrrp[8]"] =
      [...processes].find(([begins]) => message.startsWith(begins)) ?? [];
    return `${1795414000 - 60 * i}.123456 lvs1 ${process}: ${message}`;
  });

const processes = new Map([
  ["Start", "Keepalived[7]"],
  ["Stop", "Keepalived[7]"],
  ["Add", "Keepalived_healthcheckers[9]"],
]);

const stopped = "Stopped Keepalived v2.2.7 (01/16,2022)";
const entries = {
  vrrp: [
    "(VI_1) Entering MASTER STATE",
    "(VI_1) Entering FAULT STATE",
    "(VI_2): entering FAULT state (interface eth1 down)",
    "(VI_1) Entering BACKUP STATE (init)",
    "Starting VRRP child process, pid=8",
    "Starting Keepalived v2.2.7 (01/16,2022)",
    ...Array.from({ length: 300 }, () => "(VI_3) Entering MASTER STATE"),
  ],
  pool: [
    ...["Adding", "Removing", "Enabling", "Disabling"].flatMap((verb) => [
      `${verb} service [192.0.2.21]:tcp:80 to VS [192.0.2.100]:tcp:80`,
      `${verb} sorry server [192.0.2.90]:tcp:80 to VS [192.0.2.100]:tcp:80`,
    ]),
    "Starting Healthcheck child process, pid=9",
    "Starting Healthchecker child process, pid=9",
    ...Array.from({ length: 2100 }, () => "Adding service [192.0.2.22]:tcp:80 to VS [192.0.2.100]"),
  ],
  neither: [
    "(VI_1) Entering whatever STATE",
    "TCP connection to [192.0.2.21]:tcp:80 success.",
    "Added service",
    "Starting BFD child process, pid=6",
  ],
};

const log = journal(...entries.neither, ...entries.vrrp, stopped, ...entries.pool);
const said = (message: string) => log.find((line) => line.endsWith(`: ${message}`)) ?? "";
const at = (message: string) => said(message).split(" ")[0] ?? "";

/** Of keepalived's log, what it says of VRRP, and the lines that tell of the pool. */
export const logs = {
  states: [
    `${at("(VI_1) Entering MASTER STATE")} MASTER VI_1`,
    `${at("(VI_2): entering FAULT state (interface eth1 down)")} FAULT VI_2`,
    `${at("Starting VRRP child process, pid=8")} started`,
  ],
  pool: log.filter((line) =>
    [stopped, ...entries.pool].some((message) => line.endsWith(`: ${message}`)),
  ),
};

/** Everything that a report can ask about. */
export function fullHost(): PretendHost {
  const host = common();
  host.write("/proc/net/ip_vs", "");
  for (const [name, value] of Object.entries({
    "net/netfilter/nf_conntrack_count": "34",
    "net/netfilter/nf_conntrack_max": "2000000",
    "net/ipv4/conf/all/arp_ignore": "1",
    "net/ipv4/conf/all/arp_announce": "2",
    "net/ipv4/conf/lo/arp_ignore": "3",
    "net/ipv4/conf/lo/arp_announce": "4",
    "net/ipv4/ip_forward": "1",
    "net/ipv4/tcp_rmem": "4096\t131072\t6291456",
  })) {
    host.write(`/proc/sys/${name}`, `${value}\n`);
  }
  host.write(
    "/proc/slabinfo",
    "# name\nip_vs_conn 9 9 320\nnf_conntrack 5 6 256\nnf_conntrack_x 1 1 1\n",
  );
  host.write("/modules/ip_vs_wrr/refcnt", "1\n");
  host.write(
    "/lib/modules/6.1.0-18-amd64/modules.builtin",
    "kernel/net/netfilter/ip_vs-rr.ko\nkernel/x/ip_vsx.ko\n",
  );
  host.write("/home/ops/.ssh/authorized_keys", "ssh-ed25519 AAAA ops\n");
  host.write(nftFile, nftText);
  host.write("/etc/a file", "text\n", 0o640);
  symlinkSync("a file", host.at("/etc/link"));
  host.write("/etc/folder/.hidden", "");
  host.write("/etc/folder/shown", "");
  host.write("/journal", log.map((line) => `${line}\n`).join(""));
  host.write(
    "/var/lib/prometheus/node-exporter/lvs-ha.prom",
    [
      "# HELP lvs_ha_vrrp_instance_state 1: the VRRP instance is in this state. None: nobody knows its state.",
      'lvs_ha_vrrp_instance_state{vrrp_instance="VI_9",state="master"} 0',
      'lvs_ha_vrrp_instance_state{vrrp_instance="VI_9",state="backup"} 1',
      "",
    ].join("\n"),
  );
  host.write("/held", "keepalived\n");
  host.write("/packages", "ipvsadm installed\nkeepalived installed\nufw config-files\n");
  host.program("keepalived", [`printf '${says.keepalived}\\n\\nCopyright\\n' >&2`]);
  host.program("nft", [
    'if [ "$(stat -L -c %i "$FOLDER/real/self/ns/net")" = "$HOST_NETWORK" ]; then table=$FOLDER/live; else table=$FOLDER/other; fi',
    'case "$1 $*" in',
    '"-f -f "*) cp "$2" "$table" ;;',
    '*"-s list table inet lvs_ha") cat "$table" ;;',
    "*) exit 64 ;;",
    "esac",
    // Another network goes when its last program ends, and its table with it.
    '[ "$1" = -f ] || rm -f "$FOLDER/other"',
  ]);
  host.write("/live", says["nft -s list table inet lvs_ha"]);
  host.program("ufw", [
    'case "$LC_ALL $*" in',
    `"C status") printf 'Status: active\\n\\nTo Action From\\n' ;;`,
    `"C show added") printf '%s' "${says["ufw show added"]}" ;;`,
    "*) exit 64 ;;",
    "esac",
  ]);
  return host;
}

/** As freshly installed: no module, no package, no file of the stack. */
export function bareHost(): PretendHost {
  const host = common();
  for (const name of ["keepalived", "nft", "ufw"]) host.program(name, ["exit 127"]);
  return host;
}

function common(): PretendHost {
  const host = new PretendHost();
  for (const folder of ["real", "proc/net", "modules", "run/mount"]) {
    mkdirSync(join(host.folder, folder), { recursive: true });
  }
  host.write("/proc/meminfo", "MemTotal: 1020632 kB\nMemFree: 7 kB\nMemAvailable: 979280 kB\n");
  host.write("/etc/os-release", 'ID=debian\nPRETTY_NAME="Debian GNU/Linux 12 (bookworm)"\n');
  host.write(
    "/etc/passwd",
    `root:x:0:0::/root:/bin/sh\nops:x:1000:1000::${host.at("/home/ops")}:/bin/sh\n`,
  );
  host.program("date", ['[ "$*" = +%s ] && echo 1795414372']);
  host.program("uname", ['[ "$*" = -r ] && echo 6.1.0-18-amd64']);
  // It says what is left of the report's own text, should it come by it.
  host.program("systemctl", [
    "cat",
    '[ "$1 $3 $4 $5 $6 $7 $8" = "show -p LoadState -p ActiveState -p UnitFileState" ] || exit 64',
    'if [ -e "$FOLDER/packages" ]; then load=loaded active=active; else load=not-found active=inactive; fi',
    'printf "LoadState=$load\\nActiveState=$active\\nUnitFileState=$2\\n"',
  ]);
  // ipvsadm has its module loaded.
  host.program("ipvsadm", [
    ': >>"$FOLDER/proc/net/ip_vs"',
    "case $* in",
    ...Object.entries(says).flatMap(([call, text]) => {
      const [, words] = /^ipvsadm (.*)/.exec(call) ?? [];
      return words === undefined ? [] : [`"${words}") printf '%s' '${text}' ;;`];
    }),
    "*) exit 64 ;;",
    "esac",
  ]);
  host.program("journalctl", [
    "case $* in",
    '"-r -u keepalived -o short-unix --no-pager -q") cat "$FOLDER/journal" 2>/dev/null ;;',
    '"-r -b -q --no-pager -o short-unix -u keepalived -t Keepalived -t Keepalived_vrrp")',
    '    grep -E "Keepalived(_vrrp)?\\[" "$FOLDER/journal" 2>/dev/null',
    "    ;;",
    "*) exit 64 ;;",
    "esac",
  ]);
  host.program("dpkg-query", [
    '[ "$1 $2" = "-W -f" ] || exit 64',
    "format=$3 code=0; shift 3",
    "for name; do",
    '    line=$(grep "^$name " "$FOLDER/packages" 2>/dev/null) || { echo "no package $name" >&2; code=1; continue; }',
    "    case $format in",
    `    '\${binary:Package} \${db:Status-Status}\\n') echo "$line" ;;`,
    "    '${Version}') printf '1:2.2.7-1' ;;",
    "    *) exit 64 ;;",
    "    esac",
    "done",
    "exit $code",
  ]);
  host.program("apt-mark", [
    '[ "$1" = showhold ] || exit 64',
    'grep -x "$2" "$FOLDER/held" 2>/dev/null || :',
  ]);
  // The kernel's folder of modules, whether this machine has one or not.
  host.program("grep", [
    "for last; do :; done",
    'case $last in /lib/modules/*) set -- "$1" "$2" "$FOLDER$last" ;; esac',
    'exec /usr/bin/grep "$@"',
  ]);
  return host;
}

/** Asks a host, as `lvs` does: the script comes by standard input. What it says, and what is no longer as it was. */
export function reported(host: PretendHost, script: string, questions: string[], path = "$PATH") {
  const before = hostTree(host, { times: true });
  const { code, stdout, stderr } = host.shell(
    `mount --rbind /proc "$FOLDER/real"
    HOST_NETWORK=$(stat -L -c %i "$FOLDER/real/self/ns/net")
    export HOST_NETWORK
    mount --bind "$FOLDER/proc" /proc
    mount --bind "$FOLDER/modules" /sys/module
    ip link set lo up
    exec env PATH="${path}" /bin/sh -s -- "$@"`,
    questions,
    // A shell reads more of its input than it needs at once: there must be some left for others to come by.
    `${script}\n${": not for others\n".repeat(5000)}`,
  );
  return { code, stdout, stderr, changes: differences(before, hostTree(host, { times: true })) };
}
