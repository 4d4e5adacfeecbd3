// The host scripts that have an undo, with hosts to run them on and the changes that a stack asks
// of them.
import { chmodSync, cpSync, mkdirSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { directorDataPath } from "../../components/render/director";
import { renderFiles, withEnd } from "../../components/render/files";
import { dataOf } from "./dataOf";
import { PretendHost } from "./host";

export interface Change {
  /** Arguments after the owner. */
  args?: string[];
  input?: string;
}

/**
 * A script, the possible states of a host before the stack (as shell lines), and sequences of
 * changes by the stack.
 */
export interface Part {
  before: Record<string, string[]>;
  changes: Record<string, Change[]>;
  /** A change that fails halfway, after this shell line. */
  fails?: Change & { once: string };
  /** The machine around the script: programs, and packages' units. */
  around?: (host: PretendHost) => void;
}

/** Shell lines that create an operator's file, with a mode that no file of the stack has. */
const file = (path: string, text: string, mode = "0600") => [
  `mkdir -p ${path.replace(/[/][^/]*$/, "")}`,
  `printf '%s\\n' '${text}' >${path}`,
  `chmod ${mode} ${path}`,
];

const service = (unit: string, ...states: ("enabled" | "active")[]) =>
  states.flatMap((state) => [
    `mkdir -p $FOLDER/systemd/${state}`,
    `echo ${state === "active" ? state : ""} >$FOLDER/systemd/${state}/${unit}.service`,
  ]);

/** Shell lines that create an operator's link, to a file or to nothing. */
const link = (path: string, to: string) => [
  `mkdir -p ${path.replace(/[/][^/]*$/, "")}`,
  `ln -s ${to} ${path}`,
];

const none = { "a host without anything": [] };

const keepalivedConf = "/etc/keepalived/keepalived.conf";
const keepalivedScripts = "/etc/keepalived/lvs-ha-scripts";
/** A config, its data and its scripts. */
export function withData(conf: string[], scripts: Record<string, string[]> = {}): string {
  return renderFiles({
    [keepalivedConf]: conf,
    [directorDataPath]: dataOf(conf),
    ...Object.fromEntries(
      Object.entries(scripts).map(([name, lines]) => [`${keepalivedScripts}/${name}`, lines]),
    ),
  });
}

const keepalived = (weight: number, scripts: Record<string, string[]> = {}) =>
  withData(
    [
      "# says Reload complete",
      "virtual_server 192.0.2.100 80 {",
      "    lvs_sched rr",
      "    lvs_method DR",
      "    real_server 192.0.2.21 80 {",
      `        weight ${weight}`,
      ...Object.keys(scripts).map((name) => `        notify_up ${keepalivedScripts}/${name}`),
      "    }",
      "}",
    ],
    scripts,
  );
const own = [
  ...file(keepalivedConf, "# by hand\n# says Reload complete"),
  ...file(`${keepalivedScripts}/up`, "#!/bin/sh", "0711"),
];

const firewallTable = "/etc/lvs-ha/firewall.nft";
const operator = "203.0.113.9 40000 10.10.0.11 22";
const ufw = (...rules: string[]) => ({
  args: ["ufw", operator],
  input: renderFiles({ ufw: rules }),
});
const ufwAndTable = (...rules: string[]) => ({
  args: ["ufw", operator],
  input: renderFiles({ ufw: rules, [firewallTable]: ["table inet lvs_ha { chain untracked }"] }),
});
const hostsOwn = (...own: string[]) => ({ ...ufwAndTable(...own), args: ["auto", operator] });
const nftables = (chain: string) => ({
  args: ["nftables", operator],
  input: renderFiles({ [firewallTable]: [`table inet lvs_ha { chain ${chain} }`] }),
});
const rules = ["allow from 192.0.2.0/24", "route allow from 192.0.2.21 port 80 proto tcp"];
/** The final state of each kind of firewall. */
export const ends = {
  ufw: ufw(...rules),
  both: ufwAndTable(...rules),
  nftables: nftables("first"),
};
export const ownRule = `echo "ufw allow 2222/tcp comment 'mine'" >>$FOLDER/ufw/added`;

/** Lets in the client that brings the changes. */
const ownSshRule = `echo "ufw allow from 203.0.113.0/24 to any port 22 proto tcp" >>$FOLDER/ufw/added`;

/** From Debian's own file, in both spellings, and one key that the kernel doesn't know. */
const ufwSysctls = `# comment
net/ipv4/conf/all/accept_redirects=0
net/ipv4/conf/default/accept_redirects=0
net.ipv6.conf.default.accept_redirects = 0
#net/ipv4/tcp_sack=1
net/ipv4/not_here=0`;

const kernelFiles = {
  modules: "/etc/modules-load.d/lvs-ha.conf",
  options: "/etc/modprobe.d/lvs-ha.conf",
  sysctls: "/etc/sysctl.d/90-lvs-ha.conf",
};
const kernel = (sysctls: Record<string, string>, options: string[] = []) => ({
  input: renderFiles({
    [kernelFiles.modules]: ["ip_vs"],
    ...(options.length === 0 ? {} : { [kernelFiles.options]: options }),
    [kernelFiles.sysctls]: Object.entries(sysctls).map(([key, value]) => `${key} = ${value}`),
  }),
});

const exporter = "prometheus-node-exporter";

const upgradesDropIn = "/etc/systemd/system/apt-daily-upgrade.service.d/lvs-ha.conf";

export const parts: Record<string, Part> = {
  "keepalived.sh": {
    before: {
      "a keepalived without a config, disabled": [],
      "a keepalived without a config, enabled as its package does": service(
        "keepalived",
        "enabled",
      ),
      "an operator's keepalived that is off": own,
      "an operator's keepalived that is on": [...own, ...service("keepalived", "active")],
      "an operator's keepalived that is off, and enabled at boot": [
        ...own,
        ...service("keepalived", "enabled"),
      ],
      "an operator's keepalived whose config and script are links": [
        ...own,
        `mv ${keepalivedConf} /etc/keepalived/mine.conf`,
        ...link(keepalivedConf, "mine.conf"),
        ...link(`${keepalivedScripts}/down`, "nowhere"),
        ...service("keepalived", "active", "enabled"),
      ],
      "an operator's keepalived that is on, and enabled at boot": [
        ...own,
        ...service("keepalived", "active", "enabled"),
      ],
    },
    changes: {
      once: [{ input: keepalived(1, { up: ["#!/bin/sh", "echo up"] }) }],
      "twice, and into maintenance": [
        { input: keepalived(1, { down: ["#!/bin/sh"] }) },
        { input: keepalived(2) },
        { args: ["stopped"], input: keepalived(2) },
      ],
      "in maintenance, and out of it": [
        { args: ["stopped"], input: keepalived(1) },
        { input: keepalived(1) },
      ],
    },
    fails: {
      once: ":",
      input: keepalived(9, { up: ["#!/bin/sh", "echo new"] }).replace("# says", "# deaf"),
    },
  },
  "firewall.sh": {
    before: {
      "ufw that is off, and the kernel values that it would set": [
        ownRule,
        ...file("/etc/ufw/sysctl.conf", ufwSysctls),
      ],
      "a file in the place of ours": file(firewallTable, "table inet lvs_ha { chain mine }"),
      "ufw that is on": [ownRule, ownSshRule, ": >$FOLDER/ufw/active"],
    },
    changes: {
      "ufw with a table, twice": [ufwAndTable(...rules), ufwAndTable()],
      "ufw, twice": [ufw(...rules), ufw("allow from 198.51.100.0/24")],
      "nftables, twice": [nftables("first"), nftables("second")],
      "ufw, then nftables": [ufwAndTable(...rules), nftables("first")],
      "nftables, then ufw": [nftables("first"), ufw(...rules)],
      "the host's own, twice": [hostsOwn(...rules), hostsOwn("allow from 198.51.100.0/24")],
      "the host's own, then ufw, and back": [hostsOwn(...rules), ufw(...rules), hostsOwn()],
    },
    fails: { once: ": >$FOLDER/tmp/broken", ...nftables("mine") },
  },
  "vip.sh": {
    before: {
      ...none,
      "an operator's addresses, tunnel and list": [
        "ip addr add 192.0.2.100/32 dev lo",
        "ip link add tunl0 type veth peer name peer0",
        "sysctl -q -w net.ipv4.conf.tunl0.rp_filter=1",
        ...file("/etc/lvs-ha/virtual-addresses", "mine"),
      ],
      "a list that is a link to nothing": link("/etc/lvs-ha/virtual-addresses", "nowhere"),
      "a tunnel that is up": [
        "ip link add tunl0 type veth peer name peer0",
        "ip link set tunl0 up",
        "ip link set peer0 up",
      ],
    },
    changes: {
      once: [{ input: "192.0.2.100 lo\n192.0.2.101 tunl0\n2001:db8::100 ip6tnl0\n" }],
      twice: [{ input: "192.0.2.100 lo\n2001:db8::101 lo\n" }, { input: "192.0.2.100 tunl0\n" }],
    },
    fails: { once: ": >$FOLDER/tmp/no-modules", input: "192.0.2.102 lo\n2001:db8::100 ip6tnl0\n" },
    around: (host) => {
      host.program("modprobe", [
        "[ $1 = -r ] || ! rm $FOLDER/tmp/no-modules 2>/dev/null || exit 1",
        "case $* in",
        "ipip) ip link add tunl0 type veth peer name peer0 ;;",
        "ip6_tunnel) ip link add ip6tnl0 type veth peer name peer6 ;;",
        '"-r ipip") ip link del tunl0 ;;',
        '"-r ip6_tunnel") ip link del ip6tnl0 ;;',
        "esac",
      ]);
      host.program("udevadm", []);
    },
  },
  "kernel.sh": {
    before: {
      ...none,
      "files that are links": [
        ...file("/etc/mine", "# mine"),
        ...link(kernelFiles.modules, "/etc/mine"),
        ...link(kernelFiles.options, "nowhere"),
        ...link(kernelFiles.sysctls, "../mine"),
      ],
      "an operator's sysctls and files": [
        "sysctl -q -w net.ipv4.tcp_ecn=0 net.ipv4.tcp_fin_timeout=33 net.ipv4.conf.all.forwarding=1",
        ...Object.values(kernelFiles).flatMap((path) => file(path, "# mine")),
      ],
    },
    changes: {
      once: [
        kernel({ "net.ipv4.ip_forward": "1", "net.ipv4.tcp_ecn": "1" }, [
          "options ip_vs conn_tab_bits=20",
        ]),
      ],
      twice: [
        kernel({ "net.ipv4.tcp_ecn": "1", "net.ipv4.tcp_ecn_fallback": "0" }, ["options a b=1"]),
        kernel({ "net.ipv4.tcp_ecn": "2", "net.ipv4.tcp_fin_timeout": "25" }),
      ],
    },
    fails: {
      once: ":",
      ...kernel({ "net.ipv4.tcp_fin_timeout": "12", "net.ipv4.tcp_ecn": "never" }, ["# mine"]),
    },
    around: (host) => {
      host.program("modprobe", []);
    },
  },
  "metrics.sh": {
    before: {
      "no exporter": [],
      ...Object.fromEntries(
        [[], ["active"], ["enabled"], ["active", "enabled"]].map((states) => [
          `an exporter that is ${states.join(" and ") || "off"}`,
          [
            "exporter_is_installed",
            ...service(exporter, ...(states as ("active" | "enabled")[])),
            ...file("/etc/lvs-ha/files.sha256", "mine"),
            ...file("/etc/systemd/system/lvs-ha-metrics.timer", "[Timer]"),
          ],
        ]),
      ),
    },
    changes: {
      once: [{ args: ["real-server", "serving", "15"] }],
      twice: [
        { args: ["real-server", "serving", "15"] },
        { args: ["real-server", "serving", "30"], input: `${"0".repeat(64)}  /etc/hosts\n` },
      ],
    },
    around: (host) => {
      host.write("/etc/lvs-ha/virtual-addresses", "192.0.2.100 lo\n");
      host.write("/etc/sysctl.d/90-lvs-ha.conf", "net.ipv4.ip_forward = 0\n");
      host.write("/var/lib/prometheus/node-exporter/other.prom", "");
      host.program("exporter_is_installed", [
        `printf '[Service]\\n[Install]\\n' >$FOLDER/systemd/lib/${exporter}.service`,
      ]);
      host.program("dpkg-query", [
        `[ -e $FOLDER/systemd/lib/${exporter}.service ] && echo installed`,
      ]);
      host.program("dpkg", []);
      // Debian's package does this.
      host.program("apt-get", [
        `case $* in *" install "*) exporter_is_installed && systemctl enable ${exporter} && systemctl start ${exporter} ;; esac`,
      ]);
      host.program("curl", [
        `systemctl -q is-active ${exporter} && cat /var/lib/prometheus/node-exporter/lvs-ha.prom`,
      ]);
    },
  },
  "version.sh": {
    before: {
      "a package that nobody holds": [],
      "a package that its operator holds": ["apt-mark hold keepalived"],
    },
    changes: {
      once: [{ args: ["1:2.2.7-1"] }],
      twice: [{ args: ["1:2.2.7-1"] }, { args: ["1:2.2.8-1"] }],
    },
    around: (host) => {
      host.write("/tmp/version", "1:2.2.7-1\n");
      host.program("dpkg-query", ['cat "$FOLDER/tmp/version"']);
      host.program("apt-get", []);
      host.program("apt-mark", [
        '[ "$1" != -qq ] || shift',
        "case $1 in",
        'showhold) cat "$FOLDER/held" 2>/dev/null || : ;;',
        'hold) echo keepalived >"$FOLDER/held" ;;',
        'unhold) rm "$FOLDER/held" ;;',
        "esac",
      ]);
      host.write(
        "/scripts/packages.sh",
        '#!/bin/sh\n[ "$1" = --lists ] || echo "${1#keepalived=}" >"$FOLDER/tmp/version"\n',
      );
    },
  },
  "upgrades.sh": {
    before: {
      ...none,
      "an operator's drop-in of the same name": file(upgradesDropIn, "[Service]"),
      "an operator's other drop-in": file(upgradesDropIn.replace("lvs-ha", "own"), "[Service]"),
    },
    changes: {
      once: [{ input: "0 4\n" }],
      twice: [{ input: "0 4\n" }, { input: "2 6\n" }],
    },
    fails: { once: ": >$FOLDER/tmp/no-reload", input: "4 6\n" },
    around: (host) => {
      host.write("/systemd/lib/apt-daily-upgrade.service", "[Service]\n");
      host.program("systemctl", [
        'if [ "$1" = daemon-reload ] && rm "$FOLDER/tmp/no-reload" 2>/dev/null; then exit 1; fi',
        'exec "$FOLDER/stand-ins/systemctl" "$@"',
      ]);
    },
  },
  "secrets.sh": {
    before: {
      ...none,
      "a link to nothing": link("/etc/keepalived/lvs-ha-secrets.conf", "nowhere"),
      "an operator's file": file("/etc/keepalived/lvs-ha-secrets.conf", "mine", "0640"),
    },
    changes: {
      once: [{ input: "auth_pass first\n" }],
      twice: [{ input: "auth_pass first\n" }, { input: "auth_pass second\n" }],
    },
  },
};

/**
 * Folders that every host has, and the sysctls that vip.sh finds: kernel.sh is applied before it
 * and undone after it.
 */
const everywhere = [
  "set -e",
  "mkdir -p /etc/keepalived /etc/modprobe.d /etc/modules-load.d /etc/sysctl.d /etc/systemd/system",
  "ip link set lo up",
  "for one in lo.arp_ignore=1 lo.arp_announce=2 all.arp_ignore=1 all.arp_announce=2; do",
  "    sysctl -q -w net.ipv4.conf.$one",
  "done",
];

/** Keeps the host's state under a name. */
export const look = (name: string) => `$FOLDER/bin/footprint >$FOLDER/looks/${name}`;

let inputs = 0;
/** A shell line that makes a change as an owner. */
export function apply(host: PretendHost, script: string, owner: string, change: Change): string {
  const { args = [], input = "" } = change;
  const from = `/tmp/input${++inputs}`;
  host.write(from, withEnd(input));
  const words = args.map((word) => `'${word}'`).join(" ");
  return `$FOLDER/scripts/${script} apply ${owner} ${words} <$FOLDER${from} >&2`;
}

/** The output, and the host's state at each look. */
export interface Seen {
  said: string;
  looks: Record<string, string>;
  /** The files in $FOLDER/tmp. */
  files: Record<string, string>;
}

/** Runs shell lines on a host in its earlier state; they end at the first failure. */
export function run(part: Part, before: string[], lines: (host: PretendHost) => string[]): Seen {
  const host = new PretendHost();
  try {
    host.sleeps(10);
    mkdirSync(join(host.folder, "looks"));
    cpSync(join(__dirname, "footprint.sh"), join(host.folder, "bin/footprint"));
    chmodSync(join(host.folder, "bin/footprint"), 0o755);
    part.around?.(host);
    const reads = [...before, "systemctl daemon-reload", look("before")];
    const { code, stderr } = host.shell([...everywhere, ...reads, ...lines(host)].join("\n"));
    expect([code, code === 0 ? "" : stderr]).toEqual([0, ""]);
    return { said: stderr, looks: texts(host, "looks"), files: texts(host, "tmp") };
  } finally {
    host.remove();
  }
}

/** The files in a folder of the host, by name. */
function texts(host: PretendHost, folder: string): Record<string, string> {
  const found = readdirSync(join(host.folder, folder), { withFileTypes: true });
  const files = found.filter((one) => one.isFile());
  return Object.fromEntries(files.map(({ name }) => [name, host.read(`/${folder}/${name}`) ?? ""]));
}
