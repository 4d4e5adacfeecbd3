// What the host scripts report for `verify`: nothing differs after `apply`, manual removals and
// changes are named, and nothing is written.
import { directorDataPath } from "../../components/render/director";
import { renderFiles, withEnd } from "../../components/render/files";
import { type Finding, parseFindings } from "../../ops/verify/scripts";
import type { PretendHost } from "./host";
import { apply, ends, look, parts, run, withData, type Change, type Part } from "./parts";

const owner = "pair-web1/10.10.0.21";

interface Case extends Change {
  script: string;
  /** Shell lines that prepare the machine around the script. */
  machine?: string[];
  /** Manual changes, and the differences that verify then finds. */
  byHand: Record<string, [lines: string[], ...found: string[]]>;
}

/** A finding in one line: its title and verdict, and the lines that differ. */
function described(finding: Finding): string {
  const about = `${finding.title}: ${finding.verdict}`;
  if (finding.verdict === "unknown") return `${about}: ${finding.why}`;
  if (finding.verdict === "note") return `${about}: ${finding.text}`;
  if (finding.verdict !== "differs") return about;
  const [wanted, found] = [finding.wanted, finding.found].map((text) => text.trimEnd().split("\n"));
  const only = (mark: string, lines: string[] = [], others: string[] = []) =>
    lines.filter((line) => line !== "" && !others.includes(line)).map((line) => mark + line);
  return [`${about}:`, ...only("-", wanted, found), ...only("+", found, wanted)].join(" ");
}

/**
 * The times of all files, which show files that were written and removed again. Scratch folders are
 * left out.
 */
const times = (name: string) =>
  `(cd $FOLDER && find etc var run ipvs nft systemd ufw held ! -path run -printf '%p %T@ %m\\n' 2>/dev/null | sort) >$FOLDER/looks/${name}`;

/**
 * A script's findings after apply and a manual change. Meanwhile another process holds the host's
 * lock.
 */
function findings({ script, machine = [], ...change }: Case, byHand: string[]): Finding[] {
  const part: Part = { ...parts[script], before: {}, changes: {} };
  const { looks, files: left } = run(part, machine, (host) => [
    apply(host, script, owner, change),
    ...byHand,
    "exec 8>>/run/lvs-ha.lock",
    "flock -n 8",
    ...[look("before"), times("times-before")],
    verify(host, script, change),
    ...[look("after"), times("times-after")],
  ]);
  expect(looks.after).toBe(looks.before);
  expect(looks["times-after"]).toBe(looks["times-before"]);
  return parseFindings(left.found ?? "");
}

/** A shell line that runs verify. */
function verify(host: PretendHost, script: string, { args = [], input = "" }: Change): string {
  host.write("/tmp/to-verify", withEnd(input));
  const words = args.map((word) => `'${word}'`).join(" ");
  return `$FOLDER/scripts/${script} verify ${owner} ${words} <$FOLDER/tmp/to-verify >$FOLDER/tmp/found`;
}

/** Manual changes of the stack's own files and their modes. */
const files = (...all: [path: string, mode: string][]): Case["byHand"] => {
  const each = (line: (path: string) => string) => all.map(([path]) => line(path));
  return {
    "its files are gone": [each((path) => `rm ${path}`), ...each((path) => `${path}: missing`)],
    "its files have another line": [
      each((path) => `echo '# mine' >>${path}`),
      ...each((path) => `${path}: differs: +# mine`),
    ],
    "its files have another mode": [
      each((path) => `chmod 0606 ${path}`),
      ...all.map(([path, mode]) => `mode of ${path}: differs: -${mode} root:root +0606 root:root`),
    ],
    "its files are folders": [
      each((path) => `rm ${path} && mkdir ${path}`),
      ...each((path) => `${path}: unknown: it is no file that can be read`),
    ],
  };
};

const ownerOf = (script: string): Case["byHand"] => {
  const path = `/var/lib/lvs-ha/owners/${script}`;
  return {
    "another resource owns it": [[`echo other >${path}`], `${path}: differs: -${owner} +other`],
    "nobody owns it": [[`rm ${path}`], `${path}: missing`],
    "what says who owns it is a folder": [
      [`rm ${path} && mkdir ${path}`],
      `${path}: unknown: it is no file that can be read`,
    ],
  };
};

const service = (unit: string): Case["byHand"] => ({
  [`${unit} is stopped`]: [
    [`echo failed >$FOLDER/systemd/active/${unit}`],
    `${unit}: differs: -enabled, active +enabled, failed`,
  ],
  [`${unit} isn't started at boot`]: [
    [`rm $FOLDER/systemd/enabled/${unit}`],
    `${unit}: differs: -enabled, active +disabled, active`,
  ],
});

