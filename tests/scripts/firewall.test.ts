// Firewalls: rendered ones tested with Debian's own nft and ufw, and how firewall.sh brings ufw
// from one set of rules to another.
import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseFiles, renderFiles } from "../../components/render/files";
import {
  backendNames,
  renderDirectorFirewall,
  renderRealServerFirewall,
} from "../../components/firewall";
import { parseFindings } from "../../ops/verify/scripts";
import { example, exampleNames } from "../support/examples";
import { oneIn } from "../support/draws";
import { unpackPackage } from "../support/packages";
import { settingsOf, smallStack, type Stack } from "../support/stacks";
import { PretendHost } from "./host";

const small = smallStack();

/** Firewall features that no example uses, spelled in valid but longer forms. */
const more: Stack = {
  ...small,
  directors: [
    { ...small.directors[0], vrrpAddress6: "2001:DB8:0::11/64", syncAddress: "fd00::0:192.0.2.1" },
    { ...small.directors[1], vrrpAddress6: "2001:db8::0012/64", syncAddress: "fd00:0:0::2" },
  ],
  realServers: [
    { ...small.realServers[0], address6: "2001:db8::192.0.2.21" },
    { ...small.realServers[1], address6: "2001:DB8::22" },
  ],
  virtualServers: [
    { name: "diameter", address: "192.0.2.100", port: 3868, protocol: "SCTP" },
    { name: "tunnel", address: "2001:db8::100", port: 80, forwarding: "TUN" },
    { name: "behind", address: "2001:DB8::0101", port: 53, protocol: "UDP", forwarding: "NAT" },
    {
      name: "media",
      fwmark: 7,
      forwarding: "NAT",
      traffic: [
        { address: "192.0.2.101", ports: ["8000-8099", 443] },
        { address: "192.0.2.102", protocol: "UDP" },
      ],
      checks: [{ type: "tcp", port: 443 }],
    },
  ],
  tracking: {
    bfd: [
      { name: "near", neighbor: "192.0.2.1" },
      { name: "far", neighbor: { lvs1: "2001:db8::1", lvs2: "2001:DB8:0::2" } },
    ],
  },
  firewall: { allowFrom: ["10.10.0.9/32", "2001:DB8:5::/48", "2001:db8::9/128"] },
};

/**
 * Adverts and connection sync to groups of both families, from addresses that the config knows and
 * from others.
 */
const multicast: Stack = {
  ...more,
  vrrp: {
    unicast: false,
    syncDaemon: { group: "FF02::0:51" },
    instances: [
      { name: "VI_1", virtualRouterId: 51 },
      { name: "VI_2", virtualRouterId: 52, interface: "eth2" },
      { name: "VI_3", virtualRouterId: 53, interface: "eth3", vmac: {} },
      { name: "VI_4", virtualRouterId: 54, interface: "eth4", vmac: {} },
    ],
  },
  virtualServers: [
    { name: "four", address: "192.0.2.100", port: 80 },
    { name: "six", address: "2001:db8::100", port: 80, vrrpInstance: "VI_2" },
    { name: "four-vmac", address: "192.0.2.101", port: 80, vrrpInstance: "VI_3" },
    { name: "six-vmac", address: "2001:db8::101", port: 80, vrrpInstance: "VI_4" },
  ],
  kernel: { directorSysctls: { "net.ipv4.vs.sync_ports": 4 } },
};
const sixOnly: Stack = {
  ...multicast,
  directors: [
    { ...small.directors[0], vrrpAddress: "2001:db8::11/64", syncAddress: "fd00::1" },
    { ...small.directors[1], vrrpAddress: "2001:db8::12/64", syncAddress: "fd00::2" },
  ],
  vrrp: { unicast: false },
  virtualServers: [{ name: "four", address: "192.0.2.100/32", port: 80 }],
};

/**
 * So many services that sets are large, in both families, with real servers' ports that several
 * services share.
 */
const many: Stack = {
  ...more,
  virtualServers: [
    ...more.virtualServers,
    ...Array.from({ length: 1000 }, (_, i) => ({
      name: `s${i}`,
      address: i % 3 ? `192.0.2.${110 + (i % 50)}` : `2001:db8::${110 + (i % 50)}`,
      port: 1000 + i,
      protocol: i % 2 ? "TCP" : "UDP",
    })),
    ...[1, 2].map((fwmark) => ({
      name: `media${fwmark}`,
      fwmark,
      forwarding: "NAT",
      traffic: [{ address: `192.0.2.20${fwmark}`, ports: [`8000-80${fwmark}9`, 443] }],
      checks: [{ type: "tcp", port: 443 }],
    })),
  ],
};

