// Hosts for report.sh: a fully equipped one, and a bare one. Their programs accept only the
// arguments that the report uses. A change that a program would make shows in the host's files.
import { mkdirSync, symlinkSync, utimesSync } from "node:fs";
import { join } from "node:path";
import { PretendHost } from "../scripts/host";
import { differences, hostTree } from "../scripts/hostTree";

/** The output of a full host's programs. */
export const says = {
  keepalived: "Keepalived v2.2.7 (01/16,2022)",
  "ipvsadm -Ln": "TCP  192.0.2.100:80 wlc\n  -> 192.0.2.21:80 Route 1 0 2\n",
  "ipvsadm -Ln --rate --exact": "TCP  192.0.2.100:80 4 18 0 1143 0\n",
  "ipvsadm -L --daemon": "master sync daemon (mcast=eth0, syncid=51)\n",
  "ipvsadm -Sn": "-A -t 192.0.2.100:80 -s wlc\n",
  "ipvsadm -Ln --thresholds": "TCP  192.0.2.100:80 wlc\n  -> 192.0.2.21:80 0 0 0 2\n",
};

/** Lines of a journal, newest first, one minute apart, from process 8. */
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

/** The parts of keepalived's log about VRRP and about the pool. */
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

/** A host with everything that a report can ask about. */
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
  })) {
    host.write(`/proc/sys/${name}`, `${value}\n`);
  }
  host.write(
    "/proc/slabinfo",
    "# name\nip_vs_conn 9 9 320\nnf_conntrack 5 6 256\nnf_conntrack_x 1 1 1\n",
  );
  host.write("/etc/a file", "text\n", 0o640);
  host.write("/var/lib/lvs-ha/changed-by", "{}\n");
  utimesSync(host.at("/var/lib/lvs-ha/changed-by"), 1795414372, 1795414372);
  host.write("/var/lib/lvs-ha/firewall-unconfirmed", "1795414372 203.0.113.9\n");
  symlinkSync("a file", host.at("/etc/link"));
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
  host.write("/installed", "");
  host.program("keepalived", [`printf '${says.keepalived}\\n\\nCopyright\\n' >&2`]);
  return host;
}

/** A freshly installed host: no module, no package, no file of the stack. */
export function bareHost(): PretendHost {
  const host = common();
  host.program("keepalived", ["exit 127"]);
  return host;
}

function common(): PretendHost {
  const host = new PretendHost();
  for (const folder of ["proc/net", "run/mount"]) {
    mkdirSync(join(host.folder, folder), { recursive: true });
  }
  host.write("/proc/meminfo", "MemTotal: 1020632 kB\nMemFree: 7 kB\nMemAvailable: 979280 kB\n");
  host.write("/etc/os-release", 'ID=debian\nPRETTY_NAME="Debian GNU/Linux 12 (bookworm)"\n');
  host.program("date", ['[ "$*" = +%s ] && echo 1795414372']);
  host.program("uname", ['[ "$*" = -r ] && echo 6.1.0-18-amd64']);
  // It prints the unread rest of the report's text, in case that reaches its input.
  host.program("systemctl", [
    "cat",
    '[ "$1 $3 $4 $5 $6 $7 $8" = "show -p LoadState -p ActiveState -p UnitFileState" ] || exit 64',
    'if [ -e "$FOLDER/installed" ]; then load=loaded active=active; else load=not-found active=inactive; fi',
    'printf "LoadState=$load\\nActiveState=$active\\nUnitFileState=$2\\n"',
  ]);
  // Running ipvsadm loads the module.
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
  return host;
}

/**
 * Queries a host as `lvs` does, with the script on standard input. Returns the output, and every
 * change on the host.
 */
export function reported(host: PretendHost, script: string, questions: string[], path = "$PATH") {
  const before = hostTree(host, { times: true });
  const { code, stdout, stderr } = host.shell(
    `mount --bind "$FOLDER/proc" /proc
    ip link set lo up
    exec env PATH="${path}" /bin/sh -s -- "$@"`,
    questions,
    // A shell reads ahead. This makes the text longer than that, so that some of it is left for
    // other programs to read by mistake.
    `${script}\n${": not for others\n".repeat(5000)}`,
  );
  return { code, stdout, stderr, changes: differences(before, hostTree(host, { times: true })) };
}