const units = "/etc/systemd/system";
const conf = "/etc/keepalived/keepalived.conf";
const checks = "/etc/keepalived/lvs-ha-scripts";
const secrets = "/etc/keepalived/lvs-ha-secrets.conf";
const table = "/etc/lvs-ha/firewall.nft";
const [modules, options, sysctls] = [
  "/etc/modules-load.d/lvs-ha.conf",
  "/etc/modprobe.d/lvs-ha.conf",
  "/etc/sysctl.d/90-lvs-ha.conf",
];
const exporter = "prometheus-node-exporter.service";
const vip = "lvs-ha-vip.service";
const config = withData(
  [
    "# says Reload complete",
    "virtual_server 192.0.2.100 80 {",
    "    lvs_sched rr",
    "    lvs_method DR",
    "    real_server 192.0.2.21 80 {",
    "        weight 1",
    `        notify_up ${checks}/up`,
    "    }",
    "}",
  ],
  { up: ["#!/bin/sh", "echo up"] },
);
/**
 * What the kernel has built in. The list is the machine's, so the test reads it from another place.
 */
const builtIn = (line: string) =>
  [
    `echo ${line} >$FOLDER/tmp/builtin`,
    `printf '#!/bin/sh\\nfor last; do :; done\\ncase $last in /lib/modules/*.builtin) set -- "$1" "$2" $FOLDER/tmp/builtin ;; esac\\nexec /usr/bin/grep "$@"\\n' >$FOLDER/bin/grep`,
    "chmod +x $FOLDER/bin/grep",
  ].join("\n");
const ufw = (from: string, to: string) => [`sed -i "s/${from}/${to}/" $FOLDER/ufw/added`];

