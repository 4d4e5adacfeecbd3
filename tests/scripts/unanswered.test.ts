// A program that fails has not answered: no host script may take that for an empty answer.
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { withEnd } from "../../components/render/files";
import { conf, files, owner, table } from "./keepalivedHost";
import { PretendHost } from "./host";

let host: PretendHost;

beforeEach(() => {
  host = new PretendHost();
  host.sleeps(10);
  host.write("/journal", "Starting Healthcheck child process, pid=9\n");
});

afterEach(() => {
  host.remove();
});

/** A director that serves, with another real server beside the one of its config. */
function director(): void {
  const other = table[1]?.replace(".21:80 -g", ".22:80 -g") ?? "";
  host.write("/etc/keepalived/keepalived.conf", conf({ id: "first" }).join("\n"));
  host.write("/ipvs/table", `${[...table, other].join("\n")}\n`);
  host.write("/systemd/active/keepalived.service", "active\n");
}

/** A real server's two addresses, one of them the operator's. */
function realServer(): void {
  host.program("udevadm", []);
  host.program("modprobe", []);
  host.write("/var/lib/lvs-ha/virtual-addresses-brought", "");
}

function ufw(): void {
  host.write("/ufw/active", "");
  host.write("/ufw/added", "ufw allow 22/tcp comment 'mine'\n");
}

interface Case {
  what: string;
  around: () => void;
  /** The failing program, and its arguments as a shell pattern. */
  fails: [program: string, words: string];
  run: [script: string, ...args: string[]];
  input?: string;
  /** Files that must not change. */
  stays: string[];
}

const rules = withEnd("==> ufw <==\nallow from 192.0.2.0/24\n");
const operator = "203.0.113.9 40000 10.10.0.11 22";
const cases: Case[] = [
  {
    what: "a real server is not taken for one that is in no pool, nor for one that is drained",
    around: director,
    fails: ["ipvsadm", "-Ln* | -Sn*"],
    run: ["drain.sh", "drain", "30", "192.0.2.21"],
    stays: ["/ipvs/table"],
  },
  {
    what: "connections that can't be counted are not taken for ended",
    around: director,
    fails: ["ipvsadm", "-Ln"],
    run: ["drain.sh", "drain", "30", "192.0.2.21"],
    stays: [],
  },
  {
    what: "a director whose addresses can't be asked for is not taken for one without any",
    around: director,
    fails: ["ip", "*addr*"],
    run: ["drain.sh", "drain", "30", "192.0.2.21"],
    stays: [],
  },
  {
    what: "connections that can't be counted are not taken for none, by deletion protection",
    around: director,
    fails: ["ipvsadm", "-Ln"],
    run: ["protect.sh", "look"],
    input: withEnd(""),
    stays: [],
  },
  {
    what: "nor where a director is asked whether it serves",
    around: director,
    fails: ["ipvsadm", "-Ln"],
    run: ["protect.sh", "serves", "lvs1"],
    stays: [],
  },
  {
    what: "a table that can't be read is not filled anew",
    around: director,
    fails: ["ipvsadm", "-Ln* | -Sn*"],
    run: ["keepalived.sh", "apply", owner],
    input: withEnd(files({ id: "first" })),
    stays: ["/ipvs/table", "/etc/keepalived/keepalived.conf"],
  },
  {
    what: "a log whose end can't be found is not read from its beginning for the proof",
    around: director,
    fails: ["journalctl", "*--show-cursor*"],
    run: ["keepalived.sh", "apply", owner],
    input: withEnd(files({ id: "second" })),
    stays: ["/etc/keepalived/keepalived.conf"],
  },
  {
    what: "an ufw that can't be asked is not taken for one that is off",
    around: ufw,
    fails: ["ufw", "status*"],
    run: ["firewall.sh", "apply", owner, "ufw", operator],
    input: rules,
    stays: ["/var/lib/lvs-ha/ufw-was", "/ufw/added"],
  },
  {
    what: "an ufw whose rules can't be read is not taken for one without any",
    around: ufw,
    fails: ["ufw", "'show added'"],
    run: ["firewall.sh", "apply", owner, "ufw", operator],
    input: rules,
    stays: ["/var/lib/lvs-ha/ufw-was", "/ufw/added"],
  },
  {
    what: "a package whose hold can't be asked for is not taken for one that nobody holds",
    around: () => {
      host.program("dpkg-query", ["echo 1:2.2.7-1"]);
      const lines = ["#!/bin/sh", ': >"$FOLDER/var/held"', ""];
      host.write("/stand-ins/apt-mark", lines.join("\n"), 0o755);
    },
    fails: ["apt-mark", "showhold*"],
    run: ["version.sh", "apply", owner, "1:2.2.7-1"],
    input: withEnd(""),
    stays: ["/var/lib/lvs-ha/keepalived-held", "/var/held"],
  },
  {
    what: "an address that can't be asked for is not taken for one that the stack brings",
    around: realServer,
    fails: ["ip", "*addr*show*"],
    run: ["vip.sh", "up"],
    stays: ["/var/lib/lvs-ha/virtual-addresses-brought"],
  },
];

