// The preflight: the faults that it finds on a host, each close to the last correct value; and that
// it changes nothing.
import { mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { OsProfile } from "../../components/os/profile";
import { osNames, osProfiles } from "../../components/os/profiles";
import { refusedSystems, wayOfRefused } from "../../components/os/refused";
import { unmissedLines } from "./everyLine";
import { PretendHost } from "./host";
import { differences, hostTree } from "./hostTree";

interface Facts {
  /** ID and VERSION_ID or VERSION_CODENAME, as the stack config has them. */
  asked?: [id: string, release: string];
  /** The text of /etc/os-release; none where it is empty. */
  osRelease?: string;
  systemd?: boolean;
  uid?: number;
  /** The addresses of lo, the only interface. */
  addresses?: string[];
  /** Free KiB by folder. */
  free?: Record<string, number>;
  memoryKiB?: number;
  /** The size of a conntrack entry, if the kernel tells it. */
  slabBytes?: number;
  /** How the kernel has ip_vs. */
  ipvs?: "module" | "built in" | "none";
  /** /etc/default/ipvsadm, which configures the package's own service. */
  ipvsadm?: string;
  role?: "director" | "real-server";
  /** The container's type; empty: no container. */
  container?: string;
  /** networkctl(1)'s output about lo. */
  networkctl?: string;
  /** Files of systemd.network(5). */
  networkd?: Record<string, string>;
  /** Lines of /proc/mounts. */
  mounts?: string[];
  /** The journal's last line. */
  journal?: string;
  /** /etc/default/keepalived. */
  keepalivedDefaults?: string;
  /** systemd's ExecStart of keepalived; empty: no such unit. */
  started?: string;
  /** All files of journald.conf. */
  journald?: string;
  /** A shell line that creates the host's network. */
  network?: string;
  /** Addresses that direct routing must reach. */
  realServers?: string;
  sessions?: number;
  interfaces?: string;
}

/** Just fit: 3276800 sessions of 320 B are 1000 MiB. */
const fit = {
  asked: ["debian", "12"],
  osRelease: 'NAME="Debian GNU/Linux"\nVERSION_ID="12"\nID=debian\n',
  systemd: true,
  uid: 0,
  addresses: ["192.0.2.11/24", "2001:db8::11/64"],
  free: { "/usr": 204800, "/var": 204800, "/etc": 204800 },
  memoryKiB: 1024000,
  ipvs: "module",
  role: "director",
  container: "",
  networkctl: "● 1: lo\n                   Link File: n/a\n                Network File: n/a\n",
  networkd: {},
  mounts: ["/dev/vda1 / ext4 rw,relatime,errors=remount-ro 0 0", "tmpfs /run tmpfs ro 0 0"],
  journal: "Started Session 1 of User root.",
  keepalivedDefaults: '# Options\nDAEMON_ARGS=""\n',
  started: "",
  journald: "[Journal]\n#MaxLevelStore=debug\n",
  network: ":",
  realServers: "",
  sessions: 3276800,
  interfaces: "lo=192.0.2.11/24 lo=2001:db8::11/64 lo",
} satisfies Facts;

let host: PretendHost;
const preflight = () => join(host.scripts, "preflight.sh");

beforeAll(() => {
  host = new PretendHost();
  // mount(8) creates this folder.
  mkdirSync(host.at("/run/mount"));
  host.program("id", ['[ "$*" = -u ] && cat "$FOLDER/uid"']);
  host.program("df", ['[ "$1" = -Pk ] && cat "$FOLDER/free$2"']);
  host.program("uname", ['[ "$*" = -r ] && echo 6.1.0-18-amd64']);
  host.program("systemd-detect-virt", [
    '[ "$*" = --container ] && cat "$FOLDER/container" && [ -s "$FOLDER/container" ]',
  ]);
  host.program("journalctl", ['[ "$*" = "-q -n 1 -o cat --no-pager" ] && cat "$FOLDER/journal"']);
  host.program("networkctl", [
    '[ "$1 $2" = "--no-pager status" ] && grep -q "^● .: $3$" "$FOLDER/networkctl" && cat "$FOLDER/networkctl"',
  ]);
  host.program("systemctl", [
    '[ "$*" = "show --property=ExecStart --value keepalived.service" ] && cat "$FOLDER/started"',
  ]);
  host.program("systemd-analyze", [
    '[ "$*" = "cat-config systemd/journald.conf" ] && cat "$FOLDER/journald"',
  ]);
  // modprobe -n loads nothing.
  host.program("modprobe", [
    '[ "$*" = "-n -q ip_vs" ] || echo "$*" >>"$FOLDER/loaded"',
    '[ -e "$FOLDER/module" ]',
  ]);
});

afterAll(() => {
  host.remove();
});

/** The output about a host, and the exit code. */
function look(changes: Facts = {}, changed?: string) {
  const facts: Required<Omit<Facts, "slabBytes" | "ipvsadm">> & Facts = { ...fit, ...changes };
  const { slabBytes, ipvs } = facts;
  if (facts.osRelease === "") rmSync(host.at("/etc/os-release"), { force: true });
  else host.write("/etc/os-release", facts.osRelease);
  host.write("/uid", `${facts.uid}\n`);
  for (const [folder, free] of Object.entries({ ...fit.free, ...changes.free })) {
    const head = "Filesystem 1024-blocks Used Available Capacity Mounted on";
    host.write(`/free${folder}`, `${head}\n/dev/vda1 999999999 1 ${free} 1% /\n`);
  }
  host.write("/container", facts.container);
  host.write("/proc/mounts", facts.mounts.map((line) => `${line}\n`).join(""));
  host.write("/journal", facts.journal);
  host.write("/networkctl", facts.networkctl);
  host.write("/started", facts.started);
  host.write("/journald", facts.journald);
  rmSync(host.at("/etc/systemd/network"), { recursive: true, force: true });
  for (const [file, text] of Object.entries(facts.networkd)) {
    host.write(`/etc/systemd/network/${file}`, text);
  }
  if (facts.keepalivedDefaults === "") rmSync(host.at("/etc/default/keepalived"), { force: true });
  else host.write("/etc/default/keepalived", facts.keepalivedDefaults);
  host.write("/proc/meminfo", `MemTotal: ${facts.memoryKiB} kB\nMemFree: 1 kB\n`);
  for (const path of [
    "/etc/default/ipvsadm",
    "/proc/slabinfo",
    "/proc/net/ip_vs",
    "/module",
    "/run/systemd/system",
  ]) {
    rmSync(host.at(path), { recursive: true, force: true });
  }
  if (facts.ipvsadm) host.write("/etc/default/ipvsadm", facts.ipvsadm);
  if (slabBytes)
    host.write("/proc/slabinfo", `nf_conntrack_x 1 1 9\nnf_conntrack 5 7 ${slabBytes}\n`);
  if (ipvs !== "none") host.write(ipvs === "module" ? "/module" : "/proc/net/ip_vs", "");
  if (facts.systemd) mkdirSync(host.at("/run/systemd/system"), { recursive: true });
  const script = readFileSync(preflight(), "utf8");
  if (changed !== undefined) writeFileSync(preflight(), changed);
  try {
    const before = hostTree(host, { times: true });
    const result = host.shell(
      `for address in $1; do ip addr add $address dev lo; done; ${facts.network}
      mount --bind "$FOLDER/proc" /proc; shift; exec "$@"`,
      [
        facts.addresses.join(" "),
        ...[
          preflight(),
          facts.role,
          ...facts.asked,
          String(facts.sessions),
          facts.interfaces,
          "curl",
          ...(facts.realServers === "" ? [] : [facts.realServers]),
        ],
      ],
    );
    return { ...result, changes: differences(before, hostTree(host, { times: true })) };
  } finally {
    writeFileSync(preflight(), script);
  }
}

/** The line about conntrack, which is always printed; by default for a host with 1000 MiB. */
const conntrack = (need = 1000, { sessions = fit.sessions, bytes = 320, memory = 1000 } = {}) =>
  `conntrack: ${sessions} sessions x ${bytes} B = ${need} MiB when full, of ${memory} MiB memory`;
const tooMany = (most: number) =>
  `a full conntrack table would not fit in memory: lower kernel.conntrackMax (kernel.realServerConntrackMax on real servers) to at most ${most}`;
const system = (found: string) =>
  `the stack config says debian 12, /etc/os-release says ${found}; set this host's os to what it is`;
const room = (folder: string, mebibytes = 199) =>
  `${folder} has ${mebibytes} MiB free; at least 200 are needed`;
const lacks = (address: string, has = "192.0.2.11/24 2001:db8::11/64 ") =>
  `interface lo does not have ${address}; it has: ${has}`;
const noRoot = "needs root, or a login with passwordless sudo";
const noSystemd = "systemd is not running; the stack's services need it";
const ipvsadmHas = (has: string, wanted: string) =>
  `/etc/default/ipvsadm has ${has}: ipvsadm's own service would change what keepalived has in IPVS; set ${wanted} there`;
const noIpvs = "this kernel (6.1.0-18-amd64) has no ip_vs module; a director needs it";

const inContainer =
  "this is a container (lxc), and IPVS is its host's kernel's; a director needs a virtual machine or a machine of its own";
const readOnly = (folder: string) =>
  `${folder} is mounted read-only; packages, scripts and files go there`;
const noJournal =
  "the journal is empty, so that keepalived could say nothing of a change; see Storage= in journald.conf(5)";
const notAllowed = (
  option: string,
  all: string,
  where = "DAEMON_ARGS of /etc/default/keepalived",
) =>
  `${where} has ${option} (${all}); take it out: only -D, -d, -n, -a, -x, -m, -S and -A, and their long names, leave keepalived as the stack needs it`;
const args = (text: string): Facts => ({ keepalivedDefaults: `DAEMON_ARGS="${text}"\n` });
const startedBy = (words: string) =>
  `{ path=/usr/sbin/keepalived ; argv[]=/usr/sbin/keepalived ${words} ; ignore_errors=no ; start_time=[n/a] ; stop_time=[n/a] ; pid=0 ; code=(null) ; status=0/0 }\n`;
const level = (has: string) =>
  `journald.conf has MaxLevelStore=${has}, so that the journal lacks what keepalived says of a change; set it to info`;
/** A separate segment with a gateway on it. */
const network =
  "ip link add eth5 type veth peer name eth6; ip addr add 198.51.100.1/24 dev eth5; ip link set eth5 up; ip link set eth6 up; ip route add 203.0.113.0/24 via 198.51.100.254";

/** networkd 257's report about lo when a file matches all interfaces. */
const managed = (...lines: string[]) => managedOf("lo", ...lines);
const managedOf = (device: string, ...lines: string[]): Facts => ({
  role: "real-server",
  networkctl: `● 1: ${device}\n                Network File: /etc/systemd/network/50-all.network\n       State: carrier (configured)\n`,
  networkd: { "50-all.network": ["[Match]", "Name=*", "[Network]", ...lines, ""].join("\n") },
});
const ways =
  "have that file match other interfaces ([Match] Name=!lo tunl0 ip6tnl0), or keep what is there ([Network] KeepConfiguration=static)";
const networkd = `systemd-networkd manages lo by /etc/systemd/network/50-all.network and takes virtual addresses off it at each of its starts: ${ways}`;

/** Barely correct hosts, each with its facts and the line about conntrack. */
const right: Record<string, [Facts, conntrack?: string]> = {
  "a director": [{}],
  "a real server, which needs no ip_vs": [{ role: "real-server", ipvs: "none" }],
  "a director whose kernel has ip_vs built in": [{ ipvs: "built in" }],
  "a director with options of keepalived's that change nothing here": [
    { keepalivedDefaults: `DAEMON_ARGS="-D -d --log-detail -S 3"\n#DAEMON_ARGS=-P\n` },
  ],
  "a director with the others of them, and with the package's unit": [
    {
      ...args(
        "-DdS3 -nx -DA /run/P -maS local1 --log-facility=2 --log-facility 2 --snmp --core-dump --snmp-agent-socket /run/x",
      ),
      started: startedBy("--dont-fork $DAEMON_ARGS"),
    },
  ],
  "a director whose journal keeps what is said as info": [
    { journald: "[Journal]\nMaxLevelStore=err\n[Journal]\n MaxLevelStore = info\n" },
  ],
  "a director without the package's own file": [{ keepalivedDefaults: "" }],
  "a real server that has neither journal nor default options": [
    { role: "real-server", journal: "", keepalivedDefaults: "DAEMON_ARGS=-G\n" },
  ],
  "a real server whose networkd keeps what is on lo": [managed("KeepConfiguration = static")],
  "one that is told so in a file beside": [
    {
      ...managed(),
      networkd: {
        "50-all.network": "[Match]\nName=*\n",
        "50-all.network.d/10-keep.conf": "[Network]\nKeepConfiguration=yes\n",
      },
    },
  ],
  "a real server whose networkd keeps what is on tunl0": [
    managedOf("tunl0", "KeepConfiguration=yes"),
  ],
  "a director whose networkd manages lo": [{ ...managed(), role: "director" }],
  "a real server that runs kube-proxy": [
    { role: "real-server", network: "ip link add kube-ipvs0 type veth peer name x" },
  ],
  "a director that has the real servers on its segments": [
    { network, realServers: "198.51.100.7 192.0.2.11" },
  ],
  "a host whose read-only parts are elsewhere, or mounted over": [
    {
      mounts: [
        "/dev/vda1 / ext4 ro,relatime 0 0",
        "/dev/vda2 /usr ext4 ro 0 0",
        "/dev/vda2 /usr ext4 rw 0 0",
        "/dev/vda3 /var ext4 rw,ro-not 0 0",
        "/dev/vda3 /etc ext4 rw 0 0",
        "/dev/vda3 /etc/other ext4 ro 0 0",
        "/dev/vda3 /usr/loc ext4 ro 0 0",
      ],
    },
  ],
  "a director on which ipvsadm's own service does nothing": [
    { ipvsadm: `# AUTO=true\nAUTO="false"\nDAEMON="none" # not "both"\nIFACE="eth0"\n` },
  ],
  "a director on which it is told last to do nothing": [
    { ipvsadm: "AUTO=true\nDAEMON=both\nAUTO=false\nDAEMON='none'\n" },
  ],
  "a real server, whatever ipvsadm's own service would do": [
    { role: "real-server", ipvsadm: "AUTO=true\nDAEMON=both\n" },
  ],
  "a system in quotes": [{ osRelease: `ID="debian"\nVERSION_ID='12'\n` }],
  "no interfaces": [{ interfaces: "", addresses: [] }],
  "a table that the kernel's own figure makes small": [
    { slabBytes: 256, memoryKiB: 819200 },
    conntrack(800, { bytes: 256, memory: 800 }),
  ],
  "a table of the size that the finding names": [
    { sessions: 3273523, memoryKiB: 1023999 },
    conntrack(998, { sessions: 3273523, memory: 999 }),
  ],
};

/** Correct hosts about which the operator gets a note. */
const told: Record<string, [Facts, word: string]> = {
  "a real server in a container": [
    { role: "real-server", container: "lxc" },
    "this is a container (lxc): what its kernel doesn't let it set must be set on the host that runs it: net.netfilter.nf_conntrack_max and _buckets, and the module nf_conntrack",
  ],
};

for (const device of ["tunl0", "ip6tnl0"]) {
  told[`a real server whose networkd manages ${device}`] = [
    managedOf(device),
    `systemd-networkd manages ${device} by /etc/systemd/network/50-all.network, and would take virtual addresses off it at each of its starts; with forwarding TUN, ${ways}`,
  ];
}

/** Faulty hosts, with the smallest possible fault. */
const wrong: Record<string, [Facts, finding: string, conntrack?: string]> = {
  "another user": [{ uid: 1 }, noRoot],
  "another system": [{ osRelease: "ID=ubuntu\nVERSION_ID=12\n" }, system("ubuntu 12")],
  "another version": [{ osRelease: "ID=debian\nVERSION_ID=12.1\n" }, system("debian 12.1")],
  "a system without a version": [{ osRelease: "ID=debian\n" }, system("debian ")],
  "a system of before os-release(5)": [
    { osRelease: "" },
    `there is no /etc/os-release, as on systems that are too old for the stack (CentOS 6, for one): ${wayOfRefused}`,
  ],
  "no systemd": [{ systemd: false }, noSystemd],
  "a director in a container": [{ container: "lxc" }, inContainer],
  "a real server whose lo networkd manages": [managed(), networkd],
  "one whose networkd keeps leases only": [managed("KeepConfiguration=dhcp-on-stop"), networkd],
  "a read-only root": [
    {
      mounts: ["/dev/vda1 / ext4 ro,relatime 0 0", "x /usr ext4 rw 0 0", "x /var ext4 rw 0 0"],
    },
    readOnly("/etc"),
  ],
  "a read-only /usr/local": [
    { mounts: ["x / ext4 rw 0 0", "x /usr/local ext4 ro 0 0"] },
    readOnly("/usr/local/lib"),
  ],
  "a real server behind a gateway": [
    { network, realServers: "203.0.113.9 198.51.100.7" },
    "203.0.113.9 is reached via 198.51.100.254, and direct routing reaches this host's own segments only; its forwarding must be TUN or NAT",
  ],
  "a real server without a way to it": [
    { realServers: "203.0.113.9" },
    "203.0.113.9 is reached via nothing, and direct routing reaches this host's own segments only; its forwarding must be TUN or NAT",
  ],
  "no journal": [{ journal: "" }, noJournal],
  "another config of keepalived's": [
    { keepalivedDefaults: `  DAEMON_ARGS="-D -f/etc/keepalived/other.conf"\n` },
    notAllowed("-f/etc/keepalived/other.conf", "-D -f/etc/keepalived/other.conf"),
  ],
  "half a keepalived": [
    { keepalivedDefaults: "DAEMON_ARGS='--vrrp'\n" },
    notAllowed("--vrrp", "--vrrp"),
  ],
  "a keepalived that logs elsewhere": [
    { keepalivedDefaults: "DAEMON_ARGS=\nDAEMON_ARGS=-G\n" },
    notAllowed("-G", "-G"),
  ],
  ...Object.fromEntries(
    [
      ["-DP"],
      ["-V"],
      ["--dont-release-vrrp"],
      ["-I"],
      ["-nB"],
      ["--no_bfd"],
      ["-R"],
      ["-t"],
      ["-l"],
      ["--log-console"],
      ["--namespace=blue"],
      ["--log-detai"],
      ["-", "-D -"],
      ["-P", "-S 3 -P"],
      ["-P", "-S3 -P"],
      ["-P", "-DA /run/x -P"],
      ["-P", "--log-facility 3 -P"],
    ].map(([option = "", all = option]): [string, [Facts, string]] => [
      `keepalived with ${all}`,
      [args(all), notAllowed(option, all)],
    ]),
  ),
  "an option of keepalived's on a line of its own": [
    { keepalivedDefaults: 'DAEMON_ARGS="-D \\\n-D \\\n-V"\n' },
    notAllowed("-V", "-D  -D  -V"),
  ],
  "a unit of keepalived's that starts it otherwise": [
    { started: startedBy("-n --vrrp ${DAEMON_ARGS}") },
    notAllowed("--vrrp", "-n --vrrp ${DAEMON_ARGS}", "ExecStart of keepalived.service"),
  ],
  "a journal that keeps warnings only": [
    { journald: "[Journal]\nMaxLevelStore=info\n[Journal]\nMaxLevelStore=warning\n" },
    level("warning"),
  ],
  "kube-proxy, which takes out virtual servers": [
    { network: "ip link add kube-ipvs0 type veth peer name x" },
    "kube-proxy forwards by IPVS here (interface kube-ipvs0), and takes out the virtual servers of others; a director needs a host of its own, or kube-proxy another mode",
  ],
  "an interface that isn't there": [
    { interfaces: "lo eth1=192.0.2.11/24 lo" },
    "no interface eth1; this host has: lo ",
  ],
  "an address that isn't there": [{ interfaces: "lo=192.0.2.1/24" }, lacks("192.0.2.1/24")],
  "an address in another network": [{ interfaces: "lo=192.0.2.11/25" }, lacks("192.0.2.11/25")],
  "an interface without addresses": [
    { interfaces: "lo=192.0.2.11/24", addresses: [] },
    lacks("192.0.2.11/24", ""),
  ],
  "too little room in /usr": [{ free: { "/usr": 204799 } }, room("/usr")],
  "too little room in /var": [{ free: { "/var": 204799 } }, room("/var")],
  "too little room in /etc": [{ free: { "/etc": 0 } }, room("/etc", 0)],
  "too little memory": [{ memoryKiB: 1023999 }, tooMany(3273523), conntrack(1000, { memory: 999 })],
  "too many sessions": [
    { sessions: 3280077 },
    tooMany(3276800),
    conntrack(1001, { sessions: 3280077 }),
  ],
  "too little memory by the kernel's own figure": [
    { slabBytes: 328 },
    tooMany(3196878),
    conntrack(1025, { bytes: 328 }),
  ],
  "no ip_vs": [{ ipvs: "none" }, noIpvs],
  "rules of somebody else's at boot": [
    { ipvsadm: 'AUTO="true"\nDAEMON="none"\n' },
    ipvsadmHas("AUTO=true", "AUTO=false"),
  ],
  "sync daemons of somebody else's at boot": [
    { ipvsadm: "AUTO=false\n  DAEMON=both\n" },
    ipvsadmHas("DAEMON=both", "DAEMON=none"),
  ],
};

const said = (lines: string[]) => lines.map((line) => `preflight: ${line}\n`).join("");

test.each(Object.entries(right))("%s is fit, and nothing is changed", (_, [facts, table]) => {
  expect(look(facts)).toEqual({
    code: 0,
    stdout: "",
    stderr: said([
      table ?? conntrack(),
      `debian 12, kernel 6.1.0-18-amd64: fit to be a ${facts.role ?? "director"}`,
    ]),
    changes: [],
  });
});

test.each(Object.entries(told))("%s is fit, and is told", (_, [facts, word]) => {
  expect(look(facts)).toEqual({
    code: 0,
    stdout: "",
    stderr: said([word, conntrack(), "debian 12, kernel 6.1.0-18-amd64: fit to be a real-server"]),
    changes: [],
  });
});

test.each(Object.entries(wrong))(
  "%s is found, and nothing is changed",
  (_, [facts, finding, table = conntrack()]) => {
    expect(look(facts)).toEqual({
      code: 1,
      stdout: "",
      stderr: said([
        // Memory, keepalived and ip_vs are checked last.
        ...(/conntrack|ip_?vs|keepalived|kube/.test(finding) ? [table, finding] : [finding, table]),
        "1 found; nothing was changed on this host",
      ]),
      changes: [],
    });
  },
);

/** A host on which everything is wrong. */
const hopeless: Facts = {
  uid: 1000,
  osRelease: "ID=fedora\nVERSION_ID=40\n",
  systemd: false,
  interfaces: "eth1=192.0.2.11/24 lo=192.0.2.1/24",
  free: { "/usr": 1024, "/var": 2048, "/etc": 3072 },
  memoryKiB: 512000,
  ipvs: "none",
  ipvsadm: "AUTO=true\nDAEMON=master\n",
};

test("everything that is wrong is found at once", () => {
  expect(look(hopeless)).toEqual({
    code: 1,
    stdout: "",
    stderr: said([
      noRoot,
      system("fedora 40"),
      noSystemd,
      "no interface eth1; this host has: lo ",
      lacks("192.0.2.1/24"),
      room("/usr", 1),
      room("/var", 2),
      room("/etc", 3),
      conntrack(1000, { memory: 500 }),
      tooMany(1638400),
      noIpvs,
      ipvsadmHas("AUTO=true", "AUTO=false"),
      ipvsadmHas("DAEMON=master", "DAEMON=none"),
      "12 found; nothing was changed on this host",
    ]),
    changes: [],
  });
});

test.each(refusedSystems.map((one) => [one.title, one] as const))(
  "%s is refused for the reason that the config is told, whatever the config says",
  (_, { id, version, why }) => {
    // RHEL and most of its kin have the point release there: 9.6.
    for (const found of /^(rhel|rocky|almalinux|ol)$/.test(id)
      ? [version, `${version}.10`]
      : [version]) {
      const { code, stderr } = look({
        asked: [id, found],
        osRelease: `ID="${id}"\nVERSION_ID="${found}"\n`,
      });
      expect(code).toBe(1);
      expect(stderr).toContain(
        `preflight: this is ${id} ${found}, which the stack does not support: ${why}; ${wayOfRefused}\n`,
      );
    }
  },
);

/** What the hosts of a row say they are. */
const hostsOf = ({ id, release }: OsProfile): Facts[] =>
  (/^\d/.test(release)
    ? [`VERSION_ID="${release}"`]
    : // A release to come, and the same once it has come.
      [`VERSION_CODENAME=${release}`, `VERSION_ID=14\nVERSION_CODENAME=${release}`]
  ).map((words) => ({ asked: [id, release], osRelease: `ID=${id}\n${words}\n` }));

test.each(osNames)("%s is taken for what it is", (os) => {
  for (const facts of hostsOf(osProfiles[os])) expect(look(facts).code).toBe(0);
});

/** A system that doesn't say its name. */
const nameless: Facts = { osRelease: "VERSION_ID=12\n" };

test("no line of the script can be lost without one of these cases to show it", () => {
  const others = Object.values({ ...right, ...told, ...wrong }).map(([facts]) => facts);
  const refused = ["ubuntu 20.04", "rhel 9.6"].map((found) => {
    const [id, version] = found.split(" ");
    return { osRelease: `ID=${id}\nVERSION_ID=${version}\n` };
  });
  const codename = hostsOf(osProfiles.debian14);
  const runs = [hopeless, nameless, ...refused, ...codename, ...others].map(
    (facts) => (changed: string) => look(facts, changed),
  );
  expect(unmissedLines(readFileSync(preflight(), "utf8"), runs)).toEqual([]);
}, 600_000);