/** The firewall files of every host, by path. */
function rendered(backend: "ufw" | "nftables"): Map<string, Set<string>> {
  const files = new Map<string, Set<string>>();
  for (const stack of [...exampleNames.map(example), more, multicast, sixOnly, many]) {
    const settings = settingsOf({
      ...stack,
      virtualServers: stack.virtualServers.filter(
        ({ protocol }) => backend === "nftables" || protocol !== "SCTP",
      ),
      firewall: { ...(stack.firewall ?? {}), backend },
    });
    for (const text of [
      ...settings.directors.map((director) => renderDirectorFirewall(settings, director)),
      ...settings.realServers.map(({ name }) => renderRealServerFirewall(settings, name)),
    ]) {
      for (const section of text.split(/^==> /m).slice(1)) {
        const [path = "", ...lines] = section.split(/ <==\n|\n/);
        files.set(path, (files.get(path) ?? new Set()).add(lines.join("\n")));
      }
    }
  }
  return files;
}

/** Runs a shell line in namespaces. $1 is a folder with an unpacked program of Debian's. */
function inNamespaces(line: string, args: string[], input = "") {
  const { stdout, stderr, error } = spawnSync(
    "unshare",
    ["--map-root-user", "--net", "--mount", "sh", "-c", line, "sh", ...args],
    { input, encoding: "utf8", timeout: 120_000 },
  );
  if (error) throw error;
  return { stdout, stderr };
}

describe.each(oneIn(2, ["bullseye", "bookworm", "forky", "trixie"]))("Debian's %s", (suite) => {
  test("nft takes every table, in place of the one before it", async () => {
    const nft = await unpackPackage(suite, "nftables");
    const tables = (["ufw", "nftables"] as const).flatMap((backend) => [
      ...(rendered(backend).get("/etc/lvs-ha/firewall.nft") ?? []),
    ]);
    expect(tables.length).toBeGreaterThan(20);
    const folder = mkdtempSync(join(tmpdir(), "lvs-ha-nft-"));
    try {
      for (const [i, table] of tables.entries()) {
        writeFileSync(join(folder, `${i}.nft`), table.replaceAll("/etc/lvs-ha/", "/tmp/"));
      }
      writeFileSync(join(folder, "ssh-clients.nft"), "ip6 saddr 2001:db8::1 tcp dport 22 accept\n");
      writeFileSync(join(folder, "wrong.nft"), "table inet lvs_ha { chain x { notrak } }\n");
      const { stdout } = inNamespaces(
        // 0.9.8 opens /dev/stdin for it.
        `mount --bind "$2" "$1/tmp" && mount --rbind /proc "$1/proc" && mount --rbind /dev "$1/dev"
        printf 'table inet lvs_ha_check { chain ssh { %s; }; }\\n' "$(cat "$2/ssh-clients.nft")" | chroot "$1" /usr/sbin/nft -c -f - || exit
        for table in "$2"/[0-9w]*.nft; do
            for how in "-c -f" -f; do
                said=$(chroot "$1" /usr/sbin/nft $how "/tmp/\${table##*/}" 2>&1) || { echo "$said"; cat "$table"; break; }
            done
        done`,
        [nft, folder],
      );
      expect(stdout).toMatch(/^\/tmp\/wrong\.nft:1:.*Error/);
    } finally {
      rmSync(folder, { recursive: true });
    }
  }, 300_000);

  test("a director that forwards real servers' answers is no router between its networks", async () => {
    const nft = await unpackPackage(suite, "nftables");
    const settings = settingsOf({
      ...small,
      virtualServers: [{ name: "web", address: "192.0.2.100", port: 80, forwarding: "NAT" }],
      firewall: { backend: "nftables", allowFrom: ["10.9.0.0/24"] },
    });
    const [director] = settings.directors;
    if (!director) throw new Error("no director");
    const table = parseFiles(renderDirectorFirewall(settings, director)).get(
      "/etc/lvs-ha/firewall.nft",
    );
    const folder = mkdtempSync(join(tmpdir(), "lvs-ha-nft-"));
    try {
      writeFileSync(join(folder, "firewall.nft"), table?.replaceAll("/etc/lvs-ha/", "/tmp/") ?? "");
      writeFileSync(join(folder, "ssh-clients.nft"), "");
      // A client (198.51.100.9), the director, and web1 (192.0.2.21), which answers on port 5432
      // although no service uses that.
      const { stdout, stderr } = inNamespaces(
        `mount --bind "$2" "$1/tmp"
        sysctl -q -w net.ipv4.ip_forward=1
        pids=
        for one in "client 198.51.100.9 198.51.100.1" "web1 192.0.2.21 192.0.2.11"; do
            set -- "$1" "$2" $one
            unshare --net sleep 60 >/dev/null 2>&1 &
            pids="$pids $!"
            until [ "$(readlink /proc/$!/ns/net)" != "$(readlink /proc/self/ns/net)" ]; do :; done
            ip link add $3 type veth peer name eth0 netns $!
            ip addr add $5/24 dev $3
            ip link set $3 up
            nsenter --net --target $! sh -c "ip addr add $4/24 dev eth0; ip link set eth0 up; ip route add default via $5"
            [ $3 = web1 ] || client=$!
        done
        nsenter --net --target $! node -e 'require("net").createServer((s) => s.end("in")).listen(5432, () => require("fs").writeFileSync(process.argv[1], ""))' "$2/up" >/dev/null 2>&1 &
        pids="$pids $!"
        until [ -e "$2/up" ]; do sleep 0.05; done
        ask() {
            nsenter --net --target $client node -e 'const s = require("net").connect({ host: "192.0.2.21", port: 5432 }); const end = (what) => { console.log(String(what)); process.exit(); }; s.setTimeout(1500, () => end("silence")); s.on("data", end)'
        }
        ask
        chroot "$1" /usr/sbin/nft -f /tmp/firewall.nft
        ask
        kill $pids`,
        [nft, folder],
      );
      expect([stdout, stderr]).toEqual(["in\nsilence\n", ""]);
    } finally {
      rmSync(folder, { recursive: true });
    }
  }, 300_000);

  test("ufw shows every rule in the words that made it, and takes those that delete it", async () => {
    const ufw = await unpackPackage(suite, "ufw");
    const rules = [
      ...new Set(
        [...(rendered("ufw").get("ufw") ?? [])].flatMap((text) => text.trim().split("\n")),
      ),
      // Those of directors, which can't have ufw there.
    ].filter((rule) => suite !== "bullseye" || !rule.endsWith(" proto vrrp"));
    expect(rules.filter((rule) => rule.startsWith("route "))).not.toEqual([]);
    const { stdout, stderr } = inNamespaces(
      `mount --rbind /proc "$1/proc" && mount --rbind /dev "$1/dev" && exec chroot "$1" /usr/bin/python3 -c "$2"`,
      [ufw, readFileSync(join(__dirname, "ufw.py"), "utf8")],
      rules.map((rule) => `${rule}\n`).join(""),
    );
    const shown = stdout.trimEnd().split("\n");
    expect([stderr, rules[shown.length]]).toEqual(["", undefined]);
    expect(shown).toEqual(rules);
  }, 300_000);
});