test.each(cases)("$what", ({ around, fails: [program, words], run, input, stays }) => {
  around();
  host.write("/etc/lvs-ha/virtual-addresses", "192.0.2.100 lo\n");
  const line = 'exec "$@"';
  const call = [join(host.scripts, run[0]), ...run.slice(1)];
  const passes = [
    `[ ! -x "$FOLDER/stand-ins/${program}" ] || exec "$FOLDER/stand-ins/${program}" "$@"`,
    `PATH=\${PATH#*:} exec ${program} "$@"`,
  ];
  host.program(program, [`case $* in ${words}) exit 1 ;; esac`, ...passes]);
  const before = stays.map((file) => host.read(file));
  const { code } = host.shell(line, call, input);
  expect([code, stays.map((file) => host.read(file))]).toEqual([1, before]);
});

/** Programs that query the host and may rightly answer nothing. */
const asks =
  "ipvsadm|ip|ufw|journalctl|apt-mark|dpkg|nft|sysctl|systemctl|systemd-analyze|getent|df|networkctl|connections|live";
/** Calls whose failure is harmless. */
const known = [
  // A journal that was cut off lacks its beginning, as a short one may.
  "ipvs.sh: timeout 10 journalctl",
  // Repeated until the answer is right; missing parts are reported.
  "network.sh: ip -oneline",
  "network.sh: ip neighbour",
  "network.sh: ip -family",
  // An order, not a question.
  "drain.sh: ipvsadm $(printf",
  // An empty answer is an error, too.
  "firewall-ufw.sh: ip -o addr show",
  "preflight.sh: df",
  "preflight.sh: ip -o addr show",
  // An unreadable value counts as different.
  "metrics.sh: sysctl",
  // It fails if it finds something.
  "packages.sh: dpkg --audit",
  // An unknown state is not reported.
  "preflight.sh: networkctl",
  "preflight.sh: systemd-analyze",
  "preflight.sh: systemctl show",
];

test("no pipe begins with a program that asks the host", () => {
  const folder = join(__dirname, "../../templates/scripts");
  const pipe = new RegExp(
    `(?:^ *(?:if )?|[;&({!] *|\\$\\()((?:timeout \\d+ )?(?:${asks}) [^|&;)\\n]*) ?\\|(?!\\|)`,
    "gm",
  );
  const found = readdirSync(folder).flatMap((name) =>
    [
      ...readFileSync(join(folder, name), "utf8")
        .replace(/^\s*#.*$/gm, "")
        .matchAll(pipe),
    ].map(([, command = ""]) => `${name}: ${command}`),
  );
  expect(found.filter((one) => !known.some((begin) => one.startsWith(begin)))).toEqual([]);
  expect(known.filter((begin) => !found.some((one) => one.startsWith(begin)))).toEqual([]);
});
