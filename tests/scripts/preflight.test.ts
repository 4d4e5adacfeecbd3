// The preflight: what it finds wrong with a host, each just beside what is right, and that it only looks.
import { mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { unmissedLines } from "./everyLine";
import { PretendHost } from "./host";
import { differences, hostTree } from "./hostTree";

interface Facts {
  /** The text of /etc/os-release; none where it is empty. */
  osRelease?: string;
  systemd?: boolean;
  uid?: number;
  /** Of lo, which is the only interface. */
  addresses?: string[];
  /** KiB free, by folder. */
  free?: Record<string, number>;
  memoryKiB?: number;
  /** What a conntrack entry takes, where the kernel tells it. */
  slabBytes?: number;
  /** The module ip_vs. */
  ipvs?: "module" | "built in" | "none";
  /** /etc/default/ipvsadm, of the package's own service. */
  ipvsadm?: string;
  role?: "director" | "real-server";
  sessions?: number;
  interfaces?: string;
}

/** Fit, by nothing to spare: 3276800 sessions of 320 B are 1000 MiB. */
const fit = {
  osRelease: 'NAME="Debian GNU/Linux"\nVERSION_ID="12"\nID=debian\n',
  systemd: true,
  uid: 0,
  addresses: ["192.0.2.11/24", "2001:db8::11/64"],
  free: { "/usr": 204800, "/var": 204800, "/etc": 204800 },
  memoryKiB: 1024000,
  ipvs: "module",
  role: "director",
  sessions: 3276800,
  interfaces: "lo=192.0.2.11/24 lo=2001:db8::11/64 lo",
} satisfies Facts;

let host: PretendHost;
const preflight = () => join(host.scripts, "preflight.sh");

beforeAll(() => {
  host = new PretendHost();
  // mount(8) makes it.
  mkdirSync(host.at("/run/mount"));
  host.program("id", ['[ "$*" = -u ] && cat "$FOLDER/uid"']);
  host.program("df", ['[ "$1" = -Pk ] && cat "$FOLDER/free$2"']);
  host.program("uname", ['[ "$*" = -r ] && echo 6.1.0-18-amd64']);
  // modprobe -n loads nothing.
  host.program("modprobe", [
    '[ "$*" = "-n -q ip_vs" ] || echo "$*" >>"$FOLDER/loaded"',
    '[ -e "$FOLDER/module" ]',
  ]);
});

afterAll(() => {
  host.remove();
});

/** What it says of a host, and how it ends. */
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
      `for address in $1; do ip addr add $address dev lo; done
      mount --bind "$FOLDER/proc" /proc; shift; exec "$@"`,
      [
        facts.addresses.join(" "),
        ...[
          preflight(),
          facts.role,
          "debian",
          "12",
          String(facts.sessions),
          facts.interfaces,
          "curl",
        ],
      ],
    );
    return { ...result, changes: differences(before, hostTree(host, { times: true })) };
  } finally {
    writeFileSync(preflight(), script);
  }
}

/** What is said in any case, of a host with 1000 MiB if nothing else is told. */
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

/** What is right, though only just: what it is of the host, and what it says of the conntrack table. */
const right: Record<string, [Facts, conntrack?: string]> = {
  "a director": [{}],
  "a real server, which needs no ip_vs": [{ role: "real-server", ipvs: "none" }],
  "a director whose kernel has ip_vs built in": [{ ipvs: "built in" }],
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

/** What is wrong, as little as it can be. */
const wrong: Record<string, [Facts, finding: string, conntrack?: string]> = {
  "another user": [{ uid: 1 }, noRoot],
  "another system": [{ osRelease: "ID=ubuntu\nVERSION_ID=12\n" }, system("ubuntu 12")],
  "another version": [{ osRelease: "ID=debian\nVERSION_ID=12.1\n" }, system("debian 12.1")],
  "a system without a version": [{ osRelease: "ID=debian\n" }, system("debian ")],
  "no systemd": [{ systemd: false }, noSystemd],
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

test.each(Object.entries(wrong))(
  "%s is found, and nothing is changed",
  (_, [facts, finding, table = conntrack()]) => {
    expect(look(facts)).toEqual({
      code: 1,
      stdout: "",
      stderr: said([
        // Memory and IPVS are looked at last.
        ...(/conntrack|ip_?vs/.test(finding) ? [table, finding] : [finding, table]),
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

const nameless: Facts = { osRelease: "" };

test("a system that doesn't say what it is ends the look", () => {
  const { code, stderr, changes } = look(nameless);
  expect([code === 0, stderr, changes]).toEqual([
    false,
    expect.stringContaining("/etc/os-release"),
    [],
  ]);
});

test("no line of the script can be lost without one of these cases to show it", () => {
  const others = Object.values({ ...right, ...wrong }).map(([facts]) => facts);
  const runs = [hopeless, nameless, ...others].map(
    (facts) => (changed: string) => look(facts, changed),
  );
  expect(unmissedLines(readFileSync(preflight(), "utf8"), runs)).toEqual([]);
}, 120_000);