describe("nftables on a host", () => {
  let host: PretendHost;

  beforeEach(() => {
    host = new PretendHost();
  });

  afterEach(() => {
    host.remove();
  });

  const table = "/etc/lvs-ha/firewall.nft";
  const apply = (connection: string, lines = ["table inet lvs_ha {}"]) =>
    host.script(
      "firewall.sh",
      ["apply", "lvs1/10.10.0.11", "nftables", connection],
      renderFiles({ [table]: lines }),
    );
  const clients = () => host.read("/etc/lvs-ha/ssh-clients.nft");

  test("lets every operator's address in, once, a link-local one without its interface", () => {
    for (const client of ["203.0.113.9", "fe80::1%eth0", "203.0.113.9"]) {
      const { code, stderr } = apply(`${client} 40000 10.10.0.11 22`);
      expect([code, code === 0 ? "" : stderr]).toEqual([0, ""]);
    }
    expect(clients()).toBe(
      "ip saddr 203.0.113.9 tcp dport 22 accept\nip6 saddr fe80::1 tcp dport 22 accept\n",
    );
    expect(host.read("/tmp/checked")).toContain("{ ip6 saddr fe80::1 tcp dport 22 accept; }");
  });

  test.each([
    ["203.0.113.9", ["10.0.0.0/8"], true],
    ["203.0.113.9", [], true],
    ["203.0.113.9", ["10.0.0.0/8", "203.0.113.8/29"], false],
    ["203.0.113.9", ["203.0.113.9"], false],
    ["203.0.113.9", ["2001:db8::/32"], true],
    ["2001:db8:5::9", ["10.0.0.0/8", "2001:db8:4::/47"], false],
    ["2001:db8:6::9", ["10.0.0.0/8", "2001:db8:4::/47"], true],
  ])(
    "tells an operator at %s, with %j let in to log in, that nobody has written it down: %s",
    (client, logins, told) => {
      const { code, stderr } = host.script(
        "firewall.sh",
        ["apply", "lvs1/10.10.0.11", "nftables", `${client} 40000 10.10.0.11 22`],
        renderFiles({ [table]: ["table inet lvs_ha {}"], logins }),
      );
      expect(code).toBe(0);
      const word = `firewall: ${client}, where this change comes from, is in neither firewall.sshFrom nor`;
      expect(stderr.includes(word)).toBe(told);
    },
  );

  test("keeps no address that nft can't read: it would fail every later run", () => {
    const { code, stderr } = apply("UNKNOWN 65535 UNKNOWN 65535");
    expect(code).toBe(1);
    expect(stderr).toContain("nft refuses the SSH client's address");
    expect([clients(), apply("203.0.113.9 40000 10.10.0.11 22").code]).toEqual(["", 0]);
  });

  test("keeps the table that it had, for the next boot too, when a new one can't be loaded", () => {
    const failing = (lines: string[]) => {
      host.write("/tmp/broken", "");
      const { code, stderr } = apply("203.0.113.9 40000 10.10.0.11 22", lines);
      expect([code, stderr]).toEqual([
        1,
        expect.stringContaining("put back what was there before"),
      ]);
    };
    failing(["table inet lvs_ha {}"]);
    expect(host.read(table)).toBeUndefined();
    expect(apply("203.0.113.9 40000 10.10.0.11 22").code).toBe(0);
    failing(["table inet lvs_ha { chain new {} }"]);
    expect(host.read(table)).toBe("table inet lvs_ha {}\n");
  });

  test("is checked before the back end from before is undone", () => {
    host.write("/var/lib/lvs-ha/ufw-was", "inactive\n");
    expect(apply("", ["saddr UNKNOWN"]).code).toBe(1);
    expect(host.read("/tmp/asked")).toBeUndefined();
  });
});