const cases: Record<string, Case> = {
  "kernel.sh": {
    script: "kernel.sh",
    machine: [
      "mkdir -p $FOLDER/modules/nf_conntrack $FOLDER/modules/ip_vs/parameters",
      "echo 20 >$FOLDER/modules/ip_vs/parameters/conn_tab_bits",
      "mount --bind $FOLDER/modules /sys/module",
    ],
    input: renderFiles({
      [modules]: ["ip_vs", "nf-conntrack"],
      [options]: ["options ip_vs conn_tab_bits=20"],
      [sysctls]: [
        "net.ipv4.ip_forward = 1",
        "net.ipv4.tcp_rmem = 4096 131072 6291456",
        "-net.ipv4.vs.new = -8",
      ],
    }),
    byHand: {
      ...ownerOf("kernel.sh"),
      ...files([options, "0644"], [modules, "0644"]),
      "its file of sysctls is gone": [[`rm ${sysctls}`], `${sysctls}: missing`],
      "a module is not loaded": [
        ["rmdir $FOLDER/modules/nf_conntrack"],
        "kernel modules: differs: -nf-conntrack",
      ],
      "a module is built in": [
        ["rmdir $FOLDER/modules/nf_conntrack", builtIn("kernel/net/netfilter/nf_conntrack.ko")],
      ],
      "a module is not built in, though another is whose name ends alike": [
        ["rmdir $FOLDER/modules/nf_conntrack", builtIn("kernel/net/x_nf_conntrack.ko")],
        "kernel modules: differs: -nf-conntrack",
      ],
      "IPVS's table has another size": [
        ["echo 12 >$FOLDER/modules/ip_vs/parameters/conn_tab_bits"],
        "size of IPVS's table: note: ip_vs was loaded with conn_tab_bits=12; 20 comes with the next reboot",
      ],
      "a sysctl is another": [
        ["sysctl -q -w net.ipv4.ip_forward=0"],
        "sysctls: differs: -net.ipv4.ip_forward = 1 +net.ipv4.ip_forward = 0",
      ],
      "a sysctl has other words": [
        ["sysctl -q -w net.ipv4.tcp_rmem='4096 131072 6291457'"],
        "sysctls: differs: -net.ipv4.tcp_rmem = 4096 131072 6291456 +net.ipv4.tcp_rmem = 4096 131072 6291457",
      ],
      "a later file sets a sysctl otherwise": [
        ["echo net.ipv4.ip_forward = 0 >/etc/sysctl.d/99-own.conf"],
        "sysctls that the next boot sets otherwise: differs: +/etc/sysctl.d/99-own.conf:1: net.ipv4.ip_forward = 0, in place of 1",
      ],
    },
  },
  "vip.sh": {
    script: "vip.sh",
    input: "192.0.2.100 lo\n192.0.2.101 tunl0\n2001:db8::100 lo\n",
    byHand: {
      ...ownerOf("vip.sh"),
      ...files(["/etc/lvs-ha/virtual-addresses", "0644"], [`${units}/${vip}`, "0644"]),
      ...service(vip),
      "an address is taken off": [
        ["ip addr del 2001:db8::100/128 dev lo"],
        "virtual addresses: differs: -2001:db8::100 on lo",
      ],
      "a tunnel's link is down: it takes nothing in": [
        ["ip link set tunl0 down"],
        "virtual addresses: differs: -192.0.2.101 on tunl0 +192.0.2.101 on tunl0, whose link is down",
      ],
      "one that the stack brought, and wants no more, is still there": [
        [
          "ip addr add 192.0.2.102/32 dev lo",
          "echo 192.0.2.102 >>/var/lib/lvs-ha/virtual-addresses-brought",
        ],
        "virtual addresses: differs: +192.0.2.102 on lo",
      ],
      "somebody else's address is there, too": [["ip addr add 192.0.2.103/32 dev lo"]],
    },
  },
  "secrets.sh": {
    script: "secrets.sh",
    input: "auth_pass cAnArY42\n",
    byHand: {
      ...ownerOf("secrets.sh"),
      "it is gone": [[`rm ${secrets}`], `${secrets}: missing`],
      "it is another": [[`echo 'auth_pass other' >${secrets}`], `${secrets}: secret`],
      "it may be read by others": [
        [`chmod 0644 ${secrets}`],
        `mode of ${secrets}: differs: -0600 root:root +0644 root:root`,
      ],
    },
  },
  "version.sh": {
    script: "version.sh",
    args: ["1:2.2.7-1"],
    byHand: {
      ...ownerOf("version.sh"),
      "it is not held": [
        ["apt-mark unhold keepalived"],
        "version of keepalived: differs: -1:2.2.7-1 held +1:2.2.7-1",
      ],
      "it is another": [
        ["echo 1:2.2.8-1 >$FOLDER/tmp/version"],
        "version of keepalived: differs: -1:2.2.7-1 held +1:2.2.8-1 held",
      ],
      "it is not installed": [["rm $FOLDER/tmp/version"], "version of keepalived: missing"],
      "dpkg can't be asked for what is held": [
        ["printf '#!/bin/sh\\necho locked >&2\\nexit 1\\n' >$FOLDER/bin/apt-mark"],
        "version of keepalived: unknown: apt-mark says: locked",
      ],
    },
  },
  "keepalived.sh": {
    script: "keepalived.sh",
    input: config,
    byHand: {
      ...ownerOf("keepalived.sh"),
      ...files(
        [conf, "0640"],
        [directorDataPath, "0640"],
        [`${checks}/up`, "0755"],
        [`${units}/keepalived.service.d/lvs-ha.conf`, "0644"],
      ),
      ...service("keepalived.service"),
      "there are other files beside its scripts": [
        [`: >${checks}/.old`, `: >"${checks}/a file"`],
        `other files in ${checks}: differs: +.old +a file`,
      ],
      "its folder of scripts is gone": [[`rm -r ${checks}`], `${checks}/up: missing`],
      "it is not installed": [
        ["rm $FOLDER/systemd/lib/keepalived.service $FOLDER/systemd/active/keepalived.service"],
        "keepalived.service: missing",
      ],
    },
  },
  "keepalived.sh in maintenance": {
    script: "keepalived.sh",
    args: ["stopped"],
    input: config,
    byHand: {
      "it runs": [
        ["echo active >$FOLDER/systemd/active/keepalived.service"],
        "keepalived.service: differs: -disabled, inactive +disabled, active",
      ],
      "it is started at boot": [
        [": >$FOLDER/systemd/enabled/keepalived.service"],
        "keepalived.service: differs: -disabled, inactive +enabled, inactive",
      ],
    },
  },
  "firewall.sh with nftables": {
    script: "firewall.sh",
    ...ends.nftables,
    byHand: {
      ...ownerOf("firewall.sh"),
      ...files([`${units}/lvs-ha-firewall.service`, "0644"], [table, "0644"]),
      ...service("lvs-ha-firewall.service"),
      "the live table is another": [
        ["echo 'chain mine' >>$FOLDER/nft/lvs_ha"],
        "nftables table lvs_ha: differs: +chain mine",
      ],
      "the live table is gone": [["rm $FOLDER/nft/lvs_ha"], "nftables table lvs_ha: missing"],
      "there is no namespace to try the table in": [
        [
          "printf '#!/bin/sh\\necho not permitted >&2\\nexit 1\\n' >$FOLDER/bin/unshare",
          "chmod +x $FOLDER/bin/unshare",
        ],
        "nftables table lvs_ha: unknown: its text can't be tried in a network namespace of its own: not permitted",
      ],
      "the kernel can't be asked": [
        [
          'printf \'#!/bin/sh\\ncase $1$NETWORK in -s*|list*) [ "$(readlink /proc/self/ns/net)" != "$NETWORK" ] || { echo denied >&2; exit 1; } ;; esac\\nexec $FOLDER/stand-ins/nft "$@"\\n\' >$FOLDER/bin/nft',
          "chmod +x $FOLDER/bin/nft",
        ],
        "nftables table lvs_ha: unknown: nft says: denied",
      ],
    },
  },
  "firewall.sh with ufw": {
    script: "firewall.sh",
    ...ends.ufw,
    byHand: {
      "it is off": [["rm $FOLDER/ufw/active"], "ufw: differs: -Status: active +Status: inactive"],
      "a rule is gone": [
        ["sed -i /192.0.2.21/d $FOLDER/ufw/added"],
        "ufw: differs: -route allow from 192.0.2.21 port 80 proto tcp",
      ],
      "a rule of ours is one too many": [
        [`echo "ufw allow from 192.0.2.9 comment 'lvs-ha'" >>$FOLDER/ufw/added`],
        "ufw: differs: +allow from 192.0.2.9",
      ],
      "the operator has a rule of their own": [
        ["echo 'ufw allow from 192.0.2.7' >>$FOLDER/ufw/added"],
      ],
      "a rule has become the operator's": [ufw("0.2.21 \\(.*\\) comment .lvs-ha.", "0.2.21 \\1")],
      "a rule has another comment": [
        ufw("0.2.21 \\(.*\\) comment .lvs-ha.", "0.2.21 \\1 comment 'mine'"),
      ],
      "a rule of the operator's logs, too": [
        ufw(
          "route allow from 192.0.2.21 \\(.*\\) comment .lvs-ha.",
          "route allow log from 192.0.2.21 \\1",
        ),
      ],
      "it can't be asked": [
        [
          "printf '#!/bin/sh\\necho locked >&2\\nexit 1\\n' >$FOLDER/bin/ufw",
          "chmod +x $FOLDER/bin/ufw",
        ],
        "ufw: unknown: ufw says: locked",
      ],
    },
  },
  "metrics.sh": {
    script: "metrics.sh",
    args: ["real-server", "serving", "15"],
    input: `${"0".repeat(64)}  /etc/hosts\n`,
    byHand: {
      ...ownerOf("metrics.sh"),
      ...files(
        ["/etc/lvs-ha/files.sha256", "0644"],
        [`${units}/lvs-ha-metrics.service`, "0644"],
        [`${units}/lvs-ha-metrics.timer`, "0644"],
      ),
      ...service(exporter),
      ...service("lvs-ha-metrics.timer"),
      "the exporter is not installed": [
        [`rm $FOLDER/systemd/lib/${exporter} $FOLDER/systemd/active/${exporter}`],
        "installed packages: differs: -curl -prometheus-node-exporter",
        `${exporter}: missing`,
      ],
      "packages are gone but for their settings": [
        ["printf '#!/bin/sh\\necho config-files 1\\n' >$FOLDER/bin/dpkg-query"],
        "installed packages: differs: -curl -prometheus-node-exporter",
      ],
      "systemd can't be asked": [
        [
          `printf '#!/bin/sh\\ncase $* in is-active*timer) echo no bus >&2; exit 1 ;; esac\\nexec $FOLDER/stand-ins/systemctl "$@"\\n' >$FOLDER/bin/systemctl`,
          "chmod +x $FOLDER/bin/systemctl",
        ],
        "lvs-ha-metrics.timer: unknown: systemctl says: no bus",
      ],
    },
  },
};

describe.each(Object.entries(cases))("%s", (_name, asked) => {
  test("finds nothing that differs after apply, and has compared much", () => {
    const all = findings(asked, []);
    expect(all.filter(({ verdict }) => verdict !== "same").map(described)).toEqual([]);
    expect(all.length).toBeGreaterThan(1);
  });

  test.each(Object.entries(asked.byHand))("%s", (_what, [byHand, ...found]) => {
    const all = findings(asked, byHand);
    expect(all.filter(({ verdict }) => verdict !== "same").map(described)).toEqual(found);
    expect(JSON.stringify(all)).not.toMatch(/cAnArY|auth_pass/);
  });
});