describe("ufw on a host", () => {
  const owner = "lvs1/10.10.0.11";
  const operator = "203.0.113.9 40000 10.10.0.11 22";
  let host: PretendHost;

  beforeEach(() => {
    host = new PretendHost();
  });

  afterEach(() => {
    host.remove();
  });

  const apply = (...rules: string[]) => {
    const result = host.script(
      "firewall.sh",
      ["apply", owner, "ufw", operator],
      renderFiles({ ufw: rules }),
    );
    expect([result.code, result.code === 0 ? "" : result.stderr]).toEqual([0, ""]);
  };
  const added = () => host.read("/ufw/added")?.trimEnd().split("\n");

  test("gets the rules that it lacks and loses those that nobody asks for, to this host and past it, of IPv4 and IPv6", () => {
    const [kept, gone, forwarded, forwarded6] = [
      "allow to 2001:db8::100 port 80 proto tcp",
      "allow in on eth1 from 192.0.2.12 proto vrrp",
      "route allow from 192.0.2.21 port 80 proto tcp",
      "route allow from 2001:db8::21 port 80 proto tcp",
    ] as const;
    apply(kept, gone, forwarded, forwarded6);
    expect(added()).toEqual([
      "ufw allow from 203.0.113.9 to any port 22 proto tcp comment 'lvs-ha operator'",
      ...[kept, gone, forwarded, forwarded6].map((rule) => `ufw ${rule} comment 'lvs-ha'`),
    ]);
    apply(kept, forwarded);
    expect(added()?.slice(1)).toEqual(
      [kept, forwarded].map((rule) => `ufw ${rule} comment 'lvs-ha'`),
    );
    expect(host.script("firewall.sh", ["undo", owner]).code).toBe(0);
    expect(host.read("/ufw/added")).toBe("");
    expect(host.read("/ufw/active")).toBeUndefined();
  });

  test("lets the operator in before it is enabled", () => {
    apply("allow from 10.0.0.0/8");
    const asked = host.read("/tmp/asked")?.split("\n") ?? [];
    const admits = asked.findIndex((words) => words.startsWith("allow from 203.0.113.9 "));
    expect(admits).toBeGreaterThan(-1);
    expect(asked.indexOf("--force enable")).toBeGreaterThan(admits);
  });

  /** The operator's rules before the stack. */
  const has = (...rules: string[]) => {
    host.write("/ufw/added", rules.map((rule) => `ufw ${rule}\n`).join(""));
  };
  const asRoot = (line: string) =>
    host.shell(line.replaceAll("firewall.sh", `${host.scripts}/firewall.sh`));
  /** Runs undo as sudo does: only the parent process has sshd's variables in its environment. */
  const undo = (connection = operator) =>
    asRoot(
      `env SSH_CONNECTION='${connection}' sh -c 'env -u SSH_CONNECTION firewall.sh undo ${owner}; exit $?'`,
    );
  const wanted = "allow to 192.0.2.100 port 80 proto tcp";
  const admits = "allow from 203.0.113.9 to any port 22 proto tcp";

  test.each([
    ["without a word", wanted, admits],
    ["with words of theirs", `${wanted} comment 'mine'`, `${admits} comment 'office'`],
    ["with a log", wanted.replace("allow", "allow log"), admits.replace("allow", "allow log-all")],
    ["with a limit to logins", wanted, admits.replace("allow", "limit")],
  ])("leaves an operator's own rule theirs, %s, to the end and after it", (_, ...own) => {
    has(...own, "allow from 10.0.0.0/8");
    const before = host.read("/ufw/added");
    apply("allow from 10.0.0.0/8", wanted);
    expect(host.read("/ufw/added")).toBe(before);
    apply("allow from 10.9.0.0/16", wanted);
    apply("allow from 10.0.0.0/8");
    expect(host.read("/ufw/added")).toBe(before);
    expect(undo()).toMatchObject({ code: 0 });
    expect(host.read("/ufw/added")).toBe(before);
  });

  const several = "allow to 192.0.2.101 port 443,8000:8099 proto tcp";

  test("leaves an operator's rule for other ports of the same place alone", () => {
    const own = [
      "deny to 192.0.2.101 port 22,8100 proto tcp",
      "deny to 192.0.2.101 port 443 proto udp",
      "allow to 192.0.2.101 port 443 proto tcp",
      "limit from 203.0.113.9 to any port 22,2222 proto tcp",
    ];
    has(...own);
    apply(several);
    expect(added()?.slice(0, own.length)).toEqual(own.map((rule) => `ufw ${rule}`));
    expect(added()).toContain(`ufw ${several} comment 'lvs-ha'`);
  });

  test.each([
    ["deny", "deny to 192.0.2.100 port 80 proto tcp"],
    ["limit", "limit to 192.0.2.100 port 80 proto tcp comment 'mine'"],
    ["reject, logged", "reject log to 192.0.2.100 port 80 proto tcp"],
    ["deny of what is forwarded", "route deny from 192.0.2.21 port 80 proto tcp"],
    ["deny of the login", "deny from 203.0.113.9 to any port 22 proto tcp"],
    ["deny of one port of several", "deny to 192.0.2.101 port 443 proto tcp"],
    ["deny of ports of which one is in a range", "deny to 192.0.2.101 port 90,8050:9000 proto tcp"],
    ["deny of the login and more", "deny from 203.0.113.9 to any port 21:23 proto tcp"],
  ])("refuses to turn an operator's own rule into its opposite: %s", (_, own) => {
    has("allow from 198.51.100.1", own);
    const { code, stderr } = host.script(
      "firewall.sh",
      ["apply", owner, "ufw", operator],
      renderFiles({
        ufw: [
          "allow from 10.0.0.0/8",
          wanted,
          several,
          "route allow from 192.0.2.21 port 80 proto tcp",
        ],
        "/etc/lvs-ha/firewall.nft": ["table inet lvs_ha {}"],
      }),
    );
    const named = own.replace(/ comment .*/, "");
    expect([code, stderr]).toEqual([
      1,
      expect.stringContaining(`which has '${named}' of your own`),
    ]);
    expect(host.read("/tmp/asked")).toBe("show added\n");
    expect([host.read("/ufw/active"), host.read("/nft/lvs_ha")]).toEqual([undefined, undefined]);
  });

  test("is not switched on with a rule of the operator's before ours that shuts them out", () => {
    has("deny 22/tcp");
    const { code, stderr } = host.script(
      "firewall.sh",
      ["apply", owner, "ufw", operator],
      renderFiles({ ufw: [wanted] }),
    );
    expect([code, stderr]).toEqual([
      1,
      expect.stringContaining("ufw would not let 203.0.113.9 in on port 22"),
    ]);
    expect(added()).toEqual(["ufw deny 22/tcp"]);
    expect(host.read("/ufw/active")).toBeUndefined();
  });

  describe("that was on before the stack, and stays so,", () => {
    const six = "2001:db8:1::9 40000 2001:db8:2::11 22";
    const cases: [string, string, string[]][] = [
      ["", operator, ["allow from 203.0.113.0/24"]],
      ["", operator, ["allow 22/tcp"]],
      ["", operator, ["limit 22"]],
      ["", operator, ["allow 80,20:30/tcp comment 'x'"]],
      ["", operator, ["allow OpenSSH"]],
      ["", operator, ["allow 'My Shell' comment 'it'\\''s'"]],
      ["", operator, ["allow from any to any app 'My Shell'"]],
      [
        "",
        operator,
        ["deny from 198.51.100.0/24", "allow in on eth1 from 203.0.113.8/31 to 10.10.0.11 port 22"],
      ],
      ["", six, ["allow from 2001:db8:1::/48 to any port 22 proto tcp"]],
      ["", six, ["deny from 203.0.113.9", "allow in on eth1"]],
      ["", operator, ["deny from any port 137", "deny 22/udp", "reject 80", "limit 22/tcp"]],
      ["not ", operator, []],
      ["not ", operator, ["allow 80/tcp", "allow 22/udp", "allow out 22"]],
      ["not ", operator, ["deny from 203.0.113.0/25", "allow 22"]],
      ["not ", operator, ["allow from 203.0.113.128/25", "allow from 203.0.114.0/23"]],
      ["not ", operator, ["allow in on eth2 to any port 22", "route allow from 203.0.113.9"]],
      ["not ", operator, ["allow to 10.10.0.12 port 22", "allow from any port 22"]],
      ["not ", operator, ["allow from 203.0.113.9 to any port 22 proto udp"]],
      ["not ", six, ["allow from 2001:db8::/48", "allow from 0.0.0.0/0 to any port 22"]],
      ["", "UNKNOWN 65535 UNKNOWN 65535", ["allow from any to any port 65535"]],
    ];

    beforeEach(() => {
      host.write("/ufw/active", "");
      host.write("/etc/ufw/applications.d/openssh", "[OpenSSH]\ntitle=x\nports=22/tcp\n");
      host.write(
        "/etc/ufw/applications.d/mine",
        "[My Shell]\nports=1/udp|21:22/tcp\n[X]\nports=7\n",
      );
      // The addresses of a separate namespace.
      host.program("ip", [
        "echo '2: eth1    inet 10.10.0.11/24 scope global eth1'",
        "echo '2: eth1    inet6 2001:db8:2::11/64 scope global'",
        "echo '3: eth2    inet 10.20.0.11/24 scope global eth2'",
      ]);
    });

    test.each(cases)("would %slet in %s with %j", (not, connection, rules) => {
      has(...rules);
      const before = host.read("/ufw/added");
      host.write("/var/lib/lvs-ha/ufw-was", "active\n");
      const ours = ["allow from any to any port 22", "allow from 192.0.2.1"];
      const marked = ours.map((rule) => `ufw ${rule} comment 'lvs-ha'\n`).join("");
      host.write("/ufw/added", `ufw ${admits} comment 'lvs-ha operator'\n${before}${marked}`);
      const all = host.read("/ufw/added");
      const { code, stderr } = undo(connection);
      if (not === "") {
        expect([code, stderr]).toEqual([0, expect.stringContaining("ufw delete")]);
        expect(host.read("/ufw/added")).toBe(before);
      } else {
        const [client = ""] = connection.split(" ");
        expect([code, stderr]).toEqual([
          1,
          expect.stringContaining(`no rule of your own lets ${client} in on port 22`),
        ]);
        expect(host.read("/ufw/added")).toBe(all);
        // The command in the message is sufficient.
        const [, command = ""] = /run this again: ufw (.*)/.exec(stderr) ?? [];
        asRoot(`ufw ${command}`);
        expect(undo(connection)).toMatchObject({ code: 0 });
        expect(added()).toContain(`ufw ${command}`);
        expect(host.read("/ufw/added")).not.toContain("'lvs-ha");
      }
    });

    test("stays as it is when another back end is to come, if that would shut its client out", () => {
      apply(wanted);
      const before = [host.read("/ufw/added"), host.read("/nft/lvs_ha")];
      const to = (backend: string) =>
        host.script(
          "firewall.sh",
          ["apply", owner, backend, operator],
          renderFiles({ "/etc/lvs-ha/firewall.nft": ["table inet lvs_ha {}"] }),
        );
      for (const backend of ["nftables", "none"]) {
        expect(to(backend)).toMatchObject({
          code: 1,
          stderr: expect.stringContaining("you would be locked out") as string,
        });
        expect([host.read("/ufw/added"), host.read("/nft/lvs_ha")]).toEqual(before);
      }
      asRoot("ufw allow 22/tcp comment mine");
      expect(to("nftables")).toMatchObject({ code: 0 });
      expect(added()).toEqual(["ufw allow 22/tcp comment 'mine'"]);
    });

    test("lets its rules go where nobody came by SSH, or where all may come in", () => {
      apply(wanted);
      expect(asRoot(`firewall.sh undo ${owner}`).code).toBe(0);
      apply(wanted);
      host.write("/etc/default/ufw", 'DEFAULT_INPUT_POLICY="ACCEPT"\n');
      expect(undo().code).toBe(0);
      expect(host.read("/ufw/added")).toBe("");
    });
  });

  test("is an error where it takes a rule and doesn't show it: the next run would add it again", () => {
    host.program("ufw", [
      'case $* in "allow from 192.0.2.99 "*) exit 0 ;; esac',
      'exec "$FOLDER/stand-ins/ufw" "$@"',
    ]);
    const rules = renderFiles({ ufw: ["allow from 10.0.0.0/8", "allow from 192.0.2.99"] });
    const { code, stderr } = host.script("firewall.sh", ["apply", owner, "ufw", operator], rules);
    expect([code, stderr]).toEqual([
      1,
      expect.stringContaining("ufw took the rule 'allow from 192.0.2.99' but doesn't show it"),
    ]);
  });
});

describe("the host's own firewall", () => {
  const owner = "lvs1/10.10.0.11";
  const table = "/etc/lvs-ha/firewall.nft";
  const rule = "allow to 192.0.2.100 port 80 proto tcp";
  const marked = `ufw ${rule} comment 'lvs-ha'`;
  let host: PretendHost;

  beforeEach(() => {
    host = new PretendHost();
    host.program("ip", []);
  });

  afterEach(() => {
    host.remove();
  });

  const input = (logins = ["203.0.113.0/24"], needed = "untracked tcp to 192.0.2.100 dport 80") =>
    renderFiles({
      needed: [needed],
      logins,
      ufw: [...logins.map((from) => `allow from ${from}`), rule],
      [table]: ["table inet lvs_ha { chain untracked { } }"],
    });
  const run = (verb: string, backend: string, text = input()) =>
    host.script("firewall.sh", [verb, owner, backend, "203.0.113.9 40000 10.10.0.11 22"], text);
  const apply = (backend: string, text?: string) => {
    const { code, stderr } = run("apply", backend, text);
    expect([code, code === 0 ? "" : stderr]).toEqual([0, ""]);
    return stderr;
  };
  const isOn = () => host.read("/ufw/active") !== undefined;
  const switchOn = () => {
    host.write("/ufw/active", "");
    host.write("/ufw/added", "ufw allow 22/tcp\n");
  };
  const switchOff = () => {
    host.shell("rm $FOLDER/ufw/active");
  };
  const added = () => host.read("/ufw/added")?.trimEnd().split("\n");
  /** What `verify` finds that isn't as the stack says, or is worth knowing, of what somebody may switch on or off. */
  const found = (backend: string) =>
    parseFindings(run("verify", backend).stdout).filter(
      ({ verdict, title }) => verdict !== "same" && title === "ufw",
    );

  test("that is off stays off, and is told nothing; IPVS has its table", () => {
    expect(apply("auto")).toContain("ufw is not on here: no firewall of this host is changed");
    expect([isOn(), host.read("/ufw/added")]).toEqual([false, ""]);
    expect(host.read("/tmp/asked")).toBe("status\n");
    expect(host.read("/nft/lvs_ha")).toContain("chain untracked");
    expect(found("auto")).toEqual([]);
  });

  test("an ufw that is on lets in what the stack needs, beside the table, and has its own rules alone afterwards", () => {
    switchOn();
    expect(apply("auto")).toContain("ufw is on here");
    expect([isOn(), added()]).toEqual([true, expect.arrayContaining(["ufw allow 22/tcp", marked])]);
    expect(host.read("/nft/lvs_ha")).toContain("chain untracked");
    expect(found("auto")).toEqual([]);
    expect(host.script("firewall.sh", ["undo", owner]).code).toBe(0);
    expect([isOn(), added(), host.read("/nft/lvs_ha")]).toEqual([
      true,
      ["ufw allow 22/tcp"],
      undefined,
    ]);
  });

  test("an ufw that somebody switches on later is found to lack what the stack needs, and has it after the next run", () => {
    apply("auto");
    switchOn();
    expect(found("auto")).toMatchObject([
      { title: "ufw", verdict: "differs", wanted: expect.stringContaining(rule) as string },
    ]);
    apply("auto");
    expect(added()).toContain(marked);
    expect(found("auto")).toEqual([]);
    expect(host.script("firewall.sh", ["undo", owner]).code).toBe(0);
    expect([isOn(), added()]).toEqual([true, ["ufw allow 22/tcp"]]);
  });

  test("an ufw that somebody switches off later is no difference, and loses the stack's rules with the next run", () => {
    switchOn();
    apply("auto");
    switchOff();
    expect(found("auto")).toMatchObject([{ verdict: "note", title: "ufw" }]);
    apply("auto");
    expect([isOn(), added(), found("auto")]).toEqual([false, ["ufw allow 22/tcp"], []]);
  });

  test("an ufw that the stack has switched on by its name stays on, and goes off with the stack", () => {
    apply("auto");
    apply("ufw");
    expect(isOn()).toBe(true);
    apply("auto");
    expect([isOn(), added()]).toEqual([true, expect.arrayContaining([marked])]);
    expect(host.script("firewall.sh", ["undo", owner]).code).toBe(0);
    expect([isOn(), host.read("/ufw/added")]).toEqual([false, ""]);
  });

  test.each([true, false])("goes for nftables, and comes back (ufw that was on: %s)", (was) => {
    if (was) switchOn();
    apply("auto");
    const before = added();
    apply("nftables");
    expect(host.read("/ufw/added")).not.toContain("lvs-ha");
    apply("auto");
    expect([isOn(), added()?.sort()]).toEqual([was, before?.sort()]);
  });

  test("an ufw that is gone with its package keeps no run from going on", () => {
    switchOn();
    apply("auto");
    host.shell("rm $FOLDER/stand-ins/ufw $FOLDER/ufw/active");
    apply("auto");
    expect(found("auto")).toEqual([]);
    expect(host.read("/var/lib/lvs-ha/ufw-was")).toBeUndefined();
    expect(host.script("firewall.sh", ["undo", owner]).code).toBe(0);
  });

  test("an ufw that is on is refused where it has no word for what the stack needs", () => {
    const sctp = input([], "untracked sctp to 192.0.2.100 dport 3868");
    apply("auto", sctp);
    switchOn();
    const { code, stderr } = run("apply", "auto", sctp);
    expect([code, stderr]).toEqual([
      1,
      expect.stringContaining(
        "has no word for what the stack needs: untracked sctp to 192.0.2.100 dport 3868",
      ),
    ]);
    expect(added()).toEqual(["ufw allow 22/tcp"]);
  });

  test("that can't be asked is taken for neither on nor off", () => {
    host.program("ufw", ["exit 1"]);
    expect(run("apply", "auto")).toMatchObject({
      code: 1,
      stderr: expect.stringContaining("ufw does not tell whether it is active") as string,
    });
    expect(host.read("/var/lib/lvs-ha/owners/firewall.sh")).toBeUndefined();
    expect(found("auto")).toMatchObject([{ verdict: "unknown" }]);
  });

  test("an ufw that is on lets in fewer only where somebody can log in anew", () => {
    host.sleeps(1);
    switchOn();
    apply("auto");
    host.write("/tmp/nobody-logs-in", "");
    const { code, stderr } = run("apply", "auto", input([]));
    expect([code, stderr]).toEqual([1, expect.stringContaining("nobody could log in anew")]);
    expect(added()).toContain("ufw allow from 203.0.113.0/24 comment 'lvs-ha'");
  });
});

describe("firewall.sh on a host without a firewall", () => {
  let host: PretendHost;
  beforeEach(() => {
    host = new PretendHost();
  });
  afterEach(() => {
    host.remove();
  });
  const apply = (backend: string) =>
    host.script(
      "firewall.sh",
      ["apply", "lvs1/10.10.0.11", backend, "203.0.113.9 40000 10.10.0.11 22"],
      renderFiles({ [backend]: [] }),
    );

  test.each(backendNames)("knows the back end %s", (backend) => {
    expect(apply(backend)).toMatchObject({ code: 0 });
  });

  test("refuses a back end that it doesn't know, and changes nothing", () => {
    const { code, stderr } = apply("other");
    expect([code, stderr]).toEqual([
      1,
      expect.stringContaining("there is no back end other; nothing was changed"),
    ]);
    expect(host.read("/var/lib/lvs-ha/owners/firewall.sh")).toBeUndefined();
  });
});
